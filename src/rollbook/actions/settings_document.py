"""Settings as a whole document or as single mappings, as programs send them. Looks nothing up on this server: what
is given is meant as it stands."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

from django.db import transaction

from rollbook.actions.organizations import find_organization, latest_version
from rollbook.actions.runs import Wanted, request_run
from rollbook.actions.secret_texts import SIDES, FoundSecret, Surroundings, placeholder, take_secrets
from rollbook.actions.settings import SavedSettings
from rollbook.actions.settings_edit import Document, change_settings
from rollbook.actions.settings_text import judge
from rollbook.connectors.kit.hosts import origin
from rollbook.connectors.kit.options import describe
from rollbook.connectors.oneroster_csv.options import FILES_OPTIONS
from rollbook.connectors.registry import connector
from rollbook.errors import ConfigError
from rollbook.store.models import Organization, Secret
from rollbook.store.secrets import KeyRing, secrets_of
from rollbook.store.setup import opened
from rollbook.store.uploads import UPLOAD

_REFERENCE: Final = re.compile(r"\$\{.*\}|file:.*", re.DOTALL)
_CSV: Final = "oneroster_csv"
_WEBHOOK: Final = re.compile(r"notices\.webhooks\.(\d+)\.secret")


def put_settings(
    *, org: str, by: str, document: Document, seen: int | None, server: bool = False
) -> SavedSettings:  # fmt: skip
    """Save a whole document in the shape of a settings file. Its secrets are stored; those it does not name stay, save
    those of another connector, address or webhook. `server`: whoever gives it may name files of the server. Raises
    ConfigError, ChangedMeanwhile."""
    document = deepcopy(document)
    _refuse_references(document)
    given = take_secrets(document, Surroundings({}, None))
    with transaction.atomic():
        organization = find_organization(org, lock=True)
        latest = latest_version(organization)
        if not server:
            _refuse_files(latest.document if latest else {}, document, given)
        stays, goes = _old_secrets(organization, latest.document if latest else {}, document)
        secrets = {place: FoundSecret(text, placeholder(place)) for place, text in stays.items()} | given
        settings = judge(document, secrets, name="settings", around=Surroundings(os.environ, Path()))
        if settings.organization.slug != org:
            raise ConfigError(f"settings: organization.slug must be {org}")
        Secret.objects.filter(organization=organization, place__in=goes - given.keys()).delete()

        def change(old: Document) -> None:
            old.clear()
            old.update(document)

        texts = {place: secret.text for place, secret in given.items()}
        saved = change_settings(org=org, by=by, what="put settings", change=change, secrets=texts, seen=seen)
        _set_up(organization, latest.document if latest else {}, by)
    return saved


def patch_mappings(*, org: str, by: str, parts: Mapping[str, Mapping[str, Any]], seen: int | None) -> SavedSettings:
    """Set what is named in `schools`, `terms` and `roles`; None takes it out; all else stays. Raises ConfigError,
    ChangedMeanwhile."""

    def change(document: Document) -> None:
        for name, wanted in parts.items():
            document[name] = _patched(document.get(name) or {}, wanted)

    with transaction.atomic():
        organization = find_organization(org, lock=True)
        latest = latest_version(organization)
        saved = change_settings(org=org, by=by, what="patch mappings", change=change, seen=seen)
        _set_up(organization, latest.document if latest else {}, by)
    return saved


def _set_up(organization: Organization, old: Document, by: str) -> None:
    """Where schools or terms are mapped in another way than before, queue the run that makes what they ask for, as
    saving Schools or Terms does (rule 5)."""
    now = latest_version(organization)
    new = now.document if now else {}
    if any((old.get(name) or {}) != (new.get(name) or {}) for name in ("schools", "terms")):
        request_run(org=organization.slug, wanted=Wanted(kinds=("setup",)), by=by)


def _patched(old: Any, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """JSON Merge Patch (RFC 7396) of two levels."""
    found = dict(old) if isinstance(old, dict) else {}
    for key, value in wanted.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = _patched(found.get(key), value) if isinstance(value, dict) else value
    return found


def _old_secrets(organization: Organization, old: Document, new: Document) -> tuple[dict[str, str], set[str]]:
    """The kept secrets that go on, by place; and the places of those that belong to something else from now on."""
    kept = secrets_of(organization.pk, KeyRing(opened().keys))
    goes = {place for place in kept if not _same_owner(place, old, new)}
    return {place: text for place, text in kept.items() if place not in goes}, goes


def _same_owner(place: str, old: Document, new: Document) -> bool:
    """Does the secret of this place go to the same connector and the same host? It must never reach another one."""
    webhook = _WEBHOOK.fullmatch(place)
    if webhook:
        url = _url(new, int(webhook[1]))
        return url is not None and bool(url == _url(old, int(webhook[1])))
    side = place.partition(".")[0]
    if _connector(new, side) != _connector(old, side):
        return False
    return _hosts(new, side) <= _hosts(old, side) | {origin("")}


def _hosts(document: Document, side: str) -> set[Any]:
    """Where the connection of a side goes to."""
    options = _options(document, side)
    every = describe(connector(str(_connector(document, side))).options)
    addresses = [one for one in every if one.name.endswith("url") or one.name == "host"]
    return {origin(str(options.get(one.name) or one.default or "")) for one in addresses}


def _options(document: Document, side: str) -> Mapping[str, Any]:
    found = document.get(side)
    options = found.get("options") if isinstance(found, dict) else None
    return options if isinstance(options, dict) else {}


def _connector(document: Document, side: str) -> Any:
    found = document.get(side)
    return found.get("connector") if isinstance(found, dict) else None


def _url(document: Document, number: int) -> Any:
    notices = document.get("notices")
    webhooks = notices.get("webhooks") if isinstance(notices, dict) else None
    one = webhooks[number] if isinstance(webhooks, list) and number < len(webhooks) else None
    return one.get("url") if isinstance(one, dict) else None


def _refuse_references(document: Document) -> None:
    """`${NAME}` and `file:` are for settings files on the server: over the API they would read its environment."""
    parts = [*(document.get(side) for side in SIDES), document.get("notices")]
    if any(_REFERENCE.fullmatch(text.strip()) for text in _texts(parts)):
        raise ConfigError("settings: ${NAME} and file:PATH are only for settings files; give the text itself")


def _texts(value: Any) -> Iterator[str]:
    """All texts in plain data, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def _refuse_files(old: Document, new: Document, given: Mapping[str, FoundSecret]) -> None:
    """Which files are read is said by the operator, or by an upload: any other path may lead to files of this server
    that are not the organization's."""
    if _connector(new, "sis") != _CSV:
        return
    before = _options(old, "sis") if _connector(old, "sis") == _CSV else {}
    after = _options(new, "sis")
    changed = {name for name in FILES_OPTIONS if before.get(name) != after.get(name) or f"sis.{name}" in given}
    if changed <= {"path", "host"} and after.get("path") == UPLOAD and not after.get("host"):
        return
    if changed - {"host_key"}:
        names = ", ".join(sorted(changed - {"host_key"}))
        raise ConfigError(
            f"settings: sis.options: {names} are set by the operator of this server; others may say path: {UPLOAD}"
        )
