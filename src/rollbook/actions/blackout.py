"""Days on which nothing is sent: a run that would send only plans. Sends nothing and plans nothing itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone

from rollbook.actions.organizations import latest_version
from rollbook.errors import ConfigError
from rollbook.roster.schedule import blackout_on
from rollbook.roster.schedule_words import blackout_words
from rollbook.roster.settings import Settings
from rollbook.roster.settings import parse as parse_settings
from rollbook.roster.wall_clock import time_zone
from rollbook.roster.words import Words, say
from rollbook.store.models import Organization, Run


def blackout_today(settings: Settings, now: datetime) -> Words | None:
    """The blackout of this moment's day in the organization's zone, in words."""
    day = now.astimezone(time_zone(settings.organization.timezone)).date()
    found = blackout_on(settings.schedule, day)
    return blackout_words(found) if found is not None else None


def only_plans(organization: Organization, traits: Mapping[str, Any], now: datetime | None = None) -> dict[str, Any]:
    """The traits of a new run; on a blackout day of one that only plans, unless it sends despite of it.

    Raises ConfigError for a run that would send a stored plan: there is nothing left to plan.
    """
    if traits.get("dry_run") or traits.get("despite_blackout"):
        return dict(traits)
    version = latest_version(organization)
    words = blackout_today(parse_settings(version.document), now or timezone.now()) if version is not None else None
    if words and traits.get("applies") is not None:
        raise ConfigError(_refusal(words))
    return {**traits, "dry_run": True, "blackout": str(words)} if words else dict(traits)


def hold_back(run: Run, settings: Settings, now: datetime) -> None:
    """For whoever begins to work on a run: it was asked for earlier, and only plans if today is a blackout day.

    A run that has begun to send goes on. Raises ConfigError for one that sends a stored plan.
    """
    if run.dry_run or run.despite_blackout or not run.settled:
        return
    words = blackout_today(settings, now)
    if words and run.applies_id is not None:
        raise ConfigError(_refusal(words))
    if words:
        run.dry_run, run.blackout = True, str(words)
        run.save(update_fields=["dry_run", "blackout"])


def _refusal(words: Words) -> Words:
    why = say("today is a blackout day (%(day)s), so nothing is sent", day=words)
    return say("%(why)s; send the plan later, or with --despite-blackout", why=why)
