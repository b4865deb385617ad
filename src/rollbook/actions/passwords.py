"""Passwords of LMS accounts: looking at them, bringing in those that the school issued, asking for these to be sent
(rule 14). No password ever stands in the audit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from rollbook.actions.organizations import find_organization
from rollbook.errors import ConfigError
from rollbook.roster.words import say
from rollbook.store.audit import audit
from rollbook.store.locks import hold_keys
from rollbook.store.models import FactRow, Organization, PasswordRow
from rollbook.store.passwords import ASKED, INITIAL, REFUSED, SCHOOL, SENDING, UNCLEAR
from rollbook.store.secrets import KeyRing
from rollbook.store.setup import opened

#: The fact that says who asked for passwords to be sent, and what became of it.
PASSWORDS_SENT: Final = "passwords_sent"
#: So many keys stand in an audit row.
_NAMED: Final = 100
_AT_ONCE: Final = 500


@dataclass(frozen=True)
class KnownPassword:
    """A password as one person may see it; `label` is one of `store.passwords`."""

    password: str = field(repr=False)
    label: str
    made_at: datetime


#: Passwords by unique id, of the people that it is asked about.
Passwords = Callable[[Sequence[str]], dict[str, KnownPassword]]


def look_at_passwords(*, org: str, by: str, keys: Sequence[str]) -> dict[str, KnownPassword]:
    """The passwords of these unique ids, where there are some; every look is audited with who was looked at."""
    with transaction.atomic():
        organization = find_organization(org)
        found = {}
        ring = KeyRing(opened().keys)
        hold_keys()
        for start in range(0, len(keys), _AT_ONCE):
            rows = PasswordRow.objects.filter(organization=organization, key__in=keys[start : start + _AT_ONCE])
            for row in rows:
                found[row.key] = KnownPassword(ring.decrypt(row.ciphertext), row.label, row.created_at)
        told = f"{len(found)} passwords"
        audit(by=by, action="look at passwords", organization=org, subject=_named(sorted(found)), details=told)
    return found


def export_passwords(*, org: str, by: str, labels: Sequence[str]) -> Passwords:
    """What gives the passwords with these labels, some people at a time; the look is audited before the first one."""
    with transaction.atomic():
        organization = find_organization(org)
        number = PasswordRow.objects.filter(organization=organization, label__in=list(labels)).count()
        words = f"{number} passwords: everybody's with the label {' or '.join(labels)}"
        audit(by=by, action="export passwords", organization=org, subject="*", details=words)
    ring = KeyRing(opened().keys)

    def some(keys: Sequence[str]) -> dict[str, KnownPassword]:
        with transaction.atomic():
            hold_keys()
            rows = PasswordRow.objects.filter(organization=organization, label__in=list(labels), key__in=list(keys))
            return {row.key: KnownPassword(ring.decrypt(row.ciphertext), row.label, row.created_at) for row in rows}

    return some


def keep_passwords(*, org: str, by: str, passwords: Mapping[str, str]) -> int:
    """Keep passwords that the school issued, encrypted, by unique id; they replace what was kept. Nothing is sent. How
    many. Raises ConfigError when there are none."""
    if not passwords:
        raise ConfigError(say("there is no password to keep"))
    with transaction.atomic():
        organization = find_organization(org)
        ring, now = KeyRing(opened().keys), timezone.now()
        hold_keys()
        keys = sorted(passwords)
        for start in range(0, len(keys), _AT_ONCE):
            some = keys[start : start + _AT_ONCE]
            PasswordRow.objects.filter(organization=organization, key__in=some).delete()
            PasswordRow.objects.bulk_create(
                PasswordRow(organization=organization, key=key, ciphertext=ring.encrypt(passwords[key]), label=SCHOOL)
                for key in some
            )
            PasswordRow.objects.filter(organization=organization, key__in=some).update(created_at=now)
        count_again(organization)
        audit(
            by=by,
            action="import passwords",
            organization=org,
            subject=_named(keys),
            details=f"{len(keys)} passwords issued by the school",
        )
    return len(keys)


def ask_to_send(*, org: str, by: str) -> int:
    """Ask for every kept password that the school issued, and that the LMS does not have yet, to be sent. How many.
    Raises ConfigError when there is none."""
    with transaction.atomic():
        organization = find_organization(org, lock=True)
        waiting = PasswordRow.objects.filter(organization=organization, label__in=[SCHOOL, REFUSED, UNCLEAR])
        keys = sorted(waiting.values_list("key", flat=True))
        if not keys:
            raise ConfigError(say("there is no imported password that waits to be sent"))
        waiting.update(label=ASKED)
        _note(organization, {"by": by, "asked": len(keys)})
        count_again(organization)
        audit(by=by, action="send passwords", organization=org, subject=_named(keys), details=f"{len(keys)} passwords")
    return len(keys)


def note_sent(*, organization: Organization, counts: Mapping[str, int], words: Sequence[str], trouble: str) -> None:
    """For whoever sent some: add up what became of them (`counts` by label), what the LMS said, and why it stopped."""
    with transaction.atomic():
        row = FactRow.objects.select_for_update().filter(organization=organization, name=PASSWORDS_SENT).first()
        known = dict(row.value) if row is not None else {}
        for label, number in counts.items():
            known[label] = int(known.get(label, 0)) + number
        known["words"] = list(dict.fromkeys([*known.get("words", []), *words]))[:5]
        known |= {"at": timezone.now().isoformat(), "trouble": trouble}
        _note(organization, known)
        count_again(organization)
        told = ", ".join(f"{number} {label}" for label, number in sorted(counts.items()) if number)
        audit(
            by=str(known.get("by", "the clock")),
            action="passwords sent",
            organization=organization.slug,
            details=told or trouble,
        )


def count_again(organization: Organization) -> None:
    """Within the caller's transaction: how many passwords that the school issued wait and are under way. Pages read the
    numbers from the fact, for there may be a million passwords."""
    mine = PasswordRow.objects.filter(organization=organization).exclude(label=INITIAL)
    numbers = dict(mine.values_list("label").annotate(n=Count("pk")))
    waiting = sum(numbers.get(label, 0) for label in (SCHOOL, REFUSED, UNCLEAR))
    under_way = sum(numbers.get(label, 0) for label in (ASKED, SENDING))
    row = FactRow.objects.filter(organization=organization, name=PASSWORDS_SENT).first()
    _note(organization, (row.value if row else {}) | {"waiting": waiting, "under_way": under_way})


def _note(organization: Organization, value: Mapping[str, object]) -> None:
    FactRow.objects.update_or_create(organization=organization, name=PASSWORDS_SENT, defaults={"value": dict(value)})


def _named(keys: Sequence[str]) -> str:
    shown = ", ".join(keys[:_NAMED])
    return f"{shown} and {len(keys) - _NAMED} more" if len(keys) > _NAMED else shown
