"""The LMS's answers to bulk calls as outcomes. Pure and total: what was not clearly answered is unknown.

Items come back in request order with `response_code`, an id and the caller's own keys (Schoology REST API v1,
bulk operations); the order is trusted only where the keys that came back agree.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rollbook.connectors.schoology.lenient import Json, ident, items, mapping, number, optional, text
from rollbook.roster.changes import DONE, REFUSED, UNKNOWN, Change, Outcome
from rollbook.roster.lms import REMOVE

#: Where a bulk answer of a kind keeps its list, outermost name first; and the caller's own keys in an item.
ANSWERS: Mapping[str, tuple[str, ...]] = {
    "user": ("users", "user"),
    "course": ("courses", "course"),
    "section": ("sections", "section"),
    "enrollment": ("enrollments", "enrollment"),
    "guardian_link": ("associations", "association"),
}
OWN_KEYS: Mapping[str, tuple[str, ...]] = {
    "user": ("school_uid",),
    "course": ("course_code",),
    "section": ("section_school_code",),
    "enrollment": ("section_school_code", "school_uid"),
    "guardian_link": ("student_school_uid", "parent_school_uid"),
}
_EMAIL = re.compile(r"[^\s@<>\"'(),;:]+@[^\s@<>\"'(),;:]+")
_PERSONAL = (
    "first_name", "last_name", "middle_name", "preferred_first_name", "username", "email",
)  # fmt: skip
_WORDS_MOST = 300


#: The code of records about which an answer that came says nothing.
UNCLEAR = 207


def unknown(message: str, code: int | None = None) -> Outcome:
    """`code` is that of the answer, None where none came at all."""
    return Outcome(status=UNKNOWN, message=message, code=code)


def refused(message: str, code: int | None = None) -> Outcome:
    return Outcome(status=REFUSED, message=message, code=code)


def bulk_outcomes(kind: str, body: Any, sent: Sequence[tuple[Change, Json]]) -> list[Outcome]:
    """One outcome per sent pair of change and item, in order."""
    answers = items(body, *ANSWERS[kind])
    if answers is None:
        return [unknown("the LMS did not answer with a list of results", UNCLEAR)] * len(sent)
    found = matched([item for _, item in sent], answers, OWN_KEYS[kind])
    return [outcome(answer, change) for (change, _), answer in zip(sent, found, strict=True)]


def account_outcomes(body: Any, sent: Sequence[tuple[Change, Json]], name: str) -> list[Outcome]:
    """Outcomes of a call that names accounts by their LMS ids alone, under this `name`. The order is trusted only where
    the ids that came back agree."""
    answers = items(body, *ANSWERS["user"])
    if answers is None:
        return [unknown("the LMS did not answer with a list of results", UNCLEAR)] * len(sent)
    found = matched([item for _, item in sent], answers, (name,))
    return [outcome(answer, change) for (change, _), answer in zip(sent, found, strict=True)]


def nested_outcomes(body: Any, courses: Sequence[tuple[Json, Sequence[tuple[Change, Json]]]]) -> list[Outcome]:
    """Outcomes of sections that were sent inside their courses, in the order in which they were nested."""
    answers = items(body, *ANSWERS["course"]) or []
    found = matched([course for course, _ in courses], answers, OWN_KEYS["course"])
    outcomes: list[Outcome] = []
    for answer, (_, sent) in zip(found, courses, strict=True):
        code = _code(answer)
        if code is not None and 400 <= code < 500:
            message = f"its course was refused: {words(answer)}".removesuffix(": ")
            outcomes += [refused(message, code)] * len(sent)
        else:
            inside = mapping(answer)
            nested = inside.get("sections", {"section": inside.get("section", [])})
            outcomes += bulk_outcomes("section", nested, sent)
    return outcomes


def matched(sent: Sequence[Json], answers: Sequence[Any], keys: Sequence[str]) -> list[Any]:
    """For each sent item its answer, or None: by order where that agrees with the keys, else by the
    keys alone."""
    in_order = len(answers) == len(sent)
    if in_order and all(_agrees(item, answer, keys) for item, answer in zip(sent, answers, strict=True)):
        return list(answers)
    by_key: dict[tuple[str, ...], list[Any]] = {}
    for answer in answers:
        by_key.setdefault(_key(answer, keys), []).append(answer)
    wanted = [_key(item, keys) for item in sent]
    found: list[Any] = []
    for key in wanted:
        same = by_key.get(key, [])
        found.append(same[0] if len(same) == 1 and wanted.count(key) == 1 and all(key) else None)
    return found


def _key(item: Any, keys: Sequence[str]) -> tuple[str, ...]:
    known = mapping(item)
    return tuple(text(known.get(name)) for name in keys)


def _agrees(item: Json, answer: Any, keys: Sequence[str]) -> bool:
    known = mapping(answer)
    return all(not text(known.get(name)) or text(known[name]) == text(item.get(name)) for name in keys)


def _code(answer: Any) -> int | None:
    return number(mapping(answer).get("response_code"))


def outcome(answer: Any, change: Change) -> Outcome:
    """What one item's result says. A removal of what is no longer there is done."""
    code = _code(answer)
    if code is None:
        return unknown("the LMS gave no result for this record", UNCLEAR)
    if code >= 500 or code < 200:
        return Outcome(status=UNKNOWN, message=scrubbed(words(answer), change), code=code)
    if code < 300 or (change.action == REMOVE and code in {404, 410}):
        return Outcome(status=DONE, lms_id=_lms_id(answer, change), code=code)
    return refused(scrubbed(words(answer), change) or f"refused with code {code}", code)


def _lms_id(answer: Any, change: Change) -> str | None:
    """The object's own id: the import endpoints of enrollments give it only as the end of `location`."""
    known = mapping(answer)
    if change.kind == "guardian_link":
        ends = ident(known.get("student_uid")), ident(known.get("parent_uid"))
        return "|".join(each for each in ends if each) if all(ends) else change.lms_id
    if change.kind != "enrollment" and (own := ident(known.get("id")) or ident(known.get("uid"))):
        return own
    last = text(known.get("location")).rstrip("/").rpartition("/")[2]
    own = ident(known.get("id")) if change.kind == "enrollment" else None
    return own or (last if last.isascii() and last.isdecimal() else None) or change.lms_id


def words(answer: Any) -> str:
    """The LMS's own words about a refusal: `message`, else `error`; bodies may also be a bare text."""
    known = mapping(answer)
    found = optional(known.get("message")) or optional(known.get("error")) or text(answer)
    return " ".join(found.split())[:_WORDS_MOST]


def scrubbed(message: str, change: Change) -> str:
    """The words without e-mail addresses and without the names of the person they are about."""
    clean = _EMAIL.sub("[e-mail]", message)
    for name in _PERSONAL:
        value = optional(change.after.get(name))
        if value is not None and len(value) > 1:
            clean = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "[name]", clean, flags=re.IGNORECASE)
    return clean
