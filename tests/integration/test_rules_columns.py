"""A column that was there and is not any more is unknown, not empty: it clears nothing and lets nobody in."""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest

from rollbook.connectors.base import Context
from rollbook.connectors.kit import parse as options
from rollbook.connectors.registry import connector
from rollbook.core.stored import RunResult
from rollbook.testing.world import NeverCancelled
from tests.districts import District, Organization, reasons, small

Make = Callable[..., "Exported"]


class Exported:
    """An organization whose SIS sends CSV files, of which some columns may be missing."""

    def __init__(self, org: Organization, folder: Path) -> None:
        self.org, self._folder = org, folder

    def run(self, without: Collection[str] = (), **request: Any) -> RunResult:
        """A night's run; `without` names columns like `users.email` that the export leaves out."""
        self._folder.mkdir(exist_ok=True)
        for name, rows in self.org.district.rows.items():
            header = [c for c in dict.fromkeys(c for row in rows for c in row) if f"{name}.{c}" not in without]
            with (self._folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, header, extrasaction="ignore", restval="")
                writer.writeheader()
                writer.writerows(rows)
        made = connector("oneroster_csv")
        assert made.source is not None
        context = Context(work=self._folder / "work", cancel=NeverCancelled(), count=lambda attempts=1: None)
        self.org.source = made.source(options(made.options, {"path": str(self._folder)}), context)
        return self.org.next_day().run(**request)

    def gone(self, result: RunResult) -> list[str]:
        return sorted(f"{row['collection']}.{row['detail']}" for row in self.org.findings(result, "COLUMN_GONE"))


def rich() -> District:
    """Every column that matters has a value."""
    district = small().school("B").put("classes", "k1", location="12", classCode="007", periods="3", status="active")
    for name in ("tina", "sam", "sue"):
        own = {
            "middleName": "Q",
            "preferredGivenName": "Q",
            "grades": "09",
            "identifier": f"i-{name}",
            "status": "active",
        }
        district.put("users", name, primaryOrgSourcedId="A", agentSourcedIds="", **own)
    for row in district.rows["enrollments"]:
        row |= {"beginDate": "2026-08-24", "endDate": "2027-01-22", "status": "active"}
    return district


@pytest.fixture
def exported(tmp_path: Path) -> Make:
    def make(district: District | None = None, **settings: Any) -> Exported:
        return Exported(Organization(tmp_path / "org", district or rich(), **settings), tmp_path / "export")

    return make


# --- fields -----------------------------------------------------------------------------------------------------------

TITLED = {"sections": {"title": "{class} {code} P{period}"}, "users": {"graduation_year": "from_grade"}}


@pytest.mark.rule(20)
@pytest.mark.parametrize(
    "column",
    ["users.email", "users.username", "users.middleName", "users.preferredGivenName", "users.grades",
     "users.primaryOrgSourcedId", "users.enabledUser", "classes.location", "classes.classCode", "classes.periods",
     "courses.courseCode", "enrollments.endDate", "enrollments.beginDate", "classes.termSourcedIds"],
)  # fmt: skip
def test_a_column_that_is_gone_changes_nothing_and_is_named_every_time(exported: Make, column: str) -> None:
    sis = exported(rich().put("users", "sam", orgSourcedIds="B,A"), **TITLED)
    sis.run()
    before = sis.org.snapshot()
    for _ in range(2):
        result = sis.run(without=[column])
        assert sis.gone(result) == [column]
        assert sis.org.sent == []
        assert sis.org.snapshot() == before
    assert sis.gone(sis.run()) == []
    assert sis.org.snapshot() == before


@pytest.mark.rule(20)
def test_what_is_known_still_changes(exported: Make) -> None:
    sis = exported()
    sis.run()
    sis.org.district.put("users", "sam", givenName="Samuel", email="new@x.example")
    sis.run(without=["users.email"])
    assert (sis.org.user("sam")["first_name"], sis.org.user("sam")["email"]) == ("Samuel", "sam@x.example")
    sis.run()
    assert sis.org.user("sam")["email"] == "new@x.example"


@pytest.mark.rule(23)
def test_a_column_that_is_there_and_empty_clears(exported: Make) -> None:
    sis = exported()
    sis.run()
    for name in ("tina", "sam", "sue"):
        sis.org.district.put("users", name, email="")
    result = sis.run()
    assert sis.gone(result) == []
    assert sis.org.user("sam")["email"] is None


def test_a_column_that_never_came_is_no_finding(exported: Make) -> None:
    sis = exported(small())
    for _ in range(3):
        assert sis.gone(sis.run(without=["users.email"])) == []


def test_columns_of_another_sis_are_not_missed(exported: Make) -> None:
    sis = exported()
    sis.run()
    sis.org.settings["sis"] = {"connector": "memory", "partner": "other"}
    assert sis.gone(sis.run(without=["users.email"])) == []


# --- who is kept out --------------------------------------------------------------------------------------------------


@pytest.mark.rule(13)
def test_disabled_people_get_no_account_because_the_column_is_gone(exported: Make) -> None:
    sis = exported(rich().student("dora", enabledUser="false"))
    sis.run()
    result = sis.run(without=["users.enabledUser"])
    assert reasons(result) == {("columns", "user")}
    assert "dora" not in sis.org.users
    sis.org.approve(result, "columns")
    sis.run(without=["users.enabledUser"])
    assert "dora" in sis.org.users, "a person said so"


@pytest.mark.rule(19)
@pytest.mark.parametrize(
    ("column", "own"),
    [
        ("enrollments.endDate", {"beginDate": "2026-08-24", "endDate": "2026-10-01"}),
        ("enrollments.beginDate", {"beginDate": "2027-01-10", "endDate": "2027-01-22"}),
        ("enrollments.status", {"status": "tobedeleted"}),
    ],
)
def test_nobody_is_enrolled_because_a_date_is_gone(exported: Make, column: str, own: dict[str, str]) -> None:
    sis = exported(rich().student("lea").enroll("k1", "lea", **own))
    sis.run()
    assert "k1|lea" not in sis.org.roster
    result = sis.run(without=[column])
    assert reasons(result) == {("columns", "enrollment")}
    assert "k1|lea" not in sis.org.roster


@pytest.mark.rule(7)
@pytest.mark.parametrize(
    ("exclude", "column", "kind"),
    [
        ({"grades": ["PK"]}, "users.grades", "user"),
        ({"emails": ["*@pk.example"]}, "users.email", "user"),
        ({"class_types": ["homeroom"]}, "classes.classType", "section"),
        ({"courses": ["HR"]}, "courses.courseCode", "section"),
    ],
)
def test_what_is_excluded_is_not_made_because_the_column_is_gone(
    exported: Make, exclude: dict[str, list[str]], column: str, kind: str
) -> None:
    district = rich().student("pia", grades="PK", email="pia@pk.example").course("hr", courseCode="HR")
    district.put("classes", "k1", classType="scheduled").clazz("k9", "hr", classType="homeroom")
    sis = exported(district, exclude=exclude)
    sis.run()
    there = (sis.org.users, sis.org.sections)
    result = sis.run(without=[column])
    assert ("columns", kind) in reasons(result)
    assert (sis.org.users, sis.org.sections) == there


@pytest.mark.rule(15)
def test_guardians_stay_linked_when_nobody_says_whose_they_are(exported: Make) -> None:
    district = rich().user("gil", "guardian", "A").put("users", "sam", agentSourcedIds="gil")
    sis = exported(district)
    sis.run()
    links = sis.org.all("guardian_link")
    assert links
    sis.run(without=["users.agentSourcedIds"])
    assert sis.org.all("guardian_link") == links


# --- page-wise sources ------------------------------------------------------------------------------------------------


def many(number: int) -> District:
    district = small()
    for index in range(number):
        district.student(f"s{index}")
    return district


@pytest.mark.rule(20)
@pytest.mark.parametrize(("people", "kept"), [(30, True), (5, False)])
def test_a_field_that_no_record_of_many_has_any_more_is_unknown(tmp_path: Path, people: int, kept: bool) -> None:
    org = Organization(tmp_path, many(people))
    org.run()
    for row in org.district.rows["users"]:
        del row["email"]
    for _ in range(2):
        result = org.next_day().run()
    assert (org.user("sam")["email"] == "sam@x.example") == kept
    assert len(org.findings(result, "COLUMN_GONE")) == kept
