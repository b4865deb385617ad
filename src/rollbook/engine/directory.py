"""What a SIS and an LMS have to choose from: schools, sessions, buildings, grading periods, roles. Reads and stores
these lists; never reads a person, never writes to either side.

| name | rows |
| --- | --- |
| `sis.orgs` | id, name, type (`school`, `district`, …), code, parent |
| `sis.academicSessions` | id, title, type (`term`, …), start and end (YYYY-MM-DD), year ("2027"), parent |
| `sis.roles` | name |
| `lms.building` | id, title, code |
| `lms.grading_period` | id, title, start, end |
| `lms.roles` | title, staff |

Every value is a text, `""` where there is none; `staff` is a bool.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from django.utils import timezone

from rollbook.actions.directory import keep_lists
from rollbook.actions.organizations import current_settings
from rollbook.actions.settings_text import connector_of
from rollbook.connectors.base import ReadRequest, Source, Target
from rollbook.engine.sessions import session_rows
from rollbook.engine.world import Doors
from rollbook.errors import BadResponse, Bug, Unavailable
from rollbook.roster.oneroster import ROLES
from rollbook.roster.settings import ANY, Connection, Settings
from rollbook.store.folder import DataFolder
from rollbook.store.models import DirectoryRow, Organization
from rollbook.store.scratch import looking_scratch
from rollbook.store.secrets import KeyRing, secrets_of

#: Somebody waits in front of a page (seconds).
DEADLINE_S: Final = 25.0
#: A file is read whole, by a process that has others to serve too.
_MOST_BYTES: Final = 64 << 20
_GONE: Final = frozenset({"tobedeleted", "inactive"})

Row = dict[str, Any]


@dataclass(frozen=True)
class Known:
    """A list as it was last read. `digest` names the connection it was read over, see `connection_digest`."""

    rows: list[Row] = field(default_factory=list)
    read_at: datetime | None = None
    digest: str = ""


def known(organization: Organization, name: str, *, with_rows: bool = True) -> Known:
    """One list of an organization; empty with `read_at` None when it was never read. Asks nobody outside. Without rows
    it only says when and from where they were read: a list may be long."""
    found = DirectoryRow.objects.filter(organization=organization, name=name)
    row = found.first() if with_rows else found.defer("rows").first()
    return Known(row.rows if with_rows else [], row.read_at, row.digest) if row is not None else Known()


def look(folder: DataFolder, organization: Organization, side: str, *, by: str) -> None:
    """Read the lists of a side (`sis` or `lms`) over its connection and store them; `by` stands in the audit.

    Raises RollbookError (AuthFailed, Unavailable, ConfigError …), and then keeps the lists it had: also when they
    could not be read completely, or not within DEADLINE_S.
    """
    if side not in ("sis", "lms"):
        raise Bug(f"there is no side {side!r}")
    _, settings = current_settings(organization)
    secrets = secrets_of(organization.pk, KeyRing(folder.keys))
    connection: Connection = getattr(settings, side)
    with looking_scratch(folder) as work:
        doors = Doors(impatient(settings, side), secrets, work, Deadline(DEADLINE_S))
        lists = _from_sis(doors, organization) if side == "sis" else _from_lms(doors)
    digest = connection_digest(connection)
    keep_lists(organization=organization, side=side, lists=lists, digest=digest, now=timezone.now(), by=by)


def connection_digest(connection: Connection) -> str:
    """Which system a connection leads to: changed options may mean another one."""
    wanted = {"connector": connection.connector, "partner": connection.partner, "options": connection.options}
    return hashlib.sha256(msgspec.json.encode(wanted, order="deterministic")).hexdigest()


class Deadline:
    """A Cancel that stops work after so many seconds."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._until = clock() + seconds

    def check(self) -> None:
        """Raises Unavailable when the time is over."""
        if self._clock() >= self._until:
            raise Unavailable(f"it takes longer than {self._seconds:.0f} seconds to answer; try again later")

    def wait(self, seconds: float) -> None:
        """Sleeps, unless the time would be over by then: raises Unavailable at once."""
        if self._clock() + seconds >= self._until:
            raise Unavailable("the other side asks for patience; try again in a few minutes")
        time.sleep(seconds)


def impatient(settings: Settings, side: str) -> Settings:
    """The same settings, with a time-out of this side that somebody waits for: a single silence must not outlast the
    deadline either."""
    connection: Connection = getattr(settings, side)
    names = {one.name: one.default for one in msgspec.structs.fields(connector_of(connection, side).options)}
    if "timeout" not in names:
        return settings
    timeout = min(float(connection.options.get("timeout", names["timeout"])), DEADLINE_S / 2)
    quick = msgspec.structs.replace(connection, options={**connection.options, "timeout": timeout})
    return msgspec.structs.replace(settings, **{side: quick})


# --- the SIS ----------------------------------------------------------------------------------------------------------


def _from_sis(doors: Doors, organization: Organization) -> dict[str, list[Row]]:
    source = doors.source()
    try:
        orgs = _Collection(source, "orgs")
        sessions = _Collection(source, "academicSessions")
    finally:
        source.close()
    return {
        "sis.orgs": orgs.merged(known(organization, "sis.orgs").rows, _org_rows(orgs.rows)),
        "sis.academicSessions": sessions.merged(
            known(organization, "sis.academicSessions").rows, session_rows(sessions.rows)
        ),
        "sis.roles": [{"name": name} for name in _role_names(doors.settings)],
    }


class _Collection:
    """A collection as it is now. Raises Unavailable when it could not be read completely."""

    def __init__(self, source: Source, name: str) -> None:
        reading = source.read(ReadRequest(collection=name))
        self.rows: dict[str, Mapping[str, str | None]] = {}
        self._gone: set[str] = set()
        for page in reading:
            body = page.body if page.body is not None else _content(page.path)
            for collection, row in source.rows(name, body):
                if collection == name:
                    self._take(row)
        verdict = reading.verdict
        self._is_part = verdict.mode in ("delta", "absent")
        if not verdict.complete and verdict.mode != "absent":
            raise Unavailable(f"the SIS's {name} could not be read completely: {verdict.reason}")

    def merged(self, before: list[Row], now: list[Row]) -> list[Row]:
        """What is there after this read: an export of changes only leaves alone what it does not name."""
        if not self._is_part:
            return now
        kept = {row["id"]: row for row in before if row["id"] not in self._gone}
        return list((kept | {row["id"]: row for row in now}).values())

    def _take(self, row: Mapping[str, str | None]) -> None:
        key = (row.get("sourcedId") or "").strip()
        if key and (row.get("status") or "").strip().lower() in _GONE:
            self._gone.add(key)
        elif key:
            self.rows.setdefault(key, row)


def _content(path: Path | None) -> bytes:
    if path is None:
        return b""
    if path.stat().st_size > _MOST_BYTES:
        raise BadResponse(f"{path.name} has more than {_MOST_BYTES >> 20} MiB, as no list of schools or terms has")
    return path.read_bytes()


def _org_rows(rows: Mapping[str, Mapping[str, str | None]]) -> list[Row]:
    def made() -> Iterator[Row]:
        for key, row in rows.items():
            yield {
                "id": key,
                "name": (row.get("name") or "").strip() or key,
                "type": (row.get("type") or "").strip().lower(),
                "code": (row.get("identifier") or "").strip(),
                "parent": (row.get("parentSourcedId") or "").strip(),
            }

    return sorted(made(), key=lambda row: (row["name"].lower(), row["id"]))


def _role_names(settings: Settings) -> list[str]:
    """OneRoster's roles, and others that are mapped already: reading every person to find more would take too long."""
    mapped = {role for roles in settings.roles.values() for role in roles if role != ANY}
    return [*ROLES, *sorted(mapped - set(ROLES))]


# --- the LMS ----------------------------------------------------------------------------------------------------------


def _from_lms(doors: Doors) -> dict[str, list[Row]]:
    target = doors.target()
    try:
        return {
            "lms.building": _records(target, "building", "title", "code"),
            "lms.grading_period": _records(target, "grading_period", "title", "start", "end"),
            "lms.roles": [{"title": title, "staff": staff} for title, staff in target.roles().items()],
        }
    finally:
        target.close()


def _records(target: Target, kind: str, *fields: str) -> list[Row]:
    rows: list[Row] = []
    for record in target.read(kind):
        found = {name: str(record.fields.get(name) or "") for name in fields}
        rows.append({"id": record.lms_id, **found, "title": found["title"] or record.lms_id})
    return sorted(rows, key=lambda row: (row.get("start", ""), row["title"].lower(), row["id"]))
