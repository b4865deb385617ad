"""Decides which notices there are, and writes them into the outbox: with a run's end, and once a day for keys that
expire. Sends nothing."""

from __future__ import annotations

import logging
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import DatabaseError, transaction
from django.utils import timezone

from rollbook.errors import ConfigError
from rollbook.roster.settings import Settings
from rollbook.roster.settings import parse as parse_settings
from rollbook.roster.words import Words, say
from rollbook.store.happenings import EXPIRING, HELD, TEST, Happening, happenings, result_of
from rollbook.store.languages import ENGLISH, told, translator
from rollbook.store.models import Organization, River, Run, SettingsVersion
from rollbook.store.outbox import Message, write

log = logging.getLogger(__name__)

#: A key's last day is told when so many days are left, and weekly after it.
DAYS_BEFORE: Final = (0, 1, 3, 7, 14, 30)
_SIDES: Final = {"sis": "SIS", "lms": "LMS"}
_COUNTED: Final = ("read", "blocked", "create", "update", "remove", "held", "waiting", "done", "refused", "unknown")


def note_end(run: Run) -> None:
    """A run has ended: write what there is to tell, in the same transaction. A mistake in here never keeps a run from
    ending."""
    try:
        with transaction.atomic():
            _note_end(run)
    except DatabaseError:
        raise  # then the run's end is not written down either
    except Exception:  # the run matters more than its notice
        log.error("no notice about run %s could be made", run.pk, exc_info=True)


def _note_end(run: Run) -> None:
    settings = _settings(run.organization)
    if settings is None or not _anybody(settings):
        return
    found = [one for one in happenings(run) if one.event in settings.notices.on]
    if run.river == River.GRADES and run.sections:  # the teacher sees how it ends; holds wait for somebody else
        found = [one for one in found if one.event == HELD]
    if not found:
        return
    ended = run.ended_at or timezone.now()
    content = _content(settings, found, ended) | {
        "run": run.pk,
        "state": run.state,
        "who": run.error_who,
        "counts": _counts(run),
        "findings": dict(sorted(result_of(run).findings.items())),
    }
    events = list(dict.fromkeys(one.event for one in found))
    write(run.organization, settings, Message(key=f"run {run.pk}", events=events, content=content, run=run), ended)


def note_test(organization: Organization, settings: Settings, key: str) -> list[str]:
    """A test notice for everybody whom the settings name; the ids of the rows."""
    now = timezone.now()
    content = _content(
        settings, [Happening(TEST, say("Somebody asked for a test of this organization's notices."))], now
    )
    return write(organization, settings, Message(key=f"test {key}", events=[TEST], content=content), now)


def note_expiring(now: datetime) -> None:
    """Keys that are about to expire, in every organization. May be called at any time, by several workers at once: each
    notice is written once."""
    for organization in Organization.objects.all():
        try:
            settings = _settings(organization)
        except ConfigError:
            continue  # settings of a newer release; the other organizations are told all the same
        if settings is None or not _anybody(settings) or EXPIRING not in settings.notices.on:
            continue
        today = now.astimezone(ZoneInfo(settings.organization.timezone)).date()
        for side, name in _SIDES.items():
            last = getattr(settings, side).expires
            message = _expiring(settings, name, date.fromisoformat(last), today, now) if last else None
            if message is not None:
                write(organization, settings, message, now)


def _expiring(settings: Settings, name: str, last: date, today: date, now: datetime) -> Message | None:
    left = (last - today).days
    step = next((days for days in DAYS_BEFORE if left <= days), None) if left >= 0 else -((-left - 1) // 7) - 1
    if step is None:
        return None
    content = _content(settings, [Happening(EXPIRING, _key_expires(name, last.isoformat(), left))], now)
    return Message(key=f"expires {name} {last} {step}", events=[EXPIRING], content=content)


def _key_expires(side: str, last: str, left: int) -> Words:
    """`left`: days until `last`, which is a date in ISO 8601."""
    if left < 0:
        return say("The key of the %(side)s expired on %(day)s.", side=side, day=last)
    if left == 0:
        return say("The key of the %(side)s expires today, on %(day)s.", side=side, day=last)
    if left == 1:
        return say("The key of the %(side)s expires tomorrow, on %(day)s.", side=side, day=last)
    return say("The key of the %(side)s expires in %(days)s days, on %(day)s.", side=side, days=left, day=last)


def _settings(organization: Organization) -> Settings | None:
    latest = SettingsVersion.objects.filter(organization=organization).order_by("-number").first()
    return None if latest is None else parse_settings(latest.document)


def _anybody(settings: Settings) -> bool:
    return bool(settings.notices.email or settings.notices.webhooks)


def _content(settings: Settings, found: list[Happening], at: datetime) -> dict[str, Any]:
    wanted = settings.organization
    local = at.astimezone(ZoneInfo(wanted.timezone))
    return {
        "name": wanted.name,
        "slug": wanted.slug,
        "at": f"{local:%Y-%m-%d %H:%M} {wanted.timezone}",
        "run": None,
        "state": None,
        "counts": {},
        "findings": {},
        "language": settings.notices.language,
        "what": [_one(one, settings.notices.language) for one in found],
    }


def _one(found: Happening, language: str) -> dict[str, str]:
    """`words` are English, for programs; `told` are what people are mailed, if that is something else."""
    shown = {"event": found.event, "about": found.about, "words": _capital(str(found.words))}
    return shown if language == ENGLISH else shown | {"told": _capital(told(found.words, translator(language)))}


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _counts(run: Run) -> dict[str, dict[str, int]]:
    kinds = result_of(run).kinds
    return {kind: {word: counts.get(word, 0) for word in _COUNTED} for kind, counts in kinds.items()}


def old_before(days: int) -> datetime:
    """Notices of before then may be forgotten; what is told again weekly must be remembered for longer than that."""
    return timezone.now() - timedelta(days=max(days, 20))
