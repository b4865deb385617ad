"""A bare client of the practice LMS for its tests: signs by itself, changes nothing it sends."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import httpx2

from rollbook.practice import server
from rollbook.practice.lms import create_lms


def plaintext(signature: str = "practice%26", **changes: str) -> str:
    """A PLAINTEXT header; `signature` goes in as it is, `changes` replace its parameters."""
    parts = {
        "realm": "Schoology API", "oauth_consumer_key": "practice", "oauth_token": "",
        "oauth_nonce": secrets.token_hex(8), "oauth_timestamp": str(int(time.time())),
        "oauth_signature_method": "PLAINTEXT", "oauth_version": "1.0", "oauth_signature": signature, **changes,
    }  # fmt: skip
    return "OAuth " + ",".join(f'{name}="{value}"' for name, value in parts.items())


def hmac_sha1(method: str, url: str, *, secret: str = "practice", **changes: str) -> str:
    """An HMAC-SHA1 header without realm and token, as most libraries send it (RFC 5849, 3.4)."""
    parts = {
        "oauth_consumer_key": "practice", "oauth_nonce": secrets.token_hex(8),
        "oauth_timestamp": str(int(time.time())), "oauth_signature_method": "HMAC-SHA1",
        "oauth_version": "1.0", **changes,
    }  # fmt: skip
    address = urlsplit(url)
    pairs = [*parse_qsl(address.query, keep_blank_values=True), *parts.items()]
    normal = "&".join("=".join(pair) for pair in sorted((_quoted(k), _quoted(v)) for k, v in pairs))
    plain = f"{address.scheme}://{address.netloc}{address.path}"
    base = "&".join(_quoted(part) for part in (method, plain, normal))
    digest = hmac.new(f"{_quoted(secret)}&".encode(), base.encode(), hashlib.sha1).digest()
    parts["oauth_signature"] = base64.b64encode(digest).decode()
    return "OAuth " + ", ".join(f'{name}="{_quoted(value)}"' for name, value in parts.items())


def _quoted(text: str) -> str:
    return quote(text, safe="~")


class Client:
    """Calls one practice LMS; every call is signed anew."""

    def __init__(self, url: str, http: httpx2.Client, app: Any) -> None:
        self.url = url
        self.http = http
        self.app = app

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        """A signed call of a path below /v1."""
        sent = {"Authorization": plaintext(), **{k.replace("_", "-"): v for k, v in headers.items()}}
        return self.http.request(method, f"{self.url}/v1/{path}", json=body, headers=sent)

    def get(self, path: str, **headers: str) -> Any:
        """What a GET answers; fails unless it is a 200."""
        answer = self.call("GET", path, **headers)
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.json()

    def made(self, path: str, body: Mapping[str, Any]) -> Any:
        """What a single POST makes; fails unless it is a 201."""
        answer = self.call("POST", path, body)
        assert answer.status_code == 201, (path, answer.status_code, answer.text)
        return answer.json()

    def bulk(self, method: str, path: str, names: str, items: list[Any]) -> list[Any]:
        """The results of a bulk call; `names` are the wrapper's, as in "users/user"."""
        plural, singular = names.split("/")
        answer = self.call(method, path, {plural: {singular: items}})
        assert answer.status_code == 207, (path, answer.status_code, answer.text)
        data = answer.json()
        return data.get(plural, data)[singular]

    def practice(self, path: str, body: Any = None) -> Any:
        """The control API: a GET without a body, a POST with one."""
        method = "GET" if body is None else "POST"
        answer = self.http.request(method, f"{self.url}/_practice/{path}", json=body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def faults(self, *texts: str) -> None:
        self.practice("faults", {"clear": True, "on": list(texts)})

    def state(self) -> Any:
        return self.practice("state")

    # What most tests need first.

    def organization(self) -> str:
        return str(self.get("schools")["school"][0]["id"])

    def role(self, title: str) -> str:
        return next(str(role["id"]) for role in self.get("roles")["role"] if role["title"] == title)

    def building(self, code: str = "elm") -> str:
        made = self.made(f"schools/{self.organization()}/buildings", {"title": code, "building_code": code})
        return str(made["id"])

    def period(self, title: str = "Year", start: str = "2020-08-01", end: str = "2099-06-30") -> int:
        return int(self.made("gradingperiods", {"title": title, "start": start, "end": end})["id"])

    def user(self, code: str, role: str = "Student", **more: Any) -> dict[str, Any]:
        """A new account as a body to send."""
        return {
            "school_uid": code, "name_first": "Ana", "name_last": "Diaz", "username": code,
            "role_id": self.role(role), **more,
        }  # fmt: skip

    def class_of(self, *codes: str, section: str = "sec-1") -> dict[str, int]:
        """A section with these students; its id under "section", enrollment ids under their codes."""
        period = self.period(f"Period of {section}")
        course = self.made("courses", {"title": "Algebra", "course_code": f"course-{section}"})["id"]
        body = {"title": "A", "section_school_code": section, "grading_periods": [period]}
        found = {"section": int(self.made(f"courses/{course}/sections", body)["id"]), "course": course}
        for code in codes:
            user = self.made("users", self.user(code))
            made = self.made(f"sections/{found['section']}/enrollments", {"uid": user["uid"]})
            found[code] = made["id"]
        return {**found, "period": period}


class Switchboard:
    """Lets one server answer for a fresh practice LMS in every test."""

    def __init__(self) -> None:
        self.app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await self.app(scope, receive, send)


@contextmanager
def served() -> Iterator[tuple[Switchboard, str]]:
    board = Switchboard()
    with server.serve(board) as running:
        yield board, running.url


@contextmanager
def connected(board: Switchboard, url: str, **settings: Any) -> Iterator[Client]:
    """A client of a fresh practice LMS with these settings, behind the switchboard."""
    board.app = create_lms(**settings)
    try:
        with httpx2.Client() as http:
            yield Client(url, http, board.app)
    finally:
        board.app.state.lms.store.close()
