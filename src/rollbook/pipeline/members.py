"""Members: reads some sections' enrollments in each run, in turns (rule 24). Decides nothing, and concludes nothing
of a section that could not be read.

Sections come up in the order of a digest of their keys: each turn has some of every school, and new sections do not
move the others. What is remembered is how far the turns came, and the sections whose changes wait for a person: an
approval sends only what a new plan finds again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rollbook.connectors.base import Target
from rollbook.connectors.kit import ServerError
from rollbook.core.changes_table import HELD
from rollbook.core.duck import Connection, count, fill, texts
from rollbook.core.protocols import Progress
from rollbook.errors import AuthFailed, BadResponse, RollbookError, Unavailable
from rollbook.pipeline.live import read_live
from rollbook.pipeline.run_types import Request

#: Under this name it is remembered: {"places": {schools: how far}, "again": [section keys]}.
FACT: Final = "enrollment_turns"
#: A section with more members than this counts as several: LMSs read a page of members at a time, or look at each.
_MEMBERS: Final = 40
#: So many reads may fail in a run: enough to find one bad section among fifty by halves.
_MOST_TROUBLES = 8

Part = Sequence[tuple[str, str]]


class Members:
    """The turn of one run. After `read`, `drift_section` holds the sections that were read and no others; `number` is
    how many enrollments they have."""

    def __init__(self, db: Connection, target: Target, request: Request, facts: Mapping[str, Any]) -> None:
        self._db, self._target, self._request = db, target, request
        known = facts.get(FACT) or {}
        self._places: dict[str, str] = dict(known.get("places") or {})
        self._again: list[str] = list(known.get("again") or ())
        self._scope = ",".join(sorted(request.schools))
        self._reached = self._places.get(self._scope, "")
        self._chosen: dict[str, str] = {}
        self._read: dict[str, None] = {}
        self.number = 0

    def due(self, *, compare: bool) -> bool:
        """Has this run a turn? `compare`: it compares with the live LMS anyway."""
        live = self._request.settings.live
        covered = bool(live.sections_per_run) and "enrollment" in self._request.kinds
        return covered and (compare or live.compare != "never")

    def read(self, folder: Path, progress: Progress) -> bool:
        """Read the sections whose turn it is into `live_enrollment`; False when none could be. Those that could not are
        findings, and no reason to fail: their turn comes again. Raises what stops a run."""
        self._choose()
        waiting: list[Part] = [list(self._chosen.items())] if self._chosen else []
        unread = dict(self._chosen)
        troubles: list[RollbookError] = []
        while waiting and _goes_on(troubles):
            part = waiting.pop()
            try:
                self._read_part(part, folder, progress)
            except (AuthFailed, BadResponse, Unavailable) as error:
                troubles.append(error)
                middle = len(part) // 2
                waiting += [part[middle:], part[:middle]] if middle else []
            else:
                for key, _ in part:
                    del unread[key]
        self._tell(unread)
        fill(self._db, "drift_section", {"key": "VARCHAR"}, [(key,) for key in self._read])
        return bool(self._read)

    def learned(self, *, believed: bool) -> dict[str, Any]:
        """What to remember once the run is through; needs the changes as the guard left them. What is not believed is
        read once more."""
        if not self._chosen or not believed:
            return {}
        places = {"": self._places.get("", ""), self._scope: self._reached}
        found = {"places": {scope: place for scope, place in places.items() if place}, "again": self._undecided()}
        return {FACT: found}

    def _choose(self) -> None:
        """Sections that wait for a person, and then the next ones behind the place that was reached, at least one and
        as many as the turn has room for."""
        if not count(self._db, "ledger_section"):
            return
        rows = self._db.execute(
            """
            WITH mine AS (
                SELECT l.key, l.lms_id, md5(l.key) AS place, list_contains($again::VARCHAR[], l.key) AS again
                FROM ledger_section l SEMI JOIN desired_section d
                  ON d.key = l.key AND (len($schools::VARCHAR[]) = 0 OR list_contains($schools::VARCHAR[], d.school))
                WHERE l.lms_id IS NOT NULL
            ), near AS (
                FROM mine WHERE NOT again ORDER BY place <= $place, place LIMIT $number
            ), sized AS (
                SELECT e.section AS key, ceil(count(*) / $members) AS reads
                FROM ledger_enrollment e SEMI JOIN near ON near.key = e.section GROUP BY ALL
            ), turn AS (
                SELECT near.* FROM near LEFT JOIN sized USING (key)
                QUALIFY coalesce(sum(greatest(1, coalesce(reads, 1))) OVER (
                    ORDER BY place <= $place, place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) < $number
            )
            FROM (FROM mine WHERE again UNION ALL FROM turn) ORDER BY NOT again, place <= $place, place""",
            {
                "again": self._again,
                "schools": list(self._request.schools),
                "place": self._reached,
                "number": self._request.settings.live.sections_per_run,
                "members": _MEMBERS,
            },
        ).fetchall()
        self._chosen = {key: lms_id for key, lms_id, _, _ in rows}
        self._reached = next((place for _, _, place, again in reversed(rows) if not again), self._reached)

    def _read_part(self, part: Part, folder: Path, progress: Progress) -> None:
        """A section that is not in the LMS any more has no members either: nothing is concluded from that."""
        there = {section.lms_id for section in self._target.read("section", within=[key for key, _ in part])}
        shown = {key: lms_id for key, lms_id in part if lms_id in there}
        if shown:
            within = list(shown.values())
            self.number += read_live(self._db, self._target, "enrollment", folder, progress, within=within)
            self._read |= dict.fromkeys(shown)

    def _tell(self, unread: Mapping[str, str]) -> None:
        for key in unread:
            self._db.execute(
                """
                INSERT INTO found BY NAME
                SELECT 'MEMBERS_UNREAD' AS code, 'section' AS collection, key AS id, school FROM ledger_section
                WHERE key = ?""",
                [key],
            )

    def _undecided(self) -> list[str]:
        held = texts(
            self._db,
            f"""
            SELECT DISTINCT p_section FROM changes_enrollment SEMI JOIN drift_section d ON d.key = p_section
            WHERE state = '{HELD}' ORDER BY 1""",
        )
        kept = [
            key
            for key in self._again
            if key in held or (key not in self._read and (self._scope or key in self._chosen))
        ]
        return [*kept, *(key for key in held if key not in kept)][: self._request.settings.live.sections_per_run]


def _goes_on(troubles: Sequence[RollbookError]) -> bool:
    """An LMS that answers may have trouble with one section only; from one that does not, nothing more is wanted."""
    silent = any(isinstance(error, Unavailable) and not isinstance(error, ServerError) for error in troubles)
    return not silent and len(troubles) < _MOST_TROUBLES
