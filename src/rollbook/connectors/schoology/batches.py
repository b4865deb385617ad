"""Puts the changes of a batch into as few bulk calls as possible. Pure: sends nothing, and knows no call that
deletes a user, course, section, grading period or building."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal

from rollbook.connectors.base import Batch
from rollbook.connectors.schoology import translate
from rollbook.connectors.schoology.lenient import Json, text
from rollbook.connectors.schoology.outcomes import bulk_outcomes, nested_outcomes, refused
from rollbook.connectors.schoology.translate import Refusal, Wording
from rollbook.errors import Bug
from rollbook.roster.changes import DONE, Change, Outcome
from rollbook.roster.lms import CREATE, REKEY, REMOVE, UPDATE

BULK_MOST: Final = 50  # items of one call (Schoology REST API v1, bulk operations)
REMOVABLE: Final = frozenset({"enrollment", "guardian_link"})

#: Bulk calls of creates, updates and removals: path, plural and singular wrapper, query.
_UPSERT: Final[Mapping[str, tuple[str, str, str, Mapping[str, str]]]] = {
    "user": ("users", "users", "user", {"update_existing": "1"}),
    "course": ("courses", "courses", "course", {"update_existing": "1"}),
    "section": ("courses", "courses", "course", {"update_existing": "1"}),
    "enrollment": ("enrollments/import/course", "enrollments", "enrollment", {}),
    "guardian_link": ("users/import/associations/parents", "associations", "association", {}),
}
#: Rekeys that the LMS sees: path and wrappers of the bulk PUT, and the field of the external id. Other kinds'
#: keys live in Rollbook alone, or consist of these.
_REKEY: Final = {
    "user": ("users", "user", "school_uid"),
    "section": ("sections", "section", "section_school_code"),
}


@dataclass(frozen=True)
class Call:
    """One bulk write: `read` turns the answer's body into outcomes for the batch's `positions`, in that
    order."""

    method: Literal["POST", "PUT"]
    path: str
    body: Json = field(repr=False)
    positions: Sequence[int]
    read: Callable[[Any], list[Outcome]] = field(repr=False)
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Composed:
    """Calls to send, and the outcomes (by position) of changes that need no call or cannot be said."""

    calls: Sequence[Call]
    settled: Mapping[int, Outcome]


Said = tuple[int, Change, Json]


def check(batch: Batch) -> None:
    """Raises Bug for a batch that this target never takes."""
    known = batch.kind in _UPSERT and batch.action in {CREATE, UPDATE, REKEY, REMOVE}
    if not known or (batch.action == REMOVE and batch.kind not in REMOVABLE):
        raise Bug(f"the Schoology connector does not {batch.action} objects of kind {batch.kind!r}")
    if len(batch.changes) > BULK_MOST:
        raise Bug(f"a batch of {len(batch.changes)} changes, where at most {BULK_MOST} fit in one call")


def compose(batch: Batch, wording: Wording, email_query: Mapping[str, str] | None = None) -> Composed:
    """The calls of one batch of a kind that goes in bulk: one, or two where some courses change their
    codes."""
    check(batch)  # here too, so that no caller can forget it
    if batch.action == REKEY:
        return _compose_rekey(batch)
    settled: dict[int, Outcome] = {}
    said: list[Said] = []
    by_id: list[Said] = []
    for position, change in enumerate(batch.changes):
        recode = _changes_code(change)
        item = translate.course_code_item(change) if recode else _item(change, wording)
        if isinstance(item, Refusal):
            settled[position] = refused(item.message)
        else:
            (by_id if recode else said).append((position, change, item))
    calls = [_put("course", ("courses", "course"), by_id)] if by_id else []
    if said:
        compose_call = _nested if batch.kind == "section" else partial(_upsert, batch.kind, dict(email_query or {}))
        calls.append(compose_call(said, settled))
    return Composed([call for call in calls if call.positions], settled)


def _changes_code(change: Change) -> bool:
    """An upsert is matched by course code, so a course that gets another code would be made a second time."""
    return change.kind == "course" and change.action == UPDATE and "code" in change.before


def _item(change: Change, wording: Wording) -> Json | Refusal:
    if change.kind == "user":
        return translate.user_item(change, wording)
    if change.kind == "course":
        return translate.course_item(change)
    if change.kind == "section":
        return translate.section_item(change)
    return translate.enrollment_item(change) if change.kind == "enrollment" else translate.link_item(change)


def _upsert(kind: str, more: Mapping[str, str], said: Sequence[Said], _: dict[int, Outcome]) -> Call:
    path, plural, singular, query = _UPSERT[kind]
    pairs = [(change, item) for _, change, item in said]
    return Call(
        method="POST",
        path=path,
        query={**query, **more} if kind == "user" else query,
        body={plural: {singular: [item for _, item in pairs]}},
        positions=[position for position, _, _ in said],
        read=lambda body: bulk_outcomes(kind, body, pairs),
    )


def _nested(said: Sequence[Said], settled: dict[int, Outcome]) -> Call:
    """Sections of many courses in one call, each nested in its course; the call carries at most 50
    sections."""
    courses: dict[tuple[str, ...], tuple[Json, list[Said]]] = {}
    for position, change, item in said:
        course = translate.parent_course_item(change)
        if isinstance(course, Refusal):
            settled[position] = refused(course.message)
            continue
        same = tuple(text(course.get(name)) for name in ("course_code", "title", "building_id"))
        courses.setdefault(same, (course, []))[1].append((position, change, item))
    groups = [(course, [(change, item) for _, change, item in inside]) for course, inside in courses.values()]
    body = [course | {"sections": {"section": [item for _, item in pairs]}} for course, pairs in groups]
    path, plural, singular, query = _UPSERT["section"]
    return Call(
        method="POST",
        path=path,
        query=query,
        body={plural: {singular: body}},
        positions=[position for _, inside in courses.values() for position, _, _ in inside],
        read=lambda answer: nested_outcomes(answer, groups),
    )


def _put(kind: str, wrapper: tuple[str, str], said: Sequence[Said]) -> Call:
    pairs = [(change, item) for _, change, item in said]
    return Call(
        method="PUT",
        path=wrapper[0],
        body={wrapper[0]: {wrapper[1]: [item for _, item in pairs]}},
        positions=[position for position, _, _ in said],
        read=lambda body: bulk_outcomes(kind, body, pairs),
    )


def _compose_rekey(batch: Batch) -> Composed:
    if batch.kind not in _REKEY:
        return Composed([], {at: Outcome(status=DONE, lms_id=each.lms_id) for at, each in enumerate(batch.changes)})
    plural, singular, code = _REKEY[batch.kind]
    settled: dict[int, Outcome] = {}
    said: list[Said] = []
    for position, change in enumerate(batch.changes):
        item = translate.rekey_item(change, code)
        if isinstance(item, Refusal):
            settled[position] = refused(item.message)
        else:
            said.append((position, change, item))
    return Composed([_put(batch.kind, (plural, singular), said)] if said else [], settled)
