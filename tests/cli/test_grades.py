"""Grades back by the command line, between a memory LMS and a memory SIS."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from rollbook.connectors.memory.space import Space
from rollbook.roster.grades import Grade, Gradebook, GradedItem, GradingCategory, SisCategory
from tests.cli.kit import Command


@pytest.fixture
def section(rollbook: Command, world: Space) -> str:
    """A synced section with two items and a grade for each of its students."""
    return synced_section(rollbook, world)


def synced_section(rollbook: Command, world: Space) -> str:
    rollbook("sync", "maple")
    taught = {row["classSourcedId"] for row in world.rows["enrollments"] if row["role"] == "student"}
    code = sorted(taught)[0]
    world.sis_book.categories = [SisCategory(id="hw", title="Homework"), SisCategory(id="te", title="Tests")]
    found = world.find("section", code)
    assert found is not None
    members = [each for each in world.all("enrollment") if each.fields["section"] == found.lms_id]
    world.gradebooks[code] = Gradebook(
        section=found.lms_id,
        categories=(GradingCategory(id="1", title="Homework"), GradingCategory(id="2", title="Quizzes")),
        items=(
            GradedItem(id="10", title="Essay", points=20, category="1"),
            GradedItem(id="11", title="Quiz", points=10, category="2"),
        ),
        grades=tuple(Grade(item="11", member=each.lms_id, score=7) for each in members if not each.fields["admin"]),
    )
    return code


def kinds(run: dict[str, Any]) -> dict[str, dict[str, int]]:
    return {kind: {word: n for word, n in counts.items() if n} for kind, counts in run["kinds"].items()}


@pytest.mark.usefixtures("database")
def test_a_section_from_its_first_look_to_nothing_left(rollbook: Command, world: Space, section: str) -> None:
    listed = rollbook("grades", "sections", "maple", schema="grades-sections")
    assert {one["status"] for one in listed["sections"]} == {"not yet synced"}
    first = rollbook("grades", "sync", "maple", "--section", section)
    assert (first["state"], first["river"], first["sections"]) == ("done", "grades", [section])
    assert first["findings"] == {"CATEGORIES_UNDECIDED": 1}
    assert not world.sis_book.records["line_item"]
    chosen = ("--set", "Quizzes=Tests", "--set", "1=hw")
    mapped = rollbook("grades", "map", "maple", "--section", section, *chosen, schema="grades-map")
    assert [one["sis"]["id"] for one in mapped["categories"]] == ["hw", "te"]
    planned = rollbook("grades", "plan", "maple", "--section", section)
    grades = len(world.gradebooks[section].grades)
    assert grades
    assert kinds(planned)["result"]["create"] == grades
    items = rollbook("grades", "items", "maple", "--section", section, schema="grades-items")["items"]
    assert {one["status"] for one in items} == {"not yet synced"}
    sent = rollbook("run", "apply", planned["run"])
    assert kinds(sent)["result"]["done"] == grades
    assert len(world.sis_book.records["result"]) == grades
    again = rollbook("grades", "sync", "maple", "--section", section)
    assert kinds(again) == {
        "category": {}, "line_item": {"read": 2, "unchanged": 2}, "result": {"read": grades, "unchanged": grades},
    }  # fmt: skip
    items = rollbook("grades", "items", "maple", "--section", section, schema="grades-items")["items"]
    assert {one["status"] for one in items} == {"successful"}


@pytest.fixture
def sent(rollbook: Command, section: str) -> str:
    """The same section, mapped and synced."""
    rollbook("grades", "plan", "maple", "--section", section)
    chosen = ("--set", "Quizzes=Tests", "--set", "Homework=Homework")
    rollbook("grades", "map", "maple", "--section", section, *chosen, schema="grades-map")
    rollbook("grades", "sync", "maple", "--section", section)
    return section


def items(rollbook: Command, section: str, *more: str) -> dict[str, str]:
    """Status by item."""
    found = rollbook("grades", "items", "maple", "--section", section, *more, schema="grades-items")
    return {one["item"]: one["status"] for one in found["items"]}


@pytest.mark.usefixtures("database")
@pytest.mark.rule(32)
def test_a_conflict_waits_for_a_person(rollbook: Command, world: Space, sent: str) -> None:
    own, shown = next(iter(world.sis_book.records["result"].items()))
    world.sis_book.records["result"][own] = {**shown, "score": 1.0}
    held = rollbook("grades", "sync", "maple", "--section", sent, code=3)
    assert items(rollbook, sent)["11"] == "held"
    listed = rollbook("hold", "list", "maple", schema="holds")["holds"]
    assert [(one["reason"], one["school"], one["count"]) for one in listed] == [("grade_conflict", sent, 1)]
    assert "somebody changed it there" in listed[0]["sentence"]
    changes = rollbook("run", "changes", held["run"], "--hold", listed[0]["hold"], schema="changes")["changes"]
    assert (changes[0]["before"], changes[0]["after"]) == ({"score": 1.0}, {"score": 7.0})
    told = ("--by", "Ann", "--reason", "the LMS is right")
    run = rollbook("hold", "approve", listed[0]["hold"], *told)
    assert (run["river"], run["sections"]) == ("grades", [sent])
    assert world.sis_book.records["result"][own]["score"] == 7.0
    assert not rollbook("hold", "list", "maple", schema="holds")["holds"]
    assert items(rollbook, sent)["11"] == "successful"


def test_a_rejected_conflict_is_not_asked_about_again(rollbook: Command, world: Space, sent: str) -> None:
    own, shown = next(iter(world.sis_book.records["result"].items()))
    world.sis_book.records["result"][own] = {**shown, "score": 1.0}
    rollbook("grades", "sync", "maple", "--section", sent, code=3)
    hold = rollbook("hold", "list", "maple", schema="holds")["holds"][0]["hold"]
    rollbook("hold", "reject", hold, "--by", "Ann", "--reason", "the SIS is right", schema="hold")
    rollbook("grades", "sync", "maple", code=3)
    assert not rollbook("hold", "list", "maple", schema="holds")["holds"]
    assert world.sis_book.records["result"][own]["score"] == 1.0


def test_holds_of_both_rivers_are_approved_at_once(rollbook: Command, world: Space, sent: str) -> None:
    """One run of grades, one of rosters; a sync of rosters supersedes no hold of grades."""
    own, shown = next(iter(world.sis_book.records["result"].items()))
    world.sis_book.records["result"][own] = {**shown, "score": 1.0}
    rollbook("grades", "sync", "maple", "--section", sent, code=3)
    rollbook("sync", "maple")
    assert len(rollbook("hold", "list", "maple", schema="holds")["holds"]) == 1
    told = ("--by", "Ann", "--reason", "all of it")
    run = rollbook("hold", "approve", "--all", "--org", "maple", *told)
    assert run["river"] == "grades"
    assert world.sis_book.records["result"][own]["score"] == 7.0


def test_items_are_opted_out_and_in(rollbook: Command, world: Space, sent: str) -> None:
    assert items(rollbook, sent, "--opt-out", "10") == {"10": "opted out", "11": "successful"}
    book = world.gradebooks[sent]
    changed = tuple(msgspec.structs.replace(each, title=f"New {each.id}") for each in book.items)
    world.gradebooks[sent] = msgspec.structs.replace(book, items=changed)
    rollbook("grades", "plan", "maple", "--section", sent)
    assert items(rollbook, sent) == {"10": "opted out", "11": "updates available"}
    rollbook("grades", "sync", "maple")
    titles = {each["title"] for each in world.sis_book.records["line_item"].values()}
    assert titles == {"Essay", "New 11"}
    items(rollbook, sent, "--opt-in", "10")
    rollbook("grades", "sync", "maple")
    assert {each["title"] for each in world.sis_book.records["line_item"].values()} == {"New 10", "New 11"}


def test_what_the_sis_refuses_is_told_in_its_words(rollbook: Command, world: Space, sent: str) -> None:
    own = next(iter(world.sis_book.records["line_item"]))
    world.faults.refuse[own] = "the grading window is closed"
    book = world.gradebooks[sent]
    changed = tuple(msgspec.structs.replace(each, title=f"New {each.id}") for each in book.items)
    world.gradebooks[sent] = msgspec.structs.replace(book, items=changed)
    run = rollbook("grades", "sync", "maple", "--section", sent)
    assert run["refused"]["records"] == 1
    found = rollbook("grades", "items", "maple", "--section", sent, schema="grades-items")["items"]
    told = {one["status"]: one["why"] for one in found}
    assert told == {"successful": None, "error": "the grading window is closed"}
    listed = rollbook("grades", "sections", "maple", "--section", sent, schema="grades-sections")["sections"]
    assert (listed[0]["status"], listed[0]["errors"]) == ("error", 1)


@pytest.mark.rule(29)
def test_grades_do_not_move_the_schedule(rollbook: Command, world: Space, sent: str) -> None:
    before = rollbook("schedule", "show", "maple", schema="schedule-show")
    rollbook("grades", "sync", "maple", "--section", sent)
    assert rollbook("schedule", "show", "maple", schema="schedule-show") == before
    rollbook("grades", "sync", "maple")
    planned = rollbook("grades", "plan", "maple")
    rollbook("run", "apply", planned["run"])
    after = rollbook("schedule", "show", "maple", schema="schedule-show")
    assert after["grades"].pop("since") > before["grades"].pop("since"), "a run of all sections resets that of grades"
    assert after["grades"].pop("earliest") > before["grades"].pop("earliest")
    assert after == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("sync", "maple", "--section", "nowhere"), "gave no section nowhere"),
        (("sync", "oak"), "no organization 'oak'"),
        (("map", "maple", "--section", "SECTION", "--set", "Homework"), "LMS_CATEGORY=SIS_CATEGORY"),
        (("map", "maple", "--section", "SECTION", "--set", "Labs=hw"), "the LMS has no category 'Labs'"),
        (("map", "maple", "--section", "SECTION", "--set", "Homework=Exams"), "the SIS has no category 'Exams'"),
        (("map", "maple", "--section", "SECTION", "--copy-from", "x"), "section x has no category map"),
        (("items", "maple", "--section", "SECTION", "--opt-out", "99"), "no item '99'"),
    ],
)
def test_wrong_usage_is_told(rollbook: Command, sent: str, arguments: tuple[str, ...], words: str) -> None:
    given = [sent if one == "SECTION" else one for one in arguments]
    answer = rollbook.text("grades", *given)
    assert answer.code == 2, answer
    assert words.casefold() in answer.err.casefold()


def test_a_map_before_the_first_look_says_how_to_look(rollbook: Command, section: str) -> None:
    answer = rollbook.text("grades", "map", "maple", "--section", section, "--set", "a=b")
    assert answer.code == 2
    assert f"rollbook grades plan maple --section {section}" in answer.err


def test_a_map_is_copied_and_taken_back(rollbook: Command, world: Space, sent: str) -> None:
    listed = rollbook("grades", "sections", "maple", schema="grades-sections")["sections"]
    other = next(one["section"] for one in listed if one["section"] != sent)
    world.gradebooks[other] = msgspec.structs.replace(world.gradebooks[sent], members=(), grades=())
    rollbook("grades", "plan", "maple", "--section", other)
    copied = rollbook("grades", "map", "maple", "--section", other, "--copy-from", sent, schema="grades-map")
    assert [one["decision"] for one in copied["categories"]] == ["mapped", "mapped"]
    back = rollbook("grades", "map", "maple", "--section", other, "--set", "1=undecided", "--set", "2=skip",
                    schema="grades-map")  # fmt: skip
    assert [one["decision"] for one in back["categories"]] == ["undecided", "skip"]
    carried = rollbook("grades", "map", "maple", "--section", other, "--carry-over", schema="grades-map")
    assert [one["decision"] for one in carried["categories"]] == ["mapped", "skip"]


def test_an_equal_wish_is_queued_once(rollbook: Command, world: Space, sent: str) -> None:
    from rollbook.actions.grades import request_grades
    from rollbook.store.setup import setup
    from tests.cli.kit import close_store

    rollbook("grades", "sync", "maple")
    setup(rollbook.data)
    first = request_grades(org="maple", sections=[sent], by="one")
    assert request_grades(org="maple", sections=[sent, sent], by="two").pk == first.pk
    assert request_grades(org="maple", sections=[], by="two").pk != first.pk
    close_store()


def test_people_see_tables(rollbook: Command, sent: str) -> None:
    assert "successful" in rollbook.text("grades", "sections", "maple").out
    assert "Quiz" in rollbook.text("grades", "items", "maple", "--section", sent).out
    assert "Homework (hw)" in rollbook.text("grades", "map", "maple", "--section", sent).out
    assert "unchanged" in rollbook.text("grades", "sync", "maple").out
    assert "grades sync" in rollbook.text("runs").out


@pytest.mark.usefixtures("database")
def test_old_ledgers_are_collected_and_the_current_one_stays(rollbook: Command, world: Space, sent: str) -> None:
    """Two versions are kept of each section; a backup has their files, and a restored folder goes on with them."""
    for number in range(3):
        book = world.gradebooks[sent]
        changed = tuple(msgspec.structs.replace(each, points=30.0 + number) for each in book.items)
        world.gradebooks[sent] = msgspec.structs.replace(book, items=changed)
        rollbook("grades", "sync", "maple")
    rollbook("gc", schema="gc")
    from rollbook.store.models import GradeLedgerRow
    from rollbook.store.setup import setup
    from tests.cli.kit import close_store

    setup(rollbook.data)
    assert sorted(GradeLedgerRow.objects.values_list("number", flat=True)) == [3, 4]
    close_store()
    run = rollbook("grades", "sync", "maple")
    assert not any(run["kinds"]["result"][word] for word in ("create", "update", "adopt", "held"))


@pytest.mark.rule(32)
def test_a_deleted_item_is_chosen_about(rollbook: Command, world: Space, sent: str) -> None:
    book = world.gradebooks[sent]
    world.gradebooks[sent] = msgspec.structs.replace(book, items=book.items[1:])
    run = rollbook("grades", "sync", "maple", "--section", sent)
    assert run["findings"] == {"ITEM_DELETED": 1}
    assert items(rollbook, sent) == {"10": "deleted in the LMS", "11": "successful"}
    listed = rollbook("grades", "sections", "maple", "--section", sent, schema="grades-sections")["sections"]
    assert (listed[0]["status"], listed[0]["choices"]) == ("held", 1)
    assert items(rollbook, sent, "--keep", "10")["10"] == "kept in the SIS"
    assert rollbook("grades", "sync", "maple", "--section", sent)["findings"] == {}
    assert items(rollbook, sent, "--remove", "10")["10"] == "updates available"
    rollbook("grades", "sync", "maple", "--section", sent)
    assert items(rollbook, sent) == {"11": "successful"}
    assert {each["title"] for each in world.sis_book.records["line_item"].values()} == {"Quiz"}


def test_a_run_that_could_not_settle_is_settled_by_the_next_one(
    rollbook: Command, world: Space, section: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also by a run of rosters: nothing plans while something that was sent is not in the ledger."""
    from rollbook.errors import DiskFull
    from rollbook.passback import grade_run

    rollbook("grades", "plan", "maple", "--section", section)
    chosen = ("--set", "Quizzes=Tests", "--set", "Homework=hw")
    rollbook("grades", "map", "maple", "--section", section, *chosen, schema="grades-map")

    def full(*_: Any) -> Any:
        raise DiskFull("the server has no room left")

    with monkeypatch.context() as patch:
        patch.setattr(grade_run, "settle_sections", full)
        failed = rollbook("grades", "sync", "maple", "--section", section, code=1)
    assert (failed["state"], failed["settled"]) == ("failed", False)
    assert len(world.sis_book.records["result"]) == len(world.gradebooks[section].grades)
    rollbook("sync", "maple")
    assert rollbook("run", "show", failed["run"])["settled"]
    again = rollbook("grades", "sync", "maple", "--section", section)
    assert kinds(again)["result"] == {"read": len(world.gradebooks[section].grades),
                                      "unchanged": len(world.gradebooks[section].grades)}  # fmt: skip


def test_a_lost_worker_is_followed_by_another(
    rollbook: Command, world: Space, section: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database goes away between two slices: the run goes back into the queue, and on from its journal."""
    from django.db import OperationalError

    from rollbook.store.journal import StoredJournal

    rollbook("grades", "plan", "maple", "--section", section)
    chosen = ("--set", "Quizzes=Tests", "--set", "Homework=hw")
    rollbook("grades", "map", "maple", "--section", section, *chosen, schema="grades-map")
    record, times = StoredJournal.record, iter(range(99))

    def flaky(journal: StoredJournal, number: int, outcomes: Any) -> None:
        if next(times) == 0:
            raise OperationalError("the database went away")
        record(journal, number, outcomes)

    monkeypatch.setattr(StoredJournal, "record", flaky)
    run = rollbook("grades", "sync", "maple", "--section", section)
    assert run["state"] == "done"
    assert len(world.sis_book.records["line_item"]) == 2
    assert len(world.sis_book.records["result"]) == len(world.gradebooks[section].grades)
    again = rollbook("grades", "sync", "maple", "--section", section)
    assert not any(kinds(again)["result"].get(word) for word in ("create", "update", "adopt", "held"))
