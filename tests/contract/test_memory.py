"""The reference connector keeps every promise. Copy this file for a connector of your own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import pytest

from rollbook.connectors.base import Source, Target
from rollbook.connectors.memory import server
from rollbook.connectors.memory.options import MemoryOptions
from rollbook.connectors.memory.source import MemorySource
from rollbook.connectors.memory.space import Space, forget, space
from rollbook.connectors.memory.target import MemoryTarget
from rollbook.roster.changes import LiveRecord
from rollbook.roster.oneroster import COLLECTIONS
from rollbook.testing import CountingContext, SourceContract, TargetContract

KEY = "key-that-nobody-may-see"
_numbers = itertools.count()


@pytest.fixture
def own() -> Iterator[Space]:
    """A space for this test alone."""
    name = f"contract-{next(_numbers)}"
    made = space(name)
    made.key = KEY
    yield made
    forget(name)


def options_of(own: Space) -> MemoryOptions:
    return MemoryOptions(space=own.name, key=KEY, page_size=3)


class TestMemorySource(SourceContract):
    secrets = (KEY, "Ottoline")

    @pytest.fixture
    def source(self, context: CountingContext, own: Space) -> Source:
        own.rows = {name: _people(name, 7 if name != "orgs" else 0) for name in COLLECTIONS}
        return MemorySource(options_of(own), context)

    @pytest.fixture
    def expected(self) -> Mapping[str, Iterable[str]]:
        return {name: [f"{name}-{n}" for n in range(7 if name != "orgs" else 0)] for name in COLLECTIONS}

    @pytest.fixture
    def broken(self, source: Source, own: Space) -> Callable[[str], Source]:
        def make(fault: str) -> Source:
            if fault in ("half_read", "missing_page"):
                own.faults.break_read_at["users"] = 1
            elif fault == "wrong_key":
                own.key = "another"
            else:
                own.faults.next_calls(*[{"throttle": "throttle", "unreachable": "cut"}[fault]] * 9)
            return source

        return make

    def encode_page(self, collection: str, records: Sequence[Any]) -> bytes:
        return msgspec.json.encode({collection: records})


class TestMemoryTarget(TargetContract):
    secrets = (KEY,)

    @pytest.fixture
    def target(self, context: CountingContext, own: Space) -> Target:
        return MemoryTarget(options_of(own), context)

    @pytest.fixture
    def peek(self, own: Space) -> Callable[[str], Sequence[LiveRecord]]:
        def look(kind: str) -> list[LiveRecord]:
            return [
                LiveRecord(
                    kind=kind, lms_id=each.lms_id, code=server.code_of(own, kind, each), fields=dict(each.fields)
                )
                for each in own.all(kind)
            ]

        return look

    @pytest.fixture
    def fault(self, own: Space) -> Callable[[str], None]:
        def strike(name: str) -> None:
            if name == "wrong_key":
                own.key = "another"
            elif name == "half_read":
                own.faults.break_read_at["user"] = 1
            else:
                own.faults.next_calls(name)

        return strike

    @pytest.fixture
    def refuse(self, own: Space) -> Callable[[str], None]:
        return lambda key: own.faults.refuse.update({key: "the name is too long"})

    @pytest.fixture
    def password_of(self, own: Space) -> Callable[[str], str | None]:
        def password(key: str) -> str | None:
            account = own.find("user", key)
            return own.passwords.get(account.lms_id) if account else None

        return password


def _people(collection: str, count: int) -> list[dict[str, str]]:
    return [{"sourcedId": f"{collection}-{n}", "givenName": "Ottoline"} for n in range(count)]


def test_a_collection_that_shrinks_while_it_is_read_is_incomplete(own: Space, tmp_path: Any) -> None:
    from rollbook.connectors.base import ReadRequest
    from rollbook.testing import make_context

    own.rows["users"] = _people("users", 7)
    reading = MemorySource(options_of(own), make_context(tmp_path)).read(ReadRequest(collection="users"))
    pages = iter(reading)
    next(pages)
    own.rows["users"] = own.rows["users"][1:]
    list(pages)
    assert not reading.verdict.complete
    assert reading.verdict.reason == "6 of 7 records were read" or "7" in reading.verdict.reason
