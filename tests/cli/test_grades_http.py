"""Grades from a practice LMS into a practice SIS, over HTTP and by the command line, as a district would do it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.cli.practice import District, a_district
from tests.verification.lms_client import plaintext
from tests.verification.sis_client import SisClient

V12 = {"base_url": "/ims/oneroster/rostering/v1p2", "partner": "generic-1.2"}
V11 = {"base_url": "/ims/oneroster/v1p1"}


class Lms:
    """The teacher's side of a practice LMS: categories, items and grades of one section."""

    def __init__(self, url: str, code: str) -> None:
        self._http, self._url = httpx2.Client(trust_env=False, timeout=60), url
        self.section = self._call("GET", f"sections/ext/{code}")["id"]
        self.members = {
            each["school_uid"]: each["id"]
            for each in self._call("GET", f"sections/{self.section}/enrollments")["enrollment"]
            if not int(each["admin"])
        }

    def category(self, title: str) -> int:
        wrapped = {"grading_categories": {"grading_category": [{"title": title}]}}
        made = self._call("POST", f"sections/{self.section}/grading_categories", wrapped)
        return int(made["grading_category"][0]["id"])

    def item(self, title: str, **fields: Any) -> int:
        return int(self._call("POST", f"sections/{self.section}/assignments", {"title": title, **fields})["id"])

    def change(self, item: int, **fields: Any) -> None:
        self._call("PUT", f"sections/{self.section}/assignments/{item}", fields)

    def delete(self, item: int) -> None:
        self._call("DELETE", f"sections/{self.section}/assignments/{item}")

    def grade(self, item: int, student: str, grade: Any = None, exception: int = 0) -> None:
        one = {"type": "assignment", "assignment_id": item, "enrollment_id": self.members[student], "grade": grade}
        body = {"grades": {"grade": [one | {"exception": exception}]}}
        answer = self._call("PUT", f"sections/{self.section}/grades", body)
        assert answer["grade"][0]["response_code"] == 200, answer

    def close(self) -> None:
        self._http.close()

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._http.request(method, f"{self._url}/v1/{path}", json=body, headers={"Authorization": plaintext()})
        assert answer.is_success, (path, answer.status_code, answer.text)
        return answer.json() if answer.content else None


@contextmanager
def school(folder: Path, day: Path, version: str) -> Iterator[tuple[District, SisClient]]:
    """A synced district whose SIS has two categories for everybody."""
    (day / "categories.csv").write_text("sourcedId,status,dateLastModified,title\nhw,,,Homework\nte,,,Tests\n")
    with a_district(folder) as found, serve_sis(day, version) as sis:
        known = V12 if version == "1.2" else V11
        path = {"base_url": f"{sis.url}{known['base_url']}"}
        found.asks(sis.url, **path, **({"version": "1.2"} if version == "1.2" else {}))
        found.sync()
        yield found, sis


@contextmanager
def serve_sis(day: Path, version: str) -> Iterator[SisClient]:
    from rollbook.practice.server import serve
    from rollbook.practice.sis import create_sis

    with serve(create_sis(day, version=version)) as running, httpx2.Client(trust_env=False, timeout=60) as http:
        yield SisClient(running.url, version, http)


def class_of(sis: SisClient) -> tuple[str, list[str]]:
    """A class with at least three students."""
    students: dict[str, list[str]] = {}
    for each in sis.items("/enrollments", limit=10000):
        if each["role"] == "student":
            students.setdefault(each["class"]["sourcedId"], []).append(each["user"]["sourcedId"])
    return next((code, sorted(found)) for code, found in sorted(students.items()) if len(found) >= 3)


def results(sis: SisClient, code: str) -> dict[tuple[str, str], tuple[str, Any]]:
    """What the SIS holds: (title, student) → (status, score)."""
    items = {one["sourcedId"]: one["title"] for one in sis.items(f"/classes/{code}/lineItems", "gradebook", limit=999)}
    found = sis.items(f"/classes/{code}/results", "gradebook", limit=999)
    return {
        (items[one["lineItem"]["sourcedId"]], one["student"]["sourcedId"]): (one["scoreStatus"], one.get("score"))
        for one in found
        if one["status"] == "active"
    }


@pytest.mark.rule(32)
@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_a_term_of_grading_ends_equal(tmp_path: Path, version: str) -> None:
    """Rule 32: first use, changes, a cleared grade, an item that goes; after each sync a second one sends nothing."""
    from rollbook.practice import district

    day = district.generate(tmp_path / "days", students=40, seed=3, days=1)[0]
    with school(tmp_path, day, version) as (district_, sis):
        code, (one, two, three, *_) = class_of(sis)
        grades = ("grades", "sync", "maple", "--section", code)
        lms = Lms(district_.lms, code)
        essay, quiz = _first_grades(lms, one, two, three)
        first = district_.rollbook(*grades)
        assert first["findings"] == {"CATEGORIES_UNDECIDED": 1, "ITEM_NO_CATEGORY": 1}
        mapping = ("--set", "homework=hw", "--set", "Quizzes=Tests")
        district_.rollbook("grades", "map", "maple", "--section", code, *mapping, schema="grades-map")
        district_.rollbook(*grades)
        wanted = {("Essay", one): ("fully graded", 18), ("Essay", two): ("fully graded", 0)}
        shown = results(sis, code)
        assert {key: shown[key] for key in wanted} == wanted
        assert shown["Quiz", three][0] == "exempt"
        assert _quiet(district_, grades)
        lms.grade(essay, one, 19.5)
        lms.grade(essay, two, "")
        lms.change(quiz, title="Quiz 1", max_points=12)
        run = district_.rollbook(*grades)
        assert (run["kinds"]["result"]["remove"], run["findings"]["ITEM_POINTS_CHANGED"]) == (1, 1)
        assert {key: said[1] for key, said in results(sis, code).items() if key[0] == "Essay"} == {("Essay", one): 19.5}
        assert _quiet(district_, grades)
        _delete(district_, sis, lms, code, quiz)
        assert set(results(sis, code)) == {("Essay", one)}
        assert _quiet(district_, grades)
        lms.close()


def _first_grades(lms: Lms, one: str, two: str, three: str) -> tuple[int, int]:
    """Two items that are graded, and one without a category."""
    homework, quizzes = lms.category("homework"), lms.category("Quizzes")
    essay = lms.item("Essay", max_points=20, due="2026-11-02", grading_category=homework)
    quiz = lms.item("Quiz", max_points=10, grading_category=quizzes)
    lms.item("Reading", due="2026-11-02")
    lms.grade(essay, one, 18)
    lms.grade(essay, two, 0)
    lms.grade(quiz, three, exception=1)
    return essay, quiz


def _delete(district: District, sis: SisClient, lms: Lms, code: str, item: int) -> None:
    """It stays in the SIS until somebody chooses."""
    lms.delete(item)
    grades = ("grades", "sync", "maple", "--section", code)
    assert district.rollbook(*grades)["kinds"]["line_item"]["waiting"] == 1
    assert "Quiz 1" in {title for title, _ in results(sis, code)}
    remove = ("grades", "items", "maple", "--section", code, "--remove", str(item))
    district.rollbook(*remove, schema="grades-items")
    district.rollbook(*grades)


def _quiet(district: District, grades: tuple[str, ...]) -> bool:
    run = district.rollbook(*grades)
    words = ("create", "update", "remove", "held", "waiting", "refused", "unknown")
    busy = {kind: counts for kind, counts in run["kinds"].items() if any(counts[word] for word in words)}
    assert not busy, json.dumps(busy)
    return True
