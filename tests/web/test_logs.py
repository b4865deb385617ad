"""Logs: runs under way with their progress, past runs paged and filtered, and cancelling."""

from __future__ import annotations

import pytest

from rollbook.actions.runs import Wanted, request_run
from rollbook.connectors.memory.space import Space
from rollbook.roster.lms import RUN_KINDS
from rollbook.store.models import AuditRow, DirectoryRow, Organization, Run
from tests.web.past import counts, hold, past_run
from tests.web.people import Person, words
from tests.web.world import import_maple


def _listed(person: Person, **given: str) -> list[str]:
    """The past runs of a page, in their order."""
    import re

    answer = person.get("/o/maple/logs/", **given)
    assert answer.status_code == 200
    past = answer.content.decode().partition('id="past-title"')[2]
    return re.findall(r'href="/o/maple/logs/(\w+)/', past)


def test_nothing_yet(world: Space, ann: Person) -> None:
    text = words(ann.get("/o/maple/logs/"))
    assert "Nothing runs or waits at the moment." in text
    assert "No run has ended yet." in text


def test_past_runs_tell_what_they_did(world: Space, ann: Person) -> None:
    result = counts(user={"create": 5, "done": 4, "refused": 1}) | {"findings": {"USER_NO_ORG": 3}}
    hold(past_run("r1", state="held", result=result, requested_by="Ann"))
    text = words(ann.get("/o/maple/logs/"))
    assert "Sync of everything r1 ! Done, with something held 1 hold waits: decide under Plan" in text
    assert "Ann 30 s 4 1 3" in text


def test_pages(world: Space, ann: Person) -> None:
    for number in range(60):
        past_run(f"r{number:02}", ago=number)
    assert _listed(ann) == [f"r{number:02}" for number in range(25)]
    assert _listed(ann, page="3") == [f"r{number:02}" for number in range(50, 60)]
    assert _listed(ann, page="4") == []
    first, third = (ann.get("/o/maple/logs/", **given).content.decode() for given in ({}, {"page": "3"}))
    assert "?page=2" in first
    assert "Newer runs" not in first
    assert "?page=2" in third
    assert "Older runs" not in third


@pytest.mark.parametrize("page", ["0", "-1", "x", "99999999999999999999", "²", ""])
def test_odd_pages_are_the_first(world: Space, ann: Person, page: str) -> None:
    past_run("r1")
    assert _listed(ann, page=page) == ["r1"]


@pytest.fixture
def several(world: Space) -> None:
    past_run("everything", ago=9)
    past_run("users", ago=8, kinds=list(RUN_KINDS["users"]), schools=["s1"])
    past_run("sections", ago=7, kinds=list(RUN_KINDS["sections"]), schools=["s2", "Schule Süd"], state="failed")
    past_run("setup", ago=6, kinds=list(RUN_KINDS["setup"]), state="held")


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"type": "users"}, ["users", "everything"]),
        ({"type": "courses"}, ["everything"]),
        ({"type": "sections"}, ["sections", "everything"]),
        ({"type": "setup"}, ["setup"]),
        ({"state": "failed"}, ["sections"]),
        ({"school": "s1"}, ["setup", "users", "everything"]),
        ({"school": "s1", "type": "users"}, ["users", "everything"]),
        ({"school": "Schule Süd", "type": "sections"}, ["sections", "everything"]),
        ({"school": "s"}, ["setup", "everything"]),
        ({"school": '"'}, ["setup", "everything"]),
        ({"school": "a\x00b"}, ["setup", "everything"]),
        ({"type": "nonsense", "state": "running"}, ["setup", "sections", "users", "everything"]),
    ],
)
def test_filters(several: None, ann: Person, given: dict[str, str], found: list[str]) -> None:
    assert _listed(ann, **given) == found


def test_schools_are_called_by_name(several: None, ann: Person) -> None:
    from django.utils import timezone

    organization = Organization.objects.get(slug="maple")
    rows = [{"id": "s1", "name": "Oak <Elementary>", "type": "school"}]
    DirectoryRow.objects.create(organization=organization, name="sis.orgs", rows=rows, read_at=timezone.now())
    page = ann.get("/o/maple/logs/", school="s1").content.decode()
    assert '<option value="s1" selected>Oak &lt;Elementary&gt;</option>' in page
    assert "?school=s1" in page  # the run's page is asked for the same school


def test_the_running_run_and_the_queue(world: Space, ann: Person) -> None:
    past_run("r1", ago=2, state="running", progress={"stage": "apply", "done": 1200, "total": 4000, "note": "user"})
    request_run(org="maple", wanted=Wanted(), by="Kim")
    answer = ann.get("/o/maple/logs/")
    text = words(answer)
    assert "Send the changes 1,200 of 4,000 user" in text
    assert 'max="4000" value="1200"' in answer.content.decode()
    assert "✓ Plan the changes (done) ▸ Send the changes · Write down what was sent" in text
    assert "Place 2 in the queue." in text
    assert text.index("Send the changes 1,200") < text.index("Place 2 in the queue")


def test_a_stage_without_an_end_has_no_bar_to_fill(world: Space, ann: Person) -> None:
    past_run("r1", ago=2, state="running", progress={"stage": "extract", "done": 5000, "total": None, "note": "users"})
    answer = ann.get("/o/maple/logs/")
    assert "Read the SIS 5,000 users" in words(answer)
    assert "max=" not in answer.content.decode()


def test_any_administrator_may_cancel(world: Space, ann: Person, bob: Person, vic: Person) -> None:
    run = request_run(org="maple", wanted=Wanted(), by="Ann")
    address = f"/o/maple/logs/{run.pk}/cancel/"
    assert "Cancel run" in words(bob.get("/o/maple/logs/"))
    assert "Cancel run" not in words(vic.get("/o/maple/logs/"))
    assert vic.post(address).status_code == 403
    answer = bob.client.post(address, follow=True)
    assert answer.redirect_chain == [(f"/o/maple/logs/{run.pk}/", 302)]
    assert "The run is cancelled; nothing of it was sent." in words(answer)
    run.refresh_from_db()
    assert run.state == "cancelled"
    assert AuditRow.objects.filter(action="cancel run", by__contains="Bob").count() == 1


def test_cancelling_twice_asks_once(world: Space, ann: Person, bob: Person) -> None:
    past_run("r1", ago=1, state="running")
    for person, says in ((bob, "The run stops in a moment."), (ann, "It is stopping already.")):
        assert says in words(person.client.post("/o/maple/logs/r1/cancel/", follow=True))
    assert Run.objects.get(pk="r1").cancel_requested
    assert AuditRow.objects.filter(action="cancel run").count() == 1
    assert "Stopping. What was sent already is still written down." in words(ann.get("/o/maple/logs/"))


def test_too_late_to_cancel(world: Space, ann: Person) -> None:
    past_run("r1")
    assert "had ended before" in words(ann.client.post("/o/maple/logs/r1/cancel/", follow=True))
    assert Run.objects.get(pk="r1").state == "done"


def test_runs_of_others_are_not_there(world: Space, ann: Person) -> None:
    import_maple(world.name, slug="other")
    past_run("x1", org="other")
    past_run("x2", org="other", state="running")
    assert "x1" not in words(ann.get("/o/maple/logs/"))
    assert "x2" not in words(ann.get("/o/maple/logs/"))
    for part in ("", "live/", "findings.csv", "changes.csv", "refusals.csv"):
        assert ann.get(f"/o/maple/logs/x1/{part}").status_code == 404
    assert ann.post("/o/maple/logs/x2/cancel/").status_code == 404
    assert not Run.objects.get(pk="x2").cancel_requested


def test_a_thousand_runs_cost_as_many_queries_as_ten(world: Space, ann: Person) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            ann.get("/o/maple/logs/")
        return len(found)

    for number in range(10):
        past_run(f"a{number}")
    few = queries()
    for number in range(90):
        past_run(f"b{number}")
    assert queries() == few
