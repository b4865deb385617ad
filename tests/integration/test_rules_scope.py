"""Rules 1 to 7: what is mapped, which year is active, and what a run covers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.districts import ROLES, District, Organization, counts, differing, reasons, small

Make = Callable[..., Organization]


def two_schools() -> District:
    """Schools A and B, each with a class; bo is at home in A and enrolled in B as well."""
    district = small().school("B").course("c2", "B").clazz("k2", "c2", "B").student("ben", "B")
    district.student("bo", "A", "B", primaryOrgSourcedId="A")
    return district.enroll("k2", "ben", "bo").enroll("k1", "bo")


# --- rule 1 -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule(1)
def test_what_is_not_mapped_is_left_out(organization: Make) -> None:
    district = two_schools().term("spring", "2027-01-25", "2027-06-11").clazz("k9", terms="spring")
    district.user("ada", "aide", "A").enroll("k9", "sam").enroll("k1", "ada", role="aide")
    org = organization(district, schools={"A": "create", "B": "skip"}, terms={"*": {"fall": "create"}})
    result = org.run()
    assert result.state == "done"
    assert org.users == {"tina", "sam", "sue", "bo"}
    assert org.sections == {"k1"}
    assert org.roster == {"k1|tina": "admin", "k1|sam": "member", "k1|sue": "member", "k1|bo": "member"}
    assert set(org.all("building")) == {"A"}
    assert set(org.all("grading_period")) == {"fall"}
    assert org.user("bo")["additional_buildings"] == []


@pytest.mark.rule(1)
def test_unmapping_a_school_freezes_its_records(organization: Make) -> None:
    org = organization(two_schools())
    assert org.run().state == "done"
    before = org.snapshot()
    org.settings["schools"] = {"A": "create"}
    org.district.put("users", "ben", givenName="Benjamin").put("classes", "k2", title="Renamed")
    org.district.drop("enrollments", "k2-ben-student", "k2-bo-student").put("courses", "c2", title="Renamed")
    result = org.next_day().run()
    assert org.sent == []
    assert (result.state, result.holds) == ("done", [])
    assert org.snapshot() == before
    assert org.user("bo")["additional_buildings"] == ["B"]


@pytest.mark.rule(1)
def test_mapping_it_again_thaws(organization: Make) -> None:
    org = organization(two_schools())
    org.run()
    org.settings["schools"] = {"A": "create"}
    org.district.put("users", "ben", givenName="Benjamin").drop("enrollments", "k2-ben-student")
    org.next_day().run()
    org.settings["schools"] = {"*": "create"}
    org.next_day().run()
    assert sorted(org.sent) == [("enrollment", "remove", "k2|ben"), ("user", "update", "ben")]
    assert org.user("ben")["first_name"] == "Benjamin"


@pytest.mark.rule(1)
def test_unmapping_a_term_freezes_its_sections(organization: Make) -> None:
    org = organization()
    org.run()
    before = org.snapshot()
    org.settings["terms"] = {"*": {"*": "skip"}}
    org.district.put("classes", "k1", title="Renamed").drop("enrollments", "k1-sam-student")
    assert org.next_day().run().holds == []
    assert differing(before, org.snapshot()) == {}


@pytest.mark.rule(1)
def test_unmapping_a_role_freezes_its_people_and_their_enrollments(organization: Make) -> None:
    org = organization()
    org.run()
    before = org.snapshot()
    org.settings["roles"] = {"*": ROLES | {"student": "skip"}}
    org.district.put("users", "sam", givenName="Samuel").drop("enrollments", "k1-sam-student")
    org.next_day().run()
    assert differing(before, org.snapshot()) == {}


@pytest.mark.rule(1)
def test_moving_a_school_to_another_building_is_held_and_moves_the_same_records(organization: Make) -> None:
    org = organization(two_schools())
    org.lms.add("building", "NEW", {"title": "New House", "code": "NEW"})
    org.run()
    ids = {kind: {s.lms_id for s in org.lms.all(kind)} for kind in ("user", "course", "section", "enrollment")}
    org.settings["schools"] = {"*": "create", "B": "code:NEW"}
    result = org.next_day().run()
    assert result.state == "held"
    assert {("moved", "user"), ("moved", "course")} <= reasons(result)
    assert org.user("ben")["building"] == "B"
    org.approve(result, "moved")
    result = org.next_day().run()
    assert result.state == "done"
    assert (org.user("ben")["building"], org.user("sam")["building"]) == ("NEW", "A")
    assert {kind: {s.lms_id for s in org.lms.all(kind)} for kind in ids} == ids, "nothing was made a second time"
    course = org.all("section")["k2"]["course"]
    assert org.all("course")[course]["building"] == "NEW"
    assert org.next_day().run().ledger_version == result.ledger_version
    assert org.sent == []


# --- rule 2 -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule(2)
def test_create_is_pinned_to_the_object_it_made(organization: Make) -> None:
    org = organization()
    org.run()
    building, period = org.lms.all("building")[0].lms_id, org.lms.all("grading_period")[0].lms_id
    org.district.put("orgs", "A", name="Alder High", identifier="555").put("academicSessions", "fall", title="Autumn")
    org.next_day().run()
    assert [(s.lms_id, s.fields["title"]) for s in org.lms.all("building")] == [(building, "Alder High")]
    assert [(s.lms_id, s.fields["title"]) for s in org.lms.all("grading_period")] == [(period, "Autumn")]
    assert org.sections == {"k1"}


@pytest.mark.rule(2)
@pytest.mark.parametrize(("kind", "code"), [("building", "A"), ("grading_period", "fall")])
def test_what_is_gone_is_asked_about_and_never_made_again_unseen(organization: Make, kind: str, code: str) -> None:
    org = organization()
    org.run()
    org.lms.delete(kind, org.stored(kind, code))
    result = org.next_day().run()
    assert org.lms.find(kind, code) is None
    assert reasons(result) == {("gone", kind)}
    assert org.found(result, {"building": "BUILDING_GONE", "grading_period": "PERIOD_GONE"}[kind])
    org.approve(result, "gone")
    assert org.next_day().run().state == "done"
    assert org.lms.find(kind, code) is not None
    assert org.next_day().run().holds == []


@pytest.mark.rule(2)
def test_create_covers_only_sessions_of_classes_of_the_active_year(organization: Make) -> None:
    district = small().term("unused").term("old", "2025-08-25", "2026-01-23", schoolYear="2026")
    org = organization(district.clazz("k0", terms="old"))
    org.run()
    assert set(org.all("grading_period")) == {"fall"}


# --- rule 3 -----------------------------------------------------------------------------------------------------------


def rolled_over() -> District:
    """Last year's class k0 and this year's class k1, with the same people."""
    district = small().term("old", "2025-08-25", "2026-06-12", schoolYear="2026").clazz("k0", terms="old")
    return district.enroll("k0", "tina", role="teacher").enroll("k0", "sam", "sue")


@pytest.mark.rule(3)
def test_another_year_removes_nothing_and_wakes_when_it_is_set_back(organization: Make) -> None:
    org = organization(rolled_over(), active_year="2026")
    org.run()
    assert org.sections == {"k0"}
    before = org.snapshot()
    org.settings["active_year"] = "2027"
    org.district.put("classes", "k0", title="Renamed").drop("enrollments", "k0-sam-student")
    result = org.next_day().run()
    assert result.holds == []
    assert org.sections == {"k0", "k1"}
    assert {key: value for key, value in org.all("enrollment").items() if key.startswith("k0")} == before["enrollment"]
    assert org.all("section")["k0"] == before["section"]["k0"]
    org.settings["active_year"] = "2026"
    org.next_day().run()
    assert ("section", "update", "k0") in org.sent
    assert not any("k1" in key for _, _, key in org.sent), "this year's are dormant now"


@pytest.mark.rule(3)
def test_the_baselines_of_limits_are_kept_per_year(organization: Make) -> None:
    still_on = rolled_over().term("old", "2025-08-25", "2026-12-18", schoolYear="2026")
    org = organization(still_on, active_year="2026")
    org.run()
    assert org.world.memory.stored["counts:2026"]
    org.settings["active_year"] = "2027"
    org.district.drop("enrollments", "k1-sue-student", "k1-sam-student")  # a small new year: no shrinking
    assert org.next_day().run().holds == []
    org.district.drop("enrollments", "k0-sue-student", "k0-sam-student", "k0-tina-teacher")
    org.settings["active_year"] = "2026"
    assert reasons(org.next_day().run()) == {("shrank", "enrollment")}


@pytest.mark.rule(3)
def test_the_school_year_is_the_year_in_which_it_ends(organization: Make) -> None:
    district = small().put("academicSessions", "fall", schoolYear="", endDate="2026-12-18")
    org = organization(district, active_year="2027")
    result = org.run()
    assert org.sections == {"k1"}
    assert org.found(result, "SESSION_YEAR_GUESSED") == ["fall"]


# --- rules 4 to 6 -----------------------------------------------------------------------------------------------------


@pytest.mark.rule(4)
def test_a_school_without_a_saved_role_map_syncs_no_users(organization: Make) -> None:
    org = organization(two_schools(), roles={"A": ROLES})
    result = org.run()
    assert org.found(result, "MAP_SCHOOL_NO_ROLES") == ["B"]
    assert org.users == {"tina", "sam", "sue", "bo"}


@pytest.mark.rule(4)
def test_an_ordinary_run_goes_users_courses_sections_enrollments(organization: Make) -> None:
    org = organization(two_schools())
    org.run()
    order = list(dict.fromkeys(kind for kind, _, _ in org.sent))
    assert order == ["building", "grading_period", "user", "course", "section", "enrollment"]


@pytest.mark.rule(5)
def test_a_run_writes_only_its_own_kinds(organization: Make) -> None:
    org = organization()
    result = org.run(kinds=("building", "grading_period", "section", "enrollment"))
    assert org.sections == org.users == set()
    assert org.all("course") == {}
    assert result.findings["PARENT_NOT_SYNCED"] >= 1
    assert counts(result, "section") == {"blocked": 1}
    org.run(kinds=("building", "user", "guardian_link"))
    org.run(kinds=("building", "course"))
    assert org.sections == set()
    org.run(kinds=("building", "grading_period", "section", "enrollment"))
    assert org.sections == {"k1"}
    assert len(org.roster) == 3


@pytest.mark.rule(5)
def test_setup_makes_buildings_and_grading_periods_alone(organization: Make) -> None:
    org = organization()
    org.run(kinds=("building", "grading_period"))
    assert {kind for kind, objects in org.snapshot().items() if objects} == {"building", "grading_period"}


@pytest.mark.rule(6)
def test_a_school_filters_the_plan_and_never_the_resolving(organization: Make) -> None:
    org = organization(two_schools())
    org.run()
    org.district.put("users", "bo", givenName="Boris").put("users", "ben", givenName="Benjamin")
    org.run(schools=("B",))
    assert org.sent == [("user", "update", "ben")], "bo's main school is A"
    org.run(schools=("A",))
    assert org.sent == [("user", "update", "bo")]
    assert org.user("bo")["additional_buildings"] == ["B"]


@pytest.mark.rule(6)
def test_the_first_run_of_one_school_resolves_everybody(organization: Make) -> None:
    org = organization(two_schools())
    org.run(schools=("B",))
    assert org.users == {"ben"}
    org.run(schools=("A",))
    assert org.user("bo")["building"] == "A"
    assert org.user("bo")["additional_buildings"] == ["B"]


# --- rule 7 -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule(7)
@pytest.mark.parametrize(
    "exclude",
    [{"grades": ["KG"]}, {"people": ["sam"]}, {"emails": ["SAM@*"]}, {"emails": ["s?m@x", "s_m@*", "*m@x.*"]}],
)
def test_excluded_people_are_left_out_and_frozen_later(organization: Make, exclude: dict[str, list[str]]) -> None:
    district = small().put("users", "sam", grades="KG").put("users", "sue", grades="KG,01")
    org = organization(district, exclude=exclude)
    org.run()
    assert org.users == {"tina", "sue"}
    org.settings["exclude"] = {}
    org.next_day().run()
    assert org.users == {"tina", "sam", "sue"}
    before = org.snapshot()
    org.settings["exclude"] = exclude
    org.district.put("users", "sam", givenName="Samuel").drop("enrollments", "k1-sam-student")
    org.next_day().run()
    assert differing(before, org.snapshot()) == {}


@pytest.mark.rule(7)
@pytest.mark.parametrize(
    "exclude",
    [
        {"courses": ["c2"]},
        {"courses": ["HR"]},
        {"subjects": ["Homeroom"]},
        {"class_types": ["homeroom"]},
        {"grades": ["KG"]},
    ],
)
def test_excluded_classes_are_left_out_and_frozen_later(organization: Make, exclude: dict[str, list[str]]) -> None:
    district = (
        small().course("c2", courseCode="HR").clazz("k2", "c2", classType="homeroom", subjects="Homeroom", grades="KG")
    )
    org = organization(district.enroll("k2", "sam"), exclude=exclude)
    org.run()
    assert org.sections == {"k1"}
    org.settings["exclude"] = {}
    org.next_day().run()
    assert org.sections == {"k1", "k2"}
    before = org.snapshot()
    org.settings["exclude"] = exclude
    org.district.put("classes", "k2", title="Renamed").drop("enrollments", "k2-sam-student")
    org.next_day().run()
    assert differing(before, org.snapshot()) == {}
