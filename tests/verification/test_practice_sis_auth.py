"""Who may call the practice SIS: tokens three ways, scopes, and signatures made by oauthlib."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1, SIGNATURE_HMAC_SHA256, Client

from tests.verification.sis_client import SisClient, running_sis

GRANT = {"grant_type": "client_credentials"}
KEYS = {"client_id": "practice", "client_secret": "practice"}
SCOPE = "https://purl.imsglobal.org/spec/or/v1p2/scope/"


@pytest.fixture(scope="module")
def old() -> Iterator[SisClient]:
    with running_sis("1.1") as client:
        yield client


@pytest.fixture(scope="module")
def new() -> Iterator[SisClient]:
    with running_sis("1.2", expires_in=21_600) as client:
        yield client


def _token(client: SisClient, **more: Any) -> httpx2.Response:
    return client.http.post(f"{client.url}/token", **more)


WAYS: dict[str, dict[str, Any]] = {
    "basic": {"data": GRANT, "auth": ("practice", "practice")},
    "body": {"data": {**GRANT, **KEYS}},
    "query": {"params": {**GRANT, **KEYS}},
}


@pytest.mark.parametrize("way", WAYS)
def test_a_token_is_given_three_ways(new: SisClient, way: str) -> None:
    answer = _token(new, **WAYS[way])
    assert answer.status_code == 200
    given = answer.json()
    assert (given["token_type"], given["expires_in"]) == ("bearer", 21_600)
    assert f"{SCOPE}roster.readonly" in given["scope"].split()
    headers = {"Authorization": f"Bearer {given['access_token']}"}
    users = new.http.get(f"{new.url}/ims/oneroster/rostering/v1p2/users", headers=headers)
    assert users.status_code == 200


@pytest.mark.parametrize("only", WAYS)
def test_a_provider_may_take_one_way_only(only: str) -> None:
    with running_sis("1.2", faults=[f"token_{only}_only"]) as client:
        answers = {way: _token(client, **request).status_code for way, request in WAYS.items()}
    assert answers == {way: 200 if way == only else 401 for way in WAYS}


@pytest.mark.parametrize(
    ("request_", "status", "error"),
    [
        ({"data": GRANT, "auth": ("practice", "wrong")}, 401, "invalid_client"),
        ({"data": GRANT}, 401, "invalid_client"),
        ({"data": {**KEYS, "grant_type": "password"}}, 400, "unsupported_grant_type"),
        ({"data": {**GRANT, **KEYS, "scope": "sky.readonly"}}, 400, "invalid_scope"),
    ],
)
def test_a_bad_token_request_is_told_so(new: SisClient, request_: dict[str, Any], status: int, error: str) -> None:
    answer = _token(new, **request_)
    assert (answer.status_code, answer.json()) == (status, {"error": error})


def test_a_narrow_scope_opens_only_what_it_names(new: SisClient) -> None:
    with running_sis("1.2") as client:
        given = client.ask_token(scope=f"{SCOPE}roster-core.readonly {SCOPE}unheard.of")
        assert given["scope"] == f"{SCOPE}roster-core.readonly"
        assert client.get("/users").status_code == 200
        for path, service in (
            ("/schools/mv-high/classes", "rostering"), ("/demographics", "rostering"),
            ("/results", "gradebook"),
        ):  # fmt: skip
            refused = client.get(path, service)
            assert refused.status_code == 403
            assert _minor(refused) == "forbidden"
        assert client.call("DELETE", "/results/res-linear-amara", "gradebook").status_code == 403


def _minor(answer: httpx2.Response) -> str:
    minor: str = answer.json()["imsx_CodeMinor"]["imsx_codeMinorField"][0]["imsx_codeMinorFieldValue"]
    return minor


def test_no_token_a_made_up_token_and_an_expired_one_are_401() -> None:
    with running_sis("1.2", expires_in=0) as client:
        address = f"{client.url}/ims/oneroster/rostering/v1p2/orgs"
        expired = client.get("/orgs")
        made_up = client.http.get(address, headers={"Authorization": "Bearer guess"})
        for answer in (expired, made_up, client.http.get(address)):
            assert answer.status_code == 401
            assert _minor(answer) == "unauthorisedrequest"
            assert answer.headers["www-authenticate"].startswith("Bearer")


def _signed(client: SisClient, path: str, **more: Any) -> httpx2.Response:
    settings = {"client_secret": "practice", "signature_method": SIGNATURE_HMAC_SHA256, **more}
    signer = Client(settings.pop("client_key", "practice"), **settings)
    address, headers, _ = signer.sign(f"{client.url}/ims/oneroster/v1p1{path}", "GET")
    return client.http.get(address, headers=headers)


@pytest.mark.parametrize("method", [SIGNATURE_HMAC_SHA1, SIGNATURE_HMAC_SHA256])
@pytest.mark.parametrize("place", ["AUTH_HEADER", "QUERY"])
def test_a_signed_request_is_answered(old: SisClient, method: str, place: str) -> None:
    path = "/users?filter=givenName%3D%27Minh%20Anh%27&limit=5&sort=sourcedId&orderBy=asc"
    answer = _signed(old, path, signature_method=method, signature_type=place)
    assert answer.status_code == 200, answer.text
    assert [user["sourcedId"] for user in answer.json()["users"]] == ["stu-anh"]
    assert "oauth_" not in answer.headers["link"]


@pytest.mark.parametrize(
    "settings",
    [
        {"client_secret": "wrong"},
        {"client_key": "stranger"},
        {"timestamp": -400},
        {"timestamp": 400},
        {"signature_method": "PLAINTEXT"},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_a_badly_signed_request_is_refused(old: SisClient, settings: dict[str, Any]) -> None:
    if "timestamp" in settings:  # seconds away from now, not from when the tests were collected
        settings = {"timestamp": str(int(time.time()) + settings["timestamp"])}
    answer = _signed(old, "/orgs", **settings)
    assert answer.status_code == 401
    assert answer.json()["statusInfoSet"][0]["imsx_codeMinor"] == "unauthorized"


def test_a_signature_is_good_once_and_for_one_question(old: SisClient) -> None:
    signer = Client("practice", client_secret="practice", signature_method=SIGNATURE_HMAC_SHA256)
    address, headers, _ = signer.sign(f"{old.url}/ims/oneroster/v1p1/orgs?limit=2", "GET")
    changed = old.http.get(address.replace("limit=2", "limit=3"), headers=headers)
    assert changed.status_code == 401
    assert old.http.get(address, headers=headers).status_code == 200
    assert old.http.get(address, headers=headers).status_code == 401, "the nonce was used before"


def test_1_2_takes_no_signatures(new: SisClient) -> None:
    signer = Client("practice", client_secret="practice")
    address, headers, _ = signer.sign(f"{new.url}/ims/oneroster/rostering/v1p2/orgs", "GET")
    assert new.http.get(address, headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("fault", "accepted"), [("sha1_only", SIGNATURE_HMAC_SHA1), ("sha256_only", SIGNATURE_HMAC_SHA256)]
)
def test_a_provider_may_take_one_signature_method_only(fault: str, accepted: str) -> None:
    with running_sis("1.1", faults=[fault]) as client:
        for method in (SIGNATURE_HMAC_SHA1, SIGNATURE_HMAC_SHA256):
            status = _signed(client, "/orgs", signature_method=method).status_code
            assert status == (200 if method == accepted else 401)
