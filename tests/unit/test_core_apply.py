"""Apply: what is sent, how often, and what is written down of it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from rollbook.connectors.base import Batch
from rollbook.core.apply import REPLAYS
from rollbook.core.plan import Slice
from rollbook.core.streaks import SILENT_AFTER, STOP_AFTER
from rollbook.errors import AuthFailed, BatchRefused, RunCancelled, Unavailable
from rollbook.roster.changes import REFUSED, TOO_EARLY, UNKNOWN, Change, LiveRecord, Outcome
from rollbook.testing.builders import change, enrollment
from tests.unit.core_kit import Answer, Rows, ScriptedTarget, Sending, done, users

#: Bulk calls without an answer, each asked for again, until nobody asks any more.
BULK_CALLS = SILENT_AFTER // (REPLAYS + 1)


def lost(batch: Batch) -> list[Outcome]:
    return [Outcome(status=UNKNOWN) for _ in batch.changes]


def refused_whole(batch: Batch) -> Sequence[Outcome]:
    raise BatchRefused("not like this", status=400)


def refuses(*keys: str, words: str = "no") -> Answer:
    """A target that refuses these keys one by one."""

    def answer(batch: Batch) -> list[Outcome]:
        good = done(batch)
        return [
            Outcome(status=REFUSED, message=words) if each.key in keys else outcome
            for each, outcome in zip(batch.changes, good, strict=True)
        ]

    return answer


def test_changes_go_out_in_order_in_calls_of_the_bulk_size(tmp_path: Path) -> None:
    sending = Sending(tmp_path, ScriptedTarget(bulk=4, slice_size=8), users(10))
    assert [outcome.lms_id for outcome in sending.run()] == [f"lms-u{place:03}" for place in range(10)]
    assert [len(keys) for keys in sending.target.sent] == [4, 4, 2]
    assert sending.journal.intents == {0: (0, 7), 1: (8, 9)}


def test_what_a_target_wants_apart_is_never_under_way_twice_at_once(tmp_path: Path) -> None:
    lock, under_way, together = threading.Lock(), Counter[str](), list[int]()

    def answer(batch: Batch) -> list[Outcome]:
        people = {each.after["user"] for each in batch.changes}
        with lock:
            assert not people & under_way.keys(), "two calls share a person"
            under_way.update(people)
            together.append(len(batch.changes))
        time.sleep(0.002)
        with lock:
            under_way.subtract(people)
            for each in [each for each, number in under_way.items() if not number]:
                del under_way[each]
        return done(batch)

    given = [enrollment(f"k{section}", f"u{person}") for section in range(5) for person in range(12)]
    target = ScriptedTarget(rest=answer, bulk=8, slice_size=40, parallel=4, apart=lambda each: str(each.after["user"]))
    sending = Sending(tmp_path, target, given)
    assert [outcome.lms_id for outcome in sending.run()] == [f"lms-{each.key}" for each in given]
    assert sum(together) == 60
    assert max(together) <= 8


class Reading(Rows):
    """Tells what was read, and fails at one slice the first time."""

    def __init__(self, changes: Sequence[Change], log: list[str], fails_at: int = -1) -> None:
        super().__init__(changes)
        self.log, self.fails_at = log, fails_at

    def changes(self, part: Slice) -> list[Change]:
        self.log.append(f"read {part.number}")
        if part.number == self.fails_at:
            self.fails_at = -1
            raise OSError("the file is not there just now")
        return super().changes(part)


@pytest.mark.parametrize("fails_at", [-1, 1])
def test_the_next_slice_is_read_while_calls_are_under_way(tmp_path: Path, fails_at: int) -> None:
    log: list[str] = []
    waiting_for_it = threading.Event()

    def answer(batch: Batch) -> list[Outcome]:
        if batch.changes[0].seq == 0:  # the second slice must be read before this call ends
            assert waiting_for_it.wait(20)
        log.append("answered")
        return done(batch)

    class Noting(Reading):
        def changes(self, part: Slice) -> list[Change]:
            if part.number == 1:
                waiting_for_it.set()
            return super().changes(part)

    sending = Sending(tmp_path, ScriptedTarget(rest=answer, bulk=4, slice_size=4), users(10))
    sending.run(reader=Noting(sending.rows, log, fails_at))
    assert sending.statuses == ["done"] * 10
    assert log.count("answered") == 3
    assert [each for each in log if each != "answered"] == [
        "read 0", "read 1", *(["read 1"] if fails_at == 1 else []), "read 2"
    ]  # fmt: skip


def test_a_call_refused_whole_is_split_until_the_bad_row_is_alone(tmp_path: Path) -> None:
    def answer(batch: Batch) -> Sequence[Outcome]:
        return refused_whole(batch) if "u005" in {each.key for each in batch.changes} else done(batch)

    sending = Sending(tmp_path, ScriptedTarget(rest=answer, bulk=8), users(8))
    outcomes = sending.run()
    assert [place for place, outcome in enumerate(outcomes) if outcome.status == REFUSED] == [5]
    assert (outcomes[5].message, outcomes[5].code) == ("not like this", 400)
    assert len(sending.target.sent) == 1 + 2 * 3


@pytest.mark.parametrize("times", [1, REPLAYS, REPLAYS + 1])
def test_a_lost_answer_is_asked_for_again_a_few_times(tmp_path: Path, times: int) -> None:
    sending = Sending(tmp_path, ScriptedTarget(*[lost] * times), users(3), users(4, "update")[3:])
    sending.run()
    sending.target.batches.pop()
    sending.journal.outcomes.popitem()
    assert set(sending.statuses) == ({"done"} if times <= REPLAYS else {"unknown"})
    assert len(sending.target.sent) == min(times, REPLAYS) + 1
    assert sending.target.looked_up == []


def test_only_what_was_lost_is_sent_again(tmp_path: Path) -> None:
    def half_lost(batch: Batch) -> list[Outcome]:
        return [Outcome(status=UNKNOWN), *done(batch)[1:]]

    sending = Sending(tmp_path, ScriptedTarget(half_lost), users(4))
    sending.run()
    assert sending.target.sent == [["u000", "u001", "u002", "u003"], ["u000"]]


def test_what_was_done_stays_done_when_asking_again_ends_the_run(tmp_path: Path) -> None:
    def half_lost(batch: Batch) -> list[Outcome]:
        return [Outcome(status=UNKNOWN), *done(batch)[1:]]

    def ended(batch: Batch) -> list[Outcome]:
        raise AuthFailed("the token has expired")

    sending = Sending(tmp_path, ScriptedTarget(half_lost, ended), users(4))
    with pytest.raises(AuthFailed):
        sending.run()
    assert sending.statuses == ["unknown", "done", "done", "done"]


def buildings() -> list[Change]:
    return [change("building", f"org:{name}", {"title": name, "code": name}) for name in "AB"]


def test_what_is_not_safe_to_repeat_is_looked_up_first(tmp_path: Path) -> None:
    target = ScriptedTarget(lost)
    target.there["org:A"] = LiveRecord(kind="building", lms_id="77", code="A", fields={})
    sending = Sending(tmp_path, target, buildings())
    assert [outcome.lms_id for outcome in sending.run()] == ["77", "lms-org:B"]
    assert target.looked_up == ["org:A", "org:B"]
    assert target.sent == [["org:A", "org:B"], ["org:B"]]


def test_what_may_still_be_under_way_is_looked_up_once_and_is_no_silence(tmp_path: Path) -> None:
    """A connector says so where a second call beside the first would make a thing twice."""

    def too_early(batch: Batch) -> list[Outcome]:
        return [Outcome(status=UNKNOWN, code=TOO_EARLY) for _ in batch.changes]

    many = [change("building", f"org:{n:02}", {"title": "T", "code": str(n)}) for n in range(SILENT_AFTER + 5)]
    target = ScriptedTarget(done, lost, rest=too_early, bulk=len(many), slice_size=len(many))
    target.there["org:03"] = LiveRecord(kind="building", lms_id="77", code="3", fields={})
    sending = Sending(tmp_path, target, users(1), many)
    sending.run()
    assert [place for place, status in enumerate(sending.statuses[1:]) if status == "done"] == [3]
    assert set(sending.statuses) == {"done", "unknown"}
    assert len(target.looked_up) == len(many)


def test_a_refused_parent_leaves_its_children_waiting(tmp_path: Path) -> None:
    target = ScriptedTarget(rest=refuses("u000"))
    sending = Sending(tmp_path, target, users(2), [enrollment("k", "u000"), enrollment("k", "u001")])
    sending.run()
    assert sending.statuses == ["refused", "done", "waiting", "done"]
    assert target.sent == [["u000", "u001"], ["k|u001"]]


def test_ids_of_parents_made_just_now_are_filled_in(tmp_path: Path) -> None:
    course = change("course", "c|org:A", {"title": "C", "code": "A-C", "building": "org:A"})
    section = change("section", "k", {"title": "K", "course": "c|org:A", "grading_periods": []})
    target = ScriptedTarget()
    Sending(tmp_path, target, buildings(), [course], [section]).run()
    assert target.batches[1].changes[0].refs == {"building": "lms-org:A"}
    sent = target.batches[2].changes[0]
    assert sent.refs == {"course": "lms-c|org:A", "course.building": "lms-org:A", "grading_periods": []}
    assert sent.parent_fields["course"]["code"] == "A-C"


@pytest.mark.rule(27)
def test_a_hundred_refusals_in_a_row_with_one_message_stop_a_kind(tmp_path: Path) -> None:
    everybody = [each.key for each in users(200)]
    target = ScriptedTarget(rest=refuses(*everybody), bulk=10, slice_size=50)
    sending = Sending(tmp_path, target, users(200), buildings())
    sending.run()
    assert sending.statuses == ["refused"] * STOP_AFTER + ["waiting"] * 100 + ["done"] * 2


@pytest.mark.rule(27)
@pytest.mark.parametrize("parallel", [1, 3])
def test_a_kind_is_stopped_within_its_slice(tmp_path: Path, parallel: int) -> None:
    everybody = [each.key for each in users(1000)]
    target = ScriptedTarget(rest=refuses(*everybody), bulk=10, slice_size=1000, parallel=parallel)
    sending = Sending(tmp_path, target, users(1000))
    sending.run()
    refused = sending.statuses.count("refused")
    assert STOP_AFTER <= refused < STOP_AFTER + parallel * 10
    assert sending.statuses.count("waiting") == 1000 - refused


@pytest.mark.parametrize("calls", [1, 2, BULK_CALLS, 40])
def test_an_lms_that_answers_nothing_ends_the_run(tmp_path: Path, calls: int) -> None:
    sending = Sending(tmp_path, ScriptedTarget(rest=lost, bulk=4, slice_size=8), users(4 * calls))
    with pytest.raises(Unavailable, match="the LMS gave no answer"):
        sending.run()
    asked = min(calls, BULK_CALLS)
    assert len(sending.target.sent) == asked * (REPLAYS + 1), "and nobody goes on asking"
    assert sending.statuses.count("unknown") == 4 * asked


@pytest.mark.parametrize("fine", [BULK_CALLS, BULK_CALLS + 1])
def test_some_lost_answers_among_fine_ones_end_nothing(tmp_path: Path, fine: int) -> None:
    """Calls go silent one short of the limit, again and again."""
    number = {"call": 0}

    def sometimes(batch: Batch) -> list[Outcome]:
        number["call"] += batch.changes[0].key not in seen
        seen.add(batch.changes[0].key)
        return done(batch) if number["call"] % fine == 1 else lost(batch)

    seen: set[str] = set()
    sending = Sending(tmp_path, ScriptedTarget(rest=sometimes, bulk=4, slice_size=8), users(40 * fine))
    if fine <= BULK_CALLS:
        sending.run()
        assert {"done", "unknown"} == set(sending.statuses)
    else:
        with pytest.raises(Unavailable):
            sending.run()


def test_one_answer_among_a_few_lost_ones_is_enough(tmp_path: Path) -> None:
    """A small run whose LMS answered at least once ends well."""
    sending = Sending(tmp_path, ScriptedTarget(done, rest=lost), users(8))
    sending.run()
    assert sending.statuses == ["done"] * 4 + ["unknown"] * 4


@pytest.mark.rule(27)
@pytest.mark.parametrize("between", ["success", "another message"])
def test_something_else_between_starts_the_count_anew(tmp_path: Path, between: str) -> None:
    everybody = {each.key for each in users(200)} - {"u099"}

    def answer(batch: Batch) -> list[Outcome]:
        other = done(batch)[0] if between == "success" else Outcome(status=REFUSED, message="other")
        same = Outcome(status=REFUSED, message="no")
        return [same if each.key in everybody else other for each in batch.changes]

    sending = Sending(tmp_path, ScriptedTarget(rest=answer, bulk=10, slice_size=50), users(200))
    sending.run()
    assert "waiting" not in sending.statuses


def test_trouble_is_raised_after_every_answer_is_written_down(tmp_path: Path) -> None:
    def trouble(batch: Batch) -> Sequence[Outcome]:
        raise AuthFailed("the key was refused")

    sending = Sending(tmp_path, ScriptedTarget(done, trouble), users(12))
    with pytest.raises(AuthFailed):
        sending.run()
    assert sending.statuses == ["done"] * 4 + ["waiting"] * 4
    assert list(sending.journal.outcomes) == [0], "nothing is sent after it"


def test_what_nobody_expected_is_unknown_and_not_forgotten(tmp_path: Path) -> None:
    def broken(batch: Batch) -> Sequence[Outcome]:
        raise ValueError("a bug of the connector")

    sending = Sending(tmp_path, ScriptedTarget(broken), users(3))
    with pytest.raises(ValueError, match="a bug"):
        sending.run()
    assert sending.statuses == ["unknown"] * 3


def test_cancelling_sends_nothing_more(tmp_path: Path) -> None:
    class Stop:
        calls = 0

        def check(self) -> None:
            self.calls += 1
            if self.calls > 2:
                raise RunCancelled("stopped")

        def wait(self, seconds: float) -> None: ...

    sending = Sending(tmp_path, ScriptedTarget(), users(12))
    with pytest.raises(RunCancelled):
        sending.run(cancel=Stop())
    assert sending.target.sent == [["u000", "u001", "u002", "u003"]]
    assert sending.statuses == ["done"] * 4 + ["waiting"] * 4


def test_a_slice_that_has_outcomes_is_never_sent_again(tmp_path: Path) -> None:
    sending = Sending(tmp_path, ScriptedTarget(), users(12), [enrollment("k", "u000")])
    sending.journal.intend(0, 0, 7)
    sending.journal.record(0, [Outcome(status=REFUSED, message="no"), *done(Batch(kind="user", action="create",
                               changes=users(8)))[1:]])  # fmt: skip
    sending.run()
    assert sending.target.sent == [["u008", "u009", "u010", "u011"]]
    assert sending.statuses[-1] == "waiting", "what was refused then is known now"


@pytest.mark.parametrize("there", [True, False])
def test_what_a_dead_process_may_have_made_is_looked_up(tmp_path: Path, there: bool) -> None:
    target = ScriptedTarget()
    if there:
        target.there = {each.key: LiveRecord(kind="building", lms_id="7", code=None, fields={}) for each in buildings()}
    sending = Sending(tmp_path, target, buildings())
    sending.journal.intend(0, 0, 1)
    sending.run()
    assert target.looked_up == ["org:A", "org:B"]
    assert target.sent == ([] if there else [["org:A"], ["org:B"]])
    assert sending.statuses == ["done", "done"]


def test_adopting_sends_nothing(tmp_path: Path) -> None:
    linked = [change("user", "u1", {}, "adopt", lms_id="9")]
    sending = Sending(tmp_path, ScriptedTarget(), linked)
    assert [outcome.lms_id for outcome in sending.run()] == ["9"]
    assert sending.target.sent == []


@pytest.mark.rule(14)
def test_passwords_go_with_new_users_alone_and_a_replay_sends_the_same(tmp_path: Path) -> None:
    target = ScriptedTarget(lost)
    sending = Sending(tmp_path, target, users(2), users(2, "update"), [enrollment("k", "u000")])
    sending.run()
    first, again, update, last = (dict(batch.secrets) for batch in target.batches)
    assert first == again == sending.passwords.given
    assert set(first) == {"u000", "u001"}
    assert update == last == {}
    target = ScriptedTarget()
    Sending(tmp_path / "none", target, users(1)).run(passwords=None)
    assert target.batches[0].secrets == {}
