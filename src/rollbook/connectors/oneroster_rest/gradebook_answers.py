"""What a SIS says to a write of the gradebook, as outcomes. Pure and total: what was not clearly answered is unknown.

Success bodies are undefined in 1.1 and empty in 1.2, so they are read loosely (1.1; G12). Errors come as a status
object (1.2), in a `statusInfoSet` (1.1), with nested or flat code, with or without the prefix `imsx_` (R12; QST, GOR,
Ed-Fi).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rollbook.connectors.kit import Answer
from rollbook.connectors.oneroster_rest.ids import NotJson, loose_json
from rollbook.roster.changes import DONE, REFUSED, UNKNOWN, Outcome

#: Statuses that say something about what was sent, not about the connection. 404: what it refers to is not there. 501
#: and 405: this call is not offered.
REFUSALS: Final = (400, 404, 405, 406, 409, 410, 412, 413, 415, 422, 501)
#: DELETE is not offered.
NO_DELETE: Final = (405, 501)
_WORDS_MOST: Final = 300
_LISTS: Final = ("statusInfoSet", "errors", "imsx_StatusInfo")


def outcome(answer: Answer, own: str, wrapper: str) -> Outcome:
    """What became of an object that was sent under the sourcedId `own` in this `wrapper`."""
    if not answer.ok:
        said = words(answer)
        return Outcome(status=REFUSED, message=said or f"refused with status {answer.status}", code=answer.status)
    body = answer.body.strip()
    if answer.content_type == "text/html" or body.startswith(b"<"):
        message = "the SIS answered with a web page, so it may not have seen this"
        return Outcome(status=UNKNOWN, message=message, code=answer.status)
    try:
        found = loose_json(body) if body else None
    except NotJson:
        if answer.content_type == "application/json":
            message = "the SIS answered with something that is not JSON"
            return Outcome(status=UNKNOWN, message=message, code=answer.status)
        found = None
    if any(_said(one, "codeMajor").lower() == "failure" for one in _statuses(found)):
        return Outcome(status=REFUSED, message=_told(found) or "refused", code=answer.status)
    return Outcome(status=DONE, lms_id=_own_id(found, wrapper) or own, code=answer.status)


def words(answer: Answer) -> str:
    """The SIS's own words about a refusal, "" for none; a web page says nothing."""
    body = answer.body.strip()
    if answer.content_type == "text/html" or body.startswith(b"<"):
        return ""
    try:
        return _told(loose_json(body))
    except NotJson:
        return _short(body[:2000].decode("utf-8", "replace"))


def _told(body: Any) -> str:
    """Description and code of every status in a body."""
    found: dict[str, None] = {}
    for one in _statuses(body):
        description, code = _said(one, "description"), _code(one)
        named = description or _text(one.get("message")) or _text(one.get("error"))
        found[f"{named} ({code})" if named and code else named or code] = None
    return _short("; ".join(each for each in found if each)) or _short(_text(body))


def _statuses(body: Any) -> Iterator[Mapping[str, Any]]:
    """Everything in a body that may be a status."""
    if isinstance(body, list):
        yield from (one for one in body if isinstance(one, Mapping))
    if not isinstance(body, Mapping):
        return
    for name in _LISTS:
        inner = body.get(name)
        for one in inner if isinstance(inner, list) else [inner]:
            if isinstance(one, Mapping):
                yield one
            elif isinstance(one, str):
                yield {"message": one}
    yield body


def _said(status: Mapping[str, Any], name: str) -> str:
    return _text(status.get(f"imsx_{name}")) or _text(status.get(name))


def _code(status: Mapping[str, Any]) -> str:
    """The minor code: text, or values in a list (R12 imsx_CodeMinor)."""
    for name in ("imsx_codeMinor", "imsx_CodeMinor", "codeMinor", "CodeMinor"):
        found = status.get(name)
        if isinstance(found, Mapping):
            inner = found.get("imsx_codeMinorField", found.get("codeMinorField"))
            listed = inner if isinstance(inner, list) else [inner]
            values = [one for one in listed if isinstance(one, Mapping)]
            found = ", ".join(_said(one, "codeMinorFieldValue") for one in values)
        if _text(found):
            return _text(found)
    return ""


def _own_id(body: Any, wrapper: str) -> str | None:
    """The sourcedId that the SIS uses, where it says so: in the object that comes back (Canvas notes), or as the pair
    of 1.2 (G12 GUIDPairSet; one object at TimeBack)."""
    if not isinstance(body, Mapping):
        return None
    pairs = body.get("sourcedIdPairs")
    pair = pairs[0] if isinstance(pairs, list) and pairs else pairs
    if isinstance(pair, Mapping):
        return _text(pair.get("allocatedSourcedId")) or None
    inner = body.get(wrapper)
    return _text((inner if isinstance(inner, Mapping) else body).get("sourcedId")) or None


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _short(said: str) -> str:
    clean = " ".join(said.split())
    return clean if len(clean) <= _WORDS_MOST else f"{clean[: _WORDS_MOST - 1]}…"
