"""Filters and tags of all templates."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.utils import formats, timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, gettext

from rollbook.roster.lms import plural
from rollbook.web.plan_words import FIELDS
from rollbook.web.run_words import STATE_WORDS
from rollbook.web.said import blackout_said, by_said, list_said, short_day, stored_said
from rollbook.web.steps import STEP_WORDS
from rollbook.web.wording import sentence
from rollbook.web.years import year_words

register = template.Library()


@register.simple_tag(takes_context=True)
def when(context: Any, moment: datetime | str | None) -> str:
    """A moment in the organization's zone: `Nov. 26, 2026, 3:04 PM`; a dash when there is none."""
    if not moment:
        return "–"
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    place = context.get("place")
    return _moment(moment, place.organization.timezone if place else "UTC", get_language())


@lru_cache(maxsize=1024)
def _moment(moment: datetime, zone: str, _language: str | None) -> str:
    """A list has the same ones again and again."""
    return formats.date_format(timezone.localtime(moment, ZoneInfo(zone)), "DATETIME_FORMAT")


@register.simple_tag
def options(pairs: Iterable[tuple[Any, Any]], chosen: Any) -> SafeString:
    """The options of a long drop-down, in one go: a template takes long over a thousand schools."""
    found = (
        f'<option value="{escape(str(value))}"{" selected" if value == chosen else ""}>{escape(str(label))}</option>'
        for value, label in pairs
    )
    return mark_safe("".join(found))  # every part is escaped


@register.simple_tag
def ticks(name: str, pairs: Iterable[tuple[Any, Any]], chosen: Collection[Any] | None) -> SafeString:
    """A long list of tick boxes, in one go; each can be found by its label and value."""
    found = (
        f'<label class="form-check" data-text="{words} {key}"><input class="form-check-input" type="checkbox" '
        f'name="{name}" value="{key}"{" checked" if key in known else ""}> '
        f'<span class="form-check-label">{words}</span></label>\n'
        for known in [{escape(str(one)) for one in chosen or ()}]
        for key, words in ((escape(str(value)), escape(str(label))) for value, label in pairs)
    )
    return mark_safe("".join(found))  # every part is escaped


@register.simple_tag
def facts(fields: Iterable[Mapping[str, Any]]) -> SafeString:
    """Fields of a plan's row (label, before, after, differs), in one go: a page has a thousand."""

    def value(field: Mapping[str, Any]) -> str:
        if field["differs"] and field["before"] and field["after"]:
            return f"{field['before']} → {field['after']}"
        return str(field["after"] or field["before"] or "–")

    found = (f"<dt>{escape(str(one['label']))}</dt><dd>{escape(value(one))}</dd>" for one in fields)
    return mark_safe("".join(found))  # every part is escaped


register.filter("blackout_said", blackout_said)
register.filter("by_said", by_said)
register.filter("stored_said", stored_said)
register.filter("list_said", list_said)


@register.filter
def trouble_said(words: str | None) -> str:
    """What went wrong with a run, which keeps it in English, as a sentence."""
    return sentence(stored_said(words)) if words else ""


@register.filter
def run_state(state: str | None) -> str:
    """How a run stands, in words; empty where there is none."""
    return str(STATE_WORDS.get(state, state)) if state else ""


@register.filter
def step_words(name: str) -> str:
    """A step of the set-up, as its tab calls it."""
    return str(STEP_WORDS.get(name, name))


@register.filter
def field_words(name: str) -> str:
    """`first_name` or `first name` → `First name`."""
    return str(FIELDS.get(name.replace(" ", "_"), name))


@register.filter
def school_year(year: Any) -> str:
    """2027 → `2026-2027` (rule 3); empty for none."""
    return year_words(str(year)) if year else ""


@register.filter
def day(text: Any) -> str:
    """`2026-11-25` → `Nov. 25, 2026`; what is no date as it is, a dash for nothing."""
    if not text:
        return "–"
    try:
        return short_day(str(text)[:10])
    except ValueError:
        return str(text)


@register.filter
def translated(words: str) -> str:
    """A text of one of the tables below the pages."""
    return gettext(words) if words else ""


@register.filter
def kind_words(kind: str) -> str:
    """`grading_period` → `grading periods`."""
    return list_said(plural(kind))


@register.filter
def look_up(mapping: Any, key: Any) -> Any:
    """`{{ mapping|look_up:key }}`; empty when it is not there."""
    return mapping.get(key, "") if mapping else ""


@register.filter
def thousands(number: Any) -> str:
    """1234567 → 1,234,567 (or as the language writes it)."""
    return formats.number_format(number, use_l10n=True, force_grouping=True) if number not in (None, "") else ""
