"""The Terms pages: what is shown, chosen, copied, confirmed and saved."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from django.utils.html import escape

from rollbook.connectors.memory.space import Space
from rollbook.engine.directory import look
from rollbook.store.folder import DataFolder
from rollbook.store.models import AuditRow, Run
from rollbook.web.term_map import MOST_COPIED, TermMap, tree
from tests.web.mapping import change, maple, number, saved, selections
from tests.web.people import Answer, Person, words
from tests.web.world import run_now

LIST, OTHERS, READ = "/o/maple/terms/", "/o/maple/terms/others/", "/o/maple/terms/read/"
YEAR = ["sy-2027", "fy-2027", "s1-2027", "s2-2027", "q1-2027", "q2-2027", "q3-2027", "q4-2027"]


@pytest.fixture
def school(world: Space, pages: DataFolder) -> str:
    """The sourcedId of a mapped school; lists are read, the LMS has two grading periods."""
    for title, start, end in (("Fall", "2026-08-01", "2026-12-31"), ("Old", "2020-08-01", "2020-12-31")):
        world.add("grading_period", title, {"title": title, "start": start, "end": end})
    for side in ("sis", "lms"):
        look(pages, maple(), side, by="test")
    return str(next(row["sourcedId"] for row in world.rows["orgs"] if row["type"] == "school"))


def _period(world: Space, title: str) -> str:
    return f"id:{next(one.lms_id for one in world.all('grading_period') if one.fields['title'] == title)}"


def _at(org: str) -> str:
    return f"/o/maple/terms/school/{org}/"


def _choose(person: Person, address: str, chosen: dict[str, Any], **more: str) -> Answer:
    seen = more.pop("seen", str(number()))
    return person.post(address, seen=seen, **{f"term:{key}": value for key, value in chosen.items()}, **more)


def test_the_list_of_mapped_schools(ann: Person, world: Space, school: str) -> None:
    change(lambda document: document.update(schools={school: "create"}, terms={school: {"s1-2027": "create"}}))
    answer = ann.get(LIST)
    text = words(answer)
    assert "School year: 2026-2027" in text
    assert "1 choice of its own" in text
    assert "Nothing is saved for them yet" in text
    names = {row["sourcedId"]: row["name"] for row in world.rows["orgs"]}
    assert [name for name in names.values() if name in text] == [names[school]]
    assert f'href="{_at(school)}"' in answer.content.decode()
    assert "No mapped school fits" in words(ann.get(LIST, q="zzz"))


def test_no_school_is_mapped(ann: Person) -> None:
    change(lambda document: document.update(schools={}))
    assert "No school is mapped yet" in words(ann.get(LIST))


def test_one_school(ann: Person, world: Space, school: str) -> None:
    """Rule 3: terms of the active year are shown; those of other years behind a link."""
    answer = ann.get(_at(school))
    shown = selections(answer)
    assert {name.removeprefix("term:") for name in shown} == {*YEAR, "*"}
    assert set(map(tuple, shown.values())) == {("", "")}
    text = words(answer)
    for part in (
        "School year: 2026-2027", "Quarter 1", "part of Semester 1", "Aug. 10, 2026 – Oct. 10, 2026", "Save Changes",
        "As all others: Create new grading period", "Fall (Aug. 1, 2026 – Dec. 31, 2026)",
    ):  # fmt: skip
        assert part in text
    assert '<optgroup label="In this school year">' in answer.content.decode()
    assert "Quarter 4 2025-2026" not in text
    every = ann.get(_at(school), years="all")
    assert "Quarter 4 2025-2026" in words(every)
    assert "school year ending 2026" in words(every)
    assert {"term:s1-2026", "term:q1-2027"} <= set(selections(every))
    assert set(selections(ann.get(_at(school), q="quarter 1"))) == {"term:q1-2027", "term:*"}


def test_children_stand_below_their_parents() -> None:
    def row(key: str, parent: str = "") -> dict[str, Any]:
        return {"id": key, "parent": parent}

    rows = [
        row("q1", "s1"),
        row("y"),
        row("s1", "y"),
        row("s2", "y"),
        row("lost", "nobody"),
        row("a", "b"),
        row("b", "a"),
    ]
    assert [(one["id"], depth) for one, depth in tree(rows)] == [
        ("y", 0), ("s1", 1), ("q1", 2), ("s2", 1), ("lost", 0), ("a", 0), ("b", 1),
    ]  # fmt: skip


@pytest.mark.rule(17)
def test_save_changes(ann: Person, world: Space, school: str) -> None:
    """Rule 17: a term may map to several grading periods."""
    fall, old = _period(world, "Fall"), _period(world, "Old")
    chosen = {"s1-2027": [fall, old, fall], "s2-2027": "create", "q1-2027": "skip", "q2-2027": ["", ""], "*": "skip"}
    answer = _choose(ann, _at(school), chosen, years="all")
    assert (answer.status_code, answer["Location"]) == (302, f"{_at(school)}?years=all")
    assert saved().terms == {
        "*": {"*": "create"},
        school: {"s1-2027": [fall, old], "s2-2027": "create", "q1-2027": "skip", "*": "skip"},
    }
    [run] = Run.objects.all()
    assert run.kinds == ["building", "grading_period"]
    page = ann.get(_at(school))
    assert "Your changes are saved." in words(page)
    assert selections(page)["term:s1-2027"] == [fall, old, ""]
    assert "All other terms of this school" in words(page)
    row = AuditRow.objects.get(action="save terms")
    assert row.by.startswith("Ann Acting")


def test_all_other_schools(ann: Person, world: Space, school: str) -> None:
    fall = _period(world, "Fall")
    page = ann.get(OTHERS)
    assert selections(page)["term:*"] == ["create", ""]
    assert "All other terms of all other schools" in words(page)
    assert _choose(ann, OTHERS, {"s1-2027": fall, "*": ""}).status_code == 302
    assert saved().terms == {"*": {"s1-2027": fall}}
    assert "As all others: Fall" in words(ann.get(_at(school)))


def test_equal_choices_keep_their_spelling(ann: Person, world: Space, school: str) -> None:
    change(lambda document: document.update(terms={school: {"s1-2027": "title:Fall", "old": ["title:Old"]}}))
    before = number()
    assert selections(ann.get(_at(school)))["term:s1-2027"] == [_period(world, "Fall"), ""]
    _choose(ann, _at(school), {"s1-2027": [_period(world, "Fall"), ""], "s2-2027": ""})
    assert number() == before
    _choose(ann, _at(school), {"s1-2027": ""})
    assert saved().terms == {school: {"old": ["title:Old"]}}


@pytest.mark.parametrize(
    ("session", "values"),
    [
        ("s1-2027", ["id:999"]),
        ("s1-2027", ["title:Nothing"]),
        ("s1-2027", ["code:X"]),
        ("s1-2027", ["<b>"]),
        ("s1-2027", ["skip", "create"]),
        ("nobody", ["create"]),
        ("", ["create"]),
    ],
)
def test_what_cannot_be_chosen(ann: Person, school: str, session: str, values: list[str]) -> None:
    before = number()
    answer = _choose(ann, _at(school), {session: values, "s2-2027": "create"})
    assert answer.status_code == 422
    assert "Choose again" in words(answer)
    assert "<b>" not in answer.content.decode()
    shown = selections(answer)
    assert shown[f"term:{session}"][: len(values)] == values
    assert shown["term:s2-2027"] == ["create", ""]
    assert number() == before


def test_two_tabs(ann: Person, school: str) -> None:
    seen = str(number())
    change(lambda document: document.update(schools={school: "create"}))
    answer = _choose(ann, _at(school), {"s1-2027": "create"}, seen=seen)
    assert answer.status_code == 422
    assert "in another tab" in words(answer)
    assert selections(answer)["term:s1-2027"] == ["create", ""]
    assert f'name="seen" value="{number()}"' in answer.content.decode()
    assert school not in saved().terms


def test_sent_twice(ann: Person, school: str) -> None:
    seen = str(number())
    for _ in range(2):
        assert _choose(ann, _at(school), {"s1-2027": "create"}, seen=seen).status_code == 302
    assert Run.objects.count() == 1


@pytest.mark.rule(1)
def test_changes_of_synced_terms_ask_first(ann: Person, world: Space, school: str, pages: DataFolder) -> None:
    """Rules 1 and 17: sections of unmapped terms freeze, other grading periods are held; it is said beforehand."""
    assert run_now(pages).state == "done"
    before, fall = number(), _period(world, "Fall")
    chosen = {"s1-2027": [fall, _period(world, "Old")], "s2-2027": "skip"}
    answer = _choose(ann, _at(school), chosen)
    text = words(answer)
    assert "Semester 1 : from Create new grading period to Fall" in text
    assert "until you approve" in text
    assert "Semester 2" in text
    assert "freeze" in text
    assert answer.content.decode().count('name="term:s1-2027"') == 2
    assert number() == before
    assert selections(_choose(ann, _at(school), chosen, back="yes"))["term:s2-2027"] == ["skip", ""]
    assert _choose(ann, _at(school), chosen, confirmed="yes").status_code == 302
    assert saved().terms[school]["s2-2027"] == "skip"


def test_what_vanished_is_shown(ann: Person, world: Space, school: str) -> None:
    change(lambda document: document.update(terms={school: {"gone": "create", "s1-2027": "id:999"}}))
    page = words(ann.get(_at(school)))
    assert "1 mapped term is not in the SIS any more" in page
    assert "This grading period is not in Memory any more" in page
    every = ann.get(_at(school), years="all")
    assert "Not in the SIS any more." in words(every)
    assert _choose(ann, _at(school), {"gone": "", "s1-2027": "id:999"}).status_code == 302
    assert saved().terms == {school: {"s1-2027": "id:999"}}


@pytest.fixture
def copying(ann: Person, world: Space, school: str) -> tuple[str, list[str]]:
    """A school with terms of its own (of two years), and the other schools."""
    terms = {"s1-2027": _period(world, "Fall"), "s1-2026": "skip", "*": "skip"}
    change(lambda document: document.update(terms={school: terms, "*": {"*": "create"}}))
    others = [row["sourcedId"] for row in world.rows["orgs"] if row["type"] == "school" and row["sourcedId"] != school]
    return school, others


def _copy(org: str) -> str:
    return f"/o/maple/terms/copy/{org}/"


def test_copy_to_other_schools(ann: Person, world: Space, copying: tuple[str, list[str]]) -> None:
    school, others = copying
    assert all(f'value="{org}"' in ann.get(_copy(school)).content.decode() for org in others)
    assert "Copy to other schools" in words(ann.get(_at(school)))
    answer = ann.post(_copy(school), seen=str(number()), to=[others[0], school, "nobody"])
    assert answer.status_code == 302
    assert saved().terms == {
        school: {"s1-2027": _period(world, "Fall"), "s1-2026": "skip", "*": "skip"},
        "*": {"*": "create"},
        others[0]: {"s1-2027": _period(world, "Fall"), "*": "skip"},
    }
    ann.post(_copy(school), seen=str(number()), all="yes")
    assert set(saved().terms) == {school, "*", *others}


def test_terms_of_the_same_title_and_dates_are_copied_too() -> None:
    def session(key: str, title: str = "Fall", end: str = "2026-12-20", year: str = "2027") -> dict[str, str]:
        return {
            "id": key,
            "title": title,
            "start": "2026-08-01",
            "end": end,
            "year": year,
            "parent": "",
            "type": "term",
        }

    rows = [session("a"), session("b", "FALL "), session("c", end="2026-12-21"), session("d", year="2026")]
    assert TermMap({"x": {"a": "create"}}, "x", rows, []).copied("2027", ["y"]) == {
        "x": {"a": "create"}, "y": {"a": "create", "b": "create"},
    }  # fmt: skip
    many = [session(str(n)) for n in range(MOST_COPIED + 1)]
    assert TermMap({"x": {"1": "create"}}, "x", many, []).copied("2027", ["y"]) is None


@pytest.mark.parametrize(
    ("data", "said"), [({}, "Tick at least one school"), ({"to": ["nobody"]}, "Tick at least one school")]
)
def test_a_copy_needs_a_goal(ann: Person, copying: tuple[str, list[str]], data: dict[str, Any], said: str) -> None:
    answer = ann.post(_copy(copying[0]), seen=str(number()), **data)
    assert (answer.status_code, said in words(answer)) == (422, True)
    assert set(saved().terms) == {copying[0], "*"}


def test_a_copy_in_two_tabs(ann: Person, copying: tuple[str, list[str]]) -> None:
    school, others = copying
    answer = ann.post(_copy(school), seen="1", to=others[0])
    assert answer.status_code == 422
    assert "in another tab" in words(answer)
    assert f'value="{others[0]}" checked' in answer.content.decode()


def test_a_copy_asks_first(ann: Person, copying: tuple[str, list[str]], pages: DataFolder) -> None:
    school, others = copying
    assert run_now(pages).state == "done"
    answer = ann.post(_copy(school), seen=str(number()), to=others)
    assert f"This concerns {len(others)} schools" in words(answer) or len(others) == 1
    assert "Semester 1 : from Create new grading period to Fall" in words(answer)
    assert set(saved().terms) == {school, "*"}
    assert ann.post(_copy(school), seen=str(number()), to=others, confirmed="yes").status_code == 302
    assert set(saved().terms) == {school, "*", *others}


@pytest.mark.parametrize("address", [_at("nobody"), _at("*"), _copy("nobody"), _copy("*")])
def test_schools_that_are_not_there(ann: Person, school: str, address: str) -> None:
    assert ann.get(address).status_code == 404
    assert ann.post(address, seen=str(number())).status_code == 404


def test_odd_ids_in_addresses(ann: Person, world: Space, pages: DataFolder) -> None:
    org = "a/b ü&?"
    world.rows["orgs"] = [{"sourcedId": org, "name": "Odd", "type": "school"}]
    ann.post(READ)
    address = reverse("terms_school", args=["maple", org])
    assert f'href="{escape(address)}"' in ann.get(LIST).content.decode()
    assert "Terms – Odd" in words(ann.get(address))


@pytest.mark.parametrize("who", ["bob", "vic"])
def test_others_only_look(who: str, request: pytest.FixtureRequest, school: str) -> None:
    person: Person = request.getfixturevalue(who)
    page = person.get(_at(school))
    assert page.status_code == 200
    assert "<fieldset disabled>" in page.content.decode()
    assert "Save Changes" not in words(page)
    for address in (_at(school), OTHERS, READ, _copy(school)):
        assert person.post(address, seen=str(number())).status_code == 403


def test_without_an_active_year(ann: Person, school: str) -> None:
    change(lambda document: document.update(active_year=None))
    assert "No Active Year is chosen yet" in words(ann.get(LIST))
    answer = ann.get(_at(school))
    assert "No Active Year is chosen yet" in words(answer)
    assert set(YEAR) <= {name.removeprefix("term:") for name in selections(answer)}, "those of all years are listed"
    assert "Show the terms of all years" not in words(answer)


def test_before_anything_was_read(ann: Person) -> None:
    assert "was not read yet" in words(ann.get(LIST))
    assert "once the list of the SIS was read" in words(ann.get(OTHERS))


def test_many_terms_are_paged(ann: Person, world: Space, pages: DataFolder) -> None:
    world.rows["academicSessions"] = [
        {"sourcedId": f"t{n}", "title": f"Term {n:04}", "schoolYear": "2027", "startDate": "2026-08-01",
         "endDate": "2026-12-20"} for n in range(500)
    ]  # fmt: skip
    ann.post(READ)
    first, second = (set(selections(ann.get(OTHERS, page=page))) for page in ("1", "2"))
    assert first & second == {"term:*"}
    assert len(first) <= 101
