"""The practice LMS lets in what is signed as documented or as clients do it, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.verification.lms_client import Client, hmac_sha1, plaintext

REPLAY = "Duplicate timestamp/nonce combination, possible replay attack.  Request rejected."


def _get(lms: Client, path: str, authorization: str, **headers: str) -> tuple[int, str]:
    answer = lms.http.get(f"{lms.url}{path}", headers={"Authorization": authorization, **headers})
    return answer.status_code, answer.text


@pytest.mark.parametrize("signature", ["practice%26", "practice&", "practice%2526"])
@pytest.mark.parametrize("realm", ["Schoology API", ""])
def test_plaintext(lms: Client, signature: str, realm: str) -> None:
    assert _get(lms, "/v1/roles", plaintext(signature, realm=realm))[0] == 200


def test_hmac_with_a_query(lms: Client) -> None:
    path = "/v1/users?limit=5&school_uids=a%20b%2Cc%26d&start=0"
    assert _get(lms, path, hmac_sha1("GET", lms.url + path))[0] == 200


def test_hmac_of_a_post_leaves_the_body_out(lms: Client) -> None:
    url = f"{lms.url}/v1/gradingperiods"
    body = {"title": "Q1", "start": "2026-08-17", "end": "2026-12-18"}
    answer = lms.http.post(url, json=body, headers={"Authorization": hmac_sha1("POST", url)})
    assert answer.status_code == 201


def test_hmac_over_the_host_header_of_the_real_service(lms: Client) -> None:
    signed = hmac_sha1("GET", "http://api.schoology.com/v1/roles")
    assert _get(lms, "/v1/roles", signed, Host="api.schoology.com")[0] == 200


def test_hmac_over_the_configured_address(lms_with: Callable[..., Client]) -> None:
    lms = lms_with(base_url="https://lms.example/v1")
    assert _get(lms, "/v1/roles", hmac_sha1("GET", "https://lms.example/v1/roles"))[0] == 200


def test_hmac_behind_a_proxy(lms: Client) -> None:
    headers = {"Host": "lms.example:443", "X-Forwarded-Proto": "https"}
    assert _get(lms, "/v1/roles", hmac_sha1("GET", "https://lms.example/v1/roles"), **headers)[0] == 200


def test_secrets_with_odd_characters(lms_with: Callable[..., Client]) -> None:
    lms = lms_with(secret="a b&c/é")
    url = f"{lms.url}/v1/roles"
    assert _get(lms, "/v1/roles", hmac_sha1("GET", url, secret="a b&c/é"))[0] == 200
    assert _get(lms, "/v1/roles", plaintext("a%2520b%2526c%252F%25C3%25A9%26"))[0] == 200


@pytest.mark.parametrize(
    "authorization",
    [
        "", "Bearer abc", plaintext("wrong%26"), plaintext(oauth_consumer_key="somebody"),
        plaintext(oauth_signature_method="HMAC-SHA256"), plaintext(oauth_version="2.0"),
        plaintext(oauth_token="unknown"), plaintext(oauth_nonce=""), plaintext(oauth_timestamp="soon"),
        plaintext(oauth_timestamp="1"), plaintext(oauth_timestamp="nan"),
        hmac_sha1("GET", "http://elsewhere.example/v1/roles"),
    ],
)  # fmt: skip
def test_refused(lms: Client, authorization: str) -> None:
    status, text = _get(lms, "/v1/roles", authorization)
    assert status == 401
    assert "practice" not in text


def test_hmac_refuses_another_method_query_or_secret(lms: Client) -> None:
    url = f"{lms.url}/v1/roles"
    for signed in (hmac_sha1("POST", url), hmac_sha1("GET", url + "?a=1"), hmac_sha1("GET", url, secret="x")):
        assert _get(lms, "/v1/roles", signed)[0] == 401


def test_replay_is_refused_in_these_words(lms: Client) -> None:
    signed = plaintext()
    assert _get(lms, "/v1/roles", signed)[0] == 200
    assert _get(lms, "/v1/roles", signed) == (401, REPLAY)


def test_following_a_redirect_with_the_same_header_is_a_replay(lms: Client) -> None:
    url = f"{lms.url}/v1/users/me"
    headers = {"Authorization": hmac_sha1("GET", url)}
    first = lms.http.get(url, headers=headers)
    assert first.status_code == 303
    second = lms.http.get(first.headers["location"], headers=headers)
    assert (second.status_code, second.text) == (401, REPLAY)
    fresh = {"Authorization": hmac_sha1("GET", first.headers["location"])}
    assert lms.http.get(first.headers["location"], headers=fresh).json()["username"] == "practice-admin"


def test_timestamps_may_run_backwards_unless_strict(lms_with: Callable[..., Client]) -> None:
    lms = lms_with(timestamps="strict")
    earlier = str(int(time.time()) - 5)
    assert _get(lms, "/v1/roles", plaintext())[0] == 200
    assert _get(lms, "/v1/roles", plaintext(oauth_timestamp=earlier))[1].startswith("Timestamp is out of seq")


def test_earlier_timestamps_are_tolerated_by_default(lms: Client) -> None:
    assert _get(lms, "/v1/roles", plaintext())[0] == 200
    assert _get(lms, "/v1/roles", plaintext(oauth_timestamp=str(int(time.time()) - 5)))[0] == 200


@pytest.mark.parametrize(("tolerated", "status"), [(True, 200), (False, 401)])
def test_fractional_timestamps(lms_with: Callable[..., Client], tolerated: bool, status: int) -> None:
    lms = lms_with(fractional_timestamps=tolerated)
    assert _get(lms, "/v1/roles", plaintext(oauth_timestamp=f"{time.time():.3f}"))[0] == status


def test_run_as_acts_as_that_user(lms_with: Callable[..., Client]) -> None:
    lms = lms_with(seed="people-by-hand")
    people = {user["school_uid"]: user["uid"] for user in lms.get("users")["user"]}
    student = people["by-hand-student-1"]
    seen = lms.call("GET", "users/me", X_Schoology_Run_As=student)
    assert seen.headers["location"].endswith(f"/users/{student}")
    assert lms.call("GET", "users", X_Schoology_Run_As=student).status_code == 403
    assert lms.call("GET", "users/me", X_Schoology_Run_As="999").status_code == 403
    section = lms.get("sections/ext/by-hand-section")["id"]
    path = f"sections/{section}/enrollments"
    assert lms.call("GET", path, X_Schoology_Run_As=people["by-hand-teacher"]).status_code == 200
    assert lms.call("GET", path, X_Schoology_Run_As=student).status_code == 403


def test_run_as_can_be_forbidden(lms_with: Callable[..., Client]) -> None:
    lms = lms_with(impersonation=False)
    me = lms.call("GET", "users/me").headers["location"].rpartition("/")[2]
    refused = lms.call("GET", "users/me", X_Schoology_Run_As=me)
    assert (refused.status_code, refused.text) == (403, "")
