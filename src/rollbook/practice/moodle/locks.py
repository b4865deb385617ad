"""Rows that calls lock until they end, as the database below Moodle does; knows nothing of what the rows hold."""

from __future__ import annotations

import asyncio


class Stuck(Exception):
    """A call does not get a row: calls wait for each other, or it has waited too long. The words are the database's."""


class Locks:
    """Who holds which row, and who waits for which. Used in one event loop."""

    def __init__(self) -> None:
        self._holder: dict[str, object] = {}
        self._waiting: dict[object, str] = {}
        self._queues: dict[str, list[asyncio.Future[None]]] = {}
        #: How often a call had to wait for another one, and how often it was given up.
        self.waits, self.deadlocks = 0, 0

    async def take(self, who: object, row: str, patience: float) -> None:
        """Wait until `who` has the row. Raises Stuck where that closes a circle, or takes longer than `patience`
        seconds: the one who asks is the victim."""
        loop = asyncio.get_running_loop()
        until = loop.time() + patience
        while self._holder.get(row, who) is not who:
            self._waiting[who] = row
            try:
                if self._in_circle(who):
                    self.deadlocks += 1
                    raise Stuck("deadlock detected")
                self.waits += 1
                freed: asyncio.Future[None] = loop.create_future()
                self._queues.setdefault(row, []).append(freed)
                async with asyncio.timeout(max(0.0, until - loop.time())):
                    await freed
            except TimeoutError:
                raise Stuck("lock wait timeout exceeded") from None
            finally:
                del self._waiting[who]
        self._holder[row] = who

    def release(self, who: object) -> None:
        """The call is over."""
        for row in [row for row, holder in self._holder.items() if holder is who]:
            del self._holder[row]
            for freed in self._queues.pop(row, ()):
                if not freed.done():
                    freed.set_result(None)

    def _in_circle(self, who: object) -> bool:
        holder = self._holder.get(self._waiting[who])
        while holder is not None and holder is not who:
            row = self._waiting.get(holder)
            holder = None if row is None else self._holder.get(row)
        return holder is who
