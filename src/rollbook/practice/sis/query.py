"""The six query parameters of OneRoster reads: limit, offset, sort, orderBy, filter, fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rollbook.practice.sis.answers import Refused, status_1_1
from rollbook.practice.sis.model import Kind, Row
from rollbook.practice.sis.paths import UnknownPath, getter
from rollbook.practice.sis.render import Renderer

_COMMON = ("sourcedId", "status", "dateLastModified", "metadata")


@dataclass(frozen=True)
class Ask:
    """What one read asks for. `fields` empty means all; `warnings` are 1.1 status entries for a 200."""

    limit: int = 100
    offset: int = 0
    sort: str = ""
    descending: bool = False
    filter: str = ""
    fields: tuple[str, ...] = ()
    warnings: list[dict[str, Any]] = field(default_factory=list)

    def view(self) -> tuple[str, bool, str]:
        """What decides which rows, in which order; the page is left out."""
        return self.sort, self.descending, self.filter

    def at(self, offset: int, limit: int) -> Ask:
        return replace(self, offset=offset, limit=limit)


def _whole(given: Mapping[str, str], name: str, default: int, least: int) -> int:
    text = given.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise Refused(400, "invaliddata", f"{name} must be a whole number of at least {least}")
    return int(text)


def read_ask(given: Iterable[tuple[str, str]], kind: Kind, version: str) -> Ask:
    """Read the parameters. Raises Refused (400) for what cannot be honoured."""
    pairs = list(given)
    params = dict(pairs)
    order = params.get("orderBy", "asc")
    if order not in ("asc", "desc"):
        raise Refused(400, "invaliddata", "orderBy must be asc or desc")
    ask = Ask(
        limit=_whole(params, "limit", 100, 1),
        offset=_whole(params, "offset", 0, 0),
        sort=params.get("sort", ""),
        descending=order == "desc",
        filter=params.get("filter", ""),
    )
    asked = [value for name, value in pairs if name == "fields"]
    return replace(ask, fields=_fields(asked, kind, version, ask.warnings)) if asked else ask


def _fields(asked: list[str], kind: Kind, version: str, warnings: list[dict[str, Any]]) -> tuple[str, ...]:
    names = tuple(name.strip() for text in asked for name in text.split(",") if name.strip())
    minor = "invalid_selection_field"
    if not names:
        raise Refused(400, "invalid_blank_selection_field" if version == "1.1" else minor, "fields is blank")
    known = {*_COMMON, *(one.name for one in kind.shown(version))}
    if version == "1.1" and kind.plural == "users":
        known = known - {"roles"} | {"role", "orgs"}
    odd = [name for name in names if name not in known]
    if odd and version == "1.2":
        raise Refused(400, minor, f"unknown field {odd[0]}")
    if odd:
        warnings.append(status_1_1("success", "warning", minor, f"unknown field {odd[0]}"))
        return ()
    return names


def chosen(record: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    """Only the fields asked for; required or not does not matter (1.1 text on field selection)."""
    return {name: record[name] for name in fields if name in record} if fields else record


def ordered(rows: list[Row], ask: Ask, kind: Kind, renderer: Renderer) -> list[Row]:
    """Rows sorted as asked, in Unicode order; an unknown field means the order they were in.

    1.1 says so with a warning; the 1.2 rostering list has no code for it.
    """
    if not ask.sort:
        return rows
    try:
        get, _ = getter(renderer, kind, ask.sort)
    except UnknownPath:
        if renderer.version == "1.1":
            text = f"unknown sort field {ask.sort}"
            ask.warnings.append(status_1_1("success", "warning", "invalid_sort_field", text))
        return rows
    return sorted(rows, key=_sort_key(get), reverse=ask.descending)


def _sort_key(get: Callable[[Row], Any]) -> Callable[[Row], Any]:
    def key(row: Row) -> Any:
        value = get(row)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return (1, value, "")
        if value is None or value == ():
            return (0, 0, "")
        return (2, 0, ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value))

    return key
