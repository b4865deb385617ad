"""The practice SIS from day to day, from every CSV layout, for a person, and at full speed."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rollbook.practice.sis import create_sis
from tests.verification.sis_client import DATA, MAPLE_VALLEY, running_sis

DAY_ONE = datetime(2026, 9, 1, 6, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = DAY_ONE

    def __call__(self) -> datetime:
        return self.now


def _next_day(tmp_path: Path) -> Path:
    """Amara is gone, Björn has another user name, a new teacher came; delta for enrollments."""
    folder = tmp_path / "day-2"
    shutil.copytree(MAPLE_VALLEY, folder)
    users = (folder / "users.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    users = [line.replace("bangstrom", "bjorn.a") for line in users if not line.startswith("stu-amara,")]
    kim = next(line for line in users if line.startswith("tea-kim,"))
    users.append(kim.replace("tea-kim", "tea-new").replace("hkim", "new"))
    (folder / "users.csv").write_text("".join(users), encoding="utf-8")
    manifest = (folder / "manifest.csv").read_text(encoding="utf-8")
    (folder / "manifest.csv").write_text(
        manifest.replace("file.enrollments,bulk", "file.enrollments,delta"), encoding="utf-8"
    )
    rows = (folder / "enrollments.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    amara = next(row for row in rows if row.startswith("enr-biology-bjorn,"))
    gone = amara.replace("enr-biology-bjorn,,,", "enr-biology-bjorn,tobedeleted,2026-09-02T05:00:00.000Z,")
    (folder / "enrollments.csv").write_text(rows[0] + gone, encoding="utf-8")
    return folder


def test_the_next_day_shows_as_a_delta(tmp_path: Path) -> None:
    clock = Clock()
    with running_sis("1.2", clock=clock, expires_in=200_000) as client:
        assert client.items("/users", limit=1)[0]["dateLastModified"] == "2026-09-01T06:00:00.000Z"
        assert client.ids("/users", filter="dateLastModified>'2026-09-01T06:00:00.000Z'") == []
        assert len(client.ids("/users", filter="dateLastModified>'2026-09-01'")) == 21, "midnight is meant"
        clock.now += timedelta(days=1)
        counts = client.control("load", directory=str(_next_day(tmp_path)))
        assert counts == {"new": 1, "changed": 2, "vanished": 1}
        delta = client.items("/users", filter="dateLastModified>='2026-09-02'")
        assert {user["sourcedId"]: user["status"] for user in delta} == {
            "stu-amara": "tobedeleted", "stu-bjorn": "active", "tea-new": "active",
        }  # fmt: skip
        assert client.get("/users/stu-bjorn").json()["user"]["username"] == "bjorn.a"
        gone = client.ids("/enrollments", filter="status='tobedeleted'")
        assert gone == ["enr-biology-bjorn"], "a delta file takes away only what it says"
        clock.now += timedelta(days=1)
        client.control("load", directory=str(MAPLE_VALLEY))
        assert client.get("/users/stu-amara").json()["user"]["status"] == "active", "people come back"
        assert client.get("/users/tea-new").json()["user"]["status"] == "tobedeleted"


def test_records_may_disappear_instead(tmp_path: Path) -> None:
    with running_sis("1.1", vanish="disappear") as client:
        client.control("load", directory=str(_next_day(tmp_path)))
        assert client.get("/users/stu-amara").status_code == 404


def test_grades_survive_the_next_day(tmp_path: Path) -> None:
    with running_sis("1.2") as client:
        body = {"category": {"title": "Projects"}}
        assert client.call("PUT", "/categories/cat-x", "gradebook", json=body).status_code == 201
        client.control("load", directory=str(_next_day(tmp_path)))
        assert "cat-x" in client.ids("/categories", "gradebook")


def test_a_folder_that_is_none_is_told_so(tmp_path: Path) -> None:
    with running_sis("1.1") as client:
        for body in ({"directory": str(tmp_path)}, {}, {"directory": str(MAPLE_VALLEY), "vanish": "burn"}):
            assert client.http.post(f"{client.url}/_practice/load", json=body).status_code == 400
        assert len(client.ids("/users")) == 21
    with pytest.raises(FileNotFoundError):
        create_sis(tmp_path)


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_both_layouts_serve_the_same_roster(version: str) -> None:
    only_in_1_2 = {
        "dateLastModified", "userMasterIdentifier", "preferredFirstName", "preferredMiddleName",
        "preferredLastName", "pronouns", "primaryOrg",
    }  # fmt: skip
    with running_sis(version) as left, running_sis(version, DATA / "maple-valley-1.1") as right:
        for path in ("orgs", "academicSessions", "courses", "classes", "users", "enrollments", "demographics"):
            both = [
                [
                    {name: value for name, value in record.items() if name not in only_in_1_2}
                    for record in client.items(f"/{path}", limit=100)
                ]
                for client in (left, right)
            ]
            assert both[0] == both[1], path


def test_the_edfi_samples_are_served() -> None:
    with running_sis("1.2", DATA / "edfi-grandbend-v1p1") as client:
        counts = {p: len(client.ids(f"/{p}")) for p in ("orgs", "users", "classes", "enrollments", "students")}
        assert counts == {"orgs": 2, "users": 10, "classes": 2, "enrollments": 24, "students": 8}
        assert client.items("/students", limit=1)[0]["roles"][0]["role"] == "student"
    with running_sis("1.1", DATA / "edfi-grandbend-v1p0") as client:
        sessions = {session["schoolYear"] for session in client.items("/academicSessions")}
        assert sessions == {"2020", "2021"}
        student = client.get("/demographics/604863").json()["demographics"]
        assert (student["birthDate"], student["sex"], student["asian"]) == ("1997-05-30", "female", True)
        assert client.items("/classes")[0]["grades"] == ["9"]


def test_administrators_and_counselors_have_a_role_in_1_1(tmp_path: Path) -> None:
    shutil.copytree(MAPLE_VALLEY, tmp_path, dirs_exist_ok=True)
    roles = (tmp_path / "roles.csv").read_text(encoding="utf-8")
    roles = roles.replace("tea-kim,primary,teacher", "tea-kim,primary,counselor")
    (tmp_path / "roles.csv").write_text(
        roles.replace("tea-whitfield,primary,teacher", "tea-whitfield,primary,principal"), encoding="utf-8"
    )
    with running_sis("1.1", tmp_path) as client:
        found = {own: client.get(f"/users/{own}").json()["user"]["role"] for own in ("tea-kim", "tea-whitfield")}
    assert found == {"tea-kim": "aide", "tea-whitfield": "administrator"}


def test_metadata_columns_come_through(tmp_path: Path) -> None:
    text = "sourcedId,status,dateLastModified,title,metadata.classId\nc1,,,Labs,cls-biology\nc2,,,Talks,\n"
    shutil.copytree(MAPLE_VALLEY, tmp_path, dirs_exist_ok=True)
    (tmp_path / "categories.csv").write_text("\ufeff" + text, encoding="utf-8")
    with running_sis("1.2", tmp_path) as client:
        assert client.items("/categories", "gradebook")[0]["metadata"] == {"classId": "cls-biology"}
        assert client.ids("/categories", "gradebook", filter="metadata.classId='cls-biology'") == ["c1"]
        assert client.ids("/classes/cls-biology/categories", "gradebook") == ["c1", "c2"]
        assert client.ids("/classes/cls-english-9/categories", "gradebook") == ["c2"]


def test_prerendered_pages_are_the_same_pages(tmp_path: Path) -> None:
    shutil.copytree(MAPLE_VALLEY, tmp_path, dirs_exist_ok=True)
    clock = Clock()
    with (
        running_sis("1.2", tmp_path, clock=clock) as plain,
        running_sis("1.2", tmp_path, clock=clock, prerender=("enrollments", 100)) as quick,
    ):
        for query in (
            {"limit": 100}, {"limit": 100, "sort": "sourcedId", "orderBy": "desc"}, {"limit": 5, "offset": 7},
            {"limit": 100, "filter": "role='teacher'"}, {"limit": 100, "fields": "sourcedId"},
            {"limit": 100, "offset": 100},
        ):  # fmt: skip
            in_order = {"sort": "sourcedId", **query}
            for _ in range(2):
                expected, found = plain.get("/enrollments", **in_order), quick.get("/enrollments", **query)
                assert found.json() == expected.json(), query
                assert found.headers["x-total-count"] == expected.headers["x-total-count"]
        quick.control("faults", on=["no_total"])
        assert "x-total-count" not in quick.get("/enrollments", limit=100).headers
        quick.control("faults", clear=True)
        quick.control("load", directory=str(_next_day(tmp_path / "next")))
        assert "tobedeleted" in quick.get("/enrollments", limit=100).text


def test_requests_are_counted_without_ids_or_secrets() -> None:
    with running_sis("1.1") as client:
        client.get("/users/stu-amara")
        client.get("/users", limit=3, access_token="hidden")
        summary = client.requests()
        assert summary["attempts"] == {"POST /token": 1, "GET /users/*": 1, "GET /users": 1}
        assert summary["queries"] == {"/users/*?": 1, "/users?limit=3": 1}
        assert "stu-amara" not in str(summary)
        assert client.http.post(f"{client.url}/_practice/reset-counters").status_code == 204
        assert client.requests()["total"] == 0


def test_a_person_can_look_around() -> None:
    with running_sis("1.2") as client:
        page = client.http.get(f"{client.url}/", params={"q": "<b>ängström</b>"})
        assert page.status_code == 200
        assert "Cedar Middle School" in page.text
        assert "Semester 2" in page.text
        assert "<b>" not in page.text
        assert "0 found" in page.text
        found = client.http.get(f"{client.url}/", params={"q": "ångström"}).text
        assert "bangstrom" in found
        assert "student at mv-high" in found
        assert "http:" not in found.replace(client.url, ""), "nothing is fetched from elsewhere"
        assert "default-src 'none'" in page.headers["content-security-policy"]
