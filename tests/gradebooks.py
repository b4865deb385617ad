"""A class whose teacher grades in a memory LMS, and whose SIS gradebook is in memory too, for tests of the river of
grades."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec

from rollbook.connectors.base import Batch, Context
from rollbook.connectors.memory.grades import MemoryGradeSink, MemoryGradeSource
from rollbook.connectors.memory.options import MemoryOptions
from rollbook.connectors.memory.space import Space
from rollbook.core.duck import parquet_reader, quote
from rollbook.core.protocols import Permit
from rollbook.core.stored import RunResult, StoredPlan
from rollbook.passback import grade_run
from rollbook.passback.grade_types import GradeWorld, SectionWish
from rollbook.passback.grades import result_key
from rollbook.passback.items import made_id
from rollbook.roster.changes import Outcome
from rollbook.roster.grades import Grade, Gradebook, GradedItem, GradingCategory, Member, SisCategory
from rollbook.roster.settings import Settings, parse
from rollbook.testing.grade_world import MemoryGradeWorld
from rollbook.testing.world import NeverCancelled
from tests.districts import NOW, settings_of
from tests.scratch import in_memory
from tests.spaces import fresh_space

MAP = {"c1": "hw", "c2": "te"}
#: What a run asks and tells, besides the gradebook: parts of `MemoryGradeWorld`.
PARTS = ("ledgers", "notes", "permits", "memory", "pins", "blobs")


class Watched:
    """A sink that writes down what it is sent, and dies or fails when told to."""

    def __init__(self, sink: MemoryGradeSink) -> None:
        self._sink = sink
        self.batches: list[Batch] = []
        self.before: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sink, name)

    def apply(self, batch: Batch) -> Sequence[Outcome]:
        if self.before is not None:
            self.before(batch)
        self.batches.append(batch)
        return self._sink.apply(batch)


class School:
    """Classes of one organization, each with students `s1`, `s2` …; one LMS gradebook a class."""

    def __init__(self, folder: Path, *, classes: Sequence[str] = ("k1",), students: int = 3, **settings: Any) -> None:
        self.space: Space = fresh_space("school")
        self.name = self.space.name
        self.names = [f"s{number}" for number in range(1, students + 1)]
        fall = {
            "sourcedId": "fall",
            "title": "Fall",
            "type": "term",
            "startDate": "2026-08-24",
            "endDate": "2027-01-22",
        }
        quarter = {"title": "Quarter 1", "type": "gradingPeriod", "startDate": "2026-08-24", "endDate": "2026-10-30"}
        second = {"title": "Quarter 2", "type": "gradingPeriod", "startDate": "2026-10-31", "endDate": "2027-01-22"}
        self.space.rows = {
            "academicSessions": [
                fall, {"sourcedId": "q1", "parentSourcedId": "fall", **quarter},
                {"sourcedId": "q2", "parentSourcedId": "fall", **second},
            ],
            "classes": [{"sourcedId": c, "schoolSourcedId": "A", "termSourcedIds": "fall"} for c in classes],
            "enrollments": [
                {"sourcedId": f"{c}-{s}", "classSourcedId": c, "userSourcedId": s, "role": "student"}
                for c in classes for s in self.names
            ],
        }  # fmt: skip
        self.sis = self.space.sis_book
        self.sis.categories = [SisCategory(id="hw", title="Homework"), SisCategory(id="te", title="Tests")]
        for code in classes:
            self.space.gradebooks[code] = _empty(code, self.names)
        self.wishes = {code: SectionWish(code=code, title=f"Class {code}", categories=MAP) for code in classes}
        context = Context(work=folder / "connector", cancel=NeverCancelled(), count=lambda attempts=1: None)
        options = MemoryOptions(space=self.name, slice_size=7)
        self.source, self.sink = MemoryGradeSource(options, context), Watched(MemoryGradeSink(options, context))
        self.world = MemoryGradeWorld(folder)
        self.settings: Settings = parse(settings_of(organization={"slug": "maple", "name": "Maple", "timezone": "UTC"},
                                                    **settings))  # fmt: skip
        self.now = NOW
        self.last: RunResult | None = None
        self.people: Any = None
        self.accounts: Any = None
        self.plans: dict[int, StoredPlan] = {}

    # --- the teacher --------------------------------------------------------------------------------------------------

    def book(self, code: str = "k1", **fields: Any) -> Gradebook:
        """The LMS's gradebook of a class, with these parts replaced."""
        self.space.gradebooks[code] = msgspec.structs.replace(self.space.gradebooks[code], **fields)
        return self.space.gradebooks[code]

    def item(self, id: str, code: str = "k1", **fields: Any) -> None:
        """Add an item, or change what is given of the one that is there."""
        items = {each.id: each for each in self.book(code).items}
        new = {"id": id, "title": f"Item {id}", "points": 10.0, "category": "c1", "due": "2026-10-05"}
        items[id] = msgspec.structs.replace(items[id], **fields) if id in items else GradedItem(**new | fields)
        self.book(code, items=tuple(items.values()))

    def delete(self, id: str, code: str = "k1") -> None:
        book = self.book(code)
        self.book(code, items=tuple(each for each in book.items if each.id != id),
                  grades=tuple(each for each in book.grades if each.item != id))  # fmt: skip

    def grade(self, item: str, student: str, score: float | None = None, code: str = "k1", **fields: Any) -> None:
        """Grade one student, instead of what was there; without anything the grade is cleared."""
        member = f"m-{student}"
        rest = [each for each in self.book(code).grades if (each.item, each.member) != (item, member)]
        given = [Grade(item=item, member=member, score=score, **fields)] if score is not None or fields else []
        self.book(code, grades=(*rest, *given))

    def grade_all(self, item: str, score: float, code: str = "k1") -> None:
        for student in self.names:
            self.grade(item, student, score, code)

    def enroll(self, *students: str, code: str = "k1") -> None:
        """The SIS lists these as the class's students."""
        others = [each for each in self.space.rows["enrollments"] if each["classSourcedId"] != code]
        self.space.rows["enrollments"] = others + [
            {"sourcedId": f"{code}-{s}", "classSourcedId": code, "userSourcedId": s, "role": "student"}
            for s in students
        ]

    def decide(self, code: str = "k1", **fields: Any) -> None:
        """Change what the teacher decided: categories, choices; the store's items come along."""
        known = {self.key(each.id, code): each.id for each in self.book(code).items}
        before = self.wishes[code]
        items = {**before.items, **known}
        self.wishes[code] = SectionWish(**{
            "code": code, "title": before.title, "categories": before.categories, "choices": before.choices,
            "items": items, **fields,
        })  # fmt: skip

    # --- runs ---------------------------------------------------------------------------------------------------------

    def sync(self, *codes: str, **more: Any) -> RunResult:
        """One grade run; what it sent is in `sent` afterwards."""
        return self._flow(lambda request, world: self._whole(request, world), codes, **more)

    def _whole(self, request: Any, world: GradeWorld) -> RunResult:
        self.last = grade_run.plan_grades(request, world)
        return self.last if request.dry_run else grade_run.carry_out(request, world, self.last)

    def resume(self, *codes: str, **more: Any) -> RunResult:
        """What another worker does with the last run, whose process died."""
        assert self.last is not None
        left = self.last
        return self._flow(lambda request, world: grade_run.carry_out(request, world, left), codes, again=True, **more)

    def finish(self) -> RunResult:
        """What the next start does with the last run, which ended without settling."""
        assert self.last is not None
        plan, left = self.plan, self.last
        return self._flow(lambda request, world: grade_run.finish(request, world, plan, left), (), again=True)

    def apply_later(self) -> RunResult:
        """`run apply` of the last plan."""
        assert self.last is not None
        left = RunResult(plan=self.last.plan)

        def flow(request: Any, world: GradeWorld) -> RunResult:
            grade_run.check_stored(request, world, self.plan)
            return grade_run.carry_out(request, world, left)

        return self._flow(flow, ())

    def undo(self, number: int | None = None, *codes: str, **more: Any) -> RunResult:
        """Undo of a run by its number, the last one by default; `dry_run` keeps its plan for `apply_later`."""
        of = number or self.world.runs
        undone = self.plans[of]

        def flow(request: Any, world: GradeWorld) -> RunResult:
            def journal(digest: str) -> Any:
                return self.world.journal(of if digest == undone.digest else self.world.runs, digest)

            world = replace(world, journal=journal)
            self.last = grade_run.plan_undo(request, world, undone)
            return self.last if request.dry_run else grade_run.carry_out(request, world, self.last)

        return self._flow(flow, codes, **more)

    def _flow(self, flow: Any, codes: Sequence[str], *, again: bool = False, **more: Any) -> RunResult:
        self.sink.batches.clear()
        wishes = [self.wishes[code] for code in codes or self.wishes]
        request = self.world.request(self.settings, *wishes, **{"now": self.now} | more)
        with mock.patch.object(grade_run, "connect", in_memory):
            world = self.world.world(self.source, self.sink, again=again)
            world = replace(world, people=self.people, accounts=self.accounts)
            result: RunResult = flow(request, world)
        if result.plan is not None:
            self.plans[self.world.runs] = result.plan
        return result

    @property
    def plan(self) -> StoredPlan:
        assert self.last is not None
        assert self.last.plan is not None
        return self.last.plan

    def approve(self, result: RunResult, reason: str) -> None:
        """Give a permit for the holds of this reason (rule 26)."""
        holds = [hold for hold in result.holds if hold.reason == reason]
        assert holds, f"nothing is held because of {reason}"
        self.world.permits.permits += [Permit(hold.id, result.hold_blobs[hold.id], None) for hold in holds]

    def next_day(self) -> School:
        self.now += timedelta(days=1)
        return self

    # --- what is there ------------------------------------------------------------------------------------------------

    @property
    def sent(self) -> list[tuple[str, str]]:
        """(kind, action) of every change that the SIS was sent in the last run."""
        return [(batch.kind, batch.action) for batch in self.sink.batches for _ in batch.changes]

    def key(self, item: str, code: str = "k1") -> str:
        return made_id("maple", "line_item", code, item)

    def result_key(self, item: str, student: str, code: str = "k1") -> str:
        return result_key(self.key(item, code), student)

    def results(self, code: str = "k1") -> dict[tuple[str, str], tuple[str, float | None]]:
        """(title, student) → (status, score), as the SIS holds it."""
        items = {own: each["title"] for own, each in self.sis.records["line_item"].items() if each["class"] == code}
        return {
            (items[each["line_item"]], each["student"]): (each["status"], each["score"])
            for each in self.sis.records["result"].values()
            if each["class"] == code
        }

    def titles(self) -> set[str]:
        return {str(each["title"]) for each in self.sis.records["line_item"].values()}

    def findings(self, result: RunResult, code: str) -> list[dict[str, Any]]:
        """The findings of a run with this code, as rows."""
        assert result.findings_blob is not None
        path = quote(self.world.blobs.get(result.findings_blob))
        with parquet_reader() as db:
            cursor = db.execute(f"SELECT * FROM read_parquet({path}) WHERE code = $code", {"code": code})
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


class Stage:
    """A school at a moment to which it can go back; files stay, as no two have one name."""

    def __init__(self, school: School) -> None:
        self.school, world = school, school.world
        self.reals = {name: getattr(world, name) for name in PARTS}
        self._kept = copy.deepcopy((vars(school.sis), self._memory(), world.journals, self._theirs()))
        self._counted = world.runs, school.now

    def _memory(self) -> dict[str, Any]:
        return {name: vars(one) for name, one in self.reals.items() if name != "blobs"}

    def _theirs(self) -> dict[str, Any]:
        school = self.school
        return {"gradebooks": school.space.gradebooks, "rows": school.space.rows, "wishes": school.wishes}

    def again(self) -> School:
        book, memory, journals, theirs = copy.deepcopy(self._kept)
        school, runs = self.school, self._counted[0]
        vars(school.sis).update(book)
        for name, values in memory.items():
            vars(self.reals[name]).update(values)
        vars(school.world).update(self.reals, journals=journals, runs=runs)
        vars(school.world).pop("journal", None)
        school.wishes = theirs.pop("wishes")
        vars(school.space).update(theirs)
        school.now, school.last = self._counted[1], None
        return school


def _empty(code: str, students: Sequence[str]) -> Gradebook:
    members = tuple(Member(id=f"m-{name}", user=f"u-{name}", unique_id=name) for name in students)
    categories = (GradingCategory(id="c1", title="Homework"), GradingCategory(id="c2", title="Quizzes"))
    return Gradebook(section=f"lms-{code}", categories=categories, members=members)


def counts(result: RunResult, kind: str) -> dict[str, int]:
    """The counts of a kind that are not zero, less those that say nothing about changes."""
    return {name: n for name, n in result.kinds[kind].items() if n and name not in ("read", "unchanged", "done")}
