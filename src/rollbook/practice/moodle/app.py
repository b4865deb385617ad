"""Puts one practice Moodle together: the REST server, and what tests may ask and set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rollbook.practice.assembly import app_of, clock_route, password_route, planted, state_route
from rollbook.practice.control import control_routes, json_response
from rollbook.practice.lti_pages import lti_routes
from rollbook.practice.moodle.gradebook import change
from rollbook.practice.moodle.lti import MoodlePlatform
from rollbook.practice.moodle.passwords import hashed
from rollbook.practice.moodle.rest import Rest
from rollbook.practice.moodle.seed import plant
from rollbook.practice.moodle.settings import Settings
from rollbook.practice.moodle.site import Site
from rollbook.practice.moodle.state import dump
from rollbook.practice.moodle.store import Store

SERVER = "/webservice/rest/server.php"


def create_moodle(
    database: Path | None = None,
    *,
    token: str = "practice",
    faults: Sequence[str] = (),
    seed: str = "",
    **settings: Any,
) -> Starlette:
    """A practice Moodle as an ASGI app; more `settings` are those of `Settings`.

    `database` None keeps everything in memory; a file is continued where it was left. `faults` are texts such
    as `throttle:times=3`. Raises UnknownFault, ValueError for an unknown seed or release, TypeError for an unknown
    setting.
    """
    chosen = Settings(token=token, **settings)
    store = Store(database, loose=chosen.dbtype == "mysqli")

    def make(fresh: Store) -> Site:
        plant(fresh, seed)
        return Site(fresh, chosen, faults)

    site = planted(store, make)
    app = app_of(store, [
        Route(chosen.path + SERVER, endpoint=Rest(site), methods=["GET", "POST"]),
        *control_routes(site.faults, site.traffic, lambda: _calls(site)),
        *_state_routes(site),
        *_platform_routes(MoodlePlatform(site)),
    ])  # fmt: skip
    app.state.moodle = site
    return app


def _platform_routes(platform: MoodlePlatform) -> list[Route]:
    """The site's first page, and those of LTI."""

    async def first_page(request: Request) -> Response:
        return platform.courses()

    return [Route("/", first_page), *lti_routes(platform)]


def _calls(site: Site) -> dict[str, Any]:
    """Each call as [start, end, function, what became of it, elements], and how long none was in flight."""
    return {"calls": list(site.traffic.calls), "in_flight": site.idle()}


def _state_routes(site: Site) -> list[Route]:
    """GET `state`; POST `gradebook` (see `gradebook.change`), `now` {"now": unix seconds or null}, `check-password`
    {"username", "password"}.
    """

    def pretend(seconds: Any) -> int:
        site.pretended_now = int(seconds) if seconds is not None else None
        return site.now()

    def look(username: str, password: str) -> dict[str, Any] | None:
        row = site.store.one("SELECT * FROM users WHERE username = ?", username)
        return None if row is None else {
            "matches": row["password"] == hashed(password), "times_set": row["password_times"],
            "force_change": bool(row["force_change"]),
        }  # fmt: skip

    async def gradebook(request: Request) -> Response:
        try:
            return json_response(change(site, msgspec.json.decode(await request.body())))
        except (msgspec.DecodeError, LookupError, TypeError, AttributeError) as error:
            return json_response({"error": str(error)}, 400)

    return [
        state_route(lambda: dump(site.store)), clock_route("now", pretend), password_route("username", look),
        Route("/_practice/gradebook", gradebook, methods=["POST"]),
    ]  # fmt: skip
