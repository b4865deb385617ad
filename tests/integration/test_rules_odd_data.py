"""Districts whose data is odd: ids that say two things, values that nobody can read, codes that are used twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.districts import District, Organization, reasons, small

Make = Callable[..., Organization]


def with_k2() -> District:
    """A second class, so that the loss of the first one is no shrunk school."""
    district = small().course("c2", courseCode="OTHER").clazz("k2", "c2")
    return district.enroll("k2", "tina", role="teacher").enroll("k2", "sam", "sue")


# --- what was left out before it vanished (rules 1, 7) ----------------------------------------------------------------

EXCLUDED: dict[str, dict[str, Any]] = {
    "course code": {"courses": ["ALG"]},
    "subject of the course": {"subjects": ["Math"]},
    "subject": {"subjects": ["Algebra"]},
    "class type": {"class_types": ["homeroom"]},
    "grade": {"grades": ["09"]},
}


@pytest.mark.rule(7)
@pytest.mark.parametrize(
    ("by", "listed"),
    [*((by, True) for by in EXCLUDED), ("course code", False), ("subject of the course", False)],
)
def test_a_class_that_was_left_out_keeps_its_roster_when_it_vanishes(organization: Make, by: str, listed: bool) -> None:
    """`listed`: the SIS still names it, as deleted."""
    district = with_k2().course("c1", courseCode="ALG", subjects="Math")
    org = organization(district.clazz("k1", subjects="Algebra", classType="homeroom", grades="09"))
    org.run()
    roster = org.roster
    org.settings["exclude"] = EXCLUDED[by]
    org.next_day().run()
    if listed:
        org.district.put("classes", "k1", status="tobedeleted")
    else:
        org.district.drop("classes", "k1")
    org.district.drop("enrollments", "k1-tina-teacher", "k1-sam-student", "k1-sue-student")
    org.next_day().run()
    assert org.roster == roster
    del org.settings["exclude"]
    org.next_day().run()
    assert set(org.roster) == {"k2|tina", "k2|sam", "k2|sue"}, "without the exclusion it is gone"


@pytest.mark.rule(7)
@pytest.mark.parametrize(("exclude", "listed"), [
    ({"emails": ["sam@*"]}, True), ({"emails": ["sam@*"]}, False), ({"grades": ["13"]}, True),
])  # fmt: skip
def test_a_person_who_was_left_out_keeps_their_places_when_they_vanish(
    organization: Make, exclude: dict[str, Any], listed: bool
) -> None:
    org = organization(small().student("sam", grades="13"))
    org.run()
    roster = org.roster
    org.settings["exclude"] = exclude
    org.next_day().run()
    if listed:
        org.district.put("users", "sam", status="tobedeleted")
    else:
        org.district.drop("users", "sam")
    org.district.drop("enrollments", "k1-sam-student")
    org.next_day().run()
    assert org.roster == roster


# --- ids and codes ----------------------------------------------------------------------------------------------------


@pytest.mark.rule(16)
def test_courses_whose_ids_hold_a_bar_are_not_taken_for_each_other(organization: Make) -> None:
    org = organization(small().course("ENG|1", title="English", courseCode="E").clazz("k2", "ENG|1"))
    org.run()
    org.district.course("ENG|2", title="English", courseCode="E2").clazz("k3", "ENG|2")
    result = org.next_day().run()
    assert not reasons(result)
    assert {row["key"] for row in org.ledger("course")} == {"c1|org:A", "ENG|1|org:A", "ENG|2|org:A"}
    assert org.found(result, "REKEY_PROPOSED") == []


@pytest.mark.rule(7)
def test_so_they_may_be_left_out(organization: Make) -> None:
    org = organization(small().course("ENG|1").clazz("k2", "ENG|1").enroll("k2", "sam"))
    org.run()
    roster = org.roster
    org.settings["exclude"] = {"courses": ["ENG|1"]}
    org.next_day().run()
    org.district.drop("classes", "k2").drop("enrollments", "k2-sam-student")
    org.next_day().run()
    assert org.roster == roster


@pytest.mark.rule(16)
def test_two_courses_of_one_code_never_link_one_object(organization: Make) -> None:
    district = small().course("c1", courseCode="ALG").course("c2", courseCode="ALG").clazz("k2", "c2")
    org = organization(district)
    org.run(kinds=("building", "grading_period"))
    [building] = org.lms.all("building")
    org.lms.add("course", "ALG", {"title": "Algebra by hand", "code": "ALG", "building": building.lms_id})
    org.next_day().run()
    assert len({row["lms_id"] for row in org.ledger("course")}) == 2
    assert len({fields["course"] for fields in org.all("section").values()}) == 2


@pytest.mark.rule(2)
@pytest.mark.parametrize("how", ["renumbered", "named like another's id"])
def test_schools_never_share_a_building_because_of_a_code(organization: Make, how: str) -> None:
    org = organization(small().school("A", identifier="100" if how == "renumbered" else "B"))
    if how == "renumbered":
        org.run()
        org.district.school("A", identifier="150").school("B", identifier="100")
    else:
        org.district.school("B")
    org.district.course("c2", "B").clazz("k2", "c2", "B").student("bob", "B").enroll("k2", "bob")
    org.next_day().run()
    assert len(org.lms.all("building")) == 2
    assert org.user("bob")["building"] != org.user("sam")["building"]


@pytest.mark.rule(2)
def test_a_school_under_a_new_id_keeps_its_building(organization: Make) -> None:
    org = organization(small().school("A", identifier="100"))
    org.run()
    org.district.drop("orgs", "A").school("A2", identifier="100").put("courses", "c1", orgSourcedId="A2")
    org.district.put("classes", "k1", schoolSourcedId="A2")
    for key in ("tina", "sam", "sue"):
        org.district.put("users", key, orgSourcedIds="A2")
    org.next_day().run()
    assert len(org.lms.all("building")) == 1


@pytest.mark.rule(20)
@pytest.mark.parametrize("unique_id", ["sourcedId", "username"])
def test_enrollments_that_spell_ids_otherwise_are_present(organization: Make, unique_id: str) -> None:
    org = organization(with_k2(), users={"unique_id": unique_id})
    org.run()
    roster, rows = org.roster, org.district.rows["enrollments"][:3]
    for name, spelled in (("userSourcedId", str.upper), ("classSourcedId", lambda text: f"{text.upper()}\u00a0")):
        for row in rows:
            row[name], before = spelled(row[name]), row[name]
            row["was"] = before
        result = org.next_day().run()
        assert org.roster == roster
        assert org.findings(result, "ENROLLMENT_USER_MISSING") or org.findings(result, "ENROLLMENT_CLASS_MISSING")
        for row in rows:
            row[name] = row.pop("was")


@pytest.mark.rule(3)
@pytest.mark.parametrize("year", ["2026-2027", "2026-27", "2026/2027", "2027", "2027-06-30"])
def test_a_school_year_in_two_years_ends_in_the_second(organization: Make, year: str) -> None:
    org = organization(small().term("fall", schoolYear=year))
    org.run()
    assert org.sections == {"k1"}


# --- people -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule(13)
def test_who_may_be_disabled_gets_no_account(organization: Make) -> None:
    org = organization(small().student("x1", enabledUser="disabled"))
    result = org.run()
    assert org.users == {"tina", "sam", "sue"}
    assert org.found(result, "VALUE_UNREADABLE") == ["x1"]


@pytest.mark.rule(9)
def test_an_address_that_is_not_sent_neither_signs_in_nor_clashes(organization: Make) -> None:
    district = small().student("x1", username="").student("x2", email="family@x.example")
    org = organization(district.student("x3", email="family@x.example"), users={"email": "none"})
    result = org.run()
    assert org.users == {"tina", "sam", "sue", "x2", "x3"}
    assert org.found(result, "USER_NO_LOGIN") == ["x1"]


# --- half a read, and records that are blocked (rule 20) --------------------------------------------------------------


@pytest.mark.rule(20)
def test_half_a_list_of_roles_takes_no_role_away(organization: Make) -> None:
    district = District(v12=True).school("A").term("fall").course("c1").clazz("k1")
    for name in ("tina", *(f"u{number}" for number in range(500))):
        district.user(name, None)
    roles = {"tina": "student", **{f"u{number}": "student" for number in range(500)}}
    for name, role in [*roles.items(), ("tina", "teacher")]:
        own = {"userSourcedId": name, "role": role, "roleType": "primary", "orgSourcedId": "A"}
        district.put("roles", f"{name}-{role}", **own)
    org = organization(district)
    org.run()
    assert org.user("tina")["role"] == "Teacher"
    org.lms.faults.break_read_at["roles"] = 1
    assert "roles" in org.next_day().run().verdicts
    assert org.user("tina")["role"] == "Teacher"


@pytest.mark.rule(20)
def test_half_a_list_of_enrollments_makes_no_teacher_a_member(organization: Make) -> None:
    district = small().drop("enrollments", "k1-tina-teacher").enroll("k1", "tina")
    for number in range(400):
        district.student(f"u{number}").enroll("k1", f"u{number}")
    org = organization(district.enroll("k1", "tina", role="teacher"))
    org.run()
    org.lms.faults.break_read_at["enrollments"] = 1
    assert "enrollments" in org.next_day().run().verdicts
    assert org.roster["k1|tina"] == "admin"


@pytest.mark.rule(20)
def test_a_teachers_record_that_is_blocked_makes_no_teacher_a_member(organization: Make) -> None:
    org = organization(small().enroll("k1", "tina"))
    org.run()
    org.district.put("enrollments", "k1-tina-teacher", beginDate="2026-12-01", endDate="2026-09-01")
    org.next_day().run()
    assert org.roster["k1|tina"] == "admin"
    org.district.drop("enrollments", "k1-tina-teacher")
    org.next_day().run()
    assert org.roster["k1|tina"] == "member", "gone for certain"


# --- what is remembered (rules 26, 27) --------------------------------------------------------------------------------


@pytest.mark.rule(27)
def test_a_refusal_of_a_record_that_is_gone_is_forgotten_though_nothing_else_changes(organization: Make) -> None:
    org = organization(small().student("x1"))
    org.lms.faults.refuse["x1"] = "no"
    org.run()
    org.next_day().run(kinds=("course",))
    assert [one.key for one in org.world.memory.refusals()] == ["x1"], "a run of other kinds knows nothing of it"
    org.district.drop("users", "x1")
    org.next_day().run()
    assert list(org.world.memory.refusals()) == []
