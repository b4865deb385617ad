"""Sentences that the packages below the pages make, in the language of the page. Dates and times as in all pages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, time
from typing import Final

from django.utils.formats import date_format, time_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rollbook.actions.actors import OPERATOR, SCHEDULE
from rollbook.roster.holds import why_held
from rollbook.roster.reasons import LISTS, recognized
from rollbook.roster.schedule_words import blackout_words
from rollbook.roster.settings import schedule
from rollbook.roster.words import Joined, Moment, Value, Words, filled
from rollbook.store.models import Run, SettingsVersion

_BY: Final = {OPERATOR: gettext_lazy("the operator"), SCHEDULE: gettext_lazy("the schedule")}
#: What `actions.accounts.account_by` calls somebody who came from a course.
_LAUNCHED: Final = re.compile(r"(?P<name>.*) \(from a course, account (?P<number>\d+)\)")


def said(value: Value) -> str:
    """In the language of the page; data as it is."""
    if isinstance(value, Words):
        return filled(value, _, said)
    if isinstance(value, Joined):
        return " ".join(said(one) for one in value.parts)
    if isinstance(value, Moment):
        return moment_said(value)
    if isinstance(value, time):
        return time_format(value, "TIME_FORMAT")
    if isinstance(value, date):
        return day_said(value)
    return str(value)


def stored_said(sentence: str) -> str:
    """A reason, or a finding's detail, that a run keeps in English; what Rollbook did not say itself as it is."""
    return said(recognized(sentence))


def held_said(reason: str, action: str) -> str:
    """Why changes with this action are held."""
    return _(why_held(reason, action))


def list_said(name: str) -> str:
    """A list of the SIS or kind of the LMS, such as `academicSessions`."""
    return _(name) if name in LISTS else name


def moment_said(moment: Moment) -> str:
    """`Wednesday, Nov. 25, 2026, 12:00 AM`"""
    values = {"weekday": date_format(moment.at, "l"), "time": date_format(moment.at, "TIME_FORMAT")}
    values["day"] = date_format(moment.at, "DATE_FORMAT" if moment.year else "MONTH_DAY_FORMAT")
    return _("%(weekday)s, %(day)s, %(time)s") % values


def day_said(day: date) -> str:
    """`Wednesday, Nov. 25, 2026`"""
    return _("%(weekday)s, %(day)s") % {"weekday": date_format(day, "l"), "day": date_format(day, "DATE_FORMAT")}


def short_day(day: str | date | datetime) -> str:
    """`Nov. 25, 2026`, of a date or the ISO text of one."""
    return date_format(date.fromisoformat(day) if isinstance(day, str) else day, "DATE_FORMAT")


def by_said(by: str) -> str:
    """Who asked or acted: people by their names, the command line and the clock in words."""
    if by in _BY:
        return str(_BY[by])
    launched = _LAUNCHED.fullmatch(by or "")
    if launched is None:
        return by
    name = _("somebody") if launched["name"] == "somebody" else launched["name"]
    return _("%(name)s (from a course, account %(number)s)") % {"name": name, "number": launched["number"]}


def blackout_said(run: Run) -> str:
    """Why a run only planned, which it keeps in English; empty when that is not so. Looked for in the settings it had,
    else in those of today."""
    if not run.blackout:
        return ""
    for version in _versions(run):
        for one in schedule(version.document.get("schedule") or {}).blackout:
            words = blackout_words(one)
            if str(words) == run.blackout:
                return said(words)
    return run.blackout


def _versions(run: Run) -> Iterable[SettingsVersion]:
    if run.settings is not None:
        yield run.settings
    yield from SettingsVersion.objects.filter(organization=run.organization_id).order_by("-number")[:1]
