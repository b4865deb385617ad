"""The newest settings of an organization. To understand those of thousands of schools takes long, so that it is done
once for each text that stands in the table; the table is asked at every look, and nothing stale is answered.
"""

from __future__ import annotations

import json
from functools import lru_cache

from django.db.models import TextField
from django.db.models.functions import Cast

from rollbook.roster.settings import Settings
from rollbook.roster.settings import parse as parse_settings
from rollbook.store.models import SettingsVersion


def newest_settings(organization: int) -> tuple[SettingsVersion, Settings] | None:
    """The newest version of the organization with this primary key (its document is only read when asked for) and what
    it says; None before the first. Several askers get the same settings: who changes something makes a copy first."""
    mine = SettingsVersion.objects.filter(organization=organization).order_by("-number")
    found = mine.defer("document").annotate(text=Cast("document", TextField())).first()
    return None if found is None else (found, _settings(found.text))


@lru_cache(maxsize=16)
def _settings(document: str) -> Settings:
    return parse_settings(json.loads(document))
