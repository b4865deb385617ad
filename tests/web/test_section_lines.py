"""The list of sections follows the ledger: what is new, changed and gone, and how the grades of each stand."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from rollbook.connectors.memory.space import Space
from rollbook.engine.for_pages import prepare_lists
from rollbook.errors import BlobLost
from rollbook.store import section_counts
from rollbook.store.blobs import open_blobs
from rollbook.store.folder import DataFolder
from rollbook.store.given_sections import given_sections
from rollbook.store.models import FactRow, GradeSection, Organization, SectionCount, SectionLine
from rollbook.store.section_counts import kept_counts, real_counts
from rollbook.store.section_lines import _add, keep_lines, lines_are_of, show_states
from rollbook.store.section_list import HELP, SectionList, Wanted
from tests.web.world import run_now


@pytest.fixture
def organization(folder: DataFolder, world: Space) -> Organization:
    run_now(folder)
    return Organization.objects.get(slug="maple")


def _listed(organization: Organization, **wanted: str) -> list[str]:
    every = SectionList(organization.pk, None, ())
    number, keys = every.numbered(Wanted(**wanted))
    lines = every.lines(Wanted(**wanted), keys, 0, 10_000)
    assert len(lines) == number
    return [line.code for line in lines]


def _same_as_ledger(folder: DataFolder, organization: Organization) -> None:
    given = given_sections(organization.pk, open_blobs(folder), None)
    assert sorted(_listed(organization)) == [one.code for one in given]
    titles = dict(SectionLine.objects.values_list("code", "title"))
    assert all(titles[one.code] == one.title for one in given)


def test_a_run_of_the_roster_keeps_it(folder: DataFolder, organization: Organization, world: Space) -> None:
    _same_as_ledger(folder, organization)
    first, second = (row for row in world.rows["classes"] if row["sourcedId"] in _listed(organization)[:2])
    first["title"] = "Ärger mit \u0130 and 'quotes'"
    run_now(folder)
    _same_as_ledger(folder, organization)
    assert _listed(organization, find="ÄRGER MIT") == [first["sourcedId"]]
    assert second["sourcedId"] not in _listed(organization, find="ärger")
    assert lines_are_of(organization.pk)


def test_it_is_put_right_from_any_state(folder: DataFolder, organization: Organization) -> None:
    """After a worker that was broken off, and where the file of which the list was is gone."""
    code = _listed(organization)[0]
    year = SectionLine.objects.get(code=code).year
    GradeSection.objects.create(organization=organization, code=code, status="error")
    SectionLine.objects.filter(code__in=_listed(organization)[1:3]).delete()
    SectionLine.objects.filter(code=code).update(title="wrong")
    SectionLine.objects.create(organization=organization, code="gone", year=year, words="gone", rank=4)
    FactRow.objects.filter(name="section_lines").update(value="0" * 32 + ".parquet")
    assert prepare_lists(folder) == 4
    _same_as_ledger(folder, organization)
    assert _listed(organization, state=HELP) == _listed(organization, state="error") == [code]
    assert prepare_lists(folder) == 0


def test_a_lost_ledger_is_said_and_changes_nothing(
    folder: DataFolder, organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone:
        def get(self, *_: Any) -> Any:
            raise BlobLost("it is gone")

    FactRow.objects.filter(name="section_lines").update(value="other")
    before = _listed(organization)
    with pytest.raises(BlobLost):
        keep_lines(organization.pk, Gone())
    monkeypatch.setattr("rollbook.engine.for_pages.open_blobs", lambda *_: Gone())
    assert prepare_lists(folder) == 0
    assert _listed(organization) == before


def test_filters_go_together(organization: Organization) -> None:
    line = SectionLine.objects.filter(organization=organization).exclude(school="")[0]
    of_school = _listed(organization, school=line.school)
    assert set(of_school) == set(SectionLine.objects.filter(school=line.school).values_list("code", flat=True))
    assert _listed(organization, school=line.school, find=line.code.upper()) == [line.code]
    assert _listed(organization, school="nowhere") == []
    assert _listed(organization, state="nonsense") == []
    assert _listed(organization, find="%") == [], "no pattern"


def test_kept_counts_are_those_of_the_lines(folder: DataFolder, organization: Organization, world: Space) -> None:
    """After a first sync, states, changes of the roster, and what was written by hand."""
    pk = organization.pk
    assert kept_counts(pk) == real_counts(pk) != {}
    first, second, third = _listed(organization)[:3]
    show_states([(pk, first, "error"), (pk, second, "held"), (pk, third, "held")])
    show_states([(pk, first, "successful"), (pk, second, "held"), (pk, "nowhere", "error")])
    assert kept_counts(pk) == real_counts(pk)
    assert _listed(organization, state="successful") == [first]
    assert {*_listed(organization, state=HELP)} == {second, third}
    world.rows["classes"] = [row for row in world.rows["classes"] if row["sourcedId"] != third]
    run_now(folder)
    assert kept_counts(pk) == real_counts(pk)
    SectionCount.objects.all().delete()
    FactRow.objects.filter(name="section_lines").update(value="other")
    prepare_lists(folder)
    assert kept_counts(pk) == real_counts(pk)


def test_lines_that_another_process_adds_are_counted_once(organization: Organization) -> None:
    line = SectionLine.objects.filter(organization=organization)[0]
    same = (line.code, line.year, line.school, line.title, line.words)
    _add(organization.pk, [same, ("fresh", *same[1:])])
    assert kept_counts(organization.pk) == real_counts(organization.pk)


def test_a_transaction_that_fails_counts_nothing(organization: Organization) -> None:
    """A worker that dies in the middle leaves neither lines nor counts."""
    code = _listed(organization)[0]
    with transaction.atomic():
        show_states([(organization.pk, code, "error")])
        transaction.set_rollback(True)
    assert kept_counts(organization.pk) == real_counts(organization.pk)
    assert _listed(organization, state="error") == []


def test_many_rows_are_summed_up(folder: DataFolder, organization: Organization, monkeypatch: Any) -> None:
    code = _listed(organization)[0]
    for state in ("error", "held", "error", "successful"):
        show_states([(organization.pk, code, state)])
    rows = SectionCount.objects.count()
    prepare_lists(folder)
    assert SectionCount.objects.count() == rows
    monkeypatch.setattr(section_counts, "_MANY", 2)
    prepare_lists(folder)
    assert SectionCount.objects.count() == len(real_counts(organization.pk)) < rows
    assert kept_counts(organization.pk) == real_counts(organization.pk)
