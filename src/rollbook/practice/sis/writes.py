"""Gradebook writes: PUT, DELETE, and the POST of sets (1.2); checks what is sent, stores all or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.responses import Response

from rollbook.practice.sis.answers import Refused, invalid, json_answer, unknown
from rollbook.practice.sis.model import KINDS, Kind, Row
from rollbook.practice.sis.parse import parse_record
from rollbook.practice.sis.rules import check_result, complete, refuse_by_deviation
from rollbook.practice.sis.store import Store

_CATALOGUE = ("categories", "lineItems", "results")
WRITABLE = {
    "1.1": _CATALOGUE,
    "1.2": (*_CATALOGUE, "scoreScales", "assessmentLineItems", "assessmentResults"),
}


@dataclass(frozen=True)
class Post:
    """One POST of a set: the kind of its items, and what its path says about them, by field."""

    kind: str
    fixed: tuple[str, ...]


# G12: the only four. A result has no academicSession of its own, its line item has.
POSTS: dict[str, Post] = {
    "/classes/*/lineItems": Post("lineItems", ("class",)),
    "/schools/*/lineItems": Post("lineItems", ("school",)),
    "/lineItems/*/results": Post("results", ("lineItem",)),
    "/classes/*/academicSessions/*/results": Post("results", ("class", "academicSession")),
}


def write_scope(kind: str, verb: str) -> str:
    area = "assessment" if kind.startswith("assessment") else "gradebook"
    return f"{area}.{ {'PUT': 'createput', 'DELETE': 'delete', 'POST': 'createpost'}[verb] }"


class Writes:
    """Writes of one practice SIS."""

    def __init__(self, store: Store, version: str) -> None:
        self.store = store
        self.version = version
        self._allocated = 0

    def put(self, plural: str, own: str, body: bytes, struck: Mapping[str, Any]) -> Response:
        """Create or replace. 1.2 always answers 201 without a body (G12); 1.1 201 when new, else 200."""
        kind = KINDS[plural]
        data = _decoded(body)
        given = data.get(kind.name)
        if not isinstance(given, dict):
            raise invalid(f"the body needs an object named {kind.name}")
        if given.get("sourcedId", own) != own:
            raise invalid("sourcedId in the body differs from the one in the path")
        row = self._checked(kind, {**given, "sourcedId": own}, struck)
        if "own_item_id" in struck and plural == "lineItems" and self.store.get(plural, own) is None:
            row = (self._allocate(plural), *row[1:])
            self.store.put(plural, row)
            return json_answer({kind.name: {**given, "sourcedId": row[0]}}, 201)
        new = self.store.put(plural, row)
        return Response(status_code=201 if new or self.version == "1.2" else 200)

    def delete(self, plural: str, own: str, struck: Mapping[str, Any]) -> Response:
        """Remove a record; the results of a line item go with it (the standard leaves that open)."""
        if "no_delete" in struck:
            raise Refused(405, "unsupported", "DELETE is not supported")
        if "window_closed" in struck and plural in ("lineItems", "results"):
            raise invalid("the grading window is closed")
        if not self.store.delete(plural, own):
            raise unknown(f"{KINDS[plural].name} {own}")
        kept_in = {"lineItems": "results", "assessmentLineItems": "assessmentResults"}.get(plural)
        if kept_in:
            for row in list(self.store.by(kept_in, KINDS[plural].name, own)):
                self.store.delete(kept_in, row[0])
        return Response(status_code=204)

    def post(self, template: str, ids: Sequence[str], body: bytes, struck: Mapping[str, Any]) -> Response:
        """Store a set under ids of our own, and say which (G12 GUIDPairSet)."""
        post = POSTS[template]
        fixed = dict(zip(post.fixed, ids, strict=True))
        for field, own in fixed.items():
            plural = {"class": "classes", "school": "orgs", "lineItem": "lineItems"}.get(field, "academicSessions")
            if self.store.get(plural, own) is None:
                raise unknown(f"{KINDS[plural].name} {own}")
        items = _decoded(body).get(post.kind)
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise invalid(f"the body needs a list of objects named {post.kind}")
        rows = [self._post_item(post, item, fixed, struck) for item in items]
        pairs = []
        for row in rows:
            allocated = self._allocate(post.kind)
            self.store.put(post.kind, (allocated, *row[1:]))
            pairs.append({"suppliedSourcedId": row[0], "allocatedSourcedId": allocated})
        return json_answer({"sourcedIdPairs": pairs}, 201)

    def _post_item(self, post: Post, item: dict[str, Any], fixed: Mapping[str, str], struck: Mapping[str, Any]) -> Row:
        kind = KINDS[post.kind]
        filled = dict(item)
        for field, own in fixed.items():
            if field in kind.at:
                filled.setdefault(field, {"sourcedId": own})
        row = self._checked(kind, filled, struck)
        for field, own in fixed.items():
            found = row[kind.at[field]] if field in kind.at else self._session_of(row[kind.at["lineItem"]], own)
            if found != own:
                raise invalid(f"{field} differs from the one in the path")
        return row

    def _session_of(self, item: str, wanted: str) -> str | None:
        sessions = [self.store.cell("lineItems", item, name) for name in ("academicSession", "gradingPeriod")]
        return wanted if wanted in sessions else sessions[0]

    def _checked(self, kind: Kind, given: dict[str, Any], struck: Mapping[str, Any]) -> Row:
        row = complete(self.store, kind, parse_record(kind, given, self.version, self.store))
        if kind.plural == "results":
            check_result(self.store, row)
        refuse_by_deviation(self.store, kind, row, struck)
        return row

    def _allocate(self, plural: str) -> str:
        while True:
            self._allocated += 1
            own = f"sis-{KINDS[plural].name}-{self._allocated}"
            if self.store.get(plural, own) is None:
                return own


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        data = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise Refused(400, "invaliddata", "the body is not JSON") from error
    if not isinstance(data, dict):
        raise invalid("the body is not an object")
    return data
