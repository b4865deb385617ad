"""How sections stand, written where their items are written, so that lists of thousands of sections count nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.db.models import QuerySet
from django.utils import timezone

from rollbook.passback.grade_types import BLOCKED, DELETED, KEEP, OPT_OUT, READY, REMOVE, REMOVED, UNDECIDED
from rollbook.store.grade_words import ERROR, HELD, NOT_YET, OPEN, SUCCESSFUL, UPDATES
from rollbook.store.models import GradeItem, GradeSection, GradeSync, SectionAdmin
from rollbook.store.section_lines import show_states

_AT_ONCE: Final = 500
#: Runs that are remembered with each section.
_SYNCS: Final = 30
_COUNTED_BY: Final = ("state", "choice", "send", "held", "waiting", "failed")


def restate(rows: QuerySet[GradeSection] | Sequence[GradeSection]) -> None:
    """Count the items of these sections anew, and say how each section stands. Rows must have been read just now:
    people decide at any moment."""
    sections = list(rows.order_by("pk")) if isinstance(rows, QuerySet) else rows
    counted = _counted([row.pk for row in sections])
    changed: list[GradeSection] = []
    for row in sections:
        before = (row.status, row.counts)
        row.counts = counted[row.pk]
        if row.counts["open"] and not still_open(row):
            row.counts["open"] = 0
        row.status = _status(row)
        if (row.status, row.counts) != before:
            changed.append(row)
    if len(changed) == 1:
        changed[0].save(update_fields=["status", "counts"])
    else:
        GradeSection.objects.bulk_update(changed, ["status", "counts"], batch_size=_AT_ONCE)
    show_states((row.organization_id, row.code, row.status) for row in changed)


def _counted(sections: Sequence[int]) -> dict[int, dict[str, int]]:
    """The counts of each section. A few hundred rows are counted faster here than their query is put together."""
    found = {pk: dict.fromkeys(("items", "errors", "updates", "held", "choices", "open"), 0) for pk in sections}
    for start in range(0, len(sections), _AT_ONCE):
        items = GradeItem.objects.filter(section__in=sections[start : start + _AT_ONCE]).order_by()
        for section, *item in items.values_list("section", *_COUNTED_BY).iterator():
            counts = found[section]
            for name in _counts_as(item):
                counts[name] += 1
    return found


def _counts_as(item: Sequence[Any]) -> Iterator[str]:
    """Among which of the counts an item is, told by its _COUNTED_BY."""
    state, choice, send, held, waiting, failed = item
    yield "items"
    if state == DELETED and choice not in (KEEP, REMOVE):
        yield "choices"
    if choice == OPT_OUT and state != DELETED:
        return
    pending = (send or waiting) and state in (READY, REMOVED)
    if failed or state == BLOCKED:
        yield "errors"
    if not failed and (pending or (state == DELETED and choice == REMOVE)):
        yield "updates"
    if held:
        yield "held"
    if state == UNDECIDED:
        yield "open"


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
    mine = GradeSync.objects.filter(section=section, run=run)
    if mine.update(**fields) if fields else mine.exists():
        return
    GradeSync.objects.create(section=section, run_id=run, **fields)
    if old := list(section.syncs.order_by("-pk").values_list("pk", flat=True)[_SYNCS:]):
        GradeSync.objects.filter(pk__in=old).delete()


def keep_admins(section: GradeSection, people: Sequence[str] | frozenset[str]) -> None:
    """The course admins of a section as just seen in the LMS, by unique id."""
    note_admins(section, people)
    section.save(update_fields=["admins_at"])


def note_admins(section: GradeSection, people: Sequence[str] | frozenset[str]) -> None:
    """As `keep_admins`; the section's own row is left to be saved."""
    known = set(section.admins.values_list("person", flat=True))
    if gone := known - set(people):
        section.admins.filter(person__in=gone).delete()
    if staying := known & set(people):
        section.admins.filter(person__in=staying, until__isnull=False).update(until=None)
    if new := [SectionAdmin(section=section, person=person) for person in sorted(set(people) - known)]:
        SectionAdmin.objects.bulk_create(new, ignore_conflicts=True)
    section.admins_at = timezone.now()


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
