"""What a target promises when things go wrong: refusals, lost answers, waits, broken connections."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec
import pytest

from rollbook.connectors.base import Target
from rollbook.errors import AuthFailed, Throttled, Unavailable
from rollbook.roster.changes import DONE, REFUSED, UNKNOWN, LiveRecord
from rollbook.roster.lms import DEACTIVATE, KINDS, REVIVE
from rollbook.testing.builders import Sender, ladder
from rollbook.testing.watch import CountingContext, Watched

SetFault = Callable[[str], None]
Refuse = Callable[[str], None]


class TargetFaults(Watched):
    """Fixtures of the author, and the promises about faults. Not for use alone: part of `TargetContract`."""

    #: Faults (or "passwords") that this kind of system does not have, and why; their tests are skipped in these words.
    lacks: Mapping[str, str] = {}

    @pytest.fixture
    def target(self, context: CountingContext) -> Target:
        """A target, made from `context`, on an LMS without people."""
        raise NotImplementedError

    @pytest.fixture
    def peek(self) -> Callable[[str], Sequence[LiveRecord]]:
        """What the LMS holds of a kind, told by the other side itself (its database, its pages)."""
        raise NotImplementedError

    @pytest.fixture
    def fault(self) -> SetFault:
        """Makes the other side faulty from now on: `lose_before` (the next bulk call does not arrive), `lose_after` (it
        is carried out, its answer is lost; both once), `throttle` (asks for a long wait, always), `cut` (no
        connection), `wrong_key`, `half_read` (reading users breaks off midway)."""
        raise NotImplementedError

    @pytest.fixture
    def refuse(self) -> Refuse:
        """Makes the LMS refuse every item about the user with this key."""
        raise NotImplementedError

    @pytest.fixture
    def password_of(self) -> Callable[[str], str | None]:
        """The password the LMS has for the user with this key."""
        pytest.skip(self.lacks.get("passwords", "the author gives no way to see passwords"))

    def test_a_refused_record_is_an_outcome(
        self, target: Target, refuse: Refuse, peek: Callable[[str], Sequence[LiveRecord]]
    ) -> None:
        sender, wanted = Sender(target), ladder(target.roles())
        sender.send(wanted["building"])
        refuse(wanted["user"][2].key)
        outcomes = sender.send(wanted["user"])
        assert [outcome.status for outcome in outcomes] == [DONE, DONE, REFUSED, DONE, DONE]
        assert outcomes[2].message, "the LMS's own words"
        assert len(peek("user")) == 4

    @pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("building", "grading_period")])
    @pytest.mark.parametrize("lost", ["lose_before", "lose_after"])
    def test_a_lost_answer_is_unknown_and_nothing_is_doubled(
        self, target: Target, fault: SetFault, peek: Callable[[str], Sequence[LiveRecord]], kind: str, lost: str
    ) -> None:
        self._needs(target, kind)
        sender, wanted = Sender(target), ladder(target.roles())
        for earlier in list(KINDS)[: list(KINDS).index(kind)]:
            sender.send_all({earlier: wanted[earlier]})
        batch = sender.batches(wanted[kind])[0]
        self._set(fault, lost)
        assert [outcome.status for outcome in target.apply(batch)] == [UNKNOWN] * len(batch.changes)
        if kind in target.traits.replay_safe:
            again = target.apply(batch)
            assert [outcome.status for outcome in again] == [DONE] * len(again)
            assert len(peek(kind)) == len(batch.changes)

    @pytest.mark.parametrize("action", [DEACTIVATE, REVIVE])
    @pytest.mark.parametrize("lost", ["lose_before", "lose_after"])
    def test_a_lost_answer_about_an_account_is_unknown_and_may_be_asked_for_again(
        self, target: Target, fault: SetFault, action: str, lost: str
    ) -> None:
        self._needs_deactivation(target)
        sender, wanted = Sender(target), ladder(target.roles())
        sender.send_all(wanted)
        one = [msgspec.structs.replace(wanted["user"][0], action=DEACTIVATE)]
        if action == REVIVE:
            sender.send(one)
            one = [msgspec.structs.replace(wanted["user"][0], action=REVIVE)]
        batch = sender.batches(one)[0]
        self._set(fault, lost)
        assert [outcome.status for outcome in target.apply(batch)] == [UNKNOWN]
        assert [outcome.status for outcome in target.apply(batch)] == [DONE]
        states = {record.code: record.active for record in target.read("user")}
        assert states[wanted["user"][0].key] == (action == REVIVE)

    @pytest.mark.parametrize("kind", ["building", "grading_period"])
    @pytest.mark.parametrize("lost", ["lose_before", "lose_after"])
    def test_after_a_lost_answer_an_object_can_be_looked_up(
        self, target: Target, fault: SetFault, peek: Callable[[str], Sequence[LiveRecord]], kind: str, lost: str
    ) -> None:
        self._needs(target, kind)
        sender, wanted = Sender(target), ladder(target.roles())
        batch = sender.batches(wanted[kind][:1])[0]
        before = len(peek(kind))
        self._set(fault, lost)
        assert [outcome.status for outcome in target.apply(batch)] == [UNKNOWN]
        there = len(peek(kind)) > before
        found = target.look_up(batch.changes)
        assert [record is not None for record in found] == [there]
        if not there:
            assert [outcome.status for outcome in target.apply(batch)] == [DONE]
        assert len(peek(kind)) == before + 1

    def test_being_throttled_surfaces(self, target: Target, fault: SetFault) -> None:
        batch = Sender(target).batches(ladder(target.roles())["building"])[0]
        self._set(fault, "throttle")
        with self.raises(Throttled) as raised:
            target.apply(batch)
        assert isinstance(raised[0], Throttled)
        assert raised[0].retry_after > 0

    def test_without_a_connection_nothing_is_claimed(self, target: Target, fault: SetFault) -> None:
        batch = Sender(target).batches(ladder(target.roles())["building"])[0]
        self._set(fault, "cut")
        with self.raises(Unavailable):
            target.test()
        self._set(fault, "cut")
        try:
            outcomes = target.apply(batch)
        except Unavailable as error:
            self.assert_error_is_quiet(error)
        else:
            assert [outcome.status for outcome in outcomes] == [UNKNOWN] * len(batch.changes)

    def test_a_wrong_key_is_auth_failed(
        self, target: Target, fault: SetFault, peek: Callable[[str], Sequence[LiveRecord]]
    ) -> None:
        sender, wanted = Sender(target), ladder(target.roles())
        sender.send(wanted["building"])
        batch = sender.batches(wanted["user"])[0]
        self._set(fault, "wrong_key")
        with self.raises(AuthFailed):
            target.test()
        with self.raises(AuthFailed):
            target.apply(batch)
        assert list(peek("user")) == []

    def _needs(self, target: Target, kind: str) -> None:
        if kind not in target.traits.kinds:
            pytest.skip(f"this LMS has no {kind}")

    def _needs_deactivation(self, target: Target) -> None:
        """A connector may lack it, and says so in its traits (rule 13); the run then tells the admin."""
        if not target.traits.deactivates:
            pytest.skip("this LMS cannot deactivate accounts")

    def _set(self, fault: SetFault, name: str) -> None:
        if name in self.lacks:
            pytest.skip(self.lacks[name])
        fault(name)
