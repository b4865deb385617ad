"""Rule 28: an undo is guarded like any run, and can be asked for by school and by person."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.districts import District, Organization, counts, reasons, small

Make = Callable[..., Organization]


def two_schools() -> District:
    district = small().school("B").course("c2", "B").clazz("k2", "c2", "B").teacher("tess", "B").student("bo", "B")
    return district.enroll("k2", "tess", role="teacher").enroll("k2", "bo")


@pytest.mark.rule(28)
@pytest.mark.parametrize(("part", "left"), [
    ({"schools": ("A",)}, {"k2|tess", "k2|bo"}),
    ({"persons": ("sam",)}, {"k1|tina", "k1|sue", "k2|tess", "k2|bo"}),
    ({"schools": ("A",), "persons": ("bo",)}, {"k1|tina", "k1|sam", "k1|sue", "k2|tess", "k2|bo"}),
])  # fmt: skip
def test_an_undo_may_be_of_one_school_or_person(organization: Make, part: dict, left: set[str]) -> None:
    org = organization(two_schools())
    org.run()
    result = org.undo(org.plan, **part)
    assert set(org.roster) == left
    made = sum(number for words, number in result.conflicts.items() if words.startswith("users that the run created"))
    assert made == {("A",): 3, (): 1}[part.get("schools", ())] - (3 if len(part) == 2 else 0)


@pytest.mark.rule(28)
def test_a_person_takes_their_fields_back_and_nobody_elses(organization: Make) -> None:
    org = organization()
    org.run()
    org.district.put("users", "sam", givenName="Samuel").put("users", "sue", givenName="Susan")
    org.district.put("classes", "k1", title="Renamed")
    org.next_day().run()
    org.undo(org.plan, persons=("sam",))
    assert (org.user("sam")["first_name"], org.user("sue")["first_name"]) == ("Sam", "Susan")
    assert org.all("section")["k1"]["title"] == "Renamed"


@pytest.mark.rule(25)
@pytest.mark.rule(28)
def test_limits_hold_an_undo_and_an_approval_lets_it_pass(organization: Make) -> None:
    district = small()
    for place in range(30):
        district.student(f"s{place:02}").enroll("k1", f"s{place:02}")
    org = organization(district)
    org.run()
    first, before = org.plan, org.roster
    held = org.undo(first)
    assert held.state == "held"
    assert reasons(held) == {("limit", "enrollment")}
    assert counts(held, "enrollment") == {"held": 33}
    assert org.roster == before
    org.approve(held, "limit")
    assert org.undo(first).state == "done"
    assert org.roster == {}


@pytest.mark.rule(28)
def test_holds_of_an_undo_are_not_those_of_a_sync(organization: Make) -> None:
    """The same kind, action and school are above a limit, and yet they are two questions."""
    district = small()
    for place in range(60):
        district.student(f"s{place:02}").enroll("k1", f"s{place:02}")
    org = organization(district)
    org.run()
    first = org.plan
    org.district.drop("enrollments", *(f"k1-s{place:02}-student" for place in range(25)))
    [of_sync] = org.next_day().run().holds
    [of_undo] = org.undo(first, dry_run=True).holds
    assert (of_sync.kind, of_sync.action, of_sync.school) == (of_undo.kind, of_undo.action, of_undo.school)
    assert of_sync.id != of_undo.id


@pytest.mark.rule(11)
@pytest.mark.rule(28)
def test_making_somebody_staff_again_waits_for_a_person(organization: Make) -> None:
    org = organization()
    org.run()
    org.district.put("users", "tina", role="student")
    org.next_day().run()
    assert org.user("tina")["role"] == "Student"
    plan = org.plan
    held = org.undo(plan)
    assert reasons(held) == {("staff_role", "user")}
    assert org.user("tina")["role"] == "Student"
    org.approve(held, "staff_role")
    org.undo(plan)
    assert org.user("tina")["role"] == "Teacher"


@pytest.mark.rule(17)
@pytest.mark.rule(28)
def test_other_periods_of_a_live_section_wait_in_an_undo_too(organization: Make) -> None:
    org = organization(small().term("spring", "2027-01-25", "2027-06-11"))
    org.run()
    org.district.put("classes", "k1", termSourcedIds="fall,spring")
    org.approve(org.next_day().run(), "periods")
    org.next_day().run()
    assert reasons(org.undo(org.plan)) == {("periods", "section")}


@pytest.mark.rule(28)
def test_conflicts_are_findings_that_name_record_and_fields(organization: Make) -> None:
    org = organization()
    org.run()
    org.district.put("users", "sam", givenName="Samuel", familyName="Other")
    org.next_day().run()
    plan = org.plan
    org.district.put("users", "sam", familyName="Third")
    org.next_day().run()
    result = org.undo(plan, dry_run=True)
    [found] = org.findings(result, "UNDO_CONFLICT")
    assert (found["collection"], found["id"], found["detail"]) == ("user", "sam", "last_name")
    assert result.conflicts == {"users that have changed since": 1}


@pytest.mark.rule(28)
def test_what_is_back_already_is_no_conflict(organization: Make) -> None:
    org = organization()
    org.run()
    org.district.put("users", "sam", givenName="Samuel")
    org.next_day().run()
    plan = org.plan
    org.undo(plan)
    again = org.undo(plan)
    assert again.conflicts == {}
    assert org.sent == []
