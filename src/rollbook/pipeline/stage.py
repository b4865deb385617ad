"""Stage: page files or CSV into typed DuckDB tables, tolerant of what real systems send. Judges no record.

Each collection becomes a table named like it, with the columns of COLLECTIONS (less dateLastModified) plus `page`
(which file), `gone` (status tobedeleted, or 1.0's inactive: OneRoster 1.2 R12) and `odd` (columns that could not be
read). Enrollments point to classes and users by row number: eight million ids twice would be most of the memory.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rollbook.connectors.base import Page, Source
from rollbook.core.duck import Connection, count, quote
from rollbook.core.protocols import Progress
from rollbook.pipeline.tables import Extracted
from rollbook.roster.oneroster import BOOLEAN, COLLECTIONS, DATE, LIST, WORD, YEAR

_TYPES = {DATE: "DATE", YEAR: "INTEGER", BOOLEAN: "BOOLEAN", LIST: "VARCHAR[]"}
#: A space around these is for the checks to see (rule 9).
_AS_SENT = ("username",)
#: Which file a rewritten record is from.
_FILE = "#page"
#: Rewritten files that one statement reads.
_AT_ONCE = 200
#: Of a school year written as 2026-2027 or 2026/27: it is the one that ends in its second year (rule 3).
_SECOND_YEAR = r"^\d{4}\s*[-/–]\s*(\d{4}|\d{2})$"
#: The files of each collection.
Files = Mapping[str, Sequence[Page]]
_OTHER_DATES = "['%m/%d/%Y', '%Y/%m/%d', '%d.%m.%Y', '%Y%m%d']"


def stage(
    db: Connection,
    source: Source,
    extracted: Extracted,
    folder: Path,
    progress: Progress,
    merge: Callable[[str], None] | None = None,
) -> None:
    """Fill the staging tables; what could not be read goes to `found`. Every table exists, even when nothing was read.
    `merge` is called for each collection once its pages are in, to add what a delta does not speak of."""
    load_files(db, _as_files(source, extracted, folder), progress, merge)
    for finding in extracted.findings:
        detail = "; ".join(f"{key}: {value}" for key, value in finding.details.items())
        parameters = [finding.code, finding.collection, finding.file, finding.line, detail]
        db.execute("INSERT INTO found (code, collection, file, line, detail) VALUES (?, ?, ?, ?, ?)", parameters)


def load_files(db: Connection, files: Files, progress: Progress, merge: Callable[[str], None] | None = None) -> None:
    """Make the staging tables of files with a header line; depends on nothing but what is in them."""
    for done, name in enumerate(COLLECTIONS):
        progress.update("stage", done, len(COLLECTIONS), name)
        db.execute(f"CREATE TABLE {name} ({_declare(name)})")
        for header, pages in _alike(files.get(name, [])):
            _load(db, name, header, pages)
        if merge is not None:
            merge(name)
        if name in ("classes", "users"):
            _number(db, name)


def _as_files(source: Source, extracted: Extracted, folder: Path) -> Files:
    """CSV pages as they are; saved bodies rewritten as CSV with our columns. Their numbers are of all files now."""
    files: dict[str, list[Page]] = {}
    numbers = itertools.count()
    for pages in extracted.pages.values():
        for page in pages:
            for piece in (
                [replace(page, number=next(numbers))] if page.columns else _rewrite(source, page, folder, numbers)
            ):
                files.setdefault(piece.collection, []).append(piece)
    return files


def _rewrite(source: Source, page: Page, folder: Path, numbers: Iterator[int]) -> Iterator[Page]:
    """One file for each collection in a body. Its first column says which file a record is from: see `_alike`."""
    assert page.path is not None
    rows: dict[str, list[list[str | None]]] = {}
    for collection, row in source.rows(page.collection, page.path.read_bytes()):
        values = [_flat(row.get(column)) for column in _staged(collection)]
        rows.setdefault(collection, []).append(values)
    folder.mkdir(parents=True, exist_ok=True)
    for collection, records in rows.items():
        path = folder / f"{page.collection}-{page.number:06}-{collection}.csv"
        names = _staged(collection)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([_FILE, *names])
            number = next(numbers)
            writer.writerows([number, *record] for record in records)
        columns = {name: name for name in names}
        yield Page(collection=collection, number=number, name=page.name, path=path, columns=columns, count=-1)


def _flat(value: str | None) -> str | None:
    """No line breaks, NULs or lone surrogates inside a value, so that a line stays a record."""
    if value is None or value.isprintable():
        return value
    spaced = "".join(" " if ord(c) < 32 else c for c in value if c != "\0")
    return spaced.encode("utf-8", "ignore").decode("utf-8")


def _staged(name: str) -> dict[str, str]:
    """The columns that are read, and what they hold."""
    return {column: kind for column, kind in COLLECTIONS[name].columns.items() if column != "dateLastModified"}


def _declare(name: str) -> str:
    declared = [f'"{column}" {_TYPES.get(kind, "VARCHAR")}' for column, kind in _staged(name).items()]
    if name == "enrollments":
        declared += ["class_no INTEGER", "user_no INTEGER"]
    return ", ".join([*declared, "gone BOOLEAN", "page INTEGER", "odd VARCHAR"])


def _alike(pages: Iterable[Page]) -> Iterator[tuple[list[str], list[Page]]]:
    """Bodies follow each other in one statement, which for a page of some hundred records costs more than they do;
    files come alone. Those without even a header are left out."""
    last: list[str] = []
    waiting: list[Page] = []
    for page in pages:
        header = _header(page)
        if waiting and (header != last or page.count != -1 or len(waiting) == _AT_ONCE):
            yield last, waiting
            waiting = []
        if header:
            last, waiting = header, [*waiting, page]
    if waiting:
        yield last, waiting


def _load(db: Connection, name: str, header: list[str], pages: Sequence[Page]) -> None:
    body = pages[0].count == -1
    note_pages(db, name, pages)
    if not body:
        there = [column for column, own in pages[0].columns.items() if own in header]
        db.execute("INSERT INTO header_column SELECT ?, unnest(?::VARCHAR[])", [name, there])
    typed = _typed_rows(name, pages, header)
    if name == "enrollments":
        typed = f"""
            SELECT e.* REPLACE (CASE WHEN c.no IS NULL THEN e."classSourcedId" END AS "classSourcedId",
                                CASE WHEN u.no IS NULL THEN e."userSourcedId" END AS "userSourcedId"),
                   c.no AS class_no, u.no AS user_no
            FROM ({typed}) e LEFT JOIN classes_no c ON c.id = e."classSourcedId"
            LEFT JOIN users_no u ON u.id = e."userSourcedId" """
    db.execute(f"INSERT INTO {name} BY NAME {typed}")
    if count(db, "rejected"):
        db.execute(f"""
            INSERT INTO found BY NAME
            SELECT 'STAGE_BAD_LINE' AS code, '{name}' AS collection, p.page, line,
                   lower(any_value(error_type)::VARCHAR) AS detail
            FROM rejected JOIN rejected_scan USING (scan_id, file_id)
            JOIN pages p ON p.path = file_path AND p.collection = '{name}' GROUP BY p.page, line""")
    db.execute("DROP TABLE rejected")
    db.execute("DROP TABLE rejected_scan")


def note_pages(db: Connection, name: str, pages: Sequence[Page]) -> None:
    """Where the records of a collection came from, for findings."""
    lists = [[page.number for page in pages], [page.name for page in pages], [str(page.path) for page in pages]]
    db.execute(
        "INSERT INTO pages SELECT unnest($1::INTEGER[]), $5, unnest($2::VARCHAR[]), unnest($3::VARCHAR[]), $4",
        [*lists, pages[0].count == -1, name],
    )


def _header(page: Page) -> list[str]:
    """The file's own header names, a doubled one made unique so that DuckDB takes it."""
    assert page.path is not None
    with page.path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        names = next(csv.reader(file), [])
    return [name if names.index(name) == place else f"{name}#{place}" for place, name in enumerate(names)]


def _typed_rows(name: str, pages: Sequence[Page], header: list[str]) -> str:
    """The query that reads files which are alike, in three steps so that nothing is worked out twice: text trimmed,
    then typed, then what failed to be typed named in `odd`."""
    texts, values, odd = [], [], []
    for column, kind in _staged(name).items():
        own = pages[0].columns.get(column)
        if own not in header:
            continue
        trimmed = f"nullif(trim({_identifier(own)}), '')"
        if column in _AS_SENT:
            trimmed = f"CASE WHEN {trimmed} IS NOT NULL THEN {_identifier(own)} END"
        texts.append(f"{trimmed} AS {_identifier(column)}")
        if column == "status":
            continue
        values.append(f"{_typed(_identifier(column), kind)} AS {_identifier(column)}")
        if kind in (DATE, YEAR, BOOLEAN):
            values.append(f"{_identifier(column)} IS NOT NULL AS {_identifier('had ' + column)}")
            odd.append(column)
    gone = "lower(status) IN ('tobedeleted', 'inactive')" if "status" in _columns(texts) else "false"
    had = ", ".join(_identifier("had " + column) for column in odd)
    failed = " || ".join(
        f"CASE WHEN {_identifier('had ' + column)} AND {_identifier(column)} IS NULL THEN '{column} ' ELSE '' END"
        for column in odd
    )
    any_failed = " OR ".join(f"({_identifier('had ' + column)} AND {_identifier(column)} IS NULL)" for column in odd)
    types = ", ".join(f"{quote(column)}: 'VARCHAR'" for column in header)
    paths = ", ".join(quote(page.path or "") for page in pages)
    number = f"{_identifier(_FILE)}::INTEGER" if pages[0].count == -1 else str(pages[0].number)
    return f"""
        SELECT * {f"EXCLUDE ({had})" if odd else ""},
               {f"CASE WHEN {any_failed} THEN {failed} END" if odd else "NULL"} AS odd
        FROM (SELECT {", ".join(values)}, page, coalesce({gone}, false) AS gone
              FROM (SELECT {", ".join(texts)}, {number} AS page
                    FROM read_csv([{paths}], auto_detect=false, header=true, columns={{{types}}},
                                  delim=',', quote='"', escape='"', strict_mode=true, store_rejects=true,
                                  rejects_table='rejected', rejects_scan='rejected_scan', rejects_limit=10000)))"""


def _columns(texts: list[str]) -> str:
    return " ".join(text.rsplit(" AS ", 1)[1] for text in texts)


def _identifier(name: str | None) -> str:
    return '"' + (name or "").replace('"', '""') + '"'


def _typed(text: str, kind: str) -> str:
    if kind == DATE:
        return f"coalesce(try_cast(left({text}, 10) AS DATE), try_strptime({text}, {_OTHER_DATES})::DATE)"
    if kind == YEAR:
        first = f"try_cast(left({text}, 4) AS INTEGER)"
        second = f"try_cast(regexp_extract({text}, {quote(_SECOND_YEAR)}, 1) AS INTEGER)"
        return f"{first} + coalesce(({second} % 100 = ({first} + 1) % 100)::INTEGER, 0)"
    if kind == BOOLEAN:
        yes, no = "('true', '1', 'yes', 't', 'y')", "('false', '0', 'no', 'f', 'n')"
        return f"CASE WHEN lower({text}) IN {yes} THEN true WHEN lower({text}) IN {no} THEN false END"
    if kind == LIST:
        items = f"list_transform(string_split({text}, ','), lambda item: trim(item))"
        several = f"list_filter({items}, lambda item: item <> '')"
        return f"CASE WHEN {text} IS NULL THEN NULL WHEN contains({text}, ',') THEN {several} ELSE [{text}] END"
    return f"lower({text})" if kind == WORD else text


def _number(db: Connection, name: str) -> None:
    """Row numbers by sourcedId, for others to point to; of doubled ids the first counts (both are blocked later)."""
    db.execute(f"""
        CREATE TABLE {name}_no AS SELECT "sourcedId" AS id, min(rowid)::INTEGER AS no
        FROM {name} WHERE "sourcedId" IS NOT NULL GROUP BY 1""")
