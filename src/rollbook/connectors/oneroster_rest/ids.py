"""The sourcedIds of a page, read without decoding the rest, and a frugal memory of all of them. No I/O."""

from __future__ import annotations

import json
from array import array
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import cache
from itertools import islice
from operator import lt
from typing import Any, cast

import msgspec

from rollbook.roster.shapes import learned

Id = str | None
_BUCKETS = 256
_FEW = 500_000
_NOBODY = frozenset((None,))


class _Record(msgspec.Struct, gc=False):
    sourcedId: str  # noqa: N815 - the name on the wire


class MissingEnvelope(Exception):
    """JSON without the list it should hold."""


class NotJson(Exception):
    """Not JSON at all, or cut off."""


@cache
def _decoder(collection: str) -> Callable[[bytes], Any]:
    shape = msgspec.defstruct("Envelope", [("records", list[_Record], msgspec.field(name=collection))], gc=False)
    return msgspec.json.Decoder(learned(shape)).decode


def page_ids(collection: str, body: bytes) -> list[Id]:
    """The sourcedId of every record of a page in order, None for a record without one. Raises NotJson and
    MissingEnvelope."""
    try:
        found: list[Id] = [record.sourcedId for record in _decoder(collection)(body).records]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        records = records_of(collection, body)
        return [_text(one.get("sourcedId")) if isinstance(one, dict) else None for one in records]
    return [own or None for own in found] if "" in found else found


def records_of(collection: str, body: bytes) -> list[Any]:
    """All records of a page, decoded. Raises NotJson and MissingEnvelope."""
    found = loose_json(body)
    records = found.get(collection) if isinstance(found, dict) else None
    if not isinstance(records, list):
        raise MissingEnvelope(collection)
    return records


def loose_json(body: bytes) -> Any:
    """JSON with what servers get wrong: a byte order mark, lone surrogates, NaN, raw control characters."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return json.loads(body.decode("utf-8-sig"), strict=False)
    except (ValueError, RecursionError):
        raise NotJson from None


def without(collection: str, body: bytes, known: Callable[[Id, bytes], bool]) -> tuple[bytes, int]:
    """The page less the records for which `known(sourcedId, raw JSON)` holds; and how many went."""
    try:
        raw = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        records = msgspec.json.decode(raw[collection], type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError):
        records = [msgspec.Raw(json.dumps(one).encode()) for one in records_of(collection, body)]
    kept = [one for one, own in zip(records, page_ids(collection, body), strict=True)
            if not known(own, bytes(one))]  # fmt: skip
    return msgspec.json.encode({collection: kept}), len(records) - len(kept)


def raw_by_id(collection: str, bodies: Iterable[bytes]) -> dict[str, set[bytes]]:
    """Each record's JSON as received, by sourcedId."""
    found: dict[str, set[bytes]] = {}

    def note(own: Id, raw: bytes) -> bool:
        if own is not None:
            found.setdefault(own, set()).add(raw)
        return False

    for body in bodies:
        without(collection, body, note)
    return found


class Seen:
    """Which ids were met. Those known to be new are listed until somebody asks. Then the first half million are kept as
    a set; more at eight bytes each in sorted buckets, as millions of them would not fit in memory otherwise."""

    def __init__(self) -> None:
        self._fresh: set[int] = set()
        self._new = array("q")
        self._buckets = [array("q") for _ in range(_BUCKETS)]
        self._different = 0
        self.added = 0

    def add(self, ids: Collection[str]) -> None:
        self._fresh.update(map(hash, ids))
        self.added += len(ids)
        if len(self._fresh) > _FEW:
            self._settle()

    def append(self, ids: Collection[str]) -> None:
        """Add ids of which it is known that they were not met before."""
        self._new.extend(map(hash, ids))
        self.added += len(ids)

    def __contains__(self, own: str) -> bool:
        self._spread()
        number = hash(own)
        return number in self._fresh or self._settled(number)

    def repeats(self) -> int:
        """How many of the ids added had been added before."""
        if len(self._new) == self.added:
            return 0
        self._spread()
        if self._different:
            self._settle()
        return self.added - self._different - len(self._fresh)

    def _spread(self) -> None:
        """Take in what was only listed, a piece at a time."""
        for start in range(0, len(self._new), _FEW):
            self._fresh.update(self._new[start : start + _FEW])
            if len(self._fresh) > _FEW:
                self._settle()
        self._new = array("q")

    def _settled(self, number: int) -> bool:
        bucket = self._buckets[number & (_BUCKETS - 1)]
        place = bisect_left(bucket, number)
        return place < len(bucket) and bucket[place] == number

    def _settle(self) -> None:
        """Spread what is new over the buckets, each small enough to be handled as a set."""
        for number in self._fresh:
            self._buckets[number & (_BUCKETS - 1)].append(number)
        self._buckets = [array("q", sorted(set(bucket))) for bucket in self._buckets]
        self._different = sum(map(len, self._buckets))
        self._fresh = set()


def ascending(ids: Sequence[Id]) -> bool:
    """Is each of them there, and above the one before it?"""
    if None in ids:
        return False
    there = cast(Sequence[str], ids)
    return all(map(lt, there, islice(there, 1, None)))


def named(ids: Iterable[Id]) -> frozenset[str]:
    """Those that are there."""
    found = frozenset(ids)
    return cast(frozenset[str], found - _NOBODY if None in found else found)


def _text(value: Any) -> Id:
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else str(value)
