"""One file of a package: looks at it, mends a copy where needed, and says whether it is whole. Reads no row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from rollbook.connectors.base import Context, Page, SourceFinding, Verdict
from rollbook.connectors.oneroster_csv.headers import Header, missing, read_header
from rollbook.connectors.oneroster_csv.manifest import Manifest
from rollbook.connectors.oneroster_csv.options import OneRosterCsvOptions
from rollbook.connectors.oneroster_csv.package import Member, Package
from rollbook.connectors.oneroster_csv.text import Look, Rewrite, ending, look, opening, rewrite
from rollbook.errors import BadResponse
from rollbook.roster.reasons import because


class Export(Protocol):
    """What a reading needs of its source."""

    options: OneRosterCsvOptions
    context: Context

    @property
    def package(self) -> Package: ...
    @property
    def manifest(self) -> Manifest: ...
    @property
    def has_roles(self) -> bool: ...
    @property
    def folder(self) -> Path: ...
    def fetch(self, member: Member) -> Path: ...
    def findings(self) -> list[SourceFinding]: ...


class CsvReading:
    """At most one page. Findings about the package as a whole come with orgs, which every package has to hold."""

    def __init__(self, export: Export, collection: str) -> None:
        self._export, self._name, self._file = export, collection, f"{collection}.csv"
        self.findings: list[SourceFinding] = []
        self.verdict = Verdict(collection=collection, complete=False, reason=because("unfinished"))

    def __iter__(self) -> Iterator[Page]:
        self.findings = self._export.findings() if self._name == "orgs" else []
        member, mode = self._export.package.find(self._name), self._mode()
        if member is None:
            self._absent(mode)
            return
        try:
            page, reason, count = self._prepare(member)
        except BadResponse as error:
            # This file alone is broken; the others may be whole.
            self._note("CSV_UNREADABLE_FILE", reason=str(error))
            page, reason, count = None, str(error), 0
        if page is not None:
            yield page
        mode = "bulk" if mode == "absent" else mode
        self.verdict = Verdict(collection=self._name, complete=not reason, reason=reason, mode=mode, count=count)

    def _mode(self) -> str:
        chosen = self._export.options.files
        if chosen != "declared" and self._export.package.find(self._name) is not None:
            return chosen
        return self._export.manifest.modes.get(self._name.lower(), "bulk")

    def _absent(self, mode: str) -> None:
        if mode == "absent" and self._name != "roles":  # roles are only offered where nothing else says who is what
            reason = because("declared_absent")
        else:
            reason = because("file_missing", file=self._file)
            self._note("CSV_MISSING_FILE")
            mode = "bulk"
        self.verdict = Verdict(collection=self._name, complete=False, reason=reason, mode=mode)

    def _prepare(self, member: Member) -> tuple[Page | None, str, int]:
        """The page, why it is incomplete (or ""), and about how many rows it has."""
        check = self._export.context.cancel.check
        path = self._export.fetch(member)
        before = _stamp(path)
        seen = look(path, check)
        text = opening(path, seen.encoding)
        if not text.strip(" \t\r\n,;"):
            self._note("CSV_EMPTY_FILE")
            return None, "", 0
        header = read_header(self._name, text)
        if header is None:
            self._note("CSV_NO_HEADER")
            return None, because("file_no_header", file=self._file), 0
        needed = self._note_columns(header)
        if needed:
            return None, because("file_columns", file=self._file, columns=", ".join(needed)), 0
        rows = max(seen.lines - header.skip - 1, 0)
        if not _has_rows(text, header):
            self._note("CSV_EMPTY_FILE")
            rows = 0
        reason = self._end(path, seen, header)
        if self._mend(seen, header):
            if self._export.options.strict:
                return None, because("file_strict", file=self._file), 0
            path = self._mended(path, seen, header)
        elif _stamp(path) != before:
            reason = because("file_changed", file=self._file)
        columns = header.page_columns()
        page = Page(collection=self._name, number=0, name=member.name, count=rows, path=path, columns=columns)
        return page, reason, rows

    def _note_columns(self, header: Header) -> list[str]:
        """Findings about the header; returns the columns without which the file is of no use."""
        version, has_roles = self._export.manifest.version, self._export.has_roles
        needed, demanded = missing(self._name, header, users_have_roles=not has_roles, version=version)
        for code, names in (
            ("CSV_MISSING_COLUMN", needed),
            ("CSV_COLUMN_EXPECTED", demanded),
            ("CSV_UNKNOWN_COLUMN", list(header.unknown)),
            ("CSV_DOUBLED_COLUMN", list(header.doubled)),
            ("CSV_MISSPELT_COLUMN", [f"{theirs} (read as {ours})" for theirs, ours in header.misspelt]),
        ):
            if names:
                self._note(code, line=header.skip + 1, columns=", ".join(name[:80] for name in names[:20]))
        return needed

    def _mend(self, seen: Look, header: Header) -> bool:
        """Note what must be mended before DuckDB can read the file."""
        for code in seen.wrong:
            self._note(code)
        if header.delimiter != ",":
            self._note("CSV_DELIMITER", delimiter={";": "semicolon", "\t": "tab", "|": "bar"}[header.delimiter])
        return bool(seen.wrong or header.delimiter != "," or header.skip or header.dirty)

    def _mended(self, path: Path, seen: Look, header: Header) -> Path:
        goal = self._export.folder / f"{self._name.lower()}.mended.csv"
        how = Rewrite(seen.encoding, header.delimiter, header.skip, header.names)
        rewrite(path, goal, how, self._export.context.cancel.check)
        return goal

    def _end(self, path: Path, seen: Look, header: Header) -> str:
        """A last line without line end that has too few fields: the file was cut off, so it is not the whole truth."""
        last = ending(path, seen.encoding).strip(" \x1a")
        if not last or last.count(header.delimiter) >= len(header.names) - 1:
            return ""
        self._note("CSV_CUT_OFF")
        return because("file_cut", file=self._file)

    def _note(self, code: str, *, line: int | None = None, **details: str) -> None:
        found = SourceFinding(code=code, collection=self._name, file=self._file, line=line, details=details)
        self.findings.append(found)


def _has_rows(text: str, header: Header) -> bool:
    """Is there anything after the header line? `text` is the first 64 KiB."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[header.skip + 1 :]
    return any(line.strip(" \t,;") for line in lines)


def _stamp(path: Path) -> tuple[int, int]:
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns
