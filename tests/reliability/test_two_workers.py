"""Two workers on PostgreSQL: one dies while it applies, another is frozen and woken after its run was taken over."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from rollbook.store.models import Run
from tests.postgres import Server
from tests.reliability.nursery import Nursery
from tests.reliability.pair import one_killed_one_frozen, until
from tests.reliability.world import Day, differences, duplicates, world

PARALLEL = 4


@pytest.fixture(scope="module")
def two_more() -> Iterator[list[Nursery]]:
    with ExitStack() as stack:
        yield [stack.enter_context(Nursery(ROLLBOOK_LEASE_SECONDS="1")) for _ in range(2)]


@pytest.fixture
def nurseries(nursery: Nursery, two_more: list[Nursery]) -> Iterator[list[Nursery]]:
    yield [nursery, *two_more]
    for one in two_more:
        one.clear()


@pytest.mark.parametrize("wait_for_end", [True, False], ids=["woken at the end", "woken while the other works"])
def test_one_killed_one_frozen(
    tmp_path: Path, days: list[Path], twin: list[Day], nurseries: list[Nursery], postgres_server: Server,
    wait_for_end: bool,
) -> None:  # fmt: skip
    story = one_killed_one_frozen(
        tmp_path / "data", days[0], twin[0], nurseries, postgres_server.create(), frozen=5, wait_for_end=wait_for_end
    )
    assert not story.seen.wrong()
    if wait_for_end:
        assert story.woken_calls <= PARALLEL, "no more than what was under way"


def test_frozen_in_the_middle_of_a_transaction(
    tmp_path: Path, days: list[Path], twin: list[Day], nurseries: list[Nursery], postgres_server: Server
) -> None:
    """Its locks do not keep others from going on; when it wakes, it writes and sends nothing."""
    with world(tmp_path / "data", days[0], nurseries[0], url=postgres_server.create()) as org:
        run = org.request()
        sleeper = org.start(run, trouble={"freeze": 3})
        until(lambda: sleeper.stopped())
        last = org.start(run, nursery=nurseries[1])
        until(lambda: _state(run) == "done", 60)
        assert last.wait() == 0
        before = org.writes()
        sleeper.kill(signal.SIGCONT)
        assert sleeper.wait() == 0
        assert org.writes() == before
        assert differences(org.state(), twin[0].state) == 0
        assert duplicates(org.state()) == 0


def _state(run: Run) -> str:
    return str(Run.objects.values_list("state", flat=True).get(pk=run.pk))
