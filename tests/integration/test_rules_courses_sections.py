"""Rules 16 to 18 and 22: courses, sections, grading periods."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.districts import District, Organization, counts, reasons, small

Make = Callable[..., Organization]


# --- rule 16 ----------------------------------------------------------------------------------------------------------


@pytest.mark.rule(16)
def test_a_course_is_a_oneroster_course_in_a_building(organization: Make) -> None:
    district = small().school("B").school("D", type="district").course("shared", "D", courseCode="ALG")
    district.clazz("ka", "shared").clazz("kb", "shared", "B").course("own", "B", courseCode="c1").clazz(
        "kc", "own", "B"
    )
    org = organization(district)
    org.run()
    courses = org.all("course")
    assert {(code, fields["building"]) for code, fields in courses.items()} == {
        ("A-c1", "A"), ("B-c1", "B"), ("A-ALG", "A"), ("B-ALG", "B")
    }  # fmt: skip
    sections = org.all("section")
    assert (sections["ka"]["course"], sections["kb"]["course"], sections["kc"]["course"]) == ("A-ALG", "B-ALG", "B-c1")


@pytest.mark.rule(16)
def test_equal_codes_in_one_building_stay_two_courses(organization: Make) -> None:
    org = organization(small().course("c2", courseCode="c1").clazz("k2", "c2"))
    org.run()
    sections = org.all("section")
    assert sections["k1"]["course"] != sections["k2"]["course"]
    assert len(org.all("course")) == 2


@pytest.mark.rule(16)
def test_codes_of_two_buildings_never_meet(organization: Make) -> None:
    district = small().put("orgs", "A", identifier="10").put("courses", "c1", courseCode="1-MATH")
    district.school("B", identifier="10-1").course("c2", "B", courseCode="MATH").clazz("k2", "c2", "B")
    org = organization(district)
    org.run()
    sections = org.all("section")
    assert sections["k1"]["course"] != sections["k2"]["course"]
    assert {course["building"] for course in org.all("course").values()} == {"10", "10-1"}


@pytest.mark.rule(16)
def test_a_code_that_another_course_has_had_is_not_given_again(organization: Make) -> None:
    org = organization(small().put("courses", "c1", courseCode="MATH"))
    org.run()
    first = org.lms.all("course")[0]
    org.district.put("courses", "c1", courseCode="OLD").course("c2", courseCode="MATH", title="Another")
    org.district.put("classes", "k1", courseSourcedId="c2")
    org.next_day().run()
    assert first.fields["title"] == "Course c1"
    assert len(org.lms.all("course")) == 2, "two courses of the SIS are two courses"
    assert len({row["lms_id"] for row in org.ledger("course")}) == 2


@pytest.mark.rule(16)
def test_a_district_course_exists_only_where_a_class_uses_it(organization: Make) -> None:
    district = small().school("B").school("D", type="district").course("shared", "D").course("unused", "D")
    org = organization(district.clazz("ka", "shared"))
    org.run()
    assert set(org.all("course")) == {"A-c1", "A-shared"}


@pytest.mark.rule(16)
def test_courses_and_sections_are_never_deleted(organization: Make) -> None:
    org = organization()
    org.run()
    org.district.drop("courses", "c1").drop("classes", "k1").rows["enrollments"].clear()
    org.district.course("c9").clazz("k9", "c9")
    result = org.next_day().run()
    assert {"A-c1", "A-c9"} == set(org.all("course"))
    assert org.sections == {"k1", "k9"}
    assert counts(result, "section") == {"create": 1}
    assert set(org.all("grading_period")) == {"fall"}


# --- rule 17 ----------------------------------------------------------------------------------------------------------


def year_of_terms() -> District:
    """A school year with a fall that has a child q1, and a spring."""
    district = small().term("year", "2026-08-24", "2027-06-11", type="schoolYear")
    district.term("fall", parentSourcedId="year").term("q1", "2026-08-24", "2026-10-30", parentSourcedId="fall")
    return district.term("spring", "2027-01-25", "2027-06-11", parentSourcedId="year")


@pytest.mark.rule(17)
def test_a_section_has_the_union_of_its_mapped_terms_periods(organization: Make) -> None:
    district = year_of_terms().put("classes", "k1", termSourcedIds="fall,spring").clazz("k2", terms="fall,q1")
    district.clazz("k3", terms="spring")
    org = organization(district, terms={"*": {"fall": "create", "q1": "create", "*": "skip"}})
    org.run()
    sections = org.all("section")
    assert set(sections) == {"k1", "k2"}, "k3 has no mapped term"
    assert sections["k1"]["grading_periods"] == ["fall"]
    assert sorted(sections["k2"]["grading_periods"]) == ["fall", "q1"]


@pytest.mark.rule(17)
def test_a_term_may_map_to_several_periods(organization: Make) -> None:
    org = organization(terms={"*": {"fall": ["title:MP1", "title:MP2"]}})
    for title in ("MP1", "MP2"):
        org.lms.add("grading_period", title, {"title": title, "start": "2026-08-24", "end": "2027-01-22"})
    org.run()
    assert sorted(org.all("section")["k1"]["grading_periods"]) == ["MP1", "MP2"]
    assert set(org.all("grading_period")) == {"MP1", "MP2"}


@pytest.mark.rule(17)
@pytest.mark.parametrize("mapped", ["year", "q1"])
def test_parent_and_child_sessions_never_stand_in_for_each_other(organization: Make, mapped: str) -> None:
    org = organization(year_of_terms(), terms={"*": {mapped: "create"}})
    org.run()
    assert org.sections == set()


@pytest.mark.rule(17)
def test_changing_the_periods_of_a_live_section_is_always_held(organization: Make) -> None:
    org = organization(year_of_terms().clazz("k2", terms="fall,spring"))
    org.run()
    org.district.put("classes", "k1", termSourcedIds="fall,spring", title="Renamed").put("classes", "k2", title="New")
    result = org.next_day().run()
    assert reasons(result) == {("periods", "section")}
    assert org.all("section")["k1"]["grading_periods"] == ["fall"]
    assert org.all("section")["k2"]["title"] == "New", "everything else goes on"
    org.approve(result, "periods")
    org.next_day().run()
    assert sorted(org.all("section")["k1"]["grading_periods"]) == ["fall", "spring"]


@pytest.mark.rule(17)
def test_without_a_term_blocked_without_people_a_warning(organization: Make) -> None:
    district = small().clazz("k2", terms="").clazz("k3", terms="nowhere").clazz("k4")
    org = organization(district.enroll("k2", "sam"))
    result = org.run()
    assert org.sections == {"k1", "k4"}
    assert org.found(result, "CLASS_NO_TERM") == ["k2", "k3"]
    assert "k4" in org.found(result, "CLASS_NO_TEACHER")
    assert "k4" in org.found(result, "CLASS_NO_STUDENT")
    assert {row["severity"] for row in org.findings(result) if row["id"] == "k4"} == {"warns"}
    assert [row["dependants"] for row in org.findings(result, "CLASS_NO_TERM")] == [1, None]


# --- rule 18 ----------------------------------------------------------------------------------------------------------


@pytest.mark.rule(18)
def test_periods_carry_name_start_and_end_exactly_as_listed(organization: Make) -> None:
    org = organization(small().term("fall", "2026-08-24", "2027-01-22", title="Fall – 1st  Half"))
    org.run()
    [period] = org.all("grading_period").values()
    assert period == {"title": "Fall – 1st  Half", "start": "2026-08-24", "end": "2027-01-22"}


@pytest.mark.rule(18)
def test_same_title_and_dates_share_one_period(organization: Make) -> None:
    district = small().school("B").term("fall-b", title="fall").course("c2", "B").clazz("k2", "c2", "B", "fall-b")
    org = organization(district)
    org.run()
    assert list(org.all("grading_period")) == ["fall"]
    assert org.all("section")["k2"]["grading_periods"] == ["fall"]
    org.next_day().run()
    assert org.sent == []


@pytest.mark.rule(18)
def test_same_title_with_other_dates_gets_the_year_then_the_school(organization: Make) -> None:
    district = small()
    for school, start in (("B", "2026-08-25"), ("C", "2026-08-26")):
        district.school(school).term(f"f{school}", start, title="fall").course(f"c{school}", school)
        district.clazz(f"k{school}", f"c{school}", school, f"f{school}")
    org = organization(district)
    org.run()
    periods = org.all("grading_period")
    assert len(periods) == 3
    assert {period["start"] for period in periods.values()} == {"2026-08-24", "2026-08-25", "2026-08-26"}
    assert sum(title == "fall (2026-2027)" for title in periods) == 1
    assert sum(title.startswith("fall (2026-2027, ") for title in periods) >= 1
    org.next_day().run()
    assert org.sent == [], "names do not change from day to day"


@pytest.mark.rule(18)
def test_a_title_that_people_use_for_other_dates_is_not_touched(organization: Make) -> None:
    org = organization()
    org.lms.add("grading_period", "fall", {"title": "fall", "start": "2025-08-25", "end": "2026-01-23"})
    org.run()
    periods = org.all("grading_period")
    assert periods["fall"]["start"] == "2025-08-25"
    assert periods["fall (2026-2027)"]["start"] == "2026-08-24"


@pytest.mark.rule(18)
def test_last_years_period_of_the_same_name_stays(organization: Make) -> None:
    district = small().term("old", "2025-08-25", "2026-01-23", title="fall", schoolYear="2026").clazz("k0", terms="old")
    org = organization(district, active_year="2026")
    org.run()
    org.settings["active_year"] = "2027"
    org.next_day().run()
    assert {period["start"] for period in org.all("grading_period").values()} == {"2025-08-25", "2026-08-24"}
    assert org.all("section")["k1"]["grading_periods"] != org.all("section")["k0"]["grading_periods"]


# --- rule 22 ----------------------------------------------------------------------------------------------------------


@pytest.mark.rule(22)
def test_cross_listed_sections_are_left_as_people_made_them(organization: Make) -> None:
    org = organization(small().clazz("k2").enroll("k2", "sam"))
    org.run()
    org.stored("section", "k1").fields["linked_with"] = ["k2"]
    sue = org.stored("user", "sue").lms_id
    org.lms.add("enrollment", f"{org.stored('section', 'k2').lms_id}|{sue}", {
        "section": org.stored("section", "k2").lms_id, "user": sue, "admin": False
    })  # fmt: skip
    org.district.put("classes", "k1", title="Renamed")
    org.next_day().run(compare_live=True)
    assert org.stored("section", "k1").fields["linked_with"] == ["k2"]
    assert "k2|sue" in org.roster, "the link's members are people's business"
