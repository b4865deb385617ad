"""No request may be endless: bodies are counted before anything is done with them, because Django keeps each whole body
on disk before it asks who sends it. Large files are taken only from those who are signed in."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http.cookie import parse_cookie

from rollbook.store.database import DATABASE_TROUBLE

#: The largest file that may be uploaded, in MiB.
UPLOAD_MIB: Final = int(os.environ.get("ROLLBOOK_UPLOAD_MIB", "2048"))
MIB: Final = 1 << 20
#: Any other body; somewhat more than DATA_UPLOAD_MAX_MEMORY_SIZE, which has its own words.
_OTHER: Final = 16 * MIB
#: What a form has beside its file.
_AROUND: Final = MIB
_UPLOADS: Final = "/files/upload"

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class TooLong(Exception):
    """More came than may come."""


async def signed_in(scope: Scope) -> bool:
    """Does the request come with the session of somebody who has signed in? What they may do is asked later."""
    given = "; ".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie")
    key = parse_cookie(given).get(settings.SESSION_COOKIE_NAME)
    return await sync_to_async(_is_somebody)(key) if key else False


def _is_somebody(key: str) -> bool:
    from django.contrib.sessions.backends.db import SessionStore  # needs Django's settings

    try:
        return SESSION_KEY in SessionStore(key)
    except DATABASE_TROUBLE:
        return False


class Bounded:
    """An ASGI application that answers 413 to a body that is too long, said or not."""

    def __init__(
        self, app: App, *, upload_mib: int = UPLOAD_MIB, knows: Callable[[Scope], Awaitable[bool]] = signed_in
    ) -> None:
        """`knows`: may whoever sends this a large file?"""
        self._app, self._upload, self._knows = app, upload_mib * MIB + _AROUND, knows

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = _OTHER
        if str(scope["path"]).endswith(_UPLOADS) and await self._knows(scope):
            most = self._upload
        if _said(scope) > most:
            await _refuse(send)
            return
        got = 0

        async def counted() -> Message:
            nonlocal got
            message = await receive()
            got += len(message.get("body", b""))
            if got > most:
                raise TooLong
            return message

        try:
            await self._app(scope, counted, send)
        except TooLong:
            await _refuse(send)


def _said(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


async def _refuse(send: Send) -> None:
    text = b"What you sent is too large. Go back, and send a smaller file.\n"
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": 413, "headers": [*headers, (b"connection", b"close")]})
    await send({"type": "http.response.body", "body": text})
