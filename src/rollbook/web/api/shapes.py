"""What the API is given and answers, where docs/reference/schemas has no shape of it: structs with their limits."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from rollbook.roster.settings import TermValue

Kind = Literal["building", "grading_period", "user", "guardian_link", "course", "section", "enrollment"]
Action = Literal["adopt", "revive", "rekey", "create", "update", "remove", "deactivate"]
Text = Annotated[str, Meta(min_length=1, max_length=1000)]
Id = Annotated[str, Meta(min_length=1, max_length=255)]
Kinds = Annotated[list[Literal["setup", "users", "courses", "sections", "all"]], Meta(min_length=1, max_length=5)]
#: Ids of schools or people.
Ids = Annotated[list[Id], Meta(max_length=10_000)]
Hundred = Annotated[int, Meta(ge=1, le=100)]
Thousand = Annotated[int, Meta(ge=1, le=1000)]
Number = Annotated[int, Meta(ge=0, le=2**53)]


class Given(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an asker gives; as it stands, nothing."""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered."""


# --- questions --------------------------------------------------------------------------------------------------------


class RunsQuery(Given, frozen=True, kw_only=True):
    """The newest runs come first; `before` is the last run of the page before."""

    limit: Hundred = 20
    before: Id | None = None
    state: Literal["queued", "running", "planned", "done", "held", "failed", "cancelled"] | None = None


class ChangesQuery(Given, frozen=True, kw_only=True):
    """Changes in their order; `after` is the seq of the last one of the page before."""

    kind: Kind | None = None
    action: Action | None = None
    school: Id | None = None
    hold: Id | None = None
    outcome: Literal["done", "refused", "unknown", "waiting"] | None = None
    after: Number | None = None
    limit: Thousand = 100


class FindingsQuery(Given, frozen=True, kw_only=True):
    code: Id | None = None
    examples: Annotated[int, Meta(ge=0, le=100)] = 5


class HoldsQuery(Given, frozen=True, kw_only=True):
    """Without `all`, what waits; with it, decided ones too, the newest first."""

    all: bool = False
    limit: Thousand = 100


class ScheduleQuery(Given, frozen=True, kw_only=True):
    """As it will be at the moment `at`, if nothing happens before."""

    at: Annotated[datetime, Meta(tz=True)] | None = None


class DirectoryQuery(Given, frozen=True, kw_only=True):
    """`name` of the list; `skip` so many of its rows."""

    name: Literal["sis.orgs", "sis.academicSessions", "sis.roles", "lms.building", "lms.grading_period", "lms.roles"]
    skip: Number = 0
    limit: Thousand = 1000


class NoticesQuery(Given, frozen=True, kw_only=True):
    limit: Hundred = 50


# --- bodies -----------------------------------------------------------------------------------------------------------


class RunBody(Given, frozen=True, kw_only=True):
    """`schools` are org sourcedIds; none means all."""

    kinds: Kinds = msgspec.field(default_factory=lambda: ["all"])
    schools: Ids = []
    dry_run: bool = False
    compare_live: bool = False
    retry_refused: bool = False
    despite_blackout: bool = False


class ApplyBody(Given, frozen=True, kw_only=True):
    despite_blackout: bool = False


class UndoBody(Given, frozen=True, kw_only=True):
    """Of everything that the run did, or of its part at these schools and for these people (unique ids); of grades, in
    these sections."""

    dry_run: bool = False
    schools: Ids = []
    sections: Ids = []
    persons: Ids = []


class ApproveBody(Given, frozen=True, kw_only=True):
    """Without `until`, the approval is used up by the next sync that ends well. `run` is whose held changes were looked
    at: 409 when a newer run holds others under the same id."""

    reason: Text
    run: Id | None = None
    until: Annotated[datetime, Meta(tz=True)] | None = None


class RejectBody(Given, frozen=True, kw_only=True):
    """`run` as for approving."""

    reason: Text
    run: Id | None = None


class SettingsBody(Given, frozen=True, kw_only=True):
    """`settings` is the whole document; secrets that it does not name stay. `version` is what it was made from, as
    If-Match says it too."""

    settings: dict[str, Any]
    version: Number | None = None


class MappingsBody(Given, frozen=True, kw_only=True):
    """What is named is set, null takes it out, all else stays."""

    schools: dict[Id, str | None] = {}
    terms: dict[Id, dict[Id, TermValue | None] | None] = {}
    roles: dict[Id, dict[Id, str | None] | None] = {}
    version: Number | None = None


# --- answers ----------------------------------------------------------------------------------------------------------


class Steps(Shown, frozen=True, kw_only=True):
    """How far the set-up is, in the order of the pages."""

    select_sis: bool
    configuration: bool
    schools: bool
    terms: bool
    data_prep: bool


class OrganizationShown(Shown, frozen=True, kw_only=True):
    """`acting` is the Acting User's name; `missing` are the steps that are still to be done."""

    org: str
    name: str
    timezone: str
    acting: str | None
    version: int
    steps: Steps
    missing: list[str]
    running: str | None
    holds: int


class SettingsShown(Shown, frozen=True, kw_only=True):
    """`secrets` are the places for which a secret is kept; none is ever shown."""

    org: str
    version: int
    settings: dict[str, Any]
    secrets: list[str]


class DirectoryShown(Shown, frozen=True, kw_only=True):
    """`read_at` is when the list was read over the connection; null: never."""

    org: str
    name: str
    read_at: Annotated[str, Meta(extra_json_schema={"format": "date-time"})] | None
    total: int
    rows: list[dict[str, Any]]
