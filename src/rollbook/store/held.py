"""What there is to tell about a held run: each hold with its reason, and what was not read whole. Decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rollbook.core.stored import RunFigures
from rollbook.roster.holds import why_held
from rollbook.roster.lms import ADOPT, CREATE, DEACTIVATE, KINDS, REKEY, REMOVE, REVIVE, UPDATE, plural
from rollbook.roster.oneroster import COLLECTIONS
from rollbook.roster.reasons import recognized
from rollbook.roster.words import Words, say
from rollbook.store.models import HoldRow, Run

#: What a held run may be about, beside holds: the SIS was not read whole, it or the LMS shows far less than before, or
#: the LMS left changes unclear. A file is exported by somebody; an API is read with a key.
UNREAD, UNREAD_FILES = "unread", "unread_files"
SHRANK, SHRANK_FILES, SHRANK_LMS = "shrank", "shrank_files", "shrank_lms"
UNCLEAR = "unclear"

_FILES: Final = frozenset({"oneroster_csv"})
_MOST: Final = 20


def hold_words(waiting: Sequence[HoldRow]) -> list[Words]:
    """The sum, then an entry for each hold."""
    total = sum(one.count for one in waiting)
    found = [
        say("1 change waits for approval. Everything else went on.")
        if total == 1
        else say("%(number)s changes wait for approval. Everything else went on.", number=total)
    ]
    found += [_hold(one) for one in waiting[:_MOST]]
    if len(waiting) > _MOST:
        found.append(say("%(number)s more holds are in the list.", number=len(waiting) - _MOST))
    return found


def _hold(one: HoldRow) -> Words:
    place: Words | str = say("Of the whole organization")
    if one.school is not None:
        place = " ".join((one.school_name or one.school).split())
    number: Words | int = one.count
    kind = _ONE.get(one.kind) if one.count == 1 else None
    if one.reason == "limit":
        number, kind = say("%(number)s of %(of)s", number=one.count, of=one.of), None
    return say(
        "%(place)s: %(action)s %(number)s %(list)s. %(why)s",
        place=place,
        action=_DOES.get(one.action, one.action),
        number=number,
        list=kind or Words(plural(one.kind), {}),
        why=Words(why_held(one.reason, one.action), {}),
    )


_DOES: Final = {
    CREATE: say("create"),
    UPDATE: say("update"),
    REMOVE: say("remove"),
    REVIVE: say("revive"),
    ADOPT: say("adopt"),
    REKEY: say("rekey"),
    DEACTIVATE: say("deactivate"),
}


_ONE: Final = {
    "building": say("building"),
    "grading_period": say("grading period"),
    "user": say("user"),
    "guardian_link": say("guardian link"),
    "course": say("course"),
    "section": say("section"),
    "enrollment": say("enrollment"),
    "category": say("grading category"),
    "line_item": say("graded item"),
    "result": say("grade"),
}


def doubted(result: RunFigures) -> list[str]:
    """Collections and kinds that were not read whole or shrank, and `answers` that left changes unclear."""
    return sorted({*result.verdicts, *result.doubts})


def doubt_words(run: Run, result: RunFigures) -> list[tuple[str, Words]]:
    """What it is about, and an entry for each: what was not read whole, or is not believed, and why."""
    if not result.verdicts and not result.doubts:
        return []  # mostly; the settings of a large district are not read for that
    files = run.settings is not None and run.settings.document["sis"]["connector"] in _FILES
    unread = UNREAD_FILES if files else UNREAD
    found = [(unread, _not_whole(name, reason)) for name, reason in sorted(result.verdicts.items())]
    if found:
        found.append((unread, say("Nothing was removed because of that.")))
    for name, reason in sorted(result.doubts.items()):
        about = _about(name, files=files)
        found.append((about, _sentence(reason)))
        if about in (SHRANK, SHRANK_FILES) and not result.verdicts:
            found.append((about, _removed(result)))
    return [one for place, one in enumerate(found) if one not in found[:place]]


def _not_whole(name: str, reason: str) -> Words:
    return say(
        "Not read whole: %(list)s. The reason: %(why)s.", list=Words(name, {}), why=recognized(reason.rstrip("."))
    )


def _sentence(reason: str) -> Words:
    """A reason by itself; whoever shows it begins it with a capital."""
    return say("%(why)s.", why=recognized(reason.rstrip(".")))


def _about(name: str, *, files: bool) -> str:
    if name in COLLECTIONS:
        return SHRANK_FILES if files else SHRANK
    return SHRANK_LMS if name in KINDS else UNCLEAR


def _removed(result: RunFigures) -> Words:
    number = sum(counts.get("remove", 0) for counts in result.kinds.values())
    if not number:
        return say("Nothing was removed.")
    if number == 1:
        return say("1 removal within the limits went on, as on any day.")
    return say("%(number)s removals within the limits went on, as on any day.", number=number)
