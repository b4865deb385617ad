"""Filters and tags of all templates."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.utils import formats, timezone

from rollbook.roster.lms import plural

register = template.Library()


@register.simple_tag(takes_context=True)
def when(context: Any, moment: datetime | str | None) -> str:
    """A moment in the organization's zone: `Nov 26, 2026, 3:04 p.m.`; a dash when there is none."""
    if not moment:
        return "–"
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    place = context.get("place")
    zone = ZoneInfo(place.organization.timezone) if place else ZoneInfo("UTC")
    return formats.date_format(timezone.localtime(moment, zone), "DATETIME_FORMAT")


@register.filter
def kind_words(kind: str) -> str:
    """`grading_period` → `grading periods`."""
    return plural(kind)


@register.filter
def look_up(mapping: Any, key: Any) -> Any:
    """`{{ mapping|look_up:key }}`; empty when it is not there."""
    return mapping.get(key, "") if mapping else ""


@register.filter
def thousands(number: Any) -> str:
    """1234567 → 1,234,567 (or as the language writes it)."""
    return formats.number_format(number, use_l10n=True, force_grouping=True) if number not in (None, "") else ""
