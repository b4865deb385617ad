"""Puts a practice LMS together, of whatever kind: its store, planted once, an app that closes it, and what tests ask of
every one of them; knows no system."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from rollbook.practice.control import json_response
from rollbook.practice.database import Database

S = TypeVar("S", bound=Database)
T = TypeVar("T")


def planted(store: S, make: Callable[[S], T]) -> T:
    """What `make` makes of a store, which is closed where that raises ValueError."""
    try:
        return make(store)
    except ValueError:
        store.close()
        raise


def app_of(store: Database, routes: Sequence[BaseRoute]) -> Starlette:
    """An app that closes its store when it ends."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        store.close()

    return Starlette(routes=list(routes), lifespan=lifespan)


def state_route(dump: Callable[[], Any]) -> Route:
    """GET `/_practice/state`."""

    async def state(request: Request) -> Response:
        return json_response(dump())

    return Route("/_practice/state", state)


def clock_route(name: str, pretend: Callable[[Any], Any]) -> Route:
    """POST `/_practice/<name>` {name: value or null}: `pretend` sets the clock and tells what it shows."""

    async def clock(request: Request) -> Response:
        try:
            shown = pretend(msgspec.json.decode(await request.body())[name])
        except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
            return json_response({"error": str(error)}, 400)
        return json_response({name: shown})

    return Route(f"/_practice/{name}", clock, methods=["POST"])


def password_route(by: str, look: Callable[[Any, str], dict[str, Any] | None]) -> Route:
    """POST `/_practice/check-password` {by: who, "password"}: what `look` says of it, 404 for nobody."""

    async def check_password(request: Request) -> Response:
        asked = msgspec.json.decode(await request.body())
        found = look(asked[by], asked["password"])
        return json_response({"error": "no such user"}, 404) if found is None else json_response(found)

    return Route("/_practice/check-password", check_password, methods=["POST"])
