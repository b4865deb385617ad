"""The practice SIS as a web app: finds what a request is about, and answers or misbehaves as told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rollbook.practice.control import control_routes, json_response
from rollbook.practice.faults import Faults
from rollbook.practice.sis.answers import Refused, error_answer, json_answer, unknown
from rollbook.practice.sis.auth import Auth, Token, TokenRefused
from rollbook.practice.sis.catalogue import DEVIATIONS, TOKEN_FAULTS
from rollbook.practice.sis.discovery import discovery_document
from rollbook.practice.sis.model import BASES
from rollbook.practice.sis.pages import overview
from rollbook.practice.sis.reads import Reads
from rollbook.practice.sis.store import Clock, Store, utc_now
from rollbook.practice.sis.traces import Traces
from rollbook.practice.sis.trouble import Struck, spoil, trouble_before
from rollbook.practice.sis.writes import POSTS, WRITABLE, Writes, write_scope

_METHODS = ["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS"]


class PracticeSis:
    """One practice SIS: its records, its rules, what is wrong with it, and what it was asked."""

    def __init__(
        self, directory: Path, *, version: str, key: str, secret: str, faults: Iterable[str],
        page_cap: int | None, prerender: tuple[str, int] | None, expires_in: int, vanish: str, clock: Clock,
    ) -> None:  # fmt: skip
        if version not in BASES:
            raise ValueError(f"version must be 1.1 or 1.2, not {version!r}")
        self.version = version
        self.vanish = vanish
        self.store = Store(directory, clock)
        self.auth = Auth(version, key, secret, clock, expires_in)
        self.reads = Reads(self.store, version, page_cap=page_cap, prerender=prerender)
        self.writes = Writes(self.store, version)
        self.faults = Faults({name: one.parameters for name, one in DEVIATIONS.items()}, faults)
        self.traffic = Traces()

    async def token(self, request: Request) -> Response:
        """POST /token: OAuth 2 client credentials."""
        struck = self._struck(request.method, "/token", token=True)
        try:
            if "token_down" in struck:
                raise TokenRefused(500, "server_error")
            body = self.auth.grant(request.headers, await request.body(), request.url.query, struck)
            answer = json_response(body)
            answer.headers["Cache-Control"] = "no-store"
            self.reads.warm(request)
        except TokenRefused as refused:
            answer = json_response({"error": refused.error}, refused.status)
        self.traffic.note("POST", "/token", answer.status_code)
        return answer

    async def call(self, request: Request) -> Response:
        """Any call under a OneRoster base path."""
        self.traffic.began()
        await asyncio.sleep(0)  # lets requests that came in at the same time be seen together
        self.traffic.seen()
        try:
            return await self._call(request)
        finally:
            self.traffic.ended()

    async def _call(self, request: Request) -> Response:
        services, parts = self._split(request)
        template = "/" + "/".join("*" if i % 2 else part for i, part in enumerate(parts))
        struck = self._struck(request.method, "/" + "/".join(parts))
        try:
            await trouble_before(struck)
            answer = await self._answer(request, services, template, tuple(parts[1::2]), struck)
        except Refused as refused:
            answer = error_answer(self.version, refused, flat="flat_errors" in struck)
        except Exception:
            failed = Refused(500, "internal_server_error", "the practice SIS failed")
            answer = error_answer(self.version, failed)
        self.traffic.answered(request, template, answer)
        return spoil(answer, struck)

    def _split(self, request: Request) -> tuple[list[str], list[str]]:
        """The services behind the base path, and the parts of the rest, decoded after splitting."""
        raw = request.scope["raw_path"].decode("ascii")
        for base in BASES[self.version].values():
            if raw.startswith(f"{base}/"):
                services = [name for name, at in BASES[self.version].items() if at == base]
                return services, [unquote(part) for part in raw[len(base) + 1 :].split("/")]
        return [], ["unknown"]

    def _struck(self, method: str, path: str, *, token: bool = False) -> Struck:
        hit = self.faults.hit
        names = TOKEN_FAULTS if token else DEVIATIONS.keys() - TOKEN_FAULTS
        return {name: found for name in names if (found := hit(name, method, path)) is not None}

    async def _answer(
        self, request: Request, services: list[str], template: str, ids: tuple[str, ...], struck: Struck
    ) -> Response:
        if self.version == "1.2" and template == "/discovery/*" and request.method == "GET":
            return json_answer(discovery_document(request, services[0], ids[0]))
        token = self.auth.check(request, struck)
        pair = f"{self.auth.key}:{self.auth.secret}"
        if "extra_header" in struck and request.headers.get("x-vendor-authorization") != pair:
            raise Refused(401, "unauthorisedrequest", "x-vendor-authorization is missing or wrong")
        if request.method == "GET":
            view = self.reads.find(services, template)
            if view is None:
                raise unknown("this address")
            _need(token, view.scopes)
            return self.reads.answer(request, view, ids, struck)
        return await self._write(request, services, template, ids, token=token, struck=struck)

    async def _write(
        self, request: Request, services: list[str], template: str, ids: tuple[str, ...], *,
        token: Token, struck: Struck,
    ) -> Response:  # fmt: skip
        method, plural = request.method, template.split("/")[1]
        if "gradebook" in services and method == "POST" and self.version == "1.2" and template in POSTS:
            _need(token, (write_scope(POSTS[template].kind, method),))
            return self.writes.post(template, ids, await request.body(), struck)
        single = template == f"/{plural}/*" and plural in WRITABLE[self.version]
        if "gradebook" in services and single and method in ("PUT", "DELETE"):
            _need(token, (write_scope(plural, method),))
            if method == "DELETE":
                return self.writes.delete(plural, ids[0], struck)
            return self.writes.put(plural, ids[0], await request.body(), struck)
        if self.reads.find(services, template) is None:
            raise unknown("this address")
        raise Refused(405, "unsupported", f"{method} is not supported here")

    async def load(self, request: Request) -> Response:
        """POST /_practice/load {"directory", "vanish"?}: the next day."""
        try:
            given = await request.json()
            vanish = given.get("vanish", self.vanish)
            if vanish not in ("tobedeleted", "disappear"):
                raise ValueError("vanish must be tobedeleted or disappear")
            counts = self.store.replace(Path(given["directory"]), vanish)
        except (ValueError, KeyError, AttributeError, OSError) as error:
            return json_response({"error": f"{type(error).__name__}: {error}"}, 400)
        self.reads.drift.moved.clear()
        return json_response(counts)

    async def warm(self, request: Request) -> Response:
        """POST /_practice/prerender: render the pages of `prerender` now."""
        self.reads.warm(request)
        return Response(status_code=204)

    async def page(self, request: Request) -> Response:
        """GET /: what a person may look at."""
        return overview(self.store, self.version, request.query_params.get("q", ""))


def _need(token: Token, scopes: tuple[str, ...]) -> None:
    if token.scopes.isdisjoint(scopes):
        raise Refused(403, "forbidden", f"needs scope {' or '.join(scopes)}")


def create_sis(
    directory: Path, *, version: str = "1.1", key: str = "practice", secret: str = "practice",
    faults: Iterable[str] = (), page_cap: int | None = None, prerender: tuple[str, int] | None = None,
    expires_in: int = 3600, vanish: str = "tobedeleted", clock: Clock = utc_now,
) -> Starlette:  # fmt: skip
    """A OneRoster provider over a folder of CSV in any layout, as a Starlette app.

    `version` is what is served: 1.1 or 1.2. `faults` are texts such as "slow:seconds=0.5,times=3"; see
    `fault_names`. `page_cap` clamps `limit`. `prerender` is (collection, page size), for benchmarks: those
    pages are rendered at the first token request or at POST /_practice/prerender. `expires_in` is in seconds.
    `vanish` says what becomes of records that a later day no longer has: "tobedeleted" or "disappear".
    Raises FileNotFoundError when the folder holds no OneRoster file, UnknownFault, ValueError.
    """
    sis = PracticeSis(
        Path(directory), version=version, key=key, secret=secret, faults=faults, page_cap=page_cap,
        prerender=prerender, expires_in=expires_in, vanish=vanish, clock=clock,
    )  # fmt: skip
    routes = [
        Route("/", sis.page, methods=["GET"]),
        Route("/token", sis.token, methods=["POST"]),
        Route("/_practice/load", sis.load, methods=["POST"]),
        Route("/_practice/prerender", sis.warm, methods=["POST"]),
        *control_routes(sis.faults, sis.traffic),
        Route("/ims/oneroster/{rest:path}", sis.call, methods=_METHODS),
    ]
    app = Starlette(routes=routes)
    app.state.sis = sis
    return app
