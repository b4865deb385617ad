"""A client of the practice Moodle for its tests: what the third-party `pymoodle` offers, and raw calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
from moodle.session import MoodleClient
from moodle.util import flatten

from rollbook.practice.moodle import create_moodle
from tests.verification.lms_client import Switchboard


class Client:
    """Calls one practice Moodle; `typed` is the third-party client, `call` sends raw."""

    def __init__(self, url: str, http: httpx2.Client, typed: MoodleClient, app: Any) -> None:
        self.url = url
        self.http = http
        self.typed = typed
        self.app = app

    def send(self, function: str, given: dict[str, Any] | None = None, **changes: Any) -> httpx2.Response:
        """A POST as the service expects it; `changes` replace `wstoken` and its like, None leaves one out."""
        basics = {"wstoken": "practice", "wsfunction": function, "moodlewsrestformat": "json"}
        body = {name: value for name, value in {**basics, **changes}.items() if value is not None}
        return self.http.post(f"{self.url}/webservice/rest/server.php", data={**body, **flatten(given or {})})

    def call(self, function: str, **given: Any) -> Any:
        """What a function answers, an error too."""
        answer = self.send(function, given)
        assert answer.status_code == 200, (function, answer.status_code, answer.text)
        return answer.json()

    def error(self, function: str, **given: Any) -> str:
        """The errorcode; fails where there is none."""
        found = self.call(function, **given)
        assert isinstance(found, dict), found
        return str(found["errorcode"])

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

    def user(self, name: str, **more: Any) -> dict[str, Any]:
        """A new account as a body to send."""
        return {
            "username": name, "firstname": "Ana", "lastname": "Diaz", "email": f"{name}@school.example",
            "idnumber": f"id-{name}", "password": "Long-enough-1", **more,
        }  # fmt: skip

    def users(self, *names: str) -> list[int]:
        made = self.call("core_user_create_users", users=[self.user(name) for name in names])
        return [each["id"] for each in made]

    def category(self, idnumber: str = "elm") -> int:
        made = self.call("core_course_create_categories", categories=[{"name": idnumber, "idnumber": idnumber}])
        return int(made[0]["id"])

    def course(self, idnumber: str = "c1", **more: Any) -> int:
        listed = self.call("core_course_get_categories", criteria=[{"key": "idnumber", "value": "elm"}])
        category = listed[0]["id"] if listed else self.category()
        body = {"fullname": idnumber, "shortname": idnumber, "idnumber": idnumber, "categoryid": category, **more}
        return int(self.call("core_course_create_courses", courses=[body])[0]["id"])

    def enrol(self, course: int, *users: int, role: int = 5, **more: Any) -> Any:
        listed = [{"roleid": role, "userid": user, "courseid": course, **more} for user in users]
        return self.call("enrol_manual_enrol_users", enrolments=listed)


@contextmanager
def connected(board: Switchboard, url: str, **settings: Any) -> Iterator[Client]:
    """A client of a fresh practice Moodle with these settings, behind the switchboard."""
    board.app = create_moodle(**settings)
    try:
        with httpx2.Client() as http, MoodleClient(url, "practice") as typed:
            yield Client(url, http, typed, board.app)
    finally:
        board.app.state.moodle.store.close()
