"""Changing a part of an organization's settings, as the pages do. What is not spoken of stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from django.db import transaction

from rollbook.actions.organizations import find_organization, latest_version
from rollbook.actions.schedule_memory import note_settings
from rollbook.actions.secret_texts import placeholder
from rollbook.actions.settings import SavedSettings, check_locked, keep_version, plain
from rollbook.actions.settings_text import check_mappings
from rollbook.errors import ConfigError
from rollbook.roster.settings import parse as parse_settings
from rollbook.roster.words import say
from rollbook.store.audit import audit
from rollbook.store.locks import hold_keys
from rollbook.store.models import Organization, Secret
from rollbook.store.permissions import try_refused_again
from rollbook.store.secrets import KeyRing
from rollbook.store.setup import opened

Document = dict[str, Any]


class ChangedMeanwhile(ConfigError):
    """Somebody saved other settings since this person opened the page."""

    who = "you: look at what is saved now, and save again"


def change_settings(
    *,
    org: str,
    by: str,
    what: str,
    change: Callable[[Document], None],
    secrets: Mapping[str, str | None] | None = None,
    seen: int | None = None,
) -> SavedSettings:
    """Save the settings after `change` has edited a copy of the document; `what` names the act for the audit.

    `secrets` maps places (`sis.secret`) to new texts, None removes one; others stay. `seen` is the number of the
    version that the person looked at: raises ChangedMeanwhile when another one was saved since. Raises ConfigError when
    the result is wrong.
    """
    with transaction.atomic():
        organization = find_organization(org, lock=True)
        latest = latest_version(organization)
        _check_seen(seen, latest.number if latest else 0)
        document: Document = deepcopy(latest.document) if latest else _empty(organization)
        change(document)
        settings = parse_settings(document)
        check_mappings(settings)
        document = plain(settings)
        old = parse_settings(latest.document) if latest else None
        if old is not None:
            check_locked(organization, old, settings, by)
        same = old is not None and plain(old) == document
        secrets_changed = _keep(organization, secrets or {})
        if same and latest is not None and not secrets_changed:
            return SavedSettings(organization.slug, latest.number, changed=False)
        number = (latest.number if latest else 0) + 1
        keep_version(organization, number, document, by)
        note_settings(organization, old, settings)
        wanted = settings.organization
        Organization.objects.filter(pk=organization.pk).update(name=wanted.name, timezone=wanted.timezone)
        audit(by=by, action=what, organization=organization.slug, subject=str(number))
    return SavedSettings(organization.slug, number, changed=True)


def _check_seen(seen: int | None, number: int) -> None:
    if seen is not None and seen != number:
        raise ChangedMeanwhile(
            say("these settings were changed by somebody else, or in another tab, since you opened this page")
        )


def _empty(organization: Organization) -> Document:
    own = {"slug": organization.slug, "name": organization.name, "timezone": organization.timezone}
    return {"organization": own, "sis": {"connector": ""}, "lms": {"connector": ""}}


def _keep(organization: Organization, secrets: Mapping[str, str | None]) -> bool:
    ring, changed = KeyRing(opened().keys), set[str]()
    if secrets:
        hold_keys()
    for place, text in secrets.items():
        row = Secret.objects.filter(organization=organization, place=place).first()
        if text is None:
            if row is not None and row.delete()[0]:
                changed.add(place)
            continue
        if row is not None and ring.decrypt(row.ciphertext) == text:
            continue
        row = row or Secret(organization=organization, place=place)
        row.ciphertext, row.reference = ring.encrypt(text), placeholder(place)
        row.save()
        changed.add(place)
    try_refused_again(organization, changed)
    return bool(changed)
