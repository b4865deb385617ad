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
from tests.grade_town import ORG, SECTION, BareSis, practice_settings, write_day


@contextmanager
def a_term(folder: Path, rollbook: Command, seed: int) -> Iterator[tuple[Term, Path]]:
    """A term, and the day on which two more students come."""
    day = write_day(folder / "day", sections=1, students=8, late=2)
    later = write_day(folder / "later", sections=1, students=8)
    with serve(create_sis(day)) as sis, serve(create_lms()) as lms, httpx2.Client(trust_env=False) as http:
        settings = folder / "settings.yaml"
        settings.write_text(practice_settings(sis.url, lms.url, timeout=2))
        rollbook("config", "import", str(settings), schema="config-import")
        rollbook("sync", ORG)
        yield Term(seed, rollbook, BareSis(sis.url, http), lms.url, [SECTION]), later


@pytest.mark.rule(32)
def test_both_gradebooks_end_equal(tmp_path: Path, rollbook: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLBOOK_ALLOW_PRIVATE_HOSTS", "1")
    with a_term(tmp_path, rollbook, seed=5) as (term, later):
        term.week(acts=6)
        term.arrive(later)
        term.week(acts=8, trouble=True, kill=True)
        term.week(acts=8, trouble=True)
        told = term.told
        assert (told.differences, told.doubled) == (0, 0)
        assert told.kills == 1
        assert told.changes > 30
        term.sync_again()
        assert told.again == 0


def test_one_call_for_each_change(tmp_path: Path, rollbook: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLBOOK_ALLOW_PRIVATE_HOSTS", "1")
    with a_term(tmp_path, rollbook, seed=2) as (term, _):
        for _ in range(3):
            term.week(acts=8)
        assert term.told.writes == term.told.changes > 30
