"""One walk through a collection, serially by links and offsets or with several pages at once; pages come in
order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rollbook.connectors.oneroster_rest.client import Fetched, Next
from rollbook.connectors.oneroster_rest.ids import MissingEnvelope, NotJson, page_ids
from rollbook.roster.reasons import because

#: A provider that never ends is cut off here, when it does not say how much there is.
_MOST_PAGES: Final = 200_000

FetchPage = Callable[[int, Next | None], Fetched]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One page of a walk. `number` is its place, None for a page that does not start at a multiple of the
    walk's step: only places can be found again after a restart."""

    number: int | None
    page: Fetched


@dataclass
class Walk:
    """How to go, and afterwards how it went: `step` is the size of the first page, `total` the last one told,
    `cut` why it ended early ("" when it reached the end)."""

    fetch: FetchPage
    parallel: int
    collection: str
    saved: Mapping[int, Path] = field(default_factory=dict)
    step: int = 0
    total: int | None = None
    cut: str = ""
    linked: bool = False

    def pages(self, start: int = 0) -> Iterator[Step]:
        """Pages from place `start` on (0 unless the step is known from an earlier walk)."""
        first = self._at(start * self.step)
        self._notice(first)
        self.step = self.step or len(first.ids)
        yield Step(number=start, page=first)
        if not first.ids:
            return
        if self.parallel > 1 and self.total is not None and self._by_offset(first):
            yield from self._parallel(first, start + 1)
        else:
            yield from self._serial(first)

    def _at(self, offset: int, link: Next | None = None) -> Fetched:
        """The page at an offset, from disk when an earlier attempt has it."""
        number = self._number(offset)
        path = None if number is None else self.saved.get(number)
        kept = None if path is None else load(self.collection, path, offset)
        return kept or self.fetch(offset, link)

    def _number(self, offset: int) -> int | None:
        if offset == 0:
            return 0
        return offset // self.step if self.step and offset % self.step == 0 else None

    def _by_offset(self, first: Fetched) -> bool:
        """The provider's own link agrees that the next page starts where this one ends."""
        return first.next is None or first.next.offset == first.offset + len(first.ids)

    def _notice(self, page: Fetched) -> None:
        self.total = page.total if page.total is not None else self.total
        self.linked = self.linked or page.linked

    def _at_end(self, page: Fetched) -> bool:
        """No `next`, though the provider links pages or the page is short, and no more to come by the
        total."""
        if page.next is not None or page.more:
            return False
        if self.total is not None:
            ended = page.offset + len(page.ids) >= self.total
            return ended and (self.linked or len(page.ids) < self.step)
        return self.linked and page.live

    def _parallel(self, page: Fetched, number: int) -> Iterator[Step]:
        """Several pages in flight, and at most twice as many held."""
        flying: deque[Future[Fetched]] = deque()
        ahead = number
        with ThreadPoolExecutor(self.parallel, thread_name_prefix="oneroster") as pool:
            try:
                while len(page.ids) >= self.step:
                    while len(flying) < self.parallel * 2 and ahead * self.step < (self.total or 0):
                        flying.append(pool.submit(self._at, ahead * self.step))
                        ahead += 1
                    if not flying:
                        break
                    page = flying.popleft().result()
                    self._notice(page)
                    if not page.ids:
                        break
                    yield Step(number=number, page=page)
                    number += 1
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
        # The last page; or a short one in the middle, from where it is safer to go one by one.
        yield from self._serial(page)

    def _serial(self, page: Fetched) -> Iterator[Step]:
        """From the page before on: along its link when that leads forward, else by as many as came, never by
        the limit asked for (providers clamp it); until the links end, the total is reached or a page is
        empty."""
        for _ in range(_MOST_PAGES):
            if self._at_end(page):
                return
            offset, link = page.offset + len(page.ids), page.next
            if link is not None and link.offset is not None:
                link = link if link.offset > page.offset else None
                offset = link.offset if link is not None and link.offset is not None else offset
            before, page = page, self._at(offset, link)
            self._notice(page)
            if not page.ids:
                return
            if page.ids == before.ids:
                self.cut = because("cut_same")
                return
            yield Step(number=self._number(offset), page=page)
        self.cut = because("cut_endless")


def load(collection: str, path: Path, offset: int) -> Fetched | None:
    """A page that an earlier attempt of the run has on disk, None when it cannot be read."""
    try:
        body = path.read_bytes()
        return Fetched(body=body, ids=page_ids(collection, body), offset=offset, live=False)
    except (OSError, NotJson, MissingEnvelope):
        return None
