"""A seeded term of grading, over HTTP: edits, deletions, excusals, late arrivals, a killed process, faults on both
sides. Both gradebooks end equal. `script/bench grades_term` does the same for a longer one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from rollbook.practice.lms import create_lms
from rollbook.practice.server import serve
from rollbook.practice.sis import create_sis
from tests.cli.kit import Command
from tests.grade_term import Term
from tests.grade_town import ORG, SECTION, BareSis, practice_settings, section_codes, write_day


@pytest.fixture(autouse=True)
def _private_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLBOOK_ALLOW_PRIVATE_HOSTS", "1")


@contextmanager
def a_term(folder: Path, rollbook: Command, seed: int, *, sections: int = 1) -> Iterator[tuple[Term, Path]]:
    """A term, and the day on which two more students come."""
    day = write_day(folder / "day", sections=sections, students=8, late=2)
    later = write_day(folder / "later", sections=sections, students=8)
    with serve(create_sis(day)) as sis, serve(create_lms()) as lms, httpx2.Client(trust_env=False, timeout=60) as http:
        settings = folder / "settings.yaml"
        settings.write_text(practice_settings(sis.url, lms.url, timeout=2))
        rollbook("config", "import", str(settings), schema="config-import")
        rollbook("sync", ORG)
        yield Term(seed, rollbook, BareSis(sis.url, http), lms.url, section_codes(sections)), later


@pytest.mark.rule(32)
def test_both_gradebooks_end_equal(tmp_path: Path, rollbook: Command) -> None:
    with a_term(tmp_path, rollbook, seed=2) as (term, later):
        term.week(acts=6)
        term.arrive(later)
        term.week(acts=8, trouble=True, kill=True)
        term.week(acts=8, trouble=True)
        term.sync_again()
        told = term.told
        assert (told.differences, told.doubled, told.again) == (0, 0, 0)
        assert told.kills == 1
        assert told.changes > 30


def test_one_call_for_each_change(tmp_path: Path, rollbook: Command) -> None:
    with a_term(tmp_path, rollbook, seed=4) as (term, _):
        for _ in range(3):
            term.week(acts=8)
        assert term.told.writes == term.told.changes > 20


def test_teachers_who_sync_at_once_wait_for_each_other(tmp_path: Path, rollbook: Command) -> None:
    """Two of one section, and one of another."""
    with a_term(tmp_path, rollbook, seed=6, sections=2) as (term, _):
        one, other = term.courses
        for course in (one, other):
            course.week(acts=4)
        processes = [term.start("--section", each.teacher.code) for each in (one, one, other)]
        assert [each.wait(timeout=120) for each in processes] == [0, 0, 0]
        term.sync()
        assert term.told.writes == 0, "all was sent already"
        assert (term.told.differences, term.told.doubled) == (0, 0)


def test_a_closed_grading_period_is_told_to_the_teacher_and_passes(tmp_path: Path, rollbook: Command) -> None:
    with a_term(tmp_path, rollbook, seed=7) as (term, _):
        [course] = term.courses
        course.week(acts=3)
        term.faults(["window_closed"])
        run = rollbook("grades", "sync", ORG, "--section", SECTION)
        assert run["state"] == "done"
        assert run["kinds"]["line_item"]["refused"] >= 1
        assert run["kinds"]["result"]["waiting"] >= 1
        items = rollbook("grades", "items", ORG, "--section", SECTION, schema="grades-items")["items"]
        assert {(one["status"], one["why"]) for one in items} == {
            ("error", "the grading window is closed (invalid data)")
        }
        term.faults()
        term.sync()
        assert (term.told.differences, term.told.doubled) == (0, 0)
        items = rollbook("grades", "items", ORG, "--section", SECTION, schema="grades-items")["items"]
        assert {one["status"] for one in items} == {"successful"}
