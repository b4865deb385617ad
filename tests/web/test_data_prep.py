"""Data Prep: looking at both systems, deciding, and saying that this step is done."""

from __future__ import annotations

import pytest

from rollbook.actions.runs import Wanted
from rollbook.connectors.memory.space import Space
from rollbook.errors import BlobLost
from rollbook.store.folder import DataFolder
from rollbook.store.models import AuditRow, FactRow, MatchDecision, Run
from tests.web.people import Person, words
from tests.web.world import run_now

HERE = "/o/maple/data-prep/"
LOOK = Wanted(dry_run=True, compare_live=True)


def clash(world: Space, number: int = 0, *, alike: str = "username") -> tuple[str, str]:
    """Somebody of the SIS whose username (or e-mail) an account of another unique id has: (unique id, LMS id)."""
    person = sorted(world.rows["users"], key=lambda row: str(row["sourcedId"]))[number]
    fields = {"first_name": "Other", "last_name": "Person", "username": "nobody", "email": "nobody@x.example"}
    fields |= {alike: person["username" if alike == "username" else "email"], "role": "Student"}
    stored = world.add("user", f"by-hand-{number}-{alike}", fields | {"additional_buildings": []})
    return str(person["sourcedId"]), stored.lms_id


def _clash_and_look(pages: DataFolder, world: Space) -> None:
    clash(world)
    run_now(pages, wanted=LOOK)


ONCE = {"clashed": _clash_and_look, "looked": lambda pages, world: run_now(pages, wanted=LOOK)}


@pytest.fixture
def clashed(world: Space) -> tuple[str, str]:
    """Somebody clashes with an account, and both systems were looked at: (unique id, LMS id)."""
    person = sorted(world.rows["users"], key=lambda row: str(row["sourcedId"]))[0]
    account = next(stored for stored in world.all("user") if stored.code.startswith("by-hand-0"))
    return str(person["sourcedId"]), account.lms_id


@pytest.fixture
def looked(world: Space) -> None:
    """Both systems were looked at."""


def choose(person: Person, key: str, choice: str) -> str:
    """Save one decision; the page afterwards."""
    data = {"show": "conflict", "page": "1", "key-1": key, "decision-1": choice}
    answer = person.client.post(f"{HERE}decide/", data, follow=True)
    assert answer.status_code == 200
    return words(answer)


def test_before_the_first_look(ann: Person) -> None:
    page = words(ann.get(HERE))
    assert "Nobody has looked yet" in page
    assert "Look at both systems" in page


def test_the_button_queues_a_dry_run_that_compares_once(ann: Person) -> None:
    for _ in range(2):
        assert ann.post(f"{HERE}look/").status_code == 302
    [run] = Run.objects.all()
    assert (run.dry_run, run.compare_live, run.requested_by) == (True, True, "Ann Acting (ann.acting@example.org)")
    assert "waits for a worker" in words(ann.get(HERE))
    assert "Rollbook-Ended" not in ann.get(f"{HERE}state/")


def test_the_page_is_loaded_anew_when_the_look_is_over(ann: Person, pages: DataFolder, looked: None) -> None:
    assert ann.get(f"{HERE}state/")["Rollbook-Ended"] == "true"


def test_who_is_where(ann: Person, world: Space, pages: DataFolder) -> None:
    key, lms_id = clash(world)
    world.add("user", "", {"first_name": "Zoe", "last_name": "Zulu", "username": "zoe", "additional_buildings": []})
    run_now(pages, wanted=LOOK)
    assert not any(stored.code.startswith("org") for stored in world.all("building")), "nothing was sent"
    page = words(ann.get(HERE))
    assert "To decide 1" in page
    assert "Only in the LMS 1" in page
    assert key in page
    assert f"LMS {lms_id}, same username" in page
    assert "Zulu" in words(ann.get(HERE, show="lms"))
    assert "Usernames with a space" in page
    assert "Findings, by cause" in page
    assert "ACCOUNT_CONFLICT" in page


def test_a_count_that_no_finding_explains_says_so(ann: Person, world: Space, pages: DataFolder) -> None:
    world.rows["users"][-1] |= {"username": "", "email": "somebody@example.org"}
    run_now(pages, wanted=LOOK)
    assert "People without a username 1 No finding: this stops nobody." in words(ann.get(HERE))


def test_the_lists_have_pages(ann: Person, pages: DataFolder, world: Space, looked: None) -> None:
    run = Run.objects.get()
    assert run.result is not None
    total = run.result["people"]["sis"]
    assert total > 50
    first, last = words(ann.get(HERE, show="sis")), words(ann.get(HERE, show="sis", page="9999"))
    assert f"Page 1 of {-(-total // 50)}" in first
    assert f"Page {-(-total // 50)} of" in last
    assert ann.get(HERE, show="nonsense", page="-1").status_code == 200


def test_a_link_is_saved_and_the_next_sync_goes_by_it(
    ann: Person, world: Space, pages: DataFolder, clashed: tuple[str, str]
) -> None:
    key, lms_id = clashed
    page = choose(ann, key, f"link:{lms_id}")
    assert "1 decision is saved" in page
    assert "Decided by Ann Acting" in page
    row = MatchDecision.objects.get()
    assert (row.kind, row.key, row.choice, row.lms_id) == ("user", key, "link", lms_id)
    audited = AuditRow.objects.get(action="decide matches")
    assert audited.subject == f"{key} linked {lms_id}"
    run_now(pages)
    stored = world.by_id("user", lms_id)
    assert stored is not None
    assert stored.code == key
    assert stored.fields["last_name"] != "Person"
    run_now(pages, wanted=LOOK)
    assert "Nothing is to be decided" in words(ann.get(HERE, show="conflict"))


def test_left_alone_and_asked_again(ann: Person, world: Space, pages: DataFolder, clashed: tuple[str, str]) -> None:
    key, lms_id = clashed
    choose(ann, key, "leave")
    run_now(pages)
    assert world.find("user", key) is None
    run_now(pages, wanted=LOOK)
    assert "ACCOUNT_LEFT" in words(ann.get(HERE))
    choose(ann, key, "ask")
    assert MatchDecision.objects.get().choice == "ask"
    run = run_now(pages)
    assert world.find("user", key) is None, "nobody is made before somebody decides"
    assert run.result is not None
    assert run.result["findings"]["ACCOUNT_CONFLICT"] == 1
    assert lms_id


def test_the_same_decision_twice_is_one(ann: Person, world: Space, pages: DataFolder, clashed: tuple[str, str]) -> None:
    key, lms_id = clashed
    choose(ann, key, f"link:{lms_id}")
    assert "Nothing was decided anew" in choose(ann, key, f"link:{lms_id}")
    assert AuditRow.objects.filter(action="decide matches").count() == 1


@pytest.mark.parametrize("choice", ["link:99999", "link:", "merge", "link", "leave:1:2 "])
def test_a_decision_that_does_not_fit_is_refused(
    ann: Person, world: Space, pages: DataFolder, choice: str, clashed: tuple[str, str]
) -> None:
    key, _ = clashed
    page = choose(ann, key, choice)
    if choice.startswith("leave"):
        assert MatchDecision.objects.get().choice == "leave"
    else:
        assert "does not fit the newest look" in page
        assert not MatchDecision.objects.exists()


def test_a_decision_about_somebody_else_is_refused(ann: Person, world: Space, pages: DataFolder) -> None:
    clash(world)
    other = sorted(str(row["sourcedId"]) for row in world.rows["users"])[5]
    run_now(pages, wanted=LOOK)
    assert "does not fit the newest look" in choose(ann, other, "leave")
    assert not MatchDecision.objects.exists()


def test_one_account_cannot_be_two_peoples(ann: Person, world: Space, pages: DataFolder) -> None:
    people = sorted(world.rows["users"], key=lambda row: str(row["sourcedId"]))[:2]
    fields = {"username": people[0]["username"], "email": people[1]["email"], "additional_buildings": []}
    lms_id = world.add("user", "by-hand", {"first_name": "A", "last_name": "B"} | fields).lms_id
    run_now(pages, wanted=LOOK)
    choose(ann, str(people[0]["sourcedId"]), f"link:{lms_id}")
    assert "two people" in choose(ann, str(people[1]["sourcedId"]), f"link:{lms_id}")
    assert MatchDecision.objects.count() == 1


@pytest.mark.parametrize(("how", "value"), [("looked", "looked"), ("skipped", "skipped")])
def test_the_step_is_done_knowingly(ann: Person, pages: DataFolder, how: str, value: str, looked: None) -> None:
    for _ in range(2):
        ann.post(f"{HERE}finish/", how=how)
    assert FactRow.objects.get(name="data_prep").value == value
    row = AuditRow.objects.get(action=f"data prep {value}")
    assert row.by == "Ann Acting (ann.acting@example.org)"


def test_nobody_has_looked_at_what_was_not_read(ann: Person) -> None:
    answer = ann.client.post(f"{HERE}finish/", {"how": "looked"}, follow=True)
    assert "Look at both systems first" in words(answer)
    assert not FactRow.objects.filter(name="data_prep").exists()


def test_others_see_it_and_change_nothing(
    bob: Person, vic: Person, world: Space, pages: DataFolder, clashed: tuple[str, str]
) -> None:
    key, _ = clashed
    for person in (bob, vic):
        page = person.get(HERE)
        assert key in words(page)
        html = page.content.decode()
        assert "Save these decisions" not in html
        assert "I have looked" not in html
        assert "fieldset disabled" in html
        for part in ("look/", "decide/", "finish/", "decisions/"):
            assert person.post(HERE + part).status_code == 403
    assert not MatchDecision.objects.exists()


def test_a_look_that_fails_is_told(ann: Person, world: Space, pages: DataFolder) -> None:
    world.key = "another"
    run_now(pages, wanted=LOOK)
    assert "did not end well" in words(ann.get(HERE))


def test_a_list_that_is_gone_is_told(ann: Person, world: Space, pages: DataFolder, clashed: tuple[str, str]) -> None:
    key, _ = clashed
    run = Run.objects.get()
    assert run.result is not None
    from rollbook.store.blobs import open_blobs

    open_blobs(pages).delete(run.result["people_blob"])
    assert "not kept any more" in words(ann.get(HERE))
    assert key
    assert ann.get(f"{HERE}people.csv").status_code == 302


def test_garbage_collection_keeps_the_newest_list(
    pages: DataFolder, world: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datetime as dt

    from rollbook.store import gc
    from rollbook.store.blobs import open_blobs

    older, run = run_now(pages, wanted=LOOK), run_now(pages, wanted=LOOK)
    assert older.result is not None
    assert run.result is not None
    monkeypatch.setattr(gc, "LOOSE_FOR", dt.timedelta(0))
    for _ in range(2):
        gc.collect(pages, days=30)
    assert open_blobs(pages).get(run.result["people_blob"]).exists()
    with pytest.raises(BlobLost):
        open_blobs(pages).get(older.result["people_blob"])
