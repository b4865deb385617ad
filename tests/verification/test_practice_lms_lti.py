"""The practice LMS as an LTI 1.3 platform, judged by joserfc, which neither it nor Rollbook's launches use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from rollbook.practice.lms import create_lms
from rollbook.practice.server import serve
from tests.web.lti_lms import form_of

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
TOOL = "https://tool.example"


class Platform:
    """A platform and a tool of it, asked as a tool's server and a browser ask."""

    def __init__(self, url: str) -> None:
        self.url, self.http = url, httpx2.Client(trust_env=False, timeout=60)
        wanted = {"login_url": f"{TOOL}/login", "redirect_url": f"{TOOL}/launch", "custom": {"who": "$User.id"}}
        self.tool = self.http.post(f"{url}/_practice/tools", json=wanted).json()

    def begin(self, **more: Any) -> dict[str, str]:
        asked = {"client_id": self.tool["client_id"], "user": "4", "section": "5", **more}
        url = httpx2.URL(self.http.post(f"{self.url}/_practice/launch", json=asked).json()["url"])
        assert str(url).startswith(f"{TOOL}/login?")
        return dict(url.params)

    def authorize(self, begun: dict[str, str], **changes: str) -> Any:
        asked = {
            "scope": "openid", "response_type": "id_token", "response_mode": "form_post", "prompt": "none",
            "client_id": begun["client_id"], "redirect_uri": f"{TOOL}/launch", "state": "s", "nonce": "n",
            "login_hint": begun["login_hint"], "lti_message_hint": begun["lti_message_hint"], **changes,
        }  # fmt: skip
        return self.http.get(self.tool["login_url"], params=asked)

    def keys(self) -> KeySet:
        return KeySet.import_key_set(self.http.get(self.tool["keys_url"]).json())


@pytest.fixture
def platform() -> Iterator[Platform]:
    with serve(create_lms()) as running:
        found = Platform(running.url)
        yield found
        found.http.close()


def test_a_launch_has_what_the_specification_requires(platform: Platform) -> None:
    form = form_of(platform.authorize(platform.begin()))
    assert form is not None
    there, fields = form
    assert (there, fields["state"]) == (f"{TOOL}/launch", "s")
    token = jwt.decode(fields["id_token"], platform.keys(), algorithms=["RS256"])
    client = platform.tool["client_id"]
    registry = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": platform.url},
        aud={"essential": True, "value": client},
        exp={"essential": True},
        iat={"essential": True},
        nonce={"essential": True, "value": "n"},
        sub={"essential": True, "value": "4"},
    )
    registry.validate(token.claims)
    assert token.header["kid"]
    for name, value in (
        ("message_type", "LtiResourceLinkRequest"), ("version", "1.3.0"),
        ("deployment_id", platform.tool["deployment_id"]), ("target_link_uri", f"{TOOL}/launch"),
        ("custom", {"who": "4"}),
    ):  # fmt: skip
        assert token.claims[CLAIM + name] == value
    assert token.claims[CLAIM + "context"]["id"] == "5"
    assert token.claims[CLAIM + "resource_link"]["id"]
    assert token.claims[CLAIM + "roles"]


@pytest.mark.parametrize("tamper", ["forged", "unknown key", "unsigned", "confused", "altered"])
def test_false_signatures_are_false(platform: Platform, tamper: str) -> None:
    form = form_of(platform.authorize(platform.begin(tamper=tamper)))
    assert form is not None
    with pytest.raises((JoseError, ValueError)):
        jwt.decode(form[1]["id_token"], platform.keys(), algorithms=["RS256"])


@pytest.mark.parametrize(
    "change",
    [{"redirect_uri": f"{TOOL}/elsewhere"}, {"client_id": "1"}, {"nonce": ""}, {"response_mode": "query"},
     {"login_hint": "1"}, {"scope": "email"}, {"lti_message_hint": ""}],
)  # fmt: skip
def test_a_wrong_request_gets_no_token(platform: Platform, change: dict[str, str]) -> None:
    answer = platform.authorize(platform.begin(), **change)
    assert answer.status_code == 400
    assert form_of(answer) is None


def test_it_describes_itself_and_registers_a_tool_once(platform: Platform) -> None:
    about = platform.http.get(f"{platform.url}/.well-known/openid-configuration").json()
    assert about["issuer"] == platform.url
    for name in ("authorization_endpoint", "jwks_uri", "registration_endpoint", "token_endpoint"):
        assert about[name].startswith(platform.url)
    page = platform.http.get(f"{platform.url}/tools", params={"register": f"{TOOL}/register"})
    token = page.text.split("registration_token=")[1].split('"')[0]
    tool = "https://purl.imsglobal.org/spec/lti-tool-configuration"
    wanted = {"client_name": "T", "initiate_login_uri": f"{TOOL}/login", "redirect_uris": [f"{TOOL}/launch"],
              tool: {"target_link_uri": f"{TOOL}/launch"}}  # fmt: skip
    there, headers = about["registration_endpoint"], {"authorization": f"Bearer {token}"}
    assert platform.http.post(there, json=wanted, headers={"authorization": "Bearer no"}).status_code == 401
    made = platform.http.post(there, json=wanted, headers=headers).json()
    assert made["client_id"]
    assert made[tool]["deployment_id"]
    assert platform.http.post(there, json=wanted, headers=headers).status_code == 401
