"""Grades of one section: a teacher's way from the map to Successful, and what is shown in each case."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from rollbook.actions.grades import request_grades
from rollbook.connectors.memory.space import Space
from rollbook.store.folder import DataFolder
from rollbook.store.models import Run
from tests.web.grades_case import HERE, Case, grades_case, mapped_case
from tests.web.people import Person, words


@pytest.fixture
def case(folder: DataFolder, world: Space) -> Case:
    return grades_case(folder, world)


@pytest.fixture
def mapped(folder: DataFolder, world: Space) -> Case:
    return mapped_case(folder, world)


def items_page(case: Case) -> str:
    return words(case.teacher.get(f"{HERE}/items/{case.code}/"))


def test_a_teacher_from_the_first_use_to_successful(case: Case) -> None:
    tea, code = case.teacher, case.code
    assert tea.get("/")["Location"] == f"{HERE}/mine/"
    assert "Not Yet Synced" in words(tea.get(f"{HERE}/mine/"))
    first = tea.get(f"{HERE}/items/{code}/")
    assert first["Location"] == f"{HERE}/configuration/{code}/"
    assert "read the categories of both gradebooks" in words(tea.get(first["Location"]))
    assert case.do("look", back="grades_map")["Location"] == first["Location"]
    assert case.work().dry_run
    shown = words(tea.get(first["Location"]))
    assert "Homework" in shown
    assert "Still undecided" in shown
    saved = case.save_map(_1="hw", _2="te")
    assert saved["Location"] == f"{HERE}/items/{code}/"
    case.work()
    shown = words(tea.get(saved["Location"]))
    assert shown.count("Not Yet Synced") == 2
    assert "Essay" in shown
    assert not case.world.sis_book.records["line_item"], "looking sends nothing"
    assert case.do("changes").status_code == 302
    assert "Queued" in words(tea.get(saved["Location"]))
    case.work()
    shown = words(tea.get(saved["Location"]))
    assert shown.count("Successful") == 2
    assert "There is nothing to send" in shown
    assert {each["title"] for each in case.world.sis_book.records["line_item"].values()} == {"Essay", "Quiz"}
    status = words(tea.get(f"{HERE}/status/{code}/"))
    assert "All is well" in status
    assert "Look only" in status


def test_a_sync_that_is_asked_for_twice_runs_once(mapped: Case) -> None:
    before = Run.objects.count()
    mapped.do("changes")
    again = mapped.do("changes")
    assert Run.objects.count() == before + 1
    assert "under way already" in words(mapped.teacher.get(again["Location"]))
    mapped.work()
    mapped.do("changes")
    assert Run.objects.count() == before + 2, "when the first one has ended, another one may follow"


def test_one_item_is_sent_alone_and_the_others_wait(mapped: Case) -> None:
    mapped.do("item:11")
    mapped.work()
    assert {each["title"] for each in mapped.world.sis_book.records["line_item"].values()} == {"Quiz"}
    shown = items_page(mapped)
    assert shown.count("Successful") == 1
    assert shown.count("Not Yet Synced") == 1
    assert mapped.row("10").waiting == 1
    mapped.do("changes")
    mapped.work()
    assert items_page(mapped).count("Successful") == 2


def test_an_item_is_opted_out_and_in(mapped: Case) -> None:
    mapped.do("choose:out:10")
    assert "Opted Out" in items_page(mapped)
    mapped.do("changes")
    mapped.work()
    assert {each["title"] for each in mapped.world.sis_book.records["line_item"].values()} == {"Quiz"}
    mapped.do("choose:in:10")
    assert "Opted Out" not in items_page(mapped)
    mapped.do("changes")
    mapped.work()
    assert len(mapped.world.sis_book.records["line_item"]) == 2


@pytest.mark.rule(32)
@pytest.mark.parametrize(("choice", "left"), [("keep", {"Essay", "Quiz"}), ("remove", {"Quiz"})])
def test_an_item_deleted_in_the_lms_waits_for_a_choice(mapped: Case, choice: str, left: set[str]) -> None:
    mapped.do("changes")
    mapped.work()
    book = mapped.world.gradebooks[mapped.code]
    mapped.book(items=tuple(each for each in book.items if each.id != "10"))
    mapped.do("changes")
    mapped.work()
    assert "Deleted in the LMS" in items_page(mapped)
    assert len(mapped.world.sis_book.records["line_item"]) == 2, "nothing goes unasked"
    mapped.do(f"choose:{choice}:10")
    mapped.do("changes")
    mapped.work()
    assert {each["title"] for each in mapped.world.sis_book.records["line_item"].values()} == left


def test_what_the_sis_refuses_is_told_student_by_student(mapped: Case) -> None:
    mapped.do("changes")
    mapped.work()
    own, result = next(iter(mapped.world.sis_book.records["result"].items()))
    mapped.world.faults.refuse[own] = "the grading <window> is closed"
    book = mapped.world.gradebooks[mapped.code]
    mapped.book(grades=tuple(replace(each, score=9) for each in book.grades))
    mapped.do("changes")
    mapped.work()
    assert "Error the grading <window> is closed" in items_page(mapped).replace(" 1 change failed", "")
    raw = mapped.teacher.get(f"{HERE}/status/{mapped.code}/")
    assert "the grading &lt;window&gt; is closed" in raw.content.decode()
    assert "Errors of the last sync" in words(raw)
    one = words(mapped.teacher.get(f"{HERE}/item/{mapped.code}/", item="11"))
    assert "Refused the grading <window> is closed" in one
    assert "7 9" in one, "before and after"
    assert "Sent" in one or len(book.grades) == 1
    student = next(row for row in mapped.world.rows["users"] if row["sourcedId"] == result["student"])
    assert student["familyName"] in one, "a teacher reads names"
    del mapped.world.faults.refuse[own]
    mapped.do("all")
    mapped.work()
    assert items_page(mapped).count("Successful") == 2


def test_a_change_in_the_sis_is_held_and_said(mapped: Case) -> None:
    mapped.do("changes")
    mapped.work()
    own, shown = next(iter(mapped.world.sis_book.records["result"].items()))
    mapped.world.sis_book.records["result"][own] = {**shown, "score": 1.0}
    mapped.do("changes")
    mapped.work()
    assert "Held" in items_page(mapped)
    assert mapped.world.sis_book.records["result"][own]["score"] == 1.0
    assert "the Acting User decides" in words(mapped.teacher.get(f"{HERE}/item/{mapped.code}/", item="11"))


def test_an_item_with_a_problem_says_what_to_do(mapped: Case) -> None:
    mapped.item("10", points=None)
    mapped.do("look")
    mapped.work()
    shown = items_page(mapped)
    assert "Error The item has no number of points. What to do: Give the item its points in the LMS." in shown


def test_trouble_with_the_sis_is_told_in_plain_words(mapped: Case) -> None:
    mapped.world.key = "another"
    request_grades(org="maple", sections=[mapped.code], by="test")
    mapped.work()
    status = words(mapped.teacher.get(f"{HERE}/status/{mapped.code}/"))
    assert "The last run did not go well. The SIS or the LMS does not let Rollbook in." in status
    asked = mapped.do("changes")
    assert "could not say whether you are a course admin" in words(mapped.teacher.get(asked["Location"]))


def test_hostile_titles_are_text(mapped: Case) -> None:
    mapped.item("10", title="<script>alert(1)</script>")
    mapped.do("look")
    mapped.work()
    for address in (f"{HERE}/items/{mapped.code}/", f"{HERE}/item/{mapped.code}/?item=10"):
        page = mapped.teacher.get(address).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page


def test_no_address_names_a_person(mapped: Case, ann: Person) -> None:
    mapped.do("changes")
    mapped.work()
    people = {row["sourcedId"] for row in mapped.world.rows["users"]}
    people |= {row["familyName"] for row in mapped.world.rows["users"]}
    pages = [f"{HERE}/{name}/{mapped.code}/" for name in ("items", "configuration", "status")]
    pages += [f"{HERE}/item/{mapped.code}/?item=11", f"{HERE}/", f"{HERE}/teachers/", f"{HERE}/mine/"]
    for address in pages:
        text = (mapped.teacher if "mine" in address else ann).get(address).content.decode()
        for found in re.findall(r'(?:href|action|hx-get)="([^"]*)"', text):
            parts = set(re.split(r"[/?=&]", found))
            assert not parts & people, found


def test_the_part_that_is_under_way_asks_for_itself(mapped: Case) -> None:
    mapped.do("changes")
    page = mapped.teacher.get(f"{HERE}/items/{mapped.code}/").content.decode()
    [asks] = re.findall(r'hx-get="([^"]*/grades/now/[^"]*)"', page)
    assert "Rollbook-Ended" not in mapped.teacher.get(asks)
    mapped.work()
    assert mapped.teacher.get(asks)["Rollbook-Ended"] == "true"
