"""Signing in and out: passwords, rate limits, and which pages there are."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import get_resolver

from rollbook.store.models import Account
from tests.web.accounts import LOGIN, good_page, sign_in, with_password
from tests.web.people import PASSWORD, Person, make_person, words


def test_the_page_asks_for_address_and_password(pages: object) -> None:
    text = good_page(Client().get(LOGIN))
    assert 'name="login"' in text
    assert 'autocomplete="current-password"' in text
    assert "by invitation" in text
    assert "sign up" not in text.lower()


def test_signing_in_and_out(ann: Person) -> None:
    with_password(ann)
    browser = Client()
    answer = sign_in("  ANN.acting@Example.org", client=browser)
    assert answer["Location"] == "/"
    assert browser.get("/o/maple/").status_code == 200
    ann.account.refresh_from_db()
    assert ann.account.last_login is not None
    assert browser.post("/accounts/logout/")["Location"] == LOGIN
    assert browser.get("/o/maple/").status_code == 302


def test_passwords_are_kept_as_argon2(ann: Person) -> None:
    with_password(ann)
    assert Account.objects.get(pk=ann.account.pk).password.startswith("argon2$argon2id$")


@pytest.mark.parametrize(("email", "password"), [("ann.acting@example.org", "wrong"), ("nobody@example.org", PASSWORD)])
def test_wrong_ones_are_told_the_same(ann: Person, email: str, password: str) -> None:
    with_password(ann)
    answer = sign_in(email, password)
    good_page(answer)
    assert "The email address and/or password you specified are not correct." in words(answer)
    assert password not in answer.content.decode()


def test_an_account_is_guessed_at_five_times_by_whatever_name_the_server_is_called(ann: Person) -> None:
    with_password(ann)
    for attempt in range(5):
        browser = Client(headers={"host": f"name{attempt}.example"})
        assert "not correct" in words(sign_in("ann.acting@example.org", "wrong", browser))
    answer = sign_in("Ann.Acting@example.org", PASSWORD, Client(headers={"host": "other.example"}))
    assert "Too many failed login attempts. Try again later." in words(answer)


def test_one_address_guesses_at_ten_accounts_a_minute(pages: object) -> None:
    answers = [words(sign_in(f"person{number}@example.org", "wrong")) for number in range(11)]
    assert all("not correct" in one for one in answers[:10])
    assert "Too many failed" in answers[10]


def test_good_passwords_do_not_use_up_the_attempts(ann: Person) -> None:
    with_password(ann)
    for _ in range(7):
        assert sign_in("ann.acting@example.org").status_code == 302


def test_a_closed_account_does_not_get_in(ann: Person) -> None:
    with_password(ann)
    Account.objects.filter(pk=ann.account.pk).update(is_active=False)
    browser = Client()
    answer = sign_in("ann.acting@example.org", client=browser)
    assert answer.status_code in (200, 302)
    assert browser.get("/o/maple/").status_code == 302, "not in"
    assert ann.get("/o/maple/").status_code == 302, "its open sessions have ended"


@pytest.mark.parametrize("there", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_signing_in_leads_to_no_other_host(ann: Person, there: str) -> None:
    with_password(ann)
    assert sign_in("ann.acting@example.org", next=there)["Location"] == "/"


def test_signing_in_leads_back_to_where_one_was(ann: Person) -> None:
    with_password(ann)
    asked = Client().get("/o/maple/people/")
    assert asked["Location"] == "/accounts/login/?next=%2Fo%2Fmaple%2Fpeople%2F"
    assert 'name="next" value="/o/maple/people/"' in Client().get(asked["Location"]).content.decode()
    assert sign_in("ann.acting@example.org", next="/o/maple/people/")["Location"] == "/o/maple/people/"


@pytest.mark.parametrize(
    "path",
    [
        "/accounts/signup/",
        "/accounts/signup/passkey/",
        "/accounts/email/",
        "/accounts/confirm-email/",
        "/accounts/confirm-email/abc/",
        "/accounts/login/code/",
        "/accounts/login/code/confirm/",
        "/accounts/reauthenticate/code/",
        "/accounts/3rdparty/signup/",
        "/accounts/social/signup/",
        "/accounts/2fa/webauthn/signup/",
        "/accounts/2fa/trust/",
        "/accounts/oidc/oidc/login/callback/",
        "/accounts/",
        "/admin/",
    ],
)
def test_pages_that_make_no_sense_here_are_not_there(pages: object, path: str) -> None:
    assert Client().get(path).status_code == 404
    assert Client().post(path).status_code in (404, 405)


def test_a_list_of_the_librarys_pages_is_what_there_is(pages: object) -> None:
    [accounts] = [one for one in get_resolver().url_patterns if str(one.pattern) == "accounts/"]
    assert not [one for one in accounts.url_patterns if "signup" in str(one.pattern) or "email" in str(one.pattern)]
    assert len(accounts.url_patterns) < 35


def test_a_new_password_ends_all_other_sessions(ann: Person) -> None:
    with_password(ann)
    other = Client()
    sign_in("ann.acting@example.org", client=other)
    assert other.get("/o/maple/").status_code == 200
    good_page(ann.get("/accounts/password/change/"))
    new = "quite another passphrase"
    answer = ann.post("/accounts/password/change/", oldpassword=PASSWORD, password1=new, password2=new)
    assert answer.status_code == 302
    assert ann.get("/o/maple/").status_code == 200, "one's own browser stays"
    assert other.get("/o/maple/").status_code == 302
    assert sign_in("ann.acting@example.org").status_code == 200, "the old one is no good"
    assert sign_in("ann.acting@example.org", new).status_code == 302


@pytest.mark.parametrize("weak", ["short", "ann.acting@example.org", "1q2w3e4r5t6y", "123456789012"])
def test_weak_passwords_are_refused_beside_the_field(ann: Person, weak: str) -> None:
    with_password(ann)
    answer = ann.post("/accounts/password/change/", oldpassword=PASSWORD, password1=weak, password2=weak)
    text = good_page(answer)
    assert 'id="id_password1_error"' in text
    assert f'value="{weak}"' not in text
    assert Account.objects.get(pk=ann.account.pk).check_password(PASSWORD)


def test_an_operator_begins_at_the_organizations(pages: object) -> None:
    operator = make_person("Olga Operator", operator=True)
    assert operator.get("/")["Location"] == "/organizations/"


def test_each_account_has_its_language(ann: Person, bob: Person) -> None:
    assert ann.post("/language/", language="es", next="/o/maple/people/")["Location"] == "/o/maple/people/"
    assert '<html lang="es">' in ann.get("/o/maple/people/").content.decode()
    assert '<html lang="en">' in bob.get("/o/maple/people/").content.decode()
    again = Client()
    again.force_login(ann.account, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert '<html lang="es">' in again.get("/o/maple/people/").content.decode(), "kept with the account"


@pytest.mark.parametrize("there", ["https://evil.example/", "//evil.example", "", "people"])
def test_a_language_that_is_none_changes_nothing(ann: Person, there: str) -> None:
    assert ann.post("/language/", language="tlh", next=there)["Location"] == "/"
    assert Account.objects.get(pk=ann.account.pk).language == ""


def test_strangers_get_the_language_that_their_browser_asks_for(pages: object) -> None:
    text = Client(headers={"accept-language": "es"}).get(LOGIN).content.decode()
    assert '<html lang="es">' in text
