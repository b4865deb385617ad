"""A OneRoster 1.1 client that others wrote reads and writes the practice SIS."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from oneroster_client import (
    ApiClient,
    ClassesManagementApi,
    Configuration,
    EnrollmentsManagementApi,
    GUIDRefType,
    LineItemsManagementApi,
    LineItemType,
    OrgsManagementApi,
    ResultsManagementApi,
    SchoolsManagementApi,
    SingleLineItemType,
    StudentsManagementApi,
    TermsManagementApi,
    UsersManagementApi,
)
from requests import HTTPError

from tests.verification.sis_client import served_sis


@pytest.fixture
def api() -> Iterator[ApiClient]:
    # This client reads booleans as texts only, as several 1.1 servers send them.
    with served_sis("1.1", faults=["bool_text"]) as client:
        token = client.ask_token()["access_token"]
        configuration = Configuration()
        configuration.host = f"{client.url}/ims/oneroster/v1p1"
        configuration.access_token = token
        yield ApiClient(configuration)


def _ids(records: list[Any]) -> set[str]:
    return {record.sourced_id for record in records}


def test_it_reads_the_district(api: ApiClient) -> None:
    schools = SchoolsManagementApi(api).get_schools().orgs
    assert {school.name for school in schools} == {
        "Maple Valley High School", "Cedar Middle School", "Birch Elementary School",
    }  # fmt: skip
    assert {school.parent.sourced_id for school in schools} == {"mv-district"}
    assert _ids(OrgsManagementApi(api).get_orgs().orgs) == {*_ids(schools), "mv-district"}
    terms = TermsManagementApi(api).get_terms().academic_sessions
    assert [(term.title, term.start_date) for term in terms] == [
        ("Semester 1", date(2026, 8, 24)), ("Semester 2", date(2027, 1, 23)),
    ]  # fmt: skip


def test_it_reads_people_and_their_classes(api: ApiClient) -> None:
    sakura = StudentsManagementApi(api).get_student("stu-sakura").user
    assert (sakura.given_name, sakura.family_name, sakura.role) == ("さくら", "田中", "student")
    assert sakura.enabled_user is True
    assert sakura.user_ids[0].identifier == "100003"
    osei = UsersManagementApi(api).get_user("tea-osei").user
    assert _ids(osei.orgs) == {"mv-high", "mv-middle"}
    classes = ClassesManagementApi(api)
    assert _ids(classes.get_classes_for_teacher("tea-osei").classes) == {
        "cls-algebra-high", "cls-algebra-middle", "cls-science-7",
    }  # fmt: skip
    enrollments = EnrollmentsManagementApi(api).get_enrollments(limit=500).enrollments
    assert len(enrollments) == 28
    assert {one.role for one in enrollments} == {"student", "teacher"}


def test_it_asks_with_filter_sort_and_page(api: ApiClient) -> None:
    users = UsersManagementApi(api)
    page = users.get_users(limit=3, offset=2, sort="familyName", order_by="desc", filter="role='teacher'").users
    assert [user.family_name for user in page] == ["Osei", "Lindqvist", "Castellanos"]


def test_it_writes_and_deletes_a_line_item(api: ApiClient) -> None:
    items, results = LineItemsManagementApi(api), ResultsManagementApi(api)

    def ref(own: str, kind: str) -> GUIDRefType:
        return GUIDRefType(href="http://lms.example/x", sourced_id=own, type=kind)

    moment = datetime(2026, 9, 7, 8, tzinfo=UTC)
    item = LineItemType(
        sourced_id="li-client", status="active", date_last_modified=moment, title="Essay",
        assign_date=moment, due_date=moment, _class=ref("cls-english-9", "class"),
        category=ref("cat-homework", "category"), grading_period=ref("gp-1", "gradingPeriod"),
        result_value_min=0.0, result_value_max=10.0,
    )  # fmt: skip
    items.put_line_item(SingleLineItemType(line_item=item), "li-client")
    back = items.get_line_item("li-client").line_item
    assert (back.title, back.result_value_max, back.due_date) == ("Essay", 10.0, moment)
    assert _ids(results.get_results().results) >= {"res-linear-amara"}
    items.delete_line_item("li-client")
    with pytest.raises(HTTPError) as failed:
        items.get_line_item("li-client")
    assert failed.value.response.status_code == 404
