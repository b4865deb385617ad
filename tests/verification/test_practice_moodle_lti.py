"""The practice Moodle as an LTI 1.3 platform, judged by joserfc."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from tests.verification.moodle_client import Client
from tests.web.lti_lms import form_of

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
TOOL = "https://tool.example"
_Launch = Callable[..., dict[str, Any]]


@pytest.fixture
def tool(moodle: Client) -> dict[str, str]:
    wanted = {"login_url": f"{TOOL}/login", "redirect_url": f"{TOOL}/launch", "custom": {"who": "$Person.sourcedId"}}
    found: dict[str, str] = moodle.practice("tools", wanted)
    return found


@pytest.fixture
def launched(moodle: Client, tool: dict[str, str]) -> _Launch:
    """The claims of a launch, verified with the published keys. Raises JoseError."""

    def launch(user: int, course: int, tamper: str = "") -> dict[str, Any]:
        asked = {"client_id": tool["client_id"], "user": str(user), "section": str(course), "tamper": tamper}
        begun = dict(httpx2.URL(moodle.practice("launch", asked)["url"]).params)
        assert (begun["iss"], begun["lti_deployment_id"]) == (moodle.url, tool["deployment_id"])
        answer = moodle.http.get(tool["login_url"], params={
            "scope": "openid", "response_type": "id_token", "response_mode": "form_post", "prompt": "none",
            "client_id": begun["client_id"], "redirect_uri": f"{TOOL}/launch", "state": "s", "nonce": "n",
            "login_hint": begun["login_hint"], "lti_message_hint": begun["lti_message_hint"],
        })  # fmt: skip
        form = form_of(answer)
        assert form is not None
        keys = KeySet.import_key_set(moodle.http.get(tool["keys_url"]).json())
        return jwt.decode(form[1]["id_token"], keys, algorithms=["RS256"]).claims

    return launch


def test_a_launch_names_people_and_courses_twice(moodle: Client, launched: _Launch, tool: dict[str, str]) -> None:
    ann, bob = moodle.users("ann", "bob")
    course = moodle.course()
    moodle.enrol(course, ann, role=3)
    moodle.enrol(course, bob)
    claims = launched(ann, course)
    assert (claims["iss"], claims["aud"], claims["sub"]) == (moodle.url, tool["client_id"], str(ann))
    assert claims[CLAIM + "context"]["id"] == str(course)
    assert claims[CLAIM + "lis"] == {"person_sourcedid": "id-ann", "course_section_sourcedid": "c1"}
    assert claims[CLAIM + "custom"] == {"who": "id-ann"}
    assert claims[CLAIM + "roles"] == ["http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"]
    assert claims[CLAIM + "tool_platform"]["product_family_code"] == "moodle"
    assert "azp" not in claims
    assert launched(bob, course)[CLAIM + "roles"][0].endswith("#Learner")


@pytest.mark.parametrize(
    ("asked", "told"), [([], set()), (["email"], {"email"}), (["given_name"], {"name", "given_name", "family_name"})]
)
def test_names_and_addresses_go_to_whom_they_were_promised(
    moodle: Client, launched: _Launch, tool: dict[str, str], asked: list[str], told: set[str]
) -> None:
    wanted = {"login_url": f"{TOOL}/login", "redirect_url": f"{TOOL}/launch", "claims": asked}
    tool.update(moodle.practice("tools", wanted))
    (ann,) = moodle.users("ann")
    claims = launched(ann, moodle.course())
    assert {"name", "given_name", "family_name", "email"} & claims.keys() == told
    assert ("user_username" in claims[CLAIM + "ext"]) == ("name" in told)
    assert claims[CLAIM + "lis"]["person_sourcedid"] == "id-ann"


def test_who_has_no_id_number_has_an_empty_one(moodle: Client, launched: _Launch) -> None:
    claims = launched(2, 1)
    assert claims[CLAIM + "lis"] == {"person_sourcedid": "", "course_section_sourcedid": ""}


@pytest.mark.parametrize("tamper", ["forged", "unknown key", "unsigned", "confused", "altered"])
def test_false_signatures(launched: _Launch, tamper: str) -> None:
    with pytest.raises((JoseError, ValueError)):
        launched(2, 1, tamper)


def test_several_audiences(launched: _Launch) -> None:
    assert len(launched(2, 1, "several audiences")["aud"]) == 2


def test_its_description(moodle: Client) -> None:
    found = moodle.http.get(f"{moodle.url}/mod/lti/openid-configuration.php").json()
    assert (found["issuer"], found["jwks_uri"]) == (moodle.url, f"{moodle.url}/mod/lti/certs.php")
    assert found["authorization_endpoint"] == f"{moodle.url}/mod/lti/auth.php"
    about = found["https://purl.imsglobal.org/spec/lti-platform-configuration"]
    assert (about["product_family_code"], about["version"]) == ("moodle", "5.0.2 (Build: 20250811)")


def test_pages_to_open_a_tool_as_somebody(moodle: Client, tool: dict[str, str]) -> None:
    (ann,) = moodle.users("ann")
    course = moodle.course()
    moodle.enrol(course, ann)
    first = moodle.http.get(f"{moodle.url}/").text
    assert f'href="/course/view.php/{course}/tools"' in first
    listed = moodle.http.get(f"{moodle.url}/course/view.php/{course}/tools").text
    start = f"/course/view.php/{course}/tools/{tool['client_id']}?as={ann}"
    assert (f'href="{start}"' in listed, "student" in listed) == (True, True)
    assert f"{TOOL}/login?" in moodle.http.get(moodle.url + start).text
