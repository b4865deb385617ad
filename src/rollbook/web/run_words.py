"""Runs in words: what one is, how it stands, its stages and counts. Knows no page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rollbook.roster.grades import GRADE_KINDS
from rollbook.roster.lms import KINDS, RUN_KINDS
from rollbook.store.models import Run
from rollbook.web.plan_words import SEVERAL
from rollbook.web.years import year_words

STATE_WORDS: Final = {
    "queued": gettext_lazy("Waits in the queue"),
    "running": gettext_lazy("Running"),
    "planned": gettext_lazy("Planned only"),
    "done": gettext_lazy("Done"),
    "held": gettext_lazy("Done, with something held"),
    "failed": gettext_lazy("Failed"),
    "cancelled": gettext_lazy("Cancelled"),
}
#: The sign that stands before a state; its words follow, so that no state is told by colour alone.
STATE_SIGNS: Final = {
    "queued": "…",
    "running": "▸",
    "planned": "○",
    "done": "✓",
    "held": "!",
    "failed": "✕",
    "cancelled": "–",
}
#: In the order of a run. The names are those of `Progress.stage` and of the seconds of a result.
STAGES: Final = {
    "extract": gettext_lazy("Read the SIS"),
    "stage": gettext_lazy("Sort what was read"),
    "check": gettext_lazy("Check the records"),
    "resolve": gettext_lazy("Apply the mappings"),
    "match": gettext_lazy("Look into the LMS"),
    "plan": gettext_lazy("Plan the changes"),
    "apply": gettext_lazy("Send the changes"),
    "settle": gettext_lazy("Write down what was sent"),
}
#: Of a run of grades.
GRADE_STAGES: Final = {
    "read": gettext_lazy("Read both gradebooks"),
    "compare": gettext_lazy("Compare them"),
    "plan": gettext_lazy("Plan the changes"),
    "apply": gettext_lazy("Send the changes"),
    "settle": gettext_lazy("Write down what was sent"),
}
#: Heads of the columns of counts.
ACTION_WORDS: Final = {
    "read": gettext_lazy("Read"),
    "blocked": gettext_lazy("Blocked"),
    "create": gettext_lazy("Create"),
    "update": gettext_lazy("Update"),
    "remove": gettext_lazy("Remove"),
    "adopt": gettext_lazy("Link"),
    "rekey": gettext_lazy("New id"),
    "deactivate": gettext_lazy("Deactivate"),
    "revive": gettext_lazy("Revive"),
    "unchanged": gettext_lazy("Unchanged"),
    "held": gettext_lazy("Held"),
    "waiting": gettext_lazy("Waiting"),
    "done": gettext_lazy("Sent"),
    "refused": gettext_lazy("Refused"),
    "unknown": gettext_lazy("No answer"),
}


class SyncType:
    """What the drop-down menus call a sync type: its kinds of the LMS, and the collections of the SIS it is made of."""

    def __init__(self, words: object, kinds: Sequence[str], collections: Sequence[str]) -> None:
        self.words, self.kinds, self.collections = words, tuple(kinds), (*kinds, *collections)


SYNC_TYPES: Final = {
    "users": SyncType(gettext_lazy("Users"), ("user", "guardian_link"), ("users", "demographics")),
    "courses": SyncType(gettext_lazy("Courses"), ("course",), ("courses",)),
    "sections": SyncType(gettext_lazy("Sections"), ("section", "enrollment"), ("classes", "enrollments")),
    "grades": SyncType(
        gettext_lazy("Grades"), tuple(GRADE_KINDS), ("graded_item", "grade", "line_item", "result", "section")
    ),
    "setup": SyncType(gettext_lazy("Schools and Terms"), ("building", "grading_period"), ("orgs", "academicSessions")),
}


def stage_words(stage: str) -> str:
    return str(STAGES.get(stage) or GRADE_STAGES.get(stage) or stage.capitalize())


def run_title(run: Run) -> str:
    """What kind of a run it is: `Sync of Users`, `Dry run of everything`, `Undo`."""
    what = covers(run.kinds)
    if run.undo_of_id:
        return _("Dry run of an undo") if run.dry_run else _("Undo")
    if run.applies_id:
        return _("Sending of a plan: %(what)s") % {"what": what}
    if run.preview_year:
        return _("Preview of %(year)s") % {"year": year_words(run.preview_year)}
    return _("Dry run of %(what)s") % {"what": what} if run.dry_run else _("Sync of %(what)s") % {"what": what}


def covers(kinds: Sequence[str]) -> str:
    """What a run is about, as the tabs call it."""
    if set(kinds) == set(KINDS):
        return _("everything")
    if set(kinds) == set(GRADE_KINDS):
        return str(SEVERAL["result"]).lower()
    if tuple(kinds) == RUN_KINDS["setup"]:
        return str(SYNC_TYPES["setup"].words)
    found = [str(one.words) for name, one in SYNC_TYPES.items() if name != "setup" and set(one.kinds) & set(kinds)]
    return _(" and ").join(found) if found else ", ".join(str(SEVERAL.get(kind, kind)) for kind in kinds)


def duration_words(start: datetime | None, end: datetime | None) -> str:
    """`0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`; empty where one end is not known."""
    if start is None or end is None:
        return ""
    seconds = max(0.0, (end - start).total_seconds())
    if seconds < 10:
        return _("%(seconds)s s") % {"seconds": f"{seconds:.1f}"}
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 1:
        return _("%(seconds)s s") % {"seconds": rest}
    if minutes < 60:
        return _("%(minutes)s min %(seconds)s s") % {"minutes": minutes, "seconds": rest}
    return _("%(hours)s h %(minutes)s min") % {"hours": minutes // 60, "minutes": minutes % 60}
