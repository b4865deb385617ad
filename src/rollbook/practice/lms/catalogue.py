"""Every named fault of the practice LMS: what it does, and its own parameters with their defaults."""

from __future__ import annotations

from typing import Any, Final

_ABOUT: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "slow": ("waits before answering", {"seconds": 1.0}),
    "throttle": ("429 with `Retry-After` in seconds", {"retry_after": 1}),
    "server_error": ("500 before anything is done", {}),
    "unavailable": ("503 before anything is done", {}),
    "cut": ("cuts the connection before anything is done", {}),
    "drop_answer": ("does the work, then cuts the connection without an answer", {}),
    "truncate": ("does the work, then cuts the connection in the middle of the body", {}),
    "html": ("200 with an HTML page, nothing is done", {}),
    "not_json": ("200, called JSON, that is plain text; nothing is done", {}),
    "unauthorized": ("401, the signature is not accepted", {}),
    "expire_token": ("401, the key is said to have ended; `every` makes it pass", {}),
    "forbidden": ("403", {}),
    "not_found": ("404", {}),
    "half_page": ("a list's page holds half of its records; `total` and links are right", {}),
    "repeat_page": ("a page that is not the first is the first once more", {}),
    "drift": ("records in front are gone when a page that is not the first is asked for", {"rows": 1}),
    "wrong_total": ("`total` is off by so much", {"by": 7}),
    "missing_key": ("a list comes under another key", {}),
    "empty": ("a list is empty, with a total of 0", {}),
    "half_done": ("does the first half of a bulk call, then answers 500", {}),
    "short_answer": ("does a bulk call, and leaves the last record out of its answer", {}),
    "refuse_items": (
        "refuses each n-th record of a bulk call",
        {"each": 1, "code": 400, "message": "This record was refused"},
    ),
}
KNOWN_FAULTS: Final = {name: parameters for name, (_, parameters) in _ABOUT.items()}


def fault_names() -> dict[str, str]:
    """Every fault by name, with what it does."""
    return {name: does for name, (does, _) in _ABOUT.items()}
