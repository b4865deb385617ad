"""The list of all sections that Rollbook gave, kept as rows: brought in step with the roster's ledger, and with how the
grades of each section stand. Pages read a part of it (`store.section_list`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from django.db import connection, transaction

from rollbook.core.duck import parquet_reader, quote
from rollbook.core.protocols import Blobs
from rollbook.errors import BlobLost
from rollbook.store.grade_words import NOT_YET, RANKS
from rollbook.store.ledger import current_version
from rollbook.store.models import FactRow, GradeSection, SectionLine
from rollbook.store.plain import without_nul
from rollbook.store.section_counts import PLACE, Place, has_many, note_moves, recount

#: The fact that says of which ledger file the list is.
_OF: Final = "section_lines"
_AT_ONCE: Final = 2000
#: Changes that are written in one transaction; others wait so long.
_WRITTEN_AT_ONCE: Final = 500
_LONGEST: Final = 300
_LONGEST_YEAR: Final = 20
#: Columns of a line that come from the ledger, and their values.
_SHOWN: Final = ("code", "year", "school", "title", "words")
_Line = tuple[str, str, str, str, str]
_PLACES: Final = ", ".join(PLACE)
_RANKS: Final = {state: rank for rank, state in enumerate(RANKS)}


def lines_are_of(organization: int) -> str:
    """The ledger file that the list shows; "" before it was made."""
    kept = FactRow.objects.filter(organization=organization, name=_OF).values_list("value", flat=True).first()
    return str(kept or "")


def keep_lines(organization: int, blobs: Blobs) -> int:
    """Bring the list in step with the current ledger, a part at a time, and say how many lines changed. It may be
    broken off anywhere, and done twice at once: the next one goes on. Raises BlobLost."""
    key = current_version(organization).files.get("section")
    if key is None or lines_are_of(organization) == key:
        if has_many(organization):
            recount(organization)
        return 0
    changed = 0
    with parquet_reader() as db:
        now = _select(blobs, key)
        before = _known(blobs, lines_are_of(organization))
        rows = f"{now} EXCEPT {before}" if before else now
        cursor = db.execute(f"SELECT * FROM ({rows}) ORDER BY key")
        while some := cursor.fetchmany(_AT_ONCE):
            changed += _keep(organization, [_line(*row) for row in some if _can_be_kept(row[0])])
        every = db.execute(f"SELECT key FROM ({now})").fetchall()
    there = {code for (code,) in every if _can_be_kept(code)}
    changed += _drop_others(organization, there)
    _match_states(organization)
    recount(organization)
    FactRow.objects.update_or_create(organization_id=organization, name=_OF, defaults={"value": key})
    return changed


def _select(blobs: Blobs, key: str) -> str:
    return f"SELECT key, year, school, title FROM read_parquet({quote(blobs.get(key, 'the ledger of section'))})"


def _known(blobs: Blobs, key: str) -> str:
    """The ledger file that the list shows; "" where there is none, or it has gone."""
    try:
        return _select(blobs, key) if key else ""
    except BlobLost:
        return ""


def show_states(found: Iterable[tuple[int, str, str]]) -> None:
    """Write into the list how these sections stand: organization, code and status of each."""
    for (organization, status), group in groupby(sorted(found, key=_alike), key=_alike):
        codes = [code for _organization, code, _status in group]
        for some in _parts(codes, _WRITTEN_AT_ONCE):
            _show_state(organization, some, status)


def _show_state(organization: int, codes: Sequence[str], status: str) -> None:
    with transaction.atomic():
        lines = SectionLine.objects.filter(organization=organization, code__in=codes).exclude(status=status)
        before = list(lines.select_for_update().order_by("pk").values_list("pk", *PLACE))
        if not before:
            return
        SectionLine.objects.filter(pk__in=[row[0] for row in before]).update(status=status, rank=_rank(status))
        places = [(year, school, rank) for _pk, year, school, rank in before]
        note_moves(organization, places, [(year, school, _rank(status)) for year, school, _before in places])


def _alike(one: tuple[int, str, str]) -> tuple[int, str]:
    return one[0], one[2]


def _rank(status: str) -> int:
    return _RANKS[status or NOT_YET]


def _can_be_kept(code: str) -> bool:
    """No database takes this letter; such a section cannot be looked up on any page."""
    return "\0" not in code


def _line(code: str, year: Any, school: str | None, title: str | None) -> _Line:
    shown = without_nul(title or "")
    words = f"{shown}\n{code}".casefold()[:_LONGEST]
    return code, str(year or "")[:_LONGEST_YEAR], without_nul(school or ""), shown, words


def _keep(organization: int, lines: Sequence[_Line]) -> int:
    """Write those that are new or changed."""
    mine = SectionLine.objects.filter(organization=organization, code__in=[line[0] for line in lines])
    known = {row[0]: row for row in mine.values_list(*_SHOWN)}
    _add(organization, [line for line in lines if line[0] not in known])
    other = {line[0]: line for line in lines if known.get(line[0], line) != line}
    if other:
        _change(organization, other)
    return len(lines) - len(known) + len(other)


def _change(organization: int, other: Mapping[str, _Line]) -> None:
    with transaction.atomic():
        mine = SectionLine.objects.filter(organization=organization, code__in=other)
        changed = list(mine.select_for_update().order_by("pk"))
        before = [_place(row) for row in changed]
        for row in changed:
            for name, value in zip(_SHOWN, other[row.code], strict=True):
                setattr(row, name, value)
        SectionLine.objects.bulk_update(changed, _SHOWN[1:], batch_size=_WRITTEN_AT_ONCE)
        note_moves(organization, before, map(_place, changed))


def _add(organization: int, lines: Sequence[_Line]) -> None:
    """In plain SQL: of a first sync there are hundreds of thousands. Another process may add the same ones."""
    names = ("organization_id", "rank", "status", *_SHOWN)
    one = f"({', '.join(['%s'] * len(names))})"
    table = f"{SectionLine._meta.db_table} ({', '.join(names)})"
    for some in _parts(lines, _WRITTEN_AT_ONCE):
        words = f"INSERT INTO {table} VALUES {', '.join([one] * len(some))} ON CONFLICT DO NOTHING RETURNING {_PLACES}"
        given = [value for line in some for value in (organization, _RANKS[NOT_YET], "", *line)]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(words, given)
            note_moves(organization, [], cursor.fetchall())


def _drop_others(organization: int, there: Collection[str]) -> int:
    """Lines of sections that the ledger knows no more."""
    mine = SectionLine.objects.filter(organization=organization)
    if mine.count() <= len(there):
        return 0
    gone = [pk for pk, code in mine.values_list("pk", "code").iterator() if code not in there]
    for some in _parts(gone, _WRITTEN_AT_ONCE):
        with transaction.atomic():
            before = list(mine.filter(pk__in=some).select_for_update().order_by("pk").values_list("pk", *PLACE))
            mine.filter(pk__in=[row[0] for row in before]).delete()
            note_moves(organization, [(year, school, rank) for _pk, year, school, rank in before], [])
    return len(gone)


def _place(line: SectionLine) -> Place:
    return line.year, line.school, line.rank


def _match_states(organization: int) -> None:
    """What stands elsewhere on a line than with its section's items; also what was written while lines were made."""
    rows = GradeSection.objects.filter(organization=organization).values_list("organization_id", "code", "status")
    for some in _parts(list(rows), _AT_ONCE):
        with transaction.atomic():
            show_states(some)


def _parts(some: Sequence[Any], size: int) -> Iterator[Any]:
    for start in range(0, len(some), size):
        yield some[start : start + size]
