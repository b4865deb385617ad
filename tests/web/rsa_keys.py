"""RSA keys of tests are made a few times in a process: each takes a tenth of a second."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

#: More than any one test asks for, so that its keys are all different.
MOST = 8


def in_turns(make: Callable[..., T]) -> Callable[..., T]:
    """Stands in for `make`: what it made for the same arguments comes again after `MOST` calls."""
    numbers = itertools.count()

    @functools.cache
    def made(number: int, **asked: Any) -> T:
        return make(**asked)

    return lambda **asked: made(next(numbers) % MOST, **asked)
