"""What the pages of a section ask for beyond `rollbook.actions.grades`: a map that two people edit at once, copying it
to several sections, and a sync that is asked for twice. Sends nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from django.db import transaction

from rollbook.actions.grades import GradesWanted, carry_categories, decide_categories, request_grades
from rollbook.actions.holds import HoldsMoved, approve_hold, reject_hold, seen_mark
from rollbook.actions.organizations import find_organization
from rollbook.actions.settings_edit import ChangedMeanwhile
from rollbook.passback.compare import CONFLICT, GONE
from rollbook.roster.words import say
from rollbook.store.grades import section_row
from rollbook.store.models import GradeSection, HoldRow, HoldState, Organization, River, Run, RunState

#: Reasons of holds that a section's teachers decide about.
CONFLICTS: Final = (CONFLICT, GONE)


def map_digest(row: GradeSection | None) -> str:
    """A short digest of a section's map and of the categories that it is about: what somebody who edits it has seen."""
    seen = [row.categories, row.seen] if row is not None else []
    return hashlib.sha256(msgspec.json.encode(seen, order="deterministic")).hexdigest()[:16]


def save_map(*, org: str, section: str, chosen: Mapping[str, str | None], seen: str, by: str) -> GradeSection:
    """As `decide_categories`, if the map is still what the person saw: raises ChangedMeanwhile otherwise; ConfigError
    where something is chosen that is not there."""
    with transaction.atomic():
        organization = find_organization(org, lock=True)
        if map_digest(section_row(organization.pk, section)) != seen:
            raise ChangedMeanwhile(say("somebody else saved this map, or the categories were read again"))
        return decide_categories(org=org, section=section, chosen=chosen, by=by)


def copy_map(*, org: str, section: str, to: Sequence[str], by: str) -> dict[str, bool]:
    """Fill the gaps of other sections' maps from this one's, by titles; by section: was anything filled? Raises
    ConfigError."""
    filled: dict[str, bool] = {}
    with transaction.atomic():
        organization = find_organization(org, lock=True)
        for code in to:
            before = dict(section_row(organization.pk, code).categories)
            filled[code] = carry_categories(org=org, section=code, source=section, by=by).categories != before
    return filled


def request_section(*, org: str, section: str, wanted: GradesWanted, by: str) -> tuple[Run, bool]:
    """A run of one section, and whether it is a new one: while one is queued or running that would do the same, or
    everything of it, there is no other. Raises ConfigError."""
    with transaction.atomic():
        organization = find_organization(org, lock=True)
        for run in open_runs(organization, section):
            whole = run.undo_of_id is None and not run.only_mapped
            if whole and run.dry_run == wanted.dry_run and run.items in ([], sorted(set(wanted.items))):
                return run, False
        return request_grades(org=org, sections=[section], by=by, wanted=wanted), True


def conflicts_of(organization: int, section: str) -> list[HoldRow]:
    """What of a section waits because somebody changed or deleted it in the SIS: its teachers may decide about that,
    and about nothing else that is held."""
    rows = HoldRow.objects.filter(organization=organization, school=section, state=HoldState.WAITING)
    found = rows.filter(reason__in=CONFLICTS, run__undo_of__isnull=True).order_by()
    return sorted(found, key=lambda row: row.pk)  # here: in this order the database reads everything that is held


def decide_conflicts(*, org: str, section: str, seen: str, send: bool, by: str) -> list[Run]:
    """Send what the LMS says although the SIS was changed, or leave what the SIS has; as it was looked at (`seen`, see
    `actions.holds.seen_mark`). The runs that send. Raises ConfigError, HoldsMoved."""
    reason = "decided on the section's page"
    runs: list[Run] = []
    with transaction.atomic():
        organization = find_organization(org, lock=True)
        holds = conflicts_of(organization.pk, section)
        if not holds or seen_mark(holds) != seen:
            raise HoldsMoved("what waits has changed since you looked at it")
        for hold in holds:
            if send:
                runs.append(approve_hold(hold_id=hold.hold, by=by, reason=reason, org=org, only=[section])[1])
            else:
                reject_hold(hold_id=hold.hold, by=by, reason=reason, org=org)
    return runs


def open_runs(organization: Organization, section: str) -> list[Run]:
    """Queued and running runs of grades that cover this section, oldest first."""
    mine = Run.objects.filter(organization=organization, river=River.GRADES)
    found = mine.filter(state__in=[RunState.RUNNING, RunState.QUEUED]).defer("plan", "result").order_by()
    covering = [run for run in found if not run.sections or section in run.sections]
    return sorted(covering, key=lambda run: run.created_at)  # here: in its order the database reads all past runs
