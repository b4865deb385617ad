"""What every connector promises: sources are read, targets are written. The contract suites in `rollbook.testing` are
these docstrings as tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import msgspec

from rollbook.roster.changes import Change, LiveRecord, Outcome

if TYPE_CHECKING:  # it speaks of batches and reports, which are here
    from rollbook.connectors.gradebook import MakeGradeConsent, MakeGradeSink, MakeGradeSource, UserTokens


class Cancel(Protocol):
    """Lets a person stop long work; connectors only pass it on to the kit."""

    def check(self) -> None:
        """Raise RunCancelled or LeaseLost when work must stop."""

    def wait(self, seconds: float) -> None:
        """Sleep, waking early (and raising as `check`) when work must stop."""


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a connector gets besides its options. `work` is a scratch folder it may fill; `count` is called once per
    HTTP attempt (or file opened) so that a run can report its requests. `tokens` are the permissions that people of the
    LMS gave, where grades are read with them; None where nobody is asked for any."""

    work: Path
    cancel: Cancel
    count: CountRequest
    allow_private_hosts: bool = False
    tokens: UserTokens | None = None


class CountRequest(Protocol):
    def __call__(self, attempts: int = 1, /) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Report:
    """Result of a connection test: one sentence for people, and facts (names to short texts) without secrets."""

    ok: bool
    summary: str
    facts: Mapping[str, str] = field(default_factory=dict)


# --- sources ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class SourceFinding:
    """Something wrong with the input that the source itself noticed. `code` is in the table of findings."""

    code: str
    collection: str
    file: str = ""
    line: int | None = None
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Page:
    """A piece of one collection.

    Either `body` (bytes as received; extract writes it to a page file and later hands it to `rows`) or `path` (a UTF-8,
    comma-separated file with one header line that DuckDB reads itself; `columns` maps our column name to the file's).
    `name` is what findings cite, e.g. "users.csv" or "users page 3". `number` counts from 0 within the collection.
    """

    collection: str
    number: int
    name: str
    count: int | None = None
    body: bytes | None = field(default=None, repr=False)
    path: Path | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Was the collection read completely? Only a complete read may imply that something is gone (rule 20).

    `mode`: bulk = the whole truth; delta = changes since `since`; absent = the source does not have the collection.
    `watermark`: the read's start by the server's clock.
    """

    collection: str
    complete: bool
    reason: str = ""
    mode: str = "bulk"
    count: int = 0
    watermark: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class ReadRequest:
    """`finished` are the numbers of pages that an earlier attempt of the same run has on disk, with their bodies'
    files in `saved`; the source does not fetch them again, yields each in its place as a Page with that `path` and no
    `columns`, and judges completeness over all of them."""

    collection: str
    since: datetime | None = None
    saved: Mapping[int, Path] = field(default_factory=dict)


class Reading(Protocol):
    """Pages of one collection, yielded lazily; `verdict` and `findings` hold once the pages are exhausted."""

    def __iter__(self) -> Iterator[Page]:
        """Raises AuthFailed, Unavailable, Throttled, BadResponse or ConfigError. A read that broke off midway ends
        normally with an incomplete verdict when some pages arrived and the trouble was with this collection only."""

    @property
    def verdict(self) -> Verdict: ...

    @property
    def findings(self) -> Sequence[SourceFinding]: ...


Row = Mapping[str, str | None]


@runtime_checkable
class Source(Protocol):
    """A SIS. Reads; never writes rosters.

    A source that knows how its SIS means end dates says so in an attribute `end_dates`, "inclusive" or "exclusive"
    (rule 19); without it they are inclusive.
    """

    def test(self) -> Report:
        """Try the connection; AuthFailed and the like are raised, not reported."""

    def collections(self) -> tuple[str, ...]:
        """Names of the collections it offers, in the order of COLLECTIONS. Without `roles`, users carry their role."""

    def read(self, request: ReadRequest) -> Reading:
        """Read one collection."""

    def rows(self, collection: str, body: bytes) -> Iterator[tuple[str, Row]]:
        """A page body as (collection, row) pairs, values as text (lists joined by commas, absent = None), columns as in
        COLLECTIONS. Pure and total: it never raises for odd records; unreadable values come as their text. One page of
        users may also yield rows of `roles` (1.2 nests them)."""

    def close(self) -> None: ...


# --- targets ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class TargetTraits:
    """What the target can do. `kinds` are those that the LMS has: nothing of another kind is read or sent, and what is
    wanted of it stays in the ledger alone (guardian links are then not wanted at all); sections say their own dates
    where the LMS has no grading periods. `bulk` maps kind to items per call; `parallel` is how many calls may fly at
    once. `replay_safe` kinds may be sent again after a lost answer; others are looked up first. `slice_size` is the
    most changes of one slice. `removable` kinds can be removed at all. `deactivates`: accounts can be deactivated and
    revived with all that belongs to them, unseen by their people. `sets_passwords`: an account can be given another
    password. `lower_usernames`: the LMS has them in lower case only; `usernames` is a regular expression (RE2) that
    those match which it takes, empty where it takes all. `title` names the system in errors.
    `users_by_id`: a person may have another unique id in the LMS than we gave; enrollments name users by LMS id as well
    (`refs`), and members are told by it. `codes_proven`: the unique id of an account proves whose it is; else only one
    that also has the wanted username is linked by it, and others wait for Data Prep. `apart` names what two calls at
    once must not share, such as the person of an enrollment where the LMS locks a row for each: changes of one name are
    sent one call after the other; None goes with anything.
    `helpers_are_staff`: a member of a section is a student there, so whoever has a staff role and is in a class neither
    as its student nor as its teacher becomes a course admin; enrollments tell the account's role (`refs`).
    `nowhere` are, by kind, fields for which the LMS has no place of their own, so that it neither takes nor shows them:
    an object that was there is linked with what is wanted of them, and by itself none of them makes an update, except
    those that Rollbook goes by itself."""

    kinds: frozenset[str]
    bulk: Mapping[str, int]
    replay_safe: frozenset[str]
    removable: frozenset[str]
    parallel: int = 4
    slice_size: int = 1000
    deactivates: bool = False
    sets_passwords: bool = False
    lower_usernames: bool = False
    usernames: str = ""
    users_by_id: bool = False
    codes_proven: bool = True
    helpers_are_staff: bool = False
    apart: Callable[[Change], str | None] | None = None
    nowhere: Mapping[str, frozenset[str]] = field(default_factory=dict)
    title: str = "the LMS"


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Changes of one kind and one action, at most `traits.bulk[kind]` of them. `secrets` maps user keys to the initial
    password of accounts that this batch creates (rule 14), or with SET_PASSWORD to the one they get; it must never
    reach a log, error or outcome."""

    kind: str
    action: str
    changes: Sequence[Change]
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


@runtime_checkable
class Target(Protocol):
    """An LMS."""

    @property
    def traits(self) -> TargetTraits: ...

    def test(self) -> Report: ...

    def roles(self) -> Mapping[str, bool]:
        """The LMS's role names, with True for staff (faculty) roles."""

    def read(self, kind: str, *, within: Sequence[str] = ()) -> Iterator[LiveRecord]:
        """The live objects of a kind, inactive users included. `within` (if not empty) narrows: enrollments to sections
        (LMS ids), sections and users to codes; other kinds are read whole. A kind that the LMS does not have yields
        nothing. Raises rather than ending early: a part is never passed off as the whole."""

    def look_up(self, changes: Sequence[Change]) -> Sequence[LiveRecord | None]:
        """For kinds that are not replay-safe: is each of these objects already there? One answer per change."""

    def apply(self, batch: Batch) -> Sequence[Outcome]:
        """Exactly one outcome per change, in order. A refused record is an outcome; a lost answer is `unknown`, never a
        guess. Raises only for trouble with the whole connection, and BatchRefused when the call was refused whole.
        Twice the same batch leaves the same state. Removes nothing that is not in the batch.

        Where `traits.deactivates`: users may be deactivated and revived, by their LMS ids. A deactivated account can be
        read as inactive and keeps everything; a revived one has its enrollments again. Nobody is told by the LMS. One
        that is protected is refused. Deactivating an inactive account and reviving an active one are done.

        Where `traits.sets_passwords`: SET_PASSWORD gives users, named by their LMS ids, the passwords of `secrets` and
        changes nothing else; a user without one there is refused."""

    def close(self) -> None: ...


class TellsAccounts(Protocol):
    """What a target has besides where `traits.users_by_id`."""

    def accounts(self, lms_ids: Sequence[str]) -> Iterator[LiveRecord]:
        """The users with these LMS ids, as `read` gives them; without those that are not there any more."""


# --- what a connector says about itself -------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class OptionHelp:
    """Label and help of one option for forms, prompts and docs."""

    label: str
    help: str
    secret: bool = False


#: The value of an option `grades_as` with which gradebooks are read by permission of their teachers.
TEACHERS = "teachers"


@dataclass(frozen=True, kw_only=True)
class Connector:
    """One registry line. `options` is a msgspec Struct; a field's OptionHelp stands in its `Meta.extra["option"]`.
    `grade_source` is an LMS whose gradebooks can be read, `grade_sink` a SIS whose gradebook can be written.
    `grade_consent` asks teachers for their permission: an LMS that has it has an option `grades_as`, asks where that is
    TEACHERS, and says in an option `site` where its pages are. `credentials` tells people, in a sentence or two, where
    the other system shows what the needed options ask for, and whose it must be. `lacks` are kinds of object that an
    LMS of this kind never has, known before anything is connected. `users_by_id` is that trait of its target: graded
    members, too, are then told by the ids that the ledger has. `user_import` are the columns that the LMS's own
    import of users calls first name, last name, username, e-mail, unique id and password, in this order. `notes` say
    in a sentence or two, by kind, what our kinds are in an LMS that calls them otherwise. `practice`: not meant for
    people's own systems, so no page offers it."""

    name: str
    title: str
    options: type[msgspec.Struct]
    source: MakeSource | None = None
    target: MakeTarget | None = None
    grade_source: MakeGradeSource | None = None
    grade_sink: MakeGradeSink | None = None
    grade_consent: MakeGradeConsent | None = None
    credentials: str = ""
    lacks: frozenset[str] = frozenset()
    users_by_id: bool = False
    user_import: tuple[str, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
    practice: bool = False


class MakeSource(Protocol):
    def __call__(self, options: Any, context: Context, /) -> Source: ...


class MakeTarget(Protocol):
    def __call__(self, options: Any, context: Context, /) -> Target: ...
