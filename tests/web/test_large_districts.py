"""What pages keep in memory for large districts is never stale, never another organization's, and bounded."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps

from rollbook.connectors.memory.space import Space
from rollbook.store.blobs import open_blobs
from rollbook.store.folder import DataFolder
from rollbook.store.models import DirectoryRow, HoldRow, Organization, Run, SettingsVersion
from rollbook.store.newest_settings import newest_settings
from rollbook.store.plan_counts import plan_counts
from rollbook.store.runs import stored_plan
from rollbook.store.school_names import school_names
from rollbook.store.undo_outlook import undo_outlook
from tests.web.past import hold, past_run
from tests.web.people import Person, words
from tests.web.plans import contexts, large_plan, rename
from tests.web.programs import Program, program
from tests.web.world import import_maple, run_now

__all__ = ["contexts"]
pytestmark = pytest.mark.usefixtures("contexts")
PLAN = "/o/maple/plan/"


@pytest.fixture
def robot(ann: Person) -> Program:
    return program(ann)


def _organization(slug: str = "maple") -> Organization:
    return Organization.objects.get(slug=slug)


def _list_schools(slug: str, **names: str) -> None:
    rows = [{"id": org.replace("_", " "), "name": name, "type": "school"} for org, name in names.items()]
    given = {"rows": rows, "read_at": "2026-11-26T00:00Z"}
    DirectoryRow.objects.update_or_create(organization=_organization(slug), name="sis.orgs", defaults=given)


def _holds(run: Run, number: int) -> list[HoldRow]:
    return [hold(run, hold=f"h{place:03d}", school=f"school {place % 2}", count=place + 1) for place in range(number)]


def test_saved_settings_are_seen_at_once(world: Space, ann: Person) -> None:
    before = newest_settings(_organization().pk)
    again = newest_settings(_organization().pk)
    assert before is not None
    assert again is not None
    assert again[1] is before[1], "the same text is understood once"
    import_maple(world.name, more="undo: {pin_days: 7}\n")
    after = newest_settings(_organization().pk)
    assert after is not None
    assert (after[0].number, after[1].undo.pin_days) == (before[0].number + 1, 7)
    SettingsVersion.objects.filter(pk=after[0].pk).update(document=before[0].document)  # even what never happens
    changed = newest_settings(_organization().pk)
    assert changed is not None
    assert changed[1].undo.pin_days == 30


def test_settings_of_two_organizations_stay_apart(world: Space, ann: Person) -> None:
    other = Organization.objects.create(slug="oak", name="Oak")
    assert newest_settings(other.pk) is None
    first = SettingsVersion.objects.filter(organization=_organization()).latest("number")
    document = first.document | {"organization": first.document["organization"] | {"slug": "oak", "name": "Oak"}}
    same = {"number": first.number, "digest": first.digest, "saved_at": first.saved_at, "by": first.by}
    SettingsVersion.objects.create(organization=other, document=document, **same)
    names = [
        found[1].organization.name for org in ("maple", "oak") if (found := newest_settings(_organization(org).pk))
    ]
    assert names == [first.document["organization"]["name"], "Oak"]


def test_a_renamed_school_is_called_so_at_once_and_sorted_anew(pages: DataFolder, world: Space, ann: Person) -> None:
    run = large_plan(pages, 40)
    _list_schools("maple", school_0="Zebra High", school_1="Badger High")

    def schools() -> list[str]:
        return [line["school_name"] for line in ann.get(f"{PLAN}{run.pk}/").context["per_school"]["lines"]]

    assert schools() == ["Badger High", "Zebra High"]
    _list_schools("maple", school_0="Aardvark High", school_1="Badger High")
    assert schools() == ["Aardvark High", "Badger High"]
    assert ann.get(f"{PLAN}{run.pk}/").context["filters"]["schools"] == [
        ("school 0", "Aardvark High"), ("school 1", "Badger High"),
    ]  # fmt: skip


def test_names_of_two_organizations_stay_apart(pages: DataFolder, world: Space, ann: Person) -> None:
    Organization.objects.create(slug="oak", name="Oak")
    _list_schools("maple", school_0="Maple High")
    _list_schools("oak", school_0="Oak High")
    blobs = open_blobs(pages)
    found = [school_names(_organization(slug).pk, blobs)["school 0"] for slug in ("maple", "oak", "maple")]
    assert found == ["Maple High", "Oak High", "Maple High"]


def test_counts_are_those_of_each_plan(pages: DataFolder, world: Space, ann: Person) -> None:
    """Every third row is held, two schools in turns; the second plan is another file."""
    for number in (40, 10):
        run = large_plan(pages, number)
        plan = stored_plan(run)
        assert plan is not None
        counts = plan_counts(plan, open_blobs(pages), run.pk)
        held = (number + 2) // 3
        assert counts.number() == number
        assert counts.number(state="held") == held
        assert counts.number(kind="user", action="update", state="send") == number - held
        assert counts.number(school="school 0") + counts.number(school="school 1") == number
        assert counts.number(school="school 2") == counts.number(kind="course") == 0
        assert dict(counts.by_kind) == {"user": {"update": number - held, "held": held}}
        assert sum(counts.of("school 0", "user").values()) == number // 2
        assert ann.get(f"{PLAN}{run.pk}/").context["number"] == number


def test_of_many_holds_the_first_are_offered_and_the_chosen_one(pages: DataFolder, world: Space, ann: Person) -> None:
    run = large_plan(pages, 40)
    _holds(run, 203)
    page = ann.get(f"{PLAN}{run.pk}/")
    assert [one for one, _ in page.context["holds"]] == [f"h{place:03d}" for place in range(100)]
    assert "These are the first holds" in words(page)
    chosen = ann.get(f"{PLAN}{run.pk}/", hold="h202")
    assert [one for one, _ in chosen.context["holds"]][-1] == "h202"
    assert chosen.context["number"] == 203, "as many rows as the hold says"
    narrow = ann.get(f"{PLAN}{run.pk}/", school="school 1", hold="h200")
    offered = [one for one, _ in narrow.context["holds"]]
    assert offered[:2] == ["h001", "h003"]
    assert offered[-1] == "h200", "the chosen one stays chosen, though it is of another school"
    assert ann.get(f"{PLAN}{run.pk}/", school="\0", hold="\0").status_code == 200


def test_a_few_holds_are_all_offered(pages: DataFolder, world: Space, ann: Person) -> None:
    run = large_plan(pages, 40)
    _holds(run, 100)
    page = ann.get(f"{PLAN}{run.pk}/")
    assert len(page.context["holds"]) == 100
    assert "These are the first holds" not in words(page)


@pytest.mark.parametrize("made", [{}, {"preview_year": "2028"}])
def test_the_api_lists_all_holds_newest_first(world: Space, ann: Person, robot: Program, made: dict[str, str]) -> None:
    """Those of a preview of another year wait for nobody, and are not listed."""
    old, new = past_run("old", ago=60), past_run("new", ago=30, **made)
    first, second = hold(old), hold(new, hold="h2")
    HoldRow.objects.filter(pk=first.pk).update(state="approved")
    listed = [one["hold"] for one in robot.get("/holds?all=true")["holds"]]
    assert listed == (["h1"] if made else ["h2", "h1"])
    assert [one["hold"] for one in robot.get("/holds")["holds"]] == ([] if made else [second.hold])


def test_the_api_shows_twenty_holds_of_a_listed_run_and_all_of_one(world: Space, ann: Person, robot: Program) -> None:
    run = past_run("one", result={"state": "held", "kinds": {"user": {"held": 30}}, "requests": {"lms": 4}})
    _holds(run, 30)
    [listed] = robot.get("/runs")["runs"]
    alone = robot.get("/runs/one")
    assert [one["hold"] for one in listed["holds"]] == [f"h{place:03d}" for place in range(20)]
    assert len(alone["holds"]) == 30
    assert {**listed, "holds": []} == {**alone, "holds": []}
    assert listed["kinds"]["user"]["held"] == 30
    assert listed["requests"] == {"sis": 0, "lms": 4}


def test_what_an_undo_would_do_is_not_kept_before_all_is_written_down(pages: DataFolder, world: Space) -> None:
    run = run_now(pages)
    part = {"kinds": run.kinds, "schools": [], "persons": []}
    whole = undo_outlook(pages, run, part)
    assert whole.done["user"]["create"] > 40
    assert undo_outlook(pages, run, part).done is whole.done, "an ended run never changes"
    school = _schools_of(run, pages)[0]
    some = undo_outlook(pages, run, part | {"schools": [school]})
    assert 0 < some.done["user"]["create"] < whole.done["user"]["create"]
    run.settled = False
    run.outcomes.all().delete()
    assert undo_outlook(pages, run, part).done == {}


def _schools_of(run: Run, folder: DataFolder) -> list[str]:
    plan = stored_plan(run)
    assert plan is not None
    return sorted(plan_counts(plan, open_blobs(folder), run.pk).schools)


def test_what_was_refused_at_one_school(pages: DataFolder, world: Space, ann: Person) -> None:
    """Rows of a school are held against what became of them."""
    [key] = rename(world, "Somebody")
    world.faults.refuse[key] = "this name is taken"
    run = run_now(pages)
    [row] = ann.get(f"{PLAN}{run.pk}/", outcome="refused").context["rows"]
    there = ann.get(f"{PLAN}{run.pk}/", outcome="refused", school=row["school"]).context["rows"]
    assert [one["key"] for one in there] == [key]
    others = [school for school in _schools_of(run, pages) if school != row["school"]]
    assert all(not ann.get(f"{PLAN}{run.pk}/", outcome="refused", school=one).context["rows"] for one in others)
    done = ann.get(f"{PLAN}{run.pk}/", outcome="done", school=row["school"], kind="user").context["rows"]
    assert done
    assert key not in {one["key"] for one in done}


def test_calls_of_runs_stand_beside_their_results(world: Space, ann: Person) -> None:
    """Also of runs that an earlier release has worked."""
    past_run("old", result={"state": "done", "requests": {"sis": 3, "lms": 40}})
    past_run("older", result={"state": "done"})
    import_module("rollbook.store.migrations.0015_sums_for_pages").take_over(apps, None)
    found = Run.objects.order_by("pk").values_list("requests_sis", "requests_lms", "figures__requests")
    assert list(found) == [(3, 40, {"sis": 3, "lms": 40}), (None, None, None)]


def test_what_lists_tell_of_a_run_is_what_its_result_says(pages: DataFolder, world: Space) -> None:
    run = run_now(pages)
    assert run.figures == {name: run.result[name] for name in run.figures}
    assert run.figures["kinds"]["user"]["done"] > 40
    assert run.requests_sis == run.result["requests"].get("sis")
