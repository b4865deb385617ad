"""Cuts pages out of a list of rows and writes their headers, correctly or as a deviation says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from starlette.requests import Request

from rollbook.practice.sis.model import Row
from rollbook.practice.sis.query import Ask


@dataclass
class Page:
    """A page. `next_offset` is where a correct reader goes on; None on the last page."""

    rows: list[Row]
    total: int
    next_offset: int | None


@dataclass
class Drift:
    """How far lists have moved under a reader's feet, by list."""

    moved: dict[tuple[str, Any], int] = field(default_factory=dict)

    def view(self, key: Any, rows: list[Row], struck: Mapping[str, Any]) -> list[Row]:
        """The rows as they look now; each struck page moves the list once."""
        for name in ("drift_insert", "drift"):
            count, most = self.moved.get((name, key), 0), struck.get(name, {}).get("rows", 0)
            if name in struck:
                self.moved[name, key] = min(count + 1, most)
            if name == "drift_insert" and name in struck:
                rows = rows[max(most - count, 0) :]
            elif name == "drift" and count:
                rows = rows[count:]
        return rows


def cut_page(rows: list[Row], ask: Ask, struck: Mapping[str, Any]) -> Page:
    """The page asked for; `ask.limit` is already clamped."""
    size = ask.limit
    if "short_pages" in struck:
        size = max(1, size * struck["short_pages"]["percent"] // 100)
    start = ask.offset
    if "repeat_page" in struck and start:
        start = max(0, start - ask.limit)
    found = rows[start : start + size]
    after = ask.offset + size
    if "skip_rows" in struck and ask.offset:
        found = found[struck["skip_rows"]["rows"] :]
    if "empty_page" in struck and ask.offset:
        found = []
    return Page(found, len(rows), after if after < len(rows) else None)


def page_headers(request: Request, ask: Ask, page: Page, struck: Mapping[str, Any]) -> dict[str, str]:
    """`X-Total-Count` and `Link` (R12: on every paged read; next, last, first, prev)."""
    headers = {}
    if "no_total" not in struck:
        headers["X-Total-Count"] = str(page.total + struck.get("wrong_total", {}).get("by", 0))
    if "x_count" in struck:
        headers["x-count"] = str(len(page.rows))
    if "no_link" not in struck:
        headers["Link"] = _links(request, ask, page, struck)
    return headers


def _links(request: Request, ask: Ask, page: Page, struck: Mapping[str, Any]) -> str:
    origin = f"{request.url.scheme}://{request.headers.get('host', '')}"
    if "link_other_origin" in struck:
        origin = struck["link_other_origin"]["origin"]
    address = origin + request.scope["raw_path"].decode("ascii")
    kept = [
        (name, value)
        for name, value in parse_qsl(request.url.query, keep_blank_values=True)
        if name not in ("limit", "offset") and not name.startswith("oauth_")
    ]
    if "link_loses_filter" in struck:
        kept = []

    def link(rel: str, offset: int, limit: int = ask.limit) -> str:
        params = [*kept, ("limit", str(limit)), ("offset", str(offset))]
        return f'<{address}?{urlencode(params, quote_via=quote)}>; rel="{rel}"'

    last = max(page.total - 1, 0) // ask.limit * ask.limit
    left = page.total - last if "last_smaller_limit" in struck else ask.limit
    links = [] if page.next_offset is None else [link("next", page.next_offset)]
    links += [link("last", last, max(left, 1)), link("first", 0)]
    if ask.offset:
        links.append(link("prev", max(ask.offset - ask.limit, 0)))
    return ", ".join(links)
