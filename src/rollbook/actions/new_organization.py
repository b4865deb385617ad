"""Making an organization before it has any settings."""

from __future__ import annotations

import re
from typing import Final
from zoneinfo import available_timezones

from django.db import IntegrityError, transaction

from rollbook.errors import ConfigError
from rollbook.roster.words import say
from rollbook.store.audit import audit
from rollbook.store.models import Organization

_SLUG: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def make_organization(*, slug: str, name: str, timezone: str, by: str) -> Organization:
    """A new, empty organization. Raises ConfigError."""
    slug, name = slug.strip(), name.strip()
    if not _SLUG.fullmatch(slug):
        raise ConfigError(say("the short name has small letters, digits and hyphens, and at most 63 of them"))
    if not name:
        raise ConfigError(say("the organization needs a name"))
    if timezone not in available_timezones():
        raise ConfigError(
            say("there is no time zone '%(timezone)s'; it looks like America/New_York", timezone=timezone)
        )
    try:
        with transaction.atomic():
            found = Organization.objects.create(slug=slug, name=name, timezone=timezone)
            audit(by=by, action="make organization", organization=slug, subject=name)
    except IntegrityError:
        raise ConfigError(say("there is an organization '%(slug)s' already", slug=slug)) from None
    return found
