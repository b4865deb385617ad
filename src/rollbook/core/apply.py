"""Apply: send a stored plan, slice by slice. Intent is committed before, outcomes after; nothing else is ever sent.

A slice is done if and only if the journal has its outcomes; so any process may die at any instant and the next one goes
on from the journal. One slice is in flight per run; its bulk calls run in parallel.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from rollbook.connectors.base import Batch, Cancel, TargetTraits
from rollbook.core.lanes import Lane, lanes
from rollbook.core.plan import PlanReader, Slice, slices
from rollbook.core.protocols import Journal, Passwords, Progress
from rollbook.core.references import waiting
from rollbook.core.side_by_side import side_by_side
from rollbook.core.stored import StoredPlan
from rollbook.core.streaks import Streaks
from rollbook.errors import BatchRefused, LeaseLost, RollbookError
from rollbook.roster.changes import DONE, REFUSED, TOO_EARLY, UNKNOWN, WAITING, Change, LiveRecord, Outcome
from rollbook.roster.lms import ADOPT, CREATE, KINDS

#: A lost answer is asked for again this often before it stays unknown.
REPLAYS = 3


class Receiver(Protocol):
    """What targets and grade sinks have in common; their promises stand with them."""

    @property
    def traits(self) -> TargetTraits: ...

    def look_up(self, changes: Sequence[Change]) -> Sequence[LiveRecord | None]: ...

    def apply(self, batch: Batch) -> Sequence[Outcome]: ...


class Ids(Protocol):
    """What is known of the objects that changes refer to; `core.references` has that of rosters."""

    def learn(self, change: Change, outcome: Outcome) -> None:
        """Take in what became of a change."""

    def doubted(self, change: Change) -> bool:
        """Does the ledger not know whether this was made?"""

    def waits(self, change: Change) -> bool:
        """Is a parent of this change missing after all?"""

    def complete(self, changes: Sequence[Change]) -> list[Change]:
        """Changes of one slice, with their references filled in."""


@dataclass
class Applier:
    """Sends one plan to one target. `late` is how long, in seconds, the last call of a process that died may still be
    under way. `passwords` None means that no initial passwords are given (rule 14)."""

    target: Receiver
    reader: PlanReader
    journal: Journal
    references: Ids
    cancel: Cancel
    progress: Progress
    passwords: Passwords | None = None
    late: float = 0.0
    _streaks: Streaks = field(default_factory=Streaks)
    _resumed: bool = False
    #: The slice that comes next, and one that was read before its turn, by its number.
    _next: Slice | None = None
    _ahead: tuple[int, list[Change]] | None = None

    def run(self, plan: StoredPlan) -> None:
        """Send every slice that has no outcomes yet. Raises what ends a run: RunCancelled, LeaseLost, AuthFailed,
        Unavailable (also when the LMS has gone silent) …; what was sent until then is in the journal."""
        done = self.journal.done()
        interrupted = {attempt.number for attempt in self.journal.attempts() if attempt.number not in done}
        recorded = (attempt for attempt in self.journal.attempts() if attempt.number in done)
        total = sum(group.count for group in plan.groups)
        parts, sent = list(slices(plan)), 0
        self.progress.update("apply", sent, total)  # from here on it only waits for the LMS
        with ThreadPoolExecutor(max_workers=self.target.traits.parallel, thread_name_prefix="apply") as pool:
            for place, part in enumerate(parts):
                self.cancel.check()
                self._next = parts[place + 1] if place + 1 < len(parts) else None
                changes = self._read(part)
                if part.number in done:
                    outcomes = next(attempt.outcomes or () for attempt in recorded if attempt.number == part.number)
                    if part.action != ADOPT and not self._lacks(part.kind):
                        self._streaks.take(part.kind, outcomes)
                        self._streaks.heard([each for each in outcomes if each.status != WAITING])
                else:
                    self._resumed = part.number in interrupted
                    outcomes = self._slice(part, changes, pool)
                self._learn(changes, outcomes)
                sent += len(changes)
                self.progress.update("apply", sent, total, part.kind)
        if silence := self._streaks.silence(self.target.traits.title, over=True):
            raise silence

    def _read(self, part: Slice) -> list[Change]:
        ahead, self._ahead = self._ahead, None
        return ahead[1] if ahead is not None and ahead[0] == part.number else self.reader.changes(part)

    def _look_ahead(self) -> None:
        """Reads the next slice while the calls of this one are under way. Trouble is told when its turn comes."""
        if self._next is not None:
            with suppress(Exception):
                self._ahead = self._next.number, self.reader.changes(self._next)

    def _slice(self, part: Slice, changes: Sequence[Change], pool: ThreadPoolExecutor) -> Sequence[Outcome]:
        if part.action == ADOPT or self._lacks(part.kind):
            outcomes: list[Outcome] = [Outcome(status=DONE, lms_id=change.lms_id) for change in changes]
            self.journal.intend(part.number, part.first_seq, part.last_seq)
            self.journal.record(part.number, outcomes)
            return outcomes
        outcomes = waiting(changes, "its parent was not made")
        places = [place for place, change in enumerate(changes) if not self.references.waits(change)]
        self.journal.intend(part.number, part.first_seq, part.last_seq)
        sendable = self.references.complete([changes[place] for place in places])
        self._let_arrive(part)
        answers, trouble = self._send_all(part, sendable, pool)
        for place, answer in zip(places, answers, strict=True):
            outcomes[place] = answer
        if isinstance(trouble, LeaseLost):  # whoever has the lease now sends this slice again
            raise trouble
        self.journal.record(part.number, outcomes)
        if trouble is not None:
            raise trouble
        return outcomes

    def _lacks(self, kind: str) -> bool:
        """Is this a kind that the LMS does not have? It is in the ledger alone, where other kinds refer to it."""
        return kind in KINDS and kind not in self.target.traits.kinds

    def _let_arrive(self, part: Slice) -> None:
        """Looking up what a dead process has made tells the truth only once its last call has arrived."""
        if self._resumed and self.late and part.action == CREATE and part.kind not in self.target.traits.replay_safe:
            self.cancel.wait(self.late)
            self.late = 0.0

    def _send_all(
        self, part: Slice, changes: Sequence[Change], pool: ThreadPoolExecutor
    ) -> tuple[list[Outcome], Exception | None]:
        """All answers, and the trouble that ended it early (then what was not sent is waiting)."""
        traits = self.target.traits
        cut = lanes(changes, traits.bulk.get(part.kind, 1), traits.parallel, traits.apart)
        secrets = self._secrets(part, changes)
        stop: list[Exception] = []
        found: dict[int, Outcome] = {}

        def send(lane: Lane) -> None:
            for places in lane:
                chosen = [changes[place] for place in places]
                batch = Batch(kind=part.kind, action=part.action, changes=chosen, secrets=secrets)
                found.update(zip(places, self._guarded(batch, stop), strict=True))

        side_by_side(send, cut, pool, traits.parallel, meanwhile=self._look_ahead)
        return [found[place] for place in range(len(changes))], stop[0] if stop else None

    def _guarded(self, batch: Batch, stop: list[Exception]) -> Sequence[Outcome]:
        """The answers of one bulk call; never raises, so that the other calls' answers are recorded too."""
        if stop:
            return waiting(batch.changes, "not sent: the run ended early")
        if self._streaks.stopped(batch.kind):
            return waiting(batch.changes, "stopped after many refusals with one message")
        outcomes = self._tried(batch, stop)
        self._streaks.take(batch.kind, outcomes)
        if not stop and (silence := self._streaks.silence(self.target.traits.title)):
            stop.append(silence)
        return outcomes

    def _tried(self, batch: Batch, stop: list[Exception]) -> Sequence[Outcome]:
        try:
            self.cancel.check()
            first = self._first(batch)
        except RollbookError as error:  # stopped, refused or unreachable: this call did nothing
            stop.append(error)
            return waiting(batch.changes, "not sent: the run ended early")
        except Exception as error:
            stop.append(error)
            return _lost(batch)
        try:
            return self._settled(batch, first)
        except Exception as error:  # a part of it may have arrived; what has an answer keeps it
            stop.append(error)
            return _lost(batch) if isinstance(first, BatchRefused) else first

    def _secrets(self, part: Slice, changes: Sequence[Change]) -> dict[str, str]:
        if part.kind != "user" or part.action != CREATE or self.passwords is None:
            return {}
        return dict(self.passwords.for_users([change.key for change in changes]))

    def _send(self, batch: Batch) -> Sequence[Outcome]:
        """One bulk call; split where it was refused whole, asked again where the answer was lost."""
        return self._settled(batch, self._first(batch))

    def _first(self, batch: Batch) -> list[Outcome] | BatchRefused:
        if self._may_be_there(batch):
            return _lost(batch)
        try:
            return self._call(batch)
        except BatchRefused as refusal:
            return refusal

    def _call(self, batch: Batch) -> list[Outcome]:
        try:
            answer = list(self.target.apply(batch))
        except BatchRefused:
            self._streaks.heard([Outcome(status=REFUSED)])
            raise
        self._streaks.heard(answer)
        return answer

    def _may_be_there(self, batch: Batch) -> bool:
        """Was this sent before, by a process that died or in a run whose answer was lost, and would be made twice?"""
        if batch.action != CREATE or batch.kind in self.target.traits.replay_safe:
            return False
        return self._resumed or any(self.references.doubted(change) for change in batch.changes)

    def _settled(self, batch: Batch, first: list[Outcome] | BatchRefused) -> Sequence[Outcome]:
        if isinstance(first, BatchRefused):
            if len(batch.changes) == 1:
                return [Outcome(status=REFUSED, message=str(first), code=first.status)]
            return self._split(batch)
        for _ in range(REPLAYS):
            places = [at for at, each in enumerate(first) if each.status == UNKNOWN and each.code != TOO_EARLY]
            if not places:
                break
            again = self._again(batch, [batch.changes[place] for place in places])
            for place, outcome in zip(places, again, strict=True):
                first[place] = outcome
        return first

    def _split(self, batch: Batch) -> Sequence[Outcome]:
        half = len(batch.changes) // 2
        pieces = (batch.changes[:half], batch.changes[half:])
        return [outcome for piece in pieces for outcome in self._send(_with(batch, piece))]

    def _again(self, batch: Batch, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Repeat what is safe to repeat; look the rest up first, so that nothing is made twice."""
        if batch.kind in self.target.traits.replay_safe or batch.action != CREATE:
            return self._once_more(_with(batch, changes))
        found = self.target.look_up(changes)
        answers = []
        for change, live in zip(changes, found, strict=True):
            if live is not None:
                answers.append(Outcome(status=DONE, lms_id=live.lms_id))
            else:
                answers += self._once_more(_with(batch, [change]))
        return answers

    def _once_more(self, batch: Batch) -> Sequence[Outcome]:
        try:
            return self._call(batch)
        except BatchRefused:
            return self._send(batch) if len(batch.changes) == 1 else self._split(batch)

    def _learn(self, changes: Sequence[Change], outcomes: Sequence[Outcome]) -> None:
        for change, outcome in zip(changes, outcomes, strict=True):
            self.references.learn(change, outcome)


def _with(batch: Batch, changes: Sequence[Change]) -> Batch:
    return Batch(kind=batch.kind, action=batch.action, changes=changes, secrets=batch.secrets)


def _lost(batch: Batch) -> list[Outcome]:
    return [Outcome(status=UNKNOWN, message="the answer was lost") for _ in batch.changes]
