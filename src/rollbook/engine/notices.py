"""Delivers what stands in the outbox: each notice once, or twice if a process dies in the instant of sending. Decides
nothing about what is told."""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from rollbook.actions.organizations import current_settings
from rollbook.actions.secret_texts import webhook_place
from rollbook.engine.mail import compose, mail_server, send_mail
from rollbook.engine.not_sent import NotSent
from rollbook.engine.webhooks import post
from rollbook.engine.world import private_hosts_allowed
from rollbook.errors import ConfigError
from rollbook.roster.settings import Notices
from rollbook.store import notice_words, outbox
from rollbook.store.folder import DataFolder
from rollbook.store.grade_digest import grades_between
from rollbook.store.models import NoticeRow
from rollbook.store.notices import note_expiring
from rollbook.store.secrets import KeyRing, secrets_of

log = logging.getLogger(__name__)

#: Sending one takes less than that, or it is taken for dead and sent by somebody else.
CLAIM: Final = timedelta(minutes=5)
#: Waits between tries; the last one is repeated until GIVE_UP has passed.
WAITS: Final = tuple(timedelta(seconds=one) for one in (15, 60, 300, 900, 3600))
GIVE_UP: Final = timedelta(days=3)
_MOST: Final = 200
#: Of the environment: where people reach the pages.
ADDRESS: Final = "ROLLBOOK_URL"
_LOOK_EVERY: Final = timedelta(minutes=10)
_looked: dict[Path, datetime] = {}


def deliver_due(folder: DataFolder, now: datetime, *, only: Collection[str] | None = None) -> int:
    """Send what is due, with all that a day brings about; how many notices left. Call it every few seconds, from a
    thread of its own; several processes may. `only`: these notices and no others."""
    if only is None:
        _look_for_expiring(folder, now)
    delivery = _Delivery(folder, now, only)
    while delivery.tried < _MOST and delivery.next():
        pass
    return delivery.sent


def _look_for_expiring(folder: DataFolder, now: datetime) -> None:
    last = _looked.get(folder.path)
    if last is None or not last <= now < last + _LOOK_EVERY:
        note_expiring(now)
        _looked[folder.path] = now


class _Delivery:
    """One pass over the outbox."""

    def __init__(self, folder: DataFolder, now: datetime, only: Collection[str] | None) -> None:
        self.sent = self.tried = 0
        self._ring = KeyRing(folder.keys)
        self._start, self._now, self._only = time.monotonic(), now, only
        self._down: set[tuple[str, str]] = set()

    def next(self) -> bool:
        """Claim and send the next notice, or a whole digest; False when nothing is due any more."""
        moment = self._moment()
        row = outbox.claim(moment, moment + CLAIM, down=self._down, only=self._only)
        if row is None:
            return False
        rows = outbox.claim_digest(row, moment, moment + CLAIM) if row.digest else [row]
        self.tried += 1
        try:
            self._send(rows)
        except NotSent as trouble:
            self._not_sent(rows, trouble)
        except ConfigError as error:
            self._not_sent(rows, NotSent(str(error), route_down=row.channel == outbox.EMAIL))
        else:
            for one in rows:
                outbox.sent(one, self._moment())
            self.sent += len(rows)
            log.info("notice %s was sent by %s", row.pk, row.channel)
        return True

    def _moment(self) -> datetime:
        return self._now + timedelta(seconds=time.monotonic() - self._start)

    def _send(self, rows: list[NoticeRow]) -> None:
        row = rows[0]
        _, settings = current_settings(row.organization)
        if row.channel == outbox.EMAIL:
            self._mail(rows, settings.notices)
        else:
            self._post(row, settings.notices)

    def _mail(self, rows: list[NoticeRow], notices: Notices) -> None:
        row = rows[0]
        if row.to not in notices.email:
            raise NotSent("this address was taken out of the settings", for_good=True)
        server = mail_server(os.environ)
        contents, site = [one.content for one in rows], os.environ.get(ADDRESS, "").rstrip("/")
        if row.digest:
            subject = notice_words.digest_subject(rows[-1].content, len(rows))
            moment = self._moment()
            day = grades_between(row.organization, moment - timedelta(days=1), moment)
            text = notice_words.digest(contents, site, day)
        else:
            subject, text = notice_words.subject(row.content), notice_words.mail(row.content, site)
        send_mail(server, compose(server, to=row.to, subject=subject, text=text, notice=row.pk))

    def _post(self, row: NoticeRow, notices: Notices) -> None:
        number = next((n for n, one in enumerate(notices.webhooks) if one.url == row.to), None)
        if number is None:
            raise NotSent("this webhook was taken out of the settings", for_good=True)
        secret = secrets_of(row.organization_id, self._ring).get(webhook_place(number), "")
        if not secret:
            raise NotSent("this webhook has no secret any more; import the settings again")
        post(row.to, secret, webhook_body(row), allow_private_hosts=private_hosts_allowed())

    def _not_sent(self, rows: list[NoticeRow], trouble: NotSent) -> None:
        row = rows[0]
        if trouble.route_down:
            self._down.add((row.channel, "" if row.channel == outbox.EMAIL else row.to))
        for one in rows:
            outbox.not_sent(one, str(trouble), None if trouble.for_good else self._again(one))
        log.warning("notice %s could not be sent by %s: %s", row.pk, row.channel, trouble)

    def _again(self, row: NoticeRow) -> datetime | None:
        """When to try again; None when it was tried long enough. A test is tried once."""
        moment = self._moment()
        if row.events == "test" or (row.attempts > len(WAITS) and moment > row.created_at + GIVE_UP):
            return None
        wait = WAITS[min(row.attempts, len(WAITS)) - 1]
        return moment + wait * random.uniform(1.0, 1.2)


def webhook_body(row: NoticeRow) -> dict[str, Any]:
    """What a webhook is sent, in the shape of docs/reference/schemas/webhook.json."""
    content = row.content
    return {
        "id": row.pk,
        "events": row.events.split(),
        "at": row.created_at.isoformat(timespec="seconds"),
        "organization": content["slug"],
        "run": content["run"],
        "state": content["state"],
        "counts": content["counts"],
        "findings": content["findings"],
        "words": notice_words.words(content),
    }
