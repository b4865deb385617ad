"""An organization's settings and mappings as typed data, and how mappings with wildcards are read.

Pure: reading YAML, secrets and storage are done elsewhere. `design.md`'s YAML block is the shape, field for field.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, field

from rollbook.errors import ConfigError
from rollbook.roster.shapes import learned

ANY = "*"
CREATE, SKIP = "create", "skip"

Slug = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Percent = Annotated[float, Meta(ge=0, le=100)]
Count = Annotated[int, Meta(ge=0)]
Days = Annotated[int, Meta(ge=1)]
Day = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Address = Annotated[str, Meta(pattern=r"^[^@\s,;<>\"]+@[^@\s,;<>\"]+$", max_length=254)]
WebAddress = Annotated[str, Meta(pattern=r"^https?://\S+$", max_length=1000)]


class _Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Organization(_Settings, frozen=True, kw_only=True):
    slug: Slug
    name: str
    timezone: str = "UTC"


class Connection(_Settings, frozen=True, kw_only=True):
    """One configured SIS or LMS: which connector, which partner row, and the connector's own options. `delta` (SIS
    only) allows reading changes instead of everything, and CSV packages that hold only changes. `expires` is the last
    day of its key or secret."""

    connector: str
    partner: str | None = None
    delta: bool = False
    expires: Day | None = None
    options: dict[str, Any] = {}


class FieldMap(_Settings, frozen=True, kw_only=True):
    """Where each LMS field of a user comes from (rule 8). `deactivate_after`: accounts of people who have been gone
    from the SIS for so many days are deactivated; None: never (rule 13)."""

    unique_id: Literal["sourcedId", "identifier", "userMasterIdentifier", "username"] = "sourcedId"
    username: Literal["username", "email", "email_local_part", "identifier"] = "username"
    email: Literal["email", "none"] = "email"
    preferred_name: Literal["preferredGivenName", "none"] = "preferredGivenName"
    graduation_year: Literal["from_grade", "none"] = "none"
    passwords: Literal["generate", "none"] = "generate"
    guardians: bool = True
    deactivate_after: Days | None = None
    role_order: tuple[str, ...] = ()


class Sections(_Settings, frozen=True, kw_only=True):
    """`title` may use {class}, {code}, {course}, {period} and {term}."""

    title: str = "{class}"


class Enrollments(_Settings, frozen=True, kw_only=True):
    """Rules 19 and 21. `end_dates` None means the partner's default."""

    members: Literal["ours", "sis"] = "ours"
    end_dates: Literal["inclusive", "exclusive"] | None = None
    give_days_before: Count = 14


class Limit(_Settings, frozen=True, kw_only=True):
    """Held when more than `percent` of what is there and at least `from` changes (rule 25)."""

    percent: Percent
    from_: Count = field(name="from")


class Limits(_Settings, frozen=True, kw_only=True):
    remove: Limit = Limit(percent=10, from_=20)
    update: Limit = Limit(percent=75, from_=100)
    create: Limit = Limit(percent=25, from_=100)


class GradeLimits(_Settings, frozen=True, kw_only=True):
    """As `Limits`, for each section and for a whole run: line items that would be made, results that would go."""

    remove: Limit = Limit(percent=25, from_=50)
    create: Limit = Limit(percent=50, from_=100)


class Exclusions(_Settings, frozen=True, kw_only=True):
    """Records left out (rule 7); what existed before is frozen. Emails are patterns with `*`."""

    grades: tuple[str, ...] = ()
    courses: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    class_types: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()


class Live(_Settings, frozen=True, kw_only=True):
    """Comparison with the live LMS: how often (rule 23), and how many sections' enrollments are read in each run
    (rule 24; 0: none). With `never`, neither. `missing_enrollments`: what people took away by hand is only listed, or
    given again."""

    compare: Literal["weekly", "every", "never"] = "weekly"
    sections_per_run: Count = 50
    missing_enrollments: Literal["list", "give"] = "list"


class Undo(_Settings, frozen=True, kw_only=True):
    """What an undo put back stays so against the SIS for so many days (rule 28); 0: not at all."""

    pin_days: Count = 30


class Blackout(_Settings, frozen=True, kw_only=True):
    """Days on which nothing is sent, both included, written YYYY-MM-DD."""

    from_: str = field(name="from")
    to: str
    why: str | None = None


class Clockwork(_Settings, frozen=True, kw_only=True):
    """Rule 29. `missed`: a window in which no worker ran is made up for at start-up, or waits for the next one."""

    mode: Literal["manual", "scheduled"] = "manual"
    every: Literal["daily", "12h", "weekly"] = "daily"
    weekday: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] | None = None
    window: Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")] = "00:00-03:00"
    start: str | None = None
    missed: Literal["run", "wait"] = "run"


class Schedule(Clockwork, frozen=True, kw_only=True):
    """That of rosters. Its blackout days are those of grades, too."""

    blackout: tuple[Blackout, ...] = ()


class Grades(_Settings, frozen=True, kw_only=True):
    """What is sent back to the SIS. `comments`: the teacher's comments on grades as well. `create_categories`: category
    maps may ask for new ones, where the SIS takes them. `schedule`: for all sections whose map is done."""

    comments: bool = False
    create_categories: bool = False
    limits: GradeLimits = GradeLimits()
    schedule: Clockwork = Clockwork()


Event = Literal["failed", "held", "errors", "recovered", "deviation", "expiring"]


class Webhook(_Settings, frozen=True, kw_only=True):
    """Where notices are posted; `secret` signs them and is stored apart, encrypted."""

    url: WebAddress
    secret: str | None = None


class Notices(_Settings, frozen=True, kw_only=True):
    """Who is told what. A daily digest gathers the mails of a day; webhooks are always told at once."""

    email: tuple[Address, ...] = ()
    webhooks: tuple[Webhook, ...] = ()
    on: tuple[Event, ...] = ("failed", "held", "errors", "recovered", "deviation", "expiring")
    digest: Literal["none", "daily"] = "none"
    language: Literal["en", "es"] = "en"


TermValue = str | list[str]


class Settings(_Settings, frozen=True, kw_only=True):
    """Everything of one organization that is not a secret. Mapping levels use "*" as wildcard; exact keys win."""

    organization: Organization
    sis: Connection
    lms: Connection
    active_year: Annotated[str, Meta(pattern=r"^\d{4}$")] | None = None
    users: FieldMap = FieldMap()
    schools: dict[str, str] = {}
    terms: dict[str, dict[str, TermValue]] = {}
    roles: dict[str, dict[str, str]] = {}
    sections: Sections = Sections()
    enrollments: Enrollments = Enrollments()
    limits: Limits = Limits()
    exclude: Exclusions = Exclusions()
    live: Live = Live()
    undo: Undo = Undo()
    schedule: Schedule = Schedule()
    notices: Notices = Notices()
    grades: Grades = Grades()


def parse(document: Any) -> Settings:
    """Typed settings from a plain document. Raises ConfigError that names the place."""
    try:
        return msgspec.convert(document, learned(Settings))
    except msgspec.ValidationError as error:
        raise ConfigError(f"the settings are not valid: {error}") from None


def schedule(document: Any) -> Schedule:
    """A schedule alone, from a plain document. Raises ConfigError that names the place."""
    try:
        return msgspec.convert(document, learned(Schedule))
    except msgspec.ValidationError as error:
        _, _, place = str(error).rpartition(" - at `$.")
        if place == "window`":
            raise ConfigError("schedule.window: must be two times of day such as 22:00-02:00") from None
        raise ConfigError(f"the schedule is not valid: {error}") from None


def school_value(settings: Settings, org: str) -> str:
    """create | skip | id:… | code:… for an org; skip when nothing matches (rule 1)."""
    return settings.schools.get(org, settings.schools.get(ANY, SKIP))


def term_values(settings: Settings, org: str, session: str) -> tuple[str, ...]:
    """create | skip | id:… | title:… for a session at a school; exact school first, then exact session."""
    exact, general = settings.terms.get(org, {}), settings.terms.get(ANY, {})
    for sessions, key in ((exact, session), (exact, ANY), (general, session), (general, ANY)):
        if key in sessions:
            value = sessions[key]
            return tuple(value) if isinstance(value, list) else (value,)
    return (SKIP,)


def role_value(settings: Settings, org: str, role: str) -> str | None:
    """The LMS role for a SIS role at a school, `skip`, or None when the school has no saved role map (rule 4)."""
    roles = settings.roles.get(org, settings.roles.get(ANY))
    if roles is None:
        return None
    return roles.get(role, roles.get(ANY, SKIP))
