"""Rules 8 to 15: who gets an account, of which kind and where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rollbook.connectors.base import TargetTraits
from tests.districts import ROLES, District, Organization, Watched, counts, differing, reasons, small

Make = Callable[..., Organization]


def school_b(district: District) -> District:
    return district.school("B").course("c2", "B").clazz("k2", "c2", "B")


# --- rule 8 -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule(8)
@pytest.mark.parametrize("unique_id", ["sourcedId", "identifier", "userMasterIdentifier", "username"])
def test_the_unique_id_is_the_chosen_field(organization: Make, unique_id: str) -> None:
    district = small()
    for name in ("tina", "sam", "sue"):
        district.put("users", name, username=f"u.{name}", identifier=f"i-{name}", userMasterIdentifier=f"m-{name}")
    org = organization(district, users={"unique_id": unique_id})
    org.run()
    prefix = {"sourcedId": "", "identifier": "i-", "userMasterIdentifier": "m-", "username": "u."}[unique_id]
    assert org.users == {f"{prefix}{name}" for name in ("tina", "sam", "sue")}
    assert org.roster[f"k1|{prefix}tina"] == "admin"


@pytest.mark.rule(8)
def test_another_unique_id_is_a_previewed_rekey(organization: Make) -> None:
    district = small()
    for name in ("tina", "sam", "sue"):
        district.put("users", name, identifier=f"i-{name}")
    org = organization(district)
    org.run()
    ids = {stored.lms_id for stored in org.lms.all("user")}
    org.settings["users"] = {"unique_id": "identifier"}
    result = org.next_day().run()
    assert org.users == {"tina", "sam", "sue"}, "nothing is renamed unseen"
    assert ("rekey", "user") in reasons(result)
    assert not any(action in ("create", "remove") for _, action, _ in org.sent)
    org.approve(result, "rekey")
    org.next_day().run()
    assert org.users == {"i-tina", "i-sam", "i-sue"}
    assert {stored.lms_id for stored in org.lms.all("user")} == ids
    assert org.next_day().run().state == "done"
    assert org.sent == []


@pytest.mark.rule(8)
@pytest.mark.parametrize(
    ("users", "field", "value"),
    [
        ({}, "username", "sam"),
        ({"username": "email"}, "username", "sam.q@x.example"),
        ({"username": "email_local_part"}, "username", "sam.q"),
        ({"username": "identifier"}, "username", "4711"),
        ({}, "email", "sam.q@x.example"),
        ({"email": "none"}, "email", None),
        ({}, "preferred_first_name", "Sammy"),
        ({"preferred_name": "none"}, "preferred_first_name", None),
        ({}, "graduation_year", None),
        ({"graduation_year": "from_grade"}, "graduation_year", "2030"),
    ],
)
def test_the_field_map_names_the_source_of_every_field(
    organization: Make, users: dict[str, str], field: str, value: str | None
) -> None:
    own = {"email": "sam.q@x.example", "identifier": "4711", "preferredGivenName": "Sammy", "grades": "09"}
    org = organization(small().put("users", "sam", **own), users=users)
    org.run(kinds=("building", "user"))
    assert org.user("sam")[field] == value


@pytest.mark.rule(8)
def test_the_title_of_sections_follows_its_template(organization: Make) -> None:
    district = small().put("classes", "k1", classCode="007", periods="1,3")
    org = organization(district, sections={"title": "{course} {code} P{period} {class} ({term})"})
    org.run()
    assert org.all("section")["k1"]["title"] == "Course c1 007 P1, 3 Class k1 (fall)"


# --- rule 9 -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule(9)
@pytest.mark.parametrize("username", ["sam q", " sam", "sam ", "sam\tq", "sam\u00a0q"])
def test_a_username_with_a_space_anywhere_is_blocked_and_never_trimmed(organization: Make, username: str) -> None:
    org = organization(small().put("users", "sam", username=username))
    result = org.run()
    assert org.users == {"tina", "sue"}
    assert org.found(result, "USER_USERNAME_SPACE") == ["sam"]
    assert org.findings(result, "USER_USERNAME_SPACE")[0]["dependants"] == 1
    assert "k1|sam" not in org.roster


@pytest.mark.rule(9)
def test_an_account_whose_username_gets_a_space_freezes(organization: Make) -> None:
    org = organization()
    org.run()
    before = org.snapshot()
    org.district.put("users", "sam", username="sam q", givenName="Samuel").drop("enrollments", "k1-sam-student")
    org.next_day().run()
    assert differing(before, org.snapshot()) == {}


@pytest.mark.rule(9)
def test_without_username_and_email_a_user_is_blocked(organization: Make) -> None:
    district = small().put("users", "sam", username="", email="").put("users", "sue", username="")
    org = organization(district)
    result = org.run()
    assert org.found(result, "USER_NO_LOGIN") == ["sam"]
    assert org.users == {"tina", "sue"}


@pytest.mark.rule(9)
@pytest.mark.parametrize(
    ("code", "columns", "users"),
    [
        ("USER_USERNAME_DUPLICATE", ({"username": "Same"}, {"username": "same"}), {}),
        ("USER_EMAIL_DUPLICATE", ({"email": "same@x.example"}, {"email": "SAME@x.example"}), {}),
        ("USER_UNIQUE_ID_DUPLICATE", ({"identifier": "7"}, {"identifier": "7"}), {"unique_id": "identifier"}),
    ],
)
def test_doubles_are_all_blocked_with_each_others_names(
    organization: Make, code: str, columns: tuple[dict[str, str], dict[str, str]], users: dict[str, str]
) -> None:
    district = small().put("users", "tina", identifier="1").put("users", "sam", identifier="2")
    district.put("users", "sue", identifier="3").put("users", "sam", **columns[0]).put("users", "sue", **columns[1])
    org = organization(district, users=users)
    result = org.run()
    assert len(org.users) == 1
    assert org.found(result, code) == ["sam", "sue"]
    others = {row["id"]: row["other"] for row in org.findings(result, code)}
    assert "Sue Quimby" in others["sam"]
    assert "Sam Quimby" in others["sue"]
    assert counts(result, "user")["blocked"] == 2


# --- rule 10 ----------------------------------------------------------------------------------------------------------


def live_user(org: Organization, code: str, **fields: Any) -> str:
    own = {"first_name": "Sam", "last_name": "Quimby", "username": "sam", "email": "sam@x.example", "role": "Student"}
    return org.lms.add("user", code, own | {"additional_buildings": []} | fields).lms_id


@pytest.mark.rule(10)
def test_found_by_unique_id_is_adopted_and_differences_are_visible_updates(organization: Make) -> None:
    org = organization()
    lms_id = live_user(org, "sam", first_name="Sammy")
    result = org.run()
    assert counts(result, "user") == {"create": 2, "adopt": 1, "update": 1}
    assert org.stored("user", "sam").lms_id == lms_id
    assert org.user("sam")["first_name"] == "Sam"
    assert {row["key"]: row["origin"] for row in org.ledger("user")}["sam"] == "adopted"


@pytest.mark.rule(10)
@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize("fields", [{"email": "else@x.example"}, {"username": "else"}, {"username": "SAM"}])
def test_found_only_by_username_or_email_is_a_conflict(
    organization: Make, fields: dict[str, str], active: bool
) -> None:
    org = organization()
    live_user(org, "by-hand", **fields)
    org.stored("user", "by-hand").active = active
    before = org.user("by-hand")
    result = org.run()
    assert org.users == {"tina", "sue", "by-hand"}
    assert org.user("by-hand") == before
    assert org.found(result, "ACCOUNT_CONFLICT") == ["sam"]
    assert "k1|sam" not in org.roster
    org.next_day().run()
    assert org.users == {"tina", "sue", "by-hand"}, "not on the second day either"


@pytest.mark.rule(10)
def test_a_school_mapped_later_is_matched_too(organization: Make) -> None:
    district = school_b(small()).student("ben", "B")
    org = organization(district, schools={"A": "create"})
    org.run()
    lms_id = live_user(org, "ben", username="ben", email="ben@x.example", first_name="Benny")
    live_user(org, "other", username="bea", email="")
    org.district.student("bea", "B")
    org.settings["schools"] = {"*": "create"}
    result = org.next_day().run()
    assert org.stored("user", "ben").lms_id == lms_id
    assert org.found(result, "ACCOUNT_CONFLICT") == ["bea"]


@pytest.mark.rule(10)
def test_courses_and_sections_are_matched_too(organization: Make) -> None:
    org = organization()
    building = org.lms.add("building", "A", {"title": "School A", "code": "A"})
    course = org.lms.add("course", "A-c1", {"title": "By hand", "code": "A-c1", "building": building.lms_id})
    section = org.lms.add("section", "k1", {"title": "Mine", "course": course.lms_id, "grading_periods": []})
    result = org.run()
    assert counts(result, "building")["adopt"] == 1
    assert {s.lms_id for s in org.lms.all("course")} == {course.lms_id}
    assert {s.lms_id for s in org.lms.all("section")} == {section.lms_id}
    assert org.all("course")["A-c1"]["title"] == "Course c1"
    assert ("periods", "section") in reasons(result), "a live section's periods change only when approved (rule 17)"


# --- rule 11 ----------------------------------------------------------------------------------------------------------


@pytest.mark.rule(11)
def test_one_role_a_person_that_of_the_main_building(organization: Make) -> None:
    district = school_b(District(v12=True).school("A").term("fall").course("c1").clazz("k1"))
    district.user("pat", None, primaryOrgSourcedId="B").put("users", "pat", orgSourcedIds="")
    for number, (role, org) in enumerate([("teacher", "A"), ("student", "B")]):
        district.put("roles", f"r{number}", userSourcedId="pat", role=role, orgSourcedId=org, roleType="primary")
    org = organization(district)
    org.run()
    assert (org.user("pat")["role"], org.user("pat")["building"]) == ("Student", "B")
    assert org.user("pat")["additional_buildings"] == ["A"]


@pytest.mark.rule(11)
@pytest.mark.parametrize(("order", "role"), [([], "Teacher"), (["Student", "Teacher"], "Student")])
def test_else_the_first_match_in_the_organizations_role_order(organization: Make, order: list[str], role: str) -> None:
    district = District(v12=True).school("A").term("fall").course("c1").clazz("k1")
    district.user("pat", None).put("users", "pat", orgSourcedIds="")
    for number, sis_role in enumerate(["student", "teacher"]):
        district.put("roles", f"r{number}", userSourcedId="pat", role=sis_role, orgSourcedId="A", roleType="primary")
    org = organization(district, users={"role_order": order})
    org.run()
    assert org.user("pat")["role"] == role


@pytest.mark.rule(11)
def test_do_not_sync_at_one_school_takes_only_that_school_out(organization: Make) -> None:
    district = school_b(small().student("bo", "A", "B", primaryOrgSourcedId="A"))
    org = organization(district, roles={"*": ROLES, "A": ROLES | {"student": "skip"}})
    org.run()
    assert (org.user("bo")["building"], org.user("bo")["additional_buildings"]) == ("B", [])
    assert org.users == {"tina", "bo"}


@pytest.mark.rule(11)
def test_the_role_of_a_protected_account_is_left_alone(organization: Make) -> None:
    org = organization()
    live_user(org, "tina", username="tina", email="tina@x.example", first_name="T.", role="System Admin")
    org.stored("user", "tina").protected = True
    for _ in range(2):
        result = org.run(compare_live=True)
        assert org.user("tina")["role"] == "System Admin"
        assert org.found(result, "ACCOUNT_PROTECTED") == ["tina"]
    assert org.user("tina")["first_name"] == "Tina", "only the role is left alone"
    org.next_day().run()
    assert org.user("tina")["role"] == "System Admin", "also when the LMS is not read"


@pytest.mark.rule(11)
@pytest.mark.parametrize("before", ["student", "guardian"])
def test_raising_a_student_or_guardian_to_staff_is_always_held(organization: Make, before: str) -> None:
    district = small()
    if before == "guardian":
        district.user("sue", "guardian", "A").put("users", "sam", agentSourcedIds="sue")
    org = organization(district)
    org.run()
    assert org.user("sue")["role"] == {"student": "Student", "guardian": "Parent"}[before]
    org.district.put("users", "sue", role="teacher")
    result = org.next_day().run()
    assert reasons(result) == {("staff_role", "user")}
    assert org.user("sue")["role"] != "Teacher"
    org.approve(result, "staff_role")
    assert org.next_day().run().state == "done"
    assert org.user("sue")["role"] == "Teacher"


# --- rules 12, 13 -----------------------------------------------------------------------------------------------------


@pytest.mark.rule(12)
def test_the_main_building(organization: Make) -> None:
    district = (
        school_b(small()).school("C").student("first", "B", "A").student("primary", "A", "B", primaryOrgSourcedId="B")
    )
    district.student("elsewhere", "C", "A", "B", primaryOrgSourcedId="C")
    org = organization(district, schools={"A": "create", "B": "create"})
    org.run()
    places = {key: (u["building"], u["additional_buildings"]) for key, u in org.all("user").items()}
    assert places["first"] == ("B", ["A"])
    assert places["primary"] == ("B", ["A"])
    assert places["elsewhere"] == ("A", ["B"]), "an unmapped primary org does not count"
    org.district.put("users", "first", orgSourcedIds="A,B").put("users", "elsewhere", orgSourcedIds="C,B")
    org.next_day().run()
    assert org.user("first")["building"] == "B", "the current main stays while it is valid"
    assert org.user("elsewhere")["building"] == "B"


@pytest.mark.rule(12)
def test_nobody_without_a_mapped_school_is_created_and_their_enrollments_are_one_finding(organization: Make) -> None:
    district = small().school("B").student("bo", "B").clazz("k3").enroll("k1", "bo").enroll("k3", "bo")
    org = organization(district, schools={"A": "create"})
    result = org.run()
    assert "bo" not in org.users
    [finding] = org.findings(result, "USER_NOT_PROVISIONED")
    assert (finding["id"], finding["dependants"]) == ("bo", 2)


@pytest.mark.rule(12)
def test_district_orgs_are_mapped_by_name_for_central_staff(organization: Make) -> None:
    district = small().school("D", type="district").teacher("dora", "D")
    org = organization(district)
    org.run()
    assert "dora" not in org.users, "the wildcard covers schools"
    org.settings["schools"] = {"*": "create", "D": "create"}
    org.next_day().run()
    assert org.user("dora")["building"] == "D"


@pytest.mark.rule(13)
def test_a_disabled_person_is_not_created_and_an_existing_account_stays(organization: Make) -> None:
    org = organization(small().put("users", "sue", enabledUser="false"))
    org.run()
    assert org.users == {"tina", "sam"}
    before = org.snapshot()
    org.district.put("users", "sam", enabledUser="false", givenName="Samuel")
    assert org.next_day().run().state == "done"
    assert differing(before, org.snapshot()) == {}


@pytest.mark.rule(13)
def test_users_are_never_deleted(organization: Make) -> None:
    org = organization()
    org.run()
    org.district.drop("users", "sam").drop("enrollments", "k1-sam-student").put("users", "sue", status="tobedeleted")
    org.next_day().run()
    assert org.users == {"tina", "sam", "sue"}
    assert all(stored.active for stored in org.lms.all("user"))


@pytest.mark.rule(13)
def test_an_account_deactivated_by_hand_stays_so_and_its_enrollments_wait(organization: Make) -> None:
    org = organization()
    org.run()
    org.stored("user", "sam").active = False
    org.district.put("users", "sam", givenName="Samuel").clazz("k3").enroll("k3", "sam", "sue")
    result = org.next_day().run(compare_live=True)
    assert org.found(result, "ACCOUNT_INACTIVE") == ["sam"]
    assert org.user("sam")["first_name"] == "Sam"
    assert not org.stored("user", "sam").active
    assert "k3|sue" in org.roster
    assert "k3|sam" not in org.roster
    assert counts(result, "enrollment")["waiting"] == 1
    org.stored("user", "sam").active = True
    org.next_day().run(compare_live=True)
    assert "k3|sam" in org.roster


class Particular(Watched):
    """The LMS in memory, which takes some usernames only."""

    @property
    def traits(self) -> TargetTraits:
        traits: TargetTraits = self._target.traits
        return replace(traits, lower_usernames=True, usernames="[a-z0-9.]{1,9}")


@pytest.mark.rule(9)
def test_usernames_that_the_lms_does_not_take_are_named_before_anything_is_sent(organization: Make) -> None:
    district = small().put("users", "sam", username="Sam.Q").put("users", "sue", username="süß")
    district.put("users", "tina", username="much.too.long").user(
        "nora", "student", "A", username="", email="n@x.example"
    )
    org = organization(district)
    assert org.found(org.run(dry_run=True), "USER_USERNAME_REFUSED") == [], "where the LMS takes all"
    org.target = Particular(org.target._target)
    result = org.run(dry_run=True)
    assert sorted(org.found(result, "USER_USERNAME_REFUSED")) == ["nora", "sue", "tina"]
    assert org.sent == []
