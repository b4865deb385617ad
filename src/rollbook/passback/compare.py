"""Desired, ledger and SIS of one section → changes. Pure: a section is small, so that its rows are compared here, and
only what changes goes into tables.

Three sides are held against each other: what the SIS shall hold, what we sent last, and what it holds now. Where it
holds neither what we sent nor what is wanted, somebody changed it there: that is a conflict, and a person decides.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from rollbook.core.changes_table import SEND, WAITING
from rollbook.passback.grade_types import Desired, Entry, SectionRead
from rollbook.passback.same import differ, moved, shows
from rollbook.roster.changes import Fields
from rollbook.roster.lms import ADOPT, CREATE, REMOVE, UPDATE

CATEGORY: Final = "category"
LINE_ITEM: Final = "line_item"
RESULT: Final = "result"
#: Reasons of holds (`roster.holds`), and of what waits for a choice.
CONFLICT, GONE, CHOICE = "grade_conflict", "grade_gone", "choice"
#: What waits because only other items were asked for.
OTHER = "other_item"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A change as it goes into `changes_<kind>`."""

    kind: str
    action: str
    key: str
    lms_id: str | None = None
    before: Fields | None = None
    after: Fields
    state: str = SEND
    reason: str | None = None

    def __repr__(self) -> str:  # grades are personal data
        return f"Row({self.action} {self.kind} {self.key}: {self.state})"


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The changes of a section, and by kind how many objects are as they shall be."""

    rows: list[Row]
    unchanged: dict[str, int]


def compare(read: SectionRead, wanted: Desired) -> Compared:
    """The changes of one section, in the order of their keys. None while its category map is open."""
    if wanted.open:
        return Compared(rows=[], unchanged={LINE_ITEM: 0, RESULT: 0})
    items = Side(LINE_ITEM, read.had[LINE_ITEM], read.live.get(LINE_ITEM, {}))
    results = Results(RESULT, read.had[RESULT], read.live.get(RESULT, {}), items=items)
    categories = Side(CATEGORY, read.had[CATEGORY], {each.id: {"title": each.title} for each in read.categories})
    rows = [row for key in sorted(wanted.categories) if (row := categories.wanted(key, wanted.categories[key]))]
    rows += [row for key in sorted(wanted.line_items) if (row := items.wanted(key, wanted.line_items[key]))]
    rows += [row for key in sorted(wanted.results) if (row := results.wanted(key, wanted.results[key]))]
    rows += [row for key in sorted(wanted.cleared) if (row := results.unwanted(key))]
    rows += _deleted(wanted, items, results)
    touched = {(row.kind, row.key) for row in rows}
    unchanged = {
        LINE_ITEM: sum((LINE_ITEM, key) not in touched for key in wanted.line_items),
        RESULT: sum((RESULT, key) not in touched for key in wanted.results),
    }
    return Compared(rows=rows, unchanged=unchanged)


def only(compared: Compared, line_items: Collection[str]) -> Compared:
    """Of these line items alone, by key: what is of others waits, unless a person decides about it anyway."""
    return replace(compared, rows=[_waiting(row) if _is_other(row, line_items) else row for row in compared.rows])


def _is_other(row: Row, line_items: Collection[str]) -> bool:
    own = row.key if row.kind == LINE_ITEM else str(row.after.get("line_item"))
    return row.kind != CATEGORY and own not in line_items and row.state == SEND and row.reason is None


def _waiting(row: Row) -> Row:
    return replace(row, state=WAITING, reason=OTHER)


class Side:
    """One kind: what we sent, by key, and what the SIS holds, by its sourcedId."""

    def __init__(self, kind: str, had: Mapping[str, Entry], live: Mapping[str, Fields]) -> None:
        self.kind, self.had, self.live = kind, had, live

    def own_id(self, key: str) -> str:
        """The sourcedId by which the SIS knows an object."""
        entry = self.had.get(key)
        return (entry.lms_id if entry else None) or key

    def is_gone(self, key: str) -> bool:
        """Was it made, and is it gone from the SIS?"""
        entry = self.had.get(key)
        return entry is not None and entry.made and self.own_id(key) not in self.live

    def wanted(self, key: str, want: Fields) -> Row | None:
        """The change that brings one object to what is wanted, if it needs one."""
        entry, live = self.had.get(key), self.live.get(self.own_id(key))
        if live is None:
            return self._missing(key, want, entry)
        if entry is None:  # under our id, and not in the ledger: it was restored, or its first answer was lost
            if shows(live, want):
                return self.row(ADOPT, key, want)
            return self.row(UPDATE, key, want, before=live, reason=CONFLICT)
        changed = moved(live, entry)
        if changed and not shows(live, want):
            return self.row(UPDATE, key, want, before=live, reason=CONFLICT)
        if changed or entry.tried is not None or not entry.made:
            return self.row(ADOPT, key, want) if shows(live, want) else self.row(UPDATE, key, want, before=live)
        return self.row(UPDATE, key, want, before=entry.fields) if differ(want, entry.fields) else None

    def unwanted(self, key: str) -> Row | None:
        """The removal of one object that we sent."""
        entry = self.had.get(key)
        if entry is None:
            return None
        live = self.live.get(self.own_id(key))
        conflict = live is not None and moved(live, entry)
        return self.row(REMOVE, key, entry.fields, reason=CONFLICT if conflict else None)

    def _missing(self, key: str, want: Fields, entry: Entry | None) -> Row | None:
        if entry is None or not entry.made:
            return self.row(CREATE, key, want)
        return self.row(CREATE, key, want, reason=GONE)

    def row(
        self, action: str, key: str, after: Fields, *, before: Fields | None = None, reason: str | None = None
    ) -> Row:
        """A change of one object."""
        own, live = self.own_id(key), self.live.get(self.own_id(key), {})
        lms_id = own if own != key and action != CREATE else None
        if action == UPDATE and live.get("description"):  # a PUT replaces the whole object
            after = {**after, "description": live["description"]}
        return Row(kind=self.kind, action=action, key=key, lms_id=lms_id, before=before, after=after, reason=reason)


class Results(Side):
    """Results, which belong to line items, and of which a teacher may have made one in the SIS."""

    def __init__(self, kind: str, had: Mapping[str, Entry], live: Mapping[str, Fields], *, items: Side) -> None:
        super().__init__(kind, had, live)
        self._items = items
        ours = {entry.lms_id or key for key, entry in had.items()}
        self._theirs = {
            (fields.get("line_item"), fields.get("student")): own for own, fields in live.items() if own not in ours
        }

    def theirs(self, want: Fields) -> str | None:
        """The id of a result for the same student and line item that somebody made in the SIS."""
        return self._theirs.get((self._items.own_id(want["line_item"]), want["student"]))

    def has_theirs(self, line_item: str) -> bool:
        """Does the SIS hold results of this line item (by its id there) that we never sent?"""
        return any(item == line_item for item, _ in self._theirs)

    def _missing(self, key: str, want: Fields, entry: Entry | None) -> Row | None:
        item, theirs = want["line_item"], self.theirs(want)
        if theirs is not None and theirs != key:  # somebody typed one there
            before = self.live[theirs]
            return Row(
                kind=self.kind, action=UPDATE, key=key, lms_id=theirs, before=before, after=want, reason=CONFLICT
            )
        if entry is not None and self._items.is_gone(item):  # it went with its line item, and waits for that one
            return self.row(CREATE, key, want)
        return super()._missing(key, want, entry)


def _deleted(wanted: Desired, items: Side, results: Results) -> Iterator[Row]:
    """Line items whose item is gone from the LMS: removed with their results where the teacher chose so, else waiting
    for that choice (rule 32)."""
    for key, chosen in sorted(wanted.deleted.items()):
        row = items.unwanted(key)
        if row is None:
            continue
        if not chosen:
            yield Row(
                kind=row.kind, action=REMOVE, key=key, lms_id=row.lms_id, after=row.after, state=WAITING, reason=CHOICE
            )
            continue
        own = [each for each, entry in sorted(results.had.items()) if entry.fields.get("line_item") == key]
        yield from (found for each in own if (found := results.unwanted(each)))
        yield replace(row, reason=CONFLICT) if results.has_theirs(items.own_id(key)) else row
