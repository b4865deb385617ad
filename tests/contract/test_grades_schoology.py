"""Schoology keeps every promise of a grade source, before the practice LMS."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import httpx2
import pytest

from rollbook.connectors.gradebook import GradeSource
from rollbook.connectors.schoology import SchoologyOptions
from rollbook.connectors.schoology.grades import SchoologyGrades
from rollbook.practice.lms import create_lms
from rollbook.practice.server import Running, serve
from rollbook.roster.grades import EXCUSED, INCOMPLETE, LATE, MISSING, Gradebook
from rollbook.testing import CountingContext, make_context
from rollbook.testing.grade_samples import SAMPLE
from rollbook.testing.grade_source_contract import CODE, GradeSourceContract
from tests.user_tokens import Tokens, allowed_by
from tests.verification.lms_client import Client

KEY = "practice"
EXCEPTIONS = {"": 0, EXCUSED: 1, INCOMPLETE: 2, MISSING: 3, LATE: 4}
LETTERS = "1"  # the practice LMS's scale A-F
FAULTS: dict[str, dict[str, Any]] = {
    "half_read": {"name": "server_error", "path": "/v1/sections/", "after": 3},
    "half_page": {"name": "half_page", "path": "/v1/sections/"},
    "html": {"name": "html"},
    "throttle": {"name": "throttle", "retry_after": 3600},
    "cut": {"name": "cut"},
    "wrong_key": {"name": "unauthorized"},
}


def plant(lms: Client, book: Gradebook = SAMPLE, code: str = CODE) -> dict[str, str]:
    """Put a gradebook into the practice LMS; its id for each name."""
    found = lms.class_of(section=code)
    section, ids = found["section"], {"section": str(found["section"]), "period": str(found["period"])}
    ids["letters"] = LETTERS
    path = f"sections/{section}"
    for each in book.members:
        user = lms.made("users", lms.user(each.unique_id or ""))
        body = {"uid": user["uid"], "admin": int(each.admin)}
        ids |= {each.user: str(user["uid"]), each.id: str(lms.made(f"{path}/enrollments", body)["id"])}
    for category in book.categories:
        item = {"title": category.title, "weight": category.weight}
        made = lms.bulk("POST", f"{path}/grading_categories", "grading_categories/grading_category", [item])
        ids[category.id] = str(made[0]["id"])
    for item_ in book.items:
        body = {
            "title": item_.title, "due": item_.due or "", "max_points": item_.points, "factor": item_.factor,
            "grading_category": ids.get(item_.category or "", 0), "grading_scale": ids.get(item_.scale or "", 0),
            "grading_period": ids.get(item_.grading_period or "", 0), "published": int(item_.published),
            "count_in_grade": int(item_.counted), "is_final": int(item_.final),
        }  # fmt: skip
        ids[item_.id] = str(lms.made(f"{path}/assignments", body)["id"])
    grades = [
        {
            "type": "assignment", "assignment_id": ids[each.item], "enrollment_id": ids[each.member],
            "grade": each.score, "exception": EXCEPTIONS[each.exception], "comment": each.comment,
        }
        for each in book.grades
    ]  # fmt: skip
    if grades:
        answer = lms.call("PUT", f"{path}/grades", {"grades": {"grade": grades}})
        assert {each["response_code"] for each in answer.json()["grade"]} == {200}
    for each in book.members:
        if not each.active:
            assert lms.call("DELETE", f"{path}/enrollments/{ids[each.id]}").status_code == 204
    return ids


class SchoologyContract(GradeSourceContract):
    secrets = ("Hedy Handmade",)
    pages = "told"
    page_size = 2
    grades_as: Literal["admin", "teachers"] = "admin"

    @pytest.fixture
    def app(self, tmp_path: Path) -> Any:
        return create_lms(tmp_path / "lms.sqlite3", grade_pages=self.pages)

    @pytest.fixture
    def lms(self, app: Any) -> Iterator[Running]:
        with serve(app) as running:
            yield running

    @pytest.fixture
    def ids(self, lms: Running, app: Any) -> Mapping[str, str]:
        with httpx2.Client() as http:
            return plant(Client(lms.url, http, app))

    @pytest.fixture
    def grades(self, context: CountingContext, lms: Running, ids: Mapping[str, str]) -> Iterator[GradeSource]:
        options = SchoologyOptions(
            base_url=f"{lms.url}/v1", key=KEY, secret="practice", page_size=self.page_size, credits=1000,
            grades_as=self.grades_as, site=lms.url,
        )  # fmt: skip
        made = SchoologyGrades(options, self.permitted(options, context, ids))
        yield made
        made.close()

    def permitted(self, options: SchoologyOptions, context: CountingContext, ids: Mapping[str, str]) -> CountingContext:
        """The context, with whatever permissions there are."""
        return context

    @pytest.fixture
    def fault(self, lms: Running) -> Callable[[str], None]:
        return lambda name: tell(lms, FAULTS[name])


class TestSchoologyGrades(SchoologyContract):
    """Pages with totals and links."""


class TestByPermission(SchoologyContract):
    """With the permission of the section's teacher."""

    grades_as = "teachers"

    def permitted(self, options: SchoologyOptions, context: CountingContext, ids: Mapping[str, str]) -> CountingContext:
        tokens = Tokens([allowed_by(options, ids["u-teacher"], context.work).token])
        self.secrets = (*self.secrets, tokens.given[0].token, tokens.given[0].secret)
        return replace(context, tokens=tokens)


class TestWithoutTotals(SchoologyContract):
    """Pages of grades of which nothing says how many there are."""

    pages = "untold"
    page_size = 3
    lacks = {"half_page": "without totals nothing tells a short page from the last one"}  # noqa: RUF012 - never changed


class TestWithoutPages(SchoologyContract):
    """All grades in one answer, whatever was asked for."""

    pages = "whole"


def tell(lms: Running, *faults: dict[str, Any]) -> None:
    httpx2.post(f"{lms.url}/_practice/faults", json={"clear": True, "on": list(faults)}).raise_for_status()


@pytest.mark.parametrize("pages", ["told", "untold"])
def test_many_grades_come_whole(tmp_path: Path, context: CountingContext, pages: Any) -> None:
    """Ordinary and final items are paged apart; grades come in pages of twenty or more."""
    app = create_lms(tmp_path / "lms.sqlite3", grade_pages=pages, max_limit=20)
    with serve(app) as running, httpx2.Client() as http:
        lms = Client(running.url, http, app)
        found = lms.class_of(*(f"s-{n}" for n in range(4)), section=CODE)
        path = f"sections/{found['section']}"
        items = [lms.made(f"{path}/assignments", {"title": f"I {n}", "is_final": int(n > 24)})["id"] for n in range(33)]
        grades = [
            {"assignment_id": item, "enrollment_id": found[f"s-{n}"], "grade": n} for item in items for n in range(4)
        ]
        for start in range(0, len(grades), 50):
            lms.call("PUT", f"{path}/grades", {"grades": {"grade": grades[start : start + 50]}})
        options = SchoologyOptions(base_url=f"{running.url}/v1", key=KEY, secret="practice", credits=1000)
        source = SchoologyGrades(options, context)
        book = source.gradebook(CODE, None)
        source.close()
    assert len(book.items) == 33
    assert sum(item.final for item in book.items) == 8
    assert len(book.grades) == 132
    assert {grade.score for grade in book.grades} == {0.0, 1.0, 2.0, 3.0}
    assert all(grade.at is not None and abs(grade.at - time.time()) < 600 for grade in book.grades)


@pytest.fixture
def context(tmp_path: Path) -> CountingContext:
    return make_context(tmp_path)
