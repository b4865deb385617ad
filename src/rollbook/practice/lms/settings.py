"""How one practice LMS behaves where the public sources leave a choice; holds no state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Settings:
    """`base_url` ends with /v1 and is what links and locations start with; None: the server's own address.

    `limiter_credits` may be spent in any `limiter_seconds`; a write costs 3, a read 1. `today` None is the real day.
    `app_key` is the key of an app, which then is the only one that gets tokens of people; "": the one key does. A
    request for one is good for `request_token_seconds`. `foreign_emails` belong to accounts of other organizations.
    `timestamps` "strict" refuses an OAuth timestamp older than the newest one seen; `fractional_timestamps` False
    refuses decimals. `grade_pages` of a section are "told" (with total and links), "untold" (without), or there are
    none: all grades come "whole".
    """

    key: str = "practice"
    secret: str = "practice"
    app_key: str = ""
    app_secret: str = ""
    request_token_seconds: int = 3600
    base_url: str | None = None
    limiter: bool = False
    limiter_credits: int = 50
    limiter_seconds: float = 5.0
    default_limit: int = 20
    max_limit: int = 200
    last_next: Literal["omit", "null", "empty"] = "omit"
    timestamps: Literal["any", "strict"] = "any"
    fractional_timestamps: bool = True
    bulk_put_status: int = 207
    grade_pages: Literal["told", "untold", "whole"] = "told"
    today: date | None = None
    impersonation: bool = True
    revive_on_update: bool = False
    foreign_emails: frozenset[str] = frozenset()
    verified_domains: frozenset[str] = frozenset()
