"""Rule 28: what an undo put back is pinned until the SIS's value changes, the pin expires or a person lifts it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.districts import Organization, counts, small

Make = Callable[..., Organization]


def undone(organization: Make, **settings: object) -> Organization:
    """Sam was renamed, k1 got another title, x1 came in and sue went out; then that run was undone."""
    org = organization(small().student("x1"), **settings)
    org.run()
    org.district.put("users", "sam", givenName="Samuel").put("classes", "k1", title="Renamed")
    org.district.drop("enrollments", "k1-sue-student").enroll("k1", "x1")
    org.next_day().run()
    org.undo(org.plan)
    assert as_before(org)
    return org


def as_before(org: Organization) -> bool:
    return (
        org.user("sam")["first_name"] == "Sam"
        and org.all("section")["k1"]["title"] == "Class k1"
        and set(org.roster) == {"k1|tina", "k1|sam", "k1|sue"}
    )


@pytest.mark.rule(28)
@pytest.mark.parametrize("compare", ["never", "every"])
def test_the_next_syncs_leave_what_was_undone(organization: Make, compare: str) -> None:
    org = undone(organization, live={"compare": compare})
    version = org.world.ledger.version.number
    for _ in range(3):
        result = org.next_day().run()
        assert as_before(org)
        assert org.sent == []
    assert org.world.ledger.version.number == version
    assert {(row["collection"], row["id"], row["detail"]) for row in org.findings(result, "UNDO_PIN")} == {
        ("user", "sam", "first_name"), ("section", "k1", "title"),
        ("enrollment", "k1|x1", "kept out"), ("enrollment", "k1|sue", "kept in"),
    }  # fmt: skip


@pytest.mark.rule(28)
def test_pins_end_where_the_sis_says_something_else(organization: Make) -> None:
    org = undone(organization)
    org.district.put("users", "sam", givenName="Sammy").put("classes", "k1", title="Third")
    org.district.drop("enrollments", "k1-x1-student").enroll("k1", "sue")
    org.next_day().run()
    assert org.user("sam")["first_name"] == "Sammy"
    assert org.all("section")["k1"]["title"] == "Third"
    assert set(org.roster) == {"k1|tina", "k1|sam", "k1|sue"}
    assert org.world.pins.pins == {}
    org.district.put("users", "sam", givenName="Samuel").enroll("k1", "x1").drop("enrollments", "k1-sue-student")
    org.next_day().run()
    assert org.user("sam")["first_name"] == "Samuel", "a pin that ended does not come back"
    assert set(org.roster) == {"k1|tina", "k1|sam", "k1|x1"}


@pytest.mark.rule(28)
def test_only_the_pin_whose_value_changed_ends(organization: Make) -> None:
    org = undone(organization)
    org.district.put("users", "sam", givenName="Sammy", familyName="Other")
    org.next_day().run()
    assert (org.user("sam")["first_name"], org.user("sam")["last_name"]) == ("Sammy", "Other")
    assert {(kind, key) for kind, key, _ in org.world.pins.pins} == {
        ("section", "k1"), ("enrollment", "k1|x1"), ("enrollment", "k1|sue")
    }  # fmt: skip


@pytest.mark.rule(28)
def test_other_fields_of_a_pinned_record_still_follow_the_sis(organization: Make) -> None:
    org = undone(organization)
    org.district.put("users", "sam", familyName="Other")
    org.next_day().run()
    assert (org.user("sam")["first_name"], org.user("sam")["last_name"]) == ("Sam", "Other")


@pytest.mark.rule(23)
@pytest.mark.rule(28)
def test_a_comparison_goes_back_to_the_pinned_value(organization: Make) -> None:
    org = undone(organization)
    org.stored("user", "sam").fields["first_name"] = "By Hand"
    org.next_day().run(compare_live=True)
    assert org.user("sam")["first_name"] == "Sam"


@pytest.mark.rule(28)
@pytest.mark.parametrize(("setting", "days"), [({}, 30), ({"undo": {"pin_days": 3}}, 3)])
def test_pins_expire(organization: Make, setting: dict, days: int) -> None:
    org = undone(organization, **setting)
    org.next_day(days - 1).run()
    assert as_before(org)
    org.next_day(1).run()
    assert org.user("sam")["first_name"] == "Samuel"
    assert org.all("section")["k1"]["title"] == "Renamed"
    assert set(org.roster) == {"k1|tina", "k1|sam", "k1|x1"}


@pytest.mark.rule(28)
def test_no_days_are_no_pins(organization: Make) -> None:
    org = undone(organization, undo={"pin_days": 0})
    org.next_day().run()
    assert org.user("sam")["first_name"] == "Samuel"


@pytest.mark.rule(28)
def test_an_undone_undo_leaves_no_pin(organization: Make) -> None:
    org = undone(organization)
    assert org.plan is not None
    org.undo((org.plan[0] - 1, org.plan[1]))  # in memory, an undo writes into the journal of what it undoes
    assert org.user("sam")["first_name"] == "Samuel"
    assert set(org.roster) == {"k1|tina", "k1|sam", "k1|x1"}
    assert org.world.pins.pins == {}
    org.next_day().run()
    assert org.sent == []


@pytest.mark.rule(28)
def test_an_incomplete_read_ends_no_pin(organization: Make) -> None:
    org = undone(organization)
    there = dict(org.world.pins.pins)
    org.lms.faults.break_read_at["enrollments"] = 1
    org.next_day().run()
    org.lms.faults.break_read_at.clear()
    assert org.world.pins.pins == there
    org.next_day().run()
    assert as_before(org)


@pytest.mark.rule(1)
@pytest.mark.rule(28)
def test_what_is_out_of_scope_keeps_its_pin(organization: Make) -> None:
    org = undone(organization)
    there = dict(org.world.pins.pins)
    org.settings["schools"] = {"A": "skip"}
    org.next_day().run()
    assert org.world.pins.pins == there
    org.settings["schools"] = {"*": "create"}
    org.next_day().run()
    assert as_before(org)


@pytest.mark.rule(28)
def test_a_dry_run_ends_no_pin(organization: Make) -> None:
    org = undone(organization)
    there = dict(org.world.pins.pins)
    org.district.put("users", "sam", givenName="Sammy")
    assert counts(org.next_day().run(dry_run=True), "user") == {"update": 1}
    assert org.world.pins.pins == there


@pytest.mark.rule(28)
def test_an_undone_role_in_a_section_and_an_undone_guardian_stay(organization: Make) -> None:
    district = small().user("gina", "guardian", "A").user("gus", "guardian", "A")
    org = organization(district.put("users", "sam", agentSourcedIds="gina"))
    org.run()
    org.district.put("users", "sam", agentSourcedIds="gus")
    org.district.enroll("k1", "sam", role="teacher")
    org.next_day().run()
    assert org.roster["k1|sam"] == "admin"
    org.undo(org.plan)
    links = org.all("guardian_link")
    assert org.roster["k1|sam"] == "member"
    assert set(links) == {"sam|gina"}
    org.next_day().run(compare_live=True)
    assert org.sent == []
    assert org.roster["k1|sam"] == "member"
    org.district.put("users", "sam", agentSourcedIds="gina").drop("enrollments", "k1-sam-teacher")
    org.next_day().run()
    assert org.sent == []
    assert org.world.pins.pins == {}, "the SIS says again what the undo made of it"
