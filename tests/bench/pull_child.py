"""One pull of all users by one client, in this process: prints its times, and how many users and bytes came."""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2

from rollbook.connectors.base import Source
from rollbook.connectors.kit import parse
from rollbook.connectors.oneroster_rest import CONNECTOR
from rollbook.core.protocols import Progress
from rollbook.pipeline.extract import extract
from tests.bench.river import context

_BASE = "/ims/oneroster/v1p1"
_SCOPE = "https://purl.imsglobal.org/spec/or/v1p1/scope/roster-core.readonly"
_PAIR = ("practice", "practice")


def main(who: str, url: str, page: int, parallel: int, folder: str) -> dict[str, Any]:
    work = Path(folder)
    shutil.rmtree(work, ignore_errors=True)
    wall, cpu = time.perf_counter(), time.process_time()
    found = _bare(url, page, parallel) if who == "bare" else _rollbook(url, page, parallel, work)
    found |= {"wall_s": round(time.perf_counter() - wall, 3), "cpu_s": round(time.process_time() - cpu, 3)}
    found |= {"cpu_and_start_s": round(sum(os.times()[:2]), 3)}
    shutil.rmtree(work, ignore_errors=True)
    return found


def _rollbook(url: str, page: int, parallel: int, work: Path) -> dict[str, Any]:
    key, secret = _PAIR
    signed = {"key": key, "secret": secret, "token_url": f"{url}/token", "base_url": url + _BASE}
    assert CONNECTOR.source is not None
    options = parse(CONNECTOR.options, {**signed, "page_size": page, "parallel": parallel})
    source = CONNECTOR.source(options, context(work / "sis"))
    try:
        extracted = extract(OnlyUsers(source), work / "pages", Progress())
    finally:
        source.close()
    verdict = extracted.verdicts["users"]
    assert verdict.complete, verdict.reason
    size = sum(one.path.stat().st_size for one in extracted.pages["users"] if one.path)
    return {"users": verdict.count, "pages": len(extracted.pages["users"]), "bytes": size}


class OnlyUsers:
    """A source that offers its users alone."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def collections(self) -> tuple[str, ...]:
        return ("users",)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)


def _bare(url: str, page: int, parallel: int) -> dict[str, Any]:
    limits = httpx2.Limits(max_connections=parallel + 1, max_keepalive_connections=parallel + 1)
    with httpx2.Client(base_url=url, trust_env=False, limits=limits, timeout=60.0) as client:
        granted = client.post(
            "/token", auth=_PAIR, data={"grant_type": "client_credentials", "scope": _SCOPE}
        ).raise_for_status()
        client.headers["authorization"] = f"Bearer {granted.json()['access_token']}"

        def fetch(offset: int) -> httpx2.Response:
            query: dict[str, str | int] = {"limit": page, "offset": offset, "sort": "sourcedId", "orderBy": "asc"}
            return client.get(f"{_BASE}/users", params=query).raise_for_status()

        first = fetch(0)
        total = int(first.headers["x-total-count"])
        with ThreadPoolExecutor(parallel) as pool:
            sizes = pool.map(lambda offset: len(fetch(offset).content), range(page, total, page))
            size = len(first.content) + sum(sizes)
    return {"users": total, "pages": math.ceil(total / page), "bytes": size}


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
