"""What a process of its own need not do at its start and at its end. Decides nothing else.

While it starts, nearly all that comes to be are modules, which stay: to look through them for garbage again and again
takes a tenth of the time. To take them apart at the end takes as long.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import sys
from typing import Final

#: So many objects come to be before any is looked at: more than a start makes, and some 20 MB at most.
_STARTING: Final = 200_000
#: And while it works: the usual 700 are looked through ten times as often, for nothing.
_WORKING: Final = 10_000
_code: list[int] = []


def starting() -> None:
    """Look for little until `started`, and leave by `ending`."""
    gc.set_threshold(_STARTING)
    atexit.register(_leave)  # the first one: it comes after all others


def started() -> None:
    """From here on garbage is looked for: work begins, which may take hours."""
    gc.set_threshold(_WORKING)


def ending(code: int) -> None:
    """The process will end with this code, once its threads have ended and all has been done that is to be done then;
    only the memory is left to the system."""
    if "rollbook.store.database" in sys.modules:
        from rollbook.store.database import let_go

        let_go()
    _code[:] = [code]


def _leave() -> None:
    if not _code:
        return
    for stream in (sys.stdout, sys.stderr):
        if stream is None or stream.closed:  # there is nobody to tell anything
            continue
        try:
            stream.flush()
        except (OSError, ValueError) as error:
            _code[:] = [_code[0] or 1]
            _tell(error)
    os._exit(_code[0])


def _tell(error: Exception) -> None:
    """What was said has not arrived whole, where a disk is full for instance. Whoever hung up knows."""
    if isinstance(error, BrokenPipeError):
        return
    with contextlib.suppress(AttributeError, OSError, ValueError):
        words = getattr(error, "strerror", None) or type(error).__name__
        print(f"Not all could be written: {words}.", file=sys.stderr, flush=True)
