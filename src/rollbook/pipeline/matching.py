"""Matching: which parts of the live LMS a run must read, and reading them (rules 10, 23, 24). Decides nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rollbook.connectors.base import Target
from rollbook.core.duck import Connection, texts
from rollbook.core.protocols import Progress
from rollbook.errors import BadResponse
from rollbook.pipeline.conflicts import decisions_open
from rollbook.pipeline.live import forget_live, read_live
from rollbook.pipeline.members import Members
from rollbook.pipeline.run_types import Request
from rollbook.roster.lms import plural
from rollbook.roster.reasons import because

_LARGE = ("user", "course", "section")
#: Of so few objects, most may well be gone.
_FEW = 10
#: An LMS that goes on showing few objects is believed after a while.
_BELIEVED_AFTER = timedelta(days=7)


class Matching:
    """`live` names the kinds that were read, `whole` those of them of which every object was read; `lessons` are facts
    to remember once the run is through; `doubts` says by kind why a read is not believed."""

    def __init__(
        self,
        db: Connection,
        target: Target,
        request: Request,
        folder: Path,
        progress: Progress,
        facts: Mapping[str, Any],
    ) -> None:
        self._db, self._target, self._request = db, target, request
        self._folder, self._progress, self._facts = folder, progress, facts
        self.roles: dict[str, bool] = {}
        self.live: frozenset[str] = frozenset()
        self.whole: frozenset[str] = frozenset()
        self.learned: dict[str, Any] = {}
        self.doubts: dict[str, str] = {}
        self._since: dict[str, str] = {}
        self._members = Members(db, target, request, facts)

    def read_small(self) -> None:
        """Roles, buildings and grading periods: a few calls, in every run."""
        self.roles = dict(self._target.roles())
        self.live = self.whole = frozenset({"building", "grading_period"}) & self._target.traits.kinds
        for kind in sorted(self.live):
            read_live(self._db, self._target, kind, self._folder, self._progress)

    def read_large(self) -> None:
        """Users, courses and sections when a school is matched for the first time or a comparison is due; users also as
        long as a conflict waits for Data Prep (rule 10)."""
        compare = self._due()
        matched = dict(self._facts.get("matched") or {})
        for kind in _LARGE:
            if kind not in self._request.kinds or kind not in self._target.traits.kinds:
                continue
            schools = set(texts(self._db, f"SELECT DISTINCT school FROM desired_{kind} WHERE school IS NOT NULL"))
            if self._request.schools:
                schools &= set(self._request.schools)
            fresh = schools - set(matched.get(kind) or ())
            if fresh or compare or (kind == "user" and self._undecided()):
                self._read(kind, compare=compare)
                if fresh and kind in self.doubts:
                    raise BadResponse(f"{self.doubts[kind]}; new schools cannot be matched with a part")
                matched[kind] = sorted(schools | set(matched.get(kind) or ()))
        self._read_members(compare=compare)
        if compare:
            self.learned["last_live"] = self._request.now.isoformat()
            self.learned["live_shrank"] = self._since or None
            if self.doubts:  # compared once more by the next run
                self.learned |= {"last_live": self._facts.get("last_live"), "compare_next": True}
        elif self.live & set(_LARGE) and "last_live" not in self._facts:
            self.learned["last_live"] = self._request.now.isoformat()
        if matched != (self._facts.get("matched") or {}):
            self.learned["matched"] = matched

    def lessons(self) -> dict[str, Any]:
        """All facts to remember once the run is through; needs the changes as the guard left them."""
        return self.learned | self._members.learned(believed="enrollment" not in self.doubts)

    def _undecided(self) -> bool:
        return bool(self._facts.get("conflicts")) or decisions_open(self._db)

    def _due(self) -> bool:
        """Weekly by default, every run, never; or asked for."""
        how = self._request.settings.live.compare
        if self._request.compare_live or how == "every" or self._facts.get("compare_next"):
            if self._facts.get("compare_next"):
                self.learned["compare_next"] = None
            return True
        last = self._facts.get("last_live")
        return (
            how == "weekly"
            and last is not None
            and self._request.now - datetime.fromisoformat(last) >= timedelta(days=7)
        )

    def _read(self, kind: str, *, compare: bool) -> None:
        within: list[str] = []
        if kind == "section":
            within = texts(self._db, "SELECT key FROM desired_section ORDER BY 1")
            if not compare:
                within = texts(
                    self._db, "SELECT key FROM desired_section ANTI JOIN ledger_section l USING (key) ORDER BY 1"
                )
            if not within:
                return
        number = read_live(self._db, self._target, kind, self._folder, self._progress, within=within)
        if self._shrank(kind, number, self._asked(kind, compare=compare)):
            return
        self.live |= {kind}
        if compare or kind != "section":
            self.whole |= {kind}

    def _read_members(self, *, compare: bool) -> None:
        """Some sections in every run, in turns (rule 24)."""
        if not self._members.due(compare=compare) or not self._members.read(self._folder, self._progress):
            return
        if not self._shrank("enrollment", self._members.number, "section IN (SELECT key FROM drift_section)"):
            self.live |= {"enrollment"}
        before = self._facts.get("live_shrank") or {}
        since = {kind: when for kind, when in before.items() if kind != "enrollment"}
        since |= {kind: when for kind, when in self._since.items() if kind == "enrollment"}
        if since != before:
            self.learned["live_shrank"] = since or None

    def _asked(self, kind: str, *, compare: bool) -> str:
        """Which of the ledger's objects were asked for: of sections only the wanted ones."""
        if kind != "section":
            return "true"
        return "key IN (SELECT key FROM desired_section)" if compare else "false"

    def _shrank(self, kind: str, number: int, asked: str) -> bool:
        """Does the LMS show less than half of what we know to be in it? Then the read is set aside: people who take
        objects away by hand take a few, a key that sees less loses most."""
        row = self._db.execute(f"SELECT count(*) FROM ledger_{kind} WHERE lms_id IS NOT NULL AND {asked}").fetchone()
        known = row[0] if row else 0
        if known < _FEW or number * 2 >= known:
            return False
        now = self._request.now
        self._since[kind] = (self._facts.get("live_shrank") or {}).get(kind) or now.isoformat()
        if now - datetime.fromisoformat(self._since[kind]) >= _BELIEVED_AFTER:
            return False
        forget_live(self._db, kind)
        title = self._target.traits.title
        self.doubts[kind] = because("lms_shrank", lms=title, number=number, list=plural(kind), before=known)
        return True
