"""Plan: looking at what would change, row by row, and sending exactly that."""

from __future__ import annotations

import csv
import io

import pytest

from rollbook.actions.runs import Wanted
from rollbook.connectors.memory.space import Space
from rollbook.store.folder import DataFolder
from rollbook.store.models import AuditRow, DirectoryRow, FactRow, Organization, Run
from rollbook.web.steps import DATA_PREP
from tests.web.people import Person, words
from tests.web.plans import FORMULA, contexts, data_prep_done, first_name, large_plan, rename, work
from tests.web.world import import_maple, run_now

__all__ = ["contexts"]
pytestmark = pytest.mark.usefixtures("contexts")
PLAN = "/o/maple/plan/"


def _csv(answer: object) -> list[dict[str, str]]:
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def _dry(folder: DataFolder, ann: Person, **choice: object) -> Run:
    """A dry run as asked for on the page."""
    assert ann.post(PLAN + "look/", **choice).status_code == 302
    [run] = work(folder)
    return run


def test_before_there_is_a_plan(ann: Person, vic: Person) -> None:
    assert "There is no plan yet" in words(ann.get(PLAN))
    assert "Look at what would change" in words(vic.get(PLAN))
    assert b'type="submit">Look' not in vic.get(PLAN).content


def test_a_look_sends_nothing_and_names_who_asked(pages: DataFolder, world: Space, ann: Person) -> None:
    run = _dry(pages, ann)
    assert (run.state, run.dry_run, run.kinds[0]) == ("planned", True, "building")
    assert world.all("user") == []
    assert run.requested_by == "Ann Acting (ann.acting@example.org)"
    assert AuditRow.objects.filter(action="request plan", by=run.requested_by).count() == 1
    page = ann.get(PLAN)
    assert f"{PLAN}{run.pk}/" in page.content.decode()
    assert "Dry run" in words(page)


def test_a_look_at_a_part(pages: DataFolder, world: Space, ann: Person) -> None:
    school = next(row["sourcedId"] for row in world.rows["orgs"] if row["type"] == "school")
    unknown = ann.post(PLAN + "look/", kinds=["users"], schools=[school])
    assert unknown.status_code == 200, "no list of schools was read, so none can be chosen"
    assert not Run.objects.exists()
    organization = Organization.objects.get(slug="maple")
    rows = [{"id": school, "name": "North High", "type": "school", "code": "", "parent": ""}]
    DirectoryRow.objects.create(organization=organization, name="sis.orgs", rows=rows, read_at="2026-11-26T00:00Z")
    assert "North High" in words(ann.get(PLAN))
    run = _dry(pages, ann, kinds=["users"], schools=[school])
    assert run.schools == [school]
    assert set(run.kinds) == {"building", "user", "guardian_link"}
    assert "North High" in words(ann.get(f"{PLAN}{run.pk}/"))


@pytest.mark.parametrize("choice", [{"kinds": ["everything"]}, {"schools": ["nowhere"]}])
def test_a_look_at_what_is_not_there(ann: Person, choice: dict[str, list[str]]) -> None:
    answer = ann.post(PLAN + "look/", **choice)
    assert answer.status_code == 200
    assert 'role="alert"' in answer.content.decode() or "schools" in choice
    assert not Run.objects.exists()


def test_asking_twice_is_one_run(ann: Person) -> None:
    ann.post(PLAN + "look/")
    ann.post(PLAN + "look/")
    assert Run.objects.count() == 1
    assert "Waits in the queue" in words(ann.get(PLAN))


def test_without_settings_there_is_nothing_to_look_at(world: Space, ann: Person) -> None:
    from rollbook.store.models import SettingsVersion

    SettingsVersion.objects.all().delete()
    assert "Before there can be a plan, finish:" in words(ann.get(PLAN))
    assert "Finish the set-up first" in words(ann.client.post(PLAN + "look/", follow=True))
    assert not Run.objects.exists()


def test_every_row_field_by_field(pages: DataFolder, world: Space, ann: Person) -> None:
    run_now(pages)
    [key] = rename(world, "Renamed")
    old = first_name(world, key)
    run = _dry(pages, ann)
    page = ann.get(f"{PLAN}{run.pk}/", kind="user")
    text = words(page)
    assert f"First name: until now {old} → then Renamed" in text
    assert "1 row " in text
    assert key in text
    assert next(one.lms_id for one in world.all("user") if one.code == key) in text
    assert "Last name" in text, "all fields can be looked at"
    assert "Not sent" in text


def test_counts_by_school_kind_and_action(pages: DataFolder, world: Space, ann: Person) -> None:
    run = _dry(pages, ann)
    page = ann.get(f"{PLAN}{run.pk}/")
    lines = page.context["per_school"]["lines"]
    created = sum(line["numbers"][0] for line in lines if line["kind"] == "enrollment")
    assert created == run.result["kinds"]["enrollment"]["create"] > 0
    schools = {row["sourcedId"] for row in world.rows["orgs"]}
    assert {line["school"] for line in lines} <= schools | {""}
    total = page.context["totals"]["lines"]
    assert sum(line["total"] for line in total) == sum(line["total"] for line in lines)


def test_filters_narrow_the_rows(pages: DataFolder, world: Space, ann: Person) -> None:
    run = run_now(pages)
    page = ann.get(f"{PLAN}{run.pk}/", kind="section", action="create", outcome="done")
    rows = page.context["rows"]
    assert rows
    assert {(row["kind"], row["action"], row["fate"]) for row in rows} == {("section", "create", "done")}
    school = rows[0]["school"]
    mine = ann.get(f"{PLAN}{run.pk}/", kind="section", school=school).context["rows"]
    assert {row["school"] for row in mine} == {school}
    for none in ({"outcome": "refused"}, {"action": "remove"}, {"school": "x' OR 1=1 --"}, {"hold": "nothing"}):
        assert "No row is like that." in words(ann.get(f"{PLAN}{run.pk}/", **none)), none


@pytest.mark.parametrize("release", ["this", "earlier"])
def test_a_refused_row_says_what_the_lms_said(pages: DataFolder, world: Space, ann: Person, release: str) -> None:
    [key] = rename(world, "Somebody")
    world.faults.refuse[key] = "this name is taken"
    run = run_now(pages)
    if release == "earlier":
        run.outcomes.update(statuses=None)
    page = ann.get(f"{PLAN}{run.pk}/", outcome="refused")
    [row] = page.context["rows"]
    assert row["key"] == key
    assert "this name is taken" in words(page)
    assert "The LMS has refused it since" in words(page)
    waiting = ann.get(f"{PLAN}{run.pk}/", outcome="waiting").context["rows"]
    assert {row["kind"] for row in waiting} == {"enrollment"}
    assert all(key in row["key"] for row in waiting)


def test_pages_of_a_large_plan_are_short(pages: DataFolder, world: Space, ann: Person) -> None:
    run = large_plan(pages, 10_000)
    seen: list[int] = []
    page = ann.get(f"{PLAN}{run.pk}/")
    assert len(page.content) < 400_000
    for _ in range(3):
        seen += [row["seq"] for row in page.context["rows"]]
        page = ann.get(f"{PLAN}{run.pk}/", after=page.context["next"])
    assert seen == list(range(150))
    back = ann.get(f"{PLAN}{run.pk}/", before=page.context["previous"])
    assert [row["seq"] for row in back.context["rows"]] == list(range(100, 150))
    deep = ann.get(f"{PLAN}{run.pk}/", after=9_980)
    assert [row["seq"] for row in deep.context["rows"]] == list(range(9_981, 10_000))
    assert deep.context["next"] is None
    assert ann.get(f"{PLAN}{run.pk}/", before=10).context["previous"] is None


def test_a_filter_is_paged_too(pages: DataFolder, world: Space, ann: Person) -> None:
    run = large_plan(pages, 10_000)
    held = {"outcome": "held", "school": "school 1"}
    first = ann.get(f"{PLAN}{run.pk}/", **held)
    then = ann.get(f"{PLAN}{run.pk}/", **held, after=first.context["next"])
    rows = [*first.context["rows"], *then.context["rows"]]
    assert len({row["seq"] for row in rows}) == 100
    assert {(row["state"], row["school"]) for row in rows} == {("held", "school 1")}
    assert first.context["number"] == 1667
    assert "outcome=held" in first.content.decode().partition('rel="next"')[0].rpartition("<a href")[2]
    unsent = ann.get(f"{PLAN}{run.pk}/", outcome="unsent").context["rows"]
    assert {row["state"] for row in unsent} == {"send"}


@pytest.mark.parametrize("slip", ["-1", "x", "9" * 30, "1.5", "٣"])
def test_a_slip_in_the_address_is_the_first_page(pages: DataFolder, world: Space, ann: Person, slip: str) -> None:
    run = large_plan(pages, 100)
    assert ann.get(f"{PLAN}{run.pk}/", after=slip).context["rows"][0]["seq"] == 0
    assert ann.get(f"{PLAN}{run.pk}/", schools=slip).status_code == 200


def test_a_download_has_the_chosen_rows_and_no_formulas(pages: DataFolder, world: Space, ann: Person) -> None:
    [key, _] = rename(world, FORMULA, "Other")
    run = run_now(pages)
    rows = _csv(ann.get(f"{PLAN}{run.pk}/rows.csv", kind="user"))
    assert len(rows) == run.result["kinds"]["user"]["create"]
    mine = next(row for row in rows if row["key"] == key)
    assert mine["name"].startswith("'=HYPERLINK")
    assert mine["what became of it"] == "Done"
    assert "Role: Student" in mine["after"]
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "@"))]


def test_a_download_of_many_rows_comes_in_order(pages: DataFolder, world: Space, ann: Person) -> None:
    run = large_plan(pages, 25_000)
    numbers = [int(row["row"]) for row in _csv(ann.get(f"{PLAN}{run.pk}/rows.csv"))]
    assert numbers == list(range(25_000))


def test_sending_sends_exactly_the_plan(pages: DataFolder, world: Space, ann: Person) -> None:
    data_prep_done()
    run = _dry(pages, ann)
    assert "Send this plan" in words(ann.get(f"{PLAN}{run.pk}/"))
    rename(world, "Too late")
    ann.post(f"{PLAN}{run.pk}/send/")
    [sent] = work(pages)
    assert (sent.applies_id, sent.state) == (run.pk, "done")
    assert len(world.all("user")) == run.result["kinds"]["user"]["create"]
    assert "Too late" not in [one.fields["first_name"] for one in world.all("user")]
    assert sent.requested_by.startswith("Ann Acting")


def test_sending_twice_is_one_sending(world: Space, pages: DataFolder, ann: Person) -> None:
    data_prep_done()
    run = _dry(pages, ann)
    ann.post(f"{PLAN}{run.pk}/send/")
    again = ann.client.post(f"{PLAN}{run.pk}/send/", follow=True)
    assert "this plan is being sent already" in words(again)
    assert Run.objects.filter(applies=run).count() == 1
    assert "This plan is being sent." in words(ann.get(f"{PLAN}{run.pk}/"))


@pytest.mark.parametrize("moved", ["ledger", "settings"])
def test_a_stale_plan_says_so_before_and_is_not_sent(pages: DataFolder, world: Space, ann: Person, moved: str) -> None:
    data_prep_done()
    run = _dry(pages, ann)
    if moved == "ledger":
        run_now(pages)
    else:
        import_maple(world.name, more="limits: {remove: {percent: 5, from: 1}}\n")
    page = words(ann.get(f"{PLAN}{run.pk}/"))
    assert "This plan is stale and cannot be sent." in page
    assert ("Something was synced" in page) == (moved == "ledger")
    assert ("The settings were changed" in page) == (moved == "settings")
    assert b"/send/" not in ann.get(f"{PLAN}{run.pk}/").content
    assert "Nothing was sent: since this plan was made" in words(ann.client.post(f"{PLAN}{run.pk}/send/", follow=True))
    assert not Run.objects.filter(applies=run).exists()


def test_before_data_prep_nothing_is_sent(pages: DataFolder, world: Space, ann: Person) -> None:
    """Rule 4."""
    run = _dry(pages, ann)
    assert "Before it can be sent, finish: Data Prep" in words(ann.get(f"{PLAN}{run.pk}/"))
    assert "Finish the set-up first" in words(ann.client.post(f"{PLAN}{run.pk}/send/", follow=True))
    assert not FactRow.objects.filter(name=DATA_PREP).exists()
    assert not Run.objects.filter(applies=run).exists()


def test_a_sync_has_no_plan_to_send(pages: DataFolder, world: Space, ann: Person) -> None:
    data_prep_done()
    run = run_now(pages)
    assert "Send this plan" not in words(ann.get(f"{PLAN}{run.pk}/"))
    assert "is not a dry run" in words(ann.client.post(f"{PLAN}{run.pk}/send/", follow=True))


def test_a_blackout_day_needs_a_tick(
    pages: DataFolder, world: Space, ann: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    data_prep_done()
    run = _dry(pages, ann)
    for place in ("rollbook.actions.blackout", "rollbook.web.plans", "rollbook.actions.schedule_memory"):
        monkeypatch.setattr(f"{place}.blackout_today", lambda *_: "state tests")
    assert "Today is a blackout day (state tests)" in words(ann.get(f"{PLAN}{run.pk}/"))
    answer = words(ann.client.post(f"{PLAN}{run.pk}/send/", follow=True))
    assert "blackout day (state tests)" in answer
    assert "--despite-blackout" not in answer
    ann.post(f"{PLAN}{run.pk}/send/", despite_blackout="yes")
    assert Run.objects.filter(applies=run).count() == 1


def test_old_plans_are_listed_page_by_page(pages: DataFolder, world: Space, ann: Person) -> None:
    runs = [large_plan(pages, 3) for _ in range(23)]
    first, second = words(ann.get(PLAN)), words(ann.get(PLAN, older=2))
    assert runs[-1].pk in first
    assert runs[0].pk not in first
    assert runs[0].pk in second
    assert "Page 1 of 2" in first


def test_rows_that_are_no_longer_kept(pages: DataFolder, world: Space, ann: Person) -> None:
    run = large_plan(pages, 3)
    Run.objects.filter(pk=run.pk).update(plan=None)
    assert "no longer kept" in words(ann.get(f"{PLAN}{run.pk}/"))
    assert ann.get(f"{PLAN}{run.pk}/rows.csv").status_code == 404


def test_a_lost_file_is_said_and_breaks_no_page(pages: DataFolder, world: Space, ann: Person) -> None:
    run = large_plan(pages, 3)
    for file in pages.blobs.rglob("*.parquet"):
        file.unlink()
    assert "is missing" in words(ann.get(f"{PLAN}{run.pk}/"))
    assert "is missing" in words(ann.get(PLAN))


def test_the_watched_part_reloads_the_page_at_the_end(pages: DataFolder, world: Space, ann: Person) -> None:
    ann.post(PLAN + "look/")
    run = Run.objects.get()
    assert f"seen={run.pk}" in ann.get(PLAN).content.decode()
    assert "Rollbook-Ended" not in ann.get(PLAN + "working/", seen=run.pk).headers
    work(pages)
    assert ann.get(PLAN + "working/", seen=run.pk).headers["Rollbook-Ended"] == "true"


def test_who_only_looks_finds_no_buttons_and_is_refused(
    pages: DataFolder, world: Space, bob: Person, vic: Person, tea: Person
) -> None:
    data_prep_done()
    run = run_now(pages, wanted=Wanted(dry_run=True))
    for person in (bob, vic):
        page = person.get(f"{PLAN}{run.pk}/")
        assert "Row by row" in words(page)
        assert b"/send/" not in page.content
        assert b'type="submit">Look' not in person.get(PLAN).content
        assert person.post(f"{PLAN}{run.pk}/send/").status_code == 403
        assert person.post(PLAN + "look/").status_code == 403
    assert tea.get(PLAN).status_code == 403
    assert tea.get(f"{PLAN}{run.pk}/rows.csv").status_code == 403
    assert Run.objects.count() == 1


def test_another_organizations_run_is_not_there(pages: DataFolder, world: Space, ann: Person) -> None:
    import_maple(world.name, slug="other")
    run = run_now(pages, "other", wanted=Wanted(dry_run=True))
    for path in ("", "rows.csv", "undo/"):
        assert ann.get(f"{PLAN}{run.pk}/{path}").status_code == 404
    assert ann.post(f"{PLAN}{run.pk}/send/").status_code == 404
    assert run.pk not in ann.get(PLAN).content.decode()
