"""What the law needs remembered: blobs, journal, ledger, passwords, permits, refusals. `store` implements these."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from rollbook.roster.changes import Outcome


class Blobs(Protocol):
    """Immutable files. A blob is visible only whole: written, synced, renamed, and only then pointed to."""

    def put(self, path: Path) -> str:
        """Take over a finished file (it may be moved) and return its key, at most 80 letters."""

    def get(self, key: str, what: str = "a stored file", /) -> Path:
        """A readable local file with the blob's content; it stays readable while the run works that asked for it.
        Raises BlobLost, which calls the blob `what`, when it is missing or its checksum does not match."""


@dataclass(frozen=True)
class LedgerVersion:
    """`number` 0 is the empty ledger; `files` maps kind to blob key; kinds without entries are absent."""

    number: int
    files: Mapping[str, str]


class Ledger(Protocol):
    """Which ledger version of this organization is current."""

    def current(self) -> LedgerVersion: ...

    def advance(self, base: int, files: Mapping[str, str]) -> LedgerVersion:
        """Point to a new version made from version `base`; `files` are only the kinds that changed. Raises StalePlan
        when `base` is not current any more and LeaseLost when this worker may not write."""

    def advanced(self) -> bool:
        """Was the current version made by this very run, in an attempt that died before the run's end?"""


@dataclass(frozen=True)
class Attempt:
    """A slice as the journal knows it: intent committed, outcomes None until they are."""

    number: int
    first_seq: int
    last_seq: int
    outcomes: Sequence[Outcome] | None


class Journal(Protocol):
    """Intent before, outcome after, per (run, plan digest, slice number)."""

    def intend(self, number: int, first_seq: int, last_seq: int) -> None:
        """Commit that this slice is about to be sent. Idempotent. Raises LeaseLost."""

    def record(self, number: int, outcomes: Sequence[Outcome]) -> None:
        """Commit the slice's outcomes, once: a second call for the same slice changes nothing. Raises LeaseLost."""

    def done(self) -> frozenset[int]:
        """Numbers of the slices that have outcomes."""

    def attempts(self) -> Iterator[Attempt]:
        """All slices with an intent, in order, checksums verified (Bug when one does not match)."""


class Passwords(Protocol):
    """Initial passwords (rule 14): generated and stored encrypted before the create is sent."""

    def for_users(self, keys: Sequence[str]) -> Mapping[str, str]:
        """One password per key; the same again for a replay."""


@dataclass(frozen=True)
class Hold:
    """Changes that wait for a person: `reason` is one of `roster.holds.HOLDS`. `digest` is that of the held changes,
    whatever their order."""

    id: str
    reason: str
    kind: str
    action: str
    school: str | None
    count: int
    of: int
    school_name: str = ""
    digest: str = ""


@dataclass(frozen=True)
class Permit:
    """A person's approval of exactly these changes: `digests` blob is Parquet (kind, key, action, digest)."""

    hold: str
    blob: str
    until: datetime | None


class Permits(Protocol):
    def valid(self) -> Sequence[Permit]:
        """Permits that have not expired or been used up."""


@dataclass(frozen=True)
class Refusal:
    """A record the LMS refused (rule 27). `digest` is that of the wanted fields; `retry_from` None: next run; `section`
    is that of a refused grade."""

    kind: str
    key: str
    digest: str
    message: str
    runs: int
    first: datetime
    retry_from: datetime | None
    section: str | None = None


@dataclass(frozen=True)
class Pin:
    """What an undo put back and keeps so (rule 28). `field` empty: the whole link. `value` is what the LMS keeps, `sis`
    what the SIS said then, as JSON texts; `null` is "not there"."""

    kind: str
    key: str
    field: str
    value: str
    sis: str
    school: str | None = None

    @property
    def place(self) -> PinPlace:
        return self.kind, self.key, self.field


#: What people decide in Data Prep about somebody of whom the LMS may have an account already: it is theirs, it is
#: somebody else's, or what was decided is to be asked anew.
LINK, LEAVE, ASK = "link", "leave", "ask"


@dataclass(frozen=True)
class Decision:
    """What a person decided about the account of somebody with the unique id `key` (rule 10): LINK the one account of
    `lms_ids` to them, LEAVE all of these alone, or ASK again."""

    key: str
    choice: str
    lms_ids: tuple[str, ...] = ()


#: Kind, key and field of a pin; an organization has one a place.
PinPlace = tuple[str, str, str]


class Pins(Protocol):
    """The pins of an organization."""

    def active(self, now: datetime) -> Sequence[Pin]:
        """Pins that have not ended, expired or been lifted."""

    def keep(self, pins: Iterable[Pin], until: datetime) -> None:
        """Take in what an undo put back (see `core.pins.merged`). Safe to repeat for one run. Raises LeaseLost."""

    def end(self, places: Iterable[PinPlace]) -> None:
        """These end, because the SIS (of grades: the LMS) says something else by now. Raises LeaseLost."""


class Memory(Protocol):
    """Small facts that outlive a run, per organization."""

    def refusals(self) -> Iterable[Refusal]: ...

    def replace_refusals(self, kinds: Sequence[str], refusals: Iterable[Refusal], *, run: str = "") -> None:
        """Replace the refusals of these kinds in one transaction. With `run`, once for it: a second call changes
        nothing, so that no refusal is counted twice when a process dies while it settles."""

    def facts(self) -> Mapping[str, Any]:
        """JSON values by name: read counts per school, kind and year; first full sync done; last live comparison …"""

    def remember(self, facts: Mapping[str, object]) -> None:
        """Merge into the facts; a None value forgets."""


@dataclass
class Progress:
    """Where a run is, for bars and pages. Plain counters, written by one thread."""

    stage: str = ""
    done: int = 0
    total: int | None = None
    note: str = ""
    listeners: list[ProgressListener] = field(default_factory=list)

    def update(self, stage: str, done: int = 0, total: int | None = None, note: str = "") -> None:
        self.stage, self.done, self.total, self.note = stage, done, total, note
        for listener in self.listeners:
            listener(self)


class ProgressListener(Protocol):
    def __call__(self, progress: Progress, /) -> None: ...
