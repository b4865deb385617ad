"""A change and what became of it. Plain data that core and connectors exchange; nothing here acts."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

Fields = dict[str, Any]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One row of a stored plan, ready to be sent.

    `after` holds every field of the wanted object (create, update, rekey) or of the ledger's object (remove, adopt);
    `before` holds the fields that change, as the ledger has them. `lms_id` is the LMS's own id where known.
    `refs` maps a parent field to the LMS id (or list of ids) of the building, grading period or course its key names
    (users and sections are referred to by their codes; users of an enrollment also by id, for targets with
    `users_by_id`, and with "user.role" as the LMS role of their account), "before.building" and
    "before.additional_buildings" to those that a user has left, and "course.building" to the id of a section's
    building. `parent_fields` maps "course" to the course's fields as last written, for connectors whose upserts nest
    parents.
    `new_key` is set for a rekey, and for an update that moves an object to another key.
    """

    seq: int
    kind: str
    action: str
    key: str
    after: Fields
    before: Fields = {}
    lms_id: str | None = None
    new_key: str | None = None
    refs: dict[str, Any] = {}
    parent_fields: dict[str, Fields] = {}

    def __repr__(self) -> str:  # a change holds personal data: never let it slip into a log line
        return f"Change(seq={self.seq}, kind={self.kind!r}, action={self.action!r})"


DONE: Final = "done"
REFUSED: Final = "refused"
UNKNOWN: Final = "unknown"
WAITING: Final = "waiting"
#: `code` of an unknown outcome: the connector did not send it again, as the first call may still be under way and both
#: would make a thing twice. It is not asked for again in this run (as in HTTP, RFC 8470: a request not to be repeated).
TOO_EARLY: Final = 425


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one change: done, refused by the LMS in its own words, or unknown because the answer was lost.
    `waiting` is never a connector's answer: core gives it to changes that were not sent.

    `code` is the LMS's status for the item (HTTP-like) where it gave one. A message is shown to the admin and is
    scrubbed of personal data before it is logged.
    """

    status: Literal["done", "refused", "unknown", "waiting"]
    lms_id: str | None = None
    message: str = ""
    code: int | None = None

    def __repr__(self) -> str:
        return f"Outcome(status={self.status!r}, code={self.code!r})"


class LiveRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One object as the live LMS holds it, for first matching and drift.

    `code` is the external id (school_uid, course_code, section_school_code, building_code; a grading period's title;
    for an enrollment "<section code>|<unique id>", None where it has none). `fields` uses the field names of the kind,
    with LMS ids where the kind has keys; a field that the LMS does not show of this object is absent, an empty one is
    None (decision 43). `active` is False for a deactivated account.
    `protected`: the key's own account or a system administrator (rule 11).
    """

    kind: str
    lms_id: str
    code: str | None
    fields: Fields
    active: bool = True
    protected: bool = False

    def __repr__(self) -> str:
        return f"LiveRecord(kind={self.kind!r}, lms_id={self.lms_id!r})"
