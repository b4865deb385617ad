"""Invitations: make an account, or add one's own to an organization; once, within seven days."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from rollbook.actions.accounts import accept, find_invitation, invite, set_up_invitation
from rollbook.errors import ConfigError
from rollbook.store.models import Account, AuditRow, Invitation, Membership, Organization
from tests.web.accounts import good_page, sign_in
from tests.web.people import Person, make_person, words

NEW = {
    "name": "Nell New",
    "email": "Nell@Example.org",
    "password": "a fine long password",
    "again": "a fine long password",
}


def _token(**more: object) -> str:
    wanted = {"by": "test", "org": "maple", **more}
    return invite(**wanted)[1]


def test_it_makes_an_account_and_signs_in(ann: Person) -> None:
    token, browser = _token(role="viewer"), Client()
    text = good_page(browser.get(f"/invitation/{token}/"))
    assert "Invitation to Maple Valley" in text
    assert "Viewer" in text
    answer = browser.post(f"/invitation/{token}/", NEW)
    assert answer["Location"] == "/"
    assert browser.get("/")["Location"] == "/o/maple/"
    made = Account.objects.get(email="nell@example.org")
    assert made.password.startswith("argon2$")
    assert Membership.objects.get(account=made).role == "viewer"
    assert AuditRow.objects.filter(action="accept invitation", by="Nell New (nell@example.org)").exists()
    assert sign_in("nell@example.org", NEW["password"]).status_code == 302


def test_it_works_once(ann: Person) -> None:
    token = _token()
    first = Client()
    first.post(f"/invitation/{token}/", NEW)
    assert first.post(f"/invitation/{token}/", NEW)["Location"] == "/", "a second press of the button is no mistake"
    late = Client().post(f"/invitation/{token}/", {**NEW, "email": "late@example.org"})
    assert "This invitation does not work" in good_page(late, 404)
    assert Account.objects.filter(email__endswith="@example.org").count() == 2


def test_it_works_for_seven_days(ann: Person) -> None:
    token = _token()
    Invitation.objects.update(expires_at=timezone.now() + timedelta(seconds=30))
    assert Client().get(f"/invitation/{token}/").status_code == 200
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert Client().get(f"/invitation/{token}/").status_code == 404
    with pytest.raises(ConfigError, match="too old"):
        accept(token=token, email="a@example.org", name="A", password="x")


@pytest.mark.parametrize("token", ["nothing", "x" * 500, "%00", "a%20b"])
def test_a_link_that_is_none(pages: object, token: str) -> None:
    assert Client().get(f"/invitation/{token}/").status_code == 404


def test_only_a_digest_is_kept(ann: Person) -> None:
    token = _token()
    assert token not in str(list(Invitation.objects.values()))
    assert len(Invitation.objects.get().digest) == 64


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("name", "", "required"),
        ("name", "Nell\x07", "can be seen"),
        ("email", "no address", "valid email"),
        ("password", "short", "too short"),
        ("password", "nell@example.org", "similar"),
        ("again", "another one, quite long", "two different passwords"),
    ],
)
def test_mistakes_are_told_beside_their_fields_and_the_rest_stays(
    ann: Person, field: str, value: str, told: str
) -> None:
    token = _token()
    answer = Client().post(f"/invitation/{token}/", {**NEW, field: value})
    text = good_page(answer)
    assert told in text
    assert f'id="id_{field}_error"' in text
    if field != "name":
        assert "Nell New" in text
    assert NEW["password"] not in text
    assert not Account.objects.filter(email="nell@example.org").exists()


def test_an_address_that_is_fixed(ann: Person) -> None:
    token = _token(email="Boss@Example.org", name="The Boss")
    text = good_page(Client().get(f"/invitation/{token}/"))
    assert "boss@example.org" in text
    assert 'name="email"' not in text
    assert 'value="The Boss"' in text
    Client().post(f"/invitation/{token}/", {**NEW, "email": "other@example.org"})
    assert Account.objects.filter(email="boss@example.org").exists()
    assert not Account.objects.filter(email="other@example.org").exists()


def test_an_address_that_has_an_account_already(ann: Person, bob: Person) -> None:
    token = _token(role="viewer")
    answer = Client().post(f"/invitation/{token}/", {**NEW, "email": bob.account.email})
    assert "There is an account with this e-mail address" in good_page(answer)
    assert find_invitation(token) is not None


def test_an_account_joins_with_one_button(ann: Person) -> None:
    stan = make_person("Stan Stranger")
    token = _token(role="viewer")
    text = good_page(stan.get(f"/invitation/{token}/"))
    assert "You are signed in as Stan Stranger" in " ".join(text.split())
    assert stan.get("/o/maple/").status_code == 404
    assert stan.post(f"/invitation/{token}/")["Location"] == "/o/maple/"
    assert stan.get("/o/maple/").status_code == 200


def test_an_account_with_another_address_is_told_so(ann: Person) -> None:
    stan = make_person("Stan Stranger")
    token = _token(email="boss@example.org")
    assert stan.post(f"/invitation/{token}/")["Location"] == f"/invitation/{token}/"
    assert "This invitation is for boss@example.org" in words(stan.get(f"/invitation/{token}/"))
    assert not Membership.objects.filter(account=stan.account).exists()


def test_an_invitation_takes_nothing_away(ann: Person, bob: Person) -> None:
    ann.post(f"/invitation/{_token(role='viewer')}/")
    assert Membership.objects.get(account=ann.account).role == "administrator"
    vic = make_person("Vic", org="maple", role="viewer")
    vic.post(f"/invitation/{_token()}/")
    assert Membership.objects.get(account=vic.account).role == "administrator"


def test_who_becomes_acting_user(world: object) -> None:
    first, second = _token(acting=True), _token(acting=True)
    accept(token=first, email="one@example.org", name="One", password="x")
    accept(token=second, email="two@example.org", name="Two", password="x")
    acting = Organization.objects.get(slug="maple").acting
    assert acting is not None
    assert acting.email == "one@example.org", "the second finds one there"


def test_the_very_first_account(world: object) -> None:
    earlier, token = set_up_invitation(), set_up_invitation()
    assert token
    assert Client().get(f"/invitation/{earlier}/").status_code == 404, "each start makes a new link"
    browser = Client()
    assert browser.post(f"/invitation/{token}/", NEW)["Location"] == "/"
    made = Account.objects.get()
    assert made.is_operator
    assert Organization.objects.get(slug="maple").acting == made, "the only organization is theirs"
    assert set_up_invitation() is None


def test_the_first_link_is_worth_nothing_once_there_is_an_account(world: object) -> None:
    token = set_up_invitation()
    make_person("Ann", org="maple")
    assert Client().get(f"/invitation/{token}/").status_code == 404
    with pytest.raises(ConfigError):
        accept(token=str(token), email="a@example.org", name="A", password="x")


def test_without_an_organization_the_first_account_begins_at_making_one(pages: object) -> None:
    token, browser = set_up_invitation(), Client()
    browser.post(f"/invitation/{token}/", NEW)
    assert browser.get("/")["Location"] == "/organizations/"
    good_page(browser.get("/organizations/"))
