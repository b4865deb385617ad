"""People: the acting user invites, changes, removes and hands over; everybody else only sees who is there."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from rollbook.actions.accounts import account_by, find_invitation, invite
from rollbook.actions.actors import OPERATOR
from rollbook.actions.members import change_role, hand_over, remove_member
from rollbook.errors import ConfigError
from rollbook.store.models import Account, ApiToken, AuditRow, Invitation, Membership, Organization
from tests.post import Mailbox, mail_server
from tests.web.accounts import good_page
from tests.web.people import Person, make_person, words
from tests.web.world import import_maple

PEOPLE = "/o/maple/people/"


def _acting() -> Account | None:
    return Organization.objects.get(slug="maple").acting


def _role(person: Person) -> str:
    return Membership.objects.get(account=person.account, organization__slug="maple").role


def test_the_list(ann: Person, bob: Person, vic: Person, tea: Person) -> None:
    Authenticator.objects.create(user=bob.account, type="totp", data={})
    Authenticator.objects.create(user=vic.account, type="recovery_codes", data={})
    text = good_page(ann.get(PEOPLE))
    rows = {name: row for row, name in re.findall(r'(<tr>\s*<th scope="row">(\w+).*?</tr>)', text, re.DOTALL)}
    assert set(rows) == {"Ann", "Bob", "Vic", "Tea"}
    assert "Acting User" in rows["Ann"]
    assert "Acting User" not in rows["Bob"]
    assert ">Yes</td>" in rows["Bob"]
    assert ">No</td>" in rows["Vic"], "recovery codes alone are no factor"
    assert "Teacher" in rows["Tea"]
    assert f"{PEOPLE}{bob.account.pk}/" in rows["Bob"]
    assert f"{PEOPLE}{ann.account.pk}/" not in rows["Ann"], "nobody changes themselves"


def test_others_see_the_list_and_nothing_to_press(ann: Person, bob: Person, vic: Person) -> None:
    Invitation.objects.create(
        digest="x", organization=Organization.objects.get(), email="secret@example.org", expires_at="2099-01-01T00:00Z"
    )
    for person in (bob, vic):
        text = good_page(person.get(PEOPLE))
        assert "Ann Acting" in text
        assert "Invite somebody" not in text
        assert "secret@example.org" not in text
        assert "invitation_link" not in person.client.session


def test_it_is_paged_and_filtered_by_role(ann: Person) -> None:
    organization = Organization.objects.get(slug="maple")
    accounts = Account.objects.bulk_create(
        [Account(email=f"t{number}@example.org", name=f"T {number:03}", password="!") for number in range(150)]
    )
    Membership.objects.bulk_create(
        [Membership(account=one, organization=organization, role="teacher") for one in accounts]
    )
    first, second = ann.get(f"{PEOPLE}?role=teacher"), ann.get(f"{PEOPLE}?role=teacher&page=2")
    assert "T 049" in words(first)
    assert "T 050" not in words(first)
    assert "T 050" in words(second)
    assert "Ann Acting (you)" not in words(second)
    assert "Nobody." in words(ann.get(f"{PEOPLE}?role=viewer"))
    for odd in ("0", "-1", "x", "9" * 30, "²"):
        assert ann.get(PEOPLE, page=odd).status_code == 200


def test_the_list_asks_the_database_a_few_times_only(ann: Person, bob: Person, vic: Person, tea: Person) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    ann.get(PEOPLE)
    with CaptureQueriesContext(connection) as few:
        ann.get(PEOPLE)
    for number in range(20):
        make_person(f"More {number}", org="maple")
    with CaptureQueriesContext(connection) as many:
        ann.get(PEOPLE)
    assert len(many) == len(few) < 12


def test_an_invitations_link_is_shown_once(ann: Person) -> None:
    answer = ann.post(f"{PEOPLE}invite/", email="New@Example.org", name="Nell New", role="viewer")
    assert answer["Location"] == PEOPLE
    text = good_page(ann.get(PEOPLE))
    [link] = re.findall(r"http://testserver(/invitation/[\w-]+/)", text)
    assert "new@example.org" in text
    assert "/invitation/" not in ann.get(PEOPLE).content.decode()
    assert "Viewer" in good_page(Client().get(link))
    assert AuditRow.objects.filter(action="invite", by="Ann Acting (ann.acting@example.org)").exists()


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"email": "no address", "role": "viewer"}, "email"),
        ({"email": "", "role": "king"}, "role"),
        ({"email": "", "role": ""}, "role"),
        ({"email": "", "role": "viewer", "name": "x" * 151}, "name"),
    ],
)
def test_a_wrong_invitation_is_told_beside_the_field(ann: Person, sent: dict[str, str], field: str) -> None:
    text = good_page(ann.post(f"{PEOPLE}invite/", **sent), 422)
    assert f'id="id_{field}_error"' in text
    assert not Invitation.objects.exists()


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    with mail_server() as found:
        monkeypatch.setenv("ROLLBOOK_SMTP_URL", f"smtp://127.0.0.1:{found.port}?tls=none")
        monkeypatch.setenv("ROLLBOOK_MAIL_FROM", "rollbook@maple.example")
        monkeypatch.setenv("ROLLBOOK_URL", "https://rollbook.maple.example")
        yield found


def test_an_invitation_by_mail(ann: Person, box: Mailbox) -> None:
    ann.post(f"{PEOPLE}invite/", email="new@example.org", role="viewer", mail="on")
    text = ann.get(PEOPLE).content.decode()
    [link] = re.findall(r"https://rollbook\.maple\.example/invitation/[\w-]+/", text)
    assert "sent by mail" in text
    assert [to for to, _ in box.mails] == ["new@example.org"]
    assert link in box.texts()[0]
    assert "Ann Acting invites you to Maple Valley" in box.texts()[0]


def test_a_mail_that_does_not_go_out_is_told_and_the_link_is_there(ann: Person, box: Mailbox) -> None:
    box.refuse["new@example.org"] = "550 no"
    ann.post(f"{PEOPLE}invite/", email="new@example.org", role="viewer", mail="on")
    text = words(ann.get(PEOPLE))
    assert "The mail was not sent" in text
    assert "/invitation/" in text


def test_a_mail_needs_an_address(ann: Person, box: Mailbox) -> None:
    assert "type the address" in good_page(ann.post(f"{PEOPLE}invite/", email="", role="viewer", mail="on"), 422)


def test_without_a_mail_server_there_is_no_box_for_it(ann: Person) -> None:
    assert 'name="mail"' not in ann.get(PEOPLE).content.decode()


def test_an_invitation_is_taken_back(ann: Person) -> None:
    ann.post(f"{PEOPLE}invite/", email="new@example.org", role="viewer")
    [link] = re.findall(r"http://testserver(/invitation/[\w-]+/)", ann.get(PEOPLE).content.decode())
    number = Invitation.objects.get().pk
    assert "works no more" in words(_followed(ann, f"{PEOPLE}invitations/{number}/revoke/"))
    assert Client().get(link).status_code == 404
    assert "already" in words(_followed(ann, f"{PEOPLE}invitations/{number}/revoke/")), "twice is told"


def _followed(person: Person, path: str, **sent: str):
    return person.client.post(path, sent, follow=True)


def test_nobody_takes_back_another_organizations_invitation(ann: Person, world) -> None:
    import_maple(world.name, slug="other")
    other = Invitation.objects.create(
        digest="x", organization=Organization.objects.get(slug="other"), expires_at="2099-01-01T00:00Z"
    )
    _followed(ann, f"{PEOPLE}invitations/{other.pk}/revoke/")
    assert Invitation.objects.filter(pk=other.pk).exists()


def test_a_role_is_changed(ann: Person, bob: Person) -> None:
    good_page(ann.get(f"{PEOPLE}{bob.account.pk}/"))
    assert "Bob Admin is now: Viewer." in words(_followed(ann, f"{PEOPLE}{bob.account.pk}/", role="viewer"))
    assert _role(bob) == "viewer"
    row = AuditRow.objects.get(action="change role")
    assert (row.subject, row.details) == ("Bob Admin (bob.admin@example.org)", "administrator → viewer")
    good_page(ann.post(f"{PEOPLE}{bob.account.pk}/", role="king"), 422)


def test_a_member_is_removed_after_asking_once_more(ann: Person, bob: Person) -> None:
    ApiToken.objects.create(organization=Organization.objects.get(), account=bob.account, name="x", digest="d")
    assert "Remove Bob Admin?" in good_page(ann.get(f"{PEOPLE}{bob.account.pk}/remove/"))
    assert "no member any more" in words(_followed(ann, f"{PEOPLE}{bob.account.pk}/remove/"))
    assert bob.get("/o/maple/").status_code == 404
    assert not ApiToken.objects.exists()
    assert Account.objects.filter(pk=bob.account.pk, is_active=True).exists()
    assert ann.post(f"{PEOPLE}{bob.account.pk}/remove/").status_code == 404


def test_no_open_invitation_brings_a_removed_member_back(ann: Person, bob: Person, world) -> None:
    import_maple(world.name, slug="other")
    theirs = invite(by="test", org="maple", email=bob.account.email)[1]
    by_them = invite(by=account_by(bob.account), org="maple", role="administrator")[1]
    kept = [
        invite(by=account_by(bob.account), org="maple", email="new@example.org")[1],
        invite(by="test", org="maple")[1],
        invite(by="test", org="other", email=bob.account.email)[1],
    ]
    ann.post(f"{PEOPLE}{bob.account.pk}/remove/")
    for token in (theirs, by_them):
        assert bob.post(f"/invitation/{token}/").status_code == 404
    assert bob.get("/o/maple/").status_code == 404
    assert all(find_invitation(token) for token in kept)
    assert AuditRow.objects.filter(action="revoke invitation", by__startswith="Ann Acting").count() == 2


def test_the_acting_user_cannot_go_before_handing_over(ann: Person) -> None:
    me = ann.account.pk
    good_page(ann.get(f"{PEOPLE}{me}/"))
    for path, sent in ((f"{PEOPLE}{me}/remove/", {}), (f"{PEOPLE}{me}/", {"role": "viewer"})):
        assert "Hand over first" in words(_followed(ann, path, **sent))
    assert _role(ann) == "administrator"
    assert _acting() == ann.account


def test_handing_over(ann: Person, bob: Person) -> None:
    assert "Hand over to Bob Admin?" in good_page(ann.get(f"{PEOPLE}{bob.account.pk}/hand-over/"))
    assert _acting() == ann.account, "asking changes nothing"
    assert "Bob Admin is the Acting User now." in words(_followed(ann, f"{PEOPLE}{bob.account.pk}/hand-over/"))
    assert _acting() == bob.account
    assert ann.post(f"{PEOPLE}invite/", role="viewer").status_code == 403
    assert "Invite somebody" in words(bob.get(PEOPLE))
    assert AuditRow.objects.get(action="hand over").by == "Ann Acting (ann.acting@example.org)"


@pytest.mark.parametrize("who", ["vic", "tea"])
def test_only_a_system_administrator_is_handed_over_to(ann: Person, who: str, request: pytest.FixtureRequest) -> None:
    other = request.getfixturevalue(who)
    assert "Only a system administrator" in words(_followed(ann, f"{PEOPLE}{other.account.pk}/hand-over/"))
    assert _acting() == ann.account


def test_two_tabs_hand_over_to_two_people(ann: Person, bob: Person) -> None:
    carl = make_person("Carl", org="maple")
    hand_over(org="maple", to=bob.account.pk, by="ann", actor=ann.account.pk)
    with pytest.raises(ConfigError, match="not the acting user any more"):
        hand_over(org="maple", to=carl.account.pk, by="ann", actor=ann.account.pk)
    assert _acting() == bob.account


@pytest.mark.parametrize("how", ["removed", "demoted"])
def test_an_acting_user_who_leaves_leaves_the_organization_without_one(ann: Person, bob: Person, how: str) -> None:
    if how == "removed":
        remove_member(org="maple", account=ann.account.pk, by=OPERATOR)
    else:
        change_role(org="maple", account=ann.account.pk, role="viewer", by=OPERATOR)
    assert _acting() is None
    assert "Nobody is the Acting User" in words(bob.get(PEOPLE))
    assert bob.post(f"{PEOPLE}invite/", role="viewer").status_code == 403


def test_schedules_go_on_without_an_acting_user(ann: Person, world) -> None:
    from django.utils import timezone

    from rollbook.actions.settings_edit import change_settings
    from rollbook.store.models import Run

    def nightly(document):
        document["schedule"] = {"mode": "scheduled", "every": "daily", "window": "00:00-03:00"}

    change_settings(org="maple", by="Ann", what="save schedule", change=nightly)
    remove_member(org="maple", account=ann.account.pk, by=OPERATOR)
    from datetime import timedelta

    from rollbook.actions.schedule import queue_due

    queue_due(now=timezone.now() + timedelta(days=3))
    assert Run.objects.filter(organization__slug="maple", requested_by="schedule").exists()


def test_members_of_other_organizations_are_not_there(ann: Person, world) -> None:
    import_maple(world.name, slug="other")
    stan = make_person("Stan Stranger", org="other")
    for path in ("", "remove/", "hand-over/"):
        assert ann.get(f"{PEOPLE}{stan.account.pk}/{path}").status_code == 404
        assert ann.post(f"{PEOPLE}{stan.account.pk}/{path}", role="viewer").status_code == 404
    assert "Stan" not in words(ann.get(PEOPLE))
