"""Tries a connection as a run would open it, within a time, with settings that need not be saved. Writes nothing."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from rollbook.connectors.base import Report
from rollbook.engine.directory import DEADLINE_S, Deadline, impatient
from rollbook.engine.permissions import asks_teachers
from rollbook.engine.world import Doors
from rollbook.errors import Bug, RollbookError, Unavailable
from rollbook.roster.settings import Settings
from rollbook.store.folder import DataFolder
from rollbook.store.scratch import looking_scratch

#: Seconds until a test is left behind whose other side answers drop by drop.
_LEFT: Final = DEADLINE_S + 15
_NOWHERE: Final = "https://rollbook.invalid/"
#: Shorter texts are no secrets worth hiding, and hiding them would make words unreadable.
_SHORTEST: Final = 4


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What came of it: a report, or the error that says who must act."""

    report: Report | None = None
    error: RollbookError | None = None


def try_connection(folder: DataFolder, settings: Settings, secrets: Mapping[str, str], side: str) -> Tried:
    """Open the connection of `side` (sis or lms) and call its test. Takes at most forty seconds; raises nothing that a
    setting or the other side can cause. `secrets` maps places (`sis.secret`) to texts."""
    found: list[Tried] = []
    thread = threading.Thread(
        target=lambda: found.append(_try(folder, settings, secrets, side)), name="connection test", daemon=True
    )
    thread.start()
    thread.join(_LEFT)
    return found[0] if found else Tried(error=Unavailable("the other side takes too long to answer"))


def check_connection(folder: DataFolder, settings: Settings, secrets: Mapping[str, str], side: str) -> None:
    """Open and close the connection of `side`, calling nobody: do its options fit together? Raises ConfigError."""
    with looking_scratch(folder) as work:
        doors = Doors(settings, secrets, work, Deadline(DEADLINE_S))
        (doors.source() if side == "sis" else doors.target()).close()
        if side == "lms" and asks_teachers(settings):
            doors.grade_consent().close()


def scrubbed(text: str, secrets: Mapping[str, str]) -> str:
    """Without any secret, even where the other side repeats one."""
    for secret in sorted(secrets.values(), key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, "********")
    return text


def _try(folder: DataFolder, settings: Settings, secrets: Mapping[str, str], side: str) -> Tried:
    try:
        with looking_scratch(folder) as work:
            doors = Doors(impatient(settings, side), secrets, work, Deadline(DEADLINE_S))
            opened = doors.source() if side == "sis" else doors.target()
            try:
                report = opened.test()
            finally:
                opened.close()
            if side == "lms" and asks_teachers(settings):
                with closing(doors.grade_consent()) as consent:
                    consent.begin(_NOWHERE)  # nobody will be sent there; a key that may not ask is refused now
            return Tried(report=report)
    except RollbookError as error:
        return Tried(error=error)
    except Exception as error:  # whatever a connector does must not end the thread without a word
        return Tried(error=Bug(f"the test of the connection broke: {type(error).__name__}"))
