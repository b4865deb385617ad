"""The practice LMS lets people share their rights with an app, as documented: proven by third-party clients (schoolopy
and requests-oauthlib)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import schoolopy
from requests_oauthlib import OAuth1Session

from tests.verification.lms_client import Client, plaintext

HERE = "https://rollbook.example/back"
APP = {"app_key": "app", "app_secret": "app-secret"}


def _auth(lms: Client, key: str = "practice", secret: str = "practice") -> schoolopy.Auth:
    made = schoolopy.Auth(key, secret, domain=lms.url, three_legged=True)
    made.API_ROOT = f"{lms.url}/v1"
    return made


def _teacher(lms: Client, code: str = "t-1") -> dict[str, Any]:
    """A course admin of a section, with one student."""
    found = lms.class_of(f"s-{code}", section=f"sec-{code}")
    person = lms.made("users", lms.user(code, "Teacher"))
    lms.made(f"sections/{found['section']}/enrollments", {"uid": person["uid"], "admin": 1})
    return {**found, "id": person["uid"], "code": code, "student": found[f"s-{code}"]}


def _press(address: str, person: str, do: str, **more: str) -> requests.Response:
    """What somebody does on the page; where the browser is sent is in the answer."""
    parts = urlsplit(address)
    asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
    page = requests.get(address, params={"as": person}, timeout=60)
    assert "Approve" in page.text
    form = {**asked, "as": person, "do": do, **more}
    return requests.post(f"{parts.scheme}://{parts.netloc}{parts.path}", form, allow_redirects=False, timeout=60)


def _given(lms: Client, person: str, **key: str) -> schoolopy.Schoology:
    auth = _auth(lms, **key)
    answer = _press(auth.request_authorization(HERE), person, "approve")
    assert answer.headers["location"] == f"{HERE}?oauth_token={auth.request_token}"
    assert auth.authorize()
    return schoolopy.Schoology(auth, f"{lms.url}/v1/")


def test_a_client_gets_a_token_and_acts_as_its_person(lms: Client) -> None:
    mine, other = _teacher(lms), _teacher(lms, "t-2")
    client = _given(lms, mine["id"])
    assert client.get_me()["school_uid"] == "t-1"
    assert [one["school_uid"] for one in client.get_enrollments(section_id=mine["section"])] == ["s-t-1", "t-1"]
    assert client._get(f"sections/{mine['section']}/grades")["grades"] == {"grade": []}
    for path in (f"sections/{other['section']}/grades", "users", f"users/{other['id']}"):
        with pytest.raises(Exception, match="403"):
            client._get(path)


def test_a_teacher_grades_their_section_and_no_other(lms: Client) -> None:
    mine, other = _teacher(lms), _teacher(lms, "t-2")
    auth = _given(lms, mine["id"]).schoology_auth
    session = OAuth1Session("practice", "practice", auth.access_token, auth.access_token_secret)
    item = session.post(f"{lms.url}/v1/sections/{mine['section']}/assignments", json={"title": "Essay"}).json()["id"]
    grade = {"grades": {"grade": [{"assignment_id": item, "enrollment_id": mine["student"], "grade": 7}]}}
    assert session.put(f"{lms.url}/v1/sections/{mine['section']}/grades", json=grade).status_code == 207
    assert lms.get(f"sections/{mine['section']}/grades")["grades"]["grade"][0]["grade"] == 7
    assert session.put(f"{lms.url}/v1/sections/{other['section']}/grades", json=grade).status_code == 403
    run_as = session.get(f"{lms.url}/v1/roles", headers={"X-Schoology-Run-As": other["id"]})
    assert run_as.status_code == 403


def test_without_approval_there_is_no_token(lms: Client) -> None:
    mine = _teacher(lms)
    auth = _auth(lms)
    address = auth.request_authorization(HERE)
    assert not auth.authorize(), "nobody was asked yet"
    assert _press(address, mine["id"], "deny").headers["location"] == HERE
    assert not auth.authorize()
    assert requests.get(address, params={"as": mine["id"]}, timeout=60).status_code == 400, "it was answered"


def test_a_request_is_good_once_and_not_for_ever(lms: Client, lms_with: Callable[..., Client]) -> None:
    mine = _teacher(lms)
    auth = _auth(lms)
    _press(auth.request_authorization(HERE), mine["id"], "approve")
    assert auth.authorize()
    again = OAuth1Session("practice", "practice", auth.request_token, auth.request_token_secret)
    assert again.get(f"{lms.url}/v1/oauth/access_token").status_code == 401
    lms.app.state.lms.settings = lms.app.state.lms.settings.__class__(request_token_seconds=0)
    late = _auth(lms)
    assert requests.get(late.request_authorization(HERE), timeout=60).status_code == 400


def test_a_request_token_opens_nothing(lms: Client) -> None:
    auth = _auth(lms)
    auth.request_authorization(HERE)
    session = OAuth1Session("practice", "practice", auth.request_token, auth.request_token_secret)
    assert session.get(f"{lms.url}/v1/roles").status_code == 401


@pytest.mark.parametrize("by", ["person", "tests", "leaving"])
def test_a_person_takes_it_back(lms: Client, by: str) -> None:
    mine = _teacher(lms)
    client = _given(lms, mine["id"])
    if by == "person":
        page = requests.post(f"{lms.url}/oauth/apps", {"as": mine["id"]}, timeout=60)
        assert "0 with access" in page.text
    elif by == "tests":
        assert lms.practice("user-tokens", {"revoke": "t-1"}) == {"revoked": 1}
        assert [one["works"] for one in lms.practice("user-tokens")["tokens"]] == [False]
    else:
        lms.call("DELETE", f"users/{mine['id']}?option_keep_enrollments=1&email_notification=0")
    with pytest.raises(Exception, match="401"):
        client.get_me()


def test_the_vendors_words_and_signature_work_too(lms: Client) -> None:
    """PLAINTEXT with a token's secret, and `return_url` for the way back."""
    mine = _teacher(lms)
    auth = _given(lms, mine["id"]).schoology_auth
    for between in ("&", "%26", "%2526"):
        header = plaintext(f"practice{between}{auth.access_token_secret}", oauth_token=auth.access_token)
        answer = lms.http.get(f"{lms.url}/v1/roles", headers={"Authorization": header})
        assert answer.status_code == 200
    wrong = plaintext("practice%26", oauth_token=auth.access_token)
    assert lms.http.get(f"{lms.url}/v1/roles", headers={"Authorization": wrong}).status_code == 401
    token = _auth(lms)
    address = token.request_authorization(HERE).replace("oauth_callback=", "return_url=")
    assert _press(address, mine["id"], "approve").headers["location"].startswith(f"{HERE}?oauth_token=")


def test_an_app_with_a_key_of_its_own(lms_with: Callable[..., Client]) -> None:
    lms = lms_with(**APP)
    mine = _teacher(lms)
    client = _given(lms, mine["id"], key="app", secret="app-secret")
    assert client.get_me()["school_uid"] == "t-1"
    app = OAuth1Session("app", "app-secret")
    assert app.get(f"{lms.url}/v1/roles").status_code == 403, "without a token it is nobody"
    assert OAuth1Session("practice", "practice").get(f"{lms.url}/v1/oauth/request_token").status_code == 403
    auth = client.schoology_auth
    other_key = OAuth1Session("practice", "practice", auth.access_token, auth.access_token_secret)
    assert other_key.get(f"{lms.url}/v1/roles").status_code == 401


def test_the_page_stands_in_no_frame_and_asks_who_it_is(lms: Client) -> None:
    _teacher(lms)
    address = _auth(lms).request_authorization(HERE)
    page = requests.get(address, timeout=60)
    assert page.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "form-action 'self' https://rollbook.example" in page.headers["content-security-policy"]
    assert "Approve" not in page.text
    found = requests.get(address, params={"q": "t-1"}, timeout=60)
    assert "Ana Diaz" in found.text
    nowhere = requests.get(address.replace("https%3A", "javascript%3A"), timeout=60)
    assert "javascript:" not in nowhere.headers["content-security-policy"]
