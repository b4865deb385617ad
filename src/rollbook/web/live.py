"""Tells those who follow something that it changed: one thread looks for all of them, five times a second at most.

However many people watch, the database is asked once. Whoever follows belongs to an event loop; what they are told is
made once, and everybody gets the newest of it only, so that a slow reader holds up nobody.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from rollbook.store.database import DATABASE_TROUBLE, fresh, let_go

log = logging.getLogger(__name__)
#: Seconds between two looks at the database. What the worker writes every 0.4 seconds is a second old at most.
EVERY: Final = 0.2
#: A line is sent at least so often, so that nothing between here and the reader takes the connection for dead.
STILL_THERE: Final = 15.0
#: It is asked so often whether those who follow still may.
MAY_EVERY: Final = 5.0
#: Then the reader asks anew.
LONGEST: Final = 300.0


@dataclass(frozen=True)
class Subject:
    """What is followed: the runs of an organization (its primary key) that have not ended, or one `run` of it; told in
    `language`, to people who may cancel runs or not."""

    organization: int
    run: str = ""
    language: str = "en"
    may_cancel: bool = False


@dataclass(frozen=True)
class Viewer:
    """Who follows. `session` is the key of the browser's session; `right` tells by what right its page was shown: it
    changes with the person's role and, because that ends their sessions, with their password."""

    organization: int
    account: int
    session: str
    right: str


@dataclass(frozen=True)
class Told:
    """`shown` are the runs there are; when one of them is gone, it has ended, and the page is asked for anew. `over`:
    there is nothing more to follow."""

    text: bytes
    shown: frozenset[str] | None
    over: bool = False


Look = Callable[[Collection[Subject]], Mapping[Subject, Told]]
#: Of those who follow, the ones that still may.
Rights = Callable[[Collection[Viewer]], Collection[Viewer]]


class Follower:
    """One reader; `viewer` says who. All methods are called in its own event loop."""

    def __init__(self, subject: Subject, viewer: Viewer | None = None) -> None:
        self.subject, self.viewer = subject, viewer
        self.since = time.monotonic()
        self.loop = asyncio.get_running_loop()
        self._news: Told | None = None
        self._ended = False
        self._wakes: asyncio.Future[None] | None = None

    def tell(self, news: Told | None) -> None:
        """`None` only shows that we are still there."""
        self._news = news or self._news or _NOTHING
        self._wake()

    def end(self) -> None:
        self._ended = True
        self._wake()

    async def next(self) -> Told | None:
        """The newest that was told and not taken yet, as soon as there is any; None at the end."""
        while self._news is None and not self._ended:
            self._wakes = self.loop.create_future()
            await self._wakes
        news, self._news = self._news, None
        return news

    def _wake(self) -> None:
        if self._wakes is not None and not self._wakes.done():
            self._wakes.set_result(None)


#: A line of the stream that means nothing.
_NOTHING: Final = Told(b":\n\n", None)


@dataclass
class _Channel:
    followers: set[Follower] = field(default_factory=set)
    last: Told | None = None
    told_at: float = 0.0


class Watcher:
    """`look` and `rights` are called in a thread of its own, which is there as long as somebody follows anything."""

    def __init__(
        self, look: Look, every: float = EVERY, rights: Rights | None = None, may_every: float = MAY_EVERY
    ) -> None:
        self._look, self._every, self._rights, self._may_every = look, every, rights, may_every
        self._channels: dict[Subject, _Channel] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._hurry = threading.Event()

    @contextmanager
    def follow(self, subject: Subject, viewer: Viewer | None = None) -> Iterator[Follower]:
        """In an event loop: somebody follows as long as the block lasts."""
        follower = Follower(subject, viewer)
        with self._lock:
            channel = self._channels.setdefault(subject, _Channel())
            channel.followers.add(follower)
            if channel.last is not None:
                follower.tell(channel.last)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="live", daemon=True)
                self._thread.start()
        try:
            yield follower
        finally:
            with self._lock:
                channel.followers.discard(follower)
                if not channel.followers and self._channels.get(subject) is channel:
                    del self._channels[subject]

    def number(self) -> int:
        """How many follow now."""
        with self._lock:
            return sum(len(one.followers) for one in self._channels.values())

    def end(self) -> None:
        """Everybody is told that it is over, e.g. because the process ends."""
        _in_loops(self._everybody(), Follower.end)
        self._hurry.set()

    def _everybody(self) -> set[Follower]:
        with self._lock:
            return {one for channel in self._channels.values() for one in channel.followers}

    def _watch(self) -> None:
        asked = 0.0
        while True:
            start = time.monotonic()
            with self._lock:
                subjects = set(self._channels)
                if not subjects:
                    self._thread = None
                    break
            with self._enduring():
                self._publish(subjects)
                if self._rights is not None and start - asked > self._may_every:
                    self._send_away(self._rights)
                    asked = start
            self._hurry.wait(max(0.0, start + self._every - time.monotonic()))
            self._hurry.clear()
        let_go()

    @contextmanager
    def _enduring(self) -> Iterator[None]:
        try:
            yield
        except DATABASE_TROUBLE as error:
            log.warning("the database does not answer (%s); those who follow runs wait", type(error).__name__)
            fresh()
        except Exception:  # a watcher that stops would leave every page behind
            log.error("looking for what is followed met an error that nobody foresaw", exc_info=True)

    def _publish(self, subjects: Collection[Subject]) -> None:
        for subject, told in self._look(subjects).items():
            self._tell(subject, told, time.monotonic())

    def _send_away(self, rights: Rights) -> None:
        """Whoever may not follow any more is told that it is over; their browser asks anew, and is refused."""
        known = [(one, one.viewer) for one in self._everybody() if one.viewer is not None]
        may = rights({viewer for _, viewer in known}) if known else ()
        _in_loops({one for one, viewer in known if viewer not in may}, Follower.end)

    def _tell(self, subject: Subject, told: Told, now: float) -> None:
        with self._lock:
            channel = self._channels.get(subject)
            if channel is None:
                return
            is_new = channel.last != told
            is_due = is_new or now - channel.told_at > STILL_THERE
            if is_due:
                channel.last, channel.told_at = told, now
            everybody = set(channel.followers)
        if is_due:
            _in_loops(everybody, lambda one: one.tell(told if is_new else None))
        _in_loops({one for one in everybody if told.over or now - one.since > LONGEST}, Follower.end)


def _in_loops(followers: Collection[Follower], act: Callable[[Follower], None]) -> None:
    """Once into each event loop, for all of its followers."""

    def act_on_all(mine: Collection[Follower]) -> None:
        for one in mine:
            act(one)

    for loop in {one.loop for one in followers}:
        if not loop.is_closed():
            loop.call_soon_threadsafe(act_on_all, [one for one in followers if one.loop is loop])
