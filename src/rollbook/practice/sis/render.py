"""Turns rows into the JSON objects of OneRoster 1.1 or 1.2; pure but for looking up children."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from rollbook.practice.sis.model import (
    ADMINISTRATORS,
    BASES,
    KINDS,
    METADATA,
    MODIFIED,
    SOURCED_ID,
    STATUS,
    Field,
    Kind,
    Role,
    Row,
)
from rollbook.practice.sis.store import Store

Show = Callable[[Any], Any]

_PLAIN = re.compile(r"[\w.~-]+", re.ASCII).fullmatch  # needs no quoting


def role_of_1_1(roles: tuple[Role, ...], counselor: str = "aide") -> str:
    """The one role of 1.1 for the roles of 1.2: the first primary one.

    The four administrator roles become `administrator`; a counselor has no 1.1 twin.
    """
    first = next((r for r in roles if r.role_type == "primary"), roles[0] if roles else None)
    if first is None:
        return "student"
    if first.role in ADMINISTRATORS:
        return "administrator"
    return counselor if first.role == "counselor" else first.role


class Renderer:
    """Renders rows for one version and one public address, such as http://127.0.0.1:8010."""

    def __init__(self, store: Store, version: str, origin: str) -> None:
        self.store = store
        self.version = version
        self.origin = origin
        self._plans: dict[str, list[tuple[str, int, Show]]] = {}
        self._blanks: dict[str, list[str]] = {}
        self._org = self._maker("orgs")
        self._shows: dict[str, Show] = {
            "flag": self._flag, "list": list, "ids": self._ids, "pairs": self._pairs,
            "roles": self._roles, "profiles": list, "number": _number,
        }  # fmt: skip

    def record(self, kind: Kind, row: Row) -> dict[str, Any]:
        """The whole object; values that are not known are left out, as R12 wants."""
        plan = self._plans.get(kind.plural)
        if plan is None:
            plan = self._plans[kind.plural] = self._plan(kind)
            self._blanks[kind.plural] = [
                one.name for one in kind.fields if one.form == "text" and one.needed(self.version)
            ]
        shown = {"sourcedId": row[SOURCED_ID], "status": row[STATUS], "dateLastModified": row[MODIFIED]}
        if row[METADATA]:
            shown["metadata"] = row[METADATA]
        for name, position, show in plan:
            value = row[position]
            if value is not None:
                shown[name] = show(value)
        self._adjust(kind, row, shown)
        return shown

    def _plan(self, kind: Kind) -> list[tuple[str, int, Show]]:
        return [(one.name, kind.at.get(one.name, SOURCED_ID), self._show(one)) for one in kind.shown(self.version)]

    def _show(self, one: Field) -> Show:
        if one.target:
            ref = self._maker(one.target)
            if one.form == "ref":
                return ref
            if one.form == "refs":
                return lambda ids: [ref(own) for own in ids]
            return lambda own: [ref(row[SOURCED_ID]) for row in self.store.by(one.target, "parent", own)]
        if one.name == "periods" and self.version == "1.1":
            return ",".join
        return self._shows.get(one.form, _same)

    def _adjust(self, kind: Kind, row: Row, shown: dict[str, Any]) -> None:
        """Fill what REST requires and CSV allows to be blank; give 1.1 its own fields."""
        if "children" in shown and not shown["children"]:
            del shown["children"]
        for name in self._blanks[kind.plural]:
            shown.setdefault(name, "")
        if self.version == "1.1":
            self._adjust_1_1(kind, row, shown)

    def _adjust_1_1(self, kind: Kind, row: Row, shown: dict[str, Any]) -> None:
        if kind.plural == "users":
            roles = row[kind.at["roles"]] or ()
            del shown["roles"]
            shown["role"] = role_of_1_1(roles)
            shown["orgs"] = [self._org(org) for org in dict.fromkeys(r.org for r in roles)]
        elif kind.plural == "resources" and shown.get("roles"):
            shown["role"] = shown["roles"][0]
        elif kind.plural == "demographics" and shown.get("sex") not in ("male", "female"):
            shown.pop("sex", None)
        elif kind.plural == "lineItems":
            shown.setdefault("resultValueMin", 0)
        elif kind.plural == "results":
            shown.setdefault("score", 0)

    def _maker(self, plural: str) -> Callable[[str], dict[str, str]]:
        """A function from a sourcedId to a reference (GUIDRef) to a record of the kind."""
        kind = KINDS[plural]
        start = f"{self.origin}{BASES[self.version][kind.service]}/{plural}/"
        name = kind.name

        def ref(own: str) -> dict[str, str]:
            last = own if _PLAIN(own) else quote(own, safe="")
            return {"href": start + last, "sourcedId": own, "type": name}

        return ref

    def _flag(self, value: bool) -> Any:
        return value if self.version == "1.1" else ("true" if value else "false")

    @staticmethod
    def _ids(pairs: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
        return [{"type": kind, "identifier": own} for kind, own in pairs]

    @staticmethod
    def _pairs(pairs: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
        return [{"itemValueLHS": left, "itemValueRHS": right} for left, right in pairs]

    def _roles(self, roles: tuple[Role, ...]) -> list[dict[str, Any]]:
        return [self._role(one) for one in roles]

    def _role(self, one: Role) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "roleType": one.role_type,
            "role": one.role,
            "org": self._org(one.org),
        }
        if one.profile:
            shown["userProfile"] = f"urn:profile:{one.profile}"
        if one.begin:
            shown["beginDate"] = one.begin
        if one.end:
            shown["endDate"] = one.end
        return shown


def _same(value: Any) -> Any:
    return value


def _number(value: float) -> float | int:
    return int(value) if value == int(value) else value
