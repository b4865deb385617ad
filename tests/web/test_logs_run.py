"""The page of one run: what was asked, what came of it, what is wrong; its filters and downloads."""

from __future__ import annotations

import csv
import io

import pytest

from rollbook.connectors.memory.space import Space
from rollbook.store.folder import DataFolder
from rollbook.store.models import HoldState, Run
from rollbook.store.runs import stored_result
from tests.web.past import counts, hold, past_run, refusal
from tests.web.people import Person, words
from tests.web.world import run_now


@pytest.fixture
def messy(pages: DataFolder, world: Space) -> Run:
    """A first sync of a district in which two people have bad usernames."""
    students = [row for row in world.rows["users"] if row["role"] == "student"]
    students[0]["username"] = "with space"
    students[1]["username"] = "=cmd|' /C calc'!A0 x"
    return run_now(pages)


def _rows(person: Person, address: str, **given: str) -> list[dict[str, str]]:
    answer = person.get(address, **given)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/csv")
    text = answer.getvalue().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_what_was_asked_and_what_came_of_it(messy: Run, ann: Person) -> None:
    text = words(ann.get(f"/o/maple/logs/{messy.pk}/"))
    assert f"Sync of everything {messy.pk}" in text
    assert "Asked for by the operator" in text
    assert "All mapped schools" in text
    assert "Times and calls" in text
    users = stored_result(messy).kinds["user"]
    assert f"Users {users['read']}" in text


def test_findings_by_cause_with_their_places(messy: Run, ann: Person) -> None:
    answer = ann.get(f"/o/maple/logs/{messy.pk}/")
    text, page = words(answer), answer.content.decode()
    assert "Click the arrow to the left of the error message to expand for more details." in text
    assert '<details class="rb-finding" id="finding-USER_USERNAME_SPACE">' in page
    assert "Blocks The username contains a space, which the LMS refuses. 2 ×" in text
    assert "Change the username in the SIS; Rollbook never trims it." in text


@pytest.mark.parametrize(("sync", "shown"), [("users", True), ("courses", False), ("sections", False)])
def test_findings_of_a_sync_type(messy: Run, ann: Person, sync: str, shown: bool) -> None:
    text = words(ann.get(f"/o/maple/logs/{messy.pk}/", type=sync))
    assert ("The username contains a space" in text) is shown


def test_findings_and_counts_of_a_school(messy: Run, ann: Person) -> None:
    rows = _rows(ann, f"/o/maple/logs/{messy.pk}/findings.csv")
    [school] = {row["school"] for row in rows if row["code"] == "USER_USERNAME_SPACE"} - {""} or {"none"}
    for asked, shown in ((school, school != "none"), ("no such school", False)):
        answer = ann.get(f"/o/maple/logs/{messy.pk}/", school=asked)
        assert answer.status_code == 200
        assert ("The username contains a space" in words(answer)) is shown
    changes = _rows(ann, f"/o/maple/logs/{messy.pk}/changes.csv", type="sections")
    place = next(row["school"] for row in changes if row["school"])
    mine = _rows(ann, f"/o/maple/logs/{messy.pk}/changes.csv", type="sections", school=place)
    assert 0 < len(mine) <= len(changes)
    assert {row["school"] for row in mine} == {place}
    assert {row["kind"] for row in mine} <= {"section", "enrollment"}
    created = sum(row["kind"] == "section" and row["action"] == "create" for row in mine)
    assert f"Sections {created}" in words(ann.get(f"/o/maple/logs/{messy.pk}/", school=place, type="sections"))


def test_downloads(messy: Run, ann: Person, vic: Person) -> None:
    findings = _rows(vic, f"/o/maple/logs/{messy.pk}/findings.csv")
    assert len(findings) == sum(stored_result(messy).findings.values())
    assert {"USER_USERNAME_SPACE"} <= {row["code"] for row in findings}
    assert all(row["what to do"] for row in findings)
    assert not [cell for row in findings for cell in row.values() if cell.startswith(("=", "+", "-", "@"))]
    changes = _rows(ann, f"/o/maple/logs/{messy.pk}/changes.csv")
    assert sum(row["what became of it"] == "done" for row in changes) == sum(
        one["done"] for one in stored_result(messy).kinds.values()
    )
    assert [int(row["row"]) for row in changes] == sorted(int(row["row"]) for row in changes)


def test_what_the_lms_refused(pages: DataFolder, world: Space, ann: Person) -> None:
    run = run_now(pages)
    refusal("stu-1", message="no <b>room</b>", days=9)
    refusal("stu-2", message="no <b>room</b>", days=2)
    refusal("stu-3", message="bad e-mail", days=4)
    answer = ann.get(f"/o/maple/logs/{run.pk}/")
    text = words(answer)
    assert "3 records that this run covers are refused as of now." in text
    assert "Users no <b>room</b> 2 × since" in text
    assert text.index("no <b>room</b>") < text.index("bad e-mail")
    assert text.index("stu-1") < text.index("stu-2")
    assert "<b>room</b>" not in answer.content.decode()
    assert "are refused as of now" not in words(ann.get(f"/o/maple/logs/{run.pk}/", type="courses"))
    assert _rows(ann, f"/o/maple/logs/{run.pk}/refusals.csv") == []


def test_refusals_of_this_very_run(pages: DataFolder, world: Space, ann: Person) -> None:
    student = next(row for row in world.rows["users"] if row["role"] == "student")["sourcedId"]
    world.faults.refuse = {student: "=no room for @you"}
    run = run_now(pages)
    [row] = [row for row in _rows(ann, f"/o/maple/logs/{run.pk}/refusals.csv") if row["kind"] == "user"]
    assert (row["key"], row["the LMS said"], row["in runs"]) == (student, "'=no room for @you", "1")
    assert row["refused since"]
    assert "Users =no room for @you 1 ×" in words(ann.get(f"/o/maple/logs/{run.pk}/"))


def test_many_refusals_are_gathered(world: Space, ann: Person) -> None:
    past_run("r1")
    for number in range(30):
        refusal(f"key{number:02}", days=40 - number)
    text = words(ann.get("/o/maple/logs/r1/"))
    assert "30 ×" in text
    assert "key09" in text
    assert "key10" not in text
    assert "And 20 more, in the download." in text


def test_refusals_that_began_later_are_not_of_this_run(world: Space, ann: Person) -> None:
    past_run("r1", ago=5 * 24 * 60)
    refusal("late", days=1)
    assert "late" not in words(ann.get("/o/maple/logs/r1/"))


def test_holds_and_doubts(world: Space, ann: Person) -> None:
    result = counts(user={"held": 30}) | {"verdicts": {"users": "it broke off"}, "conflicts": {"moved on": 2}}
    run = past_run("r1", state="held", result=result)
    hold(run, school="s1", school_name="Oak")
    hold(run, hold="h2", kind="course", state=HoldState.REJECTED, by="Kim")
    text = words(ann.get("/o/maple/logs/r1/"))
    assert "Oak: Update 30 users." in text
    assert "Look and decide" in text
    assert 'href="/o/maple/plan/holds/h1/"' in ann.get("/o/maple/logs/r1/").content.decode()
    assert "Rejected by Kim." in text
    assert "Not read whole: users. The reason: it broke off." in text
    assert "2 × moved on" in text
    assert "Oak" not in words(ann.get("/o/maple/logs/r1/", type="courses")).partition("Held for a person")[2]


def test_who_must_act_when_it_failed(world: Space, ann: Person) -> None:
    error = {"error": "the key was refused", "error_name": "AuthFailed", "error_who": "the admin"}
    past_run("r1", state="failed", result=None, **error)
    text = words(ann.get("/o/maple/logs/r1/"))
    assert "✕ Failed" in text
    assert "The key was refused. Who must act: the admin (AuthFailed)" in text
    assert "This run ended before anything was counted." in text


def test_a_blackout_day(world: Space, ann: Person) -> None:
    past_run("r1", state="planned", dry_run=True, blackout="winter break")
    assert "It was a blackout day (winter break), so this run only planned" in words(ann.get("/o/maple/logs/r1/"))


def test_a_run_that_is_under_way(world: Space, ann: Person, vic: Person) -> None:
    past_run("r1", ago=1, state="running", result=None, progress={"stage": "check", "done": 2, "total": 9, "note": "X"})
    page = ann.get("/o/maple/logs/r1/").content.decode()
    assert 'hx-sse:connect="/o/maple/logs/r1/live/?shown=' in page
    assert "Cancel run r1" in page
    assert "Cancel run r1" not in vic.get("/o/maple/logs/r1/").content.decode()
    assert "Check the records 2 of 9" in words(vic.get("/o/maple/logs/r1/"))


def test_an_ended_run_is_not_followed(messy: Run, ann: Person) -> None:
    page = ann.get(f"/o/maple/logs/{messy.pk}/").content.decode()
    assert "hx-sse" not in page
    assert "hx-get" not in page
    assert "Cancel run" not in page


def test_files_that_are_gone(messy: Run, ann: Person, pages: DataFolder) -> None:
    for file in pages.blobs.glob("??/*"):
        file.unlink()
    answer = ann.get(f"/o/maple/logs/{messy.pk}/", school="s1")
    assert answer.status_code == 200
    assert "is missing" in words(answer)
    for what in ("findings", "changes", "refusals"):
        again = ann.client.get(f"/o/maple/logs/{messy.pk}/{what}.csv", follow=True)
        assert again.redirect_chain
        assert "is missing" in words(again)


def test_no_such_run(world: Space, ann: Person) -> None:
    for name in ("nothing", "%00", "a" * 200):
        assert ann.get(f"/o/maple/logs/{name}/").status_code == 404
