"""Re-keyed SIS ids: the same people, courses and classes under new ids are renames, never remove and create."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rollbook.core.stored import RunResult
from tests.districts import District, Organization, reasons, small

Make = Callable[..., Organization]


def rekey_class(district: District, old: str, new: str, **columns: str) -> District:
    """The class under a new id, with everybody who was in it, and changed in other ways too."""
    (row,) = (row for row in district.rows["classes"] if row["sourcedId"] == old)
    people = [row for row in district.rows["enrollments"] if row["classSourcedId"] == old]
    district.drop("classes", old).put("classes", new, **{k: v for k, v in row.items() if k != "sourcedId"} | columns)
    for person in people:
        district.drop("enrollments", person["sourcedId"])
        district.enroll(new, person["userSourcedId"], role=person["role"])
    return district


def rekey_course(district: District, old: str, new: str, **columns: str) -> District:
    (row,) = (row for row in district.rows["courses"] if row["sourcedId"] == old)
    district.drop("courses", old).course(new, **{k: v for k, v in row.items() if k != "sourcedId"} | columns)
    for clazz in district.rows["classes"]:
        if clazz["courseSourcedId"] == old:
            clazz["courseSourcedId"] = new
    return district


def taken_or_made(org: Organization) -> list[tuple[str, str, str]]:
    return [row for row in org.sent if row[1] in ("create", "remove")]


def approve_all(org: Organization, result: RunResult) -> None:
    """Until nothing is held: courses first, since their sections wait for them."""
    for _ in range(4):
        if not reasons(result):
            return
        org.approve(result, "rekey")
        result = org.next_day().run()
    assert not reasons(result)


# --- courses ----------------------------------------------------------------------------------------------------------


@pytest.mark.rule(16)
@pytest.mark.parametrize(
    "changed",
    [{}, {"title": "Algebra, first year"}, {"courseCode": "ALG-9"}, {"courseCode": ""}],
    ids=["same", "another-title", "another-code", "no-code"],
)
def test_a_rekeyed_course_is_renamed_and_keeps_its_object(organization: Make, changed: dict[str, str]) -> None:
    org = organization(small().course("c1", title="Algebra", courseCode="ALG"))
    org.run()
    first = {stored.lms_id for stored in org.lms.all("course")}
    rekey_course(org.district, "c1", "C9", **{"title": "Algebra", "courseCode": "ALG"} | changed)
    result = org.next_day().run()
    assert ("rekey", "course") in reasons(result)
    assert org.found(result, "REKEY_PROPOSED") == ["c1|org:A"]
    assert taken_or_made(org) == []
    approve_all(org, result)
    org.next_day().run()
    assert {stored.lms_id for stored in org.lms.all("course")} == first
    assert [row["key"] for row in org.ledger("course")] == ["C9|org:A"]
    assert [row["course"] for row in org.ledger("section")] == ["C9|org:A"]
    assert org.all("course")["A-ALG"]["title"] == changed.get("title", "Algebra"), "its code is what upserts go by"
    assert org.next_day().run().state == "done"
    assert org.sent == []


@pytest.mark.rule(16)
def test_people_courses_and_classes_may_be_rekeyed_in_one_night(organization: Make) -> None:
    org = organization()
    org.run()
    before = {kind: {s.lms_id for s in org.lms.all(kind)} for kind in ("user", "course", "section")}
    district = District().school("A").term("fall").course("C9", courseCode="c1", title="Course c1")
    district.clazz("K9", "C9", title="Class k1")
    for role, name in (("teacher", "tina"), ("student", "sam"), ("student", "sue")):
        own = {"username": name, "givenName": name.title(), "email": f"{name}@x.example"}
        district.user(name.upper(), role, "A", **own).enroll("K9", name.upper(), role=role)
    org.district = district
    result = org.next_day().run()
    assert reasons(result) == {("rekey", "user"), ("rekey", "course"), ("rekey", "section")}
    assert taken_or_made(org) == []
    approve_all(org, result)
    org.next_day().run()
    assert {kind: {s.lms_id for s in org.lms.all(kind)} for kind in before} == before
    assert org.roster == {"K9|TINA": "admin", "K9|SAM": "member", "K9|SUE": "member"}


@pytest.mark.rule(16)
def test_a_section_is_not_renamed_before_its_course(organization: Make) -> None:
    org = organization()
    org.run()
    rekey_class(rekey_course(org.district, "c1", "C9", title="Course c1", courseCode="c1"), "k1", "K9")
    result = org.next_day().run()
    org.approve(result, "rekey", "section")
    org.next_day().run()
    assert org.sections == {"k1"}
    assert {row["course"] for row in org.ledger("section")} == {"c1|org:A"}
    assert len(org.roster) == 3


@pytest.mark.rule(20)
def test_of_two_courses_that_fit_neither_is_taken_and_nothing_is_made_or_removed(organization: Make) -> None:
    org = organization(small().course("c1", title="Band", courseCode="B1"))
    org.run()
    district = org.district.drop("courses", "c1").course("C8", title="Band", courseCode="B8")
    district.course("C9", title="Band", courseCode="B9").clazz("K8", "C8", title="Class k1").clazz("K9", "C9")
    district.enroll("K8", "tina", role="teacher").enroll("K8", "sam", "sue").enroll("K9", "sue")
    district.drop("classes", "k1").drop("enrollments", "k1-tina-teacher", "k1-sam-student", "k1-sue-student")
    for _ in range(3):
        result = org.next_day().run()
        assert org.found(result, "REKEY_UNCLEAR")[0] == "c1|org:A"
        assert org.sent == []
        assert len(org.roster) == 3
    org.approve(result, "rekey", "course")
    result = org.next_day().run()
    assert len(org.all("course")) == 3, "a person said that they are new"


# --- classes ----------------------------------------------------------------------------------------------------------


def two_classes() -> District:
    """Two classes of one course and teacher, without a member in common."""
    district = small().student("sid").enroll("k1", "sid").clazz("k2", title="Other").student("max").student("may")
    return district.enroll("k2", "tina", role="teacher").enroll("k2", "max", "may")


@pytest.mark.rule(20)
def test_a_class_rekeyed_and_retitled_is_known_by_its_people(organization: Make) -> None:
    org = organization(two_classes())
    org.run()
    before = {stored.code: stored.lms_id for stored in org.lms.all("section")}
    rekey_class(org.district, "k1", "K1", title="Algebra, period 1", location="12")
    rekey_class(org.district, "k2", "K2", title="Algebra, period 2", location="12")
    org.district.drop("enrollments", "K1-sid-student")
    result = org.next_day().run()
    assert ("rekey", "section") in reasons(result)
    assert not [row for row in taken_or_made(org) if row[0] == "section"]
    org.approve(result, "rekey", "section")
    org.next_day().run()
    assert {stored.code: stored.lms_id for stored in org.lms.all("section")} == {
        "K1": before["k1"],
        "K2": before["k2"],
    }
    org.next_day().run()
    assert org.all("section")["K1"]["title"] == "Algebra, period 1"
    assert "K1|sid" not in org.roster
    assert org.roster["K2|may"] == "member"


@pytest.mark.rule(20)
def test_people_tell_apart_what_titles_and_rooms_would_mix_up(organization: Make) -> None:
    org = organization(two_classes().put("classes", "k1", title="Algebra", location="1").put(
        "classes", "k2", title="Algebra", location="2"
    ))  # fmt: skip
    org.run()
    rekey_class(org.district, "k1", "K1", location="2")
    rekey_class(org.district, "k2", "K2", location="1")
    result = org.next_day().run()
    proposed = {row["id"]: row["other"] for row in org.findings(result, "REKEY_PROPOSED")}
    assert proposed == {"k1": "K1", "k2": "K2"}


@pytest.mark.rule(20)
@pytest.mark.parametrize("who", ["other-teacher", "half-the-members"])
def test_not_mostly_the_same_people_is_another_class(organization: Make, who: str) -> None:
    district = small().student("sid").student("sol").teacher("tom").enroll("k1", "sid", "sol")
    org = organization(district)
    org.run()
    rekey_class(district, "k1", "K1", title="Something else")
    if who == "other-teacher":
        district.drop("enrollments", "K1-tina-teacher").enroll("K1", "tom", role="teacher")
    else:
        district.drop("enrollments", "K1-sam-student", "K1-sid-student")
    result = org.next_day().run()
    assert org.found(result, "REKEY_PROPOSED") == []
    assert org.sections == {"k1", "K1"}


@pytest.mark.rule(20)
def test_a_class_with_other_people_in_it_is_another_class_whatever_its_title(organization: Make) -> None:
    org = organization(small().student("max").student("may"))
    org.run()
    district = org.district.drop("classes", "k1").clazz("K1", title="Class k1")
    district.drop("enrollments", "k1-tina-teacher", "k1-sam-student", "k1-sue-student")
    district.enroll("K1", "tina", role="teacher").enroll("K1", "max", "may")
    result = org.next_day().run()
    assert org.found(result, "REKEY_PROPOSED") == org.found(result, "REKEY_UNCLEAR") == []
    assert org.roster == {"K1|tina": "admin", "K1|max": "member", "K1|may": "member"}


@pytest.mark.rule(20)
def test_of_two_classes_that_fit_neither_is_taken_and_nobody_loses_a_place(organization: Make) -> None:
    org = organization()
    org.run()
    rekey_class(org.district, "k1", "K1")
    org.district.clazz("K2", title="Class k1").enroll("K2", "tina", role="teacher").enroll("K2", "sam", "sue")
    for _ in range(3):
        result = org.next_day().run()
        assert org.found(result, "REKEY_UNCLEAR") == ["k1"]
        assert org.findings(result, "REKEY_UNCLEAR")[0]["other"] == "K1, K2"
        assert {("rekey", "section"), ("rekey", "enrollment")} <= reasons(result)
        assert org.sections == {"k1"}
        assert set(org.roster) == {"k1|tina", "k1|sam", "k1|sue"}
    org.approve(result, "rekey")
    org.next_day().run()
    org.next_day().run()
    assert set(org.roster) == {f"{k}|{name}" for k in ("K1", "K2") for name in ("tina", "sam", "sue")}


@pytest.mark.rule(20)
def test_what_came_under_new_ids_in_half_a_read_is_not_made_twice(organization: Make) -> None:
    org = organization(small().school("S2").school("S3"))
    options = org.source._options
    org.source._options = type(options)(space=options.space, page_size=1)
    org.run()
    sections = {stored.lms_id for stored in org.lms.all("section")}
    accounts = {stored.lms_id for stored in org.lms.all("user")}
    rekey_class(org.district, "k1", "K1")
    org.district.drop("users", "sam").drop("enrollments", "K1-sam-student").enroll("K1", "S9")
    org.district.student("S9", username="sam", email="sam@x.example", givenName="Sam")
    org.lms.faults.break_read_at["enrollments"] = 2
    result = org.next_day().run()
    assert result.verdicts
    assert sorted(org.found(result, "REKEY_UNCLEAR")) == ["k1", "sam"]
    assert org.sent == []
    org.lms.faults.break_read_at.clear()
    approve_all(org, org.next_day().run())
    org.next_day().run()
    assert {stored.lms_id for stored in org.lms.all("section")} == sections
    assert {stored.lms_id for stored in org.lms.all("user")} == accounts
    assert set(org.roster) == {"K1|tina", "K1|S9", "K1|sue"}


# --- people -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule(8)
def test_a_marriage_and_a_rekey_in_one_night_are_one_person(organization: Make) -> None:
    org = organization()
    org.run()
    lms_id = org.stored("user", "tina").lms_id
    own = {"username": "tina", "email": "tina@x.example", "givenName": "Tina", "familyName": "Married"}
    org.district.drop("users", "tina").drop("enrollments", "k1-tina-teacher")
    org.district.teacher("T9", **own).enroll("k1", "T9", role="teacher")
    result = org.next_day().run()
    assert ("rekey", "user") in reasons(result)
    org.approve(result, "rekey")
    org.next_day().run()
    org.next_day().run()
    assert org.stored("user", "T9").lms_id == lms_id
    assert org.user("T9")["last_name"] == "Married"
    assert org.roster["k1|T9"] == "admin"


@pytest.mark.rule(8)
@pytest.mark.parametrize(
    "own",
    [
        {"username": "tina", "email": "tina@x.example", "givenName": "Tom", "familyName": "Other"},
        {"username": "tina", "email": "t9@x.example", "givenName": "Tina", "familyName": "Married"},
    ],
    ids=["a-login-given-to-somebody-else", "one-clue-only"],
)
def test_another_name_with_less_than_that_is_another_person(organization: Make, own: dict[str, str]) -> None:
    org = organization()
    org.run()
    org.district.drop("users", "tina").drop("enrollments", "k1-tina-teacher").teacher("T9", **own)
    assert ("rekey", "user") not in reasons(org.next_day().run())


@pytest.mark.rule(20)
def test_of_two_people_who_fit_neither_is_taken_and_nobody_loses_a_place(organization: Make) -> None:
    org = organization()
    org.run()
    before = org.roster
    own = {"givenName": "Sam"}
    org.district.drop("users", "sam").drop("enrollments", "k1-sam-student")
    org.district.student("S8", username="sam", email="s8@x.example", **own).enroll("k1", "S8")
    org.district.student("S9", username="s9", email="sam@x.example", **own).enroll("k1", "S9")
    for _ in range(2):
        result = org.next_day().run()
        assert org.found(result, "REKEY_UNCLEAR") == ["sam"]
        assert {("rekey", "user"), ("rekey", "enrollment")} <= reasons(result)
        assert org.roster == before
        assert org.users == {"tina", "sam", "sue"}


@pytest.mark.rule(15)
def test_a_guardian_whose_rename_waits_keeps_the_link(organization: Make) -> None:
    org = organization(small().user("gil", "guardian", "A").put("users", "sam", agentSourcedIds="gil"))
    org.run()
    links = org.all("guardian_link")
    assert links
    own = {"username": "gil", "email": "gil@x.example", "givenName": "Gil"}
    org.district.drop("users", "gil").user("G9", "guardian", "A", **own).put("users", "sam", agentSourcedIds="G9")
    result = org.next_day().run()
    assert ("rekey", "user") in reasons(result)
    assert org.all("guardian_link") == links
