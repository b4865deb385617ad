"""Grades by the clock (rule 29): off unless it is set, with a window of its own, apart from that of rosters."""

from __future__ import annotations

import pytest

from rollbook.actions.grades import GradesWanted, request_grades
from rollbook.actions.schedule import show_schedule
from rollbook.errors import ConfigError
from rollbook.roster.grades import GRADE_KINDS
from rollbook.store.grades import mapped_sections, section_row
from rollbook.store.models import AuditRow, QueuedSlot, River, Run, RunState
from tests.integration.test_schedule import DAILY, NEW_YORK, Town, town

GRADES = 'grades: {schedule: {mode: scheduled, window: "05:00-06:00"}}\n'
__all__ = ["town"]


def next_grades() -> str:
    start = show_schedule(org="maple").grades.start
    return f"{start.at.astimezone(NEW_YORK):%a %d %H:%M}" if start is not None else "never"


def queued() -> list[Run]:
    return list(Run.objects.filter(state=RunState.QUEUED).order_by("created_at", "id"))


@pytest.mark.rule(29)
def test_off_by_default(town: Town) -> None:
    town.save(DAILY)
    town.at("2026-11-22T05:00:00")
    assert {run.river for run in town.ask()} == {River.ROSTER}
    assert next_grades() == "never"
    assert "manual" in show_schedule(org="maple").grades.why


@pytest.mark.rule(29)
def test_grades_have_a_window_of_their_own(town: Town) -> None:
    town.at("2026-11-20T09:00:00")
    town.save(DAILY + GRADES)
    assert (town.next(), next_grades()) == ("Sun 22 00:00", "Sun 22 05:00")
    town.at("2026-11-22T00:00:30")
    assert [run.river for run in town.ask()] == [River.ROSTER]
    town.at("2026-11-22T05:00:30")
    (run,) = town.ask()
    assert (run.river, run.sections, run.only_mapped, run.dry_run) == (River.GRADES, [], True, False)
    assert run.kinds == list(GRADE_KINDS)
    assert AuditRow.objects.filter(action="request scheduled grades sync", subject=run.pk).exists()
    assert town.ask() == []
    assert (town.next(), next_grades()) == ("Mon 23 00:00", "Mon 23 05:00")


@pytest.mark.rule(29)
def test_both_at_the_same_minute(town: Town) -> None:
    town.save(DAILY + 'grades: {schedule: {mode: scheduled, window: "00:00-03:00"}}\n')
    town.at("2026-11-22T00:00:30")
    assert sorted(run.river for run in town.ask()) == [River.GRADES, River.ROSTER]
    assert QueuedSlot.objects.count() == 2


@pytest.mark.rule(29)
def test_a_missed_window_runs_once(town: Town) -> None:
    town.save(GRADES)
    town.at("2026-11-26T14:00:00")
    assert len(town.ask()) == 1
    assert town.ask() == []
    assert next_grades() == "Fri 27 05:00"
    town.save('grades: {schedule: {mode: scheduled, window: "05:00-06:00", missed: wait}}\n')
    town.at("2026-11-29T14:00:00")
    assert town.ask() == []


@pytest.mark.rule(29)
def test_equal_wishes_run_once(town: Town) -> None:
    town.save(GRADES)
    town.at("2026-11-22T04:59:00")
    mine = request_grades(org="maple", sections=[], by="Ann")
    before = show_schedule(org="maple").grades_clock.since
    assert before == town.now, "a run of all sections begins a grace period"
    assert town.ask() == []
    mine.delete()
    town.at("2026-11-24T05:00:10")
    (run,) = town.ask()
    assert queued() == [run]
    other = request_grades(org="maple", sections=[], by="Ann")
    assert other.pk != run.pk, "the clock's run leaves out sections whose map is open"
    town.at("2026-11-26T05:00:10")
    assert town.ask() in ([run], [other])
    assert len(queued()) == 2


@pytest.mark.rule(29)
def test_what_resets_it_and_what_does_not(town: Town) -> None:
    town.save(DAILY + GRADES)
    rosters, grades = town.next(), next_grades()
    town.at("2026-11-20T12:00:00")
    town.sync()
    assert (town.next(), next_grades()) == ("Sun 22 00:00", grades), "a roster run leaves it alone"
    request_grades(org="maple", sections=[], by="Ann", wanted=GradesWanted(dry_run=True))
    assert next_grades() == grades, "so does what only plans"
    town.at("2026-11-21T12:00:00")
    request_grades(org="maple", sections=[], by="Ann")
    assert (town.next(), next_grades()) == (rosters, "Mon 23 05:00")
    town.at("2026-11-21T13:00:00")
    town.save(DAILY.replace("}", ", missed: wait}") + GRADES)
    assert next_grades() == "Mon 23 05:00"
    town.save(DAILY + GRADES.replace("05:00", "04:00"))
    assert next_grades() == "Mon 23 04:00"
    assert town.next() == rosters, "changing one leaves the other"


@pytest.mark.rule(29)
def test_blackout_days_hold_for_grades(town: Town) -> None:
    days = 'schedule: {blackout: [{from: "2026-11-22", to: "2026-11-22", why: holiday}]}\n'
    town.save(days + GRADES)
    seen = show_schedule(org="maple").grades
    assert (seen.sends, f"{seen.sending.local:%a %d}" if seen.sending else "") == (False, "Mon 23")
    town.at("2026-11-22T05:00:10")
    (run,) = town.ask()
    assert run.dry_run
    assert "holiday" in run.blackout


@pytest.mark.rule(29)
def test_a_broken_schedule_is_refused(town: Town) -> None:
    with pytest.raises(ConfigError, match=r"grades\.schedule\.weekday"):
        town.save("grades: {schedule: {mode: scheduled, every: weekly}}\n")


@pytest.mark.rule(29)
def test_only_sections_whose_map_is_done(town: Town) -> None:
    town.save(GRADES)
    known = {"done": ({"1": "hw", "2": ""}, 0), "skipped": ({"1": ""}, 0), "open": ({"1": "hw"}, 2), "new": ({}, 0)}
    organization = show_schedule(org="maple").organization.pk
    for code, (categories, open_items) in known.items():
        row = section_row(organization, code)
        row.categories, row.counts = categories, {"open": open_items}
        row.save()
    assert mapped_sections(organization) == {"done"}
