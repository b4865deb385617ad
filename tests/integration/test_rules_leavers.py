"""Rule 13: accounts of people who are gone from the SIS, deactivated and revived by Rollbook (an option)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from rollbook.errors import ConfigError
from rollbook.roster.settings import parse
from tests.districts import counts, reasons, settings_of, small
from tests.integration.leaving import AFTER, Make, active, gone, left, settled

pytestmark = pytest.mark.rule(13)


def test_who_is_gone_for_long_enough_is_deactivated(organization: Make) -> None:
    org = left(organization)
    result = org.run()
    assert org.sent == [("user", "deactivate", "sam")]
    assert not active(org)
    assert counts(result, "user") == {"deactivate": 1}
    assert result.state == "done"
    assert {row["key"]: row["deactivated"] for row in org.ledger("user")} == {"sam": "yes", "sue": None, "tina": None}
    org.next_day().run()
    assert org.sent == []


def test_it_is_off_by_default(organization: Make) -> None:
    org = settled(organization()).next_day(400)
    org.run()
    assert org.sent == []
    assert active(org)
    assert "gone_since" not in org.world.memory.facts()


@pytest.mark.parametrize("days", [0, -1, 1.5, "soon", True])
def test_the_setting_is_a_number_of_whole_days(days: Any) -> None:
    with pytest.raises(ConfigError, match="deactivate_after"):
        parse(settings_of(users={"deactivate_after": days}))


def test_days_are_counted_from_the_first_sync_that_saw_it(organization: Make) -> None:
    org = settled(organization(users=AFTER))
    for _ in range(2):
        org.next_day().run()
        assert active(org)
    org.next_day().run()
    assert not active(org)


def test_days_are_days_of_the_organization(organization: Make) -> None:
    zone = {"slug": "maple", "name": "Maple Valley", "timezone": "America/New_York"}
    org = organization(users={"deactivate_after": 1}, organization=zone)
    org.now = org.now.replace(hour=23)
    settled(org)
    org.now += timedelta(hours=2)  # the next day in UTC, and the same evening there
    org.run()
    assert active(org)
    org.next_day().run()
    assert not active(org)


def test_to_be_deleted_is_gone_and_disabled_is_not(organization: Make) -> None:
    org = organization(users=AFTER)
    org.run()
    org.district.put("users", "sam", enabledUser="false").put("users", "sue", status="tobedeleted")
    org.next_day().run()
    org.next_day(3).run()
    assert org.sent == [("user", "deactivate", "sue")]


def test_who_comes_back_in_time_starts_afresh(organization: Make) -> None:
    org = organization(users=AFTER)
    org.run()
    before = org.district.copy()
    gone(org, "sam").next_day().run()
    org.district, back = before.copy(), org.district
    org.next_day(2).run()
    org.district = back
    org.next_day().run()
    org.next_day(2).run()
    assert active(org)
    org.next_day().run()
    assert not active(org)


def test_who_comes_back_is_revived_with_enrollments_and_not_doubled(organization: Make) -> None:
    org = organization(users=AFTER)
    org.run()
    before, there = org.district.copy(), org.snapshot()
    gone(org, "sam").next_day().run()
    org.next_day(3).run()
    org.district = before
    org.district.put("users", "sam", givenName="Samuel")
    result = org.next_day(20).run()
    assert org.sent[:2] == [("user", "revive", "sam"), ("user", "update", "sam")]
    assert active(org)
    there["user"]["sam"]["first_name"] = "Samuel"
    assert org.snapshot() == there
    assert counts(result, "user") == {"revive": 1, "update": 1}
    assert [row["deactivated"] for row in org.ledger("user")] == [None, None, None]
    org.next_day().run()
    assert org.sent == []


def test_it_is_revived_also_when_the_option_is_off_by_then(organization: Make) -> None:
    org = left(organization)
    org.run()
    org.settings["users"] = {}
    org.district.student("sam")
    org.next_day().run()
    assert active(org)


def test_an_account_deactivated_by_hand_stays_so(organization: Make) -> None:
    org = left(organization)
    org.stored("user", "sam").active = False
    org.run()
    assert org.sent == [], "it is not Rollbook's then"
    org.district.student("sam")
    result = org.next_day(7).run(compare_live=True)
    assert org.found(result, "ACCOUNT_INACTIVE") == ["sam"]
    assert not active(org)


def test_an_account_reactivated_by_hand_stays_so(organization: Make) -> None:
    org = left(organization)
    org.run()
    org.stored("user", "sam").active = True
    result = org.next_day().run(compare_live=True)
    assert org.sent == []
    assert org.found(result, "ACCOUNT_REACTIVATED") == ["sam"]
    org.next_day(100).run()
    assert org.sent == []
    assert active(org)


def test_a_comparison_does_not_take_ours_for_one_deactivated_by_hand(organization: Make) -> None:
    org = left(organization)
    org.run()
    result = org.next_day().run(compare_live=True)
    assert org.sent == []
    assert not org.found(result, "ACCOUNT_INACTIVE")
    org.district.student("sam")
    org.next_day().run(compare_live=True)
    assert org.sent == [("user", "revive", "sam")]


@pytest.mark.parametrize("trouble", ["users", "classes"])
def test_nothing_is_concluded_from_a_part(organization: Make, trouble: str) -> None:
    org = left(organization)
    org.lms.faults.break_read_at[trouble] = 1
    for name in ("users", "classes"):  # so many that a second page is asked for
        for number in range(120):
            org.district.teacher(f"t{number}") if name == "users" else org.district.clazz(f"x{number}")
    org.run()
    assert active(org)
    org.lms.faults.break_read_at.clear()
    org.next_day().run()
    assert not active(org), "the count goes on"


def test_nothing_is_concluded_from_a_read_that_shrank(organization: Make) -> None:
    district = small()
    for number in range(30):
        district.student(f"s{number:02}")
    org = organization(district, users=AFTER)
    org.run()
    gone(org, *(f"s{number:02}" for number in range(25))).next_day().run()
    assert org.world.memory.facts()["gone_since"] == {}
    org.next_day(3).run()
    assert all(active(org, f"s{number:02}") for number in range(30))


@pytest.mark.rule(25)
def test_a_mass_deactivation_is_held_by_the_limit_of_removals(organization: Make) -> None:
    district = small()
    for number in range(100):
        district.student(f"s{number:02}")
    org = organization(district, users=AFTER)
    org.run()
    leavers = [f"s{number:02}" for number in range(25)]
    gone(org, *leavers).next_day().run()
    result = org.next_day(3).run()
    assert reasons(result) == {("limit", "user")}
    assert [(hold.action, hold.count) for hold in result.holds] == [("deactivate", 25)]
    assert org.sent == []
    org.approve(result, "limit")
    org.next_day().run()
    assert sorted(org.sent) == [("user", "deactivate", key) for key in leavers]


def frozen_settings() -> dict[str, dict[str, Any]]:
    return {
        "school": {"schools": {"*": "create", "A": "skip"}},
        "role": {"roles": {"*": {"teacher": "Teacher", "*": "skip"}}},
        "person": {"exclude": {"people": ["sam"]}},
        "e-mail": {"exclude": {"emails": ["SAM@*"]}},
    }


@pytest.mark.rule(1)
@pytest.mark.rule(7)
@pytest.mark.parametrize("what", list(frozen_settings()))
def test_what_is_frozen_stays(organization: Make, what: str) -> None:
    org = left(organization)
    org.settings |= frozen_settings()[what]
    org.run()
    org.next_day(30).run()
    assert active(org)


def test_protected_accounts_stay(organization: Make) -> None:
    org = left(organization)
    org.stored("user", "sam").protected = True  # made an administrator by hand since the last comparison
    org.run()
    assert org.sent == []


def test_an_account_that_is_not_in_the_ledger_stays(organization: Make) -> None:
    org = left(organization)
    by_hand = org.lms.add("user", "hand", {"username": "hand", "additional_buildings": []})
    org.run(compare_live=True)
    assert by_hand.active


def test_another_account_in_its_place_stays(organization: Make) -> None:
    org = left(organization)
    sam = org.stored("user", "sam")
    org.lms.delete("user", sam)
    other = org.lms.add("user", "sam", sam.fields)
    org.run()
    assert other.active


def test_a_person_under_a_new_id_is_not_a_leaver(organization: Make) -> None:
    org = organization(users=AFTER)
    org.run()
    gone(org, "sam").district.student("sam-2", username="sam", email="sam@x.example", givenName="Sam")
    for _ in range(6):
        result = org.next_day().run()
        assert ("rekey", "user") in reasons(result)
        assert active(org)


@pytest.mark.parametrize("unique_id", ["sourcedId", "username"])
@pytest.mark.parametrize("spelled", ["sam", "SAM"])
def test_whoever_still_has_an_enrollment_in_the_sis_is_not_gone(
    organization: Make, unique_id: str, spelled: str
) -> None:
    org = organization(users=AFTER | {"unique_id": unique_id})
    org.run()
    org.district.drop("users", "sam").put("enrollments", "k1-sam-student", userSourcedId=spelled)
    for _ in range(6):
        org.next_day().run()
        assert active(org)


def test_what_waits_to_be_taken_away_is_taken_away_first(organization: Make) -> None:
    district = small()
    for number in range(30):
        district.clazz(f"x{number:02}").enroll(f"x{number:02}", "sam", "sue")
    org = organization(district, users=AFTER)
    org.run()
    gone(org, "sam").next_day().run()
    result = org.next_day(3).run()
    assert reasons(result) == {("limit", "enrollment")}
    assert active(org)
    org.approve(result, "limit")
    org.next_day().run()
    assert {action for _, action, _ in org.sent} == {"remove"}
    org.next_day().run()
    assert org.sent == [("user", "deactivate", "sam")]


def test_what_it_still_had_stays_with_it(organization: Make) -> None:
    """The roster of a section that is over stays (rule 20), so a revived account has it again."""
    org = organization(users=AFTER)
    org.run()
    org.next_day(70)  # the term is over
    gone(org, "sam").run()
    org.next_day(3).run()
    assert not active(org)
    assert "k1|sam" in org.roster
    org.district.put("academicSessions", "fall", endDate="2027-06-30")
    org.next_day().run()
    assert "k1|sam" in org.roster


def test_kinds_and_schools_filter_it(organization: Make) -> None:
    org = organization(small().school("B").student("ben", "B").student("bea", "B"), users=AFTER)
    settled(org, "sam", "ben").next_day(3)
    org.run(kinds=("building", "section", "enrollment"))
    assert active(org)
    org.run(schools=("B",))
    assert (active(org), active(org, "ben")) == (True, False)


def test_a_dry_run_counts_no_days_and_sends_nothing(organization: Make) -> None:
    org = organization(users=AFTER)
    org.run()
    gone(org, "sam").next_day().run(dry_run=True)
    org.next_day(9).run()
    assert active(org)
