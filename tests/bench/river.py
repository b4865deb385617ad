"""What the benches run the river with: settings, a world that outlives processes, an LMS that says yes at once."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from rollbook.connectors.base import Batch, Context, Report, Source, TargetTraits
from rollbook.connectors.kit import parse as parse_options
from rollbook.connectors.registry import connector
from rollbook.core.protocols import Attempt, LedgerVersion
from rollbook.pipeline.roster_run import Request
from rollbook.roster.changes import DONE, Change, LiveRecord, Outcome
from rollbook.roster.lms import CREATE, KINDS
from rollbook.roster.settings import Settings, parse
from rollbook.testing.world import FolderBlobs, MemoryWorld, NeverCancelled

#: A day of the generated district's school year.
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
_NO_LIMIT = {"percent": 100, "from": 1}


def settings(lms: str, **more: Any) -> Settings:
    """A district where everything is mapped; limits never hold anything back."""
    return parse(
        {
            "organization": {"slug": "bench", "name": "Bench"},
            "sis": {"connector": "oneroster_csv"},
            "lms": {"connector": lms},
            "active_year": "2027",
            "schools": {"*": "create"},
            "terms": {"*": {"*": "create"}},
            "roles": {
                "*": {"student": "Student", "teacher": "Teacher", "guardian": "Parent", "parent": "Parent", "*": "skip"}
            },
            "limits": {"remove": _NO_LIMIT, "update": _NO_LIMIT, "create": _NO_LIMIT},
            **more,
        }
    )


def request(chosen: Settings, *, dry_run: bool) -> Request:
    """A run of all kinds."""
    return Request(
        run_id="bench",
        settings=chosen,
        settings_digest="bench",
        kinds=tuple(KINDS),
        now=NOW,
        dry_run=dry_run,
    )


def context(work: Path) -> Context:
    """For connectors that may call this machine."""
    work.mkdir(parents=True, exist_ok=True)
    return Context(work=work, cancel=NeverCancelled(), count=lambda attempts=1, /: None, allow_private_hosts=True)


def csv_source(day: Path, work: Path) -> Source:
    """The CSV connector on one day's folder."""
    found = connector("oneroster_csv")
    assert found.source is not None
    return found.source(parse_options(found.options, {"path": str(day)}), context(work))


# --- a world that outlives processes ----------------------------------------------------------------------------------


class KeptBlobs(FolderBlobs):
    """Files of one folder for many processes; what the ledger does not point to goes when a run is over."""

    def put(self, path: Path) -> str:
        key = f"{uuid.uuid4().hex}{path.suffix}"
        shutil.move(path, self._folder / key)
        return key

    def keep_only(self, keys: set[str]) -> None:
        for path in self._folder.iterdir():
            if path.name not in keys:
                path.unlink()


class SmallJournal:
    """A journal of changes that were all done: it keeps their LMS ids, a line each, so that millions of outcomes cost
    this process next to nothing."""

    def __init__(self) -> None:
        self._intents: dict[int, tuple[int, int]] = {}
        self._ids: dict[int, bytes] = {}

    def intend(self, number: int, first_seq: int, last_seq: int) -> None:
        self._intents.setdefault(number, (first_seq, last_seq))

    def record(self, number: int, outcomes: Sequence[Outcome]) -> None:
        assert all(outcome.status == DONE for outcome in outcomes)
        self._ids.setdefault(number, "\n".join(outcome.lms_id or "" for outcome in outcomes).encode())

    def done(self) -> frozenset[int]:
        return frozenset(self._ids)

    def attempts(self) -> Iterator[Attempt]:
        for number, (first, last) in sorted(self._intents.items()):
            ids = self._ids.get(number)
            names = [] if ids is None else ids.decode().split("\n")
            outcomes = None if ids is None else [Outcome(status=DONE, lms_id=name or None) for name in names]
            yield Attempt(number, first, last, outcomes)


class YesTarget:
    """An LMS in this process that has done everything before it is asked; shows its buildings and periods."""

    traits = TargetTraits(
        kinds=frozenset(KINDS),
        bulk=dict.fromkeys(KINDS, 50),
        replay_safe=frozenset(KINDS),
        removable=frozenset({"enrollment", "guardian_link"}),
        parallel=1,
        slice_size=100_000,
    )

    def __init__(self, live: Sequence[LiveRecord] = (), last: int = 0) -> None:
        self.live, self.last = list(live), last

    def test(self) -> Report:
        return Report(ok=True, summary="Yes.")

    def roles(self) -> Mapping[str, bool]:
        return {"Student": False, "Teacher": True, "Parent": False}

    def read(self, kind: str, *, within: Sequence[str] = ()) -> Iterator[LiveRecord]:
        return (record for record in self.live if record.kind == kind)

    def look_up(self, changes: Sequence[Change]) -> Sequence[LiveRecord | None]:
        return [None] * len(changes)

    def apply(self, batch: Batch) -> Sequence[Outcome]:
        return [self._apply(change) for change in batch.changes]

    def _apply(self, change: Change) -> Outcome:
        if change.action != CREATE:
            return Outcome(status=DONE, lms_id=change.lms_id)
        self.last += 1
        if change.kind in ("building", "grading_period"):
            code = change.after.get("code") or change.after["title"]
            self.live.append(LiveRecord(kind=change.kind, lms_id=str(self.last), code=code, fields=change.after))
        return Outcome(status=DONE, lms_id=str(self.last))

    def close(self) -> None: ...


class KeptWorld:
    """Ledger, facts and LMS of earlier processes, from a folder."""

    def __init__(self, folder: Path) -> None:
        self._state = folder / "state.json"
        known = json.loads(self._state.read_text(encoding="utf-8")) if self._state.exists() else {}
        self.blobs = KeptBlobs(folder / "blobs")
        self.memory = MemoryWorld(folder)
        self.memory.blobs = self.blobs
        self.memory.ledger.version = LedgerVersion(known.get("number", 0), known.get("files", {}))
        self.memory.memory.stored = known.get("facts", {})
        self.target = YesTarget(msgspec.convert(known.get("live", []), list[LiveRecord]), known.get("last", 0))
        journal = SmallJournal()
        self.memory.wrap = lambda _: journal

    def keep(self) -> None:
        """For the next process."""
        version = self.memory.ledger.version
        known = {
            "number": version.number,
            "files": dict(version.files),
            "facts": self.memory.memory.stored,
            "live": self.target.live,
            "last": self.target.last,
        }
        self._state.write_bytes(msgspec.json.encode(known))

    def tidy(self) -> None:
        self.blobs.keep_only(set(self.memory.ledger.version.files.values()))
