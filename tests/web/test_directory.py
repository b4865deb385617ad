"""What the pages offer to choose from: read over the connection, kept, and kept also when reading fails."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from rollbook.actions.actors import OPERATOR
from rollbook.actions.secret_texts import Surroundings
from rollbook.actions.settings import import_settings
from rollbook.connectors.memory.space import CUT, Space
from rollbook.engine.directory import Deadline, connection_digest, known, look
from rollbook.engine.sessions import session_rows
from rollbook.errors import AuthFailed, BadResponse, Bug, RollbookError, Unavailable
from rollbook.practice.lms import create_lms
from rollbook.practice.server import serve
from rollbook.practice.sis import create_sis
from rollbook.roster.oneroster import ROLES
from rollbook.store.folder import DataFolder
from rollbook.store.models import AuditRow, Organization
from rollbook.store.scratch import drop_ended

NAMES = ("sis.orgs", "sis.academicSessions", "sis.roles", "lms.building", "lms.grading_period", "lms.roles")


def _maple() -> Organization:
    return Organization.objects.get(slug="maple")


def _look(folder: DataFolder, side: str = "sis") -> None:
    look(folder, _maple(), side, by="Ann")


def _by_id(name: str) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in known(_maple(), name).rows}


@pytest.mark.parametrize("name", NAMES)
def test_never_read(world: Space, name: str) -> None:
    found = known(_maple(), name)
    assert (found.rows, found.read_at) == ([], None)


def test_the_sis(world: Space, pages: DataFolder) -> None:
    calls = world.calls
    _look(pages)
    orgs, sessions = _by_id("sis.orgs"), _by_id("sis.academicSessions")
    assert set(orgs) == {row["sourcedId"] for row in world.rows["orgs"]}
    assert {row["type"] for row in orgs.values()} >= {"school", "district"}
    assert all(set(row) == {"id", "name", "type", "code", "parent"} for row in orgs.values())
    assert sessions["q1-2027"] == {
        "id": "q1-2027", "title": "Quarter 1", "type": "gradingPeriod", "start": "2026-08-10", "end": "2026-10-10",
        "year": "2027", "parent": "s1-2027",
    }  # fmt: skip
    assert sessions["q4-2026"]["year"] == "2026"
    assert [row["name"] for row in known(_maple(), "sis.roles").rows] == list(ROLES)
    assert known(_maple(), "sis.orgs").read_at is not None
    assert world.calls - calls <= 4  # no people
    row = AuditRow.objects.get(action="read lists")
    assert (row.by, row.organization, row.subject) == ("Ann", "maple", "sis")
    assert list(pages.work.iterdir()) == []


def test_the_lms(world: Space, pages: DataFolder) -> None:
    building = world.add("building", "MVHS", {"title": "High School", "code": "MVHS"})
    period = world.add("grading_period", "Fall", {"title": "Fall", "start": "2026-08-01", "end": "2026-12-20"})
    _look(pages, "lms")
    assert known(_maple(), "lms.building").rows == [{"id": building.lms_id, "title": "High School", "code": "MVHS"}]
    assert known(_maple(), "lms.grading_period").rows == [
        {"id": period.lms_id, "title": "Fall", "start": "2026-08-01", "end": "2026-12-20"}
    ]
    roles = {row["title"]: row["staff"] for row in known(_maple(), "lms.roles").rows}
    assert roles == world.roles
    assert AuditRow.objects.get(action="read lists").subject == "lms"


def test_a_second_look_replaces_the_first(world: Space, pages: DataFolder) -> None:
    _look(pages)
    gone, *rest = [row for row in world.rows["orgs"] if row["type"] == "school"]
    world.rows["orgs"] = [dict(gone, status="tobedeleted"), *rest]
    _look(pages)
    assert set(_by_id("sis.orgs")) == {row["sourcedId"] for row in rest}


@pytest.mark.parametrize(
    ("side", "trouble", "error"),
    [("sis", "key", AuthFailed), ("lms", "key", AuthFailed), ("sis", "cut", Unavailable), ("lms", "cut", Unavailable)],
)
def test_trouble_keeps_what_was_known(
    world: Space, pages: DataFolder, side: str, trouble: str, error: type[RollbookError]
) -> None:
    _look(pages, side)
    before = [known(_maple(), name) for name in NAMES]
    if trouble == "key":
        world.key = "another"
    else:
        world.faults.next_calls(CUT)
    with pytest.raises(error):
        _look(pages, side)
    assert [known(_maple(), name) for name in NAMES] == before
    assert list(pages.work.iterdir()) == []
    assert AuditRow.objects.filter(action="read lists").count() == 1


@pytest.mark.parametrize("name", ["orgs", "academicSessions"])
def test_a_part_never_passes_for_the_whole(world: Space, pages: DataFolder, name: str) -> None:
    _look(pages)
    before = known(_maple(), "sis.orgs")
    world.rows[name] = [dict(world.rows[name][0], sourcedId=f"x{n}") for n in range(5000)]
    world.faults.break_read_at[name] = 1
    with pytest.raises(Unavailable, match=f"{name} could not be read completely"):
        _look(pages)
    assert known(_maple(), "sis.orgs") == before


def test_odd_records(world: Space, pages: DataFolder) -> None:
    world.rows["orgs"] = [{"sourcedId": " a ", "name": " "}, {"name": "no id"}, 7, {"sourcedId": "a", "name": "twice"}]
    world.rows["academicSessions"] = [
        {"sourcedId": "s", "startDate": "soon", "schoolYear": "?", "parentSourcedId": "s"}
    ]
    _look(pages)
    assert known(_maple(), "sis.orgs").rows == [{"id": "a", "name": "a", "type": "", "code": "", "parent": ""}]
    [session] = known(_maple(), "sis.academicSessions").rows
    assert (session["title"], session["start"], session["year"]) == ("s", "", "")


def test_a_side_that_does_not_exist(world: Space, pages: DataFolder) -> None:
    with pytest.raises(Bug):
        _look(pages, "both")


def test_years_of_sessions() -> None:
    """Rule 3: OneRoster's school year is the year in which it ends; it is found as a run finds it."""
    rows: dict[str, dict[str, str | None]] = {
        "own": {"schoolYear": "2027", "endDate": "2020-01-01"},
        "child": {"parentSourcedId": "own"},
        "july": {"endDate": "2027-07-31"},
        "august": {"endDate": "08/01/2027"},
        "circle": {"parentSourcedId": "circle"},
    }
    years = {row["id"]: row["year"] for row in session_rows(rows)}
    assert years == {"own": "2027", "child": "2027", "july": "2027", "august": "2028", "circle": ""}


def test_a_deadline() -> None:
    now = [0.0]
    deadline = Deadline(25, clock=lambda: now[0])
    deadline.check()
    with pytest.raises(Unavailable, match="patience"):
        deadline.wait(60)
    now[0] = 25.0
    with pytest.raises(Unavailable, match="25 seconds"):
        deadline.check()


def test_only_leftovers_of_dead_processes_are_swept_away(folder: DataFolder) -> None:
    fresh, old = folder.work / "look-fresh", folder.work / "look-old"
    for each in (fresh, old):
        each.mkdir()
    os.utime(old, (time.time() - 7200,) * 2)
    drop_ended(folder)
    assert list(folder.work.iterdir()) == [fresh]


PRACTICE = """
organization: {slug: maple, name: Maple Valley}
sis: SIS
lms: {connector: schoology, options: {base_url: "LMS/v1", key: practice, secret: "${SECRET}"}}
roles: {"*": {student: Student, nurse: Staff}}
"""


def _import(sis: str, lms: str, secret: str = "practice") -> None:
    text = PRACTICE.replace("SIS", sis).replace("LMS", lms)
    import_settings(text, name="test", around=Surroundings({"SECRET": secret}, Path()), by=OPERATOR)


def test_practice_systems(pages: DataFolder, days: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLBOOK_ALLOW_PRIVATE_HOSTS", "1")
    with serve(create_sis(days[0])) as sis, serve(create_lms(seed="people-by-hand")) as lms:
        options = f'base_url: "{sis.url}/ims/oneroster/v1p1", token_url: "{sis.url}/token", key: practice'
        _import(f'{{connector: oneroster_rest, options: {{{options}, secret: "${{SECRET}}"}}}}', lms.url)
        for side in ("sis", "lms"):
            _look(pages, side)
        over_rest = [known(_maple(), name).rows for name in NAMES[:2]]
        assert [row["title"] for row in known(_maple(), "lms.building").rows] == ["Hand-made School"]
        assert [row["start"] for row in known(_maple(), "lms.grading_period").rows] == ["2020-07-01"]
        assert {"title": "Student", "staff": False} in known(_maple(), "lms.roles").rows
        assert known(_maple(), "sis.roles").rows[-1] == {"name": "nurse"}
        _import(f'{{connector: oneroster_csv, options: {{path: "{days[0]}"}}}}', lms.url, secret="wrong")
        with pytest.raises(AuthFailed):
            _look(pages, "lms")
        _look(pages)
        assert [known(_maple(), name).rows for name in NAMES[:2]] == over_rest


def test_a_file_that_would_fill_the_memory_is_not_read(
    pages: DataFolder, days: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rollbook.engine.directory._MOST_BYTES", 100)
    _import(f'{{connector: oneroster_csv, options: {{path: "{days[0]}"}}}}', "https://lms.example")
    with pytest.raises(BadResponse, match=r"orgs\.csv"):
        _look(pages)
    assert known(_maple(), "sis.orgs").read_at is None


def test_changed_connections_are_told_apart(world: Space, pages: DataFolder) -> None:
    from rollbook.actions.organizations import current_settings

    _look(pages)
    assert known(_maple(), "sis.orgs").digest == connection_digest(current_settings(_maple())[1].sis)
    import_settings(
        PRACTICE.replace("SIS", "{connector: memory, options: {space: other, key: k}}").replace("LMS", "https://x.example"),
        name="test", around=Surroundings({"SECRET": "s"}, Path()), by=OPERATOR,
    )  # fmt: skip
    assert known(_maple(), "sis.orgs").digest != connection_digest(current_settings(_maple())[1].sis)
