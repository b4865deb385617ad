"""Initial passwords (rule 14): made here, stored encrypted before anybody uses them, never logged."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from rollbook.store.lease import Lease
from rollbook.store.locks import hold_keys
from rollbook.store.models import PasswordRow
from rollbook.store.secrets import KeyRing

#: Labels: what Rollbook gave; what the school issued and Rollbook keeps (asked to be sent, being sent); and what became
#: of it in the LMS. Sent or not, an issued password replaces the initial one.
INITIAL, SCHOOL, ASKED, SENDING = "initial", "school", "school asked", "school sending"
SENT, REFUSED, UNCLEAR = "school sent", "school refused", "school unclear"
#: Passwords are erased so long after they were made (rule 14).
KEPT_FOR: Final = timedelta(days=90)
#: Letters and digits that nobody mixes up in print or handwriting: no 0 O 1 l I, no 2 Z, 5 S, 8 B, 6 G, u v.
LOWER, UPPER, DIGITS = "abcdefghjkmnpqrstwxyz", "ACDEFHJKLMNPQRTWXY", "3479"
_ALL = LOWER + UPPER + DIGITS
_AT_ONCE = 500


def new_password(length: int = 16) -> str:
    """Random, with at least one small letter, one capital and one digit, and a hyphen in the middle: some LMSs want
    something that is neither letter nor digit."""
    while True:
        word = "".join(secrets.choice(_ALL) for _ in range(length - 1))
        word = f"{word[: length // 2]}-{word[length // 2 :]}"
        if set(word) & set(LOWER) and set(word) & set(UPPER) and set(word) & set(DIGITS):
            return word


def erase_old_passwords(now: datetime) -> int:
    """Within the caller's transaction: forget passwords that were made long ago; how many."""
    return PasswordRow.objects.filter(created_at__lt=now - KEPT_FOR).delete()[0]


class StoredPasswords:
    """Implements `core.protocols.Passwords` for the lease's organization."""

    def __init__(self, lease: Lease, ring: KeyRing) -> None:
        self._lease = lease
        self._ring = ring

    def for_users(self, keys: Sequence[str]) -> Mapping[str, str]:
        found: dict[str, str] = {}
        wanted = sorted(set(keys))
        for start in range(0, len(wanted), _AT_ONCE):
            found.update(self._some(wanted[start : start + _AT_ONCE]))
        return found

    def _some(self, keys: Sequence[str]) -> dict[str, str]:
        with self._lease.writing():
            hold_keys()
            rows = PasswordRow.objects.filter(organization=self._lease.organization, key__in=keys)
            known = {row.key: self._ring.decrypt(row.ciphertext) for row in rows}
            fresh = {key: new_password() for key in keys if key not in known}
            PasswordRow.objects.bulk_create(
                PasswordRow(organization_id=self._lease.organization, key=key, ciphertext=self._ring.encrypt(word))
                for key, word in fresh.items()
            )
        return known | fresh
