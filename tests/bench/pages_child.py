"""A child process of the bench `pages`: asks for every page of the prepared world in turns, and times the server."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.bench.pages_addresses import EMPTY, LEAST_ROWS, NOT_ASKED, Some, addresses, searches
from tests.bench.pages_world import ORG

_METRICS = "a token of this bench"


def main(data: str, times: int, only: str = "") -> dict[str, Any]:
    """`only` is for somebody who looks at a few pages."""
    os.environ |= {"ROLLBOOK_API_PER_MINUTE": "1000000", "ROLLBOOK_METRICS_TOKEN": _METRICS}
    import_module("rollbook.web")  # the settings of the pages come first
    from rollbook.store.setup import connect, migrate, setup
    from rollbook.web.opening import open_pages, settle_memory

    connect(Path(data))
    migrate()  # the prepared organization may be kept from an earlier release
    folder = setup(Path(data))
    open_pages(folder)
    settle_memory()
    asker = _Asker(folder)
    pages = {name: found for name, found in asker.pages().items() if only in name}
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in pages}
    wrong: dict[str, str] = {}
    for turn in range(times + 1):
        for name, asked in pages.items():
            wall, cpu, trouble = asker.ask(name, asked[turn % len(asked)])
            if turn:  # the first one warms the process up: templates, imports
                taken[name].append((wall * 1000, cpu * 1000))
            if trouble:
                wrong.setdefault(name, trouble)
    return {"pages": {name: _told(each) for name, each in taken.items()}, "wrong": wrong, "not_asked": NOT_ASKED}


class _Asker:
    """Those who ask: the acting user, who is the operator too; nobody in particular; and a program with a token."""

    def __init__(self, folder: Any) -> None:
        from django.test import Client
        from django.utils import timezone

        from rollbook.actions.tokens import make_token
        from rollbook.store.models import Account, ApiToken, Membership, Organization, WorkerRow
        from tests.web.people import make_person

        WorkerRow.objects.get_or_create(id="bench")
        WorkerRow.objects.filter(id="bench").update(seen_at=timezone.now() + timedelta(days=1))
        Account.objects.filter(email="ann.acting@example.org").delete()
        person = make_person("Ann Acting", org=ORG, acting=True, operator=True)
        fresh = Organization.objects.get(slug=EMPTY)
        Membership.objects.create(account=person.account, organization=fresh, role="administrator")
        Organization.objects.filter(pk=fresh.pk).update(acting=person.account)
        ApiToken.objects.filter(name="bench").delete()
        self._text = make_token(org=ORG, account=person.account, by="bench", name="bench", may_write=False, days=None)[
            1
        ]
        self._client, self._nobody = person.client, Client()
        self._client.raise_request_exception = False
        self._some = Some(folder)

    def pages(self) -> dict[str, list[tuple[str, str, dict[str, str]]]]:
        """By name: what is asked in turns, as method, address and form."""
        known = addresses(self._some)
        found: dict[str, list[tuple[str, str, dict[str, str]]]] = {}
        for pattern in _patterns():
            if pattern not in NOT_ASKED:
                found[pattern or "/"] = [("GET", one, {}) for one in known.get(pattern) or [self._some.plain(pattern)]]
        for name, asked in searches(self._some).items():
            found[name] = [("POST", address, form) for address, form in asked]
        return found

    def ask(self, name: str, asked: tuple[str, str, dict[str, str]]) -> tuple[float, float, str]:
        """How long it took (and the processors' time, of all threads), and what was wrong with the answer: it must be a
        whole page with something in it."""
        method, address, form = asked
        client = self._nobody if name.startswith("invitation/") else self._client
        token = _METRICS if name == "metrics" else self._text if name.startswith("api/") else ""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        start, used = time.perf_counter(), time.process_time()
        answer = client.post(address, form) if method == "POST" else client.get(address, headers=headers)
        begun = next(iter(answer.streaming_content), b"") if answer.streaming else answer.content
        wall, cpu = time.perf_counter() - start, time.process_time() - used
        text = begun.decode(errors="replace")
        rows = text.count("\n") if answer.streaming else text.count("<tr") + text.count("<li") + text.count('{"')
        answer.close()
        least = LEAST_ROWS.get(name, 0)
        if answer.status_code != 200:
            return wall, cpu, f"{answer.status_code} for {address}"
        if rows < least:
            return wall, cpu, f"{rows} instead of {least} rows or more in {address}"
        return wall, cpu, "" if text else f"nothing in {address}"


def _patterns() -> Iterator[str]:
    """The addresses of all that can be looked at."""
    from django.urls import get_resolver

    from tests.web.test_permissions import _ours

    for pattern, page in _ours(get_resolver().url_patterns):
        if page.callback.rule.read is not None:
            yield pattern


def _told(taken: list[tuple[float, float]]) -> dict[str, float]:
    wall, cpu = [one[0] for one in taken], [one[1] for one in taken]
    p95 = statistics.quantiles(wall, n=20, method="inclusive")[-1] if len(wall) > 1 else wall[0]
    told = {"p95_ms": p95, "median_ms": statistics.median(wall), "most_ms": max(wall), "cpu_ms": statistics.median(cpu)}
    return {name: round(value, 1) for name, value in told.items()}


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
