"""The memory LMS's gradebooks and the memory SIS's gradebook: the promises of `connectors.gradebook`, kept simply."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rollbook.connectors.base import Batch, Report, TargetTraits
from rollbook.connectors.memory import book_server
from rollbook.connectors.memory.asking import Asking
from rollbook.connectors.memory.book_server import Put
from rollbook.connectors.memory.server import Answer
from rollbook.connectors.memory.space import AnswerLost
from rollbook.errors import BadResponse, Bug, Unavailable
from rollbook.roster.changes import DONE, REFUSED, UNKNOWN, Change, LiveRecord, Outcome
from rollbook.roster.grades import GRADE_KINDS, ClassFacts, Gradebook, Member, SinkLimits, SisCategory
from rollbook.roster.lms import CREATE, REMOVE, UPDATE

BULK = 3  # odd on purpose: nobody may rely on 1


class _Asking(Asking):
    """What reading and writing share: lists come page by page."""

    def _pages(self, what: str, count: int) -> None:
        """One call per page; when one fails it raises: a part never passes for the whole."""
        for number in range(1 + count // self._options.page_size):
            self._ask()
            if number == self._space.faults.break_read_at.get(what):
                raise Unavailable(f"the memory space broke off while it listed {what} objects")


class MemoryGradeSource(_Asking):
    """An LMS whose gradebooks are those of a space."""

    def test(self) -> Report:
        """One cheap call that shows that address and key are right. AuthFailed passes through."""
        self._ask()
        facts = {"gradebooks": str(len(self._space.gradebooks))}
        return Report(ok=True, summary="Connected to the memory space.", facts=facts)

    def gradebook(self, code: str, lms_id: str | None) -> Gradebook:
        """The code counts; the LMS id only saves looking for it."""
        found = book_server.gradebook(self._space, code, lms_id)
        self._pages("grade", len(found.grades) if found is not None else 0)
        if found is None:
            raise BadResponse("the memory space has no section of this code")
        return found

    def course_admins(self, code: str, lms_id: str | None) -> list[Member]:
        return [each for each in self.gradebook(code, lms_id).members if each.admin and each.active]

    def sections_of(self, unique_id: str, lms_id: str | None) -> frozenset[str]:
        self._pages("section", 0)
        codes = {*self._space.gradebooks, *(each.code for each in self._space.all("section") if each.code)}
        books = ((code, book_server.gradebook(self._space, code, None)) for code in codes)
        return frozenset(
            code
            for code, book in books
            if book is not None and any(each.unique_id == unique_id and each.active for each in book.members)
        )


class MemoryGradeSink(_Asking):
    """A SIS whose gradebook is that of a space. Several threads may call it."""

    @property
    def traits(self) -> TargetTraits:
        """A SIS that makes ids of its own would make a line item twice, so that kind is looked up first there."""
        kinds = frozenset(GRADE_KINDS) - (frozenset() if self.limits.makes_categories else {"category"})
        unsafe = frozenset({"line_item"} if self._space.sis_book.makes_ids else ())
        return TargetTraits(
            title="the memory space",
            kinds=kinds,
            bulk=dict.fromkeys(kinds, BULK),
            replay_safe=kinds - unsafe,
            removable=kinds,
            parallel=3,
            slice_size=self._options.slice_size,
        )

    @property
    def limits(self) -> SinkLimits:
        return self._space.sis_book.limits

    def test(self) -> Report:
        """One cheap call that shows that address and key are right. AuthFailed passes through."""
        self._ask()
        facts = {"categories": str(len(self._space.sis_book.categories))}
        return Report(ok=True, summary="Connected to the memory space.", facts=facts)

    def categories(self, class_id: str) -> Sequence[SisCategory]:
        self._ask()
        return book_server.categories(self._space, class_id)

    def class_facts(self, class_id: str) -> ClassFacts:
        self._ask()
        found = book_server.class_facts(self._space, class_id)
        if found is None:
            raise BadResponse("the memory space has no class of this id")
        return found

    def read(self, kind: str, class_id: str) -> Iterator[LiveRecord]:
        found = book_server.shown(self._space.sis_book, kind, class_id)
        self._pages(kind, len(found))
        for own, fields in found:
            there = {name: value for name, value in fields.items() if value is not None}
            yield LiveRecord(kind=kind, lms_id=own, code=own, fields=there)

    def look_up(self, changes: Sequence[Change]) -> Sequence[LiveRecord | None]:
        """By sourcedId, else an object that is exactly what was sent: the SIS may have given it another id."""
        self._ask()
        return [self._find(change) for change in changes]

    def apply(self, batch: Batch) -> Sequence[Outcome]:
        """One call. When its answer is lost nobody knows what was carried out, so each change is unknown."""
        if batch.kind not in self.traits.kinds or batch.action not in (CREATE, UPDATE, REMOVE):
            raise Bug(f"the memory connector cannot {batch.action} objects of kind {batch.kind!r}")
        if len(batch.changes) > BULK:
            raise Bug(f"a batch of {len(batch.changes)} changes, where at most {BULK} fit in one call")
        if not batch.changes:
            return []
        self._context.cancel.check()
        self._context.count()
        try:
            items = [_item(change) for change in batch.changes]
            answers = book_server.store(self._space, self._options.key, batch.kind, items)
        except AnswerLost:
            return [Outcome(status=UNKNOWN, message="the answer was lost") for _ in batch.changes]
        return [_outcome(answer, batch.action) for answer in answers]

    def _find(self, change: Change) -> LiveRecord | None:
        there, item = self._space.sis_book.records[change.kind], _item(change)
        same = (own for own, fields in there.items() if fields == item.fields)
        own = item.sourced_id if item.sourced_id in there else next(same, None)
        return LiveRecord(kind=change.kind, lms_id=own, code=own, fields=dict(there[own])) if own else None


def _item(change: Change) -> Put:
    """An object under the id that the SIS knows it by, its line item under the SIS's id, too."""
    own = change.lms_id or change.key
    if change.action == REMOVE:
        return Put(sourced_id=own)
    fields = {name: change.after.get(name) for name in GRADE_KINDS[change.kind].fields}
    if change.kind == "result":
        fields["line_item"] = change.refs.get("line_item") or fields["line_item"]
    return Put(sourced_id=own, fields=fields)


def _outcome(answer: Answer, action: str) -> Outcome:
    """What the SIS said of one object; removing what is not there is done."""
    if answer.status < 300 or (action == REMOVE and answer.status == 404):
        return Outcome(status=DONE, lms_id=answer.lms_id, code=answer.status)
    return Outcome(status=REFUSED, message=answer.words, code=answer.status)
