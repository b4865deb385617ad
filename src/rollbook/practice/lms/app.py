"""Puts one practice LMS together: the API under /v1, pages for people, and what tests may ask and set."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from rollbook.practice.assembly import app_of, clock_route, password_route, planted, state_route
from rollbook.practice.control import control_routes, json_response
from rollbook.practice.lms.api import Api
from rollbook.practice.lms.app_center import app_routes
from rollbook.practice.lms.lms import Lms
from rollbook.practice.lms.lti import LmsPlatform
from rollbook.practice.lms.pages import page_routes
from rollbook.practice.lms.seed import plant
from rollbook.practice.lms.settings import Settings
from rollbook.practice.lms.state import dump
from rollbook.practice.lms.state import mails as mails_sent
from rollbook.practice.lms.store import Store
from rollbook.practice.lms.user_rules import password_fits
from rollbook.practice.lms.user_token_pages import user_token_routes
from rollbook.practice.lti_pages import lti_routes


def create_lms(
    database: Path | None = None, *, key: str = "practice", secret: str = "practice", limiter: bool = False,
    faults: Sequence[str] = (), seed: str = "", **settings: Any,
) -> Starlette:  # fmt: skip
    """A practice LMS as an ASGI app; more `settings` are those of `Settings`.

    `database` None keeps everything in memory; a file is continued where it was left. `faults` are texts such
    as `throttle:times=3`. Raises UnknownFault, ValueError for an unknown
    seed, TypeError for an unknown setting.
    """
    chosen = Settings(key=key, secret=secret, limiter=limiter, **settings)
    store = Store(database)

    def make(fresh: Store) -> Lms:
        plant(fresh, seed)
        return Lms(fresh, chosen, faults)

    lms = planted(store, make)
    app = app_of(store, [
        Mount("/v1", app=Api(lms)),
        *control_routes(lms.faults, lms.traffic, lambda: _credits(lms)),
        *_state_routes(lms),
        *lti_routes(LmsPlatform(lms)),
        *page_routes(lms),
        *app_routes(lms),
        *user_token_routes(lms),
    ])  # fmt: skip
    app.state.lms = lms
    return app


def _credits(lms: Lms) -> dict[str, Any]:
    """How much of the usable credits was spent between the first and the last write.

    Usable are `limiter_credits` for every `limiter_seconds` that passed between the two.
    """
    log = list(lms.traffic.log)
    writes = [row[0] for row in log if row[4] > 1 and row[3] != 429]
    if not writes:
        return {"write_span": None}
    first, last = min(writes), max(writes)
    spent = sum(row[4] for row in log if first <= row[0] <= last)
    usable = lms.settings.limiter_credits * (last - first) / lms.settings.limiter_seconds
    share = spent / usable if usable else None
    span = {"first": first, "last": last, "writes": len(writes), "spent": spent, "usable": usable}
    return {"write_span": {**span, "share": share}}


def _state_routes(lms: Lms) -> list[Route]:
    """GET `state`, GET `mails`, POST `today` {"today": "YYYY-MM-DD" or null}, POST `check-password`."""

    def pretend(day: Any) -> str:
        lms.pretended_today = date.fromisoformat(day) if day else None
        return lms.today()

    def look(school_uid: str, password: str) -> dict[str, Any] | None:
        row = lms.store.one("SELECT * FROM users WHERE school_uid = ?", school_uid)
        if row is None:
            return None
        return {"matches": password_fits(row, password), "times_set": row["password_times"]}

    async def mails(request: Request) -> Response:
        kinds = mails_sent(lms.store)
        return json_response({"total": sum(kinds.values()), "kinds": kinds})

    return [
        state_route(lambda: dump(lms.store)), Route("/_practice/mails", mails), clock_route("today", pretend),
        password_route("school_uid", look),
    ]  # fmt: skip
