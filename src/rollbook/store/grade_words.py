"""How sections and graded items stand, in words and as plain data. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.db.models import Count, Q

from rollbook.passback.grade_types import (
    BLOCKED,
    DELETED,
    KEEP,
    KEPT,
    LEFT_OUT,
    NEW,
    OPT_IN,
    OPT_OUT,
    OPTED_OUT,
    READY,
    REMOVE,
    REMOVED,
    SKIP,
    UNDECIDED,
)
from rollbook.roster.findings import FINDINGS
from rollbook.store.given_sections import GivenSection
from rollbook.store.models import GradeItem, GradeSection, River, Run, RunState
from rollbook.store.summary import moment

#: States of an item as people know them (design: passback).
SUCCESSFUL, ERROR, QUEUED, NOT_YET, UPDATES = "successful", "error", "queued", "not yet synced", "updates available"
HELD, NOT_SENT, OPEN = "held", "not sent", "category undecided"
#: Sections in this order: what needs a person comes first, and what is well last.
RANKS: Final = (ERROR, OPEN, HELD, UPDATES, NOT_YET, QUEUED, SUCCESSFUL)
#: What asks for a person.
HELPLESS: Final = (ERROR, OPEN, HELD)
_WORDS: Final[Mapping[str, str]] = {
    OPTED_OUT: "opted out", LEFT_OUT: NOT_SENT, UNDECIDED: OPEN, BLOCKED: ERROR,
    DELETED: "deleted in the LMS", KEPT: "kept in the SIS", REMOVED: UPDATES,
}  # fmt: skip
#: What a choice makes of a state before the next run has seen it.
_CHOSEN: Final = {(OPT_IN, OPTED_OUT): READY} | {
    (choice, state): into for choice, into in ((KEEP, KEPT), (REMOVE, REMOVED)) for state in (DELETED, KEPT, REMOVED)
}


def queued_sections(organization: int) -> set[str] | None:
    """Sections whose grades are asked for and under way; None for all."""
    runs = Run.objects.filter(organization=organization, river=River.GRADES, dry_run=False)
    open_runs = runs.filter(state__in=[RunState.QUEUED, RunState.RUNNING]).order_by()
    asked = list(open_runs.values_list("sections", flat=True))
    return None if [] in asked else {code for codes in asked for code in codes}


def item_status(row: GradeItem, *, queued: bool) -> str:
    """One word for people; what somebody has just chosen counts at once."""
    state = _CHOSEN.get((row.choice, row.state), row.state)
    if row.choice == OPT_OUT and row.state not in (DELETED, KEPT, REMOVED):
        state = OPTED_OUT
    if state in _WORDS:
        return _WORDS[state]
    if queued:
        return QUEUED
    if row.failed:
        return ERROR
    if row.held:
        return HELD
    if row.send or row.waiting:
        return UPDATES if row.synced_at else NOT_YET
    return SUCCESSFUL if row.synced_at else NOT_YET


def item_summary(row: GradeItem, *, queued: bool = False) -> dict[str, Any]:
    """An item in the shape of docs/reference/schemas/grades-items.json."""
    known = FINDINGS.get(row.code)
    return {
        "item": row.item,
        "title": row.title,
        "due": row.due or None,
        "points": row.points,
        "category": row.category or None,
        "period": row.period or None,
        "status": item_status(row, queued=queued),
        "choice": row.choice or None,
        "why": " ".join(part for part in (known.sentence if known else "", row.detail) if part) or row.words or None,
        "fix": known.fix if known else None,
        "changes": row.send,
        "held": row.held,
        "waiting": row.waiting,
        "failed": row.failed,
        "synced_at": moment(row.synced_at),
    }


def section_summaries(organization: int, sections: Iterable[GivenSection]) -> list[dict[str, Any]]:
    """Sections in the shape of docs/reference/schemas/grades-sections.json."""
    rows = {
        row.code: row
        for row in GradeSection.objects.filter(organization=organization).annotate(
            all_items=Count("items"),
            errors=Count("items", filter=Q(items__failed__gt=0) | Q(items__state=BLOCKED)),
            pending=Count("items", filter=Q(items__send__gt=0, items__failed=0)),
            held_items=Count("items", filter=Q(items__held__gt=0)),
            choices=Count("items", filter=Q(items__state=DELETED)),
            open_items=Count("items", filter=Q(items__state=UNDECIDED)),
        )
    }
    queued = queued_sections(organization)
    return [_section(each, rows.get(each.code), queued is None or each.code in queued) for each in sections]


def _section(given: GivenSection, row: GradeSection | None, queued: bool) -> dict[str, Any]:
    counted: Any = row
    return {
        "section": given.code,
        "title": given.title,
        "school": given.school,
        "status": _status(counted, queued=queued),
        "items": counted.all_items if row else 0,
        "errors": counted.errors if row else 0,
        "updates": counted.pending if row else 0,
        "held": counted.held_items if row else 0,
        "choices": counted.choices if row else 0,
        "trouble": (row.trouble or None) if row else None,
        "synced_at": moment(row.synced_at) if row else None,
    }


def _status(row: Any, *, queued: bool) -> str:
    """How a section stands: what asks for a person comes first."""
    if queued:
        return QUEUED
    if row is None or row.seen_at is None:
        return NOT_YET
    if row.trouble:
        return ERROR
    if row.open_items:
        return OPEN
    if row.errors:
        return ERROR
    if row.held_items or row.choices:
        return HELD
    if row.pending:
        return UPDATES if row.synced_at else NOT_YET
    return SUCCESSFUL if row.synced_at else NOT_YET


def map_summary(organization: str, row: GradeSection) -> dict[str, Any]:
    """A category map in the shape of docs/reference/schemas/grades-map.json."""
    seen = row.seen or {"lms": [], "sis": []}
    titles = {each["id"]: each["title"] for each in seen["sis"]}
    return {
        "org": organization,
        "section": row.code,
        "categories": [_mapped(each, row.categories.get(each["id"]), titles) for each in seen["lms"]],
        "sis_categories": seen["sis"],
    }


def _mapped(lms: Mapping[str, str], target: str | None, titles: Mapping[str, str]) -> dict[str, Any]:
    if target is None:
        decision = "undecided"
    elif target == SKIP:
        decision = "skip"
    elif target == NEW:
        decision = "create"
    else:
        decision = "mapped" if target in titles else "gone"
    sis = {"id": target, "title": titles.get(target)} if target and target != NEW else None
    return {"id": lms["id"], "title": lms["title"], "decision": decision, "sis": sis}
