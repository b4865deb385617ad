"""What `rollbook config test` does: tries the saved connections of an organization, and hides their secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from rollbook.actions.actors import OPERATOR
from rollbook.actions.organizations import current_settings, find_organization
from rollbook.engine.try_connection import Tried, scrubbed, try_connection
from rollbook.errors import known_name
from rollbook.store.audit import audit
from rollbook.store.folder import DataFolder
from rollbook.store.secrets import KeyRing, secrets_of


def try_connections(folder: DataFolder, slug: str, sides: Sequence[str]) -> tuple[list[dict[str, Any]], int]:
    """What came of the test of each side, and the exit code: 0, or that of the first which failed. Raises
    ConfigError for an organization that is not there, or has no settings."""
    organization = find_organization(slug)
    _, settings = current_settings(organization)
    secrets = secrets_of(organization.pk, KeyRing(folder.keys))
    tests: list[dict[str, Any]] = []
    codes: list[int] = []
    for side in sides:
        with transaction.atomic():
            audit(by=OPERATOR, action="test connection", organization=slug, subject=side)
        tried = try_connection(folder, settings, secrets, side)
        tests.append({"side": side, "connector": getattr(settings, side).connector, **_told(tried, secrets)})
        codes.append(_code(tried))
    return tests, next((code for code in codes if code), 0)


def _told(tried: Tried, secrets: Mapping[str, str]) -> dict[str, Any]:
    if tried.error is not None:
        error = tried.error
        said = {"ok": False, "summary": scrubbed(str(error), secrets), "facts": {}}
        return {**said, "error": known_name(error), "who": error.who}
    assert tried.report is not None
    report = tried.report
    facts = {name: scrubbed(fact, secrets) for name, fact in report.facts.items()}
    return {"ok": report.ok, "summary": scrubbed(report.summary, secrets), "facts": facts}


def _code(tried: Tried) -> int:
    if tried.error is not None:
        return tried.error.exit_code
    return 0 if tried.report is not None and tried.report.ok else 1
