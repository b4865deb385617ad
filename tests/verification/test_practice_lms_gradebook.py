"""Categories, graded items and grades of the practice LMS."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.verification.lms_client import Client


def _category(lms: Client, section: int, title: str = "Tests") -> int:
    path = f"sections/{section}/grading_categories"
    results = lms.bulk("POST", path, "grading_categories/grading_category", [{"title": title, "weight": 40}])
    assert results[0]["response_code"] == 200
    return int(results[0]["id"])


def _put(lms: Client, section: int, *grades: dict[str, Any]) -> list[Any]:
    answer = lms.call("PUT", f"sections/{section}/grades", {"grades": {"grade": list(grades)}})
    assert answer.status_code == 207
    results: list[Any] = answer.json()["grade"]
    return results


def test_categories(lms: Client) -> None:
    section = lms.class_of()["section"]
    path = f"sections/{section}/grading_categories"
    category = _category(lms, section)
    assert lms.call("POST", path, {"title": "unwrapped"}).status_code == 400
    changed = lms.call("PUT", f"{path}/{category}", {"drop_lowest": 2})
    assert (changed.status_code, changed.json()["drop_lowest"], changed.json()["weight"]) == (200, 2, 40)
    results = lms.bulk("PUT", path, "grading_categories/grading_category", [
        {"id": category, "title": "Quizzes"}, {"id": 3, "title": "x"}, {"id": category, "drop_lowest": 11},
    ])  # fmt: skip
    assert [result["response_code"] for result in results] == [204, 404, 400]
    assert [each["title"] for each in lms.get(path)["grading_category"]] == ["Quizzes"]
    assert lms.call("DELETE", f"{path}/{category}").status_code == 204
    assert lms.call("GET", f"{path}/{category}").status_code == 404


def test_items(lms: Client) -> None:
    found = lms.class_of()
    section, category = found["section"], _category(lms, found["section"])
    path = f"sections/{section}/assignments"
    final = lms.made(path, {"title": "Final", "is_final": 1, "due": "2026-12-01"})
    late = lms.made(path, {"title": "Late", "due": "2026-11-02 08:00:00", "grading_category": category})
    early = lms.made(path, {
        "title": "Early", "due": "2026-11-01", "grading_category_id": str(category), "description": "Read",
        "grading_period": found["period"], "grading_scale": 1, "max_points": "50",
    })  # fmt: skip
    assert (early["due"], early["grading_category"], early["max_points"]) == (
        "2026-11-01 00:00:00", str(category), "50"
    )  # fmt: skip
    listed = lms.get(f"sections/{section}/grade_items")["assignment"]
    assert [item["id"] for item in listed] == [early["id"], late["id"], final["id"]]
    assert listed[0]["description"] == ""
    assert lms.get(f"{path}/{early['id']}")["description"] == "Read"
    for wrong in ({"title": ""}, {"title": "x", "grading_scale": 9}, {"title": "x", "grading_category": 5},
                  {"title": "x", "grading_period": 5}, {"title": "x", "due": "soon"}):  # fmt: skip
        assert lms.call("POST", path, wrong).status_code == 400
    assert lms.call("PUT", f"{path}/{late['id']}", {"published": 0}).status_code == 204
    assert lms.get(f"{path}/{late['id']}")["published"] == "0"
    assert lms.call("DELETE", f"{path}/{late['id']}").status_code == 204
    assert lms.call("GET", f"{path}/{late['id']}").status_code == 404


def test_grades(lms: Client) -> None:
    found = lms.class_of("u1", "u2")
    section = found["section"]
    path = f"sections/{section}/assignments"
    points = lms.made(path, {"title": "Points", "grading_period": found["period"], "max_points": 50})["id"]
    letter = lms.made(path, {"title": "Letter", "grading_scale": 1})["id"]
    one = {"type": "assignment", "assignment_id": points, "enrollment_id": found["u1"]}
    two = {**one, "assignment_id": letter, "enrollment_id": found["u2"]}
    started = int(time.time())
    results = _put(
        lms, section, {**one, "grade": 40, "comment": "Good"}, {**two, "grade": "B"}, {**two, "grade": "Z"},
        {**one, "enrollment_id": 3, "grade": 1}, {**one, "assignment_id": 3, "grade": 1}, {**one, "exception": 9},
    )  # fmt: skip
    assert [result["response_code"] for result in results] == [200, 200, 400, 404, 404, 400]
    data = lms.get(f"sections/{section}/grades")
    rows = {(row["enrollment_id"], row["assignment_id"]): row for row in data["grades"]["grade"]}
    assert (rows[found["u1"], points]["grade"], rows[found["u1"], points]["comment"]) == (40, "Good")
    assert rows[found["u2"], letter]["grade"] == 85
    assert rows[found["u1"], points]["timestamp"] >= started
    finals = {row["enrollment_id"]: {p["period_id"]: p["grade"] for p in row["period"]} for row in data["final_grade"]}
    assert finals[str(found["u1"])] == {f"p{found['period']}": 80, "other": None, "final": 80}
    later = lms.get(f"sections/{section}/grades?timestamp={int(time.time()) + 60}")
    assert later["grades"]["grade"] == []
    only = lms.get(f"sections/{section}/grades?assignment_id={letter}")
    assert [row["assignment_id"] for row in only["grades"]["grade"]] == [letter]
    assert lms.call("POST", f"sections/{section}/grades", {}).status_code == 405


@pytest.mark.parametrize(("exception", "grade"), [(0, 7), (1, None), (2, None), (3, None), (4, 7)])
def test_exceptions(lms: Client, exception: int, grade: int | None) -> None:
    found = lms.class_of("u1")
    item = lms.made(f"sections/{found['section']}/assignments", {"title": "Item"})["id"]
    _put(lms, found["section"], {
        "assignment_id": item, "enrollment_id": found["u1"], "grade": 7, "exception": exception,
    })  # fmt: skip
    row = lms.get(f"sections/{found['section']}/grades")["grades"]["grade"][0]
    assert (row["exception"], row["grade"]) == (exception, grade)


def test_grades_come_back_with_the_enrollment_but_not_after_a_plain_delete(lms: Client) -> None:
    found = lms.class_of("u1", "u2", section="s")
    section = found["section"]
    item = lms.made(f"sections/{section}/assignments", {"title": "Item"})["id"]
    _put(lms, section, *({"assignment_id": item, "enrollment_id": found[u], "grade": 5} for u in ("u1", "u2")))
    names = "enrollments/enrollment"
    gone = {"section_school_code": "s", "school_uid": "u1"}
    lms.bulk("POST", "enrollments/import/course", names, [{**gone, "delete": 1}])
    uid = lms.get("users?school_uids=u2")["user"][0]["uid"]
    lms.call("DELETE", f"users/{uid}?email_notification=0")
    assert lms.get(f"sections/{section}/grades")["grades"]["grade"] == []
    lms.bulk("POST", "enrollments/import/course", names, [gone])
    rows = lms.get(f"sections/{section}/grades")["grades"]["grade"]
    assert [row["enrollment_id"] for row in rows] == [found["u1"]]


def test_changing_the_periods_of_a_section_unsorts_its_items(lms: Client) -> None:
    found = lms.class_of()
    path = f"sections/{found['section']}"
    item = lms.made(f"{path}/assignments", {"title": "Item", "grading_period": found["period"]})["id"]
    assert lms.call("PUT", path, {"title": "Same"}).status_code == 204
    assert lms.get(f"{path}/assignments/{item}")["grading_period"] == str(found["period"])
    assert lms.call("PUT", path, {"grading_periods": [lms.period("other")]}).status_code == 204
    assert lms.get(f"{path}/assignments/{item}")["grading_period"] == "0"


def test_a_course_admin_grades_and_a_member_does_not(lms: Client) -> None:
    found = lms.class_of("u1", "u2")
    path = f"sections/{found['section']}"
    item = lms.made(f"{path}/assignments", {"title": "Item"})["id"]
    lms.call("PUT", f"{path}/enrollments/{found['u2']}", {"admin": 1})
    uids = {user["school_uid"]: user["uid"] for user in lms.get("users")["user"]}
    body = {"grades": {"grade": [{"assignment_id": item, "enrollment_id": found["u1"], "grade": 3}]}}
    for code, status in (("u1", 403), ("u2", 207)):
        assert lms.call("PUT", f"{path}/grades", body, X_Schoology_Run_As=uids[code]).status_code == status
    assert lms.call("PUT", path, {"title": "x"}, X_Schoology_Run_As=uids["u2"]).status_code == 403
    seen = lms.get(f"users/{uids['u1']}/grades?section_id={found['section']}", X_Schoology_Run_As=uids["u1"])
    assert seen["section"][0]["period"][0]["assignment"][0]["grade"] == 3
