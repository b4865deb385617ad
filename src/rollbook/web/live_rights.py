"""Who follows a run, and whether they still may: they signed out, lost their part in the organization, got another one.

Reads only.
"""

from __future__ import annotations

from collections.abc import Collection
from hashlib import blake2b

from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.utils import timezone

from rollbook.store.models import Membership
from rollbook.web.access import Place
from rollbook.web.live import Viewer


def viewer_of(request: HttpRequest, place: Place) -> Viewer:
    """The person of a request that was let in."""
    right = _right(place.role, place.account.password)
    return Viewer(place.organization.pk, place.account.pk, request.session.session_key or "-", right)


def still_may(viewers: Collection[Viewer]) -> set[Viewer]:
    """Those whose page would be shown now as it was then; two queries for all of them."""
    keys = {one.session for one in viewers}
    alive = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    sessions = set(alive.values_list("session_key", flat=True))
    members = Membership.objects.filter(account__in={one.account for one in viewers}, account__is_active=True)
    found = members.values_list("organization_id", "account_id", "role", "account__password")
    rights = {(place, account): _right(role, password) for place, account, role, password in found}
    return {
        one for one in viewers if one.session in sessions and rights.get((one.organization, one.account)) == one.right
    }


def _right(role: str, password: str) -> str:
    return blake2b(f"{role} {password}".encode(), digest_size=12).hexdigest()
