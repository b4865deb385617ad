"""The JSON API does what the pages do: runs, holds, settings, lists; and says in words what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rollbook.connectors.memory.space import Space
from rollbook.engine.waiting import work_until_ended
from rollbook.store.folder import DataFolder
from rollbook.store.models import AuditRow, DirectoryRow, Organization, Run, Secret, SettingsVersion
from tests.cli.kit import check_schema, fill
from tests.web.people import Person
from tests.web.programs import Program, error_of, program
from tests.web.world import import_maple


@pytest.fixture
def robot(ann: Person) -> Program:
    return program(ann)


def _worked(folder: DataFolder, answer: Any) -> dict[str, Any]:
    """Work the run that an answer speaks of."""
    assert answer.status_code == 202, answer.content
    check_schema("run", answer.json())
    work_until_ended(folder, answer.json()["run"])
    return answer.json()


# --- runs -------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("database")
def test_plan_apply_undo_as_the_pages_do(robot: Program, pages: DataFolder) -> None:
    plan = _worked(pages, robot.ask("POST", "/runs", {"dry_run": True, "kinds": ["all"]}))["run"]
    shown = robot.get(f"/runs/{plan}")
    check_schema("run", shown)
    assert (shown["state"], shown["requested_by"]) == (
        "planned",
        "Ann Acting (ann.acting@example.org), API token nightly",
    )
    sent = _worked(pages, robot.ask("POST", f"/runs/{plan}/apply"))["run"]
    done = robot.get(f"/runs/{sent}")
    assert done["state"] == "done"
    assert done["kinds"]["user"]["done"] > 40
    stale = robot.ask("POST", f"/runs/{plan}/apply", {})
    assert (stale.status_code, error_of(stale)["error"]) == (409, "StalePlan")
    undone = _worked(pages, robot.ask("POST", f"/runs/{sent}/undo", {"dry_run": True}))["run"]
    assert robot.get(f"/runs/{undone}")["undo_of"] == sent
    listed = robot.get("/runs?limit=2")
    check_schema("runs", listed)
    assert [one["run"] for one in listed["runs"]] == [undone, sent]
    assert [one["run"] for one in robot.get(f"/runs?before={sent}")["runs"]] == [plan]
    assert [one["run"] for one in robot.get("/runs?state=done")["runs"]] == [sent]
    assert AuditRow.objects.filter(by__endswith="API token nightly", action="request sync").count() == 0
    assert AuditRow.objects.filter(by__endswith="API token nightly", action="request apply").count() == 1


def test_an_equal_run_that_waits_is_answered_again(robot: Program) -> None:
    first, again = (robot.ask("POST", "/runs", {"kinds": ["users"]}).json()["run"] for _ in range(2))
    assert first == again
    stopped = robot.ask("POST", f"/runs/{first}/cancel")
    assert stopped.json()["state"] == "cancelled"
    late = robot.ask("POST", f"/runs/{first}/cancel")
    assert (late.status_code, error_of(late)["error"]) == (409, "ConfigError")


def test_changes_come_in_pages_with_what_became_of_them(robot: Program, pages: DataFolder) -> None:
    run = _worked(pages, robot.ask("POST", "/runs", {}))["run"]
    total = sum(kind["done"] for kind in robot.get(f"/runs/{run}")["kinds"].values())
    seen: list[dict[str, Any]] = []
    while True:
        after = f"&after={seen[-1]['seq']}" if seen else ""
        page = robot.get(f"/runs/{run}/changes?limit=60{after}")
        check_schema("changes", page)
        if not page["changes"]:
            break
        seen += page["changes"]
    assert [one["seq"] for one in seen] == sorted({one["seq"] for one in seen})
    assert len(seen) == total
    assert {one["outcome"] for one in seen} == {"done"}
    users = robot.get(f"/runs/{run}/changes?kind=user&action=create&outcome=done&limit=1000")["changes"]
    assert len(users) == robot.get(f"/runs/{run}")["kinds"]["user"]["create"] > 40
    assert robot.get(f"/runs/{run}/changes?outcome=refused")["changes"] == []


def test_findings_are_grouped_as_on_the_command_line(robot: Program, pages: DataFolder, world: Space) -> None:
    for row in world.rows["users"][:7]:
        row["username"] = "has a space"
    run = _worked(pages, robot.ask("POST", "/runs", {"dry_run": True}))["run"]
    found = robot.get(f"/runs/{run}/findings?examples=2")
    check_schema("findings", found)
    assert {one["code"]: one["count"] for one in found["findings"]} == robot.get(f"/runs/{run}")["findings"]
    spaces = next(one for one in found["findings"] if one["code"] == "USER_USERNAME_SPACE")
    assert (spaces["count"], len(spaces["examples"]), spaces["severity"]) == (7, 2, "blocks")
    only = robot.get(f"/runs/{run}/findings?code=USER_USERNAME_SPACE&examples=0")["findings"]
    assert [(one["code"], one["examples"]) for one in only] == [("USER_USERNAME_SPACE", [])]


def test_a_run_without_a_plan_has_no_changes(robot: Program) -> None:
    run = robot.ask("POST", "/runs", {}).json()["run"]
    answer = robot.ask("GET", f"/runs/{run}/changes")
    assert (answer.status_code, "has no plan" in error_of(answer)["message"]) == (409, True)
    assert robot.get(f"/runs/{run}/findings") == {"run": run, "findings": []}


def test_runs_and_holds_of_another_organization_are_not_there(
    robot: Program, world: Space, pages: DataFolder, bob: Person
) -> None:
    import_maple(world.name, slug="other")
    Organization.objects.filter(slug="other").update(acting=bob.account)
    from rollbook.actions.runs import Wanted, request_run

    strange = request_run(org="other", wanted=Wanted(), by="test").pk
    for method, path in (("GET", ""), ("POST", "/cancel"), ("POST", "/apply"), ("POST", "/undo"), ("GET", "/changes")):
        assert robot.ask(method, f"/runs/{strange}{path}").status_code == 404
    assert robot.get("/runs") == {"runs": []}


# --- holds ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def held(robot: Program, pages: DataFolder, world: Space) -> str:
    """More than half of the users go on the second day; the id of a hold."""
    _worked(pages, robot.ask("POST", "/runs", {}))
    world.rows["enrollments"] = world.rows["enrollments"][: len(world.rows["enrollments"]) * 6 // 10]
    _worked(pages, robot.ask("POST", "/runs", {}))
    return str(robot.get("/holds")["holds"][0]["hold"])


def test_a_hold_is_approved_for_a_fresh_run(robot: Program, pages: DataFolder, held: str) -> None:
    listed = robot.get("/holds")
    check_schema("holds", listed)
    run = _worked(pages, robot.ask("POST", f"/holds/{held}/approve", {"reason": "the school closed"}))
    assert run["approved"] == held
    assert robot.get(f"/runs/{run['run']}")["kinds"]["enrollment"]["remove"] > 0
    again = robot.ask("POST", f"/holds/{held}/approve", {"reason": "twice"})
    assert (again.status_code, "already approved" in error_of(again)["message"]) == (409, True)
    every = robot.get("/holds?all=true")["holds"]
    assert held in [one["hold"] for one in every]
    assert next(one for one in every if one["hold"] == held)["why"] == "the school closed"


def test_a_hold_is_rejected_with_a_reason(robot: Program, held: str) -> None:
    assert robot.ask("POST", f"/holds/{held}/reject", {}).status_code == 422
    assert robot.ask("POST", f"/holds/{held}/reject", {"reason": "  "}).status_code == 409
    past = robot.ask("POST", f"/holds/{held}/approve", {"reason": "x", "until": "2020-01-01T00:00:00Z"})
    assert past.status_code == 409
    answer = robot.ask("POST", f"/holds/{held}/reject", {"reason": "no"})
    check_schema("hold", answer.json())
    assert answer.json()["state"] == "rejected"


def test_a_hold_that_a_newer_run_made_anew_is_not_decided_unseen(
    robot: Program, pages: DataFolder, world: Space, held: str
) -> None:
    looked_at = robot.get("/holds")["holds"][0]["run"]
    world.rows["enrollments"] = world.rows["enrollments"][: len(world.rows["enrollments"]) // 2]
    newer = _worked(pages, robot.ask("POST", "/runs", {}))["run"]
    for decision in ("approve", "reject"):
        stale = robot.ask("POST", f"/holds/{held}/{decision}", {"reason": "as seen", "run": looked_at})
        assert (stale.status_code, "has changed since" in error_of(stale)["message"]) == (409, True)
    assert robot.ask("POST", f"/holds/{held}/reject", {"reason": "as seen", "run": "none"}).status_code == 404
    assert robot.ask("POST", f"/holds/{held}/reject", {"reason": "as seen", "run": newer}).status_code == 200


# --- settings ---------------------------------------------------------------------------------------------------------


def test_settings_are_put_as_a_whole_and_keep_their_secrets(robot: Program, world: Space) -> None:
    Secret.objects.all().delete()
    answer = robot.ask("GET", "/settings")
    assert answer["ETag"] == f'"{answer.json()["version"]}"'
    document = answer.json()["settings"] | {"active_year": "2028"}
    saved = robot.ask("PUT", "/settings", {"settings": document}, If_Match=answer["ETag"])
    check_schema("config-import", saved.json())
    assert (saved.json()["changed"], saved["ETag"]) == (True, '"2"')
    assert robot.get("/settings")["settings"]["active_year"] == "2028"
    late = robot.ask("PUT", "/settings", {"settings": document}, If_Match=answer["ETag"])
    assert (late.status_code, error_of(late)["error"]) == (409, "ChangedMeanwhile")
    assert robot.ask("PUT", "/settings", {"settings": document, "version": 1}).status_code == 409
    same = robot.ask("PUT", "/settings", {"settings": document, "version": 2})
    assert same.json() == {"org": "maple", "version": 2, "changed": False}


WEBHOOK = {"url": "https://hooks.example/one"}


def test_secrets_go_in_and_never_come_out(robot: Program) -> None:
    document = robot.get("/settings")["settings"]
    document["notices"] = {"webhooks": [WEBHOOK | {"secret": "a secret of sixteen letters"}]}
    answer = robot.ask("PUT", "/settings", {"settings": document})
    assert answer.status_code == 200, answer.content
    shown = robot.ask("GET", "/settings")
    assert b"sixteen" not in shown.content
    assert shown.json()["secrets"] == ["lms.key", "notices.webhooks.0.secret", "sis.key"]
    assert "sixteen" not in json.dumps(list(SettingsVersion.objects.values_list("document", flat=True)))
    # Put back as it was shown: the secret stays.
    assert robot.ask("PUT", "/settings", {"settings": shown.json()["settings"]}).json()["changed"] is False
    assert robot.get("/settings")["secrets"] == ["lms.key", "notices.webhooks.0.secret", "sis.key"]


def test_a_secret_never_follows_to_another_address(robot: Program) -> None:
    document = robot.get("/settings")["settings"]
    document["notices"] = {"webhooks": [WEBHOOK | {"secret": "a secret of sixteen letters"}]}
    assert robot.ask("PUT", "/settings", {"settings": document}).status_code == 200
    document["notices"] = {"webhooks": [{"url": "https://evil.example/"}]}
    refused = robot.ask("PUT", "/settings", {"settings": document})
    assert refused.status_code == 422
    assert "notices.webhooks.0.secret" in error_of(refused)["message"]
    document["notices"] = {"webhooks": []}
    assert robot.ask("PUT", "/settings", {"settings": document}).status_code == 200
    assert robot.get("/settings")["secrets"] == ["lms.key", "sis.key"]


@pytest.mark.parametrize("text", ["${HOME}", "file:/etc/passwd", " file:keys"])
def test_references_are_not_looked_up_on_the_server(robot: Program, text: str) -> None:
    document = robot.get("/settings")["settings"]
    document["sis"]["options"]["space"] = text
    refused = robot.ask("PUT", "/settings", {"settings": document})
    assert refused.status_code == 422
    assert "only for settings files" in error_of(refused)["message"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"unheard": 1}, "unheard"),
        ({"organization": {"slug": "other", "name": "x"}}, "organization.slug must be maple"),
        ({"sis": {"connector": "nobody"}}, "there is no connector"),
        ({"sis": {"connector": "memory", "options": {"unheard": 1}}}, "unheard"),
        ({"active_year": "next"}, "active_year"),
        ({"schools": {"*": "somewhere"}}, "schools.*"),
        ({"organization": {"slug": "maple", "name": "x", "timezone": "Mars"}}, "timezone"),
        ({"notices": {"webhooks": [{"url": "http://169.254.169.254/"}]}}, "webhooks"),
    ],
)
def test_wrong_settings_are_refused_with_their_place(robot: Program, change: dict[str, Any], words: str) -> None:
    document = robot.get("/settings")["settings"] | change
    refused = robot.ask("PUT", "/settings", {"settings": document})
    assert refused.status_code == 422, refused.content
    assert words in error_of(refused)["message"]
    assert robot.get("/settings")["version"] == 1


def test_single_mappings_are_patched(robot: Program) -> None:
    body = {"schools": {"s1": "skip", "*": None}, "terms": {"s1": {"t1": ["title:Fall", "id:4"]}}, "version": 1}
    answer = robot.ask("PATCH", "/settings/mappings", body)
    check_schema("config-import", answer.json())
    shown = robot.get("/settings")["settings"]
    assert shown["schools"] == {"s1": "skip"}
    assert shown["terms"] == {"*": {"*": "create"}, "s1": {"t1": ["title:Fall", "id:4"]}}
    assert shown["roles"]["*"]["student"] == "Student"
    gone = robot.ask("PATCH", "/settings/mappings", {"terms": {"s1": None}, "roles": {"*": {"teacher": None}}})
    assert gone.status_code == 200
    shown = robot.get("/settings")["settings"]
    assert (list(shown["terms"]), sorted(shown["roles"]["*"])) == (["*"], ["*", "student"])
    late = robot.ask("PATCH", "/settings/mappings", {"schools": {"s1": "create"}}, If_Match='"1"')
    assert (late.status_code, error_of(late)["who"].startswith("you")) == (409, True)
    assert robot.ask("PATCH", "/settings/mappings", {"schools": {"s1": "nowhere"}}).status_code == 422
    assert AuditRow.objects.filter(action="patch mappings").count() == 2


# --- what is only read ------------------------------------------------------------------------------------------------


def test_the_organization_says_how_far_it_is(robot: Program) -> None:
    shown = robot.get("")
    assert (shown["org"], shown["acting"], shown["version"]) == ("maple", "Ann Acting", 1)
    assert shown["missing"] == ["data_prep"]
    assert shown["steps"]["schools"] is True


def test_schedule_directory_and_notices(robot: Program) -> None:
    schedule = robot.get("/schedule?at=2026-12-01T00:00:00Z")
    check_schema("schedule-show", schedule)
    assert (schedule["mode"], schedule["next"]) == ("manual", None)
    from django.utils import timezone

    rows = [{"id": f"s{number}", "name": "A school"} for number in range(5)]
    organization = Organization.objects.get(slug="maple")
    DirectoryRow.objects.create(organization=organization, name="sis.orgs", rows=rows, read_at=timezone.now())
    shown = robot.get("/directory?name=sis.orgs&skip=1&limit=2")
    assert (shown["total"], [row["id"] for row in shown["rows"]]) == (5, ["s1", "s2"])
    assert robot.get("/directory?name=lms.roles")["read_at"] is None
    notices = robot.get("/notices")
    check_schema("notices", notices)


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/runs?limit=0", None, 422),
        ("GET", "/runs?limit=101", None, 422),
        ("GET", "/runs?limit=ten", None, 422),
        ("GET", "/runs?limit=1&limit=2", None, 422),
        ("GET", "/runs?unheard=1", None, 422),
        ("GET", "/runs?before=%00", None, 422),
        ("GET", "/schedule?at=2026-12-01T00:00:00", None, 422),
        ("GET", "/directory", None, 422),
        ("POST", "/runs", {"unheard": 1}, 422),
        ("POST", "/runs", {"kinds": []}, 422),
        ("POST", "/runs", {"kinds": ["teachers"]}, 422),
        ("POST", "/runs", {"dry_run": "yes"}, 422),
        ("POST", "/runs", {"schools": ["a\0b"]}, 422),
        ("POST", "/runs", [], 422),
        ("POST", "/runs/nothing/apply", {}, 404),
        ("POST", "/holds/nothing/approve", {"reason": "x"}, 404),
        ("PUT", "/runs", {}, 405),
        ("DELETE", "/runs/nothing", None, 405),
        ("OPTIONS", "/runs", None, 405),
        ("GET", "/nothing", None, 404),
        ("GET", "/api/v1/nothing", None, 404),
    ],
)
def test_what_is_refused_has_one_shape(robot: Program, method: str, path: str, body: Any, status: int) -> None:
    answer = robot.ask(method, path, body)
    assert answer.status_code == status, answer.content
    assert error_of(answer)["message"]


def test_no_database_is_asked_for_a_nul(robot: Program) -> None:
    """PostgreSQL breaks at one."""
    from django.db import connection

    def look(execute: Any, sql: str, given: Any, many: bool, context: Any) -> Any:
        assert "\0" not in "".join(map(str, given or ()))
        return execute(sql, given, many, context)

    with connection.execute_wrapper(look):
        for method, path in (("GET", "/runs/%00"), ("POST", "/runs/a%00/undo"), ("POST", "/holds/%00/approve")):
            assert robot.ask(method, path, {"reason": "x"} if method == "POST" else None).status_code == 404


def test_bodies_are_json_and_bounded(robot: Program) -> None:
    def send(data: bytes, kind: str = "application/json") -> Any:
        headers = {"Authorization": f"Bearer {robot.text}"}
        return robot.client.generic("POST", "/api/v1/o/maple/runs", data, kind, headers=headers)

    assert send(b"{}", "text/plain").status_code == 415
    assert send(b"kinds=all", "application/x-www-form-urlencoded").status_code == 415
    assert send(b'{"kinds": ["all"').status_code == 422
    assert send(b"\xff\xfe{}").status_code == 422
    assert send(b"[" * 100_000).status_code == 422
    assert send(b'{"schools": ["' + b"a" * (1 << 20) + b'"]}').status_code == 413
    assert error_of(send(b" " * ((1 << 20) + 1)))["error"] == "TooLarge"
    assert send(b"").status_code == 202


def test_the_second_day_over_the_api(robot: Program, pages: DataFolder, world: Space, days: list[Any]) -> None:
    _worked(pages, robot.ask("POST", "/runs", {}))
    fill(world, days[1])
    run = _worked(pages, robot.ask("POST", "/runs", {"kinds": ["users"], "schools": []}))["run"]
    kinds = robot.get(f"/runs/{run}")["kinds"]
    assert kinds["user"]["update"] + kinds["user"]["create"] > 0
    assert "section" not in kinds


@pytest.mark.rule(5)
def test_saving_maps_queues_a_setup_run_as_the_pages_do(robot: Program, pages: DataFolder, world: Space) -> None:
    robot.ask("PATCH", "/settings/mappings", {"roles": {"*": {"teacher": "Teacher"}}})
    assert not Run.objects.exists()  # roles need no building
    school = next(row["sourcedId"] for row in world.rows["orgs"] if row["type"] == "school")
    assert robot.ask("PATCH", "/settings/mappings", {"schools": {school: "create"}}).status_code == 200
    [run] = Run.objects.all()
    assert run.kinds == ["building", "grading_period"]
    assert (run.dry_run, run.requested_by) == (False, "Ann Acting (ann.acting@example.org), API token nightly")
    assert work_until_ended(pages, run.pk).state == "done"
    document = robot.get("/settings")["settings"]
    robot.ask("PUT", "/settings", {"settings": document})
    assert Run.objects.count() == 1  # nothing has changed
    document["terms"] = {"*": {"*": "skip"}}
    assert robot.ask("PUT", "/settings", {"settings": document}).status_code == 200
    assert Run.objects.filter(state="queued", kinds=run.kinds).count() == 1
