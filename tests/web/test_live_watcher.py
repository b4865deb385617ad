"""Who follows is told what changed, with one look for all of them, and keeps no place for ever. Without a server."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Collection, Mapping
from typing import Any

import pytest

from rollbook.web import following
from rollbook.web.following import MOST, Following
from rollbook.web.live import Follower, Subject, Told, Watcher
from tests.patience import LONG, until

SUBJECT = Subject(1, "r1", "en")
SHOWN = frozenset({"r1"})


class _World:
    """What a watcher finds, and how often it looked."""

    def __init__(self) -> None:
        self.text, self.over, self.looks = b"data: 0\n\n", False, 0
        self.trouble: Exception | None = None

    def look(self, subjects: Collection[Subject]) -> Mapping[Subject, Told]:
        self.looks += 1
        if self.trouble is not None:
            raise self.trouble
        return {one: Told(self.text, SHOWN, self.over) for one in subjects}


@pytest.fixture
def found() -> _World:
    return _World()


def _idle(watcher: Watcher) -> None:
    until(lambda: watcher._thread is None)


async def _next(follower: Follower) -> Told | None:
    return await asyncio.wait_for(follower.next(), LONG)


async def _after_a_look(found: _World) -> None:
    """What there is now was found and told: another look has begun since, and this loop has turned."""
    begun = found.looks
    while found.looks < begun + 2:
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.02)


def test_one_look_for_many(found: _World) -> None:
    watcher, told_first = Watcher(found.look, every=0.05), []

    async def one() -> list[bytes]:
        with watcher.follow(SUBJECT) as follower:
            first = await _next(follower)
            told_first.append(follower)
            second = await _next(follower)
            assert first is not None
            assert second is not None
            return [first.text, second.text]

    async def all_of_them() -> list[list[bytes]]:
        tasks = [asyncio.ensure_future(one()) for _ in range(200)]
        while len(told_first) < 200:
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.3)
        found.text = b"data: 1\n\n"
        return await asyncio.gather(*tasks)

    start = time.monotonic()
    assert asyncio.run(all_of_them()) == [[b"data: 0\n\n", b"data: 1\n\n"]] * 200
    assert found.looks <= (time.monotonic() - start) / 0.05 + 2
    assert watcher.number() == 0
    _idle(watcher)


def test_a_slow_reader_gets_the_newest_only(found: _World) -> None:
    watcher = Watcher(found.look, every=0.02)

    async def slow() -> Told | None:
        with watcher.follow(SUBJECT) as follower:
            await _next(follower)
            for number in range(1, 6):
                found.text = b"data: %d\n\n" % number
                await _after_a_look(found)
            return await _next(follower)

    assert asyncio.run(slow()) == Told(b"data: 5\n\n", SHOWN)


def test_the_end_is_told_also_to_whoever_comes_late(found: _World) -> None:
    watcher = Watcher(found.look, every=0.02)
    found.over, found.text = True, b""

    async def late() -> list[Told | None]:
        with watcher.follow(SUBJECT) as first:
            await _next(first)
            assert await _next(first) is None
            with watcher.follow(SUBJECT) as second:
                return [await _next(second), await _next(second)]

    assert asyncio.run(late()) == [Told(b"", SHOWN, True), None]


@pytest.mark.parametrize("trouble", ["database", "bug"])
def test_trouble_does_not_end_it(found: _World, trouble: str) -> None:
    from django.db import OperationalError

    watcher = Watcher(found.look, every=0.02)
    found.trouble = OperationalError("away") if trouble == "database" else KeyError("x")

    async def patient() -> Told | None:
        with watcher.follow(SUBJECT) as follower:
            await asyncio.sleep(0.1)
            found.trouble = None
            return await _next(follower)

    assert asyncio.run(patient()) is not None
    _idle(watcher)


def test_the_end_of_the_process_ends_everybody(found: _World) -> None:
    watcher = Watcher(found.look, every=2 * LONG)

    async def until_end() -> Told | None:
        with watcher.follow(SUBJECT) as follower:
            await _next(follower)
            threading.Timer(0.1, watcher.end).start()
            return await _next(follower)

    start = time.monotonic()
    assert asyncio.run(until_end()) is None
    assert time.monotonic() - start < LONG, "not at the next look"


async def _app(scope: object, receive: object, send: Any) -> None:
    header = (b"X-Rollbook-Follow", b"1 r1 en 0 r1 7 key right")
    await send({"type": "http.response.start", "status": 200, "headers": [header]})
    await send({"type": "http.response.body", "body": b"data: now\n\n"})


async def _stays() -> Mapping[str, object]:
    await asyncio.sleep(10 * LONG)
    return {"type": "http.disconnect"}


def test_too_many_ask_again_later(found: _World) -> None:
    class Full(Watcher):
        def number(self) -> int:
            return MOST

    sent: list[Mapping[str, object]] = []

    async def send(message: Mapping[str, object]) -> None:
        sent.append(message)

    asyncio.run(Following(_app, Full(found.look))({"type": "http", "path": "/x/live/"}, _stays, send))
    assert sent[-1] == {"type": "http.response.body", "body": b"data: now\n\nretry: 3000\n\n", "more_body": False}


def test_whoever_takes_nothing_any_more_keeps_no_place(found: _World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LONGEST", 0.1)
    monkeypatch.setattr(following, "_LATE", 0.1)
    watcher = Watcher(found.look, every=0.02)
    sent: list[Mapping[str, object]] = []

    async def send(message: Mapping[str, object]) -> None:
        sent.append(message)
        if len(sent) > 2:
            assert watcher.number() == 1
            await asyncio.sleep(10 * LONG)  # as when the reader's window is full

    start = time.monotonic()
    asyncio.run(Following(_app, watcher)({"type": "http", "path": "/x/live/"}, _stays, send))
    assert time.monotonic() - start < LONG
    assert watcher.number() == 0
