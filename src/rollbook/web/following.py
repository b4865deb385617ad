"""Keeps the answers of live pages open, and sends what changes. Beside Django, which would keep a thread for each.

A live view answers at once with what there is now (`follow_answer`), after Django has asked who may see it. Behind
`Following`, the answer then goes on as server-sent events until there is nothing more to follow or the reader leaves.
Without it (another server, tests) the answer ends there, and the browser asks again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from django.http import HttpResponse

from rollbook.web.live import LONGEST, Follower, Subject, Told, Viewer, Watcher

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]
App = Callable[[Any, Receive, Send], Awaitable[None]]

#: Says to `Following` what the reader follows; never sent to a browser.
_HEADER: Final = "X-Rollbook-Follow"
_NAME: Final = _HEADER.lower().encode()
_PATH: Final = "/live/"
#: More than these get what there is now, and ask again after a while: each open answer is an open file.
MOST: Final = 600
_AGAIN_MS: Final = 3000
#: Seconds that a reader may take for the last of it.
_LATE: Final = 30.0

#: Tells the browser that a run has ended: it asks for the page anew.
REFRESH: Final = b"event: refresh\ndata: now\n\n"
#: When many look, they do so one after another: each within so many seconds, less where fewer than MANY look.
SPREAD: Final = 10.0
MANY: Final = 200


def follow_answer(subject: Subject, viewer: Viewer, told: Told, seen: str) -> HttpResponse:
    """What a live view answers a viewer: what there is now. `seen` are the runs that the asking page shows, with
    commas."""
    shown = told.shown or frozenset()
    has_ended = told.over or bool({one for one in seen.split(",") if one} - shown)
    body = (REFRESH if has_ended else b"") + (b"" if told.over else told.text)
    answer = HttpResponse(body, content_type="text/event-stream")
    answer["Cache-Control"] = "no-store"
    answer["X-Accel-Buffering"] = "no"  # a proxy that gathers answers would keep it to itself
    if not told.over:
        what = f"{subject.run or '-'} {subject.language} {subject.may_cancel:d} {','.join(shown) or '-'}"
        answer[_HEADER] = f"{subject.organization} {what} {viewer.account} {viewer.session} {viewer.right}"
    return answer


class Following:
    """An ASGI application around Django's."""

    def __init__(self, app: App, watcher: Watcher) -> None:
        self._app, self._watcher = app, watcher

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].endswith(_PATH):
            await self._app(scope, receive, send)
            return
        held = _Held(send)
        await self._app(scope, receive, held)
        if held.subject is not None:
            await self._go_on(held, receive, send)

    async def _go_on(self, held: _Held, receive: Receive, send: Send) -> None:
        assert held.subject is not None
        await send(held.start)
        if self._watcher.number() >= MOST:
            again = b"retry: %d\n\n" % _AGAIN_MS
            await send({"type": "http.response.body", "body": held.body + again, "more_body": False})
            return
        await send({"type": "http.response.body", "body": held.body, "more_body": True})
        with self._watcher.follow(held.subject, held.viewer) as follower:
            gone = asyncio.ensure_future(_gone(receive))
            gone.add_done_callback(lambda _: follower.end())
            try:
                async with asyncio.timeout(LONGEST + _LATE):
                    await _pass_on(follower, held.shown, _Reader(send, gone, self._watcher))
            except TimeoutError:
                pass  # whoever takes nothing any more keeps no place; the server closes the connection
            finally:
                gone.cancel()


class _Reader:
    """Writes to one who follows. That a run has ended is said at once, and the page asked for anew a little later, so
    that not all who look ask in the same moment."""

    def __init__(self, send: Send, gone: asyncio.Future[None], watcher: Watcher) -> None:
        self._send, self._gone, self._watcher = send, gone, watcher
        self._due: float | None = None
        self._clock = asyncio.get_running_loop().time

    async def write(self, body: bytes, *, more: bool = True) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": more})

    def refresh_soon(self) -> None:
        longest = SPREAD * min(1.0, self._watcher.number() / MANY)
        self._due = self._due or self._clock() + random.uniform(0, longest)

    def left(self) -> float | None:
        """Seconds until the page is asked for; None while it is not to be."""
        return None if self._due is None else max(0.0, self._due - self._clock())

    async def refresh(self) -> None:
        self._due = None
        await self.write(REFRESH)

    async def end(self) -> None:
        """Of one who waits for the page to be asked for, after that."""
        if self._due is not None:
            await asyncio.wait({self._gone}, timeout=self.left())
            if not self._gone.done():
                await self.refresh()
        await self.write(b"", more=False)


async def _pass_on(follower: Follower, shown: frozenset[str], reader: _Reader) -> None:
    while True:
        try:
            news = await asyncio.wait_for(follower.next(), reader.left())
        except TimeoutError:
            await reader.refresh()
            continue
        if news is None:
            break
        if news.shown is not None:
            if shown - news.shown:
                reader.refresh_soon()
            shown = news.shown
        await reader.write(news.text)
    await reader.end()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class _Held:
    """Passes an answer on, unless it says that somebody follows something: then it is kept for `Following`."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.subject: Subject | None = None
        self.viewer: Viewer | None = None
        self.start: Message = {}
        self.shown: frozenset[str] = frozenset()
        self.body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._look_at(message)
        if self.subject is None:
            await self._send(message)
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")

    def _look_at(self, start: Message) -> None:
        found = next((value for name, value in start["headers"] if name.lower() == _NAME), None)
        if found is None:
            return
        organization, run, language, may_cancel, shown, account, session, right = found.decode().split(" ")
        self.subject = Subject(int(organization), "" if run == "-" else run, language, may_cancel == "1")
        self.viewer = Viewer(int(organization), int(account), session, right)
        self.shown = frozenset() if shown == "-" else frozenset(shown.split(","))
        ours = (_NAME, b"content-length")
        headers = [(name, value) for name, value in start["headers"] if name.lower() not in ours]
        self.start = {**start, "headers": headers}


__all__ = ["MOST", "REFRESH", "Following", "follow_answer"]
