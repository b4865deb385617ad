"""References: the LMS ids that changes need, and which parents are not there. Filled from ledger, plan and outcomes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from rollbook.core.duck import Connection
from rollbook.core.ledger_files import PAIRS, UNKNOWN_ORIGIN, fields_json
from rollbook.roster.changes import DONE, WAITING, Change, Fields, Outcome
from rollbook.roster.lms import ADOPT, CREATE, DEACTIVATE, KINDS, REKEY, REMOVE, REVIVE, UPDATE

#: Parents that connectors address by the LMS's own id; users and sections have codes.
BY_ID = ("building", "grading_period", "course")

#: LMS id and role of an account.
Account = tuple[str, str | None]


class References:
    """`down` are keys of objects that this run failed to make: their children wait (rule 27). `users_by_id` as of the
    target's traits."""

    def __init__(self, db: Connection, *, users_by_id: bool = False) -> None:
        self._db, self._users_by_id = db, users_by_id
        #: LMS id and role of the accounts that this run has written or linked; of all others the ledger knows them.
        self._users: dict[str, Account] = {}
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
            if self._users_by_id and change.kind == "user" and (lms_id := outcome.lms_id or change.lms_id):
                self._users[key] = (lms_id, change.after.get("role"))
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

    def complete(self, changes: Sequence[Change]) -> list[Change]:
        """Changes of one slice, with their references filled in."""
        asked = {change.after["user"] for change in changes if change.kind == "enrollment"} if self._users_by_id else ()
        users = self._accounts(asked) if asked else {}
        return [self._complete(change, users) for change in changes]

    def _accounts(self, keys: Collection[str]) -> dict[str, Account]:
        """The accounts of a slice's people: looked up, as all of them would take much memory."""
        older = sorted(key for key in keys if key not in self._users)
        rows = self._db.execute(
            """
            SELECT key, lms_id, role FROM ledger_user
            WHERE lms_id IS NOT NULL AND key IN (SELECT unnest($keys::VARCHAR[]))""",
            {"keys": older},
        ).fetchall()
        known = {key: (lms_id, role) for key, lms_id, role in rows}
        return known | {key: self._users[key] for key in keys if key in self._users}

    def _complete(self, change: Change, users: Mapping[str, Account]) -> Change:
        refs: dict[str, Any] = {}
        if change.kind == "enrollment" and change.after["user"] in users:
            refs["user"], refs["user.role"] = users[change.after["user"]]
        parents: dict[str, Fields] = {}
        for name, parent in KINDS[change.kind].parents.items():
            known = self.ids.get(parent)
            if known is not None and change.kind == "user" and change.before.get(name):
                refs[f"before.{name}"] = _ids(known, change.before[name])
            value = change.after.get(name)
            if known is None or value is None:
                continue
            refs[name] = _ids(known, value)
            if parent == "course" and value in self._courses:
                parents[name] = self._courses[value]
                refs[f"{name}.building"] = self.ids["building"].get(self._courses[value].get("building") or "")
        if not refs:
            return change
        lms_id = change.lms_id or self.ids.get(change.kind, {}).get(change.key)
        return msgspec.structs.replace(change, refs=refs, parent_fields=parents, lms_id=lms_id)


def _ids(known: Mapping[str, str], value: Any) -> Any:
    """The LMS ids of a key or of several keys; None where one is not known."""
    return [known.get(key) for key in value] if isinstance(value, list) else known.get(value)


def waiting(changes: Sequence[Change], why: str) -> list[Outcome]:
    """Outcomes of changes that were not sent."""
    return [Outcome(status=WAITING, message=why) for _ in changes]
