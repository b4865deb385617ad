"""Bends a correct record the way some real systems do; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rollbook.practice.sis.model import KINDS, Kind

_NULLED = ("metadata", "identifier", "parent", "children", "middleName", "phone", "sms", "location")
_LEFT_OUT = ("identifier", "courseCode", "classType", "enabledUser", "primary", "email", "userIds")
_BOOLS = {"bool_upper": ("TRUE", "FALSE"), "bool_text": ("true", "false"), "bool_json": (True, False)}


def deviate(record: dict[str, Any], kind: Kind, struck: Mapping[str, Any]) -> dict[str, Any]:
    """The record, changed in place by every data deviation that is on."""
    for name, change in _CHANGES.items():
        if name in struck:
            change(record, kind)
    for name, (yes, no) in _BOOLS.items():
        if name in struck:
            _each(record, kind, "flag", {True: yes, "true": yes, False: no, "false": no}.get)
    return record


def _each(record: dict[str, Any], kind: Kind, form: str, change: Any) -> None:
    for one in kind.fields:
        if one.form == form and record.get(one.name) is not None:
            record[one.name] = change(record[one.name])


def _nulls(record: dict[str, Any], kind: Kind) -> None:
    names = {one.name for one in kind.fields} | {"metadata"}
    for name in _NULLED:
        if name in names and not record.get(name):
            record[name] = None


def _missing(record: dict[str, Any], kind: Kind) -> None:
    for name in _LEFT_OUT:
        record.pop(name, None)


def _grades(record: dict[str, Any], kind: Kind) -> None:
    if "grades" in record:
        record["grades"] = ",".join(record["grades"])


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _enums(record: dict[str, Any], kind: Kind) -> None:
    for name in ("status", "role"):
        if isinstance(record.get(name), str):
            record[name] = _capital(record[name])
    for role in record.get("roles", ()):
        if isinstance(role, dict):
            role.update(role=_capital(role["role"]), roleType=_capital(role["roleType"]))
    _each(record, kind, "word", _capital)


def _short_stamps(record: dict[str, Any], kind: Kind) -> None:
    record["dateLastModified"] = record["dateLastModified"][:10]
    _each(record, kind, "stamp", lambda value: value[:10])


def _long_dates(record: dict[str, Any], kind: Kind) -> None:
    _each(record, kind, "date", lambda value: f"{value}T00:00:00.000Z")


def _inactive(record: dict[str, Any], kind: Kind) -> None:
    if record["status"] == "tobedeleted":
        record["status"] = "inactive"


def _tilde(value: Any, kind: Kind | None = None) -> None:
    if isinstance(value, dict):
        if isinstance(value.get("href"), str):
            value["href"] = "~" + value["href"][value["href"].find("/ims/") :]
        for inner in value.values():
            _tilde(inner)
    elif isinstance(value, list):
        for inner in value:
            _tilde(inner)


def _flat_role(record: dict[str, Any], kind: Kind) -> None:
    roles = record.pop("roles", None) if kind is KINDS["users"] else None
    if roles:
        record["role"] = "administrator" if "dministrator" in roles[0]["role"] else roles[0]["role"]
        record["orgs"] = [role["org"] for role in roles]


def _number_texts(record: dict[str, Any], kind: Kind) -> None:
    _each(record, kind, "number", str)


def _periods(record: dict[str, Any], kind: Kind) -> None:
    if isinstance(record.get("periods"), str):
        record["periods"] = record["periods"].split(",")


_CHANGES: dict[str, Callable[[dict[str, Any], Kind], None]] = {
    "nulls": _nulls, "missing_fields": _missing, "flat_role": _flat_role, "enum_case": _enums,
    "status_inactive": _inactive, "date_for_datetime": _short_stamps, "datetime_for_date": _long_dates,
    "tilde_hrefs": _tilde, "numbers_text": _number_texts, "periods_list": _periods, "grades_text": _grades,
}  # fmt: skip
DATA_DEVIATIONS = frozenset({*_CHANGES, *_BOOLS})
