"""The memory SIS. Reads pages of JSON; never writes, never waits, never decides what a record means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from rollbook.connectors.base import Context, Page, Reading, ReadRequest, Report, Row, SourceFinding, Verdict
from rollbook.connectors.memory import translate
from rollbook.connectors.memory.options import MemoryOptions
from rollbook.connectors.memory.space import AnswerLost, Space, space
from rollbook.errors import BadResponse, Unavailable
from rollbook.roster.oneroster import COLLECTIONS
from rollbook.roster.reasons import because


class MemorySource:
    """A SIS whose rows are those of a space."""

    def __init__(self, options: MemoryOptions, context: Context) -> None:
        """Keep options and context, open nothing yet: an admin may only be looking at the form."""
        self._options, self._context = options, context
        self._space = space(options.space)

    def test(self) -> Report:
        """One cheap call that shows that address and key are right. AuthFailed passes through."""
        _call(self._space, self._options, self._context)
        facts = {name: str(len(rows)) for name, rows in self._space.rows.items()}
        return Report(ok=True, summary="Connected to the memory space.", facts=facts)

    def collections(self) -> tuple[str, ...]:
        """Roles are offered only when there are any: without them, users carry their role as in OneRoster 1.1."""
        return tuple(name for name in COLLECTIONS if name != "roles" or "roles" in self._space.rows)

    def read(self, request: ReadRequest) -> Reading:
        """Nothing is read before the first page is asked for."""
        return MemoryReading(self._space, self._options, self._context, request)

    def rows(self, collection: str, body: bytes) -> Iterator[tuple[str, Row]]:
        return translate.rows(collection, body)

    def close(self) -> None:
        """Nothing to close. A connector with an HTTP client closes it here, and may be closed twice."""


class MemoryReading:
    """One collection, page by page. `verdict` is worth reading only after the last page."""

    def __init__(self, space: Space, options: MemoryOptions, context: Context, request: ReadRequest) -> None:
        self._space, self._options, self._context, self._request = space, options, context, request
        self.findings: Sequence[SourceFinding] = []
        # Until it is shown to be complete, a read is incomplete: a crash then leaves the safe answer behind.
        self.verdict = Verdict(collection=request.collection, complete=False, reason=because("unfinished"))

    def __iter__(self) -> Iterator[Page]:
        name, started = self._request.collection, datetime.now(UTC)
        total, read, number = self._total(), 0, 0
        while read < total or number == 0:
            try:
                page = self._page(number)
            except Unavailable as error:
                if number == 0:
                    raise  # nothing has arrived: that is trouble with the connection, not with a collection
                self.verdict = Verdict(collection=name, complete=False, reason=str(error), count=read)
                return
            yield page
            read, number = read + (page.count or 0), number + 1
            if not page.count:
                break
        reason = "" if read == total == self._total() else f"{read} of {total} records were read"
        self.verdict = Verdict(collection=name, complete=not reason, reason=reason, count=read, watermark=started)

    def _total(self) -> int:
        return len(self._space.rows.get(self._request.collection, ()))

    def _page(self, number: int) -> Page:
        name = self._request.collection
        saved = self._request.saved.get(number)
        if saved is not None:  # an attempt of this run that was killed has it on disk: do not ask again
            count = len(translate.page_records(name, saved.read_bytes()) or ())
            return Page(collection=name, number=number, name=f"{name} page {number}", count=count, path=saved)
        _call(self._space, self._options, self._context)
        if number == self._space.faults.break_read_at.get(name):
            raise Unavailable(f"the memory space broke off at page {number} of {name}")
        size = self._options.page_size
        records = self._space.rows.get(name, ())[number * size : (number + 1) * size]
        body = msgspec.json.encode({name: records})
        if translate.page_records(name, body) is None:
            raise BadResponse(f"page {number} of {name} is not what OneRoster promises")
        return Page(collection=name, number=number, name=f"{name} page {number}", count=len(records), body=body)


def _call(space: Space, options: MemoryOptions, context: Context) -> None:
    context.cancel.check()
    context.count()
    try:
        space.arrive(options.key)
    except AnswerLost:
        raise Unavailable("the memory space did not answer") from None
