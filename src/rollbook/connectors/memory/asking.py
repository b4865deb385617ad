"""What all connectors to a memory space share: options, context, and a call that only asks."""

from __future__ import annotations

from rollbook.connectors.base import Context
from rollbook.connectors.memory.options import MemoryOptions
from rollbook.connectors.memory.space import LOSE_AFTER, AnswerLost, space
from rollbook.errors import Unavailable


class Asking:
    """One connection to a space."""

    def __init__(self, options: MemoryOptions, context: Context) -> None:
        """Keep options and context, call nothing yet: an admin may only be looking at the form."""
        self._options, self._context = options, context
        self._space = space(options.space)

    def close(self) -> None:
        """Nothing to close. A connector with an HTTP client closes it here, and may be closed twice."""

    def _ask(self) -> None:
        """A call that only reads: a lost answer is no harm, the caller may ask again."""
        self._context.cancel.check()
        self._context.count()
        try:
            fault = self._space.arrive(self._options.key)
        except AnswerLost:
            fault = LOSE_AFTER
        if fault == LOSE_AFTER:
            raise Unavailable("the memory space did not answer")
