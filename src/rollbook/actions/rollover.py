"""Changing the active year with open eyes (rule 3): a preview of the next plan in that year, and what of it is approved
beforehand. Saving starts nothing."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from rollbook.actions.organizations import current_settings, find_organization
from rollbook.actions.runs import queue_run
from rollbook.actions.settings import SavedSettings
from rollbook.actions.settings_edit import Document, change_settings
from rollbook.errors import ConfigError
from rollbook.roster.lms import KINDS, UPDATE
from rollbook.roster.words import say
from rollbook.store.audit import audit
from rollbook.store.models import HoldRow, HoldState, Organization, PermitRow, Run, RunState

#: Why updates of a roll-over are held. What rules 11 and 17 hold always is decided when it comes.
_BEFOREHAND: Final = ("limit", "moved")


def request_preview(*, org: str, by: str, year: str) -> Run:
    """Queue a dry run of everything that plans as if `year` were the active year; one that waits or works already is
    returned instead. Its plan can never be sent. Raises ConfigError when there are no settings."""
    with transaction.atomic():
        organization = find_organization(org, lock=True)
        current_settings(organization)
        same = _previews(organization, year).filter(state__in=[RunState.QUEUED, RunState.RUNNING]).first()
        return same or queue_run(
            organization, "preview of a year", by, kinds=list(KINDS), dry_run=True, preview_year=year
        )


def newest_preview(organization: Organization, year: str, number: int) -> Run | None:
    """The newest preview of this year that waits, or was made with the settings of this number."""
    newest = _previews(organization, year).select_related("settings").order_by("-created_at", "-pk").first()
    if newest is None or (newest.settings is not None and newest.settings.number != number):
        return None
    return newest


def is_for_beforehand(hold: HoldRow) -> bool:
    """May what this hold of a preview holds be approved before it comes? Updates of the roll-over, and nothing else."""
    return hold.action == UPDATE and hold.reason in _BEFOREHAND and bool(hold.changes)


def save_year(
    *, org: str, by: str, year: str, seen: int | None, preview: str = "", approve: Collection[str] = ()
) -> SavedSettings:
    """Make `year` the active year. `approve` names holds of the run `preview` of which exactly these changes may pass
    in the first sync of that year. Raises ConfigError, ChangedMeanwhile; then nothing is saved."""

    def change(document: Document) -> None:
        document["active_year"] = year

    with transaction.atomic():
        organization = find_organization(org, lock=True)
        holds = _chosen(organization, year, preview, seen, approve)
        saved = change_settings(org=org, by=by, what="save active year", change=change, seen=seen)
        for hold in holds:
            hold.state, hold.by, hold.decided_at = HoldState.APPROVED, by, timezone.now()
            hold.why = f"approved with the active year {year}"
            hold.save(update_fields=["state", "by", "why", "decided_at"])
            PermitRow.objects.create(organization=organization, hold=hold, blob=hold.changes)
            audit(by=by, action="approve hold", organization=org, subject=hold.hold, details=hold.why)
    return saved


def _chosen(
    organization: Organization, year: str, preview: str, seen: int | None, approve: Collection[str]
) -> list[HoldRow]:
    """The holds that were ticked; all of them must be of this preview as it stands."""
    if not approve:
        return []
    run = _previews(organization, year).filter(pk=preview, state=RunState.PLANNED, settings__number=seen or 0).first()
    rows = HoldRow.objects.filter(run=run, hold__in=sorted(approve), state=HoldState.PREVIEW) if run else ()
    found = [row for row in rows if is_for_beforehand(row)]
    if len(found) != len(set(approve)):
        raise ConfigError(say("what you ticked is not in the newest preview any more; look at it again"))
    return found


def _previews(organization: Organization, year: str) -> QuerySet[Run]:
    return Run.objects.filter(organization=organization, preview_year=year) if year else Run.objects.none()
