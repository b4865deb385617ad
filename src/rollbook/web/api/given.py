"""Reads what a request gives, into typed structs: unknown names and wrong values are refused in words."""

from __future__ import annotations

import re
from typing import Any, Final, get_origin, get_type_hints

import msgspec
from django.http import HttpRequest
from django.http.request import RawPostDataException, UnreadablePostError

from rollbook.roster.shapes import learned
from rollbook.web.api.answers import Refused
from rollbook.web.api.shapes import Given

MOST_BYTES: Final = 1 << 20
_NUL: Final = "\0"
_VERSION: Final = re.compile(r'(?:W/)?"?(\d{1,9})"?')


def read_query(request: HttpRequest, shape: type[Given]) -> Any:
    """Raises Refused 422."""
    hints = get_type_hints(shape)
    found: dict[str, Any] = {}
    for name, values in request.GET.lists():
        listed = get_origin(hints.get(name)) in (list, tuple)
        if len(values) > 1 and not listed:
            raise _wrong(f"{name} is given twice")
        if any(_NUL in value for value in values):
            raise _wrong(f"{name} holds a character that no text has")
        found[name] = values if listed else values[0]
    try:
        return msgspec.convert(found, learned(shape), strict=False)
    except msgspec.ValidationError as error:
        raise _wrong(str(error)) from None


def read_body(request: HttpRequest, shape: type[Given] | None) -> Any:
    """None where the operation takes none. An empty body is `{}`. Raises Refused 413, 415 or 422."""
    if shape is None:
        return None
    raw = _bytes(request)
    if raw and request.content_type != "application/json":
        raise Refused(415, "UnsupportedMediaType", "send JSON, and say so: Content-Type: application/json")
    if b"\\u0000" in raw:
        raise _wrong("a text holds a character that no text has")
    try:
        return msgspec.json.decode(raw or b"{}", type=learned(shape))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _wrong("it is nested too deeply" if isinstance(error, RecursionError) else str(error)) from None


def read_version(request: HttpRequest) -> int | None:
    """The settings' number in If-Match. Raises Refused 422."""
    given = request.headers.get("If-Match", "").strip()
    if given in ("", "*"):
        return None
    match = _VERSION.fullmatch(given)
    if match is None:
        raise _wrong('If-Match must be the ETag of the settings, such as "12"')
    return int(match[1])


def _bytes(request: HttpRequest) -> bytes:
    try:
        said = int(request.META.get("CONTENT_LENGTH") or 0)
        raw = request.read(MOST_BYTES + 1) if said <= MOST_BYTES else b""
    except (ValueError, RawPostDataException, UnreadablePostError):
        raise _wrong("the body cannot be read") from None
    if max(said, len(raw)) > MOST_BYTES:
        raise Refused(413, "TooLarge", "the body may have at most 1 MiB")
    return bytes(raw)


def _wrong(words: str) -> Refused:
    return Refused(422, "UsageError", f"the request is not valid: {words}")
