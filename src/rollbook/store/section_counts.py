"""Keeps how many sections stand how, beside the list of sections: whoever changes lines says so here, in the same
transaction. Sums are read by `store.section_list`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from django.db import connection, transaction
from django.db.models import Count, Sum

from rollbook.store.locks import count_sections
from rollbook.store.models import SectionCount, SectionLine

#: Year, school and rank of a line.
Place = tuple[str, str, int]
PLACE: Final = ("year", "school", "rank")
#: Rows are summed up when there are so many more than places.
_MANY: Final = 20_000


def note_moves(organization: int, before: Iterable[Place], after: Iterable[Place]) -> None:
    """Lines that were in these places and now are in those; within the transaction that moves them."""
    moved = Counter(after)
    moved.subtract(before)
    rows = [
        SectionCount(organization_id=organization, year=year, school=school, rank=rank, number=number)
        for (year, school, rank), number in sorted(moved.items())
        if number
    ]
    SectionCount.objects.bulk_create(rows, batch_size=500)


def recount(organization: int) -> None:
    """Count all lines anew. One at a time; changes that others write meanwhile are added to it."""
    counts, lines = SectionCount._meta.db_table, SectionLine._meta.db_table
    gone = f"DELETE FROM {counts} WHERE organization_id = %s"
    made = f"""
        INSERT INTO {counts} (organization_id, year, school, rank, number)
        SELECT organization_id, year, school, rank, count(*) FROM {lines} WHERE organization_id = %s
        GROUP BY organization_id, year, school, rank"""
    with transaction.atomic(), connection.cursor() as cursor:
        count_sections(organization)
        if connection.vendor == "postgresql":  # as one statement, so that both see the very same lines and changes
            cursor.execute(f"WITH gone AS ({gone}) {made}", [organization, organization])
        else:
            cursor.execute(gone, [organization])
            cursor.execute(made, [organization])


def has_many(organization: int) -> bool:
    """Are there so many rows that summing them up takes long?"""
    return SectionCount.objects.filter(organization=organization).count() > _MANY


def kept_counts(organization: int) -> dict[Place, int]:
    """What is kept, without zeros."""
    rows = SectionCount.objects.filter(organization=organization).order_by().values_list(*PLACE)
    return {
        (year, school, rank): number for year, school, rank, number in rows.annotate(number_of=Sum("number")) if number
    }


def real_counts(organization: int) -> dict[Place, int]:
    """The same, counted now."""
    rows = SectionLine.objects.filter(organization=organization).order_by().values_list(*PLACE)
    return {(year, school, rank): number for year, school, rank, number in rows.annotate(number_of=Count("pk"))}
