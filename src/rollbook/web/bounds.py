"""No request may be endless: bodies are counted before anything is done with them, because Django keeps each whole body
on disk before it asks who sends it."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

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


class Bounded:
    """An ASGI application that answers 413 to a body that is too long, said or not."""

    def __init__(self, app: App, *, upload_mib: int = UPLOAD_MIB) -> None:
        self._app, self._upload = app, upload_mib * MIB + _AROUND

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._upload if str(scope["path"]).endswith(_UPLOADS) else _OTHER
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
