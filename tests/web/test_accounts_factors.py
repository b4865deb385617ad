"""Second factors: authenticator app, recovery codes, security keys and passkeys."""

from __future__ import annotations

import html
import json
import re
import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.test import Client

from tests.web.accounts import forget_attempts, good_page, reauthenticate, sign_in, with_password
from tests.web.people import Person, words
from tests.web.soft_key import SoftKey


@pytest.fixture(autouse=True)
def _one_half_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time in which an app's code is good does not end between the code and its use."""
    counter = next(totp.yield_hotp_counters_from_time())
    monkeypatch.setattr(totp, "yield_hotp_counters_from_time", lambda: iter([counter]))


def _code(secret: str) -> str:
    counter = next(totp.yield_hotp_counters_from_time())
    return str(totp.format_hotp_value(totp.hotp_value(secret, counter)))


def with_app(person: Person) -> str:
    """Turn the authenticator app on; its secret."""
    reauthenticate(with_password(person))
    text = good_page(person.get("/accounts/2fa/totp/activate/"))
    assert 'alt="QR code for your authenticator app"' in text
    found = re.search(r'id="authenticator_secret"[^>]*value="([A-Z2-7]+)"', text)
    assert found
    answer = person.post("/accounts/2fa/totp/activate/", code=_code(found[1]))
    assert answer.status_code == 302
    return found[1]


def test_changing_factors_asks_for_the_password_first(ann: Person) -> None:
    with_password(ann)
    answer = ann.get("/accounts/2fa/totp/activate/")
    assert answer["Location"].startswith("/accounts/reauthenticate/")
    good_page(ann.get(answer["Location"]))
    good_page(ann.post("/accounts/reauthenticate/", password="wrong"))
    assert ann.get("/accounts/2fa/totp/activate/").status_code == 302


def test_a_factor_is_kept_encrypted(ann: Person) -> None:
    secret = with_app(ann)
    kept = json.dumps([one.data for one in Authenticator.objects.all()])
    assert secret not in kept
    assert kept.count("gAAAA") >= 2, "the app's secret and the seed of the recovery codes"


def test_the_app_is_asked_for_at_the_next_sign_in(ann: Person) -> None:
    secret = with_app(ann)
    good_page(ann.get("/accounts/2fa/"))
    browser = Client()
    answer = sign_in("ann.acting@example.org", client=browser)
    assert answer["Location"] == "/accounts/2fa/authenticate/"
    assert browser.get("/o/maple/").status_code == 302, "half signed in is not signed in"
    good_page(browser.get("/accounts/2fa/authenticate/"))
    text = good_page(browser.post("/accounts/2fa/authenticate/", {"code": "000000"}))
    assert 'id="id_code_error"' in text
    _next_code(secret, browser)
    assert browser.get("/o/maple/").status_code == 200


def _next_code(secret: str, browser: Client) -> None:
    """A code works once: forget that it was used when the app was turned on."""
    forget_attempts()
    answer = browser.post("/accounts/2fa/authenticate/", {"code": _code(secret)})
    assert answer.status_code == 302, words(answer)


def test_a_recovery_code_works_once(ann: Person) -> None:
    with_app(ann)
    good_page(ann.get("/accounts/2fa/recovery-codes/generate/"))
    text = good_page(ann.get("/accounts/2fa/recovery-codes/"))
    codes = re.findall(r"^(?:.*>)?([0-9a-f]{8})(?:<.*)?$", html.unescape(text), re.MULTILINE)
    assert len(codes) == 10
    for status in (302, 200):
        browser = Client()
        sign_in("ann.acting@example.org", client=browser)
        assert browser.post("/accounts/2fa/authenticate/", {"code": codes[0]}).status_code == status
    assert "9 codes are left" in words(ann.get("/accounts/2fa/"))


def test_guessing_codes_is_stopped(ann: Person) -> None:
    with_app(ann)
    browser = Client()
    sign_in("ann.acting@example.org", client=browser)
    answers = [browser.post("/accounts/2fa/authenticate/", {"code": f"{n:06}"}) for n in range(12)]
    assert "Too many" in words(answers[-1]) or answers[-1].status_code == 429


def test_the_app_can_be_turned_off(ann: Person) -> None:
    with_app(ann)
    good_page(ann.get("/accounts/2fa/totp/deactivate/"))
    assert ann.post("/accounts/2fa/totp/deactivate/").status_code == 302
    assert not Authenticator.objects.exists(), "recovery codes go with the last factor"
    assert sign_in("ann.acting@example.org")["Location"] == "/"


def _data(text: str) -> Any:
    found = re.search(r'<script id="js_data" type="application/json">(.*?)</script>', text, re.DOTALL)
    assert found
    return json.loads(found[1])


@pytest.fixture
def key(ann: Person) -> SoftKey:
    """A passkey of Ann's."""
    reauthenticate(with_password(ann))
    browser = Client(headers={"host": "rollbook.example"})
    browser.cookies = ann.client.cookies
    text = good_page(browser.get("/accounts/2fa/webauthn/add/", secure=True))
    found = SoftKey(origin="https://rollbook.example", rp="rollbook.example")
    sent = {"name": "My phone", "passwordless": "on", "credential": found.register(_data(text)["creation_options"])}
    answer = browser.post("/accounts/2fa/webauthn/add/", sent, secure=True)
    assert answer.status_code == 302, words(answer)
    return found


def test_a_passkey_signs_in_without_a_password(ann: Person, key: SoftKey) -> None:
    assert "My phone" in good_page(ann.get("/accounts/2fa/webauthn/"))
    browser = Client(headers={"host": "rollbook.example"})
    asked = browser.get("/accounts/2fa/webauthn/login/", headers={"accept": "application/json"}, secure=True)
    credential = key.sign(asked.json()["request_options"])
    answer = browser.post("/accounts/2fa/webauthn/login/", {"credential": credential}, secure=True)
    assert answer["Location"] == "/", words(answer)
    assert browser.get("/o/maple/", secure=True).status_code == 200
    stale = Client(headers={"host": "rollbook.example"})
    stale.get("/accounts/2fa/webauthn/login/", headers={"accept": "application/json"}, secure=True)
    stale.post("/accounts/2fa/webauthn/login/", {"credential": credential}, secure=True)
    assert stale.get("/o/maple/", secure=True).status_code == 302, "an answer to another question"


def test_a_key_is_the_second_factor_after_a_password(ann: Person, key: SoftKey) -> None:
    browser = Client(headers={"host": "rollbook.example"})
    sent = {"login": "ann.acting@example.org", "password": "a long enough passphrase"}
    assert browser.post("/accounts/login/", sent, secure=True)["Location"] == "/accounts/2fa/authenticate/"
    text = good_page(browser.get("/accounts/2fa/authenticate/", secure=True))
    credential = key.sign(_data(text)["request_options"])
    answer = browser.post("/accounts/2fa/authenticate/", {"credential": credential}, secure=True)
    assert answer["Location"] == "/"


def test_a_key_of_somebody_elses_making_is_no_good(ann: Person, key: SoftKey) -> None:
    other = SoftKey(origin=key.origin, rp=key.rp, name=key.name, user=key.user)
    browser = Client(headers={"host": "rollbook.example"})
    asked = browser.get("/accounts/2fa/webauthn/login/", headers={"accept": "application/json"}, secure=True)
    sent = {"credential": other.sign(asked.json()["request_options"])}
    browser.post("/accounts/2fa/webauthn/login/", sent, secure=True)
    assert browser.get("/o/maple/", secure=True).status_code == 302


@pytest.mark.parametrize("sent", [{}, {"credential": "{}"}, {"credential": "no json"}, {"credential": "[1]"}])
def test_nonsense_for_a_passkey_is_no_crash(pages: object, sent: dict[str, str]) -> None:
    browser = Client(headers={"host": "rollbook.example"})
    browser.get("/accounts/2fa/webauthn/login/", headers={"accept": "application/json"}, secure=True)
    assert browser.post("/accounts/2fa/webauthn/login/", sent, secure=True).status_code in (200, 302)


def test_keys_are_renamed_and_removed(ann: Person, key: SoftKey) -> None:
    number = Authenticator.objects.get(type="webauthn").pk
    good_page(ann.get(f"/accounts/2fa/webauthn/keys/{number}/edit/"))
    ann.post(f"/accounts/2fa/webauthn/keys/{number}/edit/", name="Old phone")
    assert "Old phone" in words(ann.get("/accounts/2fa/webauthn/"))
    good_page(ann.get(f"/accounts/2fa/webauthn/keys/{number}/remove/"))
    ann.post(f"/accounts/2fa/webauthn/keys/{number}/remove/")
    assert not Authenticator.objects.filter(type="webauthn").exists()


def test_nobody_reaches_anothers_key(ann: Person, bob: Person, key: SoftKey) -> None:
    number = Authenticator.objects.get(type="webauthn").pk
    reauthenticate(with_password(bob))
    assert bob.get(f"/accounts/2fa/webauthn/keys/{number}/edit/").status_code == 404
    assert bob.post(f"/accounts/2fa/webauthn/keys/{number}/remove/").status_code == 404


def test_a_proof_of_identity_grows_old(ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    reauthenticate(with_password(ann))
    assert ann.get("/accounts/2fa/totp/activate/").status_code == 200
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 301)
    assert ann.get("/accounts/2fa/totp/activate/").status_code == 302
