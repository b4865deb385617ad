"""What notices advise: for each event, and what it is about, a title, what it means, who must act and how. Pure.

Texts are English; `TEXTS` are those that translators get to see."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Final, NamedTuple

from rollbook.store.happenings import DEVIATION, ERRORS, EXPIRING, FAILED, GRADES, HELD, RECOVERED, TEST
from rollbook.store.held import SHRANK, SHRANK_FILES, SHRANK_LMS, UNCLEAR, UNREAD, UNREAD_FILES


class Advice(NamedTuple):
    """For one event: a title for the subject, what it means, who must act, and with which commands."""

    title: str
    means: str
    who: str
    commands: tuple[str, ...] = ()


#: Stands for whom the error names.
_ANYBODY: Final = "{who}"

ADVICE: Final[Mapping[str, Advice]] = {
    FAILED: Advice(
        "the run failed",
        "Nothing is lost: what was sent before is written down, and nothing was removed on a half picture. "
        "Until a run goes well, the LMS stays as it is.",
        _ANYBODY,
        ("rollbook run show {run}", "rollbook sync {slug}"),
    ),
    HELD: Advice(
        "changes wait for you",
        "They go beyond a limit, or a person should see them first. They are not sent until somebody approves them.",
        "the acting user, who looks and approves or rejects",
        (
            "rollbook hold list {slug}",
            "rollbook run changes {run} --hold HOLD",
            "rollbook hold approve HOLD --by NAME --reason TEXT",
            "rollbook hold reject HOLD --by NAME --reason TEXT",
        ),
    ),
    ERRORS: Advice(
        "done with errors",
        "These people or classes are not up to date in the LMS. Refused ones are tried again; records that were held "
        "back come along once they are put right in the SIS.",
        "the admin, who looks at the findings and refusals",
        ("rollbook run findings {run}", "rollbook run changes {run}"),
    ),
    RECOVERED: Advice("works again", "What was missing has been made up for.", "nobody"),
    DEVIATION: Advice(
        "unlike the last runs",
        "Nothing is stopped by this. It may be right, as at the start of a year, or the SIS sends something else "
        "than it did.",
        "the admin, who compares it with what the district expects",
        ("rollbook run show {run}",),
    ),
    EXPIRING: Advice(
        "a key expires",
        "When it has expired, runs fail until there is a new one.",
        "the admin, who gets a new key and imports it",
        ("rollbook config import FILE.yaml",),
    ),
    TEST: Advice("a test", "Notices of this organization arrive here.", "nobody"),
}


_NOT_WHOLE: Final = (
    "There is nothing to approve. What was read went on. What is missing cannot be told from what is gone, so nobody "
    "loses anything by it. The next run that reads everything goes on by itself."
)
_SHRANK: Final = (
    "There is nothing to approve about this. Removals wait where a school shows less than half, or beyond the limits. "
    "The next run that finds everything goes on by itself. If so much is really gone, it is believed after seven days."
)
_KEY: Final = (
    "the admin of the SIS, who checks that the key is valid and may read every school and every list; where the SIS "
    "answers wrongly, its vendor"
)
_EXPORT: Final = "whoever makes the export of the SIS, who checks that it holds every file, every school and every row"
_LOOK: Final = ("rollbook run show {run}", "rollbook run findings {run}", "rollbook sync {slug}")

#: Where a run of grades needs other words.
GRADE_ADVICE: Final[Mapping[str, Advice]] = {
    FAILED: Advice(
        "the sync of grades failed",
        "Nothing is lost: what was sent before is written down. Until a sync of grades goes well, the gradebooks of "
        "the SIS stay as they are.",
        _ANYBODY,
        ("rollbook run show {run}", "rollbook grades sync {slug}"),
    ),
    HELD: Advice(
        "grades wait for you",
        "Somebody changed them in the SIS, or they go beyond a limit. They are not sent until somebody approves them; "
        "all others went on.",
        "the acting user, who looks and approves or rejects",
        ADVICE[HELD].commands,
    ),
    ERRORS: Advice(
        "grades are sent, with errors",
        "These items and grades are not up to date in the SIS. Each section's page says what to do about them; refused "
        "ones are tried again.",
        "the admin, together with the teachers of these sections",
        ("rollbook grades sections {slug}", "rollbook run findings {run}"),
    ),
    RECOVERED: Advice("grades go back again", "What was missing has been made up for.", "nobody"),
    DEVIATION: Advice(
        "grades unlike the last runs",
        "Nothing is stopped by this. It may be right, as at the end of a grading period.",
        "the admin, who compares it with what the district expects",
        ("rollbook run show {run}",),
    ),
}

#: For what `store.held` calls what a held run is about.
ABOUT: Final[Mapping[str, Advice]] = {
    UNREAD: Advice("the SIS was not read whole", _NOT_WHOLE, _KEY, _LOOK),
    UNREAD_FILES: Advice("the SIS was not read whole", _NOT_WHOLE, _EXPORT, _LOOK),
    SHRANK: Advice("the SIS shows far less than before", _SHRANK, _KEY, _LOOK),
    SHRANK_FILES: Advice("the SIS shows far less than before", _SHRANK, _EXPORT, _LOOK),
    SHRANK_LMS: Advice(
        "the LMS shows far less than before",
        "There is nothing to approve. What the LMS did not show is not taken for deleted there. The next run compares "
        "again, and goes on by itself once it finds everything; after seven days it is believed.",
        "the admin of the LMS, who checks that the key's account may still see every school, user and section",
        _LOOK,
    ),
    UNCLEAR: Advice(
        "the LMS left changes unclear",
        "There is nothing to approve. These changes may have been made or not; the next run looks, and sends what is "
        "missing.",
        "nobody yet; if the next runs tell the same, the admin asks the vendor of the LMS",
        ("rollbook run changes {run} --outcome unknown", "rollbook sync {slug}"),
    ),
}

_EVERY: Final = chain(ADVICE.values(), GRADE_ADVICE.values(), ABOUT.values())
TEXTS: Final = tuple(
    dict.fromkeys(text for one in _EVERY for text in (one.title, one.means, one.who) if text != _ANYBODY)
)


def advice(event: str, about: str) -> Advice:
    if about == GRADES:
        return GRADE_ADVICE.get(event) or ADVICE[event]
    return ABOUT.get(about) or ADVICE[event]
