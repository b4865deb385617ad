"""Permissions of teachers as a run uses them, and who has given one. Tokens stay encrypted until they are used."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from rollbook.connectors.gradebook import UserToken
from rollbook.roster.settings import Settings
from rollbook.store.audit import audit
from rollbook.store.models import Organization, PermissionRequest, TeacherPermission
from rollbook.store.secrets import KeyRing


def working_permissions(organization: int) -> QuerySet[TeacherPermission]:
    """Those that the LMS accepts, as far as is known, of members who are still who they were in the SIS."""
    given = TeacherPermission.objects.filter(membership__organization=organization, refused_at__isnull=True)
    return given.filter(person=F("membership__unique_id"), membership__account__is_active=True)


def people_who_allow(organization: int) -> set[str]:
    """Unique ids of everybody whose permission works."""
    return set(working_permissions(organization).values_list("person", flat=True))


def forget_if_moved(organization: Organization, before: Mapping[str, Any], after: Mapping[str, Any], by: str) -> None:
    """Permissions are of one LMS and one key: another one must not get them, nor is kept what nobody is asked for any
    more. `before` and `after` are documents of settings; within the transaction that saves them."""
    if _asks(before) == _asks(after):
        return
    given = TeacherPermission.objects.filter(membership__organization=organization)
    PermissionRequest.objects.filter(membership__organization=organization).delete()
    if number := given.delete()[0]:
        audit(by=by, action="forget permissions", organization=organization.slug, subject=str(number))


def try_refused_again(organization: Organization, changed: Collection[str]) -> None:
    """Secrets of these places were saved: what the LMS refused may have been signed with a wrong one. Whoever did take
    their permission back is refused once more."""
    if any(place.startswith("lms.") for place in changed):
        refused = TeacherPermission.objects.filter(membership__organization=organization, refused_at__isnull=False)
        refused.update(refused_at=None)


def place_of(settings: Settings) -> str:
    """Names the LMS and the key that permissions are of, without showing them: a SHA-256."""
    lms = settings.lms
    asks = _asks({"lms": {"connector": lms.connector, "options": lms.options}})
    return hashlib.sha256(msgspec.json.encode(asks)).hexdigest()


def _asks(document: Mapping[str, Any]) -> list[Any]:
    """Whom a connection asks, and with what."""
    lms = document.get("lms") or {}
    options = lms.get("options") or {}
    return [lms.get("connector"), *(options.get(name) for name in ("base_url", "key", "app_key", "grades_as"))]


class StoredTokens:
    """Implements `connectors.gradebook.UserTokens` with what an organization had when this was made: sections are read
    in threads, which ask no database. What is refused is kept by `keep_refused`, when the work is over. Given out are
    only those of the LMS and the key that `place` names: a run goes on with the settings that it began with."""

    def __init__(self, organization: Organization, ring: KeyRing, place: str) -> None:
        self._organization, self._ring, self._place = organization, ring, place
        self._rows = {row.lms_account: row for row in working_permissions(organization.pk)}
        self._refused: list[TeacherPermission] = []
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"StoredTokens({len(self._rows)})"

    def of(self, accounts: Collection[str]) -> Sequence[UserToken]:
        with self._lock:
            rows = [self._rows[each] for each in sorted(set(accounts)) if each in self._rows]
        return [token for row in rows if (token := self._opened(row)) is not None]

    def refused(self, token: UserToken) -> None:
        with self._lock:
            row = self._rows.pop(token.account, None)
            if row is not None:
                self._refused.append(row)

    def keep_refused(self, by: str) -> None:
        """Mark what the LMS refused, unless its person gave a new one meanwhile."""
        with self._lock:
            refused, self._refused = self._refused, []
        for row in refused:
            with transaction.atomic():
                same = TeacherPermission.objects.filter(pk=row.pk, ciphertext=row.ciphertext, refused_at__isnull=True)
                if same.update(refused_at=timezone.now()):
                    audit(
                        by=by, action="permission refused", organization=self._organization.slug, subject=row.person
                    )  # fmt: skip

    def _opened(self, row: TeacherPermission) -> UserToken | None:
        """None for one of another place; one that was kept without its place is of the only one there was."""
        token, secret, *place = msgspec.json.decode(self._ring.decrypt(row.ciphertext))
        if place not in ([], [self._place]):
            return None
        return UserToken(account=row.lms_account, token=token, secret=secret)
