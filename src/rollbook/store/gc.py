"""Garbage collection: pointers go first; a file goes when nothing has pointed to it for 24 hours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final, TypedDict

from django.db import transaction
from django.db.models import Max, OuterRef, Subquery
from django.db.models.fields.json import KeyTransform
from django.utils import timezone

from rollbook.store import outbox
from rollbook.store.blobs import KeptBlobs, open_blobs
from rollbook.store.folder import DataFolder
from rollbook.store.models import (
    FactRow,
    GradeLedgerRow,
    HoldRow,
    HoldState,
    LedgerVersionRow,
    LooseBlob,
    Organization,
    PermitRow,
    PinRow,
    PlanCountsRow,
    Run,
    RunState,
    UploadRow,
)
from rollbook.store.notices import old_before
from rollbook.store.scratch import drop_ended
from rollbook.store.uploads import drop_old

LOOSE_FOR: Final = timedelta(hours=24)
#: Ledger versions kept for each organization.
VERSIONS: Final = 2
#: Readings of the SIS of which is kept what was left out, and looks at both systems whose list of people is kept.
READINGS: Final = 2
LOOKS: Final = 1
_ENDED = [RunState.PLANNED, RunState.DONE, RunState.HELD, RunState.FAILED, RunState.CANCELLED]


class Collected(TypedDict):
    """`deleted` files of `bytes`; `loose` files are deleted when a day has passed."""

    deleted: int
    bytes: int
    loose: int


def collect(folder: DataFolder, *, days: int) -> Collected:
    """Plans, outcomes and findings of settled runs are kept `days`; of the ledger, the last two versions."""
    with transaction.atomic():
        _drop_old_versions()
        _drop_old_plans(days)
        _drop_lists("left_out", {}, READINGS)
        _drop_lists("people_blob", None, LOOKS)
        for organization in Organization.objects.all():
            drop_old(organization)
        outbox.drop_old(old_before(days))
    drop_ended(folder)
    return _delete_loose(open_blobs(folder))


def _drop_old_versions() -> None:
    for organization in Organization.objects.all():
        mine = LedgerVersionRow.objects.filter(organization=organization).order_by("-number")
        kept = list(mine.values_list("pk", flat=True)[:VERSIONS])
        mine.exclude(pk__in=kept).delete()
    newest = GradeLedgerRow.objects.filter(section=OuterRef("section")).order_by().values("section")
    last = newest.annotate(last=Max("number")).values("last")
    GradeLedgerRow.objects.filter(number__lte=Subquery(last) - VERSIONS).delete()


def _drop_old_plans(days: int) -> None:
    before = timezone.now() - timedelta(days=days)
    old = Run.objects.filter(state__in=_ENDED, settled=True, ended_at__lt=before, plan__isnull=False)
    PinRow.objects.filter(ended_at__lt=before).delete()
    for run in old.exclude(holds__state=HoldState.WAITING):
        run.intents.all().delete()
        run.outcomes.all().delete()
        PlanCountsRow.objects.filter(run=run).delete()
        run.plan = None
        if run.result:
            run.result = {**run.result, "findings_blob": None, "people_blob": None, "hold_blobs": {}}
        run.save(update_fields=["plan", "result"])
        run.holds.update(changes="")


def _drop_lists(name: str, nothing: Any, most: int) -> None:
    """What runs left out, and who is in which system, is asked of the newest runs only."""
    for organization in Organization.objects.all():
        mine = Run.objects.filter(organization=organization, state__in=_ENDED, result__isnull=False)
        parts = mine.annotate(part=KeyTransform(name, "result")).order_by("-created_at", "-pk")
        kept = [pk for pk, part in parts.values_list("pk", "part") if part]
        for run in Run.objects.filter(pk__in=kept[most:]):
            run.result = {**(run.result or {}), name: nothing}
            run.save(update_fields=["result"])


def _delete_loose(blobs: KeptBlobs) -> Collected:
    there = dict(blobs.everything())
    loose = there.keys() - set(_referenced())
    with transaction.atomic():
        _forget_needed(loose)
        known = set(LooseBlob.objects.values_list("key", flat=True))
        LooseBlob.objects.bulk_create(
            [LooseBlob(key=key) for key in sorted(loose - known)], batch_size=500, ignore_conflicts=True
        )
    ripe = LooseBlob.objects.filter(since__lt=timezone.now() - LOOSE_FOR).values_list("key", flat=True)
    deleted, size = 0, 0
    for key in list(ripe):
        if key in loose:
            size += there[key]
            blobs.delete(key)
            deleted += 1
        LooseBlob.objects.filter(pk=key).delete()
    return {"deleted": deleted, "bytes": size, "loose": len(loose) - deleted}


def _forget_needed(loose: set[str]) -> None:
    for key in LooseBlob.objects.values_list("key", flat=True):
        if key not in loose:
            LooseBlob.objects.filter(pk=key).delete()


def _referenced() -> Iterator[str]:
    """Every key that a row names."""
    for files in LedgerVersionRow.objects.values_list("files", flat=True).iterator():
        yield from files.values()
    for plan, result in Run.objects.values_list("plan", "result").iterator():
        yield from (plan or {}).get("files", {}).values()
        found: dict[str, Any] = result or {}
        yield from found.get("hold_blobs", {}).values()
        yield from found.get("left_out", {}).values()
        yield from (found[name] for name in ("findings_blob", "people_blob") if found.get(name))
    yield from GradeLedgerRow.objects.values_list("blob", flat=True).iterator()
    for known in FactRow.objects.filter(name="person_ids").values_list("value", flat=True):
        yield known["blob"]
    for snapshot in FactRow.objects.filter(name="snapshot").values_list("value", flat=True):
        yield from snapshot["files"].values()
    yield from HoldRow.objects.exclude(changes="").values_list("changes", flat=True).iterator()
    yield from PermitRow.objects.values_list("blob", flat=True).iterator()
    yield from UploadRow.objects.values_list("blob", flat=True).iterator()
