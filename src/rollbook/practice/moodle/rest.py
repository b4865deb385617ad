"""The REST server, /webservice/rest/server.php: variables, token, function, answer (webservice_base_server::run)."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import msgspec

from rollbook.practice.moodle import words
from rollbook.practice.moodle.account import account_amiss, account_unfit
from rollbook.practice.moodle.call import Call, Function, check_warnings
from rollbook.practice.moodle.functions import FUNCTIONS
from rollbook.practice.moodle.locks import Stuck
from rollbook.practice.moodle.php import Arrays, variables
from rollbook.practice.moodle.site import Site
from rollbook.practice.moodle.thrown import (
    Thrown,
    as_xml,
    bad_parameter,
    no_access,
    no_record,
    not_written,
    result_as_xml,
)
from rollbook.practice.moodle.trouble import Trouble, after, before, thrown_fault
from rollbook.practice.server import Message, Receive, Scope, Send, cut

_JSON, _XML = "application/json", "application/xml; charset=utf-8"
#: What a call may say about texts of its answer; another name is one of the function's parameters, and refused.
_SETTINGS = ("raw", "fileurl", "filter", "lang", "timezone")
_HEADERS = {
    "cache-control": "private, must-revalidate, pre-check=0, post-check=0, max-age=0", "pragma": "no-cache",
    "accept-ranges": "none", "access-control-allow-origin": "*",
}  # fmt: skip


class _Fatal(Exception):
    """PHP ended in the middle of a call."""


class Closed(Exception):
    """The connection was cut: nothing is left to answer."""


@dataclass
class Answer:
    """`note` says in a word what became of the call: "ok", an errorcode, or what the web server did."""

    status: int
    body: bytes
    kind: str = _JSON
    headers: dict[str, str] = field(default_factory=dict)
    note: str = "ok"


class Rest:
    """An ASGI app for the one address."""

    def __init__(self, site: Site) -> None:
        self._site = site
        release = site.settings.release()
        self._functions = {name: each for name, each in FUNCTIONS.items() if each.since <= release}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.time()
        body = await _body(receive)
        request = self._read(scope, body)
        name = str(request.get("wsfunction", ""))
        known = self._functions.get(name)
        shown = name if known else "unknown"
        call = Call(self._site, shown, bool(known and known.writes), base_of(self._site, scope), len(body))
        call.blocked = self._site.settings.blocks(body)
        try:
            answer, items = await self._answer(scope, call, request, known)
        except Closed:
            self._note(scope, shown, Answer(0, b"", note="cut"), started, 0)
            return
        self._note(scope, shown, answer, started, items)
        await self._send(scope, send, call, answer)

    def _read(self, scope: Scope, body: bytes) -> Arrays:
        """GET and POST variables; a body above `post_max_size` is no body at all, as in PHP."""
        settings = self._site.settings
        most = settings.max_input_vars
        found = variables(scope["query_string"].decode("latin-1"), most)
        headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in scope["headers"]}
        form = headers.get("content-type", "").lower().startswith("application/x-www-form-urlencoded")
        if form and len(body) <= settings.post_max_size:
            found.update(variables(body.decode("latin-1"), most))
        return found

    def _note(self, scope: Scope, shown: str, answer: Answer, started: float, items: int) -> None:
        self._site.traffic.note(scope["method"], shown, answer.status, started=started)
        self._site.traffic.calls.append([started, time.time(), shown, answer.note, items])

    async def _answer(
        self, scope: Scope, call: Call, request: Arrays, function: Function | None
    ) -> tuple[Answer, int]:  # fmt: skip
        """The answer and how many elements were written. Raises Closed."""
        slow = call.fault("slow")
        if slow:
            await asyncio.sleep(float(slow["seconds"]))
        if call.fault("cut"):
            await cut(scope)
            raise Closed
        settings = self._site.settings
        if settings.body_limit and call.size > settings.body_limit:
            return _told(Trouble.page(413, "Request Entity Too Large")), 0
        trouble = before(call)
        if trouble is None and not settings.enabled:
            trouble = Trouble(403, "", note="disabled")
        if trouble is not None:
            return _told(trouble), 0
        as_json = request.pop("moodlewsrestformat", "xml") == "json"
        items = _count(request, function)
        async with self._site.workers:
            try:
                await self._take_time(call, request, function, items)
                return self._run(call, request, function, as_json), items
            except Thrown as thrown:
                return self._thrown(thrown, as_json), items
            finally:
                self._site.locks.release(call)

    async def _take_time(self, call: Call, request: Arrays, function: Function | None, items: int) -> None:
        """As long as the call takes, and waits for rows that other calls hold. Raises Thrown where it does not get one;
        nothing was written by then."""
        each = _seconds(self._site, function)
        rows = _rows(request, function)
        locked = call.fault("deadlocks") if rows else None
        seconds = self._site.settings.call_seconds + (0.0 if locked else items * each)
        if seconds:
            await asyncio.sleep(seconds)
        if locked:
            await self._row_by_row(call, rows, each or float(locked["seconds"]), float(locked["patience"]))

    async def _row_by_row(self, call: Call, rows: list[str], each: float, patience: float) -> None:
        """Takes the rows one after the other, with so many seconds of work at each. Raises Thrown."""
        clock = asyncio.get_running_loop().time
        due = clock()
        for row in rows:
            asked = clock()
            try:
                await self._site.locks.take(call, row, patience)
            except Stuck as stuck:
                raise not_written(str(stuck)) from None
            due += clock() - asked + each  # what a sleep is too long is made up for by the next one
            await asyncio.sleep(max(0.0, due - clock()))

    def _thrown(self, thrown: Thrown, as_json: bool) -> Answer:
        settings = self._site.settings
        texts = words.of(settings.lang)
        shown = thrown.shown(debugging=settings.debug, release=settings.release(), words=texts)
        text = msgspec.json.encode(shown) if as_json else as_xml(shown).encode()
        return Answer(200, text, _JSON if as_json else _XML, note=thrown.code)

    def _run(self, call: Call, request: Arrays, function: Function | None, as_json: bool) -> Answer:
        """Raises Thrown."""
        try:
            data = self._execute(call, request, function)
        except _Fatal:
            return Answer(500, b"", "text/html; charset=UTF-8", note="fatal")
        text = msgspec.json.encode(data) if as_json else result_as_xml(data).encode()
        answer = Answer(200, text, _JSON if as_json else _XML)
        trouble = after(call, text)
        return answer if trouble is None else _told(trouble)

    def _execute(self, call: Call, request: Arrays, function: Function | None) -> Any:
        """Raises Thrown and _Fatal; what was written stays unless the function is whole."""
        self._admit(call, request, function)
        assert function is not None
        refused = thrown_fault(call) or account_unfit(self._site.settings.account, call.name)
        if refused is not None:
            raise refused
        given = self._site.cleaner.check(function.takes, request)
        with self._site.store.transaction():
            data = function.do(call, given)
            if call.fatal and function.whole:
                raise _Fatal
        if call.fatal or (not function.writes and call.fault("fatal")):
            raise _Fatal
        check_warnings(data)
        return None if data is None else _odd_list(call, data)

    def _admit(self, call: Call, request: Arrays, function: Function | None) -> None:
        """Token, then function, then whether the one may call the other. Raises Thrown."""
        token, name = request.pop("wstoken", None), request.pop("wsfunction", "")
        if token != self._site.settings.token:
            raise Thrown("invalidtoken", "Invalid token - token not found")
        amiss = account_amiss(self._site.settings.account)
        if amiss is not None:
            raise amiss
        if not self._site.may("webservice/rest:use"):
            raise no_access("You are not allowed to use the rest protocol (missing capability: webservice/rest:use)")
        if not name:
            raise bad_parameter("Missing function name")
        if function is None:
            raise no_record("external_functions")
        allowed = self._site.settings.functions
        if allowed is not None and name not in allowed:
            raise no_access(f"Access to the function {name}() is not allowed.")
        for setting in _SETTINGS:
            request.pop(f"moodlewssetting{setting}", None)

    async def _send(self, scope: Scope, send: Send, call: Call, answer: Answer) -> None:
        if call.fault("drop_answer"):
            await cut(scope)
            return
        headers = {
            **_HEADERS, "content-type": answer.kind, "content-length": str(len(answer.body)), **answer.headers
        }  # fmt: skip
        pairs = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": pairs})
        if len(answer.body) > 1 and call.fault("truncate"):
            half = answer.body[: len(answer.body) // 2]
            await send({"type": "http.response.body", "body": half, "more_body": True})
            await cut(scope, flush=True)
            return
        await send({"type": "http.response.body", "body": answer.body})


def base_of(site: Site, scope: Scope) -> str:
    """The site's address without a slash at its end."""
    host, port = scope["server"]
    return site.settings.wwwroot or f"{scope['scheme']}://{host}:{port}{site.settings.path}"


def _told(trouble: Trouble) -> Answer:
    return Answer(trouble.status, trouble.body.encode(), trouble.kind, trouble.headers, trouble.note)


def _count(request: Arrays, function: Function | None) -> int:
    """How many elements a call brings that take time."""
    listed = request.get(function.costs) if function and function.costs else None
    return len(listed) if isinstance(listed, dict) else 0


def _rows(request: Arrays, function: Function | None) -> list[str]:
    """The rows that a call changes and others may want, in its order."""
    name, value = function.locks if function else ("", "")
    listed = request.get(name)
    if not isinstance(listed, dict):
        return []
    return [f"{value} {each[value]}" for each in listed.values() if isinstance(each, dict) and value in each]


def _seconds(site: Site, function: Function | None) -> float:
    costs = function.costs if function else ""
    return {"users": site.settings.user_seconds, "enrolments": site.settings.enrolment_seconds}.get(costs, 0.0)


def _odd_list(call: Call, data: Any) -> Any:
    """What the fault `missing_key` makes of an answer that holds a list."""
    lists = isinstance(data, list) or (isinstance(data, dict) and any(isinstance(each, list) for each in data.values()))
    if not lists or call.writes or not call.fault("missing_key"):
        return data
    return {"items": data} if isinstance(data, list) else {f"{name}_": each for name, each in data.items()}


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message: Message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)
