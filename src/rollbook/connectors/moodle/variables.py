"""How many form fields a site takes in one call: PHP drops those beyond its `max_input_vars` without a word."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

#: What PHP takes unless it is set up otherwise.
SURE: Final = 1000
#: What Moodle asks for (lib/upgradelib.php, check_max_input_vars).
ASKED_FOR: Final = 5000
#: Fields of a call beside its records: format, raw, token, function, and a few to spare.
SPARE: Final = 10


class Variables:
    """For several threads. `given` is what the admin says, None: found out. `hoped` is the most that is ever sent."""

    def __init__(self, given: int | None, wanted: int, takes: Callable[[int], bool]) -> None:
        """`wanted` fields would be enough for every call; `takes` asks the site whether it takes so many."""
        self.hoped = given if given is not None else min(max(SURE, wanted), ASKED_FOR)
        self._takes = takes
        self._found = given
        self._lock = threading.Lock()

    def most(self, needed: int) -> int:
        """How many fields a call may have that would like so many. The site is asked only when a call is to be larger
        than any PHP takes, and once: whether it takes as many as will ever be wanted, or as Moodle asks for."""
        if self._found is None and needed <= SURE:
            return SURE
        with self._lock:
            if self._found is None:
                self._found = self.hoped if self._takes(self.hoped) else SURE
            return self._found
