"""Asking for a test notice. Sends nothing itself."""

from __future__ import annotations

from django.db import transaction

from rollbook.actions.organizations import current_settings, find_organization
from rollbook.errors import ConfigError
from rollbook.roster.words import say
from rollbook.store.audit import audit
from rollbook.store.ids import new_run_id
from rollbook.store.notices import note_test


def request_test(*, org: str, by: str) -> list[str]:
    """Write a test notice for everybody whom the organization's settings name; the ids. Raises ConfigError when they
    name nobody."""
    with transaction.atomic():
        organization = find_organization(org)
        _, settings = current_settings(organization)
        ids = note_test(organization, settings, new_run_id())
        if not ids:
            raise ConfigError(
                say("the settings of %(org)s name nobody under `notices`: add email or webhooks", org=org)
            )
        audit(by=by, action="test notices", organization=org, details=f"{len(ids)} notices")
    return ids
