"""Rule 1: what was unmapped stays as it is, also when the SIS drops it later; one key for each building."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.districts import ROLES, District, Organization, differing, reasons, small

Make = Callable[..., Organization]

DROPPED = ("k1-tina-teacher", "k1-sam-student", "k1-sue-student")


def drop_class(district: District) -> District:
    return district.drop("classes", "k1").drop("enrollments", *DROPPED)


# --- terms ------------------------------------------------------------------------------------------------------------


@pytest.mark.rule(1)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"*": {"*": "create"}}, {"*": {"fall": "skip", "*": "create"}}),
        ({"*": {"*": "create"}}, {"A": {"fall": "skip"}, "*": {"*": "create"}}),
        ({"*": {"*": "create"}}, {"*": {"*": "skip"}}),
        ({"*": {"fall": "title:MP1"}}, {"*": {"fall": "skip"}}),
        ({"*": {"fall": "title:MP1"}}, {}),
    ],
)
@pytest.mark.parametrize("term_stays", [True, False])
def test_a_class_dropped_after_its_term_was_unmapped_keeps_its_roster(
    organization: Make, before: Any, after: Any, term_stays: bool
) -> None:
    org = organization(small().clazz("k2", terms="year").term("year", "2026-08-24", "2027-06-11"), terms=before)
    org.lms.add("grading_period", "MP1", {"title": "MP1", "start": "2026-08-24", "end": "2027-01-22"})
    org.run()
    roster = org.roster
    org.settings["terms"] = after
    org.next_day().run()
    drop_class(org.district)
    if not term_stays:
        org.district.drop("academicSessions", "fall")
    org.next_day().run()
    assert org.roster == roster
    org.settings["terms"] = before
    org.next_day().run()
    assert org.roster == {}, "mapping it again thaws it"


@pytest.mark.rule(1)
def test_a_period_shared_with_another_school_says_nothing_about_this_one(organization: Make) -> None:
    district = small().school("B").term("a-fall", title="fall").course("c2", "B").clazz("k2", "c2", "B", "a-fall")
    org = organization(district)
    org.run()
    assert len(org.all("grading_period")) == 1
    roster = org.roster
    org.settings["terms"] = {"A": {"fall": "skip"}, "*": {"*": "create"}}
    drop_class(district)
    org.next_day().run()
    assert org.roster == roster


@pytest.mark.rule(20)
@pytest.mark.parametrize("terms", [{"*": {"*": "create"}}, {"*": {"fall": "title:MP1"}}, {"*": {"*": "title:MP1"}}])
def test_a_class_dropped_in_a_mapped_term_loses_its_roster(organization: Make, terms: Any) -> None:
    district = small().clazz("k2").enroll("k2", "tina", role="teacher").enroll("k2", "sam", "sue")
    org = organization(district, terms=terms)
    org.lms.add("grading_period", "MP1", {"title": "MP1", "start": "2026-08-24", "end": "2027-01-22"})
    org.run()
    drop_class(org.district)
    org.next_day().run()
    assert set(org.roster) == {"k2|tina", "k2|sam", "k2|sue"}


# --- roles, schools, exclusions ---------------------------------------------------------------------------------------


@pytest.mark.rule(1)
@pytest.mark.parametrize(
    "unmapped",
    [
        {"roles": {"*": ROLES | {"student": "skip"}}},
        {"roles": {"*": {"teacher": "Teacher"}}},
        {"roles": {"B": ROLES}},
        {"schools": {"A": "skip", "*": "create"}},
        {"exclude": {"people": ["sam"]}},
        {"exclude": {"courses": ["c1"]}},
    ],
    ids=["role", "role-not-listed", "no-role-map", "school", "person", "course"],
)
def test_who_vanishes_after_being_unmapped_keeps_their_places(organization: Make, unmapped: dict[str, Any]) -> None:
    org = organization(small().student("max"))
    org.run()
    roster = org.roster
    org.settings |= unmapped
    org.next_day().run()
    org.district.drop("users", "sam").drop("enrollments", "k1-sam-student")
    if unmapped == {"exclude": {"courses": ["c1"]}}:
        org.district.drop("classes", "k1")
    org.next_day().run()
    assert org.roster == roster


@pytest.mark.rule(1)
def test_a_person_of_an_unmapped_school_keeps_places_elsewhere(organization: Make) -> None:
    org = organization(small().school("B").student("bob", "B").enroll("k1", "bob"))
    org.run()
    org.settings["schools"] = {"B": "skip", "*": "create"}
    org.district.drop("users", "bob").drop("enrollments", "k1-bob-student")
    org.next_day().run()
    assert org.roster["k1|bob"] == "member"


@pytest.mark.rule(15)
def test_a_guardian_who_vanishes_after_the_role_was_unmapped_stays_linked(organization: Make) -> None:
    org = organization(small().user("gil", "guardian", "A").put("users", "sam", agentSourcedIds="gil"))
    org.run()
    links = org.all("guardian_link")
    assert links
    org.settings["roles"] = {"*": ROLES | {"guardian": "skip", "parent": "skip"}}
    org.district.drop("users", "gil").put("users", "sam", agentSourcedIds="")
    org.next_day().run()
    assert org.all("guardian_link") == links


@pytest.mark.rule(20)
def test_a_vanished_system_administrator_is_gone_like_anybody(organization: Make) -> None:
    org = organization(live={"compare": "every"})
    org.run()
    org.stored("user", "tina").protected = True
    org.stored("user", "tina").fields["role"] = "Admin"
    org.next_day().run()
    org.district.drop("users", "tina").drop("enrollments", "k1-tina-teacher")
    org.next_day().run()
    assert "k1|tina" not in org.roster


# --- schools that are gone --------------------------------------------------------------------------------------------


@pytest.mark.rule(1)
def test_a_school_that_vanishes_freezes_and_is_named(organization: Make) -> None:
    org = organization(small().school("B", name="Hill"))
    org.run()
    before = org.snapshot()
    org.district.drop("orgs", "A")
    for _ in range(2):
        result = org.next_day().run()
        (finding,) = org.findings(result, "SCHOOL_GONE")
        assert (finding["id"], finding["other"]) == ("A", "School A")
        assert finding["detail"] == "3 users, 1 courses, 1 sections, 3 enrollments"
        assert finding["dependants"] == 8
        assert differing(before, org.snapshot()) == {}
    org.settings["schools"] = {"A": "skip", "*": "create"}
    assert org.found(org.next_day().run(), "SCHOOL_GONE") == []
    org.settings["schools"] = {"*": "create"}
    org.district.school("A")
    assert org.found(org.next_day().run(), "SCHOOL_GONE") == []


@pytest.mark.rule(20)
def test_a_school_missing_from_half_a_read_is_not_called_gone(organization: Make) -> None:
    org = organization()
    org.run()
    org.district.drop("orgs", "A")
    options = org.source._options
    org.source._options = type(options)(space=options.space, page_size=1)
    org.lms.faults.break_read_at["enrollments"] = 1
    assert org.found(org.next_day().run(), "SCHOOL_GONE") == []


# --- one building, several spellings ----------------------------------------------------------------------------------


def two_schools() -> District:
    return small().school("B").course("c1", "").student("bob", "B").clazz("k2", "c1", "B").enroll("k2", "bob")


@pytest.mark.rule(1)
@pytest.mark.parametrize("first", ["code:X", "id:{id}"])
def test_two_spellings_of_one_building_are_one_building(organization: Make, first: str) -> None:
    org = organization(two_schools())
    lms_id = org.lms.add("building", "X", {"title": "Hill", "code": "X"}).lms_id
    other = f"id:{lms_id}" if first == "code:X" else "code:X"
    org.settings["schools"] = {"A": first.format(id=lms_id), "B": other}
    assert org.run().state == "done"
    assert [row["lms_id"] for row in org.ledger("building")] == [lms_id]
    assert len(org.all("course")) == 1, "a course of one building is one course"
    assert {fields["building"] for fields in org.all("user").values()} == {"X"}
    assert org.user("bob")["additional_buildings"] == []
    org.next_day().run()
    assert org.sent == []


@pytest.mark.rule(1)
@pytest.mark.parametrize("way", ["id-then-code", "code-then-id"])
def test_another_spelling_of_the_same_building_moves_nothing(organization: Make, way: str) -> None:
    org = organization(two_schools())
    lms_id = org.lms.add("building", "X", {"title": "Hill", "code": "X"}).lms_id
    spellings = [f"id:{lms_id}", "code:X"][:: 1 if way == "id-then-code" else -1]
    org.settings["schools"] = {"*": spellings[0]}
    org.run()
    keys = [row["key"] for row in org.ledger("building")]
    assert keys == [spellings[0]]
    org.settings["schools"] = {"A": spellings[1], "B": spellings[0]}
    result = org.next_day().run()
    assert reasons(result) == set()
    assert org.sent == []
    assert [row["key"] for row in org.ledger("building")] == keys


@pytest.mark.rule(2)
def test_a_school_mapped_to_the_building_that_another_school_got_shares_it(organization: Make) -> None:
    org = organization(two_schools(), schools={"A": "create"})
    org.run()
    lms_id = org.stored("building", "A").lms_id
    org.settings["schools"] = {"A": "create", "B": f"id:{lms_id}"}
    assert org.next_day().run().state == "done"
    assert org.user("bob")["building"] == "A"
    assert [row["key"] for row in org.ledger("building")] == ["org:A"]
    org.next_day().run()
    assert org.sent == []
