"""English: every time of day has its minutes, for "midnight" does not say of which day; AM and PM without points, which
would look like the end of a sentence."""

from __future__ import annotations

DATE_FORMAT = "N j, Y"
DATETIME_FORMAT = "N j, Y, g:i A"
MONTH_DAY_FORMAT = "N j"
TIME_FORMAT = "g:i A"
