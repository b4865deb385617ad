"""Rules 25 and 26: limits, holds, permits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import msgspec
import pytest

from rollbook.core.protocols import Permit
from rollbook.errors import StalePlan
from tests.districts import District, Organization, counts, reasons, small

Make = Callable[..., Organization]


def pupils(number: int, *schools: str) -> District:
    """Schools with a class each that all `number` pupils of the school attend."""
    district = District().term("fall")
    for school in schools or ("A",):
        district.school(school).course(f"c{school}", school).clazz(f"k{school}", f"c{school}", school)
        for place in range(number):
            district.student(f"{school}{place:03}", school).enroll(f"k{school}", f"{school}{place:03}")
    return district


def leave(district: District, school: str, places: Iterable[int]) -> None:
    district.drop("enrollments", *(f"k{school}-{school}{place:03}-student" for place in places))


# --- rule 25 ----------------------------------------------------------------------------------------------------------


@pytest.mark.rule(25)
@pytest.mark.parametrize(
    ("there", "leaving", "held"), [(100, 19, False), (200, 20, False), (199, 20, True), (100, 20, True)]
)
def test_removing_more_than_ten_percent_and_at_least_twenty_is_held(
    organization: Make, there: int, leaving: int, held: bool
) -> None:
    org = organization(pupils(there))
    org.run()
    leave(org.district, "A", range(leaving))
    result = org.next_day().run()
    assert (result.state == "held") == held
    assert len(org.roster) == (there if held else there - leaving)
    if held:
        school, everywhere = result.holds[0], result.holds[1:]
        assert (school.reason, school.kind, school.action, school.school) == ("limit", "enrollment", "remove", "A")
        assert (school.count, school.of) == (leaving, there)
        assert everywhere == []


@pytest.mark.rule(25)
@pytest.mark.parametrize(("there", "changing", "held"), [(132, 99, False), (133, 100, True), (134, 100, False)])
def test_updating_more_than_75_percent_and_at_least_a_hundred_is_held(
    organization: Make, there: int, changing: int, held: bool
) -> None:
    org = organization(pupils(there))
    org.run(kinds=("building", "user"))
    for place in range(changing):
        org.district.put("users", f"A{place:03}", familyName="Changed")
    result = org.next_day().run(kinds=("building", "user"))
    assert counts(result, "user") == ({"held": changing} if held else {"update": changing})


@pytest.mark.rule(25)
def test_creating_counts_only_once_a_first_full_sync_is_done(organization: Make) -> None:
    org = organization(pupils(101))
    assert org.run().holds == []
    for place in range(100):
        org.district.student(f"new{place}")
    result = org.next_day().run()
    assert reasons(result) == {("limit", "user")}
    assert len(org.users) == 101


@pytest.mark.rule(25)
def test_limits_count_per_school_and_for_the_organization_and_the_rest_goes_on(organization: Make) -> None:
    org = organization(pupils(60, "A", "B", "C"))
    org.run()
    leave(org.district, "A", range(25))
    leave(org.district, "B", range(3))
    org.district.put("users", "A000", familyName="Changed").student("new").enroll("kA", "new")
    result = org.next_day().run()
    assert [(hold.school, hold.count) for hold in result.holds] == [("A", 25)]
    assert "kB|B000" not in org.roster
    assert {"kA|A000", "kA|new"} <= set(org.roster)
    assert org.user("A000")["last_name"] == "Changed"
    for school in ("B", "C"):
        leave(org.district, school, range(10, 27))
    holds = org.next_day().run().holds
    assert {(hold.school, hold.count) for hold in holds} == {("A", 25), (None, 34)}


@pytest.mark.rule(25)
def test_a_school_that_shrank_loses_nothing_unseen(organization: Make) -> None:
    org = organization(pupils(8, "A", "B"))
    org.run()
    leave(org.district, "A", range(5))
    leave(org.district, "B", range(4))
    result = org.next_day().run()
    assert [(hold.reason, hold.school, hold.count) for hold in result.holds] == [("shrank", "A", 5)]
    assert sum(key.startswith("kA") for key in org.roster) == 8
    assert sum(key.startswith("kB") for key in org.roster) == 4
    assert reasons(org.next_day().run()) == {("shrank", "enrollment")}, "and not on the second day either"


@pytest.mark.rule(25)
@pytest.mark.parametrize("emptied", ["enrollments", "users", "classes"])
def test_an_empty_collection_removes_nothing(organization: Make, emptied: str) -> None:
    org = organization(pupils(5))
    org.run()
    org.district.rows[emptied].clear()
    org.next_day().run()
    org.next_day().run()
    assert len(org.roster) == 5


# --- rule 26 ----------------------------------------------------------------------------------------------------------


@pytest.mark.rule(26)
def test_approving_plans_afresh_and_lets_only_matching_changes_pass(organization: Make) -> None:
    org = organization(pupils(100))
    org.run()
    leave(org.district, "A", range(30))
    held = org.next_day().run()
    org.approve(held, "limit")
    org.district.enroll("kA", "A000")
    leave(org.district, "A", range(40, 50))
    result = org.next_day().run()
    assert "kA|A000" in org.roster, "what is no longer wanted is not sent"
    assert "kA|A001" not in org.roster
    assert len(org.roster) == 100 - 29 - 10
    assert result.state == "done", "the ten others are below the limit"


@pytest.mark.rule(26)
def test_a_permit_is_bound_to_the_wanted_side(organization: Make) -> None:
    org = organization(small())
    org.run()
    org.district.put("users", "sue", role="teacher")
    org.approve(org.next_day().run(), "staff_role")
    org.district.put("users", "sue", givenName="Susan")
    assert reasons(org.next_day().run()) == {("staff_role", "user")}
    assert org.user("sue")["role"] == "Student"


@pytest.mark.rule(26)
def test_a_permit_ends(organization: Make) -> None:
    org = organization(small())
    org.run()
    org.district.put("users", "sue", role="teacher")
    org.approve(org.next_day().run(), "staff_role")
    [permit] = org.world.permits.permits
    org.world.permits.permits = [Permit(permit.hold, permit.blob, datetime(2020, 1, 1, tzinfo=UTC))]
    assert reasons(org.next_day().run()) == {("staff_role", "user")}


@pytest.mark.rule(26)
def test_a_plan_that_counts_on_an_approval_cannot_be_sent_after_its_end(organization: Make) -> None:
    org = organization(small())
    org.run()
    org.district.put("users", "sue", role="teacher")
    org.approve(org.next_day().run(), "staff_role")
    planned = org.next_day().run(dry_run=True)
    assert planned.plan is not None
    assert not planned.holds
    org.plan, permits = (org.world.runs, planned.plan), org.world.permits.permits
    org.world.permits.permits = []
    with pytest.raises(StalePlan, match="approval"):
        org.resume()
    assert org.user("sue")["role"] == "Student"
    org.world.permits.permits = permits
    org.resume()
    assert org.user("sue")["role"] == "Teacher"


@pytest.mark.rule(26)
def test_a_hold_keeps_its_id_from_run_to_run(organization: Make) -> None:
    org = organization(pupils(100))
    org.run()
    leave(org.district, "A", range(30))
    first = org.next_day().run()
    leave(org.district, "A", range(30, 40))
    second = org.next_day().run()
    assert [hold.id for hold in first.holds] == [hold.id for hold in second.holds]
    assert [hold.count for hold in second.holds] == [40]
    assert msgspec.json.encode(first.holds)


@pytest.mark.rule(26)
def test_children_of_what_is_held_wait(organization: Make) -> None:
    org = organization(pupils(101))
    org.run()
    for place in range(100):
        org.district.student(f"new{place}").enroll("kA", f"new{place}")
    result = org.next_day().run()
    assert counts(result, "enrollment")["held"] + counts(result, "enrollment").get("waiting", 0) == 100
    assert len(org.roster) == 101
    org.approve(result, "limit", "user")
    again = org.next_day().run()
    assert len(org.users) == 201
    assert reasons(again) == {("limit", "enrollment")}
