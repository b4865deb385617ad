"""Connectors of grades that break one promise each. Not collected by itself: `test_suites_bite.py` shows that each is
caught."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence

import msgspec
import pytest

from rollbook.connectors.base import Batch, TargetTraits
from rollbook.connectors.gradebook import GradeSink, GradeSource
from rollbook.connectors.memory.grades import MemoryGradeSink, MemoryGradeSource
from rollbook.connectors.memory.space import Space
from rollbook.errors import BadResponse, Unavailable
from rollbook.roster.changes import DONE, REFUSED, UNKNOWN, LiveRecord, Outcome
from rollbook.roster.grades import ClassFacts, Gradebook, Member
from rollbook.testing import CountingContext
from tests.contract import test_grades_memory
from tests.contract.test_grades_memory import fill
from tests.contract.test_memory import KEY, options_of

own = test_grades_memory.own


class BrokenSink(MemoryGradeSink):
    """A sink whose parts can be replaced."""


class ZeroForNone(BrokenSink):
    def apply(self, batch: Batch) -> Sequence[Outcome]:
        changes = [
            msgspec.structs.replace(each, after={**each.after, "score": each.after.get("score") or 0.0})
            for each in batch.changes
        ]
        return super().apply(Batch(kind=batch.kind, action=batch.action, changes=changes))


class GuessesGrades(BrokenSink):
    def apply(self, batch: Batch) -> Sequence[Outcome]:
        found = super().apply(batch)
        return [msgspec.structs.replace(each, status=DONE) if each.status == UNKNOWN else each for each in found]


class HidesIds(BrokenSink):
    def apply(self, batch: Batch) -> Sequence[Outcome]:
        pairs = zip(super().apply(batch), batch.changes, strict=True)
        return [msgspec.structs.replace(outcome, lms_id=change.key) for outcome, change in pairs]


class CallsItSafe(BrokenSink):
    @property
    def traits(self) -> TargetTraits:
        found = super().traits
        return TargetTraits(
            kinds=found.kinds, bulk=found.bulk, replay_safe=found.kinds, removable=found.removable, parallel=1
        )


class ReadsOursOnly(BrokenSink):
    def read(self, kind: str, class_id: str) -> Iterator[LiveRecord]:
        return (each for each in super().read(kind, class_id) if "theirs" not in each.lms_id)


class ReadsEarlyEnds(BrokenSink):
    def read(self, kind: str, class_id: str) -> Iterator[LiveRecord]:
        try:
            yield from super().read(kind, class_id)
        except Unavailable:
            return


class RemovesMoreGrades(BrokenSink):
    def apply(self, batch: Batch) -> Sequence[Outcome]:
        found = super().apply(batch)
        if batch.action == "remove":
            self._space.sis_book.records["result"].clear()
        return found


class RaisesGradeRefusals(BrokenSink):
    def apply(self, batch: Batch) -> Sequence[Outcome]:
        found = super().apply(batch)
        if any(outcome.status == REFUSED for outcome in found):
            raise BadResponse("a result was refused")
        return found


class EverybodyIsEnrolled(BrokenSink):
    def class_facts(self, class_id: str) -> ClassFacts:
        found = super().class_facts(class_id)
        return msgspec.structs.replace(found, students=frozenset({"s-1", "s-2", "s-3"}))


class KnowsEveryClass(BrokenSink):
    def class_facts(self, class_id: str) -> ClassFacts:
        try:
            return super().class_facts(class_id)
        except BadResponse:
            return ClassFacts(id=class_id, school=None)


class LogsComments(BrokenSink):
    def apply(self, batch: Batch) -> Sequence[Outcome]:
        logging.getLogger("broken").debug("sending %s", [change.after.get("comment") for change in batch.changes])
        return super().apply(batch)


class MixesGrades(BrokenSink):
    def apply(self, batch: Batch) -> Sequence[Outcome]:
        return super().apply(batch)[::-1]


class BrokenSource(MemoryGradeSource):
    """A source whose parts can be replaced."""


class ZeroForNull(BrokenSource):
    def gradebook(self, code: str, lms_id: str | None) -> Gradebook:
        book = super().gradebook(code, lms_id)
        grades = tuple(msgspec.structs.replace(each, score=each.score or 0.0) for each in book.grades)
        return msgspec.structs.replace(book, grades=grades)


class HalfAGradebook(BrokenSource):
    def gradebook(self, code: str, lms_id: str | None) -> Gradebook:
        try:
            return super().gradebook(code, lms_id)
        except Unavailable:
            return Gradebook(section="section")


class BelievesTheId(BrokenSource):
    def gradebook(self, code: str, lms_id: str | None) -> Gradebook:
        if lms_id and lms_id != "section":
            raise BadResponse("no such section")
        return super().gradebook(code, lms_id)


class LeavesOutLeavers(BrokenSource):
    def gradebook(self, code: str, lms_id: str | None) -> Gradebook:
        book = super().gradebook(code, lms_id)
        return msgspec.structs.replace(book, members=tuple(each for each in book.members if each.active))


class EverybodyIsAdmin(BrokenSource):
    def course_admins(self, code: str, lms_id: str | None) -> list[Member]:
        return list(self.gradebook(code, lms_id).members)


class ForgetsAdmins(BrokenSource):
    def sections_of(self, unique_id: str, lms_id: str | None) -> frozenset[str]:
        admins = {each.unique_id for each in self.course_admins("suite-section", None)}
        return super().sections_of(unique_id, lms_id) if unique_id not in admins else frozenset()


class EmptyForUnknown(BrokenSource):
    def gradebook(self, code: str, lms_id: str | None) -> Gradebook:
        try:
            return super().gradebook(code, lms_id)
        except BadResponse:
            return Gradebook(section=code)


class OfSink(test_grades_memory.TestMemoryGradeSink):
    made: type[BrokenSink]

    @pytest.fixture
    def sink(self, context: CountingContext, own: Space) -> GradeSink:
        fill(own)
        return self.made(msgspec.structs.replace(options_of(own), page_size=1), context)


class OfSource(test_grades_memory.TestMemoryGradeSource):
    made: type[BrokenSource]
    secrets = (KEY,)

    @pytest.fixture
    def grades(self, context: CountingContext, own: Space) -> GradeSource:
        own.gradebooks = test_grades_memory.BOOKS
        return self.made(options_of(own), context)


#: Who breaks what, and the test that must notice.
SINKS: dict[Callable[..., GradeSink], str] = {
    ZeroForNone: "test_no_score_is_never_a_score_of_zero",
    GuessesGrades: "test_a_lost_answer_is_unknown_and_nothing_is_doubled[lose_after-result]",
    HidesIds: "test_an_id_of_the_sis_is_told_and_used",
    CallsItSafe: "test_a_lost_answer_doubles_nothing_where_the_sis_makes_ids[lose_after]",
    ReadsOursOnly: "test_what_is_read_is_what_was_sent",
    ReadsEarlyEnds: "test_a_part_never_passes_for_the_whole[half_read]",
    RemovesMoreGrades: "test_only_what_is_removed_goes",
    RaisesGradeRefusals: "test_a_refused_record_is_an_outcome",
    EverybodyIsEnrolled: "test_facts_of_the_class",
    KnowsEveryClass: "test_a_class_that_is_not_there_is_said",
    LogsComments: "test_reprs_tell_nothing_private",
    MixesGrades: "test_what_is_read_is_what_was_sent",
}
GRADE_SOURCES: dict[Callable[..., GradeSource], str] = {
    ZeroForNull: "test_no_score_is_never_a_score_of_zero",
    HalfAGradebook: "test_a_part_never_passes_for_the_whole[half_read]",
    BelievesTheId: "test_the_code_counts_and_the_id_is_a_hint",
    LeavesOutLeavers: "test_the_whole_gradebook_is_read",
    EverybodyIsAdmin: "test_course_admins_are_the_active_ones",
    ForgetsAdmins: "test_the_sections_of_a_person_are_those_they_are_in",
    EmptyForUnknown: "test_a_section_that_is_not_there_is_said",
}
for _base, _table in ((OfSink, SINKS), (OfSource, GRADE_SOURCES)):
    for _broken in _table:
        globals()[f"Test{_broken.__name__}"] = type(
            f"Test{_broken.__name__}", (_base,), {"made": _broken, "__module__": __name__}
        )
