"""English: every time of day has its minutes, for "midnight" does not say of which day."""

from __future__ import annotations

DATE_FORMAT = "N j, Y"
DATETIME_FORMAT = "N j, Y, g:i a"
MONTH_DAY_FORMAT = "N j"
TIME_FORMAT = "g:i a"
