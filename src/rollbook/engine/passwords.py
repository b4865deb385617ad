"""Sends passwords that the school issued, because the acting user asked for it (rule 14). Sends nothing else.

No run and no plan: a password must not stand in a stored plan. Each is claimed before it is sent, so that two workers
do not send one; a claim whose worker died is taken over, for sending a password twice does no harm.
"""

from __future__ import annotations

import tempfile
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from rollbook.actions.organizations import current_settings
from rollbook.actions.passwords import note_sent
from rollbook.connectors.base import Batch, Target
from rollbook.engine.world import Doors
from rollbook.errors import BatchRefused, RollbookError
from rollbook.roster.changes import DONE as OUTCOME_DONE
from rollbook.roster.changes import REFUSED as OUTCOME_REFUSED
from rollbook.roster.changes import UNKNOWN, Change, Outcome
from rollbook.roster.lms import SET_PASSWORD
from rollbook.store.accounts_given import Account, Accounts
from rollbook.store.blobs import open_blobs
from rollbook.store.folder import DataFolder
from rollbook.store.locks import hold_keys
from rollbook.store.models import Organization, PasswordRow
from rollbook.store.passwords import ASKED, REFUSED, SCHOOL, SENDING, SENT, UNCLEAR
from rollbook.store.secrets import KeyRing, secrets_of

#: Passwords of one claim.
_AT_ONCE: Final = 500
#: A claim older than this is of a worker that died.
_CLAIM_ENDS: Final = timedelta(minutes=15)
_REPLAYS: Final = 3
_LABELS: Final = {OUTCOME_DONE: SENT, OUTCOME_REFUSED: REFUSED, UNKNOWN: UNCLEAR}


class _Calm:
    """Nobody stops this work but the end of its process."""

    def check(self) -> None:
        return None

    def wait(self, seconds: float) -> None:
        threading.Event().wait(seconds)


def send_asked(folder: DataFolder) -> int:
    """Send what was asked for and is not sent yet, of every organization; how many were tried."""
    asked = Organization.objects.filter(pk__in=_to_send().values("organization")).order_by("pk")
    return sum(_send_all(folder, organization) for organization in asked)


def _to_send() -> QuerySet[PasswordRow]:
    stale = Q(label=SENDING, created_at__lt=timezone.now() - _CLAIM_ENDS)
    return PasswordRow.objects.filter(Q(label=ASKED) | stale)


def _send_all(folder: DataFolder, organization: Organization) -> int:
    tried = 0
    while rows := _claim(organization):
        counts: Counter[str] = Counter()
        words: list[str] = []
        try:
            answers = _send(folder, organization, rows)
        except RollbookError as error:
            PasswordRow.objects.filter(pk__in=[row.pk for row in rows], label=SENDING).update(label=SCHOOL)
            PasswordRow.objects.filter(organization=organization, label=ASKED).update(label=SCHOOL)
            note_sent(organization=organization, counts={}, words=(), trouble=str(error))
            return tried
        for row in rows:
            outcome = answers[row.key]
            label = _LABELS.get(outcome.status, UNCLEAR)
            counts[label] += 1
            words += [outcome.message] if label == REFUSED and outcome.message else []
            PasswordRow.objects.filter(pk=row.pk, ciphertext=row.ciphertext, label=SENDING).update(label=label)
        tried += len(rows)
        note_sent(organization=organization, counts=counts, words=words, trouble="")
    return tried


def _claim(organization: Organization) -> list[PasswordRow]:
    with transaction.atomic():
        mine = _to_send().filter(organization=organization).select_for_update(no_key=True).order_by("pk")
        rows = list(mine[:_AT_ONCE])
        PasswordRow.objects.filter(pk__in=[row.pk for row in rows]).update(label=SENDING, created_at=timezone.now())
    return rows


def _send(folder: DataFolder, organization: Organization, rows: Sequence[PasswordRow]) -> dict[str, Outcome]:
    """The outcome of each by unique id. Raises what keeps the whole connection from working."""
    ring = KeyRing(folder.keys)
    with transaction.atomic():
        hold_keys()
        passwords = {row.key: ring.decrypt(row.ciphertext) for row in rows}
    _, settings = current_settings(organization)
    known = Accounts(organization.pk, open_blobs(folder)).by_key(list(passwords))
    with tempfile.TemporaryDirectory(dir=folder.work) as work:
        target = Doors(settings, secrets_of(organization.pk, ring), Path(work), _Calm()).target()
        try:
            return _through(target, known, passwords)
        finally:
            target.close()


def _through(target: Target, known: Mapping[str, Account], passwords: Mapping[str, str]) -> dict[str, Outcome]:
    there = [(key, one.lms_id) for key in passwords if (one := known.get(key)) is not None and one.lms_id]
    missing = Outcome(status=OUTCOME_REFUSED, message="there is no such account any more")
    outcomes = dict.fromkeys(passwords, missing)
    if not target.traits.sets_passwords:
        words = f"{target.traits.title} takes no passwords this way"
        return dict.fromkeys(passwords, Outcome(status=OUTCOME_REFUSED, message=words))
    bulk = target.traits.bulk.get("user", 1)
    for start in range(0, len(there), bulk):
        changes = [_change(place, known[key]) for place, (key, _) in enumerate(there[start : start + bulk])]
        answers = _call(target, changes, passwords)
        outcomes.update({change.key: answer for change, answer in zip(changes, answers, strict=True)})
    return outcomes


def _change(place: int, account: Account) -> Change:
    """The fields are only there so that a connector can keep them out of what the LMS says."""
    personal = {"first_name": account.first_name, "last_name": account.last_name, "username": account.username}
    return Change(
        seq=place,
        kind="user",
        action=SET_PASSWORD,
        key=account.key,
        lms_id=account.lms_id,
        after=personal | {"email": account.email},
    )


def _call(target: Target, changes: Sequence[Change], passwords: Mapping[str, str]) -> list[Outcome]:
    """One bulk call; one by one where it was refused whole, once more where the answer was lost."""
    batch = _batch(changes, passwords)
    try:
        answers = list(target.apply(batch))
    except BatchRefused as refusal:
        if len(changes) == 1:
            return [Outcome(status=OUTCOME_REFUSED, message=str(refusal), code=refusal.status)]
        return [answer for change in changes for answer in _call(target, [change], passwords)]
    for _ in range(_REPLAYS):
        lost = [place for place, answer in enumerate(answers) if answer.status == UNKNOWN]
        if not lost:
            break
        again = target.apply(_batch([changes[place] for place in lost], passwords))
        for place, answer in zip(lost, again, strict=True):
            answers[place] = answer
    return answers


def _batch(changes: Sequence[Change], passwords: Mapping[str, str]) -> Batch:
    secrets = {change.key: passwords[change.key] for change in changes}
    return Batch(kind="user", action=SET_PASSWORD, changes=list(changes), secrets=secrets)
