"""A process dies at any call of a grade run, or an answer is lost: the same end follows, and nothing is there twice."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rollbook.connectors.memory.space import LOSE_AFTER, LOSE_BEFORE
from rollbook.passback import grade_run, settle
from tests.gradebooks import School, Stage, counts

End = tuple[dict[Any, Any], set[str]]
Terms = Callable[[bool], Stage]


class Killed(BaseException):
    """The process is gone: nothing is caught, nothing is written down any more."""


def term(folder: Path, *, makes_ids: bool = False) -> School:
    """A class with three items and twelve grades, of which a part was sent before it changed."""
    school = School(folder, students=4)
    school.sis.makes_ids = makes_ids
    for number in range(3):
        school.item(f"i{number}", title=f"Item {number}")
        school.grade_all(f"i{number}", number + 5)
    school.sync()
    school.item("i0", title="Another")
    school.grade_all("i0", 9)
    school.grade("i1", "s1")
    school.decide(choices={"i2": "remove"})
    school.delete("i2")
    school.item("i3", title="Item 3")
    school.grade_all("i3", 1)
    return school


@pytest.fixture(scope="module")
def terms(tmp_path_factory: pytest.TempPathFactory) -> Terms:
    """The same term for every test, as it was at first."""
    return functools.cache(lambda makes_ids: Stage(term(tmp_path_factory.mktemp("term"), makes_ids=makes_ids)))


@pytest.fixture(scope="module")
def end(tmp_path_factory: pytest.TempPathFactory) -> End:
    """What an undisturbed sync ends with."""
    school = term(tmp_path_factory.mktemp("whole"))
    school.sync()
    return school.results(), school.titles()


def check(school: School, end: End) -> None:
    assert (school.results(), school.titles()) == end
    assert len(school.sis.records["line_item"]) == len(school.titles()), "an item is there twice"
    last = school.sync()
    assert school.sent == []
    assert not last.holds
    assert not any(counts(last, kind) for kind in last.kinds)


@pytest.mark.parametrize("makes_ids", [False, True])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("number", range(8))
def test_killed_at_a_call_another_worker_goes_on(
    terms: Terms, end: End, number: int, *, after: bool, makes_ids: bool
) -> None:
    """Before the call arrives, or after the SIS has acted on it."""
    school = terms(makes_ids).again()
    calls = iter(range(99))
    send = school.sink._sink.apply

    def deadly(batch: Any) -> Any:
        mine = next(calls) == number
        if mine and not after:
            raise Killed
        answer = send(batch)
        if mine:
            raise Killed
        return answer

    school.sink._sink.apply = deadly  # type: ignore[method-assign]
    with pytest.raises(Killed):
        school.sync()
    school.sink._sink.apply = send  # type: ignore[method-assign]
    assert school.resume().state == "done"
    check(school, end)


@pytest.mark.parametrize("point", ["write_ledger", "read_live", "settled", "load_outcomes"])
def test_killed_while_it_settles(terms: Terms, end: End, point: str, monkeypatch: pytest.MonkeyPatch) -> None:
    school = terms(False).again()

    def dies(*_: Any, **__: Any) -> Any:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(settle, point, dies)
        with pytest.raises(Killed):
            school.sync()
    assert school.resume().state == "done"
    check(school, end)


def test_killed_between_the_sections_of_a_settlement(tmp_path: Path) -> None:
    """One section's ledger has moved on, the others' have not: nothing is sent again, and all are settled."""
    codes = ("k1", "k2", "k3")
    school = School(tmp_path, classes=codes)
    for code in codes:
        school.item("i1", code)
        school.grade_all("i1", 5, code)
    advance = school.world.ledgers.advance

    def deadly(section: str, base: int, blob: str) -> None:
        if section == "k2":
            raise Killed
        advance(section, base, blob)

    school.world.ledgers.advance = deadly  # type: ignore[method-assign]
    with pytest.raises(Killed):
        school.sync()
    school.world.ledgers.advance = advance  # type: ignore[method-assign]
    assert school.resume().state == "done"
    assert school.sent == []
    assert [school.world.ledgers.current(code).number for code in codes] == [1, 1, 1]
    school.sync()
    assert school.sent == []


@pytest.mark.parametrize("makes_ids", [False, True])
@pytest.mark.parametrize("fault", [LOSE_BEFORE, LOSE_AFTER])
@pytest.mark.parametrize("times", [1, 4, 5])
def test_lost_answers_end_in_the_same_state(terms: Terms, end: End, fault: str, times: int, *, makes_ids: bool) -> None:
    """Four in a row leave changes unknown; the next sync finds out."""
    school = terms(makes_ids).again()
    plan = grade_run.apply_grades

    def faulty(*given: Any) -> None:
        school.space.faults.next_calls(*[fault] * times)
        plan(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grade_run, "apply_grades", faulty)
        school.sync()
    school.space.faults.queue.clear()
    school.sync()
    check(school, end)
