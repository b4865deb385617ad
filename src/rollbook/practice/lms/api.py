"""The API under /v1: signature, credits, faults, then the handler of the path; one request at a time."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from rollbook.practice.lms import (
    assignments,
    buildings,
    categories,
    courses,
    enrollments,
    grades,
    leavers,
    periods,
    permissions,
    sections,
    user_links,
    user_tokens,
    users,
)  # fmt: skip
from rollbook.practice.lms.limiter import price
from rollbook.practice.lms.lms import Lms
from rollbook.practice.lms.multiget import multiget
from rollbook.practice.lms.oauth import Signed, Signer, Unsigned, Verifier
from rollbook.practice.lms.routing import Place, resolve
from rollbook.practice.lms.wire import Call, Handler, Refused, Reply, Routes
from rollbook.practice.server import Message, Receive, Scope, Send, cut

_MODULES = (
    buildings, periods, users, leavers, user_links, courses, sections, enrollments, categories, assignments,
    grades, user_tokens,
)  # fmt: skip
_PARENT_ANSWERS = ("sections/{id}/", "schools/{id}/")
_HEADERS = {"x-schoology": "API", "access-control-allow-origin": "*", "cache-control": "no-store"}
_ERRORS = {
    "unauthorized": (401, "Verification of signature failed. Request rejected."),
    "expire_token": (401, "The consumer key is no longer valid. Request rejected."),
    "forbidden": (403, ""),
    "not_found": (404, ""),
    "server_error": (500, "Internal Server Error"),
    "unavailable": (503, "Service Unavailable"),
}


class _Closed(Exception):
    """The connection was cut: nothing is left to answer."""


class Api:
    """An ASGI app to mount at /v1."""

    def __init__(self, lms: Lms) -> None:
        self._lms = lms
        settings = lms.settings
        keys = {settings.key: settings.secret}
        if settings.app_key:
            keys[settings.app_key] = settings.app_secret
        self._verifier = Verifier(keys, settings.base_url, lambda key, token: user_tokens.secret_of(lms, key, token))
        self._verifier.strict_order = settings.timestamps == "strict"
        self._verifier.fractions = settings.fractional_timestamps
        self._routes: dict[tuple[str, str], Handler] = {}
        for module in _MODULES:
            routes: Routes = module.ROUTES
            self._routes.update(routes)
        self._routes["POST", "multiget"] = multiget(self._handler)
        self._templates = {template for _, template in self._routes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started, method = time.time(), scope["method"]
        raw = scope.get("raw_path", scope["path"].encode()).decode("ascii")
        place = resolve(raw.removeprefix("/v1"))
        body = await _body(receive)
        shown = place.template if self._known(place.template) else "unknown"
        try:
            reply = await self._answer(scope, raw, place, body)
        except _Closed:
            self._lms.traffic.note(method, shown, 0, started=started)
            return
        counts = reply.status != 429 and "authenticated" in scope
        self._lms.traffic.note(
            method, shown, reply.status, credits=price(method) if counts else 0, started=started
        )  # fmt: skip
        await self._send(scope, send, reply)

    def _known(self, template: str) -> bool:
        return template in self._templates

    def _handler(self, method: str, template: str) -> Handler | None:
        return self._routes.get((method, template))

    async def _answer(self, scope: Scope, raw: str, place: Place, body: bytes) -> Reply:
        """Raises _Closed."""
        method, faults = scope["method"], self._lms.faults
        slow = faults.hit("slow", method, raw)
        if slow:
            await asyncio.sleep(float(slow["seconds"]))
        if faults.hit("cut", method, raw):
            await cut(scope)
            raise _Closed
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        query = scope["query_string"].decode("latin-1")
        try:
            signer = self._verifier.check(Signed(method, scope["scheme"], raw, query, headers))
        except Unsigned as error:
            return Reply(401, text=str(error))
        scope["authenticated"] = True
        wait = self._lms.limiter.spend(price(method), time.monotonic())
        if wait:
            return Reply(429, text="Too Many Requests", headers={"retry-after": str(wait)})
        return self._fault(method, raw) or self._handle(scope, place, headers, body, signer)

    def _fault(self, method: str, raw: str) -> Reply | None:
        faults = self._lms.faults
        throttle = faults.hit("throttle", method, raw)
        if throttle:
            return Reply(429, text="Too Many Requests", headers={"retry-after": str(throttle["retry_after"])})
        for name, (status, text) in _ERRORS.items():
            if faults.hit(name, method, raw):
                return Reply(status, text=text)
        if faults.hit("html", method, raw):
            page = "<!DOCTYPE html><html><head><title>Maintenance</title></head><body>Back soon.</body></html>"
            return Reply(200, text=page, kind="text/html; charset=utf-8")
        if faults.hit("not_json", method, raw):
            return Reply(200, text="Service is being updated", kind="application/json")
        return None

    def _handle(self, scope: Scope, place: Place, headers: dict[str, str], body: bytes, signer: Signer) -> Reply:
        template = place.template
        if not self._known(template) and scope["method"] == "GET":
            template = next((p.rstrip("/") for p in _PARENT_ANSWERS if template.startswith(p)), template)
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        call = Call(
            lms=self._lms, method=scope["method"], path=place.path, template=template, ids=place.ids,
            code=place.code, query=query, body=None, actor=self._owner(), base=self._base(scope), key=signer.key,
            token=signer.token,
        )  # fmt: skip
        try:
            call.actor = permissions.acting_user(call, headers.get("x-schoology-run-as"))
            if not self._known(template):
                raise Refused(404)
            if call.method == "OPTIONS":
                return self._options(template)
            handler = self._handler(call.method, template)
            if handler is None:
                raise Refused(405)
            permissions.check(call)
            call.body = _decoded(headers, body) if call.method in {"POST", "PUT"} else None
            with self._lms.store.transaction():
                reply = handler(call)
        except Refused as refused:
            return Reply(refused.status, text=refused.message)
        return Reply(500, text="Internal Server Error") if call.crash_after else reply

    def _owner(self) -> int:
        return self._lms.store.number("SELECT id FROM users ORDER BY id LIMIT 1")

    def _base(self, scope: Scope) -> str:
        host, port = scope["server"]
        return self._lms.settings.base_url or f"{scope['scheme']}://{host}:{port}/v1"

    def _options(self, template: str) -> Reply:
        methods = sorted(method for method, known in self._routes if known == template)
        return Reply(200, {"methods": methods}, headers={"allow": ", ".join([*methods, "OPTIONS"])})

    async def _send(self, scope: Scope, send: Send, reply: Reply) -> None:
        faults, raw = self._lms.faults, scope["path"]
        if faults.hit("drop_answer", scope["method"], raw):
            await cut(scope)
            return
        body = msgspec.json.encode(reply.data) if reply.data is not None else reply.text.encode()
        kind = "application/json" if reply.data is not None else reply.kind
        headers = {**_HEADERS, **reply.headers, "content-length": str(len(body))}
        if body:
            headers["content-type"] = kind
        if reply.status == 204:
            del headers["content-length"]
        pairs = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": reply.status, "headers": pairs})
        if len(body) > 1 and faults.hit("truncate", scope["method"], raw):
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            await cut(scope, flush=True)
            return
        await send({"type": "http.response.body", "body": body})


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message: Message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _decoded(headers: dict[str, str], body: bytes) -> Any:
    if not body:
        return {}
    if "application/json" not in headers.get("content-type", "").lower():
        raise Refused(415, "Unsupported content type")
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        raise Refused(400, "The request body is not valid JSON") from None
