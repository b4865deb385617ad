"""Parts of the bench `viewers`, each in a process of its own: make the organization, ask for runs, view, wait."""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_READING = 120.0
_REFRESH = b"event: refresh"


def main(what: str, data: str, **given: Any) -> dict[str, Any]:
    if what == "view":
        os.nice(10)  # who views sits elsewhere; here the processors are shared
        return asyncio.run(_view(**given))
    import_module("rollbook.web")  # the settings of the pages come first
    from rollbook.store.setup import setup

    folder = setup(Path(data))
    if what == "prepare":
        return _prepare(folder, given["settings"])
    return _ask() if what == "ask" else _wait(given["run"], given["pid"])


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


def _wait(run: str, pid: int) -> dict[str, Any]:
    import psutil

    from rollbook.store.models import Run

    worker = psutil.Process(pid)
    while not (found := Run.objects.get(pk=run)).ended:
        assert worker.status() != psutil.STATUS_ZOMBIE, "the worker has ended"
        time.sleep(0.5)
    assert found.started_at is not None
    assert found.ended_at is not None
    seconds = (found.ended_at - found.started_at).total_seconds()
    return {"state": found.state, "seconds": seconds, "started": found.started_at.timestamp(), "error": found.error}


async def _view(address: str, cookie: str, run: str, viewers: int, seen: str) -> dict[str, Any]:
    """Everybody follows the run to its end; what each was told, and when, goes into the file `seen`."""
    texts: dict[bytes, int] = {}
    everybody = [_Viewer(address, cookie, run, texts) for _ in range(viewers)]
    await asyncio.gather(*(one.follow() for one in everybody))
    used = resource.getrusage(resource.RUSAGE_SELF)
    told = [one.told for one in everybody]
    Path(seen).write_text(json.dumps({"texts": [text.decode() for text in texts], "told": told}), encoding="utf-8")
    return {
        "requests": sum(one.requests for one in everybody),
        "failed": sum(one.failed for one in everybody),
        "saw_the_end": sum(one.saw_the_end for one in everybody),
        "at": [one.at for one in everybody],
        "cpu": round(used.ru_utime + used.ru_stime, 2),
    }


class _Viewer:
    """One browser, reduced to what it asks for. `told`: of each piece of its stream the moment and the number in
    `texts`; taken apart later, so that two hundred of these take little time from what is measured."""

    def __init__(self, address: str, cookie: str, run: str, texts: dict[bytes, int]) -> None:
        parts = urlsplit(address)
        self._host, self._port, self._cookie = parts.hostname, parts.port, cookie
        self._page = f"/o/bench/logs/{run}/"
        self._texts = texts
        self.told: list[tuple[float, int]] = []
        self.requests = self.failed = 0
        self.at = 0.0
        self.saw_the_end = False

    async def follow(self) -> None:
        try:
            while True:
                body = await self._get(self._page)
                found = re.search(r'hx-sse:connect="([^"]+)"', body)
                if found is None:
                    self.saw_the_end = "rb-state-done" in body
                    return
                await self._stream(found[1].replace("&amp;", "&"))
        except (OSError, AssertionError, asyncio.IncompleteReadError, TimeoutError) as error:
            self.failed += 1
            print(f"{type(error).__name__}: {error}", file=sys.stderr)

    async def _open(self, path: str, accept: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        head = f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\nCookie: {self._cookie}\r\nAccept: {accept}\r\n"
        writer.write(f"{head}Connection: close\r\n\r\n".encode())
        self.requests += 1
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
        self.at = self.at or time.time()
        try:
            while piece := await asyncio.wait_for(reader.read(1 << 16), _READING):
                self.told.append((round(time.monotonic(), 4), self._texts.setdefault(piece, len(self._texts))))
                if _REFRESH in piece:
                    return
            raise AssertionError("the stream ended before its run")
        finally:
            writer.close()


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
