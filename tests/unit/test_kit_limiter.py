"""The credit limiter against a server that counts a sliding window when calls arrive."""

from __future__ import annotations

import heapq
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic, sleep

import pytest

from rollbook.connectors.kit import CreditLimiter, Gate
from rollbook.errors import RunCancelled
from tests.unit.fake_provider import FakeCancel

CREDITS, WINDOW = 50, 5.0


@dataclass
class World:
    """A clock that only waiting moves, and calls in flight that end when it passes them."""

    now: float = 100.0
    flying: list[tuple[float, int]] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def check(self) -> None: ...

    def wait(self, seconds: float) -> None:
        self.until(self.now + seconds)

    def until(self, moment: float) -> None:
        while self.flying and self.flying[0][0] <= moment:
            self.now, number = heapq.heappop(self.flying)
            self.ended(number)
        self.now = max(self.now, moment)

    def ended(self, number: int) -> None:
        self.limiter.release(self.tickets[number])

    def run(self, limiter: CreditLimiter, calls: list[str], *, slowest: float, parallel: int = 4) -> list[float]:
        """When each call arrived at the server: somewhere between its start and its end."""
        dice = random.Random(7)
        self.limiter, self.tickets = limiter, {}
        arrivals = []
        for number, method in enumerate(calls):
            if len(self.flying) == parallel:
                self.until(self.flying[0][0])
            self.tickets[number] = limiter.acquire(method, self)
            takes = dice.uniform(0.005, slowest)
            arrivals.append(self.now + takes * dice.random())
            heapq.heappush(self.flying, (self.now + takes, number))
        return arrivals


def most_in_a_window(arrivals: list[tuple[float, int]]) -> int:
    arrivals = sorted(arrivals)
    return max(sum(cost for moment, cost in arrivals if start <= moment < start + WINDOW) for start, _ in arrivals)


@pytest.mark.parametrize("slowest", [0.01, 0.1, 0.25])
def test_no_window_is_overdrawn_and_nine_tenths_are_spent(slowest: float) -> None:
    world = World()
    limiter = CreditLimiter(CREDITS, WINDOW, costs={"GET": 1}, other=3, clock=world.clock)
    arrivals = world.run(limiter, ["POST"] * 500, slowest=slowest)
    assert most_in_a_window([(moment, 3) for moment in arrivals]) <= CREDITS
    taken = max(arrivals) - min(arrivals)
    assert 500 * 3 / (taken * CREDITS / WINDOW) >= 0.9


def test_costs_follow_the_method() -> None:
    world = World()
    limiter = CreditLimiter(CREDITS, WINDOW, costs={"GET": 1}, other=3, clock=world.clock)
    calls = ["GET", "POST", "GET"] * 100
    arrivals = world.run(limiter, calls, slowest=0.05)
    costs = [1 if call == "GET" else 3 for call in calls]
    assert most_in_a_window(list(zip(arrivals, costs, strict=True))) <= CREDITS


def test_calls_from_several_threads() -> None:
    """The same in real time, with a short window."""
    limiter, cancel, lock = CreditLimiter(20, 0.5, margin=0.1), FakeCancel(), Lock()
    arrived: list[float] = []

    def call(_: int) -> None:
        ticket = limiter.acquire("GET", cancel)
        sleep(0.002)
        with lock:
            arrived.append(monotonic())
        limiter.release(ticket)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(call, range(70)))
    arrived.sort()
    # Each thread may be woken late on a busy machine, so that its call counts for a later window.
    assert all(sum(start <= one < start + 0.5 for one in arrived) <= 20 + 6 for start in arrived)


def test_a_refusal_silences_everybody() -> None:
    world = World()
    limiter = CreditLimiter(CREDITS, WINDOW, clock=world.clock)
    limiter.release(limiter.acquire("GET", world))
    limiter.refused(12.0)
    before = world.now
    limiter.acquire("GET", world)
    assert world.now - before >= 12.0


def test_a_refusal_makes_us_spend_less_for_a_while() -> None:
    def burst(limiter: CreditLimiter, world: World) -> int:
        """How many calls pass before the first wait."""
        before, passed = world.now, 0
        while True:
            limiter.release(limiter.acquire("GET", world))
            if world.now > before:
                return passed
            passed += 1

    world = World()
    limiter = CreditLimiter(CREDITS, WINDOW, clock=world.clock)
    assert burst(limiter, world) == 50
    limiter.refused(6.0)
    world.until(world.now + 10.9)
    assert burst(limiter, world) < 50
    world.until(world.now + 60)
    assert burst(limiter, world) == 50


def test_waiting_can_be_cancelled() -> None:
    limiter, cancel = CreditLimiter(1, 60.0), FakeCancel()
    limiter.acquire("GET", cancel)
    cancel.stop = True
    with pytest.raises(RunCancelled):
        limiter.acquire("GET", cancel)
    gate = Gate()
    gate.refused(60)
    with pytest.raises(RunCancelled):
        gate.acquire("GET", cancel)
