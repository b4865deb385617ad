"""What a run sent of one item, or would send: its line item and each student's grade, with what became of it. Reads
only; files of plans never change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rollbook.core.changes_table import HELD, SEND
from rollbook.core.stored import StoredPlan
from rollbook.errors import BlobLost
from rollbook.roster.changes import DONE, REFUSED, UNKNOWN, Outcome
from rollbook.roster.grades import EXEMPT, FULLY, NOT_SUBMITTED, PARTIALLY, SUBMITTED
from rollbook.store.blobs import open_blobs
from rollbook.store.models import GradeItem, GradeSection, GradeSync, Run
from rollbook.store.outcome_spans import answers
from rollbook.store.plan_rows import Chosen, page_of_rows
from rollbook.store.runs import stored_plan
from rollbook.store.setup import opened
from rollbook.web.access import Place
from rollbook.web.error_words import error_said
from rollbook.web.grade_help import person_names, school_of

#: A section has no more results of all its items together.
_MOST: Final = 20_000
_STATUS: Final = {
    EXEMPT: gettext_lazy("excused"),
    NOT_SUBMITTED: gettext_lazy("not handed in"),
    PARTIALLY: gettext_lazy("incomplete"),
    SUBMITTED: gettext_lazy("handed in, no score"),
}
_ITEM_FIELDS: Final = {
    "title": gettext_lazy("Title"),
    "due_date": gettext_lazy("Due date"),
    "maximum": gettext_lazy("Points"),
    "category": gettext_lazy("Category"),
    "grading_period": gettext_lazy("Grading period"),
}


def changes_of_item(place: Place, row: GradeSection, item: GradeItem) -> dict[str, Any]:
    """The context of grades/item.html."""
    run = newest_plan(row)
    plan = stored_plan(run) if run is not None else None
    if run is None or plan is None:
        return {"run": None, "changes": []}
    try:
        found = _rows(plan, row.code, item.key)
    except BlobLost as error:
        return {"run": run, "changes": [], "lost": error_said(error)}
    told = answers(run.pk, plan.digest, [one["seq"] for one in found])
    students = [_student(one) for one in found if one["kind"] == "result"]
    names = person_names(place.organization.pk, [one for one in students if one], school_of(place))
    words = _Words(place.organization.timezone, row, item)
    lines = [_line(one, told.get(one["seq"]), names, words, sends=not run.dry_run) for one in found]
    return {"run": run, "changes": sorted(lines, key=lambda one: (one["is_grade"], one["who"].casefold()))}


def newest_plan(row: GradeSection) -> Run | None:
    """The newest run with a plan in which this section took part."""
    syncs = GradeSync.objects.filter(section=row, run__plan__isnull=False).select_related("run")
    found = syncs.order_by("-run__created_at", "-pk").first()
    return found.run if found is not None else None


def failed_rows(run: Run, plan: StoredPlan, section: str) -> list[tuple[dict[str, Any], Outcome]]:
    """What of a section was refused in a run, or got no answer. Raises BlobLost."""
    found: list[dict[str, Any]] = []
    for kind in ("category", "line_item", "result"):
        if kind in plan.files:
            found += page_of_rows(plan, open_blobs(opened()), Chosen(kind=kind, school=section), most=_MOST)
    told = answers(run.pk, plan.digest, [one["seq"] for one in found if one["state"] == SEND])
    return [
        (one, told[one["seq"]]) for one in found if one["seq"] in told and told[one["seq"]].status in (REFUSED, UNKNOWN)
    ]


def grade_text(fields: Mapping[str, Any]) -> str:
    """A grade as people write it: `17 (late)`, `excused`; empty where there is none."""
    if not fields:
        return ""
    score, status = fields.get("score"), fields.get("status")
    parts = [f"{score:g}"] if isinstance(score, int | float) and not isinstance(score, bool) else []
    if fields.get("text_score"):
        parts.append(str(fields["text_score"]))
    if status and status != FULLY:
        parts.append(str(_STATUS.get(status, status)))
    flags = {"late": _("late"), "missing": _("missing"), "incomplete": _("incomplete")}
    parts += [words for name, words in flags.items() if fields.get(name) and words not in parts]
    return ", ".join(parts)


class _Words:
    """Fields of a line item as people read them."""

    def __init__(self, zone: str, row: GradeSection, item: GradeItem) -> None:
        self._zone, self._period = ZoneInfo(zone), item.period
        self._categories = {each["id"]: each["title"] for each in row.seen.get("sis", ())}

    def fields(self, row: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What differs, with both sides."""
        return [
            {
                "name": words,
                "before": self._text(name, row["before"].get(name), now=False),
                "after": self._text(name, row["after"].get(name), now=True),
            }
            for name, words in _ITEM_FIELDS.items()
            if name in row["differs"]
        ]

    def _text(self, name: str, value: Any, *, now: bool) -> str:
        if value is None:
            return ""
        if name == "category":
            return str(self._categories.get(str(value), value))
        if name == "grading_period" and now:
            return self._period or str(value)
        if name == "due_date":
            return self._day(str(value))
        return f"{value:g}" if isinstance(value, float) else str(value)

    def _day(self, text: str) -> str:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return text
        return str(formats.date_format(moment.astimezone(self._zone), "DATETIME_FORMAT"))


def _rows(plan: StoredPlan, section: str, key: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for kind in ("line_item", "result"):
        if kind not in plan.files:
            continue
        rows = page_of_rows(plan, open_blobs(opened()), Chosen(kind=kind, school=section), most=_MOST)
        found += [one for one in rows if key == (one["key"] if kind == "line_item" else _field(one, "line_item"))]
    return found


def _field(row: Mapping[str, Any], name: str) -> Any:
    """Of what shall be, else of what was: a removal has nothing else."""
    return row["after"].get(name) or row["before"].get(name)


def _student(row: Mapping[str, Any]) -> str:
    return str(_field(row, "student") or "")


def _line(
    row: Mapping[str, Any], outcome: Outcome | None, names: Mapping[str, str], words: _Words, *, sends: bool
) -> dict[str, Any]:
    is_grade = row["kind"] == "result"
    who = names.get(_student(row), _student(row)) if is_grade else str(_field(row, "title") or "")
    return {
        "is_grade": is_grade,
        "who": who,
        "before": grade_text(row["before"]) if is_grade else "",
        "after": grade_text(row["after"]) if is_grade else "",
        "fields": [] if is_grade else words.fields(row),
        "action": row["action"],
        **_fate(row, outcome, sends=sends),
    }


def _fate(row: Mapping[str, Any], outcome: Outcome | None, *, sends: bool) -> dict[str, Any]:
    if outcome is not None and outcome.status == DONE:
        return {"fate": _("Sent"), "look": "done", "sign": "✓", "words": ""}
    if outcome is not None and outcome.status == REFUSED:
        return {"fate": _("Refused"), "look": "failed", "sign": "✕", "words": outcome.message}
    if outcome is not None and outcome.status == UNKNOWN:
        words = _("The SIS did not answer in time. The next sync looks what became of it.")
        return {"fate": _("No answer"), "look": "failed", "sign": "✕", "words": words}
    if row["state"] == HELD:
        words = _("Somebody changed it in the SIS, or it is a mass change: the Acting User decides.")
        return {"fate": _("Held"), "look": "held", "sign": "!", "words": words}
    if row["state"] == SEND and not sends:
        return {"fate": _("To be sent"), "look": "queued", "sign": "↑", "words": ""}
    if row["state"] == SEND:
        return {"fate": _("Not sent yet"), "look": "planned", "sign": "○", "words": ""}
    return {"fate": _("Waits"), "look": "planned", "sign": "○", "words": ""}
