"""Buildings, periods, courses, sections and enrollments of the practice LMS."""

from __future__ import annotations

from typing import Any

import pytest

from tests.verification.lms_client import Client

_IMPORT = "enrollments/import/course"
_ENROLLMENTS = "enrollments/enrollment"


def _codes(results: list[Any]) -> list[int]:
    return [result["response_code"] for result in results]


def _course(code: str, **more: Any) -> dict[str, Any]:
    return {"title": "Algebra", "course_code": code, **more}


def _section(code: str, period: int, **more: Any) -> dict[str, Any]:
    return {"title": "A", "section_school_code": code, "grading_periods": [period], **more}


def test_buildings(lms: Client) -> None:
    building = lms.building("elm")
    assert lms.call("PUT", f"schools/{building}", {"city": "Elmtown"}).status_code == 204
    found = lms.get(f"schools/{lms.organization()}/buildings")["building"]
    assert [(each["id"], each["building_code"], each["city"]) for each in found] == [(building, "elm", "Elmtown")]
    assert lms.call("POST", f"schools/{building}/buildings", {"title": "x"}).status_code == 400
    assert lms.call("POST", f"schools/{lms.organization()}/buildings", {}).status_code == 400


def test_roles_are_read_only(lms: Client) -> None:
    roles = {role["title"]: role for role in lms.get("roles")["role"]}
    assert {title: role["faculty"] for title, role in roles.items()} == {
        "System Admin": 1, "School Admin": 1, "Teacher": 1, "Student": 0, "Parent": 0, "Staff": 1,
    }  # fmt: skip
    assert lms.call("POST", "roles", {"title": "King"}).status_code == 405
    assert lms.call("OPTIONS", "roles").json() == {"methods": ["GET"]}


def test_period_titles_are_unique_and_used_ones_stay(lms: Client) -> None:
    used, idle = lms.period("Q1"), lms.period("Q2")
    assert (
        lms.call("POST", "gradingperiods", {"title": "Q1", "start": "2030-01-01", "end": "2030-02-01"}).status_code
        == 400
    )
    for body in ({"title": "x"}, {"title": "x", "start": "soon", "end": "2030-01-01"},
                 {"title": "x", "start": "2030-02-01", "end": "2030-01-01"}):  # fmt: skip
        assert lms.call("POST", "gradingperiods", body).status_code == 400
    course = lms.made("courses", _course("c"))["id"]
    lms.made(f"courses/{course}/sections", _section("s", used))
    assert lms.call("DELETE", f"gradingperiods/{used}").status_code == 403
    assert lms.call("DELETE", f"gradingperiods/{idle}").status_code == 204
    assert [period["title"] for period in lms.get("gradingperiods")["gradingperiods"]] == ["Q1"]


def test_courses_with_nested_sections(lms: Client) -> None:
    period = lms.period()
    nested = {"section": [_section("s1", period), _section("s2", 5), {"title": "B"}]}
    results = lms.bulk("POST", "courses?update_existing=1", "courses/course", [
        _course("c1", sections=nested), _course("", title="x"),
        _course("c2", sections={"section": _section("s3", period)}),
    ])  # fmt: skip
    assert _codes(results) == [200, 400, 200]
    assert _codes(results[0]["sections"]["section"]) == [200, 400, 400]
    assert results[0]["sections"]["section"][1]["section_school_code"] == "s2"
    state = lms.state()
    assert [(each["section_school_code"], each["course_code"]) for each in state["sections"]] == [
        ("s1", "c1"),
        ("s3", "c2"),
    ]


def test_course_codes_are_unique_in_the_organization(lms: Client) -> None:
    elm, oak = lms.building("elm"), lms.building("oak")
    lms.made("courses", _course("c1", building_id=elm))
    refused = lms.bulk("POST", "courses", "courses/course", [_course("c1", building_id=oak), _course("C1")])
    assert _codes(refused) == [400, 200]
    assert "c1" in refused[0]["message"]
    lms.bulk("POST", "courses?update_existing=1", "courses/course", [_course("c1", title="New")])
    found = {course["course_code"]: course for course in lms.get("courses")["course"]}
    assert (found["c1"]["title"], found["c1"]["building_id"]) == ("New", elm)
    assert [course["course_code"] for course in lms.get(f"courses?building_id={elm}")["course"]] == ["c1"]


def test_bulk_put_of_courses_is_by_id(lms: Client) -> None:
    first, second = (lms.made("courses", _course(code))["id"] for code in ("c1", "c2"))
    results = lms.bulk("PUT", "courses", "courses/course", [
        {"id": first, "title": "New"}, {"id": str(second), "course_code": "c1"},
        {"course_code": "c1"}, {"id": 9},
    ])  # fmt: skip
    assert _codes(results) == [200, 400, 400, 404]
    assert lms.get(f"courses/{first}")["title"] == "New"


@pytest.mark.parametrize(
    "change",
    [{"subject_area": 10}, {"grade_level_range_start": 5, "grade_level_range_end": 5}, {"credits": "many"},
     {"building_id": "3"}, {"title": ""}],
)  # fmt: skip
def test_refused_courses(lms: Client, change: dict[str, Any]) -> None:
    assert _codes(lms.bulk("POST", "courses", "courses/course", [_course("c1", **change)])) == [400]


def test_school_code_beats_section_code(lms: Client) -> None:
    period = lms.period()
    course = lms.made("courses", _course("c"))["id"]
    made = lms.made(f"courses/{course}/sections", _section("school", period, section_code="own"))
    assert (made["section_school_code"], made["section_code"]) == ("school", "")
    assert made["section_title"] == "A"
    assert made["meeting_days"] == [""]


def test_section_codes(lms: Client) -> None:
    autumn, spring = lms.period("autumn"), lms.period("spring")
    one, two = (lms.made("courses", _course(code))["id"] for code in ("c1", "c2"))
    by_code = {"title": "A", "section_code": "1", "grading_periods": [autumn]}
    path = f"courses/{one}/sections"
    results = lms.bulk("POST", path, "sections/section", [
        by_code, by_code, {**by_code, "grading_periods": [spring]}, _section("s", autumn),
        {"title": "A", "grading_periods": [autumn]}, {"title": "A", "section_code": "2"},
    ])  # fmt: skip
    assert _codes(results) == [200, 400, 200, 200, 400, 400]
    elsewhere = lms.bulk("POST", f"courses/{two}/sections", "sections/section", [by_code, _section("s", autumn)])
    assert _codes(elsewhere) == [200, 400]
    again = lms.bulk("POST", path + "?update_existing=1", "sections/section", [
        {**by_code, "title": "New"}, {"section_school_code": "s", "section_title": "Newer"},
    ])  # fmt: skip
    assert [item["id"] for item in again] == [results[0]["id"], results[3]["id"]]
    assert lms.get(f"sections/{results[3]['id']}")["section_title"] == "Newer"
    moved = lms.bulk("POST", f"courses/{two}/sections?update_existing=1", "sections/section", [_section("s", autumn)])
    assert _codes(moved) == [400]


def test_bulk_put_of_sections(lms: Client) -> None:
    found = lms.class_of()
    results = lms.bulk("PUT", "sections", "sections/section", [
        {"id": found["section"], "title": "New", "synced": 1}, {"title": "no id"}, {"id": 4},
    ])  # fmt: skip
    assert _codes(results) == [200, 400, 404]
    assert lms.state()["sections"][0]["title"] == "New"


def test_past_sections_are_hidden_unless_asked_for(lms: Client) -> None:
    period = lms.period("spring", "2027-01-01", "2027-06-30")
    course = lms.made("courses", _course("c"))["id"]
    section = lms.made(f"courses/{course}/sections", _section("s", period))["id"]
    paths = (f"courses/{course}/sections", "sections?section_school_codes=s,t")
    for today, count in (("2026-09-01", 1), ("2027-06-30", 1), ("2027-07-01", 0)):
        lms.practice("today", {"today": today})
        for path in paths:
            assert len(lms.get(path)["section"]) == count
            assert len(lms.get(path + ("&" if "?" in path else "?") + "include_past=1")["section"]) == 1
    assert lms.get(f"sections/{section}")["active"] == 0
    assert lms.call("PUT", f"gradingperiods/{period}", {"end": "2027-08-01"}).status_code == 204
    assert lms.get(f"sections/{section}")["active"] == 1


def test_other_ways_to_a_section(lms: Client) -> None:
    section = lms.class_of(section="a b/c")["section"]
    for path in (
        f"sections/{section}/",
        f"section/{section}",
        "sections/ext/a%20b%2Fc",
        f"sections/{section}/nonsense",
    ):
        assert lms.get(path)["id"] == str(section)
    assert lms.call("GET", "sections").status_code == 403
    assert lms.call("GET", "nonsense").status_code == 404
    assert lms.get(f"sections/{section}/grading_periods")["grading_period"][0]["end"] == "2099-06-30 00:00:00"


def test_import_by_codes_creates_changes_and_deletes(lms: Client) -> None:
    lms.class_of("u1", section="s")
    lms.made("users", lms.user("t1", "Teacher"))
    items = [
        {"section_school_code": "s", "school_uid": "t1", "admin": "1"},
        {"section_school_code": "s", "school_uid": "ghost"},
        {"section_school_code": "S", "school_uid": "u1"},
        {"section_school_code": "s", "school_uid": "u1", "delete": "1"},
        {"school_uid": "u1"},
        {"section_school_code": "s", "school_uid": "t1", "delete": 0, "admin": 1},
    ]
    results = lms.bulk("POST", _IMPORT, _ENROLLMENTS, items)
    assert _codes(results) == [200, 404, 404, 200, 400, 200]
    assert "ghost" in results[1]["message"]
    assert "id" not in results[0]
    assert results[0]["location"].rpartition("/")[2].isdecimal()
    state = lms.state()
    assert state["enrollments"] == [["s", "t1", 1, 1]]
    assert state["archived"] == [["s", "u1", 0, 5]]
    again = lms.bulk("POST", _IMPORT, _ENROLLMENTS, items)
    assert _codes(again) == [200, 404, 404, 404, 400, 200]
    assert lms.state() == state


def test_import_by_course_and_section_code(lms: Client) -> None:
    period = lms.period()
    course = lms.made("courses", _course("c"))["id"]
    lms.made(f"courses/{course}/sections", {"title": "A", "section_code": "1", "grading_periods": [period]})
    lms.made("users", lms.user("u1"))
    item = {"course_code": "c", "section_code": "1", "school_uid": "u1"}
    results = lms.bulk("POST", f"{_IMPORT}/{period}", _ENROLLMENTS, [item, {**item, "section_code": "2"}])
    assert _codes(results) == [200, 404]
    assert lms.state()["enrollments"] == [["1", "u1", 0, 1]]


def test_enrolling_again_revives_the_same_enrollment(lms: Client) -> None:
    found = lms.class_of("u1", section="s")
    path = f"section/{found['section']}/enrollments"
    assert lms.call("DELETE", f"{path}/{found['u1']}").status_code == 204
    assert lms.get(path)["enrollment"] == []
    uid = lms.get("users?school_uids=u1")["user"][0]["uid"]
    assert lms.made(path, {"uid": uid})["id"] == found["u1"]


def test_enrollments_in_a_section(lms: Client) -> None:
    found = lms.class_of("u1", "u2", section="s")
    path = f"sections/{found['section']}/enrollments"
    uids = {user["school_uid"]: user["uid"] for user in lms.get("users")["user"]}
    answer = lms.call("POST", path, {"enrollments": {"enrollment": [
        {"uid": uids["practice-admin"], "admin": 1}, {"uid": "9"}, {"uid": uids["u1"], "status": "3"},
    ]}})  # fmt: skip
    results = answer.json()["enrollments"]["enrollment"]
    assert (answer.status_code, _codes(results)) == (207, [200, 404, 200])
    assert results[2]["id"] == found["u1"]

    def names(query: str) -> list[str]:
        return [each["school_uid"] for each in lms.get(path + query)["enrollment"]]

    assert names("?type=admin") == ["practice-admin"]
    assert names("?type=member") == ["u1", "u2"]
    assert names("?enrollment_status=3") == ["u1"]
    assert names(f"?uid={uids['u2']}") == ["u2"]
    assert lms.call("PUT", f"{path}/{found['u2']}", {"admin": 1}).status_code == 204
    assert names("?type=admin&limit=1&start=1") == ["practice-admin"]
    gone = lms.call("DELETE", f"enrollments?enrollment_ids={found['u1']},{found['u2']},4")
    assert (gone.status_code, _codes(gone.json()["enrollments"]["enrollment"])) == (207, [200, 200, 404])
    assert names("") == ["practice-admin"]


def test_enrolling_in_many_sections(lms: Client) -> None:
    one, two = lms.class_of(section="s1")["section"], lms.class_of("u1", section="s2")["section"]
    uid = lms.get("users?school_uids=u1")["user"][0]["uid"]
    results = lms.bulk("POST", "enrollments", _ENROLLMENTS, [
        {"realm": "section", "section_id": section, "uid": uid} for section in (one, two, 3)
    ])  # fmt: skip
    assert _codes(results) == [200, 200, 404]
    assert [section["section_school_code"] for section in lms.get(f"users/{uid}/sections")["section"]] == [
        "s1",
        "s2",
    ]


def test_multiget(lms: Client) -> None:
    found = lms.class_of("u1", section="s")
    section = f"/v1/sections/{found['section']}"
    paths = [
        f"{section}/enrollments?limit=1",
        section,
        "/v1/users/ext/u1",
        "/v1/sections/7",
        "/v1/gradingperiods",
    ]
    answer = lms.call("POST", "multiget", {"request": paths}).json()["response"]
    assert _codes(answer) == [200, 200, 303, 404, 404]
    assert answer[0]["body"]["enrollment"][0]["school_uid"] == "u1"
    assert "/users/" in answer[2]["location"]
    assert lms.call("POST", "multiget", {"request": [section] * 51}).status_code == 400


def test_deleting_sections_and_courses(lms: Client) -> None:
    found = lms.class_of("u1", section="s1")
    other = lms.class_of(section="s2")
    gone = lms.call("DELETE", f"sections?section_ids={found['section']},3")
    assert (gone.status_code, _codes(gone.json()["section"])) == (207, [200, 404])
    assert _codes(lms.call("DELETE", f"courses?course_ids={other['course']}").json()["course"]) == [200]
    state = lms.state()
    assert (state["sections"], state["enrollments"]) == ([], [])
    assert [course["course_code"] for course in state["courses"]] == ["course-s1"]


def test_state_is_the_same_for_the_same_roster_built_in_another_order(lms: Client) -> None:
    lms.class_of("u1", "u2", section="s")
    before = lms.state()
    items = [{"section_school_code": "s", "school_uid": code} for code in ("u2", "u1")]
    lms.bulk("POST", _IMPORT, _ENROLLMENTS, [{**item, "delete": 1} for item in items])
    lms.bulk("POST", _IMPORT, _ENROLLMENTS, items)
    assert lms.state() == before
    assert [user["school_uid"] for user in before["users"]] == ["practice-admin", "u1", "u2"]
