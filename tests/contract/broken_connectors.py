"""Connectors that break one promise each. Not collected by itself: `test_suites_bite.py` shows that each is caught."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import pytest

from rollbook.connectors.base import Batch, Context, Page, Reading, ReadRequest, Row, Source, Target, Verdict
from rollbook.connectors.memory.options import MemoryOptions
from rollbook.connectors.memory.source import MemorySource
from rollbook.connectors.memory.space import Space, space
from rollbook.connectors.memory.target import MemoryTarget
from rollbook.errors import AuthFailed, BadResponse, Throttled, Unavailable
from rollbook.roster.changes import DONE, REFUSED, UNKNOWN, Change, LiveRecord, Outcome
from rollbook.testing import CountingContext
from tests.contract import test_memory
from tests.contract.test_memory import KEY, options_of

own = test_memory.own


class BrokenTarget(MemoryTarget):
    """What the broken ones share: a look at the space behind the target."""

    def __init__(self, options: MemoryOptions, context: Context) -> None:
        super().__init__(options, context)
        self.space = space(options.space)


class MakesTwice(BrokenTarget):
    def apply(self, batch: Batch) -> Sequence[Outcome]:
        outcomes = super().apply(batch)
        if batch.kind == "course":
            self.space.add("course", f"again-{self.space.calls}", {})
        return outcomes


class GuessesDone(BrokenTarget):
    def apply(self, batch: Batch) -> Sequence[Outcome]:
        return [
            msgspec.structs.replace(each, status=DONE) if each.status == UNKNOWN else each
            for each in super().apply(batch)
        ]


class LosesOutcomes(BrokenTarget):
    def apply(self, batch: Batch) -> Sequence[Outcome]:
        return [outcome for outcome in super().apply(batch) if outcome.status != REFUSED]


class MixesOutcomes(BrokenTarget):
    def apply(self, batch: Batch) -> Sequence[Outcome]:
        return super().apply(batch)[::-1]


class RaisesRefusals(BrokenTarget):
    def apply(self, batch: Batch) -> Sequence[Outcome]:
        outcomes = super().apply(batch)
        if any(outcome.status == REFUSED for outcome in outcomes):
            raise BadResponse("a record was refused")
        return outcomes


class RemovesMore(BrokenTarget):
    def apply(self, batch: Batch) -> Sequence[Outcome]:
        outcomes = super().apply(batch)
        if batch.action == "remove" and batch.kind == "enrollment":
            self.space.delete("enrollment", self.space.all("enrollment")[-1])
        return outcomes


class Sleeps(BrokenTarget):
    def apply(self, batch: Batch) -> Sequence[Outcome]:
        time.sleep(0.001)
        return super().apply(batch)


class LogsNames(BrokenTarget):
    def apply(self, batch: Batch) -> Sequence[Outcome]:
        logging.getLogger("broken").debug("sending %s", [change.after.get("first_name") for change in batch.changes])
        return super().apply(batch)


class ShowsItsKey(BrokenTarget):
    def __repr__(self) -> str:
        return f"ShowsItsKey({self._options.key})"


class TellsItsKey(BrokenTarget):
    def _ask(self) -> None:
        try:
            super()._ask()
        except AuthFailed:
            raise AuthFailed(f"the key {self._options.key} was refused") from None


class HidesThrottling(BrokenTarget):
    def apply(self, batch: Batch) -> Sequence[Outcome]:
        try:
            return super().apply(batch)
        except Throttled:
            return [Outcome(status=UNKNOWN) for _ in batch.changes]


class EndsEarly(BrokenTarget):
    def read(self, kind: str, *, within: Sequence[str] = ()) -> Iterator[LiveRecord]:
        try:
            yield from super().read(kind, within=within)
        except Unavailable:
            return


class ChangesPasswords(BrokenTarget):
    def apply(self, batch: Batch) -> Sequence[Outcome]:
        outcomes = super().apply(batch)
        for change, outcome in zip(batch.changes, outcomes, strict=True):
            if change.key in batch.secrets and outcome.lms_id:
                self.space.passwords[outcome.lms_id] = batch.secrets[change.key]
        return outcomes


class DoublesOnRekey(BrokenTarget):
    def apply(self, batch: Batch) -> Sequence[Outcome]:
        if batch.action != "rekey":
            return super().apply(batch)
        made = [msgspec.structs.replace(change, action="create", key=change.new_key or "", lms_id=None, new_key=None)
                for change in batch.changes]  # fmt: skip
        return super().apply(Batch(kind=batch.kind, action="create", changes=made))


class LosesHistory(BrokenTarget):
    def apply(self, batch: Batch) -> Sequence[Outcome]:
        outcomes = super().apply(batch)
        gone = {outcome.lms_id for outcome in outcomes} if batch.action == "deactivate" else set()
        for enrollment in self.space.all("enrollment"):
            if enrollment.fields["user"] in gone:
                self.space.delete("enrollment", enrollment)
        return outcomes


class FindsAnything(BrokenTarget):
    def look_up(self, changes: Sequence[Change]) -> Sequence[LiveRecord | None]:
        there = [self._live(changes[0].kind, each) for each in self.space.all(changes[0].kind)]
        return [there[0] if there else None for _ in changes]


class BrokenSource(MemorySource):
    """A source whose reading can be replaced."""


class AlwaysComplete(BrokenSource):
    def read(self, request: ReadRequest) -> Reading:
        reading: Any = super().read(request)

        class Certain:
            findings = reading.findings

            def __iter__(self) -> Iterator[Page]:
                return iter(reading)

            verdict = Verdict(collection=request.collection, complete=True)

        return Certain()


class ReadsAtOnce(BrokenSource):
    def read(self, request: ReadRequest) -> Reading:
        reading: Any = super().read(request)
        pages = list(reading)
        reading.__class__ = type("Read", (type(reading),), {"__iter__": lambda self: iter(pages)})
        return reading  # type: ignore[no-any-return]


class FetchesAgain(BrokenSource):
    def read(self, request: ReadRequest) -> Reading:
        return super().read(ReadRequest(collection=request.collection))


class StumblesOnOddRecords(BrokenSource):
    def rows(self, collection: str, body: bytes) -> Iterator[tuple[str, Row]]:
        for record in msgspec.json.decode(body)[collection]:
            yield collection, {"sourcedId": record["sourcedId"]}


class DropsRows(BrokenSource):
    def rows(self, collection: str, body: bytes) -> Iterator[tuple[str, Row]]:
        yield from list(super().rows(collection, body))[:2]


class OfTarget(test_memory.TestMemoryTarget):
    made: type[BrokenTarget]

    @pytest.fixture
    def target(self, context: CountingContext, own: Space) -> Target:
        return self.made(options_of(own), context)


class OfSource(test_memory.TestMemorySource):
    made: type[BrokenSource]
    secrets = (KEY,)

    @pytest.fixture
    def source(self, context: CountingContext, own: Space) -> Source:
        own.rows = {name: [{"sourcedId": f"{name}-{n}"} for n in range(7)] for name in ("users", "orgs")}
        return self.made(options_of(own), context)

    @pytest.fixture
    def expected(self) -> dict[str, list[str]]:
        names = ("orgs", "academicSessions", "courses", "classes", "users", "enrollments")
        return {name: [f"{name}-{n}" for n in range(7)] if name in ("users", "orgs") else [] for name in names}


#: Who breaks what, and the test that must notice.
TARGETS: dict[Callable[..., Target], str] = {
    MakesTwice: "test_applying_twice_changes_nothing_more[course]",
    GuessesDone: "test_a_lost_answer_is_unknown_and_nothing_is_doubled[lose_after-user]",
    LosesOutcomes: "test_a_refused_record_is_an_outcome",
    MixesOutcomes: "test_each_change_has_one_outcome_in_order",
    RaisesRefusals: "test_a_refused_record_is_an_outcome",
    RemovesMore: "test_nothing_is_removed_that_is_not_in_the_batch",
    Sleeps: "test_each_change_has_one_outcome_in_order",
    LogsNames: "test_each_change_has_one_outcome_in_order",
    ShowsItsKey: "test_reprs_tell_nothing_private",
    TellsItsKey: "test_a_wrong_key_is_auth_failed",
    HidesThrottling: "test_being_throttled_surfaces",
    EndsEarly: "test_a_part_never_passes_for_the_whole",
    ChangesPasswords: "test_a_password_goes_with_a_create_only",
    DoublesOnRekey: "test_a_rekey_renames_and_never_doubles[user]",
    LosesHistory: "test_a_deactivated_account_keeps_everything_and_is_revived_with_it",
    FindsAnything: "test_look_up_finds_what_is_there[building]",
}
SOURCES: dict[Callable[..., Source], str] = {
    AlwaysComplete: "test_a_half_read_is_never_complete",
    ReadsAtOnce: "test_read_asks_nothing_until_it_is_iterated",
    FetchesAgain: "test_saved_pages_are_not_fetched_again",
    StumblesOnOddRecords: "test_rows_is_pure_and_total",
    DropsRows: "test_reads_everything_and_says_so",
}
for _base, _table in ((OfTarget, TARGETS), (OfSource, SOURCES)):
    for _broken in _table:
        globals()[f"Test{_broken.__name__}"] = type(
            f"Test{_broken.__name__}", (_base,), {"made": _broken, "__module__": __name__}
        )
