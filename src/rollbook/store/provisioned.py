"""Whether anything of an organization is, or may be, in its LMS. Asks nobody outside."""

from __future__ import annotations

from django.db.models import Q

from rollbook.store.ledger import current_version
from rollbook.store.models import River, Run, RunState


def was_provisioned(organization: int) -> bool:
    """Did a run send anything to the LMS, or may one that is under way be about to? Exact where the caller holds the
    organization's lock, which whoever claims a run takes as well."""
    if current_version(organization).number > 0:
        return True
    rosters = Run.objects.filter(organization=organization, river=River.ROSTER)
    return rosters.filter(Q(settled=False) | Q(state=RunState.RUNNING, dry_run=False)).exists()
