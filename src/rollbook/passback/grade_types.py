"""What a grade run is asked, what it works with, and what its stages hand to each other. Plain types."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Protocol
from zoneinfo import ZoneInfo

import msgspec

from rollbook.connectors.base import Cancel
from rollbook.connectors.gradebook import GradeSink, GradeSource
from rollbook.core.protocols import Blobs, Journal, Memory, Permits, Pins, Progress
from rollbook.roster.changes import Fields
from rollbook.roster.grades import ClassFacts, Gradebook, GradingCategory, Member, SinkLimits, SisCategory
from rollbook.roster.settings import Settings

#: What a category map says of an LMS category, beside the id of a SIS category: its items are not sent.
SKIP: Final = ""
#: … or: the SIS is to get a category of the same title. No sourcedId has such a sign.
NEW: Final = "*"
#: What a teacher chooses about an item: never send it, send it although it looks like one of an older course; and about
#: an item that is deleted in the LMS, whether the SIS keeps it.
OPT_OUT, OPT_IN, KEEP, REMOVE = "opt_out", "opt_in", "keep", "remove"

#: How an item stands before anything is compared.
READY, OPTED_OUT, LEFT_OUT, BLOCKED = "ready", "opted_out", "left_out", "blocked"
UNDECIDED, DELETED, KEPT, REMOVED = "undecided", "deleted", "kept", "removed"


@dataclass(frozen=True, kw_only=True)
class SectionWish:
    """One section that is asked for, with what its teacher decided. `categories` maps LMS category ids to SIS category
    ids or SKIP, `choices` LMS item ids to one of OPT_OUT, OPT_IN, KEEP, REMOVE. `items` maps keys of line items to the
    LMS item ids that they were made of."""

    code: str
    lms_id: str | None = None
    title: str = ""
    categories: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, str] = field(default_factory=dict)
    items: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class GradeRequest:
    """What was asked for. `periods` maps keys of the roster's grading periods to their LMS ids. `now` has a time zone.
    `whole`: these are all sections that there are. `items`: LMS ids of the only items that are sent; none: all.
    `goes_on_with` is the digest of the plan that a dead process has left: what it began with, it goes on with.
    `persons`: an undo turns around only grades of these students (sourcedIds)."""

    run_id: str
    settings: Settings
    settings_digest: str
    sections: Sequence[SectionWish]
    now: datetime
    periods: Mapping[str, str] = field(default_factory=dict)
    dry_run: bool = False
    whole: bool = False
    retry_refused: bool = False
    items: frozenset[str] = frozenset()
    goes_on_with: str = ""
    persons: Sequence[str] = ()

    def digest(self, sections: Iterable[str]) -> str:
        """What a plan of these sections is bound to: the settings, and what their teachers decided."""
        return self.goes_on_with or decided_digest(self.settings_digest, self.sections, sections)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.settings.organization.timezone)

    @property
    def today(self) -> date:
        """The organization's day."""
        return self.now.astimezone(self.zone).date()


def decided_digest(settings_digest: str, wishes: Iterable[SectionWish], sections: Iterable[str]) -> str:
    """A digest of the settings and of what was decided of these sections."""
    wanted = set(sections)
    decided = sorted(
        ((each.code, each.categories, each.choices) for each in wishes if each.code in wanted), key=lambda one: one[0]
    )
    text = msgspec.json.encode([settings_digest, *decided], order="deterministic")
    return hashlib.sha256(text).hexdigest()


@dataclass(frozen=True)
class GradeLedgerVersion:
    """The ledger of one section: `number` 0 is the empty one, `blob` the key of its file."""

    number: int = 0
    blob: str | None = None


class GradeLedgers(Protocol):
    """Which version of each section's grade ledger is current."""

    def current(self, section: str) -> GradeLedgerVersion: ...

    def currents(self, sections: Collection[str]) -> Mapping[str, GradeLedgerVersion]:
        """The current version of each of these sections."""

    def advance(self, section: str, base: int, blob: str) -> None:
        """Point to a new version made from version `base`. Raises StalePlan when `base` is not current any more and
        LeaseLost when this worker may not write."""

    def advanced(self, sections: Collection[str]) -> frozenset[str]:
        """Of which of these was the current version made by this very run, in an attempt that died before the run's
        end?"""


@dataclass(frozen=True, kw_only=True)
class ItemNote:
    """A graded item as people see it: `due` is local, `category` and `period` are titles, `state` how it stands,
    `code` the finding that says why, with `detail`."""

    item: str
    key: str
    title: str
    state: str
    due: str = ""
    points: float | None = None
    category: str = ""
    period: str = ""
    code: str = ""
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class SectionNote:
    """What was seen of a section: categories of both sides, its items, the unique ids of its course admins, and why it
    could not be read, if so."""

    admins: frozenset[str] = frozenset()
    lms_categories: Sequence[GradingCategory] = ()
    sis_categories: Sequence[SisCategory] = ()
    items: Sequence[ItemNote] = ()
    trouble: str = ""


@dataclass(frozen=True)
class ItemCount:
    """Of one item and its grades: how many changes go out, are held, wait for something else."""

    section: str
    key: str
    send: int
    held: int
    waiting: int


@dataclass(frozen=True)
class ItemOutcome:
    """What became of one item and its grades: how many are done, refused, unknown, and in which words of the SIS.
    `gone`: it was taken from the SIS."""

    key: str
    done: int
    failed: int
    words: str = ""
    gone: bool = False


class GradeNotes(Protocol):
    """What pages show of sections and their items. Each call is safe to repeat. All raise LeaseLost."""

    def seen(self, section: str, note: SectionNote) -> None: ...

    def counted(self, counts: Iterable[ItemCount]) -> None: ...

    def settled(self, section: str, outcomes: Sequence[ItemOutcome], at: datetime, *, undone: bool = False) -> None:
        """`undone`: an undo took back what was sent, so that an item that is gone from the SIS is still in the LMS."""


@dataclass(frozen=True, kw_only=True)
class GradeWorld:
    """What a grade run works with. `people` tells sourcedIds by unique id; None where they are the same. `source` None:
    nothing is read from the LMS (a stored plan is carried out). `accounts` tells the ledger's LMS ids by unique id, of
    everybody who has the account or the unique id of one of these members; None where the LMS's unique ids are
    believed."""

    sink: GradeSink
    blobs: Blobs
    ledgers: GradeLedgers
    notes: GradeNotes
    journal: Callable[[str], Journal]
    permits: Permits
    memory: Memory
    pins: Pins
    cancel: Cancel
    progress: Progress
    work: Path
    source: GradeSource | None = None
    requests: Callable[[], dict[str, int]] = dict
    late: float = 0.0
    people: Callable[[Collection[str]], Mapping[str, str]] | None = None
    accounts: Callable[[Collection[Member]], Mapping[str, str]] | None = None


# --- between stages -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What the grade ledger knows of one object: what was sent last (`fields`), what the SIS showed of it then (`sis`,
    None where it was not asked), and what may have arrived because an answer was lost (`tried`). `made` is False as
    long as it is not known whether it was ever made."""

    key: str
    lms_id: str | None
    fields: Fields
    sis: Fields | None = None
    tried: Fields | None = None
    made: bool = True

    def __repr__(self) -> str:  # results are personal data
        return f"Entry(key={self.key!r})"


#: Kind → key → entry.
Entries = dict[str, dict[str, Entry]]


@dataclass(frozen=True, kw_only=True)
class Found:
    """A finding of a grade run; `id` is the LMS item, the person or the section."""

    code: str
    collection: str
    id: str
    detail: str = ""
    other: str = ""
    dependants: int | None = None


@dataclass(frozen=True, kw_only=True)
class SectionRead:
    """All that was read of a section, and what its ledger knows. `live` are the SIS's objects by kind and sourcedId,
    `periods` maps LMS grading periods to ids of SIS sessions. `comments`: the teacher's comments are sent as well.
    `creates`: the settings and the SIS allow new categories. `people` maps unique ids of members to sourcedIds; None
    where they are the same. `strangers` are members by id whose unique id is that of somebody with another account, or
    with none that is known."""

    wish: SectionWish
    organization: str
    zone: ZoneInfo
    today: date
    book: Gradebook
    categories: Sequence[SisCategory]
    facts: ClassFacts
    limits: SinkLimits
    had: Entries
    live: Mapping[str, Mapping[str, Fields]] = field(default_factory=dict, repr=False)
    periods: Mapping[str, str] = field(default_factory=dict)
    comments: bool = False
    creates: bool = False
    people: Mapping[str, str] | None = field(default=None, repr=False)
    strangers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(kw_only=True)
class Desired:
    """What the SIS shall hold: fields by key; of categories only new ones. `cleared` are keys of results
    that are to go, `deleted` keys of line items that are gone from the LMS and shall go, or wait for a choice (False).
    `open`: the category map has gaps, so nothing of this section is compared."""

    categories: dict[str, Fields] = field(default_factory=dict)
    line_items: dict[str, Fields] = field(default_factory=dict)
    results: dict[str, Fields] = field(default_factory=dict)
    cleared: set[str] = field(default_factory=set)
    deleted: dict[str, bool] = field(default_factory=dict)
    notes: list[ItemNote] = field(default_factory=list)
    findings: list[Found] = field(default_factory=list)
    blocked: dict[str, int] = field(default_factory=lambda: {"line_item": 0, "result": 0})
    open: bool = False


NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
