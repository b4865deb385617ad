"""Until when an activity of Moodle is to be done: a quiz closes, a lesson has a deadline, an assignment is due. Pure
and total: odd values become "not set".

Facts: core_course_get_contents tells, of each activity, important dates (mod/*/classes/dates.php) with the name of the
field that each is from, and the activity's own data as JSON; mod_assign_get_assignments tells those of assignments.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from rollbook.connectors.moodle.gradebook import Activity
from rollbook.connectors.moodle.lenient import Json, ident, listing, mapping, number, text

ASSIGN: Final = "assign"
#: Fields that say when work is to be handed in, as far as Moodle's own activities have them: assign and forum; quiz and
#: scorm; lesson; workshop; data. A date for late work (cutoffdate) or for grading is none of them.
_DUE: Final = ("duedate", "timeclose", "deadline", "submissionend", "timeavailableto")


def of_contents(answer: Any) -> dict[Activity, int]:
    """From core_course_get_contents: topics of a course, with their activities."""
    modules = (module for topic in listing(answer) for module in listing(topic.get("modules")))
    return dict(_dated((text(each.get("modname")), ident(each.get("instance")), _due(each)) for each in modules))


def of_assignments(answer: Any) -> dict[Activity, int]:
    """From mod_assign_get_assignments."""
    rows = (row for each in listing(mapping(answer).get("courses")) for row in listing(each.get("assignments")))
    return dict(_dated((ASSIGN, ident(row.get("id")), number(row.get("duedate"))) for row in rows))


def _dated(found: Iterator[tuple[str, str | None, int | None]]) -> Iterator[tuple[Activity, int]]:
    return (((kind, own), due) for kind, own, due in found if kind and own and due)


def _due(module: Json) -> int | None:
    """Some activities do not name the fields of their dates (forum, scorm); their own data does."""
    named = {text(each.get("dataid")): each.get("timestamp") for each in listing(module.get("dates"))}
    known = _own(module) | {name: value for name, value in named.items() if name}
    return next((due for name in _DUE if (due := number(known.get(name)))), None)


def _own(module: Json) -> Json:
    try:
        return mapping(msgspec.json.decode(text(module.get("customdata"))))
    except msgspec.DecodeError:
        return {}
