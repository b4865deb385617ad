"""Reads one collection and judges whether it was read completely. Drift is met by reading again; never by
guessing."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Final, Protocol, cast

import msgspec

from rollbook.connectors.base import Page, ReadRequest, SourceFinding, Verdict
from rollbook.connectors.kit import ServerError
from rollbook.connectors.oneroster_rest.client import Fetched, Next
from rollbook.connectors.oneroster_rest.ids import Id, Seen, ascending, named, raw_by_id, without
from rollbook.connectors.oneroster_rest.options import Setup
from rollbook.connectors.oneroster_rest.paging import Walk
from rollbook.errors import BadResponse
from rollbook.roster.reasons import because
from rollbook.roster.shapes import learned

#: How often a collection that moved under our feet is read again.
_MOST_AGAIN: Final = 3
#: Rows that move under a reader repeat on the next page, or the one after; repeats further apart make a walk doubtful.
_NEAR: Final = 3
#: Pages that bring nothing new end a walk.
_MOST_IDLE: Final = 3
#: Pages that do not start at a multiple of the page size, and those of later walks, are numbered from here.
_EXTRA: Final = 1_000_000


class Pages(Protocol):
    """What a reading asks for pages: a whole `Api`, or one list of it."""

    @property
    def setup(self) -> Setup: ...

    def page(
        self, collection: str, offset: int, *, limit: int = 0, since: datetime | None = None, link: Next | None = None
    ) -> Fetched: ...


class _Start(msgspec.Struct):
    """What a later attempt of the run has to know about this one; kept in the run's scratch folder."""

    started: datetime | None = None
    total: int | None = None
    step: int = 0


@dataclass
class _Pass:
    """One walk, summed up. `suspect` is the first place where something was not as it should be; `highest` is the last
    id for as long as each one is above all before it, "" before the first, None from then on."""

    highest: str | None = ""
    totals: set[int | None] = field(default_factory=set)
    rows: int = 0
    repeats: int = 0
    fresh: int = 0
    suspect: int | None = None
    anchored: bool = True
    seen: Seen = field(default_factory=Seen)
    cut: str = ""

    def doubt(self, place: int) -> None:
        self.suspect = place if self.suspect is None else min(place, self.suspect)

    def climbs(self, ids: Sequence[Id]) -> bool:
        """Is each of these ids above all that this walk has brought? Then none of them came before."""
        if self.highest is not None and ids:
            self.highest = cast(str, ids[-1]) if ascending(ids) and cast(str, ids[0]) > self.highest else None
        return self.highest is not None


@dataclass
class _Recent:
    """A page that came shortly before."""

    page: Fetched

    @cached_property
    def ids(self) -> frozenset[str]:
        return named(self.page.ids)


class OneRosterReading:
    """Pages of one collection, lazily; `verdict` and `findings` hold once they are exhausted. `work` None: nothing is
    noted for a later attempt."""

    def __init__(self, api: Pages, request: ReadRequest, work: Path | None) -> None:
        self._api, self._request = api, request
        self._collection = request.collection
        self._notes = work / f"oneroster-{request.collection}.json" if work is not None else None
        self._start = _Start()
        self._known = Seen()
        self._recent: deque[_Recent] = deque(maxlen=_NEAR)
        self._digests: dict[int, int] = {}
        self._rows = 0
        self._live = False
        self._extra = max(_EXTRA, max(request.saved, default=0) + 1)
        self._verdict: Verdict | None = None

    @property
    def verdict(self) -> Verdict:
        """Incomplete until the last page is out."""
        return self._verdict or Verdict(
            collection=self._collection, complete=False, reason=because("unfinished"), count=self._rows
        )

    @property
    def findings(self) -> Sequence[SourceFinding]:
        return ()

    def __iter__(self) -> Iterator[Page]:
        self._start = self._recall()
        try:
            reason = yield from self._all()
        except (BadResponse, ServerError) as error:
            # One bad page says nothing about the connection; what came before is good.
            if not self._rows:
                raise
            reason = str(error)
        self._verdict = Verdict(
            collection=self._collection, complete=not reason, reason=reason,
            mode="delta" if self._request.since else "bulk", count=self._rows, watermark=self._start.started,
        )  # fmt: skip

    def _all(self) -> Generator[Page, None, str]:
        """Walk until a walk was clean. Returns why the reading is incomplete, "" when it is not."""
        walk = Walk(self._fetch, self._api.setup.parallel, self._collection, saved=self._request.saved)
        walk.step, walk.total = self._start.step, self._start.total
        done = yield from self._walk(walk, 0, first=True)
        if not self._live:
            probe = self._api.page(self._collection, 0, limit=1, since=self._request.since)
            done.totals.add(probe.total)
            walk.total = probe.total
        reason, at = self._doubts(walk, done, 0), 0
        for _ in range(_MOST_AGAIN):
            if not reason:
                break
            # Start again a little before the trouble, or from the beginning when that place has moved as
            # well.
            behind = max(0, (done.suspect or 0) - self._api.setup.parallel - 1)
            at = behind if at == 0 and len(done.totals) > 1 and behind in self._digests else 0
            again = Walk(self._fetch, self._api.setup.parallel, self._collection, step=walk.step)
            before, done = done, (yield from self._walk(again, at, first=False))
            reason = self._doubts(again, done, at * walk.step)
            if at == 0 and not done.fresh and done.totals == before.totals:
                break
        return reason

    def _doubts(self, walk: Walk, done: _Pass, skipped: int) -> str:
        """Why a walk that skipped so many rows cannot be trusted to have met everything."""
        name, told, met = self._collection, walk.total, skipped + done.rows
        if done.cut or walk.cut:
            return because("cut", list=name, why=done.cut or walk.cut)
        if len(done.totals - {None}) > 1 or not done.anchored:
            return because("changed", list=name)
        if told is not None and told != met:
            return because("total", list=name, told=told, met=met)
        if (told is None and done.repeats) or done.seen.repeats():
            return because("twice", list=name)
        return ""

    def _walk(self, walk: Walk, start: int, *, first: bool) -> Generator[Page, None, _Pass]:
        """One walk; yields what is new and returns its summary."""
        done = _Pass(totals={self._start.total} if first and self._request.saved else set())
        if first:
            self._known = done.seen
        self._recent.clear()
        if start == 0:
            self._digests.clear()
        idle = 0
        for place, one in enumerate(walk.pages(start), start):
            page, digest = one.page, hash(tuple(one.page.ids))
            self._note(page, done, place)
            if place == start and start:
                done.anchored = self._digests.get(place) == digest
            elif start == 0 and one.number == place:
                self._digests[place] = digest
            fresh = yield from self._new(page, one.number, done, place, first=first)
            done.fresh += fresh
            idle = 0 if fresh or not first else idle + 1
            if idle >= _MOST_IDLE and page.ids:
                done.cut = because("cut_repeats")
                break
        return done

    def _note(self, page: Fetched, done: _Pass, place: int) -> None:
        if page.live:
            if not self._live and not self._request.saved:
                self._remember(_Start(started=page.date or datetime.now(UTC), total=page.total, step=len(page.ids)))
            self._live = True
            done.totals.add(page.total)
        if len(done.totals - {None}) > 1:
            done.doubt(place)

    def _new(
        self, page: Fetched, number: int | None, done: _Pass, place: int, *, first: bool
    ) -> Generator[Page, None, int]:
        """Yield the page less what came before; returns how many records were left. In the first walk that is
        what other pages near by brought already; two different records under one id stay, and are a finding
        later."""
        climbs = done.climbs(page.ids) and first
        body, gone, new = (page.body, 0, None) if climbs else self._less_recent(page, done, place)
        self._recent.append(_Recent(page))
        done.rows += len(page.ids) - gone
        if new is None:
            done.seen.append(cast(Sequence[str], page.ids))
        else:
            done.seen.add(new)
        if not first:
            number, new = None, frozenset(one for one in new or () if one not in self._known)
            body, gone = (
                without(self._collection, page.body, lambda one, raw: one not in new) if new else (b"", len(page.ids))
            )
        if new and not first:
            self._known.add(new)
        left = len(page.ids) - gone
        if left or (first and number == 0):
            yield self._page(body, number, left)
        return left

    def _less_recent(self, page: Fetched, done: _Pass, place: int) -> tuple[bytes, int, frozenset[str]]:
        """The page less the records that pages near by brought already; how many those were; the ids that are new."""
        body, own = page.body, named(page.ids)
        repeated = frozenset[str]().union(*(own & one.ids for one in self._recent if not own.isdisjoint(one.ids)))
        gone = 0
        if repeated:
            same = raw_by_id(self._collection, [one.page.body for one in self._recent if one.ids & repeated])
            body, gone = without(self._collection, body, lambda one, raw: raw in same.get(one or "", ()))
        if gone:
            done.repeats += gone
            done.doubt(place)
        return body, gone, own - repeated if repeated else own

    def _page(self, body: bytes, number: int | None, count: int) -> Page:
        if number is None or number >= _EXTRA:
            number, self._extra = self._extra, self._extra + 1
        self._rows += count
        name = f"{self._collection} page {number + 1}"
        return Page(collection=self._collection, number=number, name=name, count=count, body=body)

    def _fetch(self, offset: int, link: Next | None) -> Fetched:
        return self._api.page(self._collection, offset, since=self._request.since, link=link)

    def _recall(self) -> _Start:
        """What an earlier attempt noted; without its note, the oldest of its pages says when it started."""
        if not self._request.saved or self._notes is None:
            return _Start()
        try:
            return msgspec.json.decode(self._notes.read_bytes(), type=learned(_Start))
        except (OSError, msgspec.DecodeError):
            times = [path.stat().st_mtime for path in self._request.saved.values() if path.exists()]
            return _Start(started=datetime.fromtimestamp(min(times), UTC) if times else None)

    def _remember(self, start: _Start) -> None:
        self._start = start
        if self._notes is None:
            return
        self._notes.parent.mkdir(parents=True, exist_ok=True)
        part = self._notes.with_suffix(".part")
        part.write_bytes(msgspec.json.encode(start))
        part.replace(self._notes)
