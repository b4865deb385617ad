"""Outcomes and their words. Pure: Moodle's own words, without the person they are about."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rollbook.connectors.moodle.client import MoodleError, of_database
from rollbook.connectors.moodle.lenient import ident, listing, mapping, optional, text
from rollbook.errors import RollbookError
from rollbook.roster.changes import DONE, REFUSED, TOO_EARLY, UNKNOWN, Change, Outcome

_EMAIL: Final = re.compile(r"[^\s@<>\"'(),;:]+@[^\s@<>\"'(),;:]+")
_PERSONAL: Final = ("first_name", "last_name", "middle_name", "preferred_first_name", "username", "email")
#: Nobody can tell whose such an ID number is.
NOT_ONE: Final = "several accounts of the LMS have this ID number; take it away from all but the person's own"
#: Moodle gives no status of a record: these are as HTTP would say it.
_REFUSED_CODE, _UNCLEAR = 400, 207
#: Of a refusal that is the database's, and may be otherwise a moment later.
DATABASE: Final = 503


def done(lms_id: str | None) -> Outcome:
    return Outcome(status=DONE, lms_id=lms_id)


def refused(message: str, code: int = _REFUSED_CODE) -> Outcome:
    return Outcome(status=REFUSED, message=message, code=code)


def unknown(message: str, code: int | None = None) -> Outcome:
    """`code` is that of the answer, None where none came at all."""
    return Outcome(status=UNKNOWN, message=message, code=code)


def unclear(message: str) -> Outcome:
    """An answer came, and says nothing about this record."""
    return unknown(message, _UNCLEAR)


def cut_short(error: RollbookError) -> Outcome:
    """Of a record whose batch was ended by `error` after a part of it was sent."""
    return unknown(f"perhaps not sent: {error}")


def too_early() -> Outcome:
    """Of a create that is not sent again as long as the first call may still be under way."""
    return unknown("the call that makes it may still be under way; the next run looks for it", TOO_EARLY)


def said(error: MoodleError, change: Change, secret: str | None = None) -> Outcome:
    """A refusal of one record in Moodle's words."""
    words = scrubbed(error.words, change, secret) or f"refused with error code {error.code or 'none'}"
    return refused(words, DATABASE if error.of_database else _REFUSED_CODE)


def scrubbed(message: str, change: Change, secret: str | None = None) -> str:
    """The words without e-mail addresses, password and the names of the person they are about."""
    clean = message.replace(secret, "[password]") if secret else message
    clean = _EMAIL.sub("[e-mail]", clean)
    for name in _PERSONAL:
        value = optional(change.after.get(name))
        if value is not None and len(value) > 1:
            clean = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "[name]", clean, flags=re.IGNORECASE)
    return clean


def with_warnings(answer: Any, sent: Sequence[tuple[Change, str]], secrets: Mapping[str, str]) -> list[Outcome]:
    """Outcomes of an update that does each record by itself and warns of those that it did not do, by their ids
    (core_user_update_users, core_course_update_courses). Older sites return nothing, and have then done all."""
    warned: dict[str, tuple[str, int]] = {}
    for each in listing(mapping(answer).get("warnings")):
        own, code = ident(each.get("itemid")), text(each.get("warningcode"))
        if own is not None:
            warned[own] = (
                text(each.get("message")) or code or "refused",
                DATABASE if of_database(code) else _REFUSED_CODE,
            )

    def outcome(change: Change, lms_id: str) -> Outcome:
        if lms_id not in warned:
            return done(lms_id)
        words, code = warned[lms_id]
        return refused(scrubbed(words, change, secrets.get(change.key)), code)

    return [outcome(change, lms_id) for change, lms_id in sent]
