"""Rules 19 to 21: who is enrolled, from when to when, and what gone means."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.districts import District, Organization, counts, differing, reasons, small

Make = Callable[..., Organization]


def crowded() -> District:
    """`small()` beside a class k0 of eight, so that a few who leave are no shrinking school (rule 25)."""
    district = small().clazz("k0")
    for number in range(8):
        district.student(f"s{number}").enroll("k0", f"s{number}")
    return district


def of_k1(org: Organization) -> set[str]:
    return {key.removeprefix("k1|") for key in org.roster if key.startswith("k1|")}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# --- rule 19 ----------------------------------------------------------------------------------------------------------


@pytest.mark.rule(19)
def test_an_enrollment_is_a_section_and_a_person_teacher_over_student(organization: Make) -> None:
    district = small().teacher("tom").enroll("k1", "tom", role="teacher").enroll("k1", "tina", role="student")
    district.enroll("k1", "sue", role="aide").put(
        "enrollments", "again", classSourcedId="k1", userSourcedId="sam", role="student"
    )
    org = organization(district)
    org.run()
    assert org.roster == {"k1|tina": "admin", "k1|tom": "admin", "k1|sam": "member", "k1|sue": "member"}


@pytest.mark.rule(19)
def test_admin_only_by_a_live_enrollment_as_teacher(organization: Make) -> None:
    org = organization(small().enroll("k1", "tina").put("enrollments", "k1-tina-teacher", endDate="2026-12-01"))
    org.run()
    assert org.roster["k1|tina"] == "admin"
    org.next_day(14).run()
    assert org.roster["k1|tina"] == "member"


@pytest.mark.rule(19)
@pytest.mark.parametrize(("before", "given"), [(14, "2026-12-07"), (0, "2026-11-23"), (3, "2026-11-26")])
def test_it_starts_days_before_its_begin_date(organization: Make, before: int, given: str) -> None:
    later = str(datetime.fromisoformat(given).date().replace(day=int(given[-2:]) + 1))
    district = small().put("enrollments", "k1-sam-student", beginDate=given)
    district.put("enrollments", "k1-sue-student", beginDate=later)
    org = organization(district, enrollments={"give_days_before": before})
    org.run()
    assert set(org.roster) == {"k1|tina", "k1|sam"}
    org.next_day().run()
    assert "k1|sue" in org.roster


@pytest.mark.rule(19)
@pytest.mark.parametrize(
    ("how", "last"), [("inclusive", "2026-11-23"), ("exclusive", "2026-11-24"), (None, "2026-11-23")]
)
def test_end_dates_are_inclusive_or_exclusive(organization: Make, how: str | None, last: str) -> None:
    option: dict[str, Any] = {} if how is None else {"end_dates": how}
    org = organization(small().put("enrollments", "k1-sam-student", endDate=last), enrollments=option)
    org.run()
    assert "k1|sam" in org.roster
    org.next_day().run()
    assert "k1|sam" not in org.roster


@pytest.mark.rule(19)
@pytest.mark.parametrize(("zone", "there"), [("America/New_York", True), ("UTC", False), ("Asia/Tokyo", False)])
def test_days_are_days_of_the_organizations_zone(organization: Make, zone: str, there: bool) -> None:
    named = {"slug": "maple", "name": "Maple Valley", "timezone": zone}
    org = organization(small().put("enrollments", "k1-sam-student", endDate="2026-11-23"), organization=named)
    org.now = at("2026-11-24T03:00:00")
    org.run()
    assert ("k1|sam" in org.roster) == there


# --- rule 20 ----------------------------------------------------------------------------------------------------------


@pytest.mark.rule(20)
def test_absent_or_tobedeleted_is_gone_and_what_returns_is_not_doubled(organization: Make) -> None:
    org = organization(crowded())
    org.run()
    org.district.drop("enrollments", "k1-sam-student").put("enrollments", "k1-sue-student", status="tobedeleted")
    result = org.next_day().run()
    assert counts(result, "enrollment") == {"remove": 2}
    assert of_k1(org) == {"tina"}
    org.district.enroll("k1", "sam").put("enrollments", "k1-sue-student", status="active")
    org.next_day().run()
    assert of_k1(org) == {"tina", "sam", "sue"}
    assert len(org.ledger("enrollment")) == 3 + 8


@pytest.mark.rule(20)
@pytest.mark.parametrize("broken", ["orgs", "academicSessions", "courses", "classes", "users", "enrollments"])
def test_nothing_is_gone_after_an_incomplete_read(organization: Make, broken: str) -> None:
    org = organization()
    options = org.source._options
    org.source._options = type(options)(space=options.space, page_size=1)
    for number in range(2, 5):
        org.district.school(f"S{number}").term(f"t{number}").course(f"x{number}", f"S{number}")
    org.district.clazz("k2", "x2", "S2")
    org.run()
    before = org.roster
    org.district.drop("enrollments", "k1-sam-student")
    org.lms.faults.break_read_at[broken] = 1
    result = org.next_day().run()
    assert org.roster == before
    assert result.verdicts[broken]
    assert org.findings(result, "SOURCE_INCOMPLETE")
    org.lms.faults.break_read_at.clear()
    org.next_day().run()
    assert "k1|sam" not in org.roster


@pytest.mark.rule(20)
def test_present_but_blocked_is_not_gone(organization: Make) -> None:
    org = organization(crowded().clazz("k2").enroll("k2", "sam"))
    org.run()
    before = org.roster
    org.district.put("users", "sam", username="with space").put("classes", "k2", courseSourcedId="nowhere")
    org.district.put("enrollments", "k1-sue-student", beginDate="2026-12-01", endDate="2026-09-01")
    result = org.next_day().run()
    assert org.roster == before
    assert {"USER_USERNAME_SPACE", "CLASS_COURSE_MISSING", "ENROLLMENT_DATES_SWAPPED"} <= set(result.findings)


@pytest.mark.rule(20)
@pytest.mark.parametrize("how", ["absent", "tobedeleted"])
@pytest.mark.parametrize(("collection", "id"), [("users", "sam"), ("classes", "k1")])
@pytest.mark.parametrize("unique_id", ["sourcedId", "username"])
def test_an_enrollment_whose_class_or_user_is_missing_is_blocked_and_not_gone(
    organization: Make, collection: str, id: str, how: str, unique_id: str
) -> None:
    org = organization(crowded(), users={"unique_id": unique_id})
    org.run()
    before = org.roster
    if how == "absent":
        org.district.drop(collection, id)
    else:
        org.district.put(collection, id, status="tobedeleted")
    result = org.next_day().run()
    assert {"ENROLLMENT_USER_MISSING", "ENROLLMENT_CLASS_MISSING"} & set(result.findings)
    assert (
        org.findings(result, "ENROLLMENT_USER_MISSING" if id == "sam" else "ENROLLMENT_CLASS_MISSING")[0]["other"] == id
    )
    assert (org.roster, result.holds) == (before, [])


@pytest.mark.rule(20)
def test_with_the_person_gone_too_the_enrollment_goes(organization: Make) -> None:
    org = organization(crowded().clazz("k2").enroll("k2", "sue"))
    org.run()
    org.district.drop("users", "sam").drop("enrollments", "k1-sam-student")
    org.district.drop("classes", "k2").drop("enrollments", "k2-sue-student")
    org.next_day().run()
    assert of_k1(org) == {"tina", "sue"}
    assert "k2|sue" not in org.roster


@pytest.mark.rule(20)
def test_an_unreadable_role_is_not_gone(organization: Make) -> None:
    org = organization()
    org.run()
    before = org.roster
    org.district.put("enrollments", "k1-sam-student", role="learner").put("enrollments", "k1-tina-teacher", role="")
    org.next_day().run()
    assert differing(before, org.roster) == {}


@pytest.mark.rule(20)
def test_a_concluded_sections_roster_stays(organization: Make) -> None:
    district = small().student("early").student("late").enroll("k1", "early", "late")
    district.put("enrollments", "k1-late-student", endDate="2027-01-22")
    org = organization(district)
    org.run()
    assert len(org.roster) == 5
    org.now = at("2027-02-10T12:00:00")
    org.district.drop("enrollments", "k1-sam-student").put("enrollments", "k1-early-student", endDate="2026-12-18")
    org.next_day().run()
    assert set(org.roster) == {"k1|tina", "k1|sam", "k1|sue", "k1|late"}, "only who ended before the last day leaves"
    org.district.drop("classes", "k1").rows["enrollments"].clear()
    org.next_day().run()
    assert set(org.roster) == {"k1|tina", "k1|sam", "k1|sue", "k1|late"}


@pytest.mark.rule(20)
@pytest.mark.parametrize(("how", "there"), [("inclusive", True), ("exclusive", False)])
def test_the_last_day_itself_is_not_over(organization: Make, how: str, there: bool) -> None:
    org = organization(enrollments={"end_dates": how})
    org.run()
    org.now = at("2027-01-22T12:00:00")
    org.district.drop("enrollments", "k1-sam-student")
    org.run()
    assert ("k1|sam" in org.roster) != there


# --- rule 21 ----------------------------------------------------------------------------------------------------------


def put_by_hand(org: Organization, section: str, user: str, *, admin: bool = False) -> None:
    ends = {"section": org.stored("section", section).lms_id, "user": org.stored("user", user).lms_id}
    org.lms.add("enrollment", "|".join(ends.values()), ends | {"admin": admin})


@pytest.mark.rule(21)
@pytest.mark.parametrize("members", ["ours", "sis"])
def test_only_what_rollbook_gave_or_with_sis_extra_members_too(organization: Make, members: str) -> None:
    org = organization(small().student("x1").teacher("x2"), enrollments={"members": members})
    org.run()
    put_by_hand(org, "k1", "x1")
    put_by_hand(org, "k1", "x2", admin=True)
    org.district.drop("enrollments", "k1-sam-student")
    result = org.next_day().run(compare_live=True)
    assert "k1|sam" not in org.roster
    assert org.roster["k1|x2"] == "admin", "a course admin enrolled by hand is never removed"
    assert ("k1|x1" in org.roster) == (members == "ours")
    assert org.found(result, "EXTRA_MEMBER") == ["k1"]


@pytest.mark.rule(21)
def test_extras_of_the_first_match_are_always_held(organization: Make) -> None:
    org = organization(small().student("x1"), enrollments={"members": "sis"})
    org.run(kinds=("building", "grading_period", "user", "guardian_link", "course"))
    course, building = org.lms.all("course")[0], org.lms.all("building")[0]
    fields = {
        "title": "Class k1",
        "course": course.lms_id,
        "grading_periods": [org.lms.all("grading_period")[0].lms_id],
    }
    org.lms.add("section", "k1", fields | {"location": None, "building": building.lms_id})
    put_by_hand(org, "k1", "x1")
    first = org.next_day().run(compare_live=True)
    second = org.next_day().run(compare_live=True)
    assert "k1|x1" in org.roster
    assert ("extra", "enrollment") in reasons(first) | reasons(second)
    org.approve(second, "extra")
    org.next_day().run(compare_live=True)
    assert "k1|x1" not in org.roster


@pytest.mark.rule(20)
def test_what_changes_or_goes_names_the_lms_id_that_was_given(organization: Make) -> None:
    """Codes of people may be another's by then; a connector may go by the id instead."""
    district = crowded()
    org = organization(district)
    org.run()
    known = {f"{row['section']}|{row['user']}": row["lms_id"] for row in org.ledger("enrollment")}
    district.drop("enrollments", "k0-s0-student").put("enrollments", "more", classSourcedId="k0", userSourcedId="tina",
                                                      role="teacher")  # fmt: skip
    district.drop("enrollments", "k1-tina-teacher").enroll("k1", "tina")
    org.run()
    sent = {
        (batch.action, change.key): change.lms_id
        for batch in org.target.batches
        for change in batch.changes
        if batch.kind == "enrollment"
    }
    assert sent == {
        ("remove", "k0|s0"): known["k0|s0"],
        ("create", "k0|tina"): None,
        ("update", "k1|tina"): known["k1|tina"],
    }
    assert all(known.values())
