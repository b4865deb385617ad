"""The filter grammar of OneRoster: field, predicate, quoted value, joined by AND or OR."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from rollbook.practice.sis.answers import Refused
from rollbook.practice.sis.model import Kind, Row
from rollbook.practice.sis.paths import UnknownPath, getter
from rollbook.practice.sis.render import Renderer
from rollbook.practice.sis.store import stamp

_CLAUSE = re.compile(r"([A-Za-z][\w.:-]*?)(!=|>=|<=|=|>|<|~)'((?:[^']|'')*)'")
_JOINT = re.compile(r" (AND|OR) ")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "!=": operator.ne, ">": operator.gt, ">=": operator.ge, "<": operator.lt,
    "<=": operator.le,
}  # fmt: skip

Test = Callable[[Row], bool]


def compile_filter(text: str, kind: Kind, renderer: Renderer) -> Test:
    """A test for rows.

    One AND or OR is what consumers may send; more are accepted here, AND binding tighter. Comparison is exact
    in case. A list matches `=` when it has all the comma-separated values given, and any other predicate when
    one item does. Raises Refused (400 invalid_filter_field).
    """
    groups: list[list[Test]] = [[]]
    at = 0
    while True:
        clause = _CLAUSE.match(text, at)
        if clause is None:
            raise Refused(400, "invalid_filter_field", "the filter is not field, predicate, 'value'")
        groups[-1].append(_clause(clause, kind, renderer))
        at = clause.end()
        if at == len(text):
            break
        joint = _JOINT.match(text, at)
        if joint is None:
            raise Refused(400, "invalid_filter_field", "clauses are joined by AND or OR, one space each side")
        at = joint.end()
        if joint[1] == "OR":
            groups.append([])
    return lambda row: any(all(test(row) for test in group) for group in groups)


def _clause(clause: re.Match[str], kind: Kind, renderer: Renderer) -> Test:
    path, predicate, value = clause[1], clause[2], clause[3].replace("''", "'")
    try:
        get, form = getter(renderer, kind, path)
        wanted: Any = _wanted(form, value)
    except (UnknownPath, ValueError) as error:
        raise Refused(400, "invalid_filter_field", f"cannot filter on {path}") from error
    if predicate == "~":
        return _contains(get, value)
    compare = _COMPARE[predicate]
    parts = tuple(part.strip() for part in value.split(","))

    def test(row: Row) -> bool:
        found = get(row)
        if isinstance(found, tuple):
            return _list_test(found, predicate, parts, value)
        if found is None or found == "":
            return predicate == "!="
        return compare(_comparable(form, found), wanted)

    return test


def _list_test(found: tuple[Any, ...], predicate: str, parts: tuple[str, ...], value: str) -> bool:
    if predicate in ("=", "!="):
        return (set(parts) <= set(found)) == (predicate == "=")
    return any(_COMPARE[predicate](str(item), value) for item in found if item is not None)


def _contains(get: Callable[[Row], Any], value: str) -> Test:
    parts = {part.strip() for part in value.split(",")}

    def test(row: Row) -> bool:
        found = get(row)
        if isinstance(found, tuple):
            return bool(parts & {str(item) for item in found})
        return found is not None and value in str(found)

    return test


def _wanted(form: str, value: str) -> Any:
    """The value asked for in comparable form; a date alone is accepted for a dateTime (sent by Moodle)."""
    if form == "number":
        return float(value)
    if form == "stamp":
        moment = datetime.fromisoformat(value)
        return stamp(moment.astimezone(UTC) if moment.tzinfo else moment)
    return value[:10] if form == "date" and "T" in value else value


def _comparable(form: str, found: Any) -> Any:
    return float(found) if form == "number" else str(found)
