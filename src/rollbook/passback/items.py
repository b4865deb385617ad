"""Graded items → the line items that the SIS shall hold, and words for those that it cannot. Pure."""

from __future__ import annotations

import json
import math
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from rollbook.passback.dates import as_utc, day_of, first_day, last_day, sessions_on
from rollbook.passback.grade_types import (
    BLOCKED,
    DELETED,
    KEEP,
    KEPT,
    LEFT_OUT,
    NEW,
    OPT_IN,
    OPT_OUT,
    OPTED_OUT,
    READY,
    REMOVE,
    REMOVED,
    SKIP,
    UNDECIDED,
    Desired,
    Found,
    ItemNote,
    SectionRead,
)
from rollbook.roster.changes import Fields
from rollbook.roster.grades import GradedItem, Session

ITEM: Final = "graded_item"
_NAMESPACE: Final = uuid.UUID("5f1b1c1e-6a53-5f0e-9b5e-2f0f6f0a7c11")


def made_id(*parts: str) -> str:
    """A sourcedId that is the same whenever the same thing is sent: a UUID of these parts."""
    return str(uuid.uuid5(_NAMESPACE, json.dumps(parts)))


def line_item_key(read: SectionRead, item: str) -> str:
    """The sourcedId that we give to the line item of an LMS item."""
    return made_id(read.organization, "line_item", read.wish.code, item)


@dataclass(frozen=True)
class _Verdict:
    """How an item stands, and why: a finding's code with its detail."""

    state: str
    code: str = ""
    detail: str = ""


class Items:
    """Judges the items of one section."""

    def __init__(self, read: SectionRead, *, undecided: frozenset[str]) -> None:
        self.read, self._undecided = read, undecided
        self._lms = {each.id: each.title for each in read.book.categories}
        self._sis = {each.id: each.title for each in read.categories}
        self._first = first_day(read.facts.sessions)
        self._titles = self._taken_titles()

    def judge(self, desired: Desired) -> None:
        """Fill in the line items, a note for every item, and the findings."""
        for item in sorted(self.read.book.items, key=lambda each: each.id):
            verdict = self._verdict(item)
            due = self._due(item)
            note = self._note(item, verdict, due)
            desired.notes.append(note)
            if verdict.code:
                desired.findings.append(Found(code=verdict.code, collection=ITEM, id=item.id, detail=_words(note)))
            if verdict.state == READY and due is not None:
                desired.line_items[note.key] = self._fields(item, due)
                self._need_category(item, desired)
                desired.findings += self._warnings(item, note)
            desired.blocked["line_item"] += verdict.state == BLOCKED
        self._deleted(desired)

    # --- one item ---------------------------------------------------------------------------------------------------

    def _verdict(self, item: GradedItem) -> _Verdict:
        choice, key = self.read.wish.choices.get(item.id), line_item_key(self.read, item.id)
        if choice == OPT_OUT:
            return _Verdict(OPTED_OUT)
        if not item.published:
            return _Verdict(LEFT_OUT, "ITEM_UNPUBLISHED" if key in self.read.had["line_item"] else "")
        if item.category is None:
            return _Verdict(LEFT_OUT, "ITEM_NO_CATEGORY")
        if item.category in self._undecided:
            return _Verdict(UNDECIDED)
        if self.read.wish.categories.get(item.category, SKIP) == SKIP:
            return _Verdict(LEFT_OUT)
        if self._is_older(item) and choice != OPT_IN and key not in self.read.had["line_item"]:
            return _Verdict(OPTED_OUT, "ITEM_FROM_BEFORE")
        code, detail = next(self._problems(item), ("", ""))
        return _Verdict(BLOCKED, code, detail) if code else _Verdict(READY)

    def _problems(self, item: GradedItem) -> Iterator[tuple[str, str]]:
        """What the SIS would refuse; the first one is told."""
        limits, title = self.read.limits, _clean(item.title)
        category = self.read.wish.categories[item.category or ""]
        if category == NEW and not self._find(item) and not self.read.creates:
            yield "ITEM_CATEGORY_NOT_MADE", f"the category {self._title_of(item)!r}"
        elif category not in (NEW, *self._sis):
            yield "ITEM_CATEGORY_GONE", f"the category {self._title_of(item)!r}"
        if not title:
            yield "ITEM_TITLE_EMPTY", ""
        if limits.title is not None and len(title) > limits.title:
            yield "ITEM_TITLE_LONG", f"{len(title)} letters, where {limits.title} fit"
        if limits.unique_titles and self._titles[title.casefold()] > 1:
            yield "ITEM_TITLE_TWICE", ""
        if item.points is None or not math.isfinite(item.points):
            yield "ITEM_NO_POINTS", ""
        due = self._due(item)
        if due is None:
            yield "ITEM_NO_DUE_DATE", ""
        elif self.read.facts.sessions and self._sessions(due)[0] is None:
            yield "ITEM_DUE_OUTSIDE", f"due {due[:10]}"

    def _warnings(self, item: GradedItem, note: ItemNote) -> Iterator[Found]:
        """What the SIS holds well and reckons otherwise than the LMS."""
        had = self.read.had["line_item"].get(note.key)
        before = had.fields.get("maximum") if had else None
        if before is not None and before != item.points and self._has_results(note.key):
            detail = f"{note.title}: from {before:g} to {item.points:g}"
            yield Found(code="ITEM_POINTS_CHANGED", collection=ITEM, id=item.id, detail=detail)
        if item.factor != 1 or not item.counted:
            how = "not at all" if not item.counted else f"{item.factor:g} times"
            detail = f"{note.title}: the LMS counts it {how}"
            yield Found(code="ITEM_COUNTS_OTHERWISE", collection=ITEM, id=item.id, detail=detail)

    def _has_results(self, key: str) -> bool:
        return any(entry.fields.get("line_item") == key for entry in self.read.had["result"].values())

    def _note(self, item: GradedItem, verdict: _Verdict, due: str | None) -> ItemNote:
        period = self._sessions(due)[0] if due else None
        return ItemNote(
            item=item.id,
            key=line_item_key(self.read, item.id),
            title=_clean(item.title),
            state=verdict.state,
            due=(due or "")[:19],
            points=item.points,
            category=self._lms.get(item.category or "", ""),
            period=period.title if period else "",
            code=verdict.code,
            detail=verdict.detail,
        )

    def _fields(self, item: GradedItem, due: str) -> Fields:
        """As OneRoster has it (spec 4.10). The description stays in the LMS: its lists leave it out, so that it would
        come and go. Assigned on the first day of the grading period, as no grade may be older than that."""
        period, above = self._sessions(due)
        start = as_utc(period.start if period else due, self.read.zone)
        end = as_utc(due, self.read.zone)
        return {
            "title": _clean(item.title),
            "assign_date": min(start, end),
            "due_date": end,
            "class": self.read.wish.code,
            "school": self.read.facts.school,
            "category": self._category(item),
            "grading_period": period.id if period else None,
            "academic_session": above.id if above else None,
            "minimum": 0.0,
            "maximum": float(item.points or 0),
        }

    # --- categories -------------------------------------------------------------------------------------------------

    def _category(self, item: GradedItem) -> str:
        """The id of the SIS category that the item belongs to, also of one that is to be made."""
        target = self.read.wish.categories[item.category or ""]
        if target != NEW:
            return target
        title = self._title_of(item).casefold()
        return self._find(item) or made_id(self.read.organization, "category", self.read.wish.code, title)

    def _title_of(self, item: GradedItem) -> str:
        own = item.category or ""
        return self._lms.get(own, own)

    def _find(self, item: GradedItem) -> str | None:
        """A category that the SIS has already, of the title of the item's category in the LMS."""
        title = self._title_of(item).casefold()
        return next((own for own, theirs in sorted(self._sis.items()) if theirs.casefold() == title), None)

    def _need_category(self, item: GradedItem, desired: Desired) -> None:
        own = self._category(item)
        if own not in self._sis:
            desired.categories[own] = {"title": self._title_of(item)}

    # --- days -------------------------------------------------------------------------------------------------------

    def _due(self, item: GradedItem) -> str | None:
        """The local due day or moment; without one the last day of the item's grading period, else of the class."""
        if item.due and day_of(item.due):
            return item.due
        mapped = self.read.periods.get(item.grading_period or "")
        session = next((each for each in self.read.facts.sessions if each.id == mapped), None)
        end = day_of(session.end) if session else None
        end = end or last_day(self.read.facts.sessions)
        return end.isoformat() if end else None

    def _sessions(self, due: str) -> tuple[Session | None, Session | None]:
        return sessions_on(self.read.facts.sessions, date.fromisoformat(due[:10]))

    def _is_older(self, item: GradedItem) -> bool:
        """Due before the class began: it came along from an older course."""
        day = day_of(item.due)
        return day is not None and self._first is not None and day < self._first

    # --- the rest ---------------------------------------------------------------------------------------------------

    def _taken_titles(self) -> Counter[str]:
        """How often each title is used: by items that would be sent, and by line items that stay in the SIS beside
        them, whoever made them."""
        wanted = [item for item in self.read.book.items if self._is_wanted(item)]
        had, choices = self.read.had["line_item"], self.read.wish.choices
        keys = {line_item_key(self.read, item.id) for item in wanted}
        keys |= {key for key in had if choices.get(self.read.wish.items.get(key, key)) == REMOVE}
        moving = {(had[key].lms_id if key in had else None) or key for key in keys}
        theirs = (fields for own, fields in self.read.live.get("line_item", {}).items() if own not in moving)
        titles = Counter(_clean(item.title).casefold() for item in wanted)
        titles.update(_clean(str(fields.get("title") or "")).casefold() for fields in theirs)
        return titles

    def _is_wanted(self, item: GradedItem) -> bool:
        target = self.read.wish.categories.get(item.category or "", SKIP)
        return item.published and target != SKIP and self.read.wish.choices.get(item.id) != OPT_OUT

    def _deleted(self, desired: Desired) -> None:
        """Line items whose item is gone from the LMS: the teacher chooses (rule 32)."""
        there = {note.key for note in desired.notes}
        for key, entry in sorted(self.read.had["line_item"].items()):
            if key in there:
                continue
            item = self.read.wish.items.get(key, key)
            choice, title = self.read.wish.choices.get(item), str(entry.fields.get("title") or "")
            state = {KEEP: KEPT, REMOVE: REMOVED}.get(choice or "", DELETED)
            code = "ITEM_DELETED" if state == DELETED else ""
            desired.notes.append(_deleted_note(item, key, title, state=state, code=code))
            if state != KEPT:
                desired.deleted[key] = state == REMOVED
            if code:
                desired.findings.append(Found(code=code, collection=ITEM, id=item, detail=title))


def _deleted_note(item: str, key: str, title: str, *, state: str, code: str) -> ItemNote:
    return ItemNote(item=item, key=key, title=title, state=state, code=code)


def _words(note: ItemNote) -> str:
    return f"{note.title}: {note.detail}" if note.detail else note.title


def _clean(title: Any) -> str:
    return " ".join(str(title).split())
