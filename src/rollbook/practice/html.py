"""The frame of the pages for people: escaping, tables, one style sheet; asks nothing of another host."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from urllib.parse import urlencode

from starlette.responses import HTMLResponse

_STYLE = """
:root{color-scheme:light dark;--fg:#1c2330;--bg:#fbfbf9;--line:#d9dce1;--soft:#5b6472;--link:#0b5cad}
@media(prefers-color-scheme:dark){:root{--fg:#e6e8ec;--bg:#15181d;--line:#343a44;--soft:#9aa3b0;--link:#7ab8ff}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);margin:0 auto;max-width:70rem;
padding:1rem}
a{color:var(--link)}nav{display:flex;flex-wrap:wrap;gap:.3rem 1rem;border-bottom:1px solid var(--line);
padding-bottom:.6rem}nav b{margin-right:1rem}nav a[aria-current]{color:var(--fg);font-weight:600;
text-decoration:none}h1{font-size:1.5rem}h2{font-size:1.15rem}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.35rem .7rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:600;white-space:nowrap}.soft{color:var(--soft)}
form{margin:1rem 0;display:flex;gap:.5rem;flex-wrap:wrap}
input,button{font:inherit;padding:.35rem .6rem;border:1px solid var(--line);border-radius:.3rem;
color:inherit;background:transparent}
"""

Tabs = Sequence[tuple[str, str]]


class Safe(str):
    """Markup that is already escaped."""


def safe(value: object) -> str:
    """Text made harmless, unless it is markup of ours."""
    return value if isinstance(value, Safe) else escape("" if value is None else str(value))


def link(address: str, text: object) -> Safe:
    return Safe(f'<a href="{escape(address)}">{safe(text)}</a>')


def join(parts: Iterable[object], between: str = ", ") -> Safe:
    return Safe(between.join(safe(part) for part in parts))


def table(heads: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str = "Nothing here yet.") -> Safe:
    """A table that scrolls by itself on a narrow screen."""
    if not rows:
        return Safe(f'<p class="soft">{safe(empty)}</p>')
    head = "".join(f'<th scope="col">{safe(name)}</th>' for name in heads)
    body = "".join("<tr>" + "".join(f"<td>{safe(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return Safe(f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>')


def search_form(wanted: str) -> Safe:
    return Safe(
        '<form role="search"><input type="search" name="q" aria-label="Search" placeholder="Search" '
        f'value="{escape(wanted)}"><button>Search</button></form>'
    )


def pager(address: str, query: str, *, page: int, size: int, total: int) -> Safe:
    """Links to the pages before and after; `page` counts from 1."""
    last = max(1, -(-total // size))
    parts = [Safe(f'<span class="soft">{total} in all, page {page} of {last}</span>')]
    for number, text in ((page - 1, "Previous"), (page + 1, "Next")):
        if 1 <= number <= last:
            parts.append(link(f"{address}?{urlencode({'q': query, 'page': number})}", text))
    return Safe(f"<p>{join(parts, ' &middot; ')}</p>")


def frame(
    title: str, *content: object, status: int = 200, of: str = "", tabs: Tabs = (), tab: str = ""
) -> HTMLResponse:
    """A page `of` a practice system, with its tabs as (address, name)."""
    links = "".join(
        f'<a href="{address}"{" aria-current=page" if address == tab else ""}>{name}</a>' for address, name in tabs
    )
    return HTMLResponse(
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<title>{safe(title)} - {of}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><style>{_STYLE}</style></head><body>'
        f"<nav><b>{of}</b>{links}</nav>"
        f"<main><h1>{safe(title)}</h1>{join(content, '')}</main></body></html>",
        status,
        headers={"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
                 "form-action 'self'; base-uri 'none'"},
    )  # fmt: skip
