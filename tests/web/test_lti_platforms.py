"""LMS Launch: registering an LMS by hand, letting one register itself, removing it; who may do so (rule 30)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from rollbook.actions.lti import registration_code
from rollbook.connectors.memory.space import Space
from rollbook.errors import ConfigError
from rollbook.practice.lms import create_lms
from rollbook.practice.server import serve
from rollbook.store.folder import DataFolder
from rollbook.store.models import AuditRow, LaunchCode, LtiPlatform, Organization, ToolKey
from rollbook.store.secrets import KeyRing
from rollbook.store.tool_keys import public_keys, renew_tool_key
from rollbook.web.lti import registration
from rollbook.web.lti.profiles import named_by, profile_of
from tests.web.people import Person, words

HERE = "/o/maple/platforms/"
TYPED = {
    "name": "Our LMS",
    "issuer": "https://lms.example",
    "client_id": "17",
    "deployments": " 1-a \n\n2-b",
    "login_url": "https://lms.example/auth",
    "keys_url": "https://lms.example/keys",
    "origins": "https://www.lms.example/somewhere",
}


@pytest.fixture
def lms(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("ROLLBOOK_ALLOW_PRIVATE_HOSTS", "1")
    with serve(create_lms()) as running:
        yield running.url


def _address(ann: Person) -> str:
    """A registration address, as the page shows it."""
    made = ann.post(f"{HERE}address")
    assert made["Cache-Control"] == "no-store"
    found = re.search(r'id="made" value="http://testserver([^"]+)"', made.content.decode())
    assert found is not None
    return found[1]


def _opened(address: str, lms: str, token: str = "t", **changes: str) -> str:
    asked = {"openid_configuration": f"{lms}/.well-known/openid-configuration", "registration_token": token, **changes}
    return f"{address}?{urlencode(asked)}"


def _token(lms: str) -> str:
    import httpx2

    page = httpx2.get(f"{lms}/tools", params={"register": "https://tool.example/"}, trust_env=False).text
    return page.split("registration_token=")[1].split('"')[0]


def test_by_hand(ann: Person) -> None:
    page = ann.get(f"{HERE}new/schoology/")
    shown = page.content.decode()
    for value in ("/lti/maple/login/", "/lti/maple/launch/", "/lti/keys/", "$com.schoology.CourseSection.id"):
        assert value in shown
    assert "https://lti-service.svc.schoology.com/lti-service/authorize-redirect" in shown
    assert ann.post(f"{HERE}new/other/", **TYPED).status_code == 302
    found = LtiPlatform.objects.get()
    assert (found.deployments, found.profile) == (["1-a", "2-b"], "other")
    assert found.platform.origins == ["https://lms.example", "https://www.lms.example"]
    assert "Our LMS" in words(ann.get(HERE))
    assert AuditRow.objects.get(action="register platform").subject == "Our LMS"
    again = ann.post(f"{HERE}new/other/", **TYPED)
    assert (again.status_code, "registered already" in words(again)) == (422, True)


def test_sis_ids_are_trusted_only_where_somebody_chose_that(ann: Person) -> None:
    page = words(ann.get(f"{HERE}new/other-sis/"))
    assert "nobody but administrators can write that id" in page
    assert "nobody but administrators" not in words(ann.get(f"{HERE}new/other/"))
    assert "Another LMS, SIS ids" in words(ann.get(HERE))
    assert ann.post(f"{HERE}new/other-sis/", **TYPED).status_code == 302
    assert LtiPlatform.objects.get().profile == "other-sis"


def test_by_which_claim_a_person_is_known() -> None:
    lis = "https://purl.imsglobal.org/spec/lti/claim/lis"
    edited = {"sub": "17", lis: {"person_sourcedid": "somebody-else"}}
    for name in ("other", "moodle", "schoology", "unheard of"):
        assert named_by(profile_of(name).person, edited) == ("", "17"), name
    assert named_by(profile_of("other").person, {lis: edited[lis]}) == ("", "")
    assert named_by(profile_of("other-sis").person, edited) == ("somebody-else", "")
    assert named_by(profile_of("other-sis").person, {"sub": "17"}) == ("", "17")


@pytest.mark.parametrize("family", ["other-sis", "OTHER-SIS", "canvas", "", "other"])
def test_an_lms_that_registers_itself_is_never_trusted_with_sis_ids(
    ann: Person, lms: str, family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, url, token = _address(ann), f"{lms}/.well-known/openid-configuration", _token(lms)
    described = registration.fetch_document(url)
    described["https://purl.imsglobal.org/spec/lti-platform-configuration"]["product_family_code"] = family
    monkeypatch.setattr(registration, "fetch_document", lambda _url: described)
    assert Client().post(address, {"openid_configuration": url, "registration_token": token}).status_code == 200
    assert LtiPlatform.objects.get().profile == "other"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"login_url": "http://lms.example/auth"}, "Must begin with https://"),
        ({"keys_url": "https://127.0.0.1/keys"}, "private"),
        ({"keys_url": "https://169.254.169.254/keys"}, "private or never called"),
        ({"origins": "everybody"}, "must look like https://"),
        ({"origins": "http://lms.example"}, "must begin with https://"),
        ({"origins": "https://*.example"}, "must look like https://"),
        ({"origins": "https://a.example;script-src"}, "must look like https://"),
        ({"client_id": ""}, "required"),
        ({"deployments": ""}, "required"),
    ],
)
def test_bad_input_is_told_and_nothing_is_registered(ann: Person, change: dict[str, str], says: str) -> None:
    answer = ann.post(f"{HERE}new/other/", **{**TYPED, **change})
    assert answer.status_code == 422
    assert says in words(answer)
    assert not LtiPlatform.objects.exists()


def test_another_deployment_and_the_end(ann: Person) -> None:
    ann.post(f"{HERE}new/other/", **TYPED)
    number = LtiPlatform.objects.get().pk
    ann.post(f"{HERE}{number}/deployment", deployment="3-c")
    ann.post(f"{HERE}{number}/deployment", deployment=" ")
    assert LtiPlatform.objects.get().deployments == ["1-a", "2-b", "3-c"]
    assert "Remove Our LMS?" in words(ann.get(f"{HERE}{number}/remove/"))
    ann.post(f"{HERE}{number}/remove/")
    assert not LtiPlatform.objects.exists()
    assert ann.post(f"{HERE}{number}/remove/").status_code == 404


def test_an_lms_registers_itself_once(ann: Person, lms: str) -> None:
    address, browser = _address(ann), Client()
    asked = browser.get(_opened(address, lms, _token(lms)))
    assert f"The LMS at {lms} asks to open Rollbook for Maple" in words(asked)
    assert f"frame-ancestors {lms}" in asked["Content-Security-Policy"]
    assert asked["Referrer-Policy"] == "no-referrer"
    assert not LtiPlatform.objects.exists(), "looking does nothing"
    token = _token(lms)
    sent = {"openid_configuration": f"{lms}/.well-known/openid-configuration", "registration_token": token}
    done = browser.post(address, sent)
    assert "is registered for Maple" in words(done)
    assert f'data-lti-close="{lms}"' in done.content.decode()
    found = LtiPlatform.objects.get()
    assert (found.issuer, found.profile, len(found.deployments)) == (lms, "schoology", 1)
    assert found.platform.origins == sorted(["https://app.schoology.com", lms])
    assert found.platform.created_by.startswith("Ann")
    assert browser.post(address, sent).status_code == 410
    assert LtiPlatform.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"openid_configuration": "https://169.254.169.254/latest"}, "never called"),
        ({"openid_configuration": "http://127.0.0.1:9/x"}, "cannot be reached"),
        ({"openid_configuration": "javascript:alert(1)"}, "where its description of itself is"),
        ({"openid_configuration": ""}, "where its description of itself is"),
        ({"registration_token": "wrong"}, "answered 401"),
    ],
)
def test_what_goes_wrong_is_told_and_may_be_tried_again(
    ann: Person, lms: str, changes: dict[str, str], says: str
) -> None:
    address = _address(ann)
    sent = {"openid_configuration": f"{lms}/.well-known/openid-configuration", "registration_token": _token(lms)}
    answer = Client().post(address, {**sent, **changes})
    assert answer.status_code in (400, 502)
    assert says in words(answer)
    assert not LtiPlatform.objects.exists()
    assert Client().post(address, sent).status_code == 200


def test_a_description_of_another_issuer_is_refused(ann: Person, lms: str, monkeypatch: pytest.MonkeyPatch) -> None:
    address, url = _address(ann), f"{lms}/.well-known/openid-configuration"
    described = {**registration.fetch_document(url), "issuer": lms.replace("127.0.0.1", "localhost")}
    monkeypatch.setattr(registration, "fetch_document", lambda _url: described)
    answer = Client().post(address, {"openid_configuration": url, "registration_token": _token(lms)})
    assert "speaks for another host" in words(answer)
    assert not LtiPlatform.objects.exists()


def test_codes_of_another_kind_register_nothing(ann: Person, lms: str) -> None:
    address = _address(ann)
    LaunchCode.objects.update(expires_at="2020-01-01T00:00:00Z")
    answer = Client().get(_opened(address, lms))
    assert answer.status_code == 410
    assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
    assert Client().get(_opened("/lti/register/whatever/", lms)).status_code == 410


def test_an_address_is_good_while_its_maker_is_the_acting_user(ann: Person, bob: Person, lms: str) -> None:
    address = _address(ann)
    maple = Organization.objects.get(slug="maple")
    assert Client().get(_opened(address, lms)).status_code == 200
    Organization.objects.update(acting=bob.account)
    assert Client().get(_opened(address, lms)).status_code == 410
    sent = {"openid_configuration": f"{lms}/.well-known/openid-configuration", "registration_token": _token(lms)}
    assert Client().post(address, sent).status_code == 410
    with pytest.raises(ConfigError, match="not the acting user"):
        registration_code(org=maple.slug, by="Ann", actor=ann.account.pk)
    Organization.objects.update(acting=None)
    assert Client().get(_opened(address, lms)).status_code == 410


def test_who_hands_over_meanwhile_registers_nothing(
    ann: Person, bob: Person, lms: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the LMS was asked, somebody else became the acting user."""
    address, real = _address(ann), registration.register_at

    def meanwhile(*asked: Any) -> Any:
        Organization.objects.update(acting=bob.account)
        return real(*asked)

    monkeypatch.setattr(registration, "register_at", meanwhile)
    sent = {"openid_configuration": f"{lms}/.well-known/openid-configuration", "registration_token": _token(lms)}
    answer = Client().post(address, sent)
    assert (answer.status_code, "not the acting user any more" in words(answer).lower()) == (502, True)
    assert not LtiPlatform.objects.exists()


def test_only_the_acting_user_changes_anything(ann: Person, bob: Person, vic: Person, tea: Person) -> None:
    ann.post(f"{HERE}new/other/", **TYPED)
    number = LtiPlatform.objects.get().pk
    for person in (bob, vic):
        assert "Our LMS" in words(person.get(HERE))
        assert "Register an LMS" not in words(person.get(HERE))
    assert tea.get(HERE).status_code == 403
    for person in (bob, vic, tea):
        for there in ("new/other/", "address", f"{number}/deployment", f"{number}/remove/"):
            assert person.post(f"{HERE}{there}", deployment="x").status_code == 403
    assert LtiPlatform.objects.get().deployments == ["1-a", "2-b"]


def test_our_keys_are_kept_encrypted_and_renewed(world: Space, pages: DataFolder) -> None:
    ring = KeyRing(pages.keys)
    [first] = public_keys(ring)
    kept = ToolKey.objects.get()
    assert "PRIVATE" not in kept.ciphertext
    assert "PRIVATE KEY" in ring.decrypt(kept.ciphertext)
    ring.rotate()
    assert "PRIVATE KEY" in ring.decrypt(ToolKey.objects.get().ciphertext)
    renew_tool_key(ring)
    assert [one["kid"] for one in public_keys(ring)][1:] == [first["kid"]], "platforms may remember the older one"
    ToolKey.objects.update(created_at="2020-01-01T00:00:00Z")
    newest: Any = renew_tool_key(ring)
    assert first["kid"] not in {one["kid"] for one in public_keys(ring)}
    assert public_keys(ring)[0]["kid"] == newest.kid
