"""What every connector of grades promises: sources read an LMS's gradebooks, sinks write a SIS's. The contract suites
in `rollbook.testing` are these docstrings as tests."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from rollbook.connectors.base import Batch, Context, Report, TargetTraits
from rollbook.roster.changes import Change, LiveRecord, Outcome
from rollbook.roster.grades import ClassFacts, Gradebook, Member, SinkLimits, SisCategory


@runtime_checkable
class GradeSource(Protocol):
    """An LMS's gradebooks. Reads; never writes."""

    def test(self) -> Report:
        """Try to read grades; AuthFailed and the like are raised, not reported."""

    def gradebook(self, code: str, lms_id: str | None) -> Gradebook:
        """The whole gradebook of the section with this code (the class sourcedId), whose LMS id may be known. Final
        grades that the LMS calculates are left out. Raises rather than returning a part: BadResponse also where the
        section is not there. Where gradebooks are read by permission of teachers, NotAllowed as long as no course
        admin of the section has given one that works; one that the LMS accepts no more is told to `Context.tokens`."""

    def course_admins(self, code: str, lms_id: str | None) -> Sequence[Member]:
        """The people who are course admins of the section now (rule 31), each with account and unique id: where people
        may change the latter, the former says who it is (decision 39)."""

    def sections_of(self, unique_id: str, lms_id: str | None) -> frozenset[str]:
        """Codes of the sections that this person is in now, in whatever role; few requests. None for somebody who is
        not there. The LMS id, where it is known, saves looking for it."""

    def close(self) -> None: ...


@runtime_checkable
class GradeSink(Protocol):
    """A SIS's gradebook. Kinds and fields are those of `roster.grades.GRADE_KINDS`."""

    @property
    def traits(self) -> TargetTraits:
        """As of a target; kinds are those it takes, all safe to send again where it takes our ids."""

    @property
    def limits(self) -> SinkLimits: ...

    def test(self) -> Report:
        """Try to read categories; AuthFailed and the like are raised, not reported."""

    def categories(self, class_id: str) -> Sequence[SisCategory]:
        """Categories that line items of this class may have, active ones alone. Raises rather than giving a part."""

    def class_facts(self, class_id: str) -> ClassFacts:
        """What the SIS says of the class now. Raises BadResponse where it knows no such class."""

    def read(self, kind: str, class_id: str) -> Iterator[LiveRecord]:
        """Line items or results of a class as the SIS holds them now, also those that others made; deleted ones are
        left out. `code` and `lms_id` are the SIS's sourcedId; `fields` those of the kind, references as sourcedIds,
        absent ones left out; so are those that this connector cannot read back as they were sent. A SIS that cannot
        leave a score out (1.1) says 0 where none was given: a 0 beside exempt, submitted or not submitted is no score.
        Raises rather than ending early."""

    def look_up(self, changes: Sequence[Change]) -> Sequence[LiveRecord | None]:
        """For kinds that are not replay-safe: is each of these objects already there? One answer per change."""

    def apply(self, batch: Batch) -> Sequence[Outcome]:
        """As of a target: exactly one outcome per change, in order; a refusal in the SIS's own words; a lost answer is
        `unknown`. The `lms_id` of what is done is the sourcedId that the SIS uses: the one that was sent, or its own
        where it made one. What has a `lms_id` goes to that sourcedId. Results name their line item in
        `refs["line_item"]`, where that is not the key. Removing what is not there is done; where the SIS takes no
        DELETE it is marked as deleted, or as not submitted, with the fields of `after`."""

    def close(self) -> None: ...


# --- permissions of teachers ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class UserToken:
    """With this an LMS lets Rollbook act as one of its users, by whom it was given. `account` is their LMS id."""

    account: str
    token: str = field(repr=False)
    secret: str = field(repr=False)


class UserTokens(Protocol):
    """The permissions that people gave, as far as they work. Several threads may call it."""

    def of(self, accounts: Collection[str]) -> Sequence[UserToken]:
        """Those of these LMS accounts."""

    def refused(self, token: UserToken) -> None:
        """The LMS does not accept this one any more: it is not given out again."""


@dataclass(frozen=True, kw_only=True)
class RequestToken:
    """What a person is asked with; worth nothing until they agree, and then good for one access token."""

    token: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Consent:
    """What a person gave, and who the LMS says they are (`unique_id` None where it says none)."""

    token: UserToken
    unique_id: str | None


@runtime_checkable
class GradeConsent(Protocol):
    """Asks a person of the LMS whether Rollbook may read gradebooks as they do."""

    def begin(self, callback: str) -> tuple[RequestToken, str]:
        """A request, and the page of the LMS on which the person agrees; from there they come back to the address
        `callback`. Raises AuthFailed where the LMS does not accept our own key."""

    def finish(self, request: RequestToken) -> Consent:
        """What the person gave. Raises NotAllowed where they did not agree, or the request is too old or used."""

    def close(self) -> None: ...


def is_over(end: str, last: str, today: str) -> bool:
    """Did an enrollment that ends on the day `end` end before its class does on the day `last`? When a class is over,
    its students still have grades. Days are "YYYY-MM-DD", "" where nothing is known."""
    return bool(end) and end < min(last or end, today)


class MakeGradeSource(Protocol):
    def __call__(self, options: Any, context: Context, /) -> GradeSource: ...


class MakeGradeConsent(Protocol):
    def __call__(self, options: Any, context: Context, /) -> GradeConsent: ...


class MakeGradeSink(Protocol):
    def __call__(self, options: Any, context: Context, /) -> GradeSink: ...
