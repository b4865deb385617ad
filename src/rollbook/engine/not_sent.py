"""What delivering says when a notice did not leave. Never with an address, a secret or the other side's words."""

from __future__ import annotations


class NotSent(Exception):
    """`for_good`: another try would not help. `route_down`: others by the same way need not be tried now."""

    def __init__(self, words: str, *, for_good: bool = False, route_down: bool = False) -> None:
        super().__init__(words)
        self.for_good, self.route_down = for_good, route_down
