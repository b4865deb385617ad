"""How sections stand, written where their items are written, so that lists of thousands of sections count nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from rollbook.passback.grade_types import BLOCKED, DELETED, KEEP, OPT_OUT, READY, REMOVE, REMOVED, UNDECIDED
from rollbook.store.grade_words import ERROR, HELD, NOT_YET, OPEN, SUCCESSFUL, UPDATES
from rollbook.store.models import GradeSection, GradeSync, SectionAdmin
from rollbook.store.section_lines import show_states

_AT_ONCE: Final = 500
#: Runs that are remembered with each section.
_SYNCS: Final = 30
_OUT: Final = Q(items__choice=OPT_OUT) & ~Q(items__state=DELETED)


def restate(rows: QuerySet[GradeSection]) -> None:
    """Count the items of these sections anew, and say how each section stands."""
    counted = rows.order_by("pk").annotate(
        n_items=Count("items"),
        n_errors=Count("items", filter=(Q(items__failed__gt=0) | Q(items__state=BLOCKED)) & ~_OUT),
        n_updates=Count("items", filter=_pending() & Q(items__failed=0) & ~_OUT),
        n_held=Count("items", filter=Q(items__held__gt=0) & ~_OUT),
        n_choices=Count("items", filter=Q(items__state=DELETED) & ~Q(items__choice__in=[KEEP, REMOVE])),
        n_open=Count("items", filter=Q(items__state=UNDECIDED) & ~_OUT),
    )
    changed: list[GradeSection] = []
    for row in counted.iterator(chunk_size=_AT_ONCE):
        found: Any = row
        names = ("items", "errors", "updates", "held", "choices", "open")
        row.counts = {name: getattr(found, f"n_{name}") for name in names}
        if row.counts["open"] and not still_open(row):
            row.counts["open"] = 0
        row.status = _status(row)
        changed.append(row)
    GradeSection.objects.bulk_update(changed, ["status", "counts"], batch_size=_AT_ONCE)
    show_states((row.organization_id, row.code, row.status) for row in changed)


def still_open(section: GradeSection) -> bool:
    """Is there an item whose category nobody has decided about? What was decided a moment ago counts at once, although
    no run has seen it yet."""
    open_items = section.items.filter(state=UNDECIDED).exclude(choice=OPT_OUT)
    titles = set(open_items.values_list("category", flat=True))
    return any(is_undecided(section, title) for title in titles)


def is_undecided(section: GradeSection, title: str) -> bool:
    """Has a category of this title no place in the section's map? One that the LMS does not list has none."""
    known = [each["id"] for each in section.seen.get("lms", ()) if each["title"] == title]
    return not known or any(each not in section.categories for each in known)


def note_sync(section: GradeSection, run: str, **fields: Any) -> None:
    """Remember a run with a section; the oldest ones are forgotten."""
    GradeSync.objects.update_or_create(section=section, run_id=run, defaults=fields)
    kept = section.syncs.order_by("-pk").values_list("pk", flat=True)[_SYNCS:]
    GradeSync.objects.filter(pk__in=list(kept)).delete()


def keep_admins(section: GradeSection, people: Sequence[str] | frozenset[str]) -> None:
    """The course admins of a section as just seen in the LMS, by unique id."""
    known = set(section.admins.values_list("person", flat=True))
    section.admins.filter(person__in=known - set(people)).delete()
    new = [SectionAdmin(section=section, person=person) for person in sorted(set(people) - known)]
    SectionAdmin.objects.bulk_create(new, ignore_conflicts=True)
    section.admins_at = timezone.now()
    section.save(update_fields=["admins_at"])


def _pending() -> Q:
    some = Q(items__send__gt=0) | Q(items__waiting__gt=0)
    return (some & Q(items__state__in=[READY, REMOVED])) | Q(items__state=DELETED, items__choice=REMOVE)


def _status(row: GradeSection) -> str:
    """What asks for a person comes first."""
    counts = row.counts
    if row.trouble:
        return ERROR
    if row.seen_at is None:
        return NOT_YET
    if counts["open"]:
        return OPEN
    if counts["errors"]:
        return ERROR
    if counts["held"] or counts["choices"]:
        return HELD
    if counts["updates"]:
        return UPDATES if row.synced_at else NOT_YET
    return SUCCESSFUL if row.synced_at else NOT_YET
