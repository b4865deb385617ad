"""Single sign-on against a provider of tests: bound to the subject, connected by the person, used by invitations."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from rollbook.actions.accounts import invite
from rollbook.errors import ConfigError
from rollbook.store.folder import DataFolder
from rollbook.store.models import Account, Membership
from rollbook.web.opening import open_pages
from tests.web.accounts import good_page, query, reauthenticate, with_password
from tests.web.people import Person, words
from tests.web.provider import CLIENT, SECRET, Identities, identities

LOGIN = "/accounts/oidc/oidc/login/"


@pytest.fixture
def idp(pages: DataFolder, monkeypatch: pytest.MonkeyPatch) -> Iterator[Identities]:
    with identities() as found:
        for name, value in (("SERVER", found.url), ("CLIENT", CLIENT), ("SECRET", SECRET), ("NAME", "Maple sign-on")):
            monkeypatch.setenv(f"ROLLBOOK_OIDC_{name}", value)
        open_pages(pages)
        yield found
    monkeypatch.undo()
    open_pages(pages)


def _leave(browser: Client, **sent: str) -> str:
    """Press the button; the provider's address to which the page goes on."""
    answer = browser.post(LOGIN, {"process": "login", **sent})
    text = good_page(answer)
    found = re.search(r'http-equiv="refresh" content="0;url=([^"]+)"', text)
    assert found
    return html.unescape(found[1])


def _go(browser: Client, idp: Identities, **sent: str) -> Any:
    """There and back."""
    back = idp.leave_for(_leave(browser, **sent))
    assert back.startswith("http://testserver/accounts/oidc/oidc/login/callback/?")
    return browser.get(back.removeprefix("http://testserver"))


def _connect(person: Person, idp: Identities) -> None:
    reauthenticate(with_password(person))
    assert _go(person.client, idp, process="connect")["Location"] == "/accounts/2fa/"


def test_the_sign_in_page_has_a_button(idp: Identities) -> None:
    assert "Sign in with Maple sign-on" in good_page(Client().get("/accounts/login/"))


def test_an_account_connects_it_once_and_signs_in_with_it(ann: Person, idp: Identities) -> None:
    assert "Connect Maple sign-on" in words(with_password(ann).get("/accounts/2fa/"))
    _connect(ann, idp)
    assert "Connected: you can sign in with it." in words(ann.get("/accounts/2fa/"))
    browser = Client()
    assert _go(browser, idp)["Location"] == "/"
    assert browser.get("/o/maple/").status_code == 200
    idp.person = {**idp.person, "email": "other@idp.example"}
    again = Client()
    assert _go(again, idp)["Location"] == "/", "the address may change, the subject does not"


def test_connecting_asks_for_the_password_first(ann: Person, idp: Identities) -> None:
    with_password(ann)
    answer = _go(ann.client, idp, process="connect")
    assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert not SocialAccount.objects.exists()
    answer = ann.post("/accounts/reauthenticate/", password="a long enough passphrase")
    assert answer["Location"] == "/accounts/2fa/"
    assert SocialAccount.objects.get().user_id == ann.account.pk


def test_the_same_address_opens_nothing(ann: Person, idp: Identities) -> None:
    idp.person = {"sub": "stranger", "email": ann.account.email, "email_verified": True, "name": "Ann Acting"}
    browser = Client()
    answer = _go(browser, idp)
    good_page(answer)
    assert "no Rollbook account is connected with it" in words(answer)
    assert browser.get("/o/maple/").status_code == 302
    assert Account.objects.count() == 1


def test_another_providers_person_of_the_same_number_is_somebody_else(
    ann: Person, idp: Identities, pages: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    _connect(ann, idp)
    with identities() as other:
        monkeypatch.setenv("ROLLBOOK_OIDC_SERVER", other.url)
        open_pages(pages)
        browser = Client()
        assert "no Rollbook account is connected" in words(_go(browser, other))
        assert browser.get("/o/maple/").status_code == 302


def test_a_sign_on_belongs_to_one_account(ann: Person, bob: Person, idp: Identities) -> None:
    _connect(ann, idp)
    reauthenticate(with_password(bob))
    _go(bob.client, idp, process="connect")
    assert SocialAccount.objects.get().user_id == ann.account.pk
    assert "already connected to a different account" in words(bob.get("/accounts/2fa/"))


def test_it_is_disconnected(ann: Person, idp: Identities) -> None:
    _connect(ann, idp)
    text = good_page(ann.get("/accounts/connections/"))
    assert "ann@idp.example" in text
    ann.post("/accounts/connections/", account=str(SocialAccount.objects.get().pk))
    assert not SocialAccount.objects.exists()
    browser = Client()
    _go(browser, idp)
    assert browser.get("/o/maple/").status_code == 302


def _invitation(**more: Any) -> str:
    return invite(by="test", org="maple", role="viewer", **more)[1]


def test_an_invitation_is_accepted_with_it(ann: Person, idp: Identities) -> None:
    token, browser = _invitation(), Client()
    idp.person |= {"name": "Ann\n I.\0"}
    text = good_page(browser.get(f"/invitation/{token}/"))
    assert "Sign in with Maple sign-on" in text
    here = f"/invitation/{token}/"
    assert _go(browser, idp, invitation=token, next=here)["Location"] == here
    assert browser.get(here)["Location"] == "/"
    made = Account.objects.get(email="ann@idp.example")
    assert made.name == "Ann I."
    assert not made.has_usable_password()
    assert Membership.objects.get(account=made).role == "viewer"
    assert browser.get("/o/maple/people/").status_code == 200
    assert _go(Client(), idp)["Location"] == "/", "from now on without the invitation"


def test_an_invitation_for_an_address_makes_the_account_with_it(ann: Person, idp: Identities) -> None:
    token = _invitation(email="fixed@maple.example")
    idp.person = {"sub": "u-9"}
    assert _go(Client(), idp, invitation=token)["Location"] == "/"
    assert SocialAccount.objects.get().user.email == "fixed@maple.example"


def test_an_invitation_is_used_once_and_for_nothing_but_this_sign_in(ann: Person, idp: Identities) -> None:
    token, browser = _invitation(), Client()
    browser.get(f"/invitation/{token}/")
    assert "no Rollbook account is connected" in words(_go(browser, idp)), "only the invitation's own button takes it"
    _go(Client(), idp, invitation=token)
    idp.person = {"sub": "u-2", "email": "two@idp.example"}
    late = Client()
    assert _go(late, idp, invitation=token)["Location"] == "/accounts/login/"
    assert "used already" in words(late.get("/accounts/login/"))
    assert not Account.objects.filter(email="two@idp.example").exists()


def test_an_invitation_gives_nobody_anothers_account(ann: Person, idp: Identities) -> None:
    idp.person = {"sub": "thief", "email": ann.account.email}
    browser = Client()
    assert _go(browser, idp, invitation=_invitation())["Location"] == "/accounts/login/"
    assert "there is an account with this e-mail address" in words(browser.get("/accounts/login/")).lower()
    assert not SocialAccount.objects.exists()


def test_without_any_address_the_person_types_one(ann: Person, idp: Identities) -> None:
    idp.person = {"sub": "u-3"}
    browser = Client()
    assert _go(browser, idp, invitation=_invitation())["Location"] == "/accounts/login/"
    assert "gave no e-mail address" in words(browser.get("/accounts/login/"))


WRONGS: dict[str, dict[str, Any]] = {
    "another nonce": {"claims": {"nonce": "other"}},
    "no nonce": {"claims": {"nonce": None}},
    "another audience": {"claims": {"aud": "somebody"}},
    "another issuer": {"claims": {"iss": "https://evil.example"}},
    "too old": {"claims": {"exp": 1_000_000, "iat": 999_999}},
    "no subject": {"claims": {"sub": None}},
    "empty subject": {"claims": {"sub": ""}},
    "no signature": {"algorithm": "none"},
    "signed with a shared secret": {"algorithm": "HS256"},
    "no token": {"without_token": True},
}


@pytest.mark.parametrize("wrong", WRONGS.values(), ids=WRONGS)
def test_a_token_that_cannot_be_trusted_signs_nobody_in(
    ann: Person, idp: Identities, wrong: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    _connect(ann, idp)
    for name, value in wrong.items():
        setattr(idp, name, value)
    browser = Client()
    answer = _go(browser, idp)
    assert answer.status_code == 401
    assert "Single sign-on did not work" in good_page(answer, 401)
    assert browser.get("/o/maple/").status_code == 302
    told = [one for one in caplog.messages if "single sign-on did not work" in one]
    assert len(told) == 1, "the log says why"
    assert "token" in told[0].lower()
    assert "u-1" not in told[0]
    assert "idp.example" not in told[0]


def test_a_token_of_another_key_signs_nobody_in(ann: Person, idp: Identities) -> None:
    from tests.web.provider import _key

    _connect(ann, idp)
    idp.sign_with = _key()
    assert _go(Client(), idp).status_code == 401


def test_a_way_back_that_this_browser_did_not_start_is_refused(ann: Person, idp: Identities) -> None:
    _connect(ann, idp)
    back = idp.leave_for(_leave(Client())).removeprefix("http://testserver")
    victim = Client()
    assert victim.get(back).status_code == 401
    assert victim.get("/o/maple/").status_code == 302


def test_a_state_is_used_once(ann: Person, idp: Identities) -> None:
    _connect(ann, idp)
    browser = Client()
    back = idp.leave_for(_leave(browser)).removeprefix("http://testserver")
    assert browser.get(back).status_code == 302
    assert browser.get(back).status_code == 401


def test_leaving_before_it_is_done(idp: Identities) -> None:
    browser = Client()
    state = query(_leave(browser))["state"]
    answer = browser.get(f"{LOGIN}callback/", {"error": "access_denied", "state": state}, follow=True)
    good_page(answer)
    assert "you left the single sign-on" in words(answer).lower()


def test_a_provider_that_is_down_is_said(idp: Identities) -> None:
    browser = Client()
    back = idp.leave_for(_leave(browser)).removeprefix("http://testserver")
    idp.down = True
    good_page(Client().post(LOGIN), 401)
    good_page(browser.get(back), 401)


def test_it_begins_by_a_button_only_and_at_our_provider(idp: Identities) -> None:
    assert Client().get(LOGIN).status_code == 405
    assert Client().post("/accounts/oidc/other/login/").status_code == 404
    assert Client().post(LOGIN, {"process": "redirect"}).status_code == 404
    asked = query(_leave(Client(), scope="admin", auth_params="prompt=none"))
    assert "admin" not in asked["scope"]
    assert "prompt" not in asked


def test_the_way_back_is_at_the_public_address(idp: Identities, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLBOOK_URL", "https://rollbook.maple.example/")
    found = query(_leave(Client(headers={"host": "evil.example"})))["redirect_uri"]
    assert found == "https://rollbook.maple.example/accounts/oidc/oidc/login/callback/"


def test_half_a_setting_is_told_at_the_start(pages: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLBOOK_OIDC_SERVER", "https://idp.example")
    with pytest.raises(ConfigError, match="ROLLBOOK_OIDC_CLIENT and ROLLBOOK_OIDC_SECRET"):
        open_pages(pages)


def test_without_the_setting_there_is_no_button_and_no_page(pages: object) -> None:
    assert "openid_connect" not in good_page(Client().get("/accounts/login/"))
    assert Client().post(LOGIN).status_code == 404


def test_people_with_nothing_but_single_sign_on_confirm_themselves_by_a_fresh_sign_in(
    ann: Person, idp: Identities, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Client()
    _go(browser, idp, invitation=_invitation())
    assert browser.get("/accounts/2fa/totp/activate/").status_code == 200
    import time

    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 301)
    answer = browser.get("/accounts/2fa/totp/activate/")
    good_page(answer, 403)
    assert "Please sign in once more" in words(answer)
