"""Undo of a run of grades: what it changed in a section, turned around (rule 28). Pure; plans only.

A line item or result goes back only where it is as the run left it: in the section's ledger, and in the SIS. What
somebody sent or changed since is a conflict, and is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rollbook.passback.compare import LINE_ITEM, RESULT, Results, Row, Side
from rollbook.passback.grade_types import Entries, Found
from rollbook.passback.grades import emptied
from rollbook.passback.same import NAMES, differ, moved, same, shows
from rollbook.roster.changes import Fields
from rollbook.roster.lms import ADOPT, CREATE, REMOVE, UPDATE

#: Why something is not turned around, as details of the finding UNDO_CONFLICT.
CHANGED, SENT = "changed in the SIS since", "sent otherwise since"
GONE, GIVEN, HAS_GRADES = "not there any more", "given otherwise", "it has other grades by now"


@dataclass(frozen=True, kw_only=True)
class Did:
    """What the run did to one object: `before` of updates, `after` of all (what was taken away, too)."""

    kind: str
    action: str
    key: str
    after: Fields
    before: Fields | None = None

    def __repr__(self) -> str:  # grades are personal data
        return f"Did({self.action} {self.kind} {self.key})"


@dataclass(kw_only=True)
class Undone:
    """The changes that turn a section around, and what cannot be."""

    rows: list[Row] = field(default_factory=list)
    findings: list[Found] = field(default_factory=list)


def undo_section(
    did: Iterable[Did], had: Entries, live: Mapping[str, Mapping[str, Fields]], *, deletes: bool
) -> Undone:
    """Turn around what a run did in one section. `live` is what the SIS holds now, by kind and sourcedId; `deletes`:
    it takes objects away. Where it does not, results go back to "not submitted" and new line items stay."""
    section = _Section(had, live, deletes=deletes)
    for one in sorted(did, key=lambda each: (each.kind != LINE_ITEM, each.key)):
        if one.kind in (LINE_ITEM, RESULT):
            section.take(one)
    section.keep_what_has_grades()
    section.leave_orphans()
    return section.found


class _Section:
    """One section: what is known and there, and what was found so far."""

    def __init__(self, had: Entries, live: Mapping[str, Mapping[str, Fields]], *, deletes: bool) -> None:
        self.found = Undone()
        self._had, self._deletes = had, deletes
        self._items = Side(LINE_ITEM, had[LINE_ITEM], live.get(LINE_ITEM, {}))
        self._results = Results(RESULT, had[RESULT], live.get(RESULT, {}), items=self._items)

    def take(self, one: Did) -> None:
        """Turn one change around."""
        turn = {CREATE: self._created, UPDATE: self._updated, REMOVE: self._removed}.get(one.action)
        row = turn(one, self._results if one.kind == RESULT else self._items) if turn is not None else None
        if isinstance(row, Row):
            self.found.rows.append(row)
        elif row is not None:
            self._conflict(one.kind, one.key, row, one.after)

    def keep_what_has_grades(self) -> None:
        """A line item is not taken away while the SIS has results of it that stay."""
        going = {row.key for row in self.found.rows if row.kind == RESULT and row.action == REMOVE}
        for row in [row for row in self.found.rows if row.kind == LINE_ITEM and row.action == REMOVE]:
            mine = {key for key, entry in self._had[RESULT].items() if entry.fields.get("line_item") == row.key}
            if mine - going or self._results.has_theirs(self._items.own_id(row.key)):
                self.found.rows.remove(row)
                self._conflict(LINE_ITEM, row.key, HAS_GRADES, row.after)

    def leave_orphans(self) -> None:
        """A result is given again only where its line item is there, or is made again too."""
        made = {row.key for row in self.found.rows if row.kind == LINE_ITEM and row.action in (CREATE, ADOPT)}
        there = {key for key in self._had[LINE_ITEM] if not self._items.is_gone(key)}
        for row in [row for row in self.found.rows if row.kind == RESULT and row.action in (CREATE, ADOPT)]:
            if str(row.after.get("line_item")) not in made | there:
                self.found.rows.remove(row)
                self._conflict(RESULT, row.key, GONE, row.after)

    # --- one object: the row that turns it around, why there is none, or None where it is back already ----------------

    def _created(self, one: Did, side: Side) -> Row | str | None:
        entry = self._had[one.kind].get(one.key)
        if entry is None:
            return None
        if differ(entry.fields, one.after):
            return SENT
        live = side.live.get(side.own_id(one.key))
        if live is not None and moved(live, entry):
            return CHANGED
        if self._deletes:
            return side.row(REMOVE, one.key, entry.fields)
        if one.kind == LINE_ITEM:
            return None  # it stays, as was said before
        back = emptied(entry.fields)
        return side.row(UPDATE, one.key, back, before=entry.fields) if differ(back, entry.fields) else None

    def _updated(self, one: Did, side: Side) -> Row | str | None:
        entry, before = self._had[one.kind].get(one.key), one.before or {}
        if entry is None:
            return GONE
        names = [name for name in one.after if name not in NAMES and not same(before.get(name), one.after[name])]
        left = [name for name in names if not same(entry.fields.get(name), before.get(name))]
        if not left:
            return None
        since = [name for name in left if not same(entry.fields.get(name), one.after[name])]
        if since and one.kind == RESULT:  # score and state belong together
            return SENT
        live = side.live.get(side.own_id(one.key))
        if live is None:
            return GONE
        if moved(live, entry):
            return CHANGED
        if since:
            self._conflict(one.kind, one.key, f"{SENT}: {', '.join(sorted(since))}", entry.fields)
        back = {name: before.get(name) for name in left if name not in since}
        if one.kind == RESULT and before.get("date"):
            back["date"] = before["date"]
        return (
            side.row(UPDATE, one.key, {**entry.fields, **back}, before=entry.fields) if set(left) - {*since} else None
        )

    def _removed(self, one: Did, side: Side) -> Row | str | None:
        entry = self._had[one.kind].get(one.key)
        if entry is not None:
            return None if not differ(entry.fields, one.after) else GIVEN
        live = side.live.get(one.key)
        if live is not None:  # a SIS that keeps what it was told to remove
            return side.row(ADOPT, one.key, one.after) if shows(live, one.after) else GIVEN
        if isinstance(side, Results) and side.theirs(one.after) is not None:
            return GIVEN
        return side.row(CREATE, one.key, one.after)

    def _conflict(self, kind: str, key: str, why: str, fields: Fields) -> None:
        who = str(fields.get("title" if kind == LINE_ITEM else "student") or key)
        self.found.findings.append(Found(code="UNDO_CONFLICT", collection=kind, id=who, detail=why))


def of_persons(did: Iterable[Did], persons: Sequence[str]) -> Iterator[Did]:
    """What was done to these students, all where none is named."""
    wanted = set(persons)
    return (one for one in did if not wanted or one.after.get("student") in wanted)
