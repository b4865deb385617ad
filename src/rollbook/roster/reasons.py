"""The table of reasons why a read is not believed: a list that was not read whole, or that shows far less than before.

Runs keep a reason, and the detail of a finding, as English; `recognized` finds again what it was made of, so that pages
can say it in another language. What a SIS or an LMS says itself is in no table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from rollbook.roster.connection_words import SENTENCES
from rollbook.roster.grades import ALL_KINDS
from rollbook.roster.lms import plural
from rollbook.roster.oneroster import COLLECTIONS
from rollbook.roster.words import Words

REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        # Lists of a SIS over REST
        "unfinished": "it was not read to its end",
        "roles_unread": "roles come with users, which were not read",
        "cut": "the SIS broke off its list of %(list)s: %(why)s",
        "cut_repeats": "its pages repeat",
        "cut_same": "the same page came again and again",
        "cut_endless": "there is no end of pages",
        "changed": "%(list)s changed while they were read",
        "total": "the SIS says there are %(told)s %(list)s, %(met)s came",
        "twice": "the SIS sent some %(list)s twice, so others may be missing",
        # Files of a SIS
        "declared_absent": "the manifest says that this file is absent",
        "file_missing": "%(file)s is missing",
        "file_no_header": "%(file)s has no header line",
        "file_columns": "%(file)s lacks the columns %(columns)s",
        "file_strict": "%(file)s would have to be mended, and the connection is strict",
        "file_changed": "%(file)s changed while it was read",
        "file_cut": "%(file)s breaks off in the middle of a row",
        "line": "1 line could not be read, the first is line %(line)s of %(file)s",
        "lines": "%(number)s lines could not be read, the first is line %(line)s of %(file)s",
        # What is read, and still not believed
        "no_snapshot": (
            "changes came, but no earlier complete read was kept; set `delta: true` and send everything once"
        ),
        "school_hidden": (
            "1 of the synced schools is not shown any more; let the key see all, or set closed ones to skip"
        ),
        "schools_hidden": (
            "%(number)s of the synced schools are not shown any more; let the key see all, or set closed ones to skip"
        ),
        "sis_shrank": "the SIS shows %(number)s %(list)s where %(before)s were",
        "lms_shrank": "%(lms)s shows %(number)s %(list)s where %(before)s are known",
        # Gradebooks that are read by permission of their teachers
        "not_allowed": (
            "a teacher of this section must allow Rollbook to read its gradebook: on the section's page in Rollbook, "
            "by the button 'Allow Rollbook to read my gradebooks'"
        ),
        "allowed_no_more": (
            "the LMS does not accept the permission that a teacher gave any more; a teacher of this section must allow "
            "Rollbook to read its gradebook again: on the section's page in Rollbook"
        ),
        "may_not_read": (
            "the LMS does not let the teacher read this gradebook, with whose permission Rollbook asked; another "
            "teacher of the section must allow it, or the administrator of the LMS must give the right"
        ),
        "not_agreed": "the LMS gave no permission: it was not agreed to there, or that took too long",
        "no_course_admin": (
            "the LMS has no course admin in this section, so nobody can allow Rollbook to read its gradebook; make its "
            "teacher a course admin there"
        ),
        "unclear_one": (
            "%(lms)s never said what became of 1 change, though it was asked again; the next run asks once more"
        ),
        "unclear": (
            "%(lms)s never said what became of %(number)s changes, though it was asked again; "
            "the next run asks once more"
        ),
    }
)
#: What details of findings look like, as the stages write them.
DETAILS: Final = (
    "%(number)s records",
    "%(number)s members",
    "in %(columns)s",
    "%(column)s is empty",
    "reason: %(why)s",
    "columns: %(columns)s",
    "account %(id)s was decided on, and is not there or is somebody else's",
    "LMS account %(id)s",
    "%(users)s users, %(courses)s courses, %(sections)s sections, %(enrollments)s enrollments",
    "not there any more",
    "given otherwise",
    "deactivated by hand",
)
#: What stands beside acts in the audit.
AUDITED: Final = (
    "%(number)s passwords",
    "%(number)s passwords issued by the school",
    "%(number)s notices",
    "%(number)s files",
    "%(number)s rows",
    "may change",
    "reads only",
    "second factors removed",
    "authenticator app",
    "passkey",
    "recovery codes",
)
#: What an undo does not take back.
STAYS: Final = "%(list)s that the run created, for Rollbook deletes none"
ADOPTED: Final = "%(list)s that the run found in the LMS, which Rollbook goes on looking after"
KEPT: Final = "%(list)s that the run made in the SIS, which takes none away"
EMPTIED: Final = "%(list)s that the run made are marked as not handed in, for the SIS takes none away"
MOVED_ON: Final = "%(list)s that have changed since"
#: What a SIS lists and an LMS holds; only these stand in the places `list`.
LISTS: Final = tuple(dict.fromkeys([*COLLECTIONS, *map(plural, ALL_KINDS)]))
_MADE: Final = (*SENTENCES, *REASONS.values(), *DETAILS, *AUDITED, STAYS, ADOPTED, KEPT, EMPTIED, MOVED_ON)
#: All texts of these tables, for translators.
TEXTS: Final = (*_MADE, *LISTS)
#: Longer ones were not made here.
_LONGEST: Final = 1000
_BETWEEN: Final = re.compile(r"%\(\w+\)s")
_PLACE: Final = re.compile(r"%\\\((\w+)\\\)s")


def because(name: str, **values: object) -> str:
    """A reason of the table in English."""
    return REASONS[name] % values


def recognized(sentence: str) -> Words | str:
    """What a sentence of these tables was made of; another one as it is."""
    if len(sentence) > _LONGEST:
        return sentence
    for text, piece, pattern in _patterns():
        found = pattern.fullmatch(sentence) if piece in sentence else None
        if found is not None:
            return Words(text, {name: _part(name, one) for name, one in found.groupdict().items()})
    return sentence


def _part(name: str, text: str) -> Words | str:
    if name == "list":
        return Words(text, {}) if text in LISTS else text
    if name == "whys":
        parts = {f"part{place}": recognized(one) for place, one in enumerate(text.split("; "))}
        return Words("; ".join(f"%({one})s" for one in parts), parts)
    return recognized(text) if name == "why" else text


@cache
def _patterns() -> tuple[tuple[str, str, re.Pattern[str]], ...]:
    """Of each text its longest piece between places, which is looked for first, and its pattern."""
    return tuple(
        (
            text,
            max(_BETWEEN.split(text), key=len),
            re.compile(_PLACE.sub(r"(?P<\1>.+?)", re.escape(text)), re.DOTALL),
        )
        for text in _MADE
    )
