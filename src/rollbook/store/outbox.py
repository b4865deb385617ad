"""The outbox's rows: written with what they tell of, claimed by whoever sends them. Sends nothing itself."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F, Q

from rollbook.roster.settings import Settings
from rollbook.store.models import NoticeRow, NoticeState, Organization, Run

EMAIL, WEBHOOK = "email", "webhook"
#: When digests leave, by the organization's clock.
DIGEST_AT = time(7)
_OPEN = (NoticeState.WAITING, NoticeState.SENDING)


@dataclass(frozen=True, kw_only=True)
class Message:
    """What is told: `key` names it for good, so that it is told once to each."""

    key: str
    events: Collection[str]
    content: Mapping[str, Any]
    run: Run | None = None


def write(organization: Organization, settings: Settings, message: Message, now: datetime) -> list[str]:
    """Rows for everybody whom the settings name, inside the caller's transaction; their ids. What was written before is
    not written again."""
    notices = settings.notices
    urgent = "test" in message.events or notices.digest == "none"
    targets = [(EMAIL, to, not urgent) for to in dict.fromkeys(notices.email)]
    targets += [(WEBHOOK, url, False) for url in dict.fromkeys(one.url for one in notices.webhooks)]
    rows = [
        NoticeRow(
            id=secrets.token_hex(16),
            organization=organization,
            run=message.run,
            key=message.key,
            events=" ".join(message.events),
            content=dict(message.content),
            channel=channel,
            to=to,
            digest=digest,
            created_at=now,
            next_at=next_digest(now, settings.organization.timezone) if digest else now,
        )
        for channel, to, digest in targets
    ]
    NoticeRow.objects.bulk_create(rows, ignore_conflicts=True)
    return [row.id for row in rows]


def next_digest(now: datetime, zone: str) -> datetime:
    """The first time after `now` at which digests leave."""
    local = now.astimezone(ZoneInfo(zone))
    today = local.replace(hour=DIGEST_AT.hour, minute=0, second=0, microsecond=0, fold=0)
    return today if today > local else today + timedelta(days=1)


def claim(
    now: datetime, until: datetime, *, down: Collection[tuple[str, str]], only: Collection[str] | None
) -> NoticeRow | None:
    """The oldest due notice, which is now ours until `until`; None when there is none. `down` are ways (channel and
    address, "" for every address) to leave alone, `only` the ids to look at. A claim that ran out belonged to a process
    that died: it is due again."""
    due = NoticeRow.objects.filter(state__in=_OPEN, next_at__lte=now)
    for channel, to in down:
        due = due.exclude(channel=channel, to=to) if to else due.exclude(channel=channel)
    if only is not None:
        due = due.filter(pk__in=only)
    while row := due.select_related("organization").order_by("next_at", "id").first():
        if _take(row, until):
            return row
    return None


def claim_digest(row: NoticeRow, now: datetime, until: datetime) -> list[NoticeRow]:
    """Everything else that is due for the same digest, claimed as well; the row itself is the first."""
    same = NoticeRow.objects.filter(
        state__in=_OPEN, next_at__lte=now, digest=True, organization=row.organization_id, to=row.to
    )
    others = list(same.select_related("organization").exclude(pk=row.pk))
    return [row, *(other for other in others if _take(other, until))]


def _take(row: NoticeRow, until: datetime) -> bool:
    """Becomes true for exactly one of several who try."""
    mine = NoticeRow.objects.filter(pk=row.pk, state__in=_OPEN, attempts=row.attempts)
    taken = mine.update(state=NoticeState.SENDING, attempts=F("attempts") + 1, next_at=until)
    row.attempts += taken
    return bool(taken)


def sent(row: NoticeRow, now: datetime) -> None:
    """The other side has it."""
    _mine(row).update(state=NoticeState.SENT, sent_at=now, error="")


def not_sent(row: NoticeRow, words: str, next_at: datetime | None) -> None:
    """It did not leave: tried again at `next_at`, or given up for None."""
    state = NoticeState.FAILED if next_at is None else NoticeState.WAITING
    changed: dict[str, Any] = {"state": state, "error": words}
    _mine(row).update(**changed if next_at is None else {**changed, "next_at": next_at})


def _mine(row: NoticeRow) -> Any:
    return NoticeRow.objects.filter(pk=row.pk, state=NoticeState.SENDING, attempts=row.attempts)


def count_open() -> int:
    """Notices that have not left yet."""
    return NoticeRow.objects.filter(state__in=_OPEN).count()


def drop_old(before: datetime) -> None:
    """Notices that were sent or given up before then are forgotten; for `gc`."""
    old = Q(state__in=[NoticeState.SENT, NoticeState.FAILED], created_at__lt=before)
    NoticeRow.objects.filter(old).delete()
