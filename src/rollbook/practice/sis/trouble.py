"""Trouble on the wire, when it is switched on: delays, refusals, spoiled bodies, cut connections."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rollbook.practice import server
from rollbook.practice.sis.answers import Refused

Struck = dict[str, dict[str, Any]]

_HTML = "<!doctype html><title>Sign in</title><p>Your session has ended.</p>"


async def trouble_before(struck: Struck) -> None:
    """What happens before a request is even looked at. Raises Refused (429, 500, 401, 403)."""
    if "slow" in struck:
        await asyncio.sleep(struck["slow"]["seconds"])
    if "throttle" in struck:
        wait = str(struck["throttle"]["retry_after"])
        raise Refused(429, "server_busy", "too many requests", Retry_After=wait)
    if "server_error" in struck:
        raise Refused(struck["server_error"]["status"], "internal_server_error", "internal server error")
    if "unauthorized" in struck:
        raise Refused(401, "unauthorisedrequest", "the key is not valid")
    if "forbidden" in struck:
        raise Refused(403, "forbidden", "the key may not see this")


def spoil(answer: Response, struck: Struck) -> Response:
    """The answer as it goes out; bodies are spoiled only when they are good."""
    if "drop_answer" in struck:
        return _Cut(answer, half=False)
    if answer.status_code != 200:
        return answer
    if "html" in struck:
        return Response(_HTML, 200, media_type="text/html")
    if "not_json" in struck:
        return Response("Service is being updated", 200, media_type="application/json")
    if "truncate" in struck:
        kept = {name: value for name, value in answer.headers.items() if name != "content-length"}
        return Response(bytes(answer.body)[: len(answer.body) // 2], 200, kept)
    return _Cut(answer, half=True) if "half_page" in struck else answer


class _Cut(Response):
    """An answer that is not sent, or sent in half, before its connection is cut."""

    def __init__(self, answer: Response, *, half: bool) -> None:
        super().__init__(status_code=answer.status_code)
        self._whole = answer
        self._half = half

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._half:
            body = bytes(self._whole.body)
            head = {"type": "http.response.start", "status": self._whole.status_code}
            await send({**head, "headers": self._whole.raw_headers})
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await server.cut(scope, flush=self._half)
