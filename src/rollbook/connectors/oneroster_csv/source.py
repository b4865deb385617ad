"""OneRoster CSV as a source: hands DuckDB the files themselves, or a clean copy. Reads no row in Python."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from rollbook.connectors.base import Context, Reading, ReadRequest, Report, Row, SourceFinding
from rollbook.connectors.oneroster_csv.headers import read_header
from rollbook.connectors.oneroster_csv.manifest import Manifest, parse_manifest
from rollbook.connectors.oneroster_csv.options import OneRosterCsvOptions
from rollbook.connectors.oneroster_csv.package import Member, Package, open_package
from rollbook.connectors.oneroster_csv.reading import CsvReading
from rollbook.connectors.oneroster_csv.text import encoding_of, opening
from rollbook.errors import BadResponse
from rollbook.roster.oneroster import COLLECTIONS

#: Every data file of 1.0 to 1.2; the others than COLLECTIONS are known and never opened.
_OTHERS = (
    "manifest", "demographics", "resources", "classResources", "courseResources", "userResources", "categories",
    "lineItems", "results", "userProfiles", "scoreScales", "lineItemScoreScales", "resultScoreScales",
    "lineItemLearningObjectiveIds", "resultLearningObjectiveIds",
)  # fmt: skip
_KNOWN_FILES = frozenset(f"{name.lower()}.csv" for name in (*COLLECTIONS, *_OTHERS))
_LISTED = 10


class OneRosterCsvSource:
    """A folder or zip with OneRoster CSV files. Looks at the path when it is first asked something."""

    def __init__(self, options: OneRosterCsvOptions, context: Context) -> None:
        self.options, self.context = options, context
        self._fetched: dict[str, Path] = {}

    def test(self) -> Report:
        """Looks at the file list, the manifest and the header of users.csv; reads no person."""
        lacking = [f"{name}.csv" for name in self.collections() if self.package.find(name) is None]
        facts = {"version": self.manifest.version, "files": str(len(self.package.members))}
        facts |= {"system": self.manifest.system} if self.manifest.system else {}
        for name in self.collections():
            member = self.package.find(name)
            if member is not None:
                mode = self.manifest.modes.get(name.lower(), "bulk")
                facts[f"{name}.csv"] = f"{mode}, {member.size / 1e6:.1f} MB"
        if lacking:
            return Report(ok=False, summary=f"Files are missing: {', '.join(lacking)}.", facts=facts)
        return Report(ok=True, summary=f"A OneRoster {self.manifest.version} export with all files.", facts=facts)

    def collections(self) -> tuple[str, ...]:
        """All seven of 1.2; without roles where users.csv itself says role and orgs, as in 1.0 and 1.1."""
        return tuple(name for name in COLLECTIONS if name != "roles" or self.has_roles)

    def read(self, request: ReadRequest) -> Reading:
        return CsvReading(self, request.collection)

    def rows(self, collection: str, body: bytes) -> Iterator[tuple[str, Row]]:
        """A whole file as rows; only for small ones, as pages are files that DuckDB reads itself."""
        text = body.decode("utf-8", "replace").replace("\0", "")
        header = read_header(collection, text)
        if header is None:
            return
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[header.skip + 1 :]
        for line in lines:
            try:
                cells = next(csv.reader([line], delimiter=header.delimiter), [])
            except csv.Error:
                cells = [line]  # unreadable values come as their text
            if cells:
                places = header.columns.items()
                yield collection, {name: cells[at] or None if at < len(cells) else None for name, at in places}

    def close(self) -> None:
        """Nothing stays open between reads."""

    @cached_property
    def package(self) -> Package:
        self.context.count()
        return open_package(self._path(), int(self.options.max_gigabytes * 1e9))

    def _path(self) -> Path:
        if not self.options.host:
            return Path(self.options.path)
        from rollbook.connectors.oneroster_csv.fetch import fetch  # loads an SSH library, which few need

        return fetch(self.options, self.context)

    @cached_property
    def manifest(self) -> Manifest:
        member = self.package.members.get("manifest.csv")
        if member is None:
            return parse_manifest(None)
        path = self.fetch(member)
        return parse_manifest(opening(path, encoding_of(path)))

    @cached_property
    def has_roles(self) -> bool:
        if self.package.find("roles") is not None:
            return True
        member = self.package.find("users")
        if member is None:
            return False
        try:
            path = self.fetch(member)
        except BadResponse:
            return False  # reading users says so, in its own words
        header = read_header("users", opening(path, encoding_of(path)))
        return header is not None and "role" not in header.columns

    @property
    def folder(self) -> Path:
        """Where unpacked and mended files go."""
        return self.context.work / "oneroster_csv"

    def fetch(self, member: Member) -> Path:
        """The file of a member; out of a zip it is unpacked once."""
        if member.name not in self._fetched:
            self.context.count()
            self._fetched[member.name] = member.fetch(self.folder)
        return self._fetched[member.name]

    def findings(self) -> list[SourceFinding]:
        """What is odd about the package as a whole."""
        found = []
        if self.package.folder:
            found.append(_finding("CSV_IN_FOLDER", folder=self.package.folder))
        names = [member.name for key, member in self.package.members.items() if key not in _KNOWN_FILES]
        strange = [*names, *self.package.elsewhere]
        if strange:
            found.append(_finding("CSV_UNKNOWN_FILE", files=_list(strange)))
        if self.manifest.odd:
            found.append(_finding("CSV_MANIFEST_UNCLEAR", properties=_list(self.manifest.odd)))
        contradictions = [
            f"{name}.csv" for name, mode in self.manifest.modes.items()
            if (f"{name}.csv" in self.package.members) == (mode == "absent") and f"{name}.csv" in _KNOWN_FILES
        ]  # fmt: skip
        if contradictions:
            found.append(_finding("CSV_MANIFEST_WRONG", files=_list(contradictions)))
        return found


def _finding(code: str, **details: str) -> SourceFinding:
    return SourceFinding(code=code, collection="", file="manifest.csv" if "MANIFEST" in code else "", details=details)


def _list(names: list[str] | tuple[str, ...]) -> str:
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(name[:80] for name in names[:_LISTED]) + more
