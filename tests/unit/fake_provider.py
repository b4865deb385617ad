"""A small OneRoster provider behind httpx2.MockTransport, correct unless told otherwise; shares no code with ours."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, quote

import httpx2

from rollbook.connectors.base import Context, Page, ReadRequest, Verdict
from rollbook.connectors.oneroster_rest.options import OneRosterOptions
from rollbook.connectors.oneroster_rest.source import OneRosterSource
from rollbook.errors import RunCancelled

BASE = "https://sis.example/ims/oneroster/v1p1"


class FakeCancel:
    """Never sleeps; remembers how long it was asked to. `stop` makes every further check raise."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.stop = False

    def check(self) -> None:
        if self.stop:
            raise RunCancelled("stopped")

    def wait(self, seconds: float) -> None:
        self.check()
        self.waits.append(seconds)
        time.sleep(min(seconds, 0.02))


@dataclass
class Attempts:
    number: int = 0
    lock: Lock = field(default_factory=Lock)

    def __call__(self, attempts: int = 1, /) -> None:
        with self.lock:
            self.number += attempts


def context(work: Path, *, allow: bool = True) -> Context:
    return Context(work=work, cancel=FakeCancel(), count=Attempts(), allow_private_hosts=allow)


def records(number: int) -> list[dict[str, Any]]:
    return [{"sourcedId": f"u{place:05}", "givenName": f"Given{place}"} for place in range(number)]


@dataclass
class Provider:
    """Serves `rows` under every collection. `before` sees each page request first and may answer it itself; the other
    settings bend the answers."""

    rows: list[dict[str, Any]]
    cap: int = 1000
    total: bool = True
    link: bool = True
    refuse: tuple[str, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    envelope: str = ""
    before: Callable[[Provider, int, int], httpx2.Response | None] = lambda provider, offset, number: None
    link_query: Callable[[str], str] = lambda query: query
    asked: list[dict[str, str]] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/token":
            return httpx2.Response(200, json={"access_token": "t", "token_type": "Bearer", "expires_in": 3600})
        with self.lock:
            return self._answer(request)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        given = {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}
        self.asked.append(given)
        if any(name in given for name in self.refuse):
            return httpx2.Response(400, json={"imsx_codeMajor": "failure"})
        limit, offset = min(int(given.get("limit", 100)), self.cap), int(given.get("offset", 0))
        own = self.before(self, offset, len(self.asked))
        if own is not None:
            return own
        found = self.rows[offset : offset + limit]
        headers = {"date": formatdate(usegmt=True), **self.headers}
        if self.total:
            headers["X-Total-Count"] = str(len(self.rows))
        if self.link and offset + len(found) < len(self.rows):
            kept = "&".join(
                f"{name}={quote(value)}" for name, value in given.items() if name not in ("limit", "offset")
            )
            query = self.link_query(f"{kept}&limit={limit}&offset={offset + len(found)}")
            headers["Link"] = (
                f'<{request.url.copy_with(query=None)}?{query}>; rel="next", <{BASE}/x?limit=3>; rel="last"'
            )
        elif self.link:
            headers["Link"] = f'<{BASE}/x?offset=0>; rel="first"'
        key = self.envelope or request.url.path.rsplit("/", 1)[1]
        return httpx2.Response(200, headers=headers, content=json.dumps({key: found}))


def source(provider: Callable[[httpx2.Request], httpx2.Response], work: Path, **options: Any) -> OneRosterSource:
    values = {"base_url": BASE, "token_url": "https://sis.example/token", "key": "k", "secret": "hush", "page_size": 10}
    return OneRosterSource(
        OneRosterOptions(**{**values, **options}), context(work), transport=httpx2.MockTransport(provider)
    )


def pull(
    provider: Provider, work: Path, saved: dict[int, Path] | None = None, **options: Any
) -> tuple[list[Page], list[str], Verdict]:
    with_options = source(provider, work, **options)
    reading = with_options.read(ReadRequest(collection="users", saved=saved or {}))
    assert not reading.verdict.complete
    pages = list(reading)
    ids = [row["sourcedId"] or "" for page in pages for _, row in with_options.rows("users", page.body or b"")]
    assert sum(page.count or 0 for page in pages) == len(ids) == reading.verdict.count
    return pages, ids, reading.verdict


def names(number: int) -> list[str]:
    return [record["sourcedId"] for record in records(number)]
