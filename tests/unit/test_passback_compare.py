"""Three sides are compared: what is wanted, what was sent, what the SIS shows."""

from __future__ import annotations

from typing import Any

import pytest

from rollbook.passback.compare import Row, compare
from rollbook.passback.grade_types import Desired, Entries, Entry
from rollbook.passback.ledger import GradeReferences, settled
from rollbook.roster.changes import Change, Outcome
from rollbook.roster.grades import Gradebook
from tests.unit.grade_kit import V12, book, entry, grade, item, key, live, read, result, sent, shown, wanted, wish


def rows(now: Gradebook, had: Entries, shows: Any = None, **more: Any) -> list[Row]:
    there = live(had) if shows is None else shows
    given = read(now, more.pop("limits", V12), had=had, live=there, **more)
    return compare(given, wanted(now, given.limits, had=had, live=there, wish=given.wish)).rows


def told(found: list[Row]) -> list[tuple[str, str, str, str | None]]:
    return [(row.kind, row.action, row.state, row.reason) for row in found]


BOOK = book(grades=(grade(7), grade(8, "ben")))
NOTHING: Entries = {"category": {}, "line_item": {}, "result": {}}


def had() -> Entries:
    return sent(wanted(BOOK))


def test_all_is_new_then_nothing_is_left() -> None:
    assert (
        told(rows(BOOK, NOTHING)) == [("line_item", "create", "send", None)] + [("result", "create", "send", None)] * 2
    )
    assert rows(BOOK, had()) == []


def test_what_changed_in_the_lms_is_updated() -> None:
    found = rows(book(item(title="New"), grades=(grade(7), grade(9, "ben"))), had())
    assert told(found) == [("line_item", "update", "send", None), ("result", "update", "send", None)]
    assert (found[1].key, found[1].after["score"], found[1].before and found[1].before["score"]) == (
        result("ben"),
        9,
        8,
    )


def test_another_day_alone_is_no_change() -> None:
    assert rows(book(grades=(grade(7, at=1_790_000_000), grade(8, "ben"))), had()) == []


def test_a_result_that_somebody_changed_in_the_sis_is_held() -> None:
    there = live(had())
    there["result"][result()]["score"] = 9.5
    found = rows(BOOK, had(), there)
    assert told(found) == [("result", "update", "send", "grade_conflict")]
    assert found[0].before == there["result"][result()]
    same = book(grades=(grade(9.5), grade(8, "ben")))
    assert told(rows(same, had(), there)) == [("result", "adopt", "send", None)], "both say the same by now"
    cleared = book(grades=(grade(None), grade(8, "ben")))
    assert told(rows(cleared, had(), there)) == [("result", "remove", "send", "grade_conflict")]


def test_a_score_that_was_taken_away_in_the_sis_is_a_conflict() -> None:
    there = live(had())
    del there["result"][result()]["score"]
    assert told(rows(BOOK, had(), there)) == [("result", "update", "send", "grade_conflict")]


def test_a_sis_that_writes_things_its_own_way_changed_nothing() -> None:
    """It rounds, and calls partially graded fully graded: what it showed when it was read back counts."""
    one = book(grades=(grade(6.666, exception="incomplete"),))
    before = wanted(one)
    known = sent(before)
    said = shown(before.results[result()]) | {"score": 6.67, "status": "fully graded"}
    known["result"][result()] = entry(result(), before.results[result()], sis=said)
    there = live(known)
    there["result"][result()] = dict(said)
    assert rows(one, known, there) == []


def test_what_was_never_read_back_is_held_against_what_was_sent() -> None:
    known = had()
    known["result"][result()] = entry(result(), known["result"][result()].fields, sis=None)
    assert rows(BOOK, known) == []
    there = live(known)
    there["result"][result()]["score"] = 1.0
    assert told(rows(BOOK, known, there)) == [("result", "update", "send", "grade_conflict")]


def test_a_result_that_a_teacher_typed_first_is_held() -> None:
    there = live(had())
    there["result"]["theirs"] = there["result"].pop(result()) | {"score": 3.0}
    known = had()
    del known["result"][result()]
    found = rows(BOOK, known, there)
    assert told(found) == [("result", "update", "send", "grade_conflict")]
    assert (found[0].key, found[0].lms_id) == (result(), "theirs")


def test_what_is_gone_from_the_sis_is_held_and_its_results_wait_for_it() -> None:
    there = live(had())
    del there["result"][result()]
    assert told(rows(BOOK, had(), there)) == [("result", "create", "send", "grade_gone")]
    there = {"line_item": {}, "result": {}}
    assert told(rows(BOOK, had(), there)) == [
        ("line_item", "create", "send", "grade_gone"), ("result", "create", "send", None),
        ("result", "create", "send", None),
    ]  # fmt: skip


def test_under_our_id_and_not_in_the_ledger() -> None:
    """After a restored backup: what is as it shall be is taken in, the rest is looked at by a person."""
    there = live(had())
    assert (
        told(rows(BOOK, NOTHING, there))
        == [("line_item", "adopt", "send", None)] + [("result", "adopt", "send", None)] * 2
    )
    there["result"][result()]["score"] = 1.0
    assert told(rows(BOOK, NOTHING, there))[1:] == sorted(
        [("result", "adopt", "send", None), ("result", "update", "send", "grade_conflict")],
        key=lambda one: (one[3] is None) == (result() < result("ben")),
    )


@pytest.mark.parametrize(("shows", "action"), [("new", "adopt"), ("old", "update"), ("other", "conflict")])
def test_an_update_whose_answer_was_lost(shows: str, action: str) -> None:
    known = had()
    old = known["result"][result()]
    new = old.fields | {"score": 10.0}
    known["result"][result()] = Entry(key=old.key, lms_id=None, fields=old.fields, sis=old.sis, tried=new)
    there = live(known)
    there["result"][result()]["score"] = {"new": 10.0, "old": 7.0, "other": 1.0}[shows]
    found = rows(book(grades=(grade(10), grade(8, "ben"))), known, there)
    wanted_ = (
        ("result", "update", "send", "grade_conflict") if action == "conflict" else ("result", action, "send", None)
    )
    assert told(found) == [wanted_]


def test_a_create_whose_answer_was_lost_is_made_once_more_where_it_is_not_there() -> None:
    known = had()
    known["result"][result()] = Entry(key=result(), lms_id=None, fields=known["result"][result()].fields, made=False)
    assert told(rows(BOOK, known)) == [("result", "adopt", "send", None)]
    there = live(known)
    del there["result"][result()]
    assert told(rows(BOOK, known, there)) == [("result", "create", "send", None)]


def test_a_description_of_the_sis_survives_an_update() -> None:
    there = live(had())
    there["line_item"][key()]["description"] = "Typed in the SIS"
    assert rows(BOOK, had(), there) == []
    found = rows(book(item(title="New"), grades=BOOK.grades), had(), there)
    assert [row.after.get("description") for row in found] == ["Typed in the SIS"]


@pytest.mark.rule(32)
def test_a_deleted_item_goes_only_where_that_was_chosen_results_first() -> None:
    now, known = book(item("i2")), had()
    waiting = rows(now, known)
    assert told(waiting)[-1] == ("line_item", "remove", "waiting", "choice")
    chosen = rows(now, known, wish=wish(items={key(): "i1"}, choices={"i1": "remove"}))
    assert told(chosen)[-3:] == [("result", "remove", "send", None)] * 2 + [("line_item", "remove", "send", None)]
    there = live(known)
    there["result"]["theirs"] = {"line_item": key(), "student": "cy", "status": "fully graded", "score": 4.0}
    typed = rows(now, known, there, wish=wish(items={key(): "i1"}, choices={"i1": "remove"}))
    assert told(typed)[-1] == ("line_item", "remove", "send", "grade_conflict"), (
        "a teacher's own result would go with it"
    )


def test_ids_that_the_sis_made_are_used() -> None:
    known = had()
    known["line_item"][key()] = entry(key(), known["line_item"][key()].fields, lms_id="sis-1")
    there = live(known)
    for fields in there["result"].values():
        fields["line_item"] = "sis-1"
    assert rows(BOOK, known, there) == []
    found = rows(book(item(title="New"), grades=(grade(7), grade(8, "ben"), grade(9, "cy"))), known, there)
    assert [(row.kind, row.lms_id) for row in found] == [("line_item", "sis-1"), ("result", None)]
    references = GradeReferences()
    references.add({key(): "sis-1"}, set())
    assert references.complete([_change("result", "create", found[1].after)])[0].refs == {"line_item": "sis-1"}


def _change(kind: str, action: str, after: dict[str, Any], key: str = "k", lms_id: str | None = None) -> Change:
    return Change(seq=0, kind=kind, action=action, key=key, after=after, lms_id=lms_id)


def test_the_ledger_after_every_outcome() -> None:
    old = Entry(key="k", lms_id=None, fields={"score": 1.0})
    before: Entries = {"category": {}, "line_item": {}, "result": {"k": old}}
    new = {"score": 2.0}
    cases: list[tuple[str, Outcome, Any, Entry | None]] = [
        ("update", Outcome(status="done", lms_id="k"), {"result": {"k": new}},
         Entry(key="k", lms_id=None, fields=new, sis=new)),
        ("update", Outcome(status="done", lms_id="own"), {}, Entry(key="k", lms_id="own", fields=new)),
        ("update", Outcome(status="refused"), {}, old),
        ("update", Outcome(status="unknown"), {}, Entry(key="k", lms_id=None, fields={"score": 1.0}, tried=new)),
        ("update", Outcome(status="unknown"), {"result": {"k": new}}, Entry(key="k", lms_id=None, fields=new, sis=new)),
        ("remove", Outcome(status="done"), {}, None),
        ("remove", Outcome(status="refused"), {}, old),
        ("remove", Outcome(status="unknown"), {}, Entry(key="k", lms_id=None, fields={"score": 1.0}, made=False)),
    ]  # fmt: skip
    for action, outcome, shows, after in cases:
        found = settled(before, [(_change("result", action, new), outcome)], shows)
        assert found["result"].get("k") == after, (action, outcome.status)
    fresh = settled(NOTHING, [(_change("result", "create", new), Outcome(status="unknown"))], {})
    assert fresh["result"]["k"] == Entry(key="k", lms_id=None, fields=new, made=False)
    assert NOTHING["result"] == {}


def test_what_waits_for_what_while_a_plan_is_carried_out() -> None:
    references = GradeReferences()
    create = _change("line_item", "create", {"title": "x"}, "li")
    references.learn(create, Outcome(status="refused"))
    assert references.waits(_change("result", "create", {"line_item": "li"}))
    assert not references.waits(_change("result", "create", {"line_item": "other"}))
    references.learn(_change("result", "remove", {"line_item": "l2"}), Outcome(status="refused"))
    assert references.waits(_change("line_item", "remove", {}, "l2"))
    assert not references.waits(_change("line_item", "remove", {}, "l3"))
    references.learn(_change("line_item", "create", {}, "l4"), Outcome(status="done", lms_id="sis-4"))
    assert references.complete([_change("result", "create", {"line_item": "l4"})])[0].refs == {"line_item": "sis-4"}


def test_an_open_map_compares_nothing() -> None:
    assert compare(read(BOOK), Desired(open=True)).rows == []
