"""Turns a JSON object that a client wrote into a row; refuses what the standard does not allow."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from rollbook.practice.sis.answers import invalid
from rollbook.practice.sis.model import SCORE_STATUSES, Field, Kind, Row
from rollbook.practice.sis.store import Store, stamp

_GUID = re.compile(r"[0-9A-Za-z.\-_/@]{1,255}")
_EXTENDED = re.compile(r"ext:[a-zA-Z0-9._-]+")
_COMMON = frozenset({"sourcedId", "status", "dateLastModified", "metadata"})


def parse_record(kind: Kind, given: dict[str, Any], version: str, store: Store) -> Row:
    """A row of what was given. `status` and `dateLastModified` may be missing (sent by Google Classroom).

    Raises Refused (422): a bad id, an unknown property (1.2), a missing or ill-formed field, an unknown
    record.
    """
    own = given.get("sourcedId")
    if not isinstance(own, str) or not _GUID.fullmatch(own):
        raise invalid("sourcedId must be 1 to 255 characters out of 0-9 a-z A-Z . - _ / @")
    shown = kind.shown(version)
    odd = set(given) - _COMMON - {one.name for one in shown}
    if odd and version == "1.2":
        raise invalid(f"unknown property {min(odd)}")
    if given.get("status", "active") not in ("active", "tobedeleted"):
        raise invalid("status must be active or tobedeleted")
    if given.get("metadata") is not None and not isinstance(given["metadata"], dict):
        raise invalid("metadata must be an object")
    cells = [_cell(one, given.get(one.name), version, store) if one in shown else None for one in kind.stored]
    return (own, given.get("status", "active"), "", given.get("metadata"), *cells)


def _cell(one: Field, value: Any, version: str, store: Store) -> Any:
    if value is None or value == "":
        if one.needed(version):
            raise invalid(f"{one.name} is missing")
        return None
    if one.form == "ref":
        return _reference(one, value, store)
    return _READERS[one.form](one, value)


def _reference(one: Field, value: Any, store: Store) -> str:
    own = value.get("sourcedId") if isinstance(value, dict) else None
    if not isinstance(own, str):
        raise invalid(f"{one.name} must be a reference with a sourcedId")
    if store.get(one.target, own) is None:
        raise invalid(f"{one.name} {own} is not known")
    return own


def _text(one: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise invalid(f"{one.name} must be a text")
    return value


def _word(one: Field, value: Any) -> str:
    text = _text(one, value)
    if one.name == "scoreStatus" and text not in SCORE_STATUSES and not _EXTENDED.fullmatch(text):
        raise invalid(f"scoreStatus must be one of: {', '.join(SCORE_STATUSES)}")
    return text


def _date(one: Field, value: Any) -> str:
    """A date; a dateTime is accepted and cut (sent by Google Classroom)."""
    try:
        return date.fromisoformat(_text(one, value)[:10]).isoformat()
    except ValueError as error:
        raise invalid(f"{one.name} must be a date") from error


def _stamp(one: Field, value: Any) -> str:
    try:
        moment = datetime.fromisoformat(_text(one, value))
    except ValueError as error:
        raise invalid(f"{one.name} must be a dateTime") from error
    return stamp(moment.astimezone(UTC) if moment.tzinfo else moment)


def _number(one: Field, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise invalid(f"{one.name} must be a number")
    return float(value)


def _flag(one: Field, value: Any) -> bool:
    if value not in ("true", "false", True, False):
        raise invalid(f"{one.name} must be true or false")
    return value in ("true", True)


def _pairs(one: Field, value: Any) -> tuple[tuple[str, str], ...]:
    try:
        found = tuple((str(pair["itemValueLHS"]), str(pair["itemValueRHS"])) for pair in value)
    except (TypeError, KeyError) as error:
        raise invalid(f"{one.name} must be a list of itemValueLHS and itemValueRHS") from error
    if not found:
        raise invalid(f"{one.name} is empty")
    return found


def _json(one: Field, value: Any) -> Any:
    if not isinstance(value, list):
        raise invalid(f"{one.name} must be a list")
    return value


_READERS: dict[str, Callable[[Field, Any], Any]] = {
    "text": _text, "word": _word, "date": _date, "stamp": _stamp, "number": _number, "flag": _flag,
    "pairs": _pairs, "json": _json,
}  # fmt: skip
