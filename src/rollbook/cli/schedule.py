"""`rollbook schedule …`: when the next run is queued, and why. Changes nothing."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from rollbook.cli.command import command
from rollbook.cli.shell import Shell

if TYPE_CHECKING:
    from rollbook.roster.schedule import Clock
    from rollbook.roster.schedule_words import Outlook


class Every(StrEnum):
    """The same as `schedule.every`."""

    DAILY = "daily"
    HALF_DAY = "12h"
    WEEKLY = "weekly"


class Weekday(StrEnum):
    """The same as `schedule.weekday`."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


Org = Annotated[str, typer.Argument(metavar="ORG", help="The organization's slug.")]
Time = "local time of the zone, such as 2026-11-23T14:00, unless it has an offset"
At = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help=f"As it will be then, if nothing happens before; {Time}. Default: now."),
]
Since = Annotated[str, typer.Option("--since", metavar="TIME", help=f"The last manual run or saved schedule; {Time}.")]
Frequency = Annotated[Every, typer.Option("--every", help="How often.")]
Window = Annotated[str, typer.Option("--window", metavar="HH:MM-HH:MM", help="Time of day in which runs are queued.")]
Zone = Annotated[str, typer.Option("--timezone", metavar="ZONE", help="A name such as America/New_York.")]
Day = Annotated[Weekday | None, typer.Option("--weekday", help="The day of a weekly schedule.")]
First = Annotated[str | None, typer.Option("--start", metavar="DATE", help="The schedule's first day, YYYY-MM-DD.")]


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="When the next run is queued, and why.")
    app.add_typer(group, name="schedule")
    _add_show(group)
    _add_explain(group)


def _add_show(group: typer.Typer) -> None:
    @command(group, "show")
    def show(shell: Shell, org: Org, at: At = None) -> None:
        """Show when an organization's next run is queued, and why."""
        shell.open()
        from rollbook.actions.organizations import current_settings, find_organization
        from rollbook.actions.schedule import schedule_summary, show_schedule
        from rollbook.roster.wall_clock import time_zone

        zone = time_zone(current_settings(find_organization(org))[1].organization.timezone)
        shown = show_schedule(org=org, at=_moment(at, "--at", zone) if at is not None else None)
        found = schedule_summary(shown)

        def people() -> None:
            shell.say(_sentence(shown.clock, shown.outlook))
            shell.say(f"Grades: {_sentence(shown.grades_clock, shown.grades)}")

        shell.answer(found, people)


def _add_explain(group: typer.Typer) -> None:
    @command(group, "explain")
    def explain(
        shell: Shell,
        *,
        every: Frequency = Every.DAILY,
        window: Window = "00:00-03:00",
        timezone: Zone,
        since: Since,
        weekday: Day = None,
        start: First = None,
    ) -> None:
        """Say when a run would be queued with these settings, and why; needs no organization."""
        from rollbook.errors import ConfigError
        from rollbook.roster.schedule import Clock, schedule_problems
        from rollbook.roster.schedule_words import outlook, outlook_summary
        from rollbook.roster.settings import schedule
        from rollbook.roster.wall_clock import time_zone

        given = {"mode": "scheduled", "every": every, "window": window, "weekday": weekday, "start": start}
        settings = schedule(given)
        for problem in schedule_problems(settings):
            raise ConfigError(problem)
        zone = time_zone(timezone)
        clock = Clock(schedule=settings, zone=zone, since=_moment(since, "--since", zone))
        seen = outlook(clock)
        shell.answer(outlook_summary(clock, seen), lambda: shell.say(_sentence(clock, seen)))


def _moment(text: str, option: str, zone: ZoneInfo) -> datetime:
    """A moment from a time on the zone's clocks: one that occurs twice is the first, one that is skipped the next."""
    from rollbook.errors import ConfigError
    from rollbook.roster.wall_clock import first_moment

    try:
        found = datetime.fromisoformat(text)
        if not 1900 <= found.year < 9900:
            raise ValueError
    except ValueError:
        raise ConfigError(f"{option}: must be a time such as 2026-11-23T14:00") from None
    return found if found.tzinfo is not None else first_moment(found, zone)


def _sentence(clock: Clock, seen: Outlook) -> str:
    from rollbook.roster.schedule_words import moment_words

    if seen.start is None:
        return f"No run is queued by the clock: {seen.why}."
    what = "sync" if seen.sends else "plan"
    is_queued = "was due" if seen.overdue else "is queued"
    at = moment_words(seen.start.local, clock.since.astimezone(clock.zone))
    return f"Next {what} {is_queued} on {at} ({clock.zone.key}), because {seen.why}"
