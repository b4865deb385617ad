"""Short ids that sort by time."""

from __future__ import annotations

import secrets
import time

_LETTERS = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: nothing looks like something else


def new_run_id() -> str:
    """Nine letters of milliseconds since 1970, a hyphen, four random letters, e.g. `1jkz7w0ab-x9q2`."""
    moment, letters = time.time_ns() // 1_000_000, ""
    for _ in range(9):
        moment, rest = divmod(moment, 32)
        letters = _LETTERS[rest] + letters
    return f"{letters}-{''.join(secrets.choice(_LETTERS) for _ in range(4))}"
