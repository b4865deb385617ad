"""The laws for grades: what holds for every class and every change of mind."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rollbook.connectors.memory.space import LOSE_AFTER, LOSE_BEFORE
from rollbook.errors import Unavailable
from rollbook.roster.grades import EXCUSED, INCOMPLETE, LATE, MISSING, SinkLimits
from tests.gradebooks import School, counts
from tests.property.strategies import examples

Act = Callable[[School], None]
ITEMS = ("i1", "i2", "i3")
STUDENTS = ("s1", "s2", "s3")
LIMITS = (SinkLimits(), SinkLimits(letters=True, flags=True), SinkLimits(deletes=False, above_maximum=False))


def _grades() -> st.SearchStrategy[dict[str, Any]]:
    scores = st.one_of(st.none(), st.sampled_from([0.0, 0.5, 7.0, 10.0, 11.5]))
    states = st.sampled_from(["", "", "", EXCUSED, INCOMPLETE, LATE, MISSING])
    return st.builds(lambda score, state: {"score": score} | ({"exception": state} if state else {}), scores, states)


def _acts() -> st.SearchStrategy[Act]:
    item, student = st.sampled_from(ITEMS), st.sampled_from(STUDENTS)
    fields = st.fixed_dictionaries(
        {},
        optional={
            "title": st.sampled_from(["A", "B", " c "]),
            "points": st.sampled_from([5.0, 10.0]),
            "category": st.sampled_from(["c1", "c2", "c3", None]),
            "published": st.booleans(),
            "due": st.sampled_from([None, "2026-09-01", "2026-11-30 08:00:00", "2020-01-01", "2030-01-01"]),
        },
    )
    choices = st.dictionaries(item, st.sampled_from(["opt_out", "opt_in"]), max_size=2)
    return st.one_of(
        st.builds(lambda i, f: lambda school: school.item(i, **f), item, fields),
        st.builds(lambda i, s, g: lambda school: school.grade(i, s, **g), item, student, _grades()),
        st.builds(lambda i, s, g: lambda school: school.grade(i, s, **g), item, student, _grades()),
        st.builds(lambda c: lambda school: school.decide(choices=c), choices),
    )


terms = st.lists(_acts(), min_size=1, max_size=14)
CATEGORIES = {"c1": "hw", "c2": "te", "c3": ""}


@contextmanager
def a_school(limits: SinkLimits = LIMITS[1]) -> Iterator[School]:
    with tempfile.TemporaryDirectory() as folder:
        school = School(Path(folder))
        school.sis.limits = limits
        school.decide(categories=CATEGORIES)
        yield school


def act(school: School, acts: Sequence[Act]) -> None:
    for one in acts:
        one(school)


def state(school: School) -> tuple[Any, Any]:
    return school.sis.records["line_item"], school.sis.records["result"]


def quiet(school: School) -> None:
    result = school.sync()
    assert school.sent == []
    assert not result.holds
    assert not any(counts(result, kind).keys() - {"blocked", "waiting"} for kind in result.kinds)


@given(terms, terms, st.sampled_from(LIMITS))
@examples(12)
def test_the_sis_ends_as_the_lms_says_and_a_second_sync_sends_nothing(
    first: Sequence[Act], then: Sequence[Act], limits: SinkLimits
) -> None:
    with a_school(limits) as school:
        for acts in (first, then):
            act(school, acts)
            assert school.sync().state == "done"
            check_held(school)
            quiet(school)


def check_held(school: School) -> None:
    """Every grade that can be sent is there as it is meant, and null is nowhere a zero."""
    book, choices = school.book(), school.wishes["k1"].choices
    sent = {
        item.id: item
        for item in book.items
        if item.published and CATEGORIES.get(item.category or "") and choices.get(item.id) != "opt_out"
    }
    ready = {id: item for id, item in sent.items() if school.key(id) in _ready(school)}
    for grade in book.grades:
        there = school.sis.records["result"].get(school.result_key(grade.item, grade.member.removeprefix("m-")))
        if there is None or grade.item not in ready or grade.exception == EXCUSED:
            continue
        if grade.score is None:
            assert there["score"] is None
        elif school.sis.limits.above_maximum or grade.score <= (ready[grade.item].points or 0):
            assert there["score"] == grade.score


def _ready(school: School) -> set[str]:
    return {note.key for note in school.world.notes.sections["k1"].items if note.state == "ready"}


@given(terms, st.randoms(use_true_random=False))
@examples(10)
def test_the_order_of_what_the_lms_tells_does_not_matter(acts: Sequence[Act], dice: random.Random) -> None:
    with a_school() as school, a_school() as shuffled:
        for one in (school, shuffled):
            act(one, acts)
        book = shuffled.book()
        parts = {name: list(getattr(book, name)) for name in ("items", "grades", "members", "categories")}
        for part in parts.values():
            dice.shuffle(part)
        shuffled.book(**{name: tuple(part) for name, part in parts.items()})
        results = [one.sync() for one in (school, shuffled)]
        assert state(school) == state(shuffled)
        assert results[0].findings == results[1].findings
        assert school.plan.digest == shuffled.plan.digest


@given(terms, terms, st.lists(st.sampled_from([LOSE_BEFORE, LOSE_AFTER, ""]), max_size=6), st.booleans())
@examples(10)
def test_lost_answers_change_nothing_about_the_end(
    first: Sequence[Act], then: Sequence[Act], faults: Sequence[str], makes_ids: bool
) -> None:
    with a_school() as school, a_school() as lucky:
        for one in (school, lucky):
            one.sis.makes_ids = makes_ids
            act(one, first)
            one.sync()
            act(one, then)
        left = list(faults)

        def fail(batch: Any) -> None:
            if left and (fault := left.pop()):
                school.space.faults.next_calls(fault)

        school.sink.before = fail
        try:
            school.sync()
        except Unavailable:  # not one answer arrived: the run says so, and what it sent is settled
            school.finish()
        school.sink.before = None
        school.space.faults.queue.clear()
        school.sync()
        lucky.sync()
        assert school.results() == lucky.results()
        assert len(school.sis.records["line_item"]) == len(lucky.sis.records["line_item"])
        quiet(school)


@given(terms, terms)
@examples(8)
def test_what_is_opted_out_or_not_mapped_is_never_sent(first: Sequence[Act], then: Sequence[Act]) -> None:
    with a_school() as school:
        act(school, first)
        school.sync()
        before = state(school)[0].copy(), state(school)[1].copy()
        act(school, then)
        school.decide(choices=dict.fromkeys(ITEMS, "opt_out"))
        school.sync()
        assert school.sent == []
        school.decide(choices={}, categories=dict.fromkeys(CATEGORIES, ""))
        school.sync()
        assert school.sent == []
        school.decide(categories={})
        school.sync()
        assert school.sent == []
        assert state(school) == before


@given(terms, terms, st.dictionaries(st.sampled_from(ITEMS), st.sampled_from(["remove", "keep"])))
@examples(8)
def test_nothing_that_we_did_not_send_is_touched(
    first: Sequence[Act], then: Sequence[Act], chosen: dict[str, str]
) -> None:
    """Whatever is deleted, emptied and taken away: what somebody typed into the SIS stays as it is."""
    theirs: dict[str, dict[str, Any]] = {
        "line_item": {"title": "Typed there", "class": "k1", "category": "hw", "maximum": 5.0},
        "result": {
            "line_item": "their-line_item",
            "student": "s1",
            "class": "k1",
            "status": "fully graded",
            "score": 4.0,
        },
    }
    with a_school() as school:
        act(school, first)
        school.sync()
        for kind, fields in theirs.items():
            school.sis.records[kind][f"their-{kind}"] = dict(fields)
        act(school, then)
        school.decide(choices=chosen)
        for item in chosen:
            school.delete(item)
        school.book(grades=())
        school.sync()
        assert {kind: school.sis.records[kind][f"their-{kind}"] for kind in theirs} == theirs
        assert not any(change.key.startswith("their-") for batch in school.sink.batches for change in batch.changes)


class Killed(BaseException):
    """The process is gone."""


@given(terms, terms, st.integers(0, 9), st.booleans(), st.booleans())
@examples(10)
def test_killed_at_any_call_the_same_end_follows(
    first: Sequence[Act], then: Sequence[Act], number: int, after: bool, makes_ids: bool
) -> None:
    with a_school() as school, a_school() as lucky:
        for one in (school, lucky):
            one.sis.makes_ids = makes_ids
            act(one, first)
            one.sync()
            act(one, then)
        send, calls = school.sink._sink.apply, iter(range(99))

        def deadly(batch: Any) -> Any:
            mine = next(calls) == number
            if mine and not after:
                raise Killed
            answer = send(batch)
            if mine:
                raise Killed
            return answer

        school.sink._sink.apply = deadly
        try:
            school.sync()
        except Killed:
            school.sink._sink.apply = send
            school.resume()
        school.sink._sink.apply = send
        lucky.sync()
        assert school.results() == lucky.results()
        assert len(school.sis.records["line_item"]) == len(lucky.sis.records["line_item"])
        quiet(school)
