"""Course admins whom people added by hand in the LMS: what a launch says of one, and asking the LMS about all sections
of a person. A worker asks (`rollbook.engine.teachers`); nobody waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from rollbook.store.grades import section_row
from rollbook.store.models import Organization, SectionAdmin, TeacherLook

#: So often a person's pages ask the LMS at most; after it did not answer, sooner.
ASK_AGAIN: Final = timedelta(minutes=15)
_TRY_AGAIN: Final = timedelta(minutes=1)
#: A page says for so long that the LMS is being asked; without a worker nobody asks it.
_FOLLOWED: Final = timedelta(minutes=2)
#: A claim older than this is of a worker that died.
CLAIM_ENDS: Final = timedelta(minutes=5)
#: What a launch says of somebody, while the LMS is silent, counts as long as the session that it begins.
LAUNCH_COUNTS: Final = timedelta(hours=4)
_FORGOTTEN: Final = timedelta(days=30)


@dataclass(frozen=True)
class Asked:
    """How it stands: is the LMS being asked about a person, and did it not say, the last time?"""

    under_way: bool = False
    failed: bool = False


def asked_about(organization: Organization, person: str) -> Asked:
    """Changes nothing."""
    row = TeacherLook.objects.filter(organization=organization, person=person).first() if person else None
    return _stand(row, timezone.now())


def ask_about(organization: Organization, person: str) -> Asked:
    """Let a worker ask the LMS in which sections this person is a course admin, unless it was asked a while ago."""
    if not person:
        return Asked()
    now = timezone.now()
    row, new = TeacherLook.objects.get_or_create(organization=organization, person=person, defaults={"asked_at": now})
    if not new and row.asked_at is None and _is_due(row, now):
        TeacherLook.objects.filter(pk=row.pk, asked_at=None).update(asked_at=now, claimed_at=None)
        row.asked_at = now
    return _stand(row, now)


def claim_look() -> TeacherLook | None:
    """What was asked for longest and nobody is at; None when there is nothing."""
    now = timezone.now()
    free = Q(claimed_at=None) | Q(claimed_at__lt=now - CLAIM_ENDS)
    for row in TeacherLook.objects.filter(free, asked_at__isnull=False).order_by("asked_at", "pk")[:20]:
        mine = TeacherLook.objects.filter(pk=row.pk, asked_at=row.asked_at, claimed_at=row.claimed_at)
        if mine.update(claimed_at=now):
            return TeacherLook.objects.select_related("organization").get(pk=row.pk)
    return None


def note_look(claim: TeacherLook, *, failed: bool) -> None:
    """What was claimed is done."""
    TeacherLook.objects.filter(pk=claim.pk, claimed_at=claim.claimed_at).update(
        asked_at=None, claimed_at=None, looked_at=timezone.now(), failed=failed
    )


def note_launched(organization: Organization, *, section: str, person: str) -> None:
    """A launch proves that the LMS takes somebody for a teacher of a section, while it does not answer itself. What it
    says later counts more."""
    until = timezone.now() + LAUNCH_COUNTS
    with transaction.atomic():
        row = section_row(organization.pk, section)
        SectionAdmin.objects.update_or_create(section=row, person=person, defaults={"until": until})


def forget_old_looks() -> None:
    """What launches said, a month after it counted last: until then the LMS is asked again, for it may have said so
    itself before. And who was not asked about for a month."""
    before = timezone.now() - _FORGOTTEN
    SectionAdmin.objects.filter(until__lt=before).delete()
    TeacherLook.objects.filter(asked_at=None, looked_at__lt=before).delete()


def _is_due(row: TeacherLook, now: datetime) -> bool:
    return row.looked_at is None or row.looked_at < now - (_TRY_AGAIN if row.failed else ASK_AGAIN)


def _stand(row: TeacherLook | None, now: datetime) -> Asked:
    if row is None:
        return Asked()
    return Asked(under_way=row.asked_at is not None and row.asked_at > now - _FOLLOWED, failed=row.failed)
