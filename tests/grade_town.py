"""What the benches of grades run with: a school in CSV files, a teacher who grades in the practice LMS, and a bare look
into both gradebooks. Shares no code with what is measured."""

from __future__ import annotations

import csv
import json
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx2

ORG = "bench"
SECTION = "k0000"
BASE = "/ims/oneroster/v1p1"
_SCOPES = ("roster-core.readonly", "gradebook.readonly", "gradebook.createput", "gradebook.delete")
_SCOPE = "https://purl.imsglobal.org/spec/or/v1p1/scope/"
_PAIR = ("practice", "practice")
#: Grades that the practice LMS takes in one call.
_BULK = 50
SETTINGS = """
organization: {{slug: bench, name: Bench, timezone: America/New_York}}
sis: {sis}
lms: {lms}
active_year: "2027"
schools: {{"*": create}}
terms: {{"*": {{"*": create}}}}
roles: {{"*": {{student: Student, teacher: Teacher, "*": skip}}}}
users: {{passwords: none}}
limits: {{remove: {{percent: 100, from: 1}}, update: {{percent: 100, from: 1}}, create: {{percent: 100, from: 1}}}}
grades: {{limits: {{remove: {{percent: 100, from: 1000000}}, create: {{percent: 100, from: 1000000}}}}}}
"""


def practice_settings(sis: str, lms: str, **options: Any) -> str:
    """Settings for a practice SIS and a practice LMS at these addresses; `options` are of the SIS's connector."""
    given = {"base_url": sis + BASE, "token_url": f"{sis}/token", "key": "practice", "secret": "practice", **options}
    theirs = {"base_url": f"{lms}/v1", "key": "practice", "secret": "practice", "credits": 1000, "window": 0.001}
    return SETTINGS.format(
        sis=json.dumps({"connector": "oneroster_rest", "options": given}),
        lms=json.dumps({"connector": "schoology", "options": theirs}),
    )


def section_codes(number: int) -> list[str]:
    return [f"k{place:04}" for place in range(number)]


def write_day(folder: Path, *, sections: int, students: int, late: int = 0) -> Path:
    """OneRoster CSV of one school, whose sections have the same `students` and one teacher. The last `late` students
    are there, but in no section yet."""
    folder.mkdir(parents=True)
    people = [f"s{place:03}" for place in range(students)]
    sessions = [
        ("y", "2026-2027", "schoolYear", "2026-08-24", "2027-06-12", "", "2027"),
        ("fall", "Fall", "term", "2026-08-24", "2027-01-22", "y", "2027"),
        ("q1", "Quarter 1", "gradingPeriod", "2026-08-24", "2026-10-30", "fall", "2027"),
        ("q2", "Quarter 2", "gradingPeriod", "2026-10-31", "2027-01-22", "fall", "2027"),
    ]
    users = [(own, "true", "sch", "student", own, own, "Student", own) for own in people]
    codes = section_codes(sections)
    rows: dict[str, tuple[str, Iterable[Sequence[str]]]] = {
        "orgs": ("name type identifier parentSourcedId", [("sch", "School", "school", "SCH", "")]),
        "academicSessions": ("title type startDate endDate parentSourcedId schoolYear", sessions),
        "courses": ("schoolYearSourcedId title courseCode orgSourcedId", [("c1", "y", "Course", "C1", "sch")]),
        "classes": (
            "title courseSourcedId classCode classType schoolSourcedId termSourcedIds",
            [(code, f"Class {code}", "c1", code, "scheduled", "sch", "fall") for code in codes],
        ),
        "users": (
            "enabledUser orgSourcedIds role username givenName familyName identifier",
            [("t1", "true", "sch", "teacher", "t1", "Tea", "Cher", "t1"), *users],
        ),
        "enrollments": (
            "classSourcedId schoolSourcedId userSourcedId role primary",
            _enrollments(codes, people[: len(people) - late]),
        ),
        "categories": ("title", [("hw", "Homework"), ("te", "Tests")]),
    }
    for name, (columns, records) in rows.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["sourcedId", "status", "dateLastModified", *columns.split()])
            writer.writerows([own, "", "", *rest] for own, *rest in records)
    return folder


def _enrollments(codes: Sequence[str], people: Sequence[str]) -> Iterator[Sequence[str]]:
    for code in codes:
        yield f"{code}-t1", code, "sch", "t1", "teacher", "true"
        for own in people:
            yield f"{code}-{own}", code, "sch", own, "student", ""


class Teacher:
    """Grades one section in a practice LMS, and remembers nothing."""

    def __init__(self, url: str, http: httpx2.Client, code: str) -> None:
        self._url, self._http = url, http
        self.code = code
        self.section = self.call("GET", f"sections/ext/{code}")["id"]
        self.members: dict[str, int] = {}
        self.meet()

    def meet(self) -> None:
        """Who is in the section now: sourcedIds of students → memberships."""
        listed = self.call("GET", f"sections/{self.section}/enrollments?limit=200")["enrollment"]
        self.members = {one["school_uid"]: one["id"] for one in listed if not int(one["admin"])}

    def category(self, title: str) -> int:
        wrapped = {"grading_categories": {"grading_category": [{"title": title}]}}
        made = self.call("POST", f"sections/{self.section}/grading_categories", wrapped)
        return int(made["grading_category"][0]["id"])

    def item(self, title: str, **fields: Any) -> int:
        return int(self.call("POST", f"sections/{self.section}/assignments", {"title": title, **fields})["id"])

    def change(self, item: int, **fields: Any) -> None:
        self.call("PUT", f"sections/{self.section}/assignments/{item}", fields)

    def delete(self, item: int) -> None:
        self.call("DELETE", f"sections/{self.section}/assignments/{item}")

    def grade(self, given: Sequence[tuple[int, str, Any, int]]) -> None:
        """Item, student, grade ("" takes it back), exception."""
        rows = [
            {"type": "assignment", "assignment_id": item, "enrollment_id": self.members[student], "grade": grade,
             "exception": exception}
            for item, student, grade, exception in given
        ]  # fmt: skip
        for start in range(0, len(rows), _BULK):
            body = {"grades": {"grade": rows[start : start + _BULK]}}
            answers = self.call("PUT", f"sections/{self.section}/grades", body)["grade"]
            assert all(one["response_code"] == 200 for one in answers), answers

    def call(self, method: str, path: str, body: Any = None) -> Any:
        # A signature for everything: the practice LMS takes PLAINTEXT (OAuth 1, RFC 5849 3.4.4).
        nonce = f"{random.getrandbits(64):x}"
        signed = {"oauth_consumer_key": "practice", "oauth_token": "", "oauth_nonce": nonce, "oauth_version": "1.0",
                  "oauth_timestamp": str(int(time.time())), "oauth_signature_method": "PLAINTEXT",
                  "oauth_signature": "practice%26"}  # fmt: skip
        header = 'OAuth realm="Schoology API",' + ",".join(f'{name}="{value}"' for name, value in signed.items())
        answer = self._http.request(method, f"{self._url}/v1/{path}", json=body, headers={"authorization": header})
        assert answer.is_success, (path, answer.status_code, answer.text)
        return answer.json() if answer.content else None


class BareSis:
    """Asks a practice SIS with a token for rosters and gradebook."""

    def __init__(self, url: str, http: httpx2.Client) -> None:
        self.url, self.http = url, http
        form = {"grant_type": "client_credentials", "scope": " ".join(_SCOPE + name for name in _SCOPES)}
        token = http.post(f"{url}/token", auth=_PAIR, data=form).raise_for_status().json()["access_token"]
        self.headers = {"authorization": f"Bearer {token}"}

    def records(self, path: str, key: str) -> list[dict[str, Any]]:
        """All records of a list."""
        found: list[dict[str, Any]] = []
        while True:
            query = {"limit": 1000, "offset": len(found)}
            answer = self.http.get(f"{self.url}{BASE}{path}", params=query, headers=self.headers).raise_for_status()
            page = answer.json()[key]
            found += page
            if len(page) < 1000:
                return found

    def empty(self, code: str) -> None:
        """Delete the line items of a class, which takes their results along."""
        for one in self.records(f"/classes/{code}/lineItems", "lineItems"):
            address = f"{self.url}{BASE}/lineItems/{one['sourcedId']}"
            self.http.delete(address, headers=self.headers).raise_for_status()

    def control(self, path: str, **body: Any) -> Any:
        answer = self.http.post(f"{self.url}/_practice/{path}", json=body).raise_for_status()
        return answer.json() if answer.content else None

    def writes(self) -> int:
        """PUT and DELETE calls that arrived since the counters were set back."""
        attempts = self.http.get(f"{self.url}/_practice/requests").raise_for_status().json()["attempts"]
        return sum(number for name, number in attempts.items() if name.startswith(("PUT ", "DELETE ")))
