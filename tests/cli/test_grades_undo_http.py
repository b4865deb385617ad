"""Undo and the clock of grades, from a practice LMS into a practice SIS, over HTTP and by the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.test_grades_http import Lms, class_of, results, school


@pytest.mark.rule(28)
@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_a_day_of_grading_is_undone_and_redone(tmp_path: Path, version: str) -> None:
    from rollbook.practice import district

    day = district.generate(tmp_path / "days", students=40, seed=3, days=1)[0]
    with school(tmp_path, day, version) as (district_, sis):
        code, (one, two, three, *_) = class_of(sis)
        grades = ("grades", "sync", "maple", "--section", code)
        lms = Lms(district_.lms, code)
        homework = lms.category("homework")
        essay = lms.item("Essay", max_points=20, due="2026-11-02", grading_category=homework)
        lms.grade(essay, one, 18)
        lms.grade(essay, two, 12)
        district_.rollbook("grades", "plan", "maple", "--section", code)
        district_.rollbook("grades", "map", "maple", "--section", code, "--set", "homework=hw", schema="grades-map")
        district_.rollbook(*grades)
        before = results(sis, code)
        lms.grade(essay, one, 3)
        lms.grade(essay, two, "")
        lms.grade(essay, three, exception=1)
        run = district_.rollbook(*grades)
        after = results(sis, code)
        assert after != before
        planned = district_.rollbook("run", "undo", run["run"], "--dry-run")
        assert (planned["state"], results(sis, code)) == ("planned", after)
        undo = district_.rollbook("run", "apply", planned["run"])
        assert (undo["state"], results(sis, code)) == ("done", before)
        quiet = district_.rollbook(*grades)
        assert (results(sis, code), quiet["findings"]["GRADE_PINNED"]) == (before, 3)
        district_.rollbook("run", "undo", undo["run"])
        assert results(sis, code) == after
        assert "GRADE_PINNED" not in district_.rollbook(*grades)["findings"]
        assert results(sis, code) == after
        lms.close()
