"""The promises of a source, kept by OneRoster REST over real HTTP against the practice SIS."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from rollbook.connectors.base import Source
from rollbook.connectors.oneroster_rest.options import OneRosterOptions
from rollbook.connectors.oneroster_rest.source import OneRosterSource
from rollbook.practice.server import Running, serve
from rollbook.practice.sis import create_sis
from rollbook.testing import CountingContext, SourceContract

DATA = Path(__file__).parent.parent / "data"
FAULTS = {
    "half_read": "server_error:path=/users,after=2",
    "missing_page": "skip_rows:path=/users,rows=5",
    "throttle": "throttle:retry_after=3600",
}


class OneRosterContract(SourceContract):
    version = "1.1"
    folder = "maple-valley-1.1"
    path = "/ims/oneroster/v1p1"
    collections: tuple[str, ...] = ("orgs", "academicSessions", "courses", "classes", "users", "enrollments")
    ahead = 8
    secrets = ("district-hush", "Okafor", "aokafor", "Ångström")

    @pytest.fixture
    def app(self) -> Starlette:
        return create_sis(DATA / self.folder, version=self.version, key="district-key", secret="district-hush")

    @pytest.fixture
    def sis(self, app: Starlette) -> Iterator[Running]:
        with serve(app) as running:
            yield running

    @pytest.fixture
    def opened(self) -> Iterator[list[Source]]:
        found: list[Source] = []
        yield found
        for source in found:
            source.close()

    def connect(
        self, url: str, context: CountingContext, opened: list[Source], secret: str = "district-hush"
    ) -> Source:
        options = OneRosterOptions(
            base_url=url + self.path, token_url=f"{url}/token", key="district-key", secret=secret, page_size=4
        )
        opened.append(OneRosterSource(options, context))
        return opened[-1]

    @pytest.fixture
    def source(self, context: CountingContext, sis: Running, opened: list[Source]) -> Source:
        return self.connect(sis.url, context, opened)

    @pytest.fixture
    def expected(self) -> Mapping[str, Iterable[str]]:
        """What the files of the practice SIS hold. Roles come with users, so `roles` has no pages of its own."""
        found: dict[str, Iterable[str]] = {}
        for name in self.collections:
            with (DATA / self.folder / f"{name}.csv").open(encoding="utf-8") as file:
                found[name] = [row["sourcedId"] for row in csv.DictReader(file) if name != "roles"]
        return found

    @pytest.fixture
    def broken(self, context: CountingContext, app: Starlette, sis: Running, opened: list[Source]) -> Any:
        def make(fault: str) -> Source:
            if fault == "unreachable":
                return self.connect("http://127.0.0.1:9", context, opened)
            if fault == "wrong_key":
                return self.connect(sis.url, context, opened, secret="not-the-one")
            app.state.sis.faults.turn_on_text(FAULTS[fault])
            return self.connect(sis.url, context, opened)

        return make

    def encode_page(self, collection: str, records: Sequence[Any]) -> bytes | None:
        return json.dumps({collection: list(records)}).encode("utf-8", "surrogatepass")


class TestOneRoster11(OneRosterContract):
    pass


class TestOneRoster12(OneRosterContract):
    version = "1.2"
    folder = "maple-valley"
    path = "/ims/oneroster/rostering/v1p2"
    collections = ("orgs", "academicSessions", "courses", "classes", "users", "roles", "enrollments")
