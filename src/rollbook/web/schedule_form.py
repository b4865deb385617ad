"""The form of the schedule, days on which nothing is sent included, and what a schedule means in words."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import time
from typing import Any, Final

import msgspec
from django import forms
from django.forms.formsets import formset_factory
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rollbook.actions.schedule import ShownSchedule
from rollbook.roster.schedule import WEEKDAYS, Clock, timing
from rollbook.roster.schedule_words import SAVING, Outlook, moment_beside, outlook
from rollbook.roster.settings import Clockwork, Settings
from rollbook.roster.settings import schedule as parse_schedule
from rollbook.roster.wall_clock import time_zone
from rollbook.web.fields import Rows, dress
from rollbook.web.said import moment_said, said

_DAY: Final[dict[str, Any]] = {"required": False, "input_formats": ["%Y-%m-%d"]}
_TIMES: Final = ["%H:%M", "%H:%M:%S"]
_BLANK_ROWS: Final = 2
_MOST_ROWS: Final = 100


def _day_input() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


def _time_input() -> forms.TimeInput:
    return forms.TimeInput(attrs={"type": "time"}, format="%H:%M")


class ScheduleForm(forms.Form):
    """All of the schedule but blackout days. After `is_valid()`, `document` is its part of the settings."""

    mode = forms.ChoiceField(
        label=gettext_lazy("Scheduling Options"),
        choices=(
            ("manual", gettext_lazy("Manual – the Acting User starts every sync.")),
            (
                "scheduled",
                gettext_lazy("Scheduled – users, courses, sections and enrollments are synced by the clock."),
            ),
        ),
        widget=forms.RadioSelect,
    )
    every = forms.ChoiceField(
        label=gettext_lazy("Frequency"),
        choices=(
            ("daily", gettext_lazy("Daily")),
            ("12h", gettext_lazy("Every 12 hours")),
            ("weekly", gettext_lazy("Weekly")),
        ),
        help_text=gettext_lazy("Select Daily unless otherwise instructed by the representative of your LMS."),
    )
    weekday = forms.ChoiceField(
        label=gettext_lazy("Day of the week"),
        required=False,
        choices=[("", "–"), *((day, gettext_lazy(day.capitalize())) for day in WEEKDAYS)],
        help_text=gettext_lazy("For a weekly schedule."),
    )
    opens = forms.TimeField(label=gettext_lazy("Window from"), input_formats=_TIMES, widget=_time_input())
    closes = forms.TimeField(
        label=gettext_lazy("Window to"),
        input_formats=_TIMES,
        widget=_time_input(),
        help_text=gettext_lazy("May be past midnight. The end is no deadline."),
    )
    start = forms.DateField(
        label=gettext_lazy("First day"),
        widget=_day_input(),
        help_text=gettext_lazy("Leave it empty to begin at once."),
        **_DAY,
    )
    missed = forms.ChoiceField(
        label=gettext_lazy("If the server was off during a window"),
        choices=(
            ("run", gettext_lazy("Run once when it is back")),
            ("wait", gettext_lazy("Wait for the next window")),
        ),
    )

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if found.get("every") == "weekly" and not found.get("weekday"):
            self.add_error("weekday", _("A weekly schedule needs its day."))
        return found

    @property
    def document(self) -> dict[str, Any]:
        """As the settings have it, without `blackout`."""
        found = self.cleaned_data
        return {
            "mode": found["mode"],
            "every": found["every"],
            "weekday": found["weekday"] or None,
            "window": f"{found['opens']:%H:%M}-{found['closes']:%H:%M}",
            "start": found["start"].isoformat() if found["start"] else None,
            "missed": found["missed"],
        }


class GradeScheduleForm(ScheduleForm):
    """When grades go back by the clock. After `is_valid()`, `document` is the `grades.schedule` of the settings."""

    mode = forms.ChoiceField(
        label=gettext_lazy("Grades by the clock"),
        choices=(
            ("manual", gettext_lazy("Manual – teachers and administrators start every sync of grades.")),
            (
                "scheduled",
                gettext_lazy("Scheduled – grades of all sections whose category map is done are synced by the clock."),
            ),
        ),
        widget=forms.RadioSelect,
    )

    def __init__(self, settings: Settings, data: Mapping[str, Any] | None = None, *, disabled: bool = False) -> None:
        super().__init__(data, prefix="grades", initial=_initial(settings.grades.schedule))
        dress(self, disabled=disabled)


class BlackoutForm(forms.Form):
    """One span of days on which nothing is sent; a row that is left empty is none."""

    first = forms.DateField(label=gettext_lazy("From"), widget=_day_input(), **_DAY)
    last = forms.DateField(label=gettext_lazy("To (included)"), widget=_day_input(), **_DAY)
    why = forms.CharField(label=gettext_lazy("Why"), required=False, max_length=200)

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        first, last = found.get("first"), found.get("last")
        if any(found.get(name) for name in ("first", "last", "why")):
            for name in ("first", "last"):
                if not found.get(name) and name not in self.errors:
                    self.add_error(name, _("A day is missing."))
        if first and last and first > last:
            self.add_error("last", _("This day is before the first one."))
        return found

    @property
    def document(self) -> dict[str, Any] | None:
        found = self.cleaned_data
        if not found.get("first"):
            return None
        return {"from": found["first"].isoformat(), "to": found["last"].isoformat(), "why": found["why"] or None}


BlackoutRows = formset_factory(
    BlackoutForm, formset=Rows, extra=_BLANK_ROWS, max_num=_MOST_ROWS, absolute_max=_MOST_ROWS
)


class ScheduleForms:
    """The form and its rows as one."""

    def __init__(self, settings: Settings, data: Mapping[str, Any] | None = None, *, disabled: bool = False) -> None:
        one = settings.schedule
        days = [{"first": row.from_, "last": row.to, "why": row.why or ""} for row in one.blackout]
        self.form = ScheduleForm(data, prefix="schedule", initial=_initial(one))
        self.rows = BlackoutRows(data, prefix="blackout", initial=days)
        dress(self.form, disabled=disabled)
        for row in self.rows:
            dress(row, disabled=disabled)

    def is_valid(self) -> bool:
        return self.form.is_valid() & self.rows.is_valid()

    @property
    def document(self) -> dict[str, Any]:
        """The `schedule` of the settings."""
        days = [row.document for row in self.rows]
        return {**self.form.document, "blackout": [day for day in days if day is not None]}


def _initial(one: Clockwork) -> dict[str, Any]:
    opens, closes = one.window.split("-")
    return {
        "mode": one.mode, "every": one.every, "weekday": one.weekday or "", "opens": time.fromisoformat(opens),
        "closes": time.fromisoformat(closes), "start": one.start, "missed": one.missed,
    }  # fmt: skip


def next_words(clock: Clock, seen: Outlook) -> str:
    """The next queue time in a sentence."""
    if seen.start is None:
        return _("No sync is queued by the clock: %(why)s.") % {"why": said(seen.because).rstrip(".")}
    at = moment_said(moment_beside(seen.start.local, clock.since.astimezone(clock.zone)))
    values = {"at": at, "zone": clock.zone.key, "why": said(seen.because)}
    if not seen.sends:
        return _("Next plan is queued on %(at)s (%(zone)s), because %(why)s") % values
    if seen.overdue:
        return _("Next sync was due on %(at)s (%(zone)s), because %(why)s") % values
    return _("Next sync is queued on %(at)s (%(zone)s), because %(why)s") % values


def preview(shown: ShownSchedule, settings: Settings, document: dict[str, Any]) -> str:
    """What a schedule would mean if it were saved now. Raises ConfigError."""
    wanted = parse_schedule(document)
    now, zone = timezone.now(), time_zone(settings.organization.timezone)
    if timing(msgspec.structs.replace(settings, schedule=wanted)) == timing(settings):
        clock = dataclasses.replace(shown.clock, schedule=wanted)
        return next_words(clock, outlook(clock, at=now))
    clock = Clock(schedule=wanted, zone=zone, since=now)
    return next_words(clock, outlook(clock, cause=SAVING, at=now))
