"""Settings of an organization: import, export, check. Secrets go in encrypted and never come out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import msgspec
from django.db import transaction

from rollbook.actions.actors import OPERATOR
from rollbook.actions.organizations import latest_version
from rollbook.actions.schedule_memory import note_settings
from rollbook.actions.secret_texts import SIDES, FoundSecret, Surroundings, put_reference
from rollbook.actions.settings_text import read_settings
from rollbook.actions.yaml_text import dump_yaml
from rollbook.errors import ConfigError
from rollbook.roster.settings import Settings
from rollbook.roster.settings import parse as parse_settings
from rollbook.roster.words import say
from rollbook.store.audit import audit
from rollbook.store.ledger import current_version
from rollbook.store.locks import hold_keys
from rollbook.store.models import Organization, Secret, SettingsVersion
from rollbook.store.permissions import forget_if_moved, try_refused_again
from rollbook.store.provisioned import was_provisioned
from rollbook.store.secrets import KeyRing
from rollbook.store.setup import opened


@dataclass(frozen=True)
class SavedSettings:
    """`changed` is False when everything was saved like that already."""

    organization: str
    number: int
    changed: bool


def import_settings(text: str, *, name: str, around: Surroundings, by: str, slug: str | None = None) -> SavedSettings:
    """Save a YAML text as the organization's next settings; the organization is made when it is new.

    Raises ConfigError when the text is wrong, is not of organization `slug`, or changes what is locked.
    """
    found = read_settings(text, name=name, around=around)
    settings = found.settings
    if slug is not None and slug != settings.organization.slug:
        raise ConfigError(
            say(
                "%(name)s holds the settings of %(other)s, not of %(slug)s",
                name=name,
                other=settings.organization.slug,
                slug=slug,
            )
        )
    document = plain(settings)
    with transaction.atomic():
        organization = _organization(settings)
        latest = latest_version(organization)
        old = parse_settings(latest.document) if latest is not None else None
        if old is not None:
            check_locked(organization, old, settings, by)
        # Settings that a new release adds make no other document of one that was saved before.
        same = old is not None and plain(old) == document
        secrets_changed = _keep_secrets(organization, found.secrets)
        if same and latest is not None and not secrets_changed:
            return SavedSettings(organization.slug, latest.number, changed=False)
        number = latest.number if same and latest else (latest.number + 1 if latest else 1)
        if not same:
            keep_version(organization, number, document, by)
            note_settings(organization, old, settings)
        audit(by=by, action="import settings", organization=organization.slug, subject=str(number))
    return SavedSettings(organization.slug, number, changed=True)


def check_settings(text: str, *, name: str, around: Surroundings) -> Settings:
    """Read a YAML text as an import would, and store nothing. Raises ConfigError."""
    return read_settings(text, name=name, around=around).settings


def export_settings(slug: str) -> str:
    """The organization's settings as YAML that can be imported again, with `${…}` where secrets belong."""
    from rollbook.actions.organizations import current_settings, find_organization

    organization = find_organization(slug)
    _, settings = current_settings(organization)
    document = plain(settings)
    for secret in Secret.objects.filter(organization=organization).order_by("place"):
        put_reference(document, secret.place, secret.reference)
    return dump_yaml(_without_nones(document))


def digest(document: dict[str, Any]) -> str:
    """What a plan is bound to: SHA-256 of the settings in one fixed form, without what only tells people."""
    bound = {key: value for key, value in document.items() if key != "notices"}
    for side in SIDES:
        bound[side] = {key: value for key, value in bound[side].items() if key != "expires"}
    return hashlib.sha256(msgspec.json.encode(bound, order="deterministic")).hexdigest()


def _organization(settings: Settings) -> Organization:
    wanted = settings.organization
    organization, _ = Organization.objects.update_or_create(
        slug=wanted.slug, defaults={"name": wanted.name, "timezone": wanted.timezone}
    )
    return organization


def check_locked(organization: Organization, old: Settings, new: Settings, by: str) -> None:
    """Raises ConfigError when settings change what cannot be changed any more, or only by the operator."""
    applied = current_version(organization.pk).number > 0
    if applied and old.users.unique_id != new.users.unique_id:
        raise ConfigError(
            say(
                "users.unique_id is locked at %(source)s since the first sync: with another one, "
                "everybody would look new",
                source=old.users.unique_id,
            )
        )
    if old.lms.connector != new.lms.connector and by != OPERATOR and was_provisioned(organization.pk):
        raise ConfigError(
            say(
                "the LMS cannot be changed any more: a sync wrote to it, and with another one everything would look "
                "removed; only the operator of this server can leave the LMS connector %(connector)s",
                connector=old.lms.connector,
            )
        )
    if old.sis.connector != new.sis.connector and by != OPERATOR:
        raise ConfigError(
            say(
                "only the operator of this server can leave the SIS connector %(connector)s",
                connector=old.sis.connector,
            )
        )
    if old.sis.partner != new.sis.partner and by != OPERATOR:
        raise ConfigError(say("the SIS cannot be changed after it was confirmed, save by the operator of this server"))


def _keep_secrets(organization: Organization, found: dict[str, FoundSecret]) -> bool:
    ring = KeyRing(opened().keys)
    hold_keys()
    known = {row.place: row for row in Secret.objects.filter(organization=organization)}
    changed: set[str] = set()
    for place in known.keys() - found.keys():
        known[place].delete()
        changed.add(place)
    for place, secret in found.items():
        row = known.get(place) or Secret(organization=organization, place=place)
        same = bool(row.pk) and ring.decrypt(row.ciphertext) == secret.text
        if same and row.reference == secret.reference:
            continue
        row.ciphertext, row.reference = ring.encrypt(secret.text), secret.reference
        row.save()
        changed.add(place)
    try_refused_again(organization, changed)
    return bool(changed)


def keep_version(organization: Organization, number: int, document: dict[str, Any], by: str) -> None:
    """Within the caller's transaction."""
    earlier = SettingsVersion.objects.filter(organization=organization).order_by("-number")
    before = earlier.values_list("document", flat=True).first()
    if before is not None:
        forget_if_moved(organization, before, document, by)
    SettingsVersion.objects.create(
        organization=organization, number=number, document=document, digest=digest(document), by=by
    )


def plain(settings: Settings) -> dict[str, Any]:
    """As JSON has it: lists for tuples, and every number in the form it has after reading."""
    once = msgspec.json.decode(msgspec.json.encode(settings))
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(parse_settings(once)))
    return found


def _without_nones(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nones(inner) for key, inner in value.items() if inner is not None}
    return [_without_nones(inner) for inner in value] if isinstance(value, list) else value
