"""Undo and pins in the browser: what goes back and what stays is said before anything is queued (rules 28 and 30)."""

from __future__ import annotations

import pytest

from rollbook.connectors.memory.space import Space
from rollbook.store.folder import DataFolder
from rollbook.store.models import PinRow, Run
from tests.web.people import Person, words
from tests.web.plans import contexts, first_name, rename, work
from tests.web.world import run_now

__all__ = ["contexts"]
pytestmark = pytest.mark.usefixtures("contexts")
PLAN = "/o/maple/plan/"
MADE = "Users that the run created, for Rollbook deletes none"
Renamed = tuple[list[str], Run]


def _rename(pages: DataFolder, world: Space) -> None:
    run_now(pages)
    rename(world, "Renamed", "Other")
    run_now(pages)


ONCE = {"renamed": _rename}


@pytest.fixture
def renamed(world: Space) -> Renamed:
    """Two students were renamed by a run; their ids, and the run."""
    keys = {row["givenName"]: row["sourcedId"] for row in world.rows["users"]}
    return [keys["Renamed"], keys["Other"]], Run.objects.latest("created_at")


def _undo(run: Run) -> str:
    return f"{PLAN}{run.pk}/undo/"


def test_it_says_first_what_stays(pages: DataFolder, world: Space, ann: Person) -> None:
    run = run_now(pages)
    kinds = run.result["kinds"]
    text = words(ann.get(_undo(run)))
    assert f"{MADE}: {kinds['user']['create']}" in text
    assert f"Enrollments that this run gave are taken back: {kinds['enrollment']['create']:,}" in text
    assert "pinned for 30 days" in text
    assert not Run.objects.filter(undo_of=run).exists()


def test_a_preview_sends_nothing_and_the_undo_puts_back(
    pages: DataFolder, world: Space, ann: Person, renamed: Renamed
) -> None:
    keys, run = renamed
    assert "Users that this run updated go back to what they were: 2" in words(ann.get(_undo(run)))
    ann.post(_undo(run), wish="preview", persons="")
    [preview] = work(pages)
    assert (preview.dry_run, preview.undo_of_id, preview.state) == (True, run.pk, "planned")
    assert first_name(world, keys[0]) == "Renamed"
    page = ann.get(f"{PLAN}{preview.pk}/")
    assert "Dry run of an undo" in words(page)
    assert "Send this plan" in words(page)
    ann.post(_undo(run), wish="undo", persons="")
    [undone] = work(pages)
    assert undone.requested_by.startswith("Ann Acting")
    assert first_name(world, keys[0]) != "Renamed"
    assert first_name(world, keys[1]) != "Other"
    assert "What this undo keeps pinned" in words(ann.get(f"{PLAN}{undone.pk}/"))


def test_only_some_persons(pages: DataFolder, world: Space, ann: Person, renamed: Renamed) -> None:
    keys, run = renamed
    looked = ann.post(_undo(run), wish="look", persons=f" {keys[0]} \r\n\r\n{keys[0]}\r\n")
    text = words(looked)
    assert "What an undo of the chosen part does" in text
    assert "Users that this run updated go back to what they were: 1" in text
    assert not Run.objects.filter(undo_of=run).exists()
    assert "?" not in looked.request["PATH_INFO"]
    ann.post(_undo(run), wish="undo", persons=looked.context["part"]["persons"][0] + "\n")
    [undone] = work(pages)
    assert undone.persons == [keys[0]]
    assert first_name(world, keys[0]) != "Renamed"
    assert first_name(world, keys[1]) == "Other"


def test_only_some_schools(pages: DataFolder, world: Space, ann: Person, renamed: Renamed) -> None:
    _, run = renamed
    page = ann.get(_undo(run))
    school = page.context["form"].fields["schools"].choices[0][0]
    ann.post(_undo(run), wish="preview", schools=[school], persons="")
    [preview] = work(pages)
    assert preview.schools == [school]


@pytest.mark.parametrize("wish", ["look", "preview", "undo"])
def test_a_part_to_which_nothing_was_done_is_refused_at_the_field(
    world: Space, ann: Person, renamed: Renamed, wish: str
) -> None:
    _, run = renamed
    answer = ann.post(_undo(run), wish=wish, persons="nobody")
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "did nothing to these persons" in text.partition('id="persons-error"')[2].partition("</div>")[0]
    assert ">nobody</textarea>" in text
    assert not Run.objects.filter(undo_of=run).exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"schools": ["nowhere"], "persons": ""}, "nowhere is not one of the available choices"),
        ({"persons": "\n".join(map(str, range(501)))}, "name at most 500"),
        ({"persons": "a\x00b"}, "Null characters are not allowed"),
    ],
)
def test_a_part_that_cannot_be_is_refused(ann: Person, renamed: Renamed, given: dict[str, object], said: str) -> None:
    _, run = renamed
    answer = ann.post(_undo(run), wish="undo", **given)
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert not Run.objects.filter(undo_of=run).exists()


def test_pressing_twice_is_one_undo(pages: DataFolder, ann: Person, renamed: Renamed) -> None:
    _, run = renamed
    for _ in range(2):
        ann.post(_undo(run), wish="undo", persons="")
    assert Run.objects.filter(undo_of=run).count() == 1
    Run.objects.filter(undo_of=run).update(state="running")
    answer = words(ann.client.post(_undo(run), {"wish": "undo", "persons": ""}, follow=True))
    assert "an undo of this run is under way already" in answer
    assert Run.objects.filter(undo_of=run).count() == 1


def test_a_run_that_sent_nothing_cannot_be_undone(pages: DataFolder, world: Space, ann: Person) -> None:
    from rollbook.actions.runs import Wanted

    run = run_now(pages, wanted=Wanted(dry_run=True))
    assert "This run cannot be undone." in words(ann.get(_undo(run)))
    answer = words(ann.client.post(_undo(run), {"wish": "undo", "persons": ""}, follow=True))
    assert "sent nothing that could be undone" in answer
    assert Run.objects.count() == 1


def test_who_only_looks_is_refused(world: Space, bob: Person, vic: Person, renamed: Renamed) -> None:
    keys, run = renamed
    for person in (bob, vic):
        page = person.get(_undo(run))
        assert "What an undo does" in words(page)
        assert b'name="wish"' not in page.content
        assert person.post(_undo(run), wish="undo", persons=keys[0]).status_code == 403
        assert person.post(PLAN + "pins/", reason="x").status_code == 403
    assert not Run.objects.filter(undo_of=run).exists()


@pytest.fixture
def pinned(pages: DataFolder, ann: Person, renamed: Renamed) -> tuple[list[str], Run]:
    """Both names were put back; the ids, and the undo."""
    keys, run = renamed
    ann.post(_undo(run), wish="undo", persons="")
    [undone] = work(pages)
    return keys, undone


def test_pins_are_listed_with_their_day(ann: Person, vic: Person, world: Space, pinned: Renamed) -> None:
    keys, undone = pinned
    for person in (ann, vic):
        text = words(person.get(PLAN + "pins/", undo=undone.pk))
        assert keys[0] in text
        assert "First name" in text
        assert first_name(world, keys[0]) in text
        assert "Renamed" in text
        assert "Until" in text


def test_a_lifted_pin_lets_the_sis_through(pages: DataFolder, world: Space, ann: Person, pinned: Renamed) -> None:
    keys, _ = pinned
    run_now(pages)
    assert first_name(world, keys[0]) != "Renamed"
    pin = PinRow.objects.get(key=keys[0])
    answer = words(ann.client.post(PLAN + "pins/", {"pins": [pin.pk], "reason": "right after all"}, follow=True))
    assert "1 pin is lifted" in answer
    pin.refresh_from_db()
    assert pin.why == "lifted by Ann Acting (ann.acting@example.org): right after all"
    run_now(pages)
    assert first_name(world, keys[0]) == "Renamed"
    assert first_name(world, keys[1]) != "Other"


def test_all_pins_of_an_undo_are_lifted(pages: DataFolder, world: Space, ann: Person, pinned: Renamed) -> None:
    _, undone = pinned
    given = {"undo": undone.pk, "of": undone.pk, "reason": "corrected"}
    assert "2 pins are lifted" in words(ann.client.post(PLAN + "pins/", given, follow=True))
    assert "Nothing was lifted" in words(ann.client.post(PLAN + "pins/", given, follow=True))
    assert "Nothing is pinned." in words(ann.get(PLAN + "pins/"))


@pytest.mark.parametrize(
    "given", [{"reason": "x"}, {"pins": ["999999"], "reason": "x"}, {"pins": ["x"], "reason": "x"}]
)
def test_lifting_nothing_is_said(ann: Person, pinned: Renamed, given: dict[str, object]) -> None:
    answer = ann.post(PLAN + "pins/", **given)
    assert "Tick what shall follow the SIS again." in words(answer)
    assert PinRow.objects.filter(ended_at__isnull=True).count() == 2


def test_lifting_needs_a_reason(ann: Person, pinned: Renamed) -> None:
    pin = PinRow.objects.first()
    assert pin is not None
    answer = ann.post(PLAN + "pins/", pins=[pin.pk], reason=" ")
    assert 'id="reason-error"' in answer.content.decode()
    assert PinRow.objects.filter(ended_at__isnull=True).count() == 2


def test_another_organizations_undo_has_no_pins_here(ann: Person, pinned: Renamed, world: Space) -> None:
    from tests.web.people import make_person
    from tests.web.world import import_maple

    _, undone = pinned
    import_maple(world.name, slug="other")
    stan = make_person("Stan", org="other", acting=True)
    assert stan.get("/o/other/plan/pins/", undo=undone.pk).status_code == 404
    given = {"pins": [row.pk for row in PinRow.objects.all()], "reason": "x"}
    assert "Nothing is pinned." in words(stan.post("/o/other/plan/pins/", **given))
    assert PinRow.objects.filter(ended_at__isnull=True).count() == 2
