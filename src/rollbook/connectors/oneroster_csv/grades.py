"""A SIS that takes files as a sink of grades: line items and results as delta files of OneRoster CSV.

Nobody answers here: what is done is written, and what became of it shows in the SIS alone.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Final
from urllib.parse import quote

from rollbook.connectors.base import Batch, Context, Report, TargetTraits
from rollbook.connectors.oneroster_csv.grades_package import GradesPackage
from rollbook.connectors.oneroster_csv.grades_roster import RosterFiles
from rollbook.connectors.oneroster_csv.grades_rows import RowStore
from rollbook.connectors.oneroster_csv.grades_tables import FILES, Cells, fields_of, lacking, row
from rollbook.connectors.oneroster_csv.options import OneRosterCsvOptions
from rollbook.connectors.oneroster_csv.source import OneRosterCsvSource
from rollbook.errors import Bug, ConfigError, RollbookError
from rollbook.roster.changes import DONE, REFUSED, Change, LiveRecord, Outcome
from rollbook.roster.grades import ClassFacts, SinkLimits, SisCategory
from rollbook.roster.lms import CREATE, REMOVE, UPDATE
from rollbook.roster.wall_clock import time_zone

#: A batch is one writing of a file.
_BULK: Final = 10_000
_CLASS: Final = "{class}"
#: CSV binding 1.2, GUID.
_SOURCED_ID: Final = re.compile(r"[0-9A-Za-z.\-_/@]{1,255}")


class OneRosterCsvGrades:
    """One package of grades, or one for each class. Several threads may call it; they write one after the other."""

    def __init__(self, options: OneRosterCsvOptions, context: Context) -> None:
        """Opens nothing yet. Raises ConfigError for options that cannot be meant."""
        self._options, self._context = options, context
        self._zone = time_zone(options.time_zone)
        self._source = OneRosterCsvSource(options, context)
        self._roster = RosterFiles(self._source)
        self._lock = threading.Lock()
        self._touched: set[Path] = set()
        self._rows: tuple[object, RowStore] | None = None  # of the one package, and as what state it was read

    def __repr__(self) -> str:
        return "OneRosterCsvGrades()"

    @property
    def traits(self) -> TargetTraits:
        """Categories belong to no class, so they have no place where each class has a package of its own."""
        kinds = frozenset(FILES) - (frozenset() if self._makes_categories else {"category"})
        return TargetTraits(
            title="the files for the SIS",
            kinds=kinds,
            bulk=dict.fromkeys(kinds, _BULK),
            replay_safe=kinds,
            removable=kinds,
            parallel=1,
            slice_size=_BULK,
        )

    @property
    def limits(self) -> SinkLimits:
        """Text scores and flags are columns of 1.2."""
        newer = self._version == "1.2"
        return SinkLimits(letters=newer, flags=newer, makes_categories=self._makes_categories)

    def close(self) -> None:
        """Nothing stays open between calls. What still waits for a file and cannot be written now waits for the next
        run."""
        with self._lock, suppress(RollbookError):
            for place in sorted(self._touched):
                self._of(place).flush()
        if self._rows is not None:
            self._rows[1].close()
            self._rows = None
        self._source.close()

    def test(self) -> Report:
        """Looks at the place for grades, and at the categories of the export."""
        place = self._place("some-class")
        self._of(place).check()
        count = len(self._roster.categories())
        facts = {"version": self._version, "categories": str(count)}
        return Report(ok=True, summary=f"Grades are written as OneRoster CSV {self._version}.", facts=facts)

    def categories(self, class_id: str) -> Sequence[SisCategory]:
        """Those of the export, and those that were sent."""
        found = {each.id: each for each in self._roster.categories()}
        if self._makes_categories:
            with self._lock:
                package = self._package(class_id)
                package.flush()
                rows = list(package.rows("category"))
            for cells in rows:
                found.pop(cells["sourcedId"], None)
                if cells["status"] == "active":
                    found[cells["sourcedId"]] = SisCategory(id=cells["sourcedId"], title=cells["title"])
        return list(found.values())

    def class_facts(self, class_id: str) -> ClassFacts:
        with self._lock:
            return self._roster.class_facts(class_id)

    def read(self, kind: str, class_id: str) -> Iterator[LiveRecord]:
        """What was written: the SIS itself cannot be asked. Dates of line items, descriptions and comments may have
        lost something on their way into a file, and are left out."""
        with self._lock:
            rows = self._stored(class_id)
            active = [cells for cells in rows.of_class(kind, class_id) if cells["status"] == "active"]
        yield from (_record(kind, cells) for cells in active)

    def _stored(self, class_id: str) -> RowStore:
        """The rows of a package as its files have them now: they are read again only where these are others."""
        package = self._package(class_id)
        package.flush()
        state = (self._place(class_id), package.state())
        if self._rows is None or self._rows[0] != state:
            if self._rows is not None:
                self._rows[1].close()
            store = RowStore(self._context.work / "grades-rows.sqlite3")
            self._rows = (None, store)
            for kind in FILES:
                store.put(kind, package.rows(kind))
            self._rows = (state, store)
        return self._rows[1]

    def look_up(self, changes: Sequence[Change]) -> Sequence[LiveRecord | None]:
        """Nothing has to be looked up here, as everything is safe to write again."""
        found: list[LiveRecord | None] = []
        for change in changes:
            package = self._package(str(change.after.get("class") or ""))
            package.flush()
            rows = package.rows(change.kind)
            same = (one for one in rows if one["sourcedId"] == _own(change) and one["status"] == "active")
            cells = next(same, None)
            found.append(None if cells is None else _record(change.kind, cells))
        return found

    def apply(self, batch: Batch) -> Sequence[Outcome]:
        """The files hold all of a batch or nothing of it."""
        if batch.kind not in self.traits.kinds or batch.action not in (CREATE, UPDATE, REMOVE):
            raise Bug(f"the OneRoster CSV connector does not {batch.action} objects of kind {batch.kind!r}")
        if len(batch.changes) > _BULK:
            raise Bug(f"a batch of {len(batch.changes)} changes, where at most {_BULK} are written at once")
        packages: dict[Path, dict[str, Cells]] = {}
        outcomes = [self._sort(change, batch.action, packages) for change in batch.changes]
        with self._lock:
            for place, rows in packages.items():
                self._context.cancel.check()
                self._context.count()
                self._touched.add(place)
                self._of(place).merge(batch.kind, rows)
        return outcomes

    def _sort(self, change: Change, action: str, packages: dict[Path, dict[str, Cells]]) -> Outcome:
        """The change as a row of the package it belongs to, or why it cannot be one."""
        own, fields = _own(change), change.after
        if change.refs.get("line_item"):
            fields = {**fields, "line_item": change.refs["line_item"]}
        cells = row(change.kind, own, fields, self._version, self._zone)
        if not _SOURCED_ID.fullmatch(own):
            return Outcome(status=REFUSED, message="the sourcedId holds signs that OneRoster does not know")
        if action == REMOVE:
            cells["status"] = "tobedeleted"
        elif needed := lacking(change.kind, cells):
            return Outcome(status=REFUSED, message=f"OneRoster CSV wants {', '.join(needed)}")
        packages.setdefault(self._place(str(fields.get("class") or "")), {})[own] = cells
        return Outcome(status=DONE, lms_id=own)

    def _package(self, class_id: str) -> GradesPackage:
        return self._of(self._place(class_id))

    def _of(self, place: Path) -> GradesPackage:
        return GradesPackage(place, self._version, self._context.work)

    def _place(self, class_id: str) -> Path:
        """Raises ConfigError where no place is given."""
        chosen = self._options.grades_path.strip()
        if not chosen:
            raise ConfigError("grades_path is missing: where shall line items and results be written?")
        name = quote(class_id, safe="").replace(".", "%2E") or "no-class"
        return Path(chosen.replace(_CLASS, name))

    @property
    def _makes_categories(self) -> bool:
        return _CLASS not in self._options.grades_path

    @cached_property
    def _version(self) -> str:
        """As the SIS's own files; 1.0 has no gradebook."""
        return "1.2" if self._source.manifest.version == "1.2" else "1.1"


def _own(change: Change) -> str:
    return change.lms_id or change.key


def _record(kind: str, cells: Mapping[str, str]) -> LiveRecord:
    return LiveRecord(kind=kind, lms_id=cells["sourcedId"], code=cells["sourcedId"], fields=fields_of(dict(cells)))
