"""What the pages of one section show: its head with the section switch, its items, and what would be sent of one of
them. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rollbook.actions.grade_pages import conflicts_of, open_runs
from rollbook.actions.holds import seen_mark
from rollbook.passback.grade_types import DELETED, KEPT, OPT_IN, OPT_OUT, REMOVED
from rollbook.roster.findings import FINDINGS
from rollbook.roster.grades import GRADE_KINDS
from rollbook.roster.holds import why_held
from rollbook.store.given_sections import GivenSection
from rollbook.store.grade_states import is_undecided
from rollbook.store.grade_words import NOT_YET, OPEN, item_status
from rollbook.store.models import GradeItem, GradeSection, PinRow, Run, RunState
from rollbook.store.summary import place_in_queue
from rollbook.web.access import Place
from rollbook.web.grade_words import stand
from rollbook.web.plan_words import SEVERAL
from rollbook.web.run_words import stage_words
from rollbook.web.runs_shown import names_of
from rollbook.web.said import stored_said
from rollbook.web.taught import sections_of_person
from rollbook.web.teacher_permission import is_settled, permission_words
from rollbook.web.wording import sentence

#: More items than these are on further pages.
A_PAGE: Final = 200


def section_of(place: Place) -> GivenSection:
    """The section of a page that `access` has let the person open."""
    assert place.section is not None
    return place.section


def section_row_of(place: Place) -> GradeSection | None:
    return GradeSection.objects.filter(organization=place.organization, code=section_of(place).code).first()


def head(place: Place, row: GradeSection | None, here: str) -> dict[str, Any]:
    """What every page of a section shows above its own; `here` is items, map or status."""
    section = section_of(place)
    permission = permission_words(place)
    mine = sections_of_person(place.organization, place.unique_id) if place.unique_id else []
    return {
        "section": section,
        "here": here,
        "row": row,
        "trouble_words": _trouble(row, permission),
        "school": names_of(place).get(section.school or "", ""),
        "mine": mine if len(mine) > 1 and place.teaches else [],
        "may_act": place.is_acting or place.teaches,
        "now": now_of(place),
        "map_open": map_is_open(row),
        "pins": pins_of(place),
        **_conflicts(place),
        **permission,
    }


def _trouble(row: GradeSection | None, permission: Mapping[str, Any]) -> str:
    """Why the section could not be read the last time; "" also where what was missing has been given since."""
    if row is None or not row.trouble or is_settled(row.trouble, permission):
        return ""
    return sentence(stored_said(row.trouble))


def _conflicts(place: Place) -> dict[str, Any]:
    holds = conflicts_of(place.organization.pk, section_of(place).code)
    lines = [
        {"number": one.count, "several": SEVERAL[one.kind], "why": _(why_held(one.reason, one.action))} for one in holds
    ]
    return {"conflicts": lines, "conflicts_seen": seen_mark(holds)}


def pins_of(place: Place) -> dict[str, Any]:
    """What undos keep so in the section, whatever its gradebook says; empty for nothing (rule 28)."""
    rows = PinRow.objects.filter(
        organization=place.organization,
        school=section_of(place).code,
        kind__in=list(GRADE_KINDS),
        ended_at__isnull=True,
        until__gt=timezone.now(),
    )
    found = list(rows.values_list("pk", "key", "until"))
    if not found:
        return {}
    return {
        "number": len({key for _, key, _ in found}),
        "until": max(until for _, _, until in found),
        "ids": [pk for pk, _, _ in found],
    }


def map_is_open(row: GradeSection | None) -> bool:
    """Must somebody decide about categories, before anything is sent? Also where they were never read."""
    return row is None or not row.seen.get("lms") or bool(row.counts.get("open"))


def now_of(place: Place) -> list[dict[str, Any]]:
    """What is under way for this section, for grades/now.html."""
    return [_progress(run) for run in open_runs(place.organization, section_of(place).code)]


def _progress(run: Run) -> dict[str, Any]:
    told = run.progress or {}
    running = run.state == RunState.RUNNING
    done, total = told.get("done") or 0, told.get("total")
    return {
        "run": run,
        "running": running,
        "place": None if running else place_in_queue(run),
        "stage": stage_words(told.get("stage", "")) if running else "",
        "done": done,
        "total": total if total and total > 1 else None,
        "whole": not run.sections,
    }


def items_of(row: GradeSection, now: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The items of a section in the order of their due days; `now` is what is under way for it."""
    syncs = [one["run"].items for one in now if not one["run"].dry_run]
    return [
        _line(row, item, queued=any(not asked or item.item in asked for asked in syncs)) for item in row.items.all()
    ]


def _line(row: GradeSection, item: GradeItem, *, queued: bool) -> dict[str, Any]:
    status = item_status(item, queued=queued)
    if status == OPEN and not is_undecided(row, item.category):
        status = NOT_YET  # decided a moment ago, and not looked at since
    return {
        "item": item,
        "due": day(item.due),
        "stand": stand(status),
        "why": why(item),
        "will": will(item),
        "deleted": item.state in (DELETED, KEPT, REMOVED),
        "out": status == "opted out",
        "choice": item.choice,
        "may_opt_in": item.choice == OPT_OUT or item.code == "ITEM_FROM_BEFORE",
        "opted_in": item.choice == OPT_IN,
    }


def why(item: GradeItem) -> dict[str, str]:
    """What is wrong with an item, or why it is not sent, and what to do about it; empty where all is well."""
    known = FINDINGS.get(item.code)
    if known is not None and item.choice != OPT_OUT:
        return {"sentence": _(known.sentence), "detail": item.detail, "fix": _(known.fix)}
    if item.words and item.failed:
        return {"sentence": "", "detail": item.words, "fix": ""}
    return {}


def will(item: GradeItem) -> str:
    """What the next sync sends of it, as of the last look."""
    parts = []
    if item.send and not item.failed:
        parts.append(ngettext("%(n)d change to send", "%(n)d changes to send", item.send) % {"n": item.send})
    if item.failed:
        parts.append(ngettext("%(n)d change failed", "%(n)d changes failed", item.failed) % {"n": item.failed})
    if item.held:
        parts.append(ngettext("%(n)d held", "%(n)d held", item.held) % {"n": item.held})
    if item.waiting and item.state != DELETED:
        parts.append(ngettext("%(n)d waits", "%(n)d wait", item.waiting) % {"n": item.waiting})
    return ", ".join(parts)


def day(text: str) -> date | datetime | None:
    """A due day or moment of the LMS; None where there is none, or where it cannot be read."""
    try:
        return datetime.fromisoformat(text) if len(text) > 10 else date.fromisoformat(text)
    except ValueError:
        return None


def map_lines(row: GradeSection, typed: Mapping[str, str] | None) -> list[dict[str, Any]]:
    """The LMS's categories with what is chosen of each, as typed or as saved; "?" is undecided, "-" not to be sent."""
    used: dict[str, int] = {}
    for title in row.items.exclude(choice=OPT_OUT).values_list("category", flat=True):
        used[title] = used.get(title, 0) + 1
    known = {each["id"] for each in row.seen["sis"]}
    lines = []
    for each in row.seen["lms"]:
        saved = row.categories.get(each["id"])
        value = "?" if saved is None else saved or "-"
        if typed is not None and each["id"] in typed:
            value = typed[each["id"]]
        lines.append(
            {
                "id": each["id"],
                "title": each["title"] or each["id"],
                "items": used.get(each["title"], 0),
                "value": value,
                "gone": bool(saved) and saved != "*" and saved not in known,
                "open": value == "?" and bool(used.get(each["title"])),
            }
        )
    return lines
