"""The list of sections follows the ledger: what is new, changed and gone, and how the grades of each stand."""

from __future__ import annotations

from typing import Any

import pytest

from rollbook.connectors.memory.space import Space
from rollbook.engine.for_pages import prepare_lists
from rollbook.errors import BlobLost
from rollbook.store.blobs import open_blobs
from rollbook.store.folder import DataFolder
from rollbook.store.given_sections import given_sections
from rollbook.store.models import FactRow, GradeSection, Organization, SectionLine
from rollbook.store.section_lines import keep_lines, lines_are_of
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
