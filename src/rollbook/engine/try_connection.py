"""Tries a connection as a run would open it, within a time, with settings that need not be saved. Writes nothing."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from rollbook.connectors.base import Report
from rollbook.connectors.kit.options import describe
from rollbook.connectors.registry import connector
from rollbook.engine.world import Doors
from rollbook.errors import Bug, RollbookError, Unavailable
from rollbook.roster.settings import Connection, Settings

#: Seconds: of one silence of the other side, of the whole test, and until a test that hangs is left behind.
_SILENCE: Final = 10.0
_WHOLE: Final = 25.0
_LEFT: Final = 40.0


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What came of it: a report, or the error that says who must act."""

    report: Report | None = None
    error: RollbookError | None = None


def try_connection(settings: Settings, secrets: Mapping[str, str], side: str) -> Tried:
    """Open the connection of `side` (sis or lms) and call its test. Takes at most forty seconds; raises nothing that a
    setting or the other side can cause. `secrets` maps places (`sis.secret`) to texts."""
    found: list[Tried] = []
    quick = msgspec.structs.replace(settings, **{side: _impatient(getattr(settings, side))})
    thread = threading.Thread(
        target=lambda: found.append(_try(quick, secrets, side)), name="connection test", daemon=True
    )
    thread.start()
    thread.join(_LEFT)
    return found[0] if found else Tried(error=_late())


def check_connection(settings: Settings, secrets: Mapping[str, str], side: str) -> None:
    """Open and close the connection of `side`, calling nobody: do its options fit together? Raises ConfigError."""
    with tempfile.TemporaryDirectory(prefix="rollbook-test-") as scratch:
        doors = Doors(settings, secrets, Path(scratch), Deadline(_WHOLE))
        (doors.source() if side == "sis" else doors.target()).close()


def _try(settings: Settings, secrets: Mapping[str, str], side: str) -> Tried:
    try:
        with tempfile.TemporaryDirectory(prefix="rollbook-test-") as scratch:
            doors = Doors(settings, secrets, Path(scratch), Deadline(_WHOLE))
            opened = doors.source() if side == "sis" else doors.target()
            try:
                return Tried(report=opened.test())
            finally:
                opened.close()
    except RollbookError as error:
        return Tried(error=error)
    except Exception as error:  # whatever a connector does must not end the thread without a word
        return Tried(error=Bug(f"the test of the connection broke: {type(error).__name__}"))


def _impatient(connection: Connection) -> Connection:
    """The same, with a time-out that a person waits for."""
    known = {one.name: one.default for one in describe(connector(connection.connector).options)}
    if "timeout" not in known:
        return connection
    given: Any = connection.options.get("timeout", known["timeout"])
    if not isinstance(given, int | float) or given <= _SILENCE:
        return connection
    return msgspec.structs.replace(connection, options={**connection.options, "timeout": _SILENCE})


class Deadline:
    """Implements `connectors.base.Cancel`: work that takes longer than so many seconds ends as Unavailable."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def check(self) -> None:
        """Raises Unavailable when the time is over."""
        if time.monotonic() > self._until:
            raise _late()

    def wait(self, seconds: float) -> None:
        """Sleep. Raises Unavailable at once when there is not so much time left."""
        if time.monotonic() + seconds > self._until:
            raise _late()
        time.sleep(seconds)


def _late() -> Unavailable:
    return Unavailable("the other side took too long to answer")
