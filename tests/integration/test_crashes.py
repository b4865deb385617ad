"""Killed anywhere, any call lost: the same end state follows, nothing twice, nothing lost (principle 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest

from rollbook.core.protocols import Attempt, Journal
from rollbook.errors import AuthFailed, StalePlan, Unavailable
from rollbook.roster.changes import Outcome
from tests.districts import District, Organization, small

Make = Callable[..., Organization]


class Killed(Exception):
    """The process died here."""


class Deadly:
    """A journal in which the process dies: before or after writing down the n-th intent or outcome."""

    def __init__(self, journal: Journal, where: str, after: int) -> None:
        self._journal, self._where, self._left = journal, where, after

    def _die(self, where: str) -> None:
        if where == self._where:
            self._left -= 1
            if self._left < 0:
                raise Killed

    def intend(self, number: int, first_seq: int, last_seq: int) -> None:
        self._die("before intent")
        self._journal.intend(number, first_seq, last_seq)
        self._die("after intent")

    def record(self, number: int, outcomes: Sequence[Outcome]) -> None:
        self._die("before outcome")
        self._journal.record(number, outcomes)
        self._die("after outcome")

    def done(self) -> frozenset[int]:
        return self._journal.done()

    def attempts(self) -> Iterator[Attempt]:
        return self._journal.attempts()


def kill(org: Organization, where: str, slice_number: int) -> None:
    org.world.wrap = lambda journal: Deadly(journal, where, slice_number)
    with pytest.raises(Killed):
        org.run()
    org.world.wrap = None


def rich() -> District:
    district = small().school("B").student("bo", "B", "A").user("gina", "guardian", "A").teacher("tom")
    return district.put("users", "sam", agentSourcedIds="gina").clazz("k2").enroll("k2", "bo", "sue")


@pytest.mark.parametrize("then", ["finish", "resume"])
@pytest.mark.parametrize("where", ["before intent", "after intent", "before outcome", "after outcome"])
@pytest.mark.parametrize("slice_number", [0, 6])
def test_a_killed_run_converges(organization: Make, tmp_path_factory: pytest.TempPathFactory, where: str,
                                slice_number: int, then: str) -> None:  # fmt: skip
    org = organization(rich())
    kill(org, where, slice_number)
    if then == "finish":
        org.finish()
        assert org.run().state == "done"
    else:
        assert org.resume().state == "done"
    quiet = Organization(tmp_path_factory.mktemp("quiet"), rich())
    quiet.run()
    assert org.snapshot() == quiet.snapshot()
    assert org.target.doubled == []
    version = org.world.ledger.version.number
    org.next_day().run()
    assert org.sent == []
    assert org.world.ledger.version.number == version
    assert {(row["section"], row["user"]) for row in org.ledger("enrollment")} == {
        tuple(key.split("|")) for key in org.roster
    }


def test_what_was_sent_unseen_is_ours_until_read(organization: Make) -> None:
    org = organization()
    kill(org, "before outcome", 5)
    org.finish()
    assert {row["origin"] for row in org.ledger("enrollment")} == {"unknown"}
    org.district.drop("enrollments", "k1-sam-student").clazz("k2").enroll("k2", "sue").enroll("k2", "sam")
    org.run()
    assert "k1|sam" not in org.roster, "it was given, so it is taken away"


def test_a_killed_removal_and_update_converge(organization: Make) -> None:
    org = organization(rich())
    org.run()
    org.district.drop("enrollments", "k2-bo-student").put("users", "sue", givenName="Susan")
    kill(org, "before outcome", 1)
    org.finish()
    org.run()
    assert "k2|bo" not in org.roster
    assert org.user("sue")["first_name"] == "Susan"
    org.run()
    assert org.sent == []


@pytest.mark.parametrize("fault", ["lose_before", "lose_after", "throttle", "cut", "refuse_whole"])
@pytest.mark.parametrize("call", [0, 5])
def test_one_bad_call_changes_nothing_in_the_end(organization: Make, fault: str, call: int) -> None:
    org = organization()
    org.run(dry_run=True)
    reads = org.lms.calls
    before = org.snapshot()
    assert not any(before.values())
    org.lms.faults.queue.extend(["none"] * (reads + call))
    org.lms.faults.queue.append(fault)
    try:
        org.run()
    except Unavailable:
        if org.plan is not None:
            org.finish()
    org.lms.faults.queue.clear()
    org.run()
    assert len(org.roster) == 3
    assert org.users == {"tina", "sam", "sue"}
    assert org.target.doubled == []


def test_a_refused_key_ends_the_run_and_loses_nothing(organization: Make) -> None:
    org = organization()
    org.run(kinds=("building", "grading_period", "user"))
    before = org.snapshot()
    org.lms.key = "another"
    with pytest.raises(AuthFailed):
        org.next_day().run()
    org.lms.key = "memory"
    assert org.snapshot() == before
    org.run()
    assert len(org.roster) == 3


def test_a_stored_plan_is_stale_once_the_ledger_moved(organization: Make) -> None:
    org = organization()
    org.run(dry_run=True)
    result = org.run()
    assert result.plan is not None
    with pytest.raises(StalePlan):
        org.resume()
