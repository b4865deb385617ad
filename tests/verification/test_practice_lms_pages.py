"""The pages of the practice LMS: readable, escaped, asking nothing of another host."""

from __future__ import annotations

import re

import pytest

from tests.verification.lms_client import Client

_NASTY = '<script>alert("x")</script>'


def _page(lms: Client, path: str, status: int = 200) -> str:
    answer = lms.http.get(lms.url + path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    return answer.text


@pytest.fixture
def filled(lms: Client) -> Client:
    building = lms.building(_NASTY)
    period = lms.period(_NASTY)
    course = lms.made("courses", {"title": _NASTY, "course_code": "c&1", "building_id": building})["id"]
    body = {"title": _NASTY, "section_school_code": _NASTY, "grading_periods": [period]}
    section = lms.made(f"courses/{course}/sections", body)["id"]
    user = lms.made("users", lms.user("u1", name_first=_NASTY, name_last="Díaz"))
    enrollment = lms.made(f"sections/{section}/enrollments", {"uid": user["uid"]})["id"]
    item = lms.made(f"sections/{section}/assignments", {"title": _NASTY})["id"]
    grade = {"assignment_id": item, "enrollment_id": enrollment, "grade": 87.5}
    lms.call("PUT", f"sections/{section}/grades", {"grades": {"grade": [grade]}})
    return lms


def test_every_page_is_reached_by_links_and_harmless(filled: Client) -> None:
    todo, seen = ["/"], dict[str, str]()
    while todo:
        path = todo.pop()
        if path not in seen:
            seen[path] = _page(filled, path)
            todo += re.findall(r'href="(/[^"]*)"', seen[path])
    assert {re.sub(r"\d+", "N", path) for path in seen} == {
        "/", "/grade-settings", "/users", "/courses", "/courses/N", "/sections/N", "/sections/N/gradebook", "/apps",
        "/tools", "/sections/N/tools",
    }  # fmt: skip
    for text in seen.values():
        assert "<script" not in text
        assert not re.search(r'(?:src|href)="(?!/|data:,)', text)
        assert "viewport" in text
        assert "prefers-color-scheme:dark" in text
    gradebook = next(text for path, text in seen.items() if path.endswith("gradebook"))
    assert "87.5" in gradebook
    assert "Díaz" in gradebook


def test_users_can_be_searched_and_paged(lms: Client) -> None:
    for start in (0, 50):
        first = lms.user("x")
        items = [{**first, "school_uid": f"u{n:03}", "username": f"u{n:03}", "name_last": f"Family{n:03}"}
                 for n in range(start, start + 50)]  # fmt: skip
        lms.bulk("POST", "users", "users/user", items)
    assert "101 in all, page 1 of 3" in _page(lms, "/users")
    assert "Family049" in _page(lms, "/users?page=2")
    found = _page(lms, "/users?q=family07")
    assert ("Family075" in found, "Family005" in found, "10 in all" in found) == (True, False, True)
    assert "Nobody found." in _page(lms, "/users?q=%25")


def test_pages_that_do_not_exist(lms: Client) -> None:
    assert "no such page" in _page(lms, "/courses/7", 404)
    assert "no such page" in _page(lms, "/sections/7", 404)
    assert "no such page" in _page(lms, "/sections/7/gradebook", 404)
