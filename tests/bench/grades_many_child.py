"""A child process of the bench `grades_many`: prepares an organization of many sections, or syncs the grades of all."""

from __future__ import annotations

import json
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from rollbook.actions.grades import request_grades
from rollbook.actions.runs import Wanted, request_run
from rollbook.actions.secret_texts import Surroundings
from rollbook.actions.settings import import_settings
from rollbook.connectors.base import Batch, Report, TargetTraits
from rollbook.engine.waiting import work_until_ended
from rollbook.engine.world import Doors
from rollbook.roster.changes import DONE, Change, LiveRecord, Outcome
from rollbook.roster.grades import (
    ClassFacts,
    Grade,
    Gradebook,
    GradedItem,
    GradingCategory,
    Member,
    Session,
    SinkLimits,
    SisCategory,
)
from rollbook.roster.lms import REMOVE
from rollbook.store.models import GradeSection, Organization
from rollbook.store.runs import stored_result
from rollbook.store.setup import setup
from tests.grade_town import ORG, SETTINGS, section_codes, write_day

_KINDS = frozenset({"line_item", "result"})


def main(what: str, work: str, **more: Any) -> dict[str, Any]:
    return (_prepare if what == "prepare" else _sync)(Path(work), **more)


def _prepare(work: Path, sections: int) -> dict[str, Any]:
    """The sections are given, and every category map is decided."""
    day = write_day(work / "day", sections=sections, students=1)
    opened = setup(work / "data")
    sis = {"connector": "oneroster_csv", "options": {"path": str(day)}}
    lms = {"connector": "memory", "options": {"space": "bench", "key": "memory"}}
    text = SETTINGS.format(sis=json.dumps(sis), lms=json.dumps(lms))
    import_settings(text, name="the bench's settings", around=Surroundings({}, work), by="bench")
    run = work_until_ended(opened, request_run(org=ORG, wanted=Wanted(), by="bench").pk)
    assert run.state == "done", run.error
    organization = Organization.objects.get(slug=ORG)
    GradeSection.objects.bulk_create(
        [
            GradeSection(organization=organization, code=code, categories={"c": "hw"})
            for code in section_codes(sections)
        ],
        batch_size=500,
    )
    return {"sections": GradeSection.objects.count()}


def _sync(work: Path, students: int, items: int) -> dict[str, Any]:
    """One run of all sections."""
    opened = setup(work / "data")
    Doors.grade_source = lambda self: _Books(students, items)  # of this process alone
    Doors.grade_sink = lambda self: _KeptSis(work / "sis.sqlite3")  # of this process alone
    start = time.perf_counter()
    run = work_until_ended(opened, request_grades(org=ORG, sections=(), by="bench").pk)
    seconds = time.perf_counter() - start
    assert run.state == "done", run.error
    result = stored_result(run)
    changes = sum(counts[word] for counts in result.kinds.values() for word in ("create", "update", "remove"))
    return {"wall_s": round(seconds, 2), "changes": changes, "kinds": result.kinds, "seconds": result.seconds}


class _Books:
    """An LMS in this process whose gradebooks all look the same, and are made when they are asked for."""

    def __init__(self, students: int, items: int) -> None:
        self._students = [f"s{place:03}" for place in range(students)]
        self._items = range(items)

    def test(self) -> Report:
        return Report(ok=True, summary="Yes.")

    def gradebook(self, code: str, lms_id: str | None) -> Gradebook:
        ids = {place: f"{code}-{place}" for place in self._items}
        days = {place: f"2026-09-{place + 1:02}" for place in self._items}
        return Gradebook(
            section=code,
            categories=(GradingCategory(id="c", title="Homework"),),
            items=tuple(
                GradedItem(id=ids[place], title=f"Item {place}", points=20.0, category="c", due=days[place])
                for place in self._items
            ),
            members=tuple(Member(id=f"m{own}", user=own, unique_id=own) for own in self._students),
            grades=tuple(
                Grade(item=ids[place], member=f"m{own}", score=float(place)) for place in self._items
                for own in self._students
            ),
        )  # fmt: skip

    def course_admins(self, code: str, lms_id: str | None) -> tuple[()]:
        return ()

    def sections_of(self, unique_id: str, lms_id: str | None) -> frozenset[str]:
        return frozenset()

    def close(self) -> None: ...


class _KeptSis:
    """A SIS in this process that keeps what it is sent in a file, and none of it in memory."""

    traits = TargetTraits(
        title="the SIS",
        kinds=_KINDS,
        bulk=dict.fromkeys(_KINDS, 1),
        replay_safe=_KINDS,
        removable=_KINDS,
        parallel=4,
    )
    limits = SinkLimits()

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("CREATE TABLE IF NOT EXISTS object (kind, own, class, fields, PRIMARY KEY (kind, own))")
        self._db.execute("CREATE INDEX IF NOT EXISTS of_class ON object (class, kind)")
        self._db.execute("BEGIN")

    def test(self) -> Report:
        return Report(ok=True, summary="Yes.")

    def categories(self, class_id: str) -> Sequence[SisCategory]:
        return (SisCategory(id="hw", title="Homework"),)

    def class_facts(self, class_id: str) -> ClassFacts:
        fall = Session(id="fall", title="Fall", type="gradingPeriod", start="2026-08-24", end="2027-01-22")
        return ClassFacts(id=class_id, school="sch", sessions=(fall,))

    def read(self, kind: str, class_id: str) -> Iterator[LiveRecord]:
        with self._lock:
            asked = "SELECT own, fields FROM object WHERE class = ? AND kind = ?"
            rows = self._db.execute(asked, (class_id, kind)).fetchall()
        for own, fields in rows:
            shown = {name: value for name, value in msgspec.json.decode(fields).items() if value is not None}
            yield LiveRecord(kind=kind, lms_id=own, code=own, fields=shown)

    def look_up(self, changes: Sequence[Change]) -> Sequence[LiveRecord | None]:
        return [None] * len(changes)

    def apply(self, batch: Batch) -> Sequence[Outcome]:
        with self._lock:
            for change in batch.changes:
                own = (batch.kind, change.key)
                if batch.action == REMOVE:
                    self._db.execute("DELETE FROM object WHERE kind = ? AND own = ?", own)
                else:
                    values = (*own, change.after["class"], msgspec.json.encode(change.after))
                    self._db.execute("INSERT OR REPLACE INTO object VALUES (?, ?, ?, ?)", values)
        return [Outcome(status=DONE, lms_id=change.key) for change in batch.changes]

    def close(self) -> None:
        self._db.execute("COMMIT")
        self._db.close()


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
