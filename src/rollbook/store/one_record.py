"""One person or one section as the last runs have left them: what is in the ledger, what happened, what is in the way.
Reads only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import Q
from django.utils import timezone

from rollbook.core.ledger_files import columns
from rollbook.roster.changes import Outcome
from rollbook.roster.settings import ANY, Settings
from rollbook.store.looking import Files, Row
from rollbook.store.models import HoldRow, HoldState, PinRow, RefusalRow
from rollbook.store.outcome_spans import answers
from rollbook.store.readings import Reading
from rollbook.store.sis_snapshot import first

#: Runs whose changes are shown.
RUNS: Final = 5
_HOLD: Final = "hold:"


@dataclass(frozen=True, kw_only=True)
class Change:
    """A row of a run's plan and what became of it. `before` and `after` hold the fields that differ. `hold` is the hold
    that it waits for, if that still waits."""

    reading: Reading
    kind: str
    action: str
    key: str
    state: str
    reason: str
    school: str | None
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    wanted: Mapping[str, Any]
    outcome: Outcome | None
    hold: HoldRow | None


@dataclass(kw_only=True)
class Record:
    """`key` is the LMS key, `sis_id` the sourcedId if known; `given` the ledger's row, `left_out` why the newest
    reading of the SIS left it out. Either may be None. `listed` is the record as delta reads know it (with `gone`).
    `enrollments` are the ledger's of a person, once they were looked up."""

    kind: str
    key: str | None
    sis_id: str | None
    given: Row | None
    left_out: Row | None
    listed: Row | None = None
    enrollments: list[Row] | None = None
    changes: list[Change] = field(default_factory=list)
    findings: list[Row] = field(default_factory=list)
    refusals: dict[tuple[str, str], RefusalRow] = field(default_factory=dict)
    pins: list[PinRow] = field(default_factory=list)

    @property
    def known(self) -> bool:
        return bool(self.given or self.left_out or self.changes or self.findings or self.listed)

    @property
    def school(self) -> str | None:
        return next((row["school"] for row in (self.given, self.left_out) if row and row["school"]), None)

    def newest(self, kind: str, key: str) -> Change | None:
        """The newest change of this record."""
        return next((one for one in self.changes if one.kind == kind and one.key == key), None)


def find_person(files: Files, settings: Settings, *, lms_id: str = "", sis_id: str = "") -> Record:
    """A person by one of their ids, not yet with anything else; nothing is `known` of somebody who is nowhere."""
    by_source = settings.users.unique_id == "sourcedId"
    given: Row | None = None
    left: Row | None = None
    if lms_id:
        given = _person(files, lms_id=lms_id)
    elif by_source:
        given = _person(files, key=sis_id)
    key = given["key"] if given else (sis_id if by_source else None)
    if key is not None:
        left = _one(files.left_out("user", "key = $key", {"key": key}, 1))
    if left is None and sis_id:
        left = _one(files.left_out("user", "id = $id", {"id": sis_id}, 1))
    if left is not None and given is None and left["key"]:
        key = left["key"]
        given = _person(files, key=key)
    source = left["id"] if left and left["id"] else (key if by_source else sis_id or None)
    left = None if left is not None and left["reason"] == "synced" else left
    return Record(kind="user", key=key, sis_id=source, given=given, left_out=left)


def find_section(files: Files, key: str, at: str = "") -> Record:
    """A section by its class's sourcedId, not yet with anything else. `at` is the school (org)
    where one looks first: it may be wrong."""
    given = _first(files, "section", "key = $id", key, at)
    left = _one(files.left_out("section", "key = $key", {"key": key}, 1))
    return Record(kind="section", key=key, sis_id=key, given=given, left_out=left)


def fill_in(files: Files, settings: Settings, organization: int, record: Record) -> Record:
    """Add what happened to it in the last runs, and what is in its way."""
    ids = [one for one in {record.key, record.sis_id} if one]
    ending = f"|{record.key}" if record.kind == "user" and record.key else ""
    record.findings = files.findings(ids, ending)
    record.listed = first(files.listed("users" if record.kind == "user" else "classes", sourcedId=record.sis_id))
    if record.key is None:
        return record
    schools = schools_of(record, settings)
    record.changes = _changes(files, organization, record, schools)
    keys = {one.key for one in record.changes} | {record.key}
    rows = RefusalRow.objects.filter(organization=organization, key__in=sorted(keys))
    record.refusals = {(row.kind, row.key): row for row in rows}
    record.pins = list(_pins(organization, record.key))
    return record


def schools_of(record: Record, settings: Settings) -> list[str]:
    """Schools at which changes of this record can be: its own, and those whose buildings it is in besides."""
    found = {record.school} if record.school else set()
    given = record.given or {}
    for building in [given.get("building"), *(given.get("additional_buildings") or ())]:
        if building and building.startswith("org:"):
            found.add(building.removeprefix("org:"))
        elif building:
            found |= {org for org, value in settings.schools.items() if value == building and org != ANY}
    found |= set((record.left_out or {}).get("schools") or ())
    return sorted(found)


def refusal(organization: int, kind: str, key: str) -> RefusalRow | None:
    return RefusalRow.objects.filter(organization=organization, kind=kind, key=key).first()


def _changes(files: Files, organization: int, record: Record, schools: Sequence[str]) -> list[Change]:
    """The newest first; within a run the account, then its enrollments."""
    readings = files.readings[:RUNS]
    found = files.changes(readings, record.kind, "key = $key OR new_key = $key", {"key": record.key}, schools)
    if record.kind == "user":
        ending = {"ending": f"|{record.key}"}
        found += files.changes(readings, "enrollment", "ends_with(key, $ending)", ending, schools)
    changes: list[Change] = []
    for reading in readings:
        changes += told(organization, reading, [row for one, row in found if one is reading])
    return changes


def told(organization: int, reading: Reading, rows: Sequence[Row]) -> list[Change]:
    """Rows of a plan with what became of them."""
    outcomes: dict[int, Outcome] = {}
    for kind in {row["kind"] for row in rows}:  # a kind's rows lie together
        seqs = [row["seq"] for row in rows if row["kind"] == kind and row["state"] == "send"]
        outcomes |= answers(reading.run, reading.plan.digest, seqs)
    names = {row["reason"].removeprefix(_HOLD) for row in rows if (row["reason"] or "").startswith(_HOLD)}
    waiting = HoldRow.objects.filter(organization=organization, hold__in=sorted(names), state=HoldState.WAITING)
    holds = {hold.hold: hold for hold in waiting} if names else {}
    return [_change(reading, row, outcomes.get(row["seq"]), holds) for row in rows]


def _change(reading: Reading, row: Row, outcome: Outcome | None, holds: Mapping[str, HoldRow]) -> Change:
    had = json.loads(row["before"]) if row["before"] else {}
    wanted = json.loads(row["after"]) if row["after"] else {}
    differing = [name for name in wanted if had.get(name) != wanted.get(name)] if had else list(wanted)
    reason = row["reason"] or ""
    return Change(
        reading=reading,
        kind=row["kind"],
        action=row["action"],
        key=row["new_key"] or row["key"],
        state=row["state"],
        reason="hold" if reason.startswith(_HOLD) else reason,
        school=row["school"],
        before={name: had.get(name) for name in differing},
        after={name: wanted[name] for name in differing},
        wanted=wanted,
        outcome=outcome,
        hold=holds.get(reason.removeprefix(_HOLD)) if reason.startswith(_HOLD) else None,
    )


def _pins(organization: int, key: str) -> Iterable[PinRow]:
    mine = Q(key=key) | Q(kind="enrollment", key__endswith=f"|{key}") | Q(kind="enrollment", key__startswith=f"{key}|")
    open_ = PinRow.objects.filter(mine, organization=organization, ended_at__isnull=True, until__gt=timezone.now())
    return open_[:50]


def _person(files: Files, *, lms_id: str = "", key: str = "") -> Row | None:
    """The ledger's row: what the list of people does not have of it is found where that says. Ids of the LMS are short
    and, like schools, quickly looked through."""
    if files.people is None:
        return None
    known = files.people.by_lms_id(lms_id) if lms_id else files.people.by_key(key)
    if known is None:
        return None
    by = "key" if known["lms_id"] is None else "lms_id"
    where = f"{by} = ${by} AND " + ("school IS NULL" if known["school"] is None else "school = $school")
    asked = {name: known[name] for name in (by, "school") if known[name] is not None}
    rest = _one(files.given("user", where, asked, 1, [name for name in columns("user") if name not in known]))
    return None if rest is None else known | rest


def _first(files: Files, kind: str, where: str, id: str, at: str) -> Row | None:
    found = files.given(kind, f"school = $school AND {where}", {"id": id, "school": at}, 1) if at else []
    return _one(found or files.scan(kind, where, {"id": id}, 1))


def _one(rows: Sequence[Row]) -> Row | None:
    return rows[0] if rows else None
