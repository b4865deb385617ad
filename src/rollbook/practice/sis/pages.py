"""One plain page for a person: schools, sessions, counts, and a search for people; asks no other host."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from starlette.responses import HTMLResponse, Response

from rollbook.practice.sis.model import KINDS, STATUS, Row
from rollbook.practice.sis.store import Store
from rollbook.practice.sis.views import VIEWS

_MOST_PEOPLE = 50
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1c2733}"
    "h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}p{margin:.25rem 0 1rem;color:#566}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.35rem .75rem .35rem 0;"
    "border-bottom:1px solid #dde3ea;vertical-align:top}th{font-weight:600;color:#566}"
    "input,button{font:inherit;padding:.35rem .6rem}input{width:20rem;max-width:100%}code{color:#566}"
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


def overview(store: Store, version: str, sought: str) -> Response:
    """The page; `sought` is what to look for in names, user names and ids."""
    parts = [
        f"<h1>Practice SIS</h1><p>OneRoster {version}. Invented people, for trying things out.</p>",
        _counts(store), _schools(store), _sessions(store), _people(store, sought.strip()),
    ]  # fmt: skip
    head = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Practice SIS</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
    )
    return HTMLResponse(f"{head}{''.join(parts)}</body></html>", headers={"Content-Security-Policy": _POLICY})


def _table(title: str, heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    lines = "".join(
        "<tr>" + "".join(f'<td dir="auto">{escape(str(cell or ""))}</td>' for cell in row) + "</tr>" for row in rows
    )
    body = lines or "<tr><td>None</td></tr>"
    return f"<h2>{escape(title)}</h2><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _counts(store: Store) -> str:
    rows = []
    for kind in KINDS:
        total = store.all(kind)
        gone = sum(row[STATUS] != "active" for row in total)
        if total:
            rows.append((kind, f"{len(total) - gone:,}", f"{gone:,}" if gone else ""))
    return _table("Records", ("Kind", "Active", "To be deleted"), rows)


def _cells(kind: str, row: Row, *names: str) -> list[object]:
    return [row[KINDS[kind].at[name]] for name in names]


def _schools(store: Store) -> str:
    views = {view.template: view for view in VIEWS}
    rows = []
    for row in views["/schools"].select(store):
        people = [len(views[f"/schools/*/{who}"].select(store, row[0])) for who in ("students", "teachers", "classes")]
        rows.append([*_cells("orgs", row, "name", "identifier"), row[0], *(f"{n:,}" for n in people)])
    return _table("Schools", ("School", "Identifier", "sourcedId", "Students", "Teachers", "Classes"), rows)


def _sessions(store: Store) -> str:
    names = ("title", "type", "startDate", "endDate", "schoolYear")
    rows = ([*_cells("academicSessions", row, *names), row[0]] for row in store.all("academicSessions"))
    return _table("Academic sessions", ("Title", "Type", "Start", "End", "School year", "sourcedId"), rows)


def _people(store: Store, sought: str) -> str:
    form = (
        f'<h2>People</h2><form><input name="q" value="{escape(sought)}" aria-label="Name, user name or id" '
        'placeholder="Name, user name or id"> <button>Search</button></form>'
    )
    if not sought:
        return form
    names = ("givenName", "familyName", "username", "email")
    wanted = sought.casefold()

    def text(row: Row) -> str:
        return " ".join(str(cell or "") for cell in (row[0], *_cells("users", row, *names))).casefold()

    found = [row for row in store.all("users") if wanted in text(row)]
    roles = KINDS["users"].at["roles"]
    rows = (
        [*_cells("users", row, *names), ", ".join(f"{r.role} at {r.org}" for r in row[roles] or ()), row[0]]
        for row in found[:_MOST_PEOPLE]
    )
    title = f"{len(found):,} found" + (f", the first {_MOST_PEOPLE} shown" if len(found) > _MOST_PEOPLE else "")
    return form + _table(title, ("Given name", "Family name", "User name", "E-mail", "Roles", "sourcedId"), rows)
