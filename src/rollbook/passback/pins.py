"""Pins of undone grades: which there are to be, and what they do to what a section's SIS shall hold (rule 28).

A pinned field is wanted as the undo left it, and a pinned object stays out or in, as long as the LMS says what it said
then. Where it says something else, the pin is over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

import msgspec

from rollbook.core.duck import Connection
from rollbook.core.pins import NOT_THERE
from rollbook.core.protocols import Pin, PinPlace
from rollbook.core.stored import StoredPlan
from rollbook.passback.compare import LINE_ITEM, RESULT
from rollbook.passback.grade_types import LEFT_OUT, Desired, Found, GradeRequest, GradeWorld, ItemNote
from rollbook.passback.same import NAMES, differ, same
from rollbook.roster.changes import Fields
from rollbook.roster.lms import ADOPT, CREATE, REMOVE, UPDATE

CODE: Final = "GRADE_PINNED"
_AT_ONCE: Final = 2000
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.decode


def keep_pins(db: Connection, request: GradeRequest, world: GradeWorld, plan: StoredPlan) -> None:
    """Pin what an undo put back; before a ledger moves on, so that no death loses them. Needs the plan views and
    `outcome`."""
    days = request.settings.undo.pin_days
    if plan.undo_of is not None and days:
        world.pins.keep(pins_of(db, plan), request.now + timedelta(days=days))


def pins_of(db: Connection, plan: StoredPlan) -> Iterator[Pin]:
    """What an undo did, as pins."""
    for kind in (LINE_ITEM, RESULT):
        if kind not in plan.files:
            continue
        cursor = db.execute(
            f"""SELECT p.action, p.key, p.school, p.before, p.after FROM plan_{kind} p JOIN outcome o USING (seq)
                WHERE o.status = 'done' ORDER BY seq"""
        )
        while rows := cursor.fetchmany(_AT_ONCE):
            for row in rows:
                yield from _pins(kind, row)


def _pins(kind: str, row: tuple[str, str, str, str | None, str]) -> Iterator[Pin]:
    action, key, section, before, after = row
    if action in (CREATE, ADOPT):
        yield Pin(kind, key, "", after, NOT_THERE, section)
    elif action == REMOVE:
        yield Pin(kind, key, "", NOT_THERE, after, section)
    elif action == UPDATE:
        old, new = _decode(before or "{}"), _decode(after)
        for name in sorted((old.keys() | new.keys()) - NAMES):
            if not same(old.get(name), new.get(name)):
                yield Pin(kind, key, name, _text(new.get(name)), _text(old.get(name)), section)


@dataclass
class Pinned:
    """The pins of a section as they are met: `ended` are those that the LMS has ended."""

    pins: Sequence[Pin]
    ended: list[PinPlace] = field(default_factory=list)

    def apply(self, desired: Desired) -> None:
        """Change what is desired, and say so in findings and notes: pins are never silent. Nothing is known of a
        section whose map is open."""
        if desired.open or not self.pins:
            return
        notes = {note.key: place for place, note in enumerate(desired.notes)}
        over = self._over(desired)
        for pin in sorted(self.pins, key=lambda one: (one.kind != LINE_ITEM, one.key, one.field)):
            wanted = desired.line_items if pin.kind == LINE_ITEM else desired.results
            want = wanted.get(pin.key)
            if pin.place in over:
                self.ended.append(pin.place)
            elif pin.field and want is not None:
                wanted[pin.key] = want | {pin.field: _decode(pin.value)}
                self._tell(pin, wanted[pin.key], desired, notes)
            elif not pin.field and pin.value == NOT_THERE and want is not None:
                del wanted[pin.key]
                self._leave_out(pin, want, desired, notes)
            elif not pin.field and pin.value != NOT_THERE and pin.key in desired.cleared:
                desired.cleared.discard(pin.key)
                self._tell(pin, _decode(pin.value), desired, notes)

    def _over(self, desired: Desired) -> set[PinPlace]:
        """Pins that the LMS has ended. Those of one result end together, as its score and state belong together."""
        found = {pin.place for pin in self.pins if self._is_over(pin, desired)}
        results = {key for kind, key, _ in found if kind == RESULT}
        return found | {pin.place for pin in self.pins if pin.kind == RESULT and pin.key in results}

    def _is_over(self, pin: Pin, desired: Desired) -> bool:
        """Does the LMS say something else than it did then? Of an item that is not sent for other reasons, nobody
        knows."""
        want = (desired.line_items if pin.kind == LINE_ITEM else desired.results).get(pin.key)
        says = _decode(pin.sis)
        if want is not None:
            if pin.field:
                return not same(want.get(pin.field), says)
            return says is None or differ(want, says)
        known = says if not pin.field else None
        if pin.kind == RESULT and isinstance(known, dict):  # its grade was cleared since
            return known.get("line_item") in desired.line_items and pin.key not in desired.cleared
        return False

    def _leave_out(self, pin: Pin, want: Fields, desired: Desired, notes: dict[str, int]) -> None:
        self._tell(pin, want, desired, notes)
        if pin.kind != LINE_ITEM:
            return
        for key in [key for key, one in desired.results.items() if one.get("line_item") == pin.key]:
            del desired.results[key]
        if pin.key in notes:
            place = notes[pin.key]
            desired.notes[place] = replace(desired.notes[place], state=LEFT_OUT, code=CODE, detail="")

    def _tell(self, pin: Pin, fields: Fields, desired: Desired, notes: dict[str, int]) -> None:
        if pin.kind == RESULT:
            desired.findings.append(Found(code=CODE, collection=RESULT, id=str(fields.get("student")), detail=""))
            return
        note: ItemNote | None = desired.notes[notes[pin.key]] if pin.key in notes else None
        item = note.item if note is not None else pin.key
        detail = ": ".join(part for part in (str(fields.get("title") or ""), pin.field) if part)
        desired.findings.append(Found(code=CODE, collection="graded_item", id=item, detail=detail))


def _text(value: Any) -> str:
    return _encode(value).decode()
