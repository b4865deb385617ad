"""A third-party client, schoolopy, judges the practice LMS where that client itself works."""

from __future__ import annotations

import pytest
import schoolopy
from schoolopy.errors import NoDataError

from tests.verification.lms_client import Client


@pytest.fixture
def client(lms: Client) -> schoolopy.Schoology:
    return schoolopy.Schoology(schoolopy.Auth("practice", "practice"), f"{lms.url}/v1/")


def test_it_signs_in_and_follows_the_redirect(client: schoolopy.Schoology) -> None:
    assert client.get_me()["username"] == "practice-admin"
    assert client.get_self_user_info()["api_uid"] == client.get_me()["id"]


def test_a_wrong_secret_is_refused(lms: Client) -> None:
    stranger = schoolopy.Schoology(schoolopy.Auth("practice", "wrong"), f"{lms.url}/v1/")
    with pytest.raises(Exception, match="401"):
        stranger.get_roles()


def test_schools_roles_and_languages(client: schoolopy.Schoology) -> None:
    school = client.get_schools()[0]
    assert client.get_school(school["id"])["title"] == school["title"] == "Practice School District"
    student = next(role for role in client.get_roles() if role["title"] == "Student")
    assert client.get_role(student["id"])["faculty"] == 0
    assert "en" in {language["language_code"] for language in client.get_languages()}


def test_users_are_made_changed_and_deleted(lms: Client, client: schoolopy.Schoology) -> None:
    made = client.create_user(schoolopy.models.User(lms.user("u1")))
    with pytest.raises(NoDataError):  # the client does not expect the empty 204
        client.update_user(schoolopy.models.User({"name_first": "Anna"}), made["uid"])
    assert client.get_user(made["uid"])["name_first"] == "Anna"
    assert [user["school_uid"] for user in client.get_users()] == ["practice-admin", "u1"]
    client.delete_user(made["uid"])
    assert [user["school_uid"] for user in client.get_users(inactive=True)] == ["u1"]
    assert client.get_user(made["uid"], inactive=True)["name"] == "Anna Diaz"


def test_its_page_size_is_kept(lms: Client, client: schoolopy.Schoology) -> None:
    lms.bulk("POST", "users", "users/user", [lms.user(f"u{n}") for n in range(30)])
    assert len(client.get_users()) == 20
    client.limit = 200
    assert len(client.get_users()) == 31


def test_courses_sections_enrollments_and_periods(lms: Client, client: schoolopy.Schoology) -> None:
    found = lms.class_of("u1", "u2", section="s")
    assert [course["course_code"] for course in client.get_courses()] == ["course-s"]
    assert client.get_course(found["course"])["title"] == "Algebra"
    assert [each["section_school_code"] for each in client.get_course_sections(found["course"])] == ["s"]
    assert client.get_section(found["section"])["section_title"] == "A"
    assert [each["school_uid"] for each in client.get_enrollments(section_id=found["section"])] == ["u1", "u2"]
    uid = client.get_users()[1]["uid"]
    assert [each["id"] for each in client.get_sections(uid)] == [str(found["section"])]
    assert [each["title"] for each in client.get_grading_periods()] == ["Period of s"]
    assert client.get_grading_period(found["period"])["start"] == "2020-08-01"


def test_graded_items(lms: Client, client: schoolopy.Schoology) -> None:
    section = lms.class_of()["section"]
    made = lms.made(f"sections/{section}/assignments", {"title": "Essay"})
    assert [each["title"] for each in client.get_assignments(section)] == ["Essay"]
    assert client.get_assignment(section, made["id"])["grade_item_id"] == made["id"]
