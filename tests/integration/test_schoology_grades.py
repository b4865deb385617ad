"""Schoology's gradebooks before a practice LMS that misbehaves: a whole gradebook, or an error; never a part."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rollbook.connectors.schoology import SchoologyOptions
from rollbook.connectors.schoology.grades import SchoologyGrades
from rollbook.errors import AuthFailed, BadResponse, RollbookError, Unavailable
from rollbook.practice.lms import create_lms
from rollbook.practice.server import serve
from rollbook.roster.grades import Gradebook
from rollbook.testing import CountingContext, make_context
from rollbook.testing.grade_source_contract import CODE
from tests.contract.test_grades_schoology import plant
from tests.verification.lms_client import Client

LISTS = ("grades", "grade_items", "enrollments")


@contextmanager
def opened(tmp_path: Path, **settings: Any) -> Iterator[tuple[SchoologyGrades, Client, CountingContext]]:
    """A source over small pages, the LMS itself, and what was asked."""
    app, context = create_lms(tmp_path / "lms.sqlite3", **settings), make_context(tmp_path)
    with serve(app) as running, httpx2.Client() as http:
        lms = Client(running.url, http, app)
        options = SchoologyOptions(
            base_url=f"{running.url}/v1", key="practice", secret="practice", page_size=2, credits=1000, timeout=2.0
        )
        source = SchoologyGrades(options, context)
        try:
            yield source, lms, context
        finally:
            source.close()


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("fault", ["wrong_total", "repeat_page", "missing_key", "half_page", "html", "not_json"])
def test_a_list_that_does_not_add_up_is_an_error(tmp_path: Path, name: str, fault: str) -> None:
    with opened(tmp_path) as (source, lms, _):
        ids = plant(lms)
        lms.faults(f"{fault}:path=/v1/sections/{ids['section']}/{name}")
        with pytest.raises(BadResponse):
            source.gradebook(CODE, None)


@pytest.mark.parametrize("name", LISTS)
def test_records_that_move_underway_are_read_again(tmp_path: Path, name: str) -> None:
    with opened(tmp_path) as (source, lms, _):
        ids = plant(lms)
        whole = source.gradebook(CODE, None)
        lms.faults(f"drift:path=/v1/sections/{ids['section']}/{name},times=1")
        assert _sets(source.gradebook(CODE, None)) == _sets(whole)


@pytest.mark.parametrize("name", ["grading_categories", "grading_scales", *LISTS])
def test_a_list_that_is_missing_is_an_error(tmp_path: Path, name: str) -> None:
    with opened(tmp_path) as (source, lms, _):
        ids = plant(lms)
        lms.faults(f"not_found:path=/v1/sections/{ids['section']}/{name}")
        with pytest.raises(BadResponse, match="404"):
            source.gradebook(CODE, None)
        lms.faults(f"forbidden:path=/v1/sections/{ids['section']}/{name}")
        with pytest.raises(AuthFailed):
            source.gradebook(CODE, None)


@pytest.mark.parametrize("fault", ["server_error:times=2", "unavailable:times=2", "cut:times=2", "throttle:times=2"])
def test_passing_trouble_is_lived_through(tmp_path: Path, fault: str) -> None:
    with opened(tmp_path) as (source, lms, _):
        plant(lms)
        whole = source.gradebook(CODE, None)
        lms.faults(fault)
        assert source.gradebook(CODE, None) == whole


def test_lasting_trouble_is_unavailable(tmp_path: Path) -> None:
    with opened(tmp_path) as (source, lms, _):
        plant(lms)
        lms.faults("server_error")
        with pytest.raises(Unavailable):
            source.gradebook(CODE, None)


def test_an_empty_section_has_an_empty_gradebook(tmp_path: Path) -> None:
    with opened(tmp_path) as (source, lms, _):
        found = lms.class_of("s-1", section=CODE)
        book = source.gradebook(CODE, str(found["section"]))
        assert (book.items, book.grades, book.categories) == ((), (), ())
        assert [each.unique_id for each in book.members] == ["s-1"]
        assert source.course_admins(CODE, None) == []


def test_a_known_id_saves_the_search_and_a_stale_one_does_no_harm(tmp_path: Path) -> None:
    with opened(tmp_path) as (source, lms, context):
        mine, other = lms.class_of("s-1", section=CODE), lms.class_of("s-2", section="other")
        assert source.gradebook(CODE, str(mine["section"])).section == str(mine["section"])
        before = context.requests
        assert source.course_admins(CODE, str(mine["section"])) == []
        assert context.requests - before == 2
        assert source.gradebook(CODE, str(other["section"])).section == str(mine["section"])


def test_a_code_with_a_comma_is_found(tmp_path: Path) -> None:
    with opened(tmp_path) as (source, lms, _):
        found = lms.class_of("s-1", section="a,b/c")
        assert source.gradebook("a,b/c", None).section == str(found["section"])


def test_the_connection_test_tells_whether_grades_can_be_read(tmp_path: Path) -> None:
    with opened(tmp_path) as (source, lms, _):
        assert source.test().facts == {"section": "none"}
        ids = plant(lms)
        assert source.test().facts == {"section": ids["section"]}
        lms.faults("forbidden:path=/v1/sections/")
        with pytest.raises(AuthFailed):
            source.test()
        lms.faults("missing_key:path=/v1/courses")
        with pytest.raises(RollbookError):
            source.test()


def test_course_admins_who_left_are_none_any_more(tmp_path: Path) -> None:
    """Rule 31: checked at each launch, those who were added by hand included."""
    with opened(tmp_path) as (source, lms, _):
        ids = plant(lms)
        user = lms.made("users", lms.user("by-hand", "Teacher"))
        made = lms.made(f"sections/{ids['section']}/enrollments", {"uid": user["uid"], "admin": 1})
        assert {each.unique_id for each in source.course_admins(CODE, ids["section"])} == {"t-1", "by-hand"}
        lms.call("PUT", f"sections/{ids['section']}/enrollments/{made['id']}", {"admin": 1, "status": 3})
        assert {each.unique_id for each in source.course_admins(CODE, ids["section"])} == {"t-1"}


def test_the_sections_of_a_person_cost_a_request_for_each_page(tmp_path: Path) -> None:
    with opened(tmp_path) as (source, lms, context):
        plant(lms)
        user = lms.made("users", lms.user("by-hand", "Teacher"))
        sections = [lms.class_of(f"student-{n}", section=f"c-{n}")["section"] for n in range(3)]
        for section in sections:
            lms.made(f"sections/{section}/enrollments", {"uid": user["uid"], "admin": 1})
        before = context.requests
        assert source.sections_of("by-hand", str(user["uid"])) == {"c-0", "c-1", "c-2"}
        assert context.requests - before == 2, "three sections, two on a page"
        assert source.sections_of("by-hand", "987654321") == frozenset(), "that account is gone"


def _sets(book: Gradebook) -> tuple[set[Any], ...]:
    """Order says nothing."""
    return set(book.items), set(book.members), set(book.grades)
