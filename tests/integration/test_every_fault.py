"""Every named fault of the practice systems, one at a time: lived through, or told in the right words; nothing is
removed because of it, and the first run afterwards makes up for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from rollbook.practice import lms, sis
from tests import fault_table
from tests.fault_table import Case
from tests.fault_world import Ended, FaultWorld, State, fault_world, missing

SIDES = {"sis": fault_table.SIS, "lms": fault_table.LMS}
ALONE = [(side, case) for side, cases in SIDES.items() for case in cases if not case.also]
#: Who must act, by the error's name.
WHO = {
    "AuthFailed": "the admin, who renews the credentials",
    "ConfigError": "the admin",
    "Unavailable": "nobody yet; the run can be repeated",
    "Throttled": "nobody yet; the run can be repeated",
    "BadResponse": "the vendor of the other system",
}


class Twins:
    """A world by version, and what the LMS holds before and after an undisturbed second day."""

    def __init__(self, stack: ExitStack, factory: pytest.TempPathFactory) -> None:
        self._stack, self._factory = stack, factory
        self._made: dict[str, tuple[FaultWorld, State, State]] = {}

    def __call__(self, version: str) -> tuple[FaultWorld, State, State]:
        if version not in self._made:
            folder = self._factory.mktemp("faults")
            world = self._stack.enter_context(fault_world(folder, version=version))
            assert world.first.state == "done"
            first = world.state()
            world.reset()
            assert world.run(compare_live=True).state == "done"
            self._made[version] = world, first, world.state()
        return self._made[version]


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    with ExitStack() as stack:
        yield Twins(stack, tmp_path_factory)


@pytest.mark.parametrize(("side", "names"), [("sis", sis.fault_names()), ("lms", lms.fault_names())])
def test_no_fault_is_without_an_expectation(side: str, names: dict[str, str]) -> None:
    assert {case.name for case in SIDES[side]} == set(names)


@pytest.mark.rule(20)
@pytest.mark.rule(25)
@pytest.mark.parametrize(
    ("side", "case"), ALONE, ids=[f"{side}-{case.fault}{'-options' * bool(case.options)}" for side, case in ALONE]
)
def test_every_fault_alone(twins: Twins, side: str, case: Case) -> None:
    world, first, second = twins(case.version)
    world.reset()
    world.faults(**{side: [case.fault]})
    ended = world.run(compare_live=side == "lms", **case.options)
    state = world.state()
    check_end(case, ended)
    if case.end == "same":
        assert state == second
        return
    assert missing(first, state) <= missing(first, second), "the fault took something away"
    world.lift()
    if world.as_before() and state == first:
        return  # nothing was done and nothing remembered: the next run is the undisturbed one
    after = world.run()
    assert after.state == "done", after
    assert world.state() == second


def check_end(case: Case, ended: Ended) -> None:
    assert ended.state == {"same": "done", "refused": "done"}.get(case.end, case.end), ended
    assert ended.error == case.error
    assert case.words in ended.words
    assert ended.who == WHO.get(case.error, "")
    refused = sum(counts["refused"] for counts in ended.result.kinds.values()) if ended.result else 0
    assert (refused > 0) == (case.end == "refused")
