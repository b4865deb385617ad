"""Choosing the LMS of an organization, as long as nothing was sent to it."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from rollbook.actions.matching import forget_data_prep
from rollbook.actions.organizations import find_organization, latest_version
from rollbook.actions.settings import SavedSettings
from rollbook.actions.settings_edit import change_settings
from rollbook.connectors.kit.options import describe
from rollbook.connectors.registry import CONNECTORS, connector
from rollbook.errors import ConfigError
from rollbook.roster.settings import CREATE, SKIP
from rollbook.roster.words import say
from rollbook.store.models import DirectoryRow, Secret

#: What a mapping may say of any LMS; everything else names an object of one.
_ANYWHERE = (CREATE, SKIP)


def choose_lms(*, org: str, by: str, lms: str, seen: int | None = None) -> SavedSettings:
    """Make this connector the organization's LMS, with one audit row.

    Its options and secrets begin empty, but for an option `time_zone`, which begins as the organization's. Lists of the
    old LMS are forgotten, and so is what was mapped to its objects and decided about its accounts. The LMS that is
    chosen already keeps all that. Raises ConfigError for a connector that is no LMS and once something was sent,
    ChangedMeanwhile where `seen` is not the newest version.
    """
    if lms not in CONNECTORS or connector(lms).target is None:
        raise ConfigError(say("there is no LMS connector of this name"))
    with transaction.atomic():
        organization = find_organization(org, lock=True)
        latest = latest_version(organization)
        if latest is None:
            raise ConfigError(say("choose the SIS first"))
        if latest.document["lms"]["connector"] == lms:  # the button was pressed twice
            return SavedSettings(org, latest.number, changed=False)
        places = Secret.objects.filter(organization=organization, place__startswith="lms.")
        saved = change_settings(
            org=org,
            by=by,
            what="choose LMS",
            change=lambda document: _change(document, lms),
            secrets=dict.fromkeys(places.values_list("place", flat=True)),
            seen=seen,
        )
        DirectoryRow.objects.filter(organization=organization, name__startswith="lms.").delete()
        forget_data_prep(organization)
    return saved


def _change(document: dict[str, Any], lms: str) -> None:
    has_zone = any(one.name == "time_zone" for one in describe(connector(lms).options))
    options = {"time_zone": document["organization"]["timezone"]} if has_zone else {}
    document["lms"] = {"connector": lms, "options": options}
    document["roles"] = {}
    document["schools"] = {org: to for org, to in document.get("schools", {}).items() if to in _ANYWHERE}
    terms = {org: _kept(sessions) for org, sessions in document.get("terms", {}).items()}
    document["terms"] = {org: sessions for org, sessions in terms.items() if sessions}


def _kept(sessions: dict[str, Any]) -> dict[str, Any]:
    """A session with several grading periods keeps those that are yet to be made."""
    found = {key: [one for one in _listed(value) if one in _ANYWHERE] for key, value in sessions.items()}
    return {key: values[0] for key, values in found.items() if values}


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
