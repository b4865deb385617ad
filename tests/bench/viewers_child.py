"""Parts of the bench `viewers`, each in a process of its own: make the organization, ask for runs, view, wait."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_READING = 120.0


def main(what: str, data: str, **given: Any) -> dict[str, Any]:
    if what == "view":
        return asyncio.run(_view(**given))
    import rollbook.web  # noqa: F401 - the settings of the pages come first
    from rollbook.store.setup import setup

    folder = setup(Path(data))
    if what == "prepare":
        return _prepare(folder, given["settings"])
    return _ask() if what == "ask" else _wait(given["run"])


def _prepare(folder: Any, settings: str) -> dict[str, Any]:
    from rollbook.actions.secret_texts import Surroundings
    from rollbook.actions.settings import import_settings
    from rollbook.web.opening import open_pages
    from tests.web.people import make_person

    open_pages(folder)
    import_settings(settings, name="bench", around=Surroundings({}, folder.path), by="bench")
    person = make_person("Vic Viewer", org="bench", role="viewer")
    return {"cookie": f"rollbook_session={person.client.cookies['rollbook_session'].value}"}


def _ask() -> dict[str, Any]:
    from rollbook.actions.runs import Wanted, request_run

    request_run(org="bench", wanted=Wanted(dry_run=True), by="bench")
    return {"run": request_run(org="bench", wanted=Wanted(), by="bench").pk}


def _wait(run: str) -> dict[str, Any]:
    from rollbook.store.models import Run

    while not (found := Run.objects.get(pk=run)).ended:
        time.sleep(0.5)
    assert found.started_at is not None
    assert found.ended_at is not None
    seconds = (found.ended_at - found.started_at).total_seconds()
    return {"state": found.state, "seconds": seconds, "started": found.started_at.timestamp()}


async def _view(address: str, cookie: str, run: str, viewers: int) -> dict[str, Any]:
    """Everybody follows the run to its end."""
    seen: Counter[str] = Counter()
    at: list[float] = []
    each = (_Viewer(address, cookie, run, seen, at).follow() for _ in range(viewers))
    await asyncio.gather(*each)
    return {"requests": seen["requests"], "failed": seen["failed"], "news": seen["news"] / viewers, "at": at}


class _Viewer:
    """One browser, reduced to what it asks for."""

    def __init__(self, address: str, cookie: str, run: str, seen: Counter[str], at: list[float]) -> None:
        parts = urlsplit(address)
        self._host, self._port, self._cookie = parts.hostname, parts.port, cookie
        self._page = f"/o/bench/logs/{run}/"
        self._seen, self._at = seen, at

    async def follow(self) -> None:
        try:
            while True:
                body = await self._get(self._page)
                found = re.search(r'hx-sse:connect="([^"]+)"', body)
                if found is None:
                    assert "rb-state-done" in body
                    return
                await self._stream(found[1].replace("&amp;", "&"))
        except (OSError, AssertionError, asyncio.IncompleteReadError, TimeoutError) as error:
            self._seen["failed"] += 1
            print(f"{type(error).__name__}: {error}", file=sys.stderr)

    async def _open(self, path: str, accept: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        head = f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\nCookie: {self._cookie}\r\nAccept: {accept}\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n".encode())
        self._seen["requests"] += 1
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _READING)
        assert answer.startswith(b"HTTP/1.1 200 "), answer[:200]
        return reader, writer

    async def _get(self, path: str) -> str:
        reader, writer = await self._open(path, "text/html")
        body = await asyncio.wait_for(reader.read(), _READING)
        writer.close()
        return body.decode()

    async def _stream(self, path: str) -> None:
        """Read until the page is to be asked for anew."""
        reader, writer = await self._open(path, "text/html, text/event-stream")
        self._at.append(time.time())
        try:
            while line := await asyncio.wait_for(reader.readline(), _READING):
                if line.startswith(b"event: refresh"):
                    return
                if b'rb-stage"' in line:
                    self._seen["news"] += 1
            raise AssertionError("the stream ended before its run")
        finally:
            writer.close()


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
