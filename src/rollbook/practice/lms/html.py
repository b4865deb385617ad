"""The pages of the practice LMS in the common frame."""

from __future__ import annotations

from typing import Final

from starlette.responses import HTMLResponse

from rollbook.practice.html import Safe, join, link, pager, safe, search_form, table
from rollbook.practice.html import frame as _frame

__all__ = ["Safe", "frame", "join", "link", "pager", "safe", "search_form", "table"]

_TABS: Final = (
    ("/", "Buildings"),
    ("/grade-settings", "Grade settings"),
    ("/users", "Users"),
    ("/courses", "Courses"),
    ("/tools", "Tools"),
    ("/apps", "App Center"),
)


def frame(title: str, *content: object, tab: str = "", status: int = 200) -> HTMLResponse:
    return _frame(title, *content, status=status, of="Practice LMS", tabs=_TABS, tab=tab)
