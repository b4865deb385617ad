"""Small districts for tests: a SIS built row by row, an organization that runs against it, and a look at its LMS."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rollbook.connectors.base import Batch, Context
from rollbook.connectors.memory import CONNECTOR
from rollbook.connectors.memory.server import LINKS, code_of
from rollbook.connectors.memory.space import Space, Stored
from rollbook.core.duck import parquet_reader
from rollbook.core.protocols import Permit
from rollbook.core.stored import RunResult, StoredPlan
from rollbook.pipeline import roster_run, summary
from rollbook.pipeline.run_types import Request
from rollbook.roster.changes import Outcome
from rollbook.roster.lms import CREATE, KINDS
from rollbook.roster.settings import parse
from rollbook.testing.world import MemoryWorld, NeverCancelled
from tests import replays
from tests.spaces import fresh_space
from tests.staged import quick_runs

#: A Monday in the middle of the fall term of 2026-2027.
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
ROLES = {"student": "Student", "teacher": "Teacher", "guardian": "Parent", "parent": "Parent", "*": "skip"}


class District:
    """A SIS as rows of OneRoster CSV. Every method returns the district, so that calls can be chained."""

    def __init__(self, *, v12: bool = False) -> None:
        names = ["orgs", "academicSessions", "courses", "classes", "users", "enrollments"]
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
        if v12:
            self.rows["roles"] = []

    def copy(self) -> District:
        return copy.deepcopy(self)

    def put(self, collection: str, id: str, **columns: Any) -> District:
        """Add a record, or change the columns of the one that is there."""
        for row in self.rows[collection]:
            if row["sourcedId"] == id:
                row.update(columns)
                return self
        self.rows[collection].append({"sourcedId": id} | columns)
        return self

    def drop(self, collection: str, *ids: str) -> District:
        """Take records away, as a SIS does that simply does not list them any more."""
        there = {row["sourcedId"] for row in self.rows[collection]}
        assert there >= set(ids), f"{set(ids) - there} are not there"
        self.rows[collection] = [row for row in self.rows[collection] if row["sourcedId"] not in ids]
        return self

    def school(self, id: str, **columns: Any) -> District:
        return self.put("orgs", id, **{"name": f"School {id}", "type": "school"} | columns)

    def term(self, id: str, start: str = "2026-08-24", end: str = "2027-01-22", **columns: Any) -> District:
        return self.put(
            "academicSessions",
            id,
            **{"title": id, "type": "term", "startDate": start, "endDate": end, "schoolYear": "2027"} | columns,
        )

    def course(self, id: str, org: str = "A", **columns: Any) -> District:
        return self.put("courses", id, **{"title": f"Course {id}", "courseCode": id, "orgSourcedId": org} | columns)

    def clazz(self, id: str, course: str = "c1", school: str = "A", terms: str = "fall", **columns: Any) -> District:
        """One OneRoster class, in these terms (joined by commas)."""
        own = {"title": f"Class {id}", "courseSourcedId": course, "schoolSourcedId": school, "termSourcedIds": terms}
        return self.put("classes", id, **own | columns)

    def user(self, id: str, role: str | None, *schools: str, **columns: Any) -> District:
        own = {"enabledUser": "true", "username": id, "givenName": id.title(), "familyName": "Quimby", "role": role}
        return self.put("users", id, **own | {"email": f"{id}@x.example", "orgSourcedIds": ",".join(schools)} | columns)

    def student(self, id: str, *schools: str, **columns: Any) -> District:
        return self.user(id, "student", *(schools or ("A",)), **columns)

    def teacher(self, id: str, *schools: str, **columns: Any) -> District:
        return self.user(id, "teacher", *(schools or ("A",)), **columns)

    def enroll(self, clazz: str, *users: str, role: str = "student", **columns: Any) -> District:
        """Put people into a class; the ids of the enrollments are `clazz-user-role`."""
        for user in users:
            own = {"classSourcedId": clazz, "userSourcedId": user, "role": role}
            self.put("enrollments", f"{clazz}-{user}-{role}", **own | columns)
        return self


def small() -> District:
    """School A with one term, one course, one class, a teacher and two students."""
    district = District().school("A").term("fall").course("c1").clazz("k1")
    district.teacher("tina").student("sam").student("sue")
    return district.enroll("k1", "tina", role="teacher").enroll("k1", "sam", "sue")


def settings_of(**more: Any) -> dict[str, Any]:
    """A settings document that maps everything; `more` replaces or adds."""
    document: dict[str, Any] = {
        "organization": {"slug": "maple", "name": "Maple Valley"},
        "sis": {"connector": "memory"},
        "lms": {"connector": "memory"},
        "active_year": "2027",
        "schools": {"*": "create"},
        "terms": {"*": {"*": "create"}},
        "roles": {"*": ROLES},
    }
    return document | more


class Watched:
    """A target that writes down what it is sent. `doubled` names objects that were made although they were there, of
    kinds that an LMS would make twice."""

    def __init__(self, target: Any) -> None:
        self._target = target
        self.batches: list[Batch] = []
        self.doubled: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    def apply(self, batch: Batch) -> Sequence[Outcome]:
        self.batches.append(batch)
        if batch.action == CREATE and batch.kind not in self.traits.replay_safe:
            there = self._target.look_up(batch.changes)
            self.doubled += [change.key for change, live in zip(batch.changes, there, strict=True) if live]
        outcomes: Sequence[Outcome] = self._target.apply(batch)
        return outcomes


class Organization:
    """One tenant: its SIS and LMS in memory, its settings, and everything that is remembered between runs."""

    def __init__(self, folder: Path, district: District, **settings: Any) -> None:
        self.lms: Space = fresh_space("test")
        context = Context(work=folder / "connector", cancel=NeverCancelled(), count=lambda attempts=1: None)
        options = CONNECTOR.options(space=self.lms.name)
        assert CONNECTOR.source is not None
        assert CONNECTOR.target is not None
        self.source = CONNECTOR.source(options, context)
        self.target = Watched(CONNECTOR.target(options, context))
        self.world = MemoryWorld(folder)
        self.district = district
        self.settings = settings_of(**settings)
        self.now = NOW
        self.plan: tuple[int, StoredPlan] | None = None
        self.shape = replays.shape(self)

    # --- runs ---------------------------------------------------------------------------------------------------------

    def run(self, **request: Any) -> RunResult:
        """A roster run at `self.now`; what it sent is in `self.sent` afterwards."""
        self.lms.rows = self.district.rows
        self.target.batches.clear()
        self.plan = None
        return self._once("roster_run", request)

    def finish(self) -> RunResult:
        """What the next start does for a run that ended without settling."""
        assert self.plan is not None
        return self._once("finish", {}, *self.plan)

    def resume(self) -> RunResult:
        """Send the last run's plan (again)."""
        assert self.plan is not None
        return self._once("apply_stored", {}, *self.plan)

    def undo(self, plan: tuple[int, StoredPlan] | None, **request: Any) -> RunResult:
        """Undo what a plan (`self.plan` after its run) did."""
        assert plan is not None
        self.target.batches.clear()
        return self._once("undo_run", request, *plan)

    def _once(self, flow: str, asked: dict[str, Any], *plan: Any) -> RunResult:
        """What was lived through before is not worked again."""
        replay = replays.Replay(self, flow, asked, plan)
        result = replay.known()
        if result is None:
            result = self._river(getattr(roster_run, flow), asked, *plan)
            replay.keep(result)
        return result

    def _river(self, flow: Any, asked: dict[str, Any], run: int | None = None, *plan: StoredPlan) -> RunResult:
        request = Request(
            **{
                "run_id": f"run-{self.world.runs}",
                "settings": parse(self.settings),
                "settings_digest": "settings",
                "kinds": tuple(KINDS),
                "now": self.now,
            }
            | asked
        )
        with quick_runs():
            world = self.world.world(self.source, self.target, journal_of=run)
            result: RunResult = flow(request, world, *plan, self._step)
        return result

    def _step(self, name: str, work: Callable[[], Any]) -> Any:
        done = work()
        if name == "store":
            self.plan = (self.world.runs, done)
        return done

    def next_day(self, days: int = 1) -> Organization:
        self.now += timedelta(days=days)
        return self

    def approve(self, result: RunResult, reason: str, kind: str | None = None) -> None:
        """Give a permit for the holds of this reason (rule 26)."""
        holds = [hold for hold in result.holds if hold.reason == reason and kind in (None, hold.kind)]
        assert holds, f"nothing is held because of {reason}"
        self.world.permits.permits += [Permit(hold.id, result.hold_blobs[hold.id], None) for hold in holds]

    @property
    def sent(self) -> list[tuple[str, str, str]]:
        """(kind, action, key) of every change the LMS was sent in the last run."""
        return [(b.kind, b.action, change.key) for b in self.target.batches for change in b.changes]

    def branch(self, folder: Path) -> Organization:
        """The same organization at the same moment, going its own way from here on."""
        other = Organization(folder, self.district.copy(), **copy.deepcopy(self.settings))
        shutil.copytree(self.world.folder / "blobs", folder / "blobs", dirs_exist_ok=True)
        mine, theirs = self.world, other.world
        theirs.blobs._next = mine.blobs._next
        theirs.ledger.version, theirs.runs = mine.ledger.version, mine.runs
        theirs.passwords, theirs.permits, theirs.memory = copy.deepcopy((mine.passwords, mine.permits, mine.memory))
        for name in ("_by_id", "_by_code", "_last_id", "passwords", "roles"):
            setattr(other.lms, name, copy.deepcopy(getattr(self.lms, name)))
        for kind in KINDS:
            other.lms._by_code[kind] = {stored.code: stored for stored in other.lms._by_id[kind].values()}
        other.now = self.now
        return other

    # --- what is there ------------------------------------------------------------------------------------------------

    def all(self, kind: str) -> dict[str, dict[str, Any]]:
        """Objects of the LMS by external id; references as external ids too."""
        codes = {id(stored): code_of(self.lms, kind, stored) for stored in self.lms.all(kind)}
        assert len(set(codes.values())) == len(codes), f"a {kind} is doubled"
        return {codes[id(stored)]: self._readable(kind, stored) for stored in self.lms.all(kind)}

    def _readable(self, kind: str, stored: Stored) -> dict[str, Any]:
        fields = dict(stored.fields)
        for name, parent in KINDS[kind].parents.items() if kind not in LINKS else ():
            value = fields.get(name)
            ids = value if isinstance(value, list) else [value] if value else []
            codes = [found.code for each in ids if (found := self.lms.by_id(parent, each))]
            fields[name] = codes if isinstance(value, list) else codes[0] if codes else None
        return fields

    def user(self, key: str) -> dict[str, Any]:
        return self.all("user")[key]

    @property
    def users(self) -> set[str]:
        return set(self.all("user"))

    @property
    def sections(self) -> set[str]:
        return set(self.all("section"))

    @property
    def roster(self) -> dict[str, str]:
        """`class|user` → member or admin."""
        return {key: "admin" if fields["admin"] else "member" for key, fields in self.all("enrollment").items()}

    def stored(self, kind: str, code: str) -> Stored:
        found = self.lms.find(kind, code)
        assert found is not None, f"there is no {kind} {code}"
        return found

    def findings(self, result: RunResult, code: str | None = None) -> list[dict[str, Any]]:
        """The findings of a run as rows."""
        assert result.findings_blob is not None
        with parquet_reader() as db:
            rows = summary.finding_rows(self.world.blobs.get(result.findings_blob), db)
        return [row for row in rows if code in (None, row["code"])]

    def found(self, result: RunResult, code: str) -> list[str]:
        """Ids of the records that a finding names."""
        return sorted(row["id"] for row in self.findings(result, code))

    def ledger(self, kind: str) -> list[dict[str, Any]]:
        """The rows of the current ledger version."""
        key = self.world.ledger.version.files.get(kind)
        if key is None:
            return []
        with parquet_reader() as db:
            cursor = db.execute("SELECT * FROM read_parquet(?)", [str(self.world.blobs.get(key))])
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def snapshot(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Everything the LMS holds."""
        return {kind: self.all(kind) for kind in KINDS}


def counts(result: RunResult, kind: str) -> dict[str, int]:
    """The counts of a kind that are not zero, less those that say nothing about changes."""
    return {name: n for name, n in result.kinds[kind].items() if n and name not in ("read", "unchanged", "done")}


def reasons(result: RunResult) -> set[tuple[str, str]]:
    """(reason, kind) of what is held."""
    return {(hold.reason, hold.kind) for hold in result.holds}


def differing(left: Mapping[str, Any], right: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What differs between two looks at the LMS, for readable failures."""
    both = sorted({*left, *right})
    return {key: (left.get(key), right.get(key)) for key in both if left.get(key) != right.get(key)}
