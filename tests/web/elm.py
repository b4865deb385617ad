"""An organization that is set up in the browser from nothing, and the forms of its Configuration."""

from __future__ import annotations

import re
from typing import Any

from rollbook.actions.organizations import latest_version
from rollbook.roster.settings import Settings, parse
from rollbook.store.models import Organization, Secret
from rollbook.store.secrets import KeyRing, secrets_of
from rollbook.store.setup import opened
from tests.web.people import Answer, Person, make_person

AT = "/o/elm/"


def make_elm() -> Person:
    """The organization `elm`, without settings; returns its acting user."""
    Organization.objects.create(slug="elm", name="Elm District", timezone="America/New_York")
    return make_person("Eve Elm", org="elm", acting=True)


def elm() -> Organization:
    return Organization.objects.get(slug="elm")


def number(slug: str = "elm") -> int:
    """Of the saved settings; 0: none."""
    version = latest_version(Organization.objects.get(slug=slug))
    return version.number if version else 0


def settings(slug: str = "elm") -> Settings:
    version = latest_version(Organization.objects.get(slug=slug))
    assert version is not None
    return parse(version.document)


def secrets(slug: str = "elm") -> dict[str, str]:
    return secrets_of(Organization.objects.get(slug=slug).pk, KeyRing(opened().keys))


def references(slug: str = "elm") -> set[str]:
    return set(Secret.objects.filter(organization__slug=slug).values_list("place", flat=True))


def select(person: Person, sis: str = "generic-1.1") -> Answer:
    return person.post(f"{AT}select-sis/confirm/", sis=sis, seen=0)


def sis_data(base: str, **more: Any) -> dict[str, Any]:
    """What the SIS form sends for a practice SIS at this address."""
    found = {
        "sis-base_url": f"{base}/ims/oneroster/v1p1", "sis-token_url": f"{base}/token", "sis-key": "practice",
        "sis-secret": "practice", "sis-auth": "oauth2", "seen": number(),
    }  # fmt: skip
    return {**found, **more}


def lms_data(base: str, **more: Any) -> dict[str, Any]:
    found = {"lms-base_url": f"{base}/v1", "lms-key": "practice", "lms-secret": "practice", "seen": number()}
    return {**found, **more}


def html(answer: Answer) -> str:
    return answer.content.decode()


def error_at(answer: Answer, field: str) -> str:
    """What stands beside a field of a page that was shown again; empty when nothing is wrong there."""
    found = re.search(rf'id="id_{re.escape(field)}_error">([^<]*)<', html(answer))
    return found[1].strip() if found else ""


def rows(prefix: str, *values: dict[str, Any]) -> dict[str, Any]:
    """What the rows of a form send."""
    found: dict[str, Any] = {f"{prefix}-TOTAL_FORMS": len(values), f"{prefix}-INITIAL_FORMS": 0}
    for place, one in enumerate(values):
        found |= {f"{prefix}-{place}-{name}": value for name, value in one.items()}
    return found


def schedule_data(slug: str = "elm", *days: dict[str, Any], **more: Any) -> dict[str, Any]:
    found = {
        "schedule-mode": "scheduled", "schedule-every": "daily", "schedule-weekday": "", "schedule-opens": "00:00",
        "schedule-closes": "03:00", "schedule-start": "", "schedule-missed": "run", "seen": number(slug),
    }  # fmt: skip
    return {**found, **rows("blackout", *days), **{f"schedule-{name}": value for name, value in more.items()}}
