"""A hostile SIS through the whole river: never a crash, nothing removed because of bad input, findings that explain."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rollbook.connectors.base import Context
from rollbook.connectors.oneroster_csv import CONNECTOR
from rollbook.core.stored import RunResult
from rollbook.errors import RollbookError
from rollbook.practice.district import generate, mess_names
from rollbook.roster.findings import BLOCKS, FINDINGS
from rollbook.testing import hostile
from rollbook.testing.world import NeverCancelled
from tests.districts import District, Organization

Make = Callable[..., Organization]
SHAPE = {"students": 40, "seed": 7, "days": 2, "change": 0.05}

#: What must be found of each kind of mess that a person has to mend.
EXPLAINED = {
    "broken-quotes": {"STAGE_BAD_LINE"},
    "class-without-student": {"CLASS_NO_STUDENT"},
    "class-without-teacher": {"CLASS_NO_TEACHER"},
    "class-without-term": {"CLASS_NO_TERM"},
    "dangling-classes": {"CLASS_COURSE_MISSING"},
    "dangling-enrollments": {"ENROLLMENT_USER_MISSING"},
    "doubled-emails": {"USER_EMAIL_DUPLICATE"},
    "doubled-sourcedids": {"ID_DUPLICATE"},
    "doubled-usernames": {"USER_USERNAME_DUPLICATE"},
    "enrollment-outside-dates": {"ENROLLMENT_OUTSIDE_TERM"},
    "every-username-doubled": {"USER_USERNAME_DUPLICATE"},
    "missing-emails-and-usernames": {"USER_NO_LOGIN"},
    "ragged-rows": {"STAGE_BAD_LINE"},
    "rekeyed-classes": {"REKEY_PROPOSED"},
    "rekeyed-users": {"REKEY_PROPOSED"},
    "swapped-dates": {"SESSION_DATES_SWAPPED", "ENROLLMENT_DATES_SWAPPED"},
    "usernames-with-spaces": {"USER_USERNAME_SPACE"},
    "wrong-org-type": {"CLASS_SCHOOL_NOT_SCHOOL"},
}
#: Mess that really takes people out of classes: an enrollment that is not there, or is somebody else's, is gone.
TAKES_AWAY = {"class-without-student", "class-without-teacher", "dangling-enrollments"}


def from_csv(org: Organization, path: Path) -> Organization:
    """Let the organization read OneRoster CSV from now on."""
    context = Context(work=org.world.folder / "csv", cancel=NeverCancelled(), count=lambda attempts=1: None)
    assert CONNECTOR.source is not None
    org.source = CONNECTOR.source(CONNECTOR.options(path=str(path)), context)
    return org


@pytest.fixture(scope="module")
def first_day(tmp_path_factory: pytest.TempPathFactory) -> Organization:
    """An organization after its first, clean day. No kind of mess touches that day."""
    folder = tmp_path_factory.mktemp("first")
    days = generate(folder / "clean", **SHAPE)
    org = from_csv(Organization(folder / "org", District()), days[0])
    result = org.run()
    assert result.state == "done"
    assert len(org.roster) > 200
    return org


@pytest.fixture(scope="module")
def removed_by_a_clean_day(first_day: Organization, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("second")
    org = from_csv(first_day.branch(folder / "org"), generate(folder / "clean", **SHAPE)[1])
    before = set(org.roster)
    assert org.next_day().run().state == "done"
    return before - set(org.roster)


@pytest.mark.parametrize("mess", mess_names())
def test_a_messy_day(first_day: Organization, removed_by_a_clean_day: set[str], tmp_path: Path, mess: str) -> None:
    days = generate(tmp_path / "district", mess=[mess], **SHAPE)
    org = from_csv(first_day.branch(tmp_path / "org"), days[1])
    before = org.snapshot()
    result = _run(org)
    after = org.snapshot()
    for kind in before:
        if kind != "enrollment":
            assert before[kind].keys() <= after[kind].keys(), f"a {kind} is gone"
    if mess not in TAKES_AWAY:
        assert before["enrollment"].keys() - after["enrollment"].keys() <= removed_by_a_clean_day
    if result is not None:
        assert EXPLAINED.get(mess, set()) <= set(result.findings)
        assert set(result.findings) <= set(FINDINGS)


def _run(org: Organization) -> RunResult | None:
    """The run, or None when it ended with a clear error. A messy file must name somebody who can act."""
    try:
        return org.next_day().run()
    except RollbookError as error:
        trouble = error
    assert type(trouble) is not RollbookError
    assert str(trouble)
    assert trouble.who
    assert org.sent == []
    return None


@pytest.fixture
def wicked(organization: Make) -> Organization:
    """The hostile rows, as a memory source."""
    district = District()
    district.rows.update(hostile.rows())
    return organization(district)


def test_hostile_rows_are_all_explained_and_the_sound_ones_land(wicked: Organization) -> None:
    result = wicked.run()
    found = {(row["code"], row["collection"], row["id"]) for row in wicked.findings(result)}
    assert found >= hostile.FINDINGS
    assert set(hostile.SOUND["users"]) <= wicked.users
    assert set(hostile.SOUND["classes"]) <= wicked.sections
    assert "k-sound|u-sound" in wicked.roster
    blocked = {
        id for code, collection, id in hostile.FINDINGS if collection == "users" and FINDINGS[code].severity == BLOCKS
    }
    assert not blocked & wicked.users
    assert None not in wicked.users


def test_hostile_rows_change_nothing_the_next_day(wicked: Organization) -> None:
    wicked.run()
    version = wicked.world.ledger.version.number
    wicked.next_day().run()
    assert wicked.sent == []
    assert wicked.world.ledger.version.number == version


def test_a_sound_sis_that_turns_hostile_loses_nothing(wicked: Organization) -> None:
    hostile_rows = wicked.district.rows
    sound = {
        name: [row for row in rows if isinstance(row, dict) and row["sourcedId"] in hostile.SOUND.get(name, ())]
        for name, rows in hostile_rows.items()
    }
    wicked.district.rows = sound
    wicked.run()
    before = wicked.snapshot()
    assert before["enrollment"]
    wicked.district.rows = hostile_rows
    wicked.next_day().run()
    after = wicked.snapshot()
    for kind in before:
        assert before[kind].keys() <= after[kind].keys()


@pytest.mark.parametrize("collection", ["orgs", "academicSessions", "courses", "classes", "users", "enrollments"])
def test_an_empty_collection_loses_nothing(wicked: Organization, collection: str) -> None:
    wicked.run()
    before = wicked.roster
    wicked.district.rows[collection] = []
    wicked.next_day().run()
    assert wicked.roster == before
