"""Grade ledgers and notes of an organization's sections, as a run writes them: only under its lease."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from django.db.models import QuerySet
from django.utils import timezone

from rollbook.core.stored import StoredPlan
from rollbook.errors import StalePlan
from rollbook.passback.grade_types import (
    GradeLedgerVersion,
    ItemCount,
    ItemNote,
    ItemOutcome,
    SectionNote,
    SectionWish,
    decided_digest,
)
from rollbook.store.given_sections import GivenSection
from rollbook.store.grade_states import note_admins, note_sync, restate
from rollbook.store.lease import Lease
from rollbook.store.models import GradeItem, GradeLedgerRow, GradeSection, Run
from rollbook.store.plain import without_nul

_NOTED: Final = ("key", "title", "due", "points", "category", "period", "state", "code", "detail")
_COUNTED: Final = ("send", "held", "waiting")
_AT_ONCE: Final = 500
#: Sections that are asked for by name; beyond that, all are looked at.
_FEW: Final = 200


def section_row(organization: int, code: str) -> GradeSection:
    """The row of a section, made when it is first needed."""
    row, _ = GradeSection.objects.get_or_create(organization_id=organization, code=code)
    return row


def mapped_sections(organization: int) -> set[str]:
    """Sections whose category map is done: something goes back, and no category with items is undecided."""
    rows = GradeSection.objects.filter(organization=organization).values_list("code", "categories", "counts")
    return {code for code, categories, counts in rows if any(categories.values()) and not counts.get("open")}


def wishes(organization: int, sections: Sequence[GivenSection]) -> list[SectionWish]:
    """What was decided of these sections."""
    own = GradeSection.objects.filter(organization=organization)
    items = GradeItem.objects.filter(section__organization=organization)
    if len(sections) <= _FEW:
        codes = [each.code for each in sections]
        own, items = own.filter(code__in=codes), items.filter(section__code__in=codes)
    rows = {row.code: row for row in own}
    chosen: dict[int, dict[str, str]] = {}
    known: dict[int, dict[str, str]] = {}
    for section, item, key, choice in items.values_list("section", "item", "key", "choice").iterator():
        known.setdefault(section, {})[key] = item
        if choice:
            chosen.setdefault(section, {})[item] = choice
    found = []
    for each in sections:
        row = rows.get(each.code)
        pk = row.pk if row else 0
        found.append(
            SectionWish(
                code=each.code,
                lms_id=each.lms_id,
                title=each.title,
                categories=dict(row.categories) if row else {},
                choices=chosen.get(pk, {}),
                items=known.get(pk, {}),
            )
        )
    return found


def grade_version(organization: int, section: str) -> GradeLedgerVersion:
    """The current version of a section's grade ledger; number 0 when there is none yet."""
    row = _newest(organization, section)
    return GradeLedgerVersion() if row is None else GradeLedgerVersion(row.number, row.blob)


def _newest(organization: int, section: str) -> GradeLedgerRow | None:
    rows = GradeLedgerRow.objects.filter(section__organization=organization, section__code=section)
    return rows.order_by("-number").first()


def grades_moved_on(planned: Run, plan: StoredPlan, settings_digest: str) -> list[str]:
    """What of "ledger" and "settings" is not as it was when this plan of grades was made; a category map and choices of
    items count as settings."""
    given = [GivenSection(code, None, "", None) for code in plan.sections]
    numbers = {code: grade_version(planned.organization_id, code).number for code in plan.sections}
    digest = decided_digest(settings_digest, wishes(planned.organization_id, given), plan.sections)
    found = {"ledger": numbers != plan.sections, "settings": digest != plan.settings_digest}
    return [name for name, moved in found.items() if moved]


class StoredGradeLedgers:
    """Implements `passback.grade_types.GradeLedgers` for the lease's organization; new versions are those of `run`."""

    def __init__(self, lease: Lease, run: str | None = None) -> None:
        self._lease = lease
        self._run = run or lease.run

    def current(self, section: str) -> GradeLedgerVersion:
        return grade_version(self._lease.organization, section)

    def advance(self, section: str, base: int, blob: str) -> None:
        with self._lease.fenced():
            row = section_row(self._lease.organization, section)
            newest = row.ledger.order_by("-number").values_list("number", flat=True).first()
            current = newest or GradeLedgerVersion().number
            if current != base:
                raise StalePlan(f"the grade ledger of section {section} moved on from version {base} to {current}")
            GradeLedgerRow.objects.create(section=row, number=base + 1, blob=blob, run_id=self._run)

    def currents(self, sections: Collection[str]) -> dict[str, GradeLedgerVersion]:
        newest = {code: GradeLedgerVersion(number, blob) for code, number, blob, _ in self._rows(sections)}
        return {section: newest.get(section, GradeLedgerVersion()) for section in sections}

    def advanced(self, sections: Collection[str]) -> frozenset[str]:
        made_by = {code: run for code, _, _, run in self._rows(sections)}
        return frozenset(section for section in sections if made_by.get(section) == self._run)

    def _rows(self, sections: Collection[str]) -> Iterator[tuple[str, int, str, str | None]]:
        """Versions of sections, the newest last: code, number, blob, run. A few more than asked for do no harm."""
        rows = GradeLedgerRow.objects.filter(section__organization=self._lease.organization)
        if len(sections) <= _FEW:
            rows = rows.filter(section__code__in=list(sections))
        return rows.order_by("number").values_list("section__code", "number", "blob", "run_id").iterator()


class StoredGradeNotes:
    """Implements `passback.grade_types.GradeNotes` for the lease's organization."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._rows: dict[str, int] = {}  # sections by code: each is written several times in a run

    def seen(self, section: str, note: SectionNote) -> None:
        with self._lease.fenced():
            row = section_row(self._lease.organization, section)
            self._rows[section] = row.pk
            row.trouble, row.seen_at = without_nul(note.trouble), timezone.now()
            noted = ["trouble", "seen_at"]
            if not note.trouble:
                noted += ["seen", "admins_at"]
                row.seen = without_nul(_categories(note))
                _keep_items(row, note.items)
                note_admins(row, note.admins)
            row.save(update_fields=noted)
            note_sync(row, self._lease.run, trouble=row.trouble)
            restate(GradeSection.objects.filter(pk=row.pk))

    def counted(self, counts: Iterable[ItemCount]) -> None:
        for section, group in groupby(counts, key=lambda one: one.section):
            by_key = {one.key: one for one in group}
            with self._lease.fenced():
                same: dict[tuple[int, ...], list[int]] = defaultdict(list)
                for pk, key in self._items(section).filter(key__in=by_key).values_list("pk", "key"):
                    one = by_key[key]
                    same[one.send, one.held, one.waiting].append(pk)
                _update((dict(zip(_COUNTED, values, strict=True)), pks) for values, pks in same.items())
                restate(self._sections(section))

    def settled(self, section: str, outcomes: Sequence[ItemOutcome], at: datetime, *, undone: bool = False) -> None:
        by_key = {one.key: one for one in outcomes}
        with self._lease.fenced():
            gone = {one.key for one in outcomes if one.gone}
            if gone and not undone:
                self._items(section).filter(key__in=gone).delete()
            same: dict[tuple[int, str, bool], list[int]] = defaultdict(list)
            for pk, key in self._items(section).filter(key__in=by_key).values_list("pk", "key"):
                one = by_key[key]
                same[one.failed, without_nul(one.words), key in gone].append(pk)
            _update(
                ({"send": failed, "failed": failed, "words": words} | _synced(failed, away, at), pks)
                for (failed, words, away), pks in same.items()
            )
            row = self._sections(section).get()
            row.synced_at = at
            row.save(update_fields=["synced_at"])
            done, failed = sum(one.done for one in outcomes), sum(one.failed for one in outcomes)
            note_sync(row, self._lease.run, done=done, failed=failed)
            restate([row])

    def _sections(self, section: str) -> QuerySet[GradeSection]:
        return GradeSection.objects.filter(organization=self._lease.organization, code=section)

    def _items(self, section: str) -> QuerySet[GradeItem]:
        if section not in self._rows:
            self._rows[section] = section_row(self._lease.organization, section).pk
        return GradeItem.objects.filter(section=self._rows[section])


def _categories(note: SectionNote) -> dict[str, list[dict[str, str]]]:
    return {
        "lms": [{"id": each.id, "title": each.title} for each in note.lms_categories],
        "sis": [{"id": each.id, "title": each.title} for each in note.sis_categories],
    }


def _keep_items(section: GradeSection, notes: Sequence[ItemNote]) -> None:
    """One row an item; what is neither in the LMS nor in the SIS any more goes, unless somebody decided about it."""
    known = list(section.items.order_by())
    there = {row.item: row for row in known}
    fresh: list[GradeItem] = []
    changed: list[GradeItem] = []
    for note in notes:
        row = there.pop(note.item, None) or GradeItem(section=section, item=note.item)
        values = {name: without_nul(getattr(note, name)) for name in _NOTED}
        if row.pk is None or any(getattr(row, name) != value for name, value in values.items()):
            (fresh if row.pk is None else changed).append(row)
        for name, value in values.items():
            setattr(row, name, value)
    if any(row.send or row.held or row.waiting for row in known):
        section.items.exclude(send=0, held=0, waiting=0).update(send=0, held=0, waiting=0)
    if fresh:
        GradeItem.objects.bulk_create(fresh, batch_size=_AT_ONCE)
    if changed:
        GradeItem.objects.bulk_update(changed, _NOTED, batch_size=_AT_ONCE)
    if there:
        section.items.filter(pk__in=[row.pk for row in there.values()]).delete()


def _synced(failed: int, away: bool, at: datetime) -> dict[str, datetime | None]:
    """When an item was last right in the SIS, where a run says something about that."""
    if away:
        return {"synced_at": None}
    return {} if failed else {"synced_at": at}


def _update(groups: Iterable[tuple[dict[str, Any], Sequence[int]]]) -> None:
    """Give rows of items these values: one statement for all that get the same, as there are few different ones."""
    for values, pks in groups:
        for start in range(0, len(pks), _AT_ONCE):
            GradeItem.objects.filter(pk__in=pks[start : start + _AT_ONCE]).update(**values)
