"""Several reads in one call (REST API: Multiget); only the paths listed there, at most 50."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit

from rollbook.practice.lms.routing import Place, resolve
from rollbook.practice.lms.wire import BULK_MOST, Call, Handler, Json, Refused, Reply, an_object

_ALLOWED = {
    "courses/{id}", "courses/{id}/sections", "sections/{id}", "sections/{id}/assignments",
    "sections/{id}/enrollments", "sections/{id}/grade_items", "sections/{id}/grades", "sections/ext/{code}",
    "users/{id}", "users/{id}/sections", "users/ext/{code}",
}  # fmt: skip


def multiget(find: Callable[[str, str], Handler | None]) -> Handler:
    """The handler; `find` gives the handler of a method and path template."""

    def handle(call: Call) -> Reply:
        paths = an_object(call.body).get("request")
        paths = [paths] if isinstance(paths, str) else paths
        if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
            raise Refused(400, "request is missing")
        if len(paths) > BULK_MOST:
            raise Refused(400, f"A maximum of {BULK_MOST} requests is allowed")
        return Reply(207 if len(paths) > 1 else 200, {"response": [one(call, path) for path in paths]})

    def one(call: Call, path: str) -> Json:
        parts = urlsplit(path)
        place = resolve(parts.path.removeprefix("/v1"))
        handler = find("GET", place.template) if place.template in _ALLOWED else None
        if handler is None:
            return {"response_code": 404, "body": ""}
        try:
            reply = handler(_inner(call, place, dict(parse_qsl(parts.query, keep_blank_values=True))))
        except Refused as refused:
            return {"response_code": refused.status, "body": refused.message}
        location = {"location": reply.headers["location"]} if "location" in reply.headers else {}
        return {"response_code": reply.status, **location, "body": reply.data or ""}

    return handle


def _inner(call: Call, place: Place, query: dict[str, str]) -> Call:
    return Call(
        lms=call.lms, method="GET", path=place.path, template=place.template, ids=place.ids, code=place.code,
        query=query, body=None, actor=call.actor, base=call.base,
    )  # fmt: skip
