"""Settings: shown without secrets, put as a whole, mappings patched. All of them know their number (ETag, If-Match)."""

from __future__ import annotations

from typing import Any

import msgspec

from rollbook.actions.organizations import current_settings
from rollbook.actions.settings import SavedSettings, plain
from rollbook.actions.settings_document import patch_mappings, put_settings
from rollbook.store.models import Role, Secret
from rollbook.web.access import Who
from rollbook.web.api.operations import Asked, operation
from rollbook.web.api.shapes import MappingsBody, SettingsBody, SettingsShown
from rollbook.web.webhook_form import host_of


@operation("GET", "/settings", who=Who.READER, answer="SettingsShown", versioned=True, conflict=True)
def show_settings(asked: Asked) -> dict[str, Any]:
    """The settings as they are saved, without secrets, and for which places secrets are kept. Viewers see only the
    hosts of webhooks, whose addresses may be secrets themselves. 409: none are saved."""
    version, settings = current_settings(asked.place.organization)
    secrets = Secret.objects.filter(organization=asked.place.organization).order_by("place")
    shown = SettingsShown(
        org=asked.slug,
        version=version.number,
        settings=_shown(plain(settings), shy=asked.place.role != Role.ADMINISTRATOR),
        secrets=list(secrets.values_list("place", flat=True)),
    )
    found: dict[str, Any] = msgspec.to_builtins(shown)
    return found


@operation("PUT", "/settings", who=Who.ACTING, body=SettingsBody, answer="config-import", versioned=True)
def put(asked: Asked) -> dict[str, Any]:
    """Save a whole document. Secrets in it are texts and are stored encrypted; those that it does not name stay."""
    operator = asked.place.account.is_operator
    return _saved(
        put_settings(
            org=asked.slug, by=asked.by, document=asked.body.settings, seen=_seen(asked), server=operator
        )
    )  # fmt: skip


@operation("PATCH", "/settings/mappings", who=Who.ACTING, body=MappingsBody, answer="config-import", versioned=True)
def patch(asked: Asked) -> dict[str, Any]:
    """Set or take out single mappings of schools, terms and roles."""
    body = asked.body
    parts = {"schools": body.schools, "terms": body.terms, "roles": body.roles}
    return _saved(patch_mappings(org=asked.slug, by=asked.by, parts=parts, seen=_seen(asked)))


def _shown(document: dict[str, Any], *, shy: bool) -> dict[str, Any]:
    for hook in document.get("notices", {}).get("webhooks", ()) if shy else ():
        hook["url"] = host_of(hook["url"])
    return document


def _seen(asked: Asked) -> int | None:
    return asked.version if asked.version is not None else asked.body.version


def _saved(saved: SavedSettings) -> dict[str, Any]:
    return {"org": saved.organization, "version": saved.number, "changed": saved.changed}
