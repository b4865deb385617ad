"""Builds what a run works with: connectors, blobs, ledger, journal, scratch folder. Runs nothing."""

from __future__ import annotations

import os
import shutil
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from rollbook.actions.settings_text import connector_of, typed_options
from rollbook.connectors.base import Cancel, Context, CountRequest, Source, Target
from rollbook.connectors.gradebook import GradeConsent, GradeSink, GradeSource, UserTokens
from rollbook.core.protocols import Progress
from rollbook.errors import BadResponse, Bug, ConfigError
from rollbook.roster.settings import Connection, Settings
from rollbook.store.blobs import open_blobs
from rollbook.store.decisions import decisions_of
from rollbook.store.folder import DataFolder
from rollbook.store.journal import StoredJournal
from rollbook.store.lease import Lease
from rollbook.store.ledger import StoredLedger
from rollbook.store.memory import StoredMemory
from rollbook.store.passwords import StoredPasswords
from rollbook.store.permits import StoredPermits
from rollbook.store.pins import StoredPins
from rollbook.store.scratch import scratch_of
from rollbook.store.secrets import KeyRing, secrets_of
from rollbook.store.uploads import UPLOAD, upload_file

if TYPE_CHECKING:
    from rollbook.pipeline.roster_run import World

#: A run needs room for its pages, its scratch database and its files.
ROOM_PER_INPUT = 3
_LEAST_ROOM = 64 * 1024 * 1024


class Requests:
    """Counts attempts of each side; several threads count at once."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter(sis=0, lms=0)
        self._lock = threading.Lock()

    def counter(self, side: str) -> CountRequest:
        def count(attempts: int = 1, /) -> None:
            with self._lock:
                self._counts[side] += attempts

        return count

    def counts(self) -> dict[str, int]:
        return dict(self._counts)


class Doors:
    """Opens the connections of an organization. `secrets` maps places to secrets; `tokens` are the permissions with
    which gradebooks are read, None where they are read without."""

    def __init__(
        self,
        settings: Settings,
        secrets: Mapping[str, str],
        work: Path,
        cancel: Cancel,
        *,
        tokens: UserTokens | None = None,
    ) -> None:
        self.settings, self.work, self.cancel = settings, work, cancel
        self._tokens = tokens
        self.requests = Requests()
        self._secrets = dict(secrets)

    def source_options(self) -> msgspec.Struct:
        options = typed_options(self.settings.sis, self._secrets, "sis")
        if getattr(options, "path", None) == UPLOAD:
            return msgspec.structs.replace(options, path=str(upload_file(self.settings.organization.slug, self.work)))
        return options

    def source(self) -> Source:
        make = connector_of(self.settings.sis, "sis").source
        if make is None:
            raise Bug("the connector of the SIS reads no SIS")
        return make(self.source_options(), self._context("sis"))

    def target(self) -> Target:
        make = connector_of(self.settings.lms, "lms").target
        if make is None:
            raise Bug("the connector of the LMS writes no LMS")
        return make(typed_options(self.settings.lms, self._secrets, "lms"), self._context("lms"))

    def grade_source(self) -> GradeSource:
        """Raises ConfigError where the LMS's gradebooks cannot be read."""
        make = connector_of(self.settings.lms, "lms").grade_source
        if make is None:
            raise ConfigError(f"lms: the connector {self.settings.lms.connector} cannot read gradebooks")
        return make(typed_options(self.settings.lms, self._secrets, "lms"), self._context("lms"))

    def grade_consent(self) -> GradeConsent:
        """Raises ConfigError where the LMS lets nobody allow anything."""
        make = connector_of(self.settings.lms, "lms").grade_consent
        if make is None:
            raise ConfigError(f"lms: the connector {self.settings.lms.connector} asks no teachers")
        return make(typed_options(self.settings.lms, self._secrets, "lms"), self._context("lms"))

    def grade_sink(self) -> GradeSink:
        """Raises ConfigError where the SIS takes no grades."""
        make = connector_of(self.settings.sis, "sis").grade_sink
        if make is None:
            raise ConfigError(f"sis: the connector {self.settings.sis.connector} cannot send grades to a SIS")
        return make(self.source_options(), self._context("sis"))

    def _context(self, side: str) -> Context:
        folder = self.work / side
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Context(
            work=folder,
            cancel=self.cancel,
            count=self.requests.counter(side),
            allow_private_hosts=private_hosts_allowed(),
            tokens=self._tokens if side == "lms" else None,
        )


def longest_call(settings: Settings, side: Literal["sis", "lms"] = "lms") -> float:
    """How long, in seconds, a write to this side may be under way after its sender was last seen to live. Writes end
    when their connector's time-out is over, whatever the other side does; reads may take longer and do no harm."""
    connection: Connection = getattr(settings, side)
    options = connector_of(connection, side).options
    default = next((one.default for one in msgspec.structs.fields(options) if one.name == "timeout"), 0.0)
    return float(connection.options.get("timeout", default))


def private_hosts_allowed() -> bool:
    return os.environ.get("ROLLBOOK_ALLOW_PRIVATE_HOSTS", "") == "1"


@contextmanager
def open_world(
    folder: DataFolder,
    lease: Lease,
    settings: Settings,
    cancel: Cancel,
    *,
    progress: Progress,
    with_source: bool,
    run: str | None = None,
) -> Iterator[World]:
    """A world for the lease's run, or for settling the earlier `run` under it; closes its connections."""
    from rollbook.pipeline.roster_run import World  # runs of grades do without all that it brings

    ring = KeyRing(folder.keys)
    work = scratch_of(folder, lease, run or lease.run)
    doors = Doors(settings, secrets_of(lease.organization, ring), work, cancel)
    if with_source:
        check_room(work, input_bytes(doors.source_options()))
    with ExitStack() as open_doors:
        target = open_doors.enter_context(closing(doors.target()))
        source = open_doors.enter_context(closing(doors.source())) if with_source else None
        yield World(
            source=source,
            target=target,
            blobs=open_blobs(folder, work),
            ledger=StoredLedger(lease, run),
            journal=lambda digest: StoredJournal(lease, digest, run),
            passwords=StoredPasswords(lease, ring),
            permits=StoredPermits(lease),
            memory=StoredMemory(lease),
            pins=StoredPins(lease, run),
            cancel=cancel,
            progress=progress,
            work=work,
            requests=doors.requests.counts,
            decisions=lambda: decisions_of(lease.organization),
        )


def input_bytes(options: msgspec.Struct) -> int:
    """The unpacked size of a source that reads files; 0 where it cannot be known beforehand."""
    place = getattr(options, "path", None)
    if getattr(options, "host", None):
        return 0  # it lies on another host
    if not isinstance(place, str | Path) or not Path(place).exists():
        return 0
    path = Path(place)
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    from rollbook.connectors.oneroster_csv.package import zip_entries

    try:
        return sum(member.file_size for member in zip_entries(path))
    except (zipfile.BadZipFile, OSError, BadResponse):
        return path.stat().st_size


def check_room(work: Path, needed: int) -> None:
    """Raises ConfigError when the disk has less than three times the input free."""
    free = shutil.disk_usage(work).free
    wanted = max(_LEAST_ROOM, ROOM_PER_INPUT * needed)
    if free < wanted:
        raise ConfigError(f"the disk of the data folder has {free >> 20} MiB free; the run needs {wanted >> 20} MiB")
