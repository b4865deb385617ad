"""What the practice SIS was asked: counts, questions, and how many requests were open at once."""

from __future__ import annotations

from collections import Counter
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from rollbook.practice.control import Traffic

_QUERIES_KEPT = 10_000
_SECRET = ("oauth_", "client_", "access_token")


class Traces(Traffic):
    """Adds `max_parallel`, `bytes_out` (bodies) and `queries` (question: how often) to the counts."""

    def __init__(self) -> None:
        self.open = 0
        super().__init__()

    def reset(self) -> None:
        super().reset()
        self.max_parallel = 0
        self.body_bytes = 0
        self.queries: Counter[str] = Counter()

    def began(self) -> None:
        self.open += 1

    def seen(self) -> None:
        """Count the requests that are open now."""
        self.max_parallel = max(self.max_parallel, self.open)

    def ended(self) -> None:
        self.open -= 1

    def answered(self, request: Request, template: str, answer: Response) -> None:
        """Note one attempt under its path without ids, and its question without secrets."""
        self.note(request.method, template, answer.status_code)
        self.body_bytes += len(answer.body)
        pairs = [(n, v) for n, v in request.query_params.multi_items() if not n.startswith(_SECRET)]
        asked = f"{template}?" + "&".join(f"{name}={value}" for name, value in pairs)
        if asked in self.queries or len(self.queries) < _QUERIES_KEPT:
            self.queries[asked] += 1

    def summary(self) -> dict[str, Any]:
        more = {
            "max_parallel": self.max_parallel,
            "bytes_out": self.body_bytes,
            "queries": dict(self.queries),
        }
        return {**super().summary(), **more}
