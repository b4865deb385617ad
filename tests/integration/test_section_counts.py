"""Counts beside the list of sections, on both kinds of database: counting anew, also while others write."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from rollbook.store.models import Organization, SectionCount, SectionLine
from rollbook.store.section_counts import kept_counts, note_moves, real_counts, recount
from tests.cli.kit import open_store


@pytest.fixture
def organization(tmp_path: Path, database: str) -> Iterator[Organization]:
    with open_store(tmp_path):
        yield Organization.objects.create(slug="maple", name="Maple")


def _line(organization: Organization, number: int, **traits: Any) -> SectionLine:
    given = {"year": "2027", "school": f"s{number % 3}", "rank": number % 2, "words": "w", **traits}
    return SectionLine(organization=organization, code=f"c{number}", **given)


def _wrong(organization: Organization) -> None:
    """Lines that nobody counted, and counts of lines that are not there."""
    SectionLine.objects.bulk_create(_line(organization, number) for number in range(20))
    note_moves(organization.pk, [("2027", "s0", 1)], [("2026", "gone", 4)] * 3)


def test_counting_anew_puts_every_count_right(organization: Organization) -> None:
    other = Organization.objects.create(slug="oak", name="Oak")
    _wrong(other)
    kept = kept_counts(other.pk)
    _wrong(organization)
    recount(organization.pk)
    assert kept_counts(organization.pk) == real_counts(organization.pk) != {}
    assert SectionCount.objects.filter(organization=organization).count() == 6
    assert kept_counts(other.pk) == kept, "of another organization nothing is touched"
    SectionLine.objects.filter(organization=organization).delete()
    recount(organization.pk)
    recount(organization.pk)
    assert not SectionCount.objects.filter(organization=organization).exists()


def test_what_others_write_meanwhile_is_counted_once(organization: Organization, database: str) -> None:
    """On PostgreSQL several write at once; on SQLite the second one waits for the first."""
    _wrong(organization)
    written, counted = threading.Event(), threading.Event()

    def write() -> None:
        with transaction.atomic():
            lines = [_line(organization, number, school="late") for number in range(100, 103)]
            SectionLine.objects.bulk_create(lines)
            SectionLine.objects.filter(code="c0").update(rank=3)
            note_moves(
                organization.pk,
                [("2027", "s0", 0)],
                [("2027", "s0", 3), *[(one.year, "late", one.rank) for one in lines]],
            )
            written.set()
            if database == "postgresql":
                assert counted.wait(60)
        connection.close()

    other = threading.Thread(target=write)
    other.start()
    assert written.wait(60)
    recount(organization.pk)
    counted.set()
    other.join(60)
    assert kept_counts(organization.pk) == real_counts(organization.pk)
    assert kept_counts(organization.pk)["2027", "late", 0] == 2
