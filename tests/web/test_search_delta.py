"""Where only changes of the SIS are read, “why?” knows what the last of these reads knew."""

from __future__ import annotations

import pytest

from rollbook.connectors.memory.space import Space
from rollbook.store.folder import DataFolder
from tests.web.people import Person, words
from tests.web.search_case import Case, change, make_case

NO_LIMITS = {name: {"percent": 100, "from": 100_000} for name in ("remove", "update", "create")}


@pytest.fixture
def case(world: Space, folder: DataFolder) -> Case:
    found = make_case(world, folder)

    def changes(document: dict[str, object]) -> None:
        document["limits"] = NO_LIMITS
        sis = document["sis"]
        assert isinstance(sis, dict)
        sis["delta"] = True

    from rollbook.actions.settings_edit import change_settings

    change_settings(org="maple", by="test", what="test", change=changes)
    return found


def test_an_enrollment_that_the_sis_has_marked_as_deleted(case: Case, ann: Person) -> None:
    case.row["status"] = "tobedeleted"  # the first read knows it, and no run ever gave it
    case.sync()
    answer = case.why(ann)
    assert "No, not enrolled." in answer
    assert "The SIS has marked the enrollment in this class as deleted." in answer
    assert "If that is wrong, correct the enrollment in the SIS." in answer


def test_a_person_and_a_class_that_are_marked_as_deleted(case: Case, ann: Person) -> None:
    case.student["status"] = case.class_["status"] = "tobedeleted"
    case.sync()
    person = words(ann.get(f"/o/maple/search/person/sis/{case.student['sourcedId']}/"))
    assert "The SIS has marked this person as deleted." in person
    assert "Of the SIS only changes are read; it was last read whole on" in person
    section = words(ann.get(f"/o/maple/search/section/{case.class_['sourcedId']}/"))
    assert "The SIS has marked this class as deleted." in section


def test_what_was_listed_since_and_is_not_planned_yet(case: Case, ann: Person) -> None:
    """A run of users reads the enrollments too, and does nothing with them."""
    case.row["status"] = "tobedeleted"
    case.sync()
    del case.row["status"]
    case.sync(kinds=("users",))
    answer = case.why(ann)
    assert "no run has come to this enrollment yet" in answer
    assert "Sync Sections/Enrollments." in answer


def test_without_delta_reads_nothing_is_said_of_them(case: Case, ann: Person) -> None:
    change(sis={"connector": "memory", "options": {"space": case.world.name}, "delta": False})
    case.sync()
    assert "only changes are read" not in words(ann.get(f"/o/maple/search/person/sis/{case.student['sourcedId']}/"))
