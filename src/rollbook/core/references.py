"""References: the LMS ids that changes need, and which parents are not there. Filled from ledger, plan and outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from rollbook.core.duck import Connection
from rollbook.core.ledger_files import PAIRS, UNKNOWN_ORIGIN, fields_json
from rollbook.roster.changes import DONE, WAITING, Change, Fields, Outcome
from rollbook.roster.lms import ADOPT, CREATE, DEACTIVATE, KEYS, KINDS, REKEY, REMOVE, REVIVE, UPDATE

#: Parents that connectors address by the LMS's own id; users and sections have codes.
BY_ID = ("building", "grading_period", "course")


class References:
    """`down` are keys of objects that this run failed to make: their children wait (rule 27)."""

    def __init__(self, db: Connection) -> None:
        self.ids: dict[str, dict[str, str]] = {}
        for kind in BY_ID:
            query = f"SELECT key, lms_id FROM ledger_{kind} WHERE lms_id IS NOT NULL"
            self.ids[kind] = dict(db.execute(query).fetchall())
        decode = msgspec.json.Decoder(dict[str, Any]).decode
        courses = db.execute(f"SELECT key, {fields_json('course', 'l')} FROM ledger_course l").fetchall()
        self._courses: dict[str, Fields] = {key: decode(fields) for key, fields in courses}
        self.down: dict[str, set[str]] = {kind: set() for kind in KINDS}
        self._doubted: dict[str, set[str]] = {}
        for kind in KINDS.keys() - PAIRS.keys():
            rows = db.execute(f"SELECT key FROM ledger_{kind} WHERE origin = '{UNKNOWN_ORIGIN}'").fetchall()
            self._doubted[kind] = {key for (key,) in rows}

    def learn(self, change: Change, outcome: Outcome) -> None:
        """Take in what became of a change."""
        key = change.new_key or change.key
        if outcome.status == DONE:
            if change.kind in self.ids and (lms_id := outcome.lms_id or change.lms_id):
                self.ids[change.kind][key] = lms_id
            if change.kind == "course" and change.action in (CREATE, ADOPT, REKEY, UPDATE):
                self._courses[key] = change.after
        elif change.action in (CREATE, REKEY, REVIVE):
            self.down[change.kind].add(key)

    def doubted(self, change: Change) -> bool:
        """Does the ledger not know whether this was made?"""
        return change.key in self._doubted.get(change.kind, ())

    def waits(self, change: Change) -> bool:
        """Is a parent of this change missing after all, or its own account still inactive?"""
        if change.action in (REMOVE, ADOPT, DEACTIVATE, REVIVE):
            return False
        if change.action == UPDATE and change.key in self.down[change.kind]:
            return True
        for name, parent in KINDS[change.kind].parents.items():
            value = change.after.get(name)
            keys = value if isinstance(value, list) else [value] if value else []
            if any(key in self.down[parent] for key in keys):
                return True
        return False

    def complete(self, change: Change) -> Change:
        """The change with its references filled in."""
        refs: dict[str, Any] = {}
        parents: dict[str, Fields] = {}
        for name, parent in KINDS[change.kind].parents.items():
            known = self.ids.get(parent)
            value = change.after.get(name)
            if known is None or value is None:
                continue
            refs[name] = (
                [known.get(key) for key in value] if KINDS[change.kind].fields[name] == KEYS else known.get(value)
            )
            if parent == "course" and value in self._courses:
                parents[name] = self._courses[value]
                refs[f"{name}.building"] = self.ids["building"].get(self._courses[value].get("building") or "")
        if not refs:
            return change
        lms_id = change.lms_id or self.ids.get(change.kind, {}).get(change.key)
        return msgspec.structs.replace(change, refs=refs, parent_fields=parents, lms_id=lms_id)


def waiting(changes: Sequence[Change], why: str) -> list[Outcome]:
    """Outcomes of changes that were not sent."""
    return [Outcome(status=WAITING, message=why) for _ in changes]
