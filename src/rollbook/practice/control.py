"""What tests ask a practice system outside its API: faults and request counts; never part of its API."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rollbook.practice.faults import Faults, UnknownFault


class Traffic:
    """Counts of the requests a practice system was sent; every attempt counts, also a refused one."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.attempts: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.refused = 0
        self.log: deque[list[Any]] = deque(maxlen=200_000)

    def note(self, method: str, template: str, status: int, *, credits: int = 0, started: float = 0.0) -> None:
        """One attempt. `template` is the path without ids, so that no personal data is kept.

        `started` is a wall clock in seconds; a log row is [started, method, template, status, credits].
        """
        key = f"{method} {template}"
        self.attempts[key] += 1
        self.statuses[f"{key} {status}"] += 1
        if status == 429:
            self.refused += 1
        self.log.append([started or time.time(), method, template, status, credits])

    def summary(self) -> dict[str, Any]:
        spent = sum(row[4] for row in self.log)
        return {
            "total": sum(self.attempts.values()), "attempts": dict(self.attempts),
            "statuses": dict(self.statuses), "refused": self.refused, "credits": spent,
            "log": list(self.log),
        }  # fmt: skip


def json_response(data: Any, status: int = 200) -> Response:
    """Any plain data as a JSON answer."""
    return Response(msgspec.json.encode(data), status, media_type="application/json")


def control_routes(faults: Faults, traffic: Traffic, more: Callable[[], dict[str, Any]] = dict) -> list[Route]:
    """Routes of the control API.

    GET `/_practice/faults` lists; POST takes {"on": [{"name", ...settings} or text], "off": [names],
    "clear": true} in the order clear, off, on. GET `/_practice/requests` (with what `more` adds to it), POST
    `/_practice/reset-counters`.
    """

    async def show_faults(request: Request) -> Response:
        return json_response(faults.listing())

    async def change_faults(request: Request) -> Response:
        try:
            _change(faults, msgspec.json.decode(await request.body() or b"{}"))
        except (UnknownFault, msgspec.DecodeError, TypeError, KeyError, AttributeError) as error:
            return json_response({"error": str(error)}, 400)
        return json_response(faults.listing())

    async def show_requests(request: Request) -> Response:
        return json_response({**traffic.summary(), **more()})

    async def reset(request: Request) -> Response:
        traffic.reset()
        return Response(status_code=204)

    return [
        Route("/_practice/faults", show_faults, methods=["GET"]),
        Route("/_practice/faults", change_faults, methods=["POST"]),
        Route("/_practice/requests", show_requests, methods=["GET"]),
        Route("/_practice/reset-counters", reset, methods=["POST"]),
    ]


def _change(faults: Faults, wanted: dict[str, Any]) -> None:
    if wanted.get("clear"):
        faults.clear()
    for name in wanted.get("off", []):
        faults.turn_off(name)
    for item in wanted.get("on", []):
        if isinstance(item, str):
            faults.turn_on_text(item)
        else:
            settings = dict(item)
            faults.turn_on(settings.pop("name"), **settings)
