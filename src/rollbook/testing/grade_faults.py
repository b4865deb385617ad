"""What a grade sink promises when things go wrong: refusals, ids of the SIS's own, lost answers, broken connections."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest

from rollbook.connectors.gradebook import GradeSink
from rollbook.errors import AuthFailed, RollbookError, Throttled, Unavailable
from rollbook.roster.changes import DONE, REFUSED, UNKNOWN, Change, LiveRecord
from rollbook.testing.grade_samples import GradeSender, Room, line_item, result
from rollbook.testing.watch import CountingContext, Watched

#: What the class of the room holds of a kind, told by the other side itself and not by the connector under test.
Peek = Callable[[str], Sequence[LiveRecord]]
SetFault = Callable[[str], None]


class GradeSinkFaults(Watched):
    """Fixtures of the author, and the promises about faults. Not for use alone: part of `GradeSinkContract`."""

    #: Faults (or "own_ids", "refused") that this kind of system does not have, and why; their tests are skipped so.
    lacks: Mapping[str, str] = {}

    @pytest.fixture
    def sink(self, context: CountingContext) -> GradeSink:
        """A grade sink, made from `context`, of a SIS that has the room."""
        raise NotImplementedError

    @pytest.fixture
    def room(self) -> Room:
        """A class in which the suite may work."""
        raise NotImplementedError

    @pytest.fixture
    def peek(self) -> Peek:
        """What the SIS holds of a kind in the room, told by the other side itself (its tables, its files)."""
        raise NotImplementedError

    @pytest.fixture
    def fault(self) -> SetFault:
        """Makes the other side faulty from now on: `lose_before` (the next write does not arrive), `lose_after` (it is
        carried out, its answer is lost; both once), `throttle` (asks for a long wait, always), `cut` (no connection),
        `wrong_key`, `half_read` (reading line items breaks off midway), `html` (answers are web pages)."""

        def missing(name: str) -> None:
            raise NotImplementedError(f"the author says neither how {name} happens nor why it cannot")

        return missing

    @pytest.fixture
    def own_ids(self) -> Callable[[], None]:
        """Makes the SIS give new line items ids of its own."""
        pytest.skip(self.lacks.get("own_ids", "the author gives no way to have the SIS make ids"))

    @pytest.fixture
    def sender(self, sink: GradeSink) -> GradeSender:
        return GradeSender(sink)

    def test_a_refused_record_is_an_outcome(self, sender: GradeSender, room: Room, peek: Peek) -> None:
        """A student who is not enrolled is what SISs refuse most."""
        if "refused" in self.lacks:
            pytest.skip(self.lacks["refused"])
        sender.send([line_item(room)])
        before = len(peek("result"))
        people = (room.students[0], room.stranger, room.students[1])
        outcomes = sender.send([result(room, "li-suite", each) for each in people])
        assert [outcome.status for outcome in outcomes] == [DONE, REFUSED, DONE]
        assert outcomes[1].message, "the SIS's own words"
        assert len(peek("result")) == before + 2

    def test_an_id_of_the_sis_is_told_and_used(
        self, sink: GradeSink, room: Room, peek: Peek, own_ids: Callable[[], None]
    ) -> None:
        own_ids()
        sender, before = GradeSender(sink), {each.lms_id for each in peek("line_item")}
        outcome = sender.send([line_item(room)])[0]
        assert (outcome.status, outcome.lms_id == "li-suite") == (DONE, False)
        assert {each.lms_id for each in peek("line_item")} == before | {outcome.lms_id}
        again = sender.send([line_item(room, title="Renamed")])[0]
        assert (again.status, again.lms_id) == (DONE, outcome.lms_id)
        assert len(peek("line_item")) == len(before) + 1, "an id that is known is used"
        assert [each.status for each in sender.send([result(room, "li-suite", room.students[0])])] == [DONE]
        found = [each for each in sink.read("result", room.id) if each.fields["line_item"] == outcome.lms_id]
        assert len(found) == 1

    @pytest.mark.parametrize("kind", ["line_item", "result"])
    @pytest.mark.parametrize("lost", ["lose_before", "lose_after"])
    def test_a_lost_answer_is_unknown_and_nothing_is_doubled(
        self, sender: GradeSender, fault: SetFault, room: Room, peek: Peek, *, kind: str, lost: str
    ) -> None:
        if kind == "result":
            sender.send([line_item(room)])
        change = line_item(room) if kind == "line_item" else result(room, "li-suite", room.students[0])
        self._lose_and_settle(sender, fault, peek, change, lost)

    @pytest.mark.parametrize("lost", ["lose_before", "lose_after"])
    def test_a_lost_answer_doubles_nothing_where_the_sis_makes_ids(
        self, sink: GradeSink, fault: SetFault, room: Room, peek: Peek, own_ids: Callable[[], None], *, lost: str
    ) -> None:
        own_ids()
        assert "line_item" not in sink.traits.replay_safe, "a second one would be made"
        self._lose_and_settle(GradeSender(sink), fault, peek, line_item(room), lost)

    def _lose_and_settle(self, sender: GradeSender, fault: SetFault, peek: Peek, change: Change, lost: str) -> None:
        """As core does: what is not safe to repeat is looked up first."""
        sink, before = sender.sink, len(peek(change.kind))
        batch = sender.batches([change])[0]
        self._set(fault, lost)
        assert [outcome.status for outcome in sink.apply(batch)] == [UNKNOWN]
        there = len(peek(change.kind)) > before
        assert there or lost == "lose_before"
        looked = change.kind not in sink.traits.replay_safe
        found = sink.look_up(batch.changes) if looked else [None]
        if looked:
            assert [record is not None for record in found] == [there]
        if found[0] is None:
            assert [outcome.status for outcome in sink.apply(batch)] == [DONE]
        assert len(peek(change.kind)) == before + 1

    @pytest.mark.parametrize("name", ["half_read", "html"])
    def test_a_part_never_passes_for_the_whole(
        self, sink: GradeSink, sender: GradeSender, fault: SetFault, room: Room, name: str
    ) -> None:
        sender.send([line_item(room), line_item(room, "li-suite-2")])
        self._set(fault, name)
        with self.raises(RollbookError):
            list(sink.read("line_item", room.id))

    def test_web_pages_are_no_answers(self, sink: GradeSink, fault: SetFault, room: Room) -> None:
        self._set(fault, "html")
        for ask in (sink.test, lambda: sink.categories(room.id), lambda: sink.class_facts(room.id)):
            with self.raises(RollbookError):
                ask()

    def test_being_throttled_surfaces(self, sink: GradeSink, sender: GradeSender, fault: SetFault, room: Room) -> None:
        self._set(fault, "throttle")
        with self.raises(Throttled) as raised:
            sender.send([line_item(room)])
        assert isinstance(raised[0], Throttled)
        assert raised[0].retry_after > 0

    def test_without_a_connection_nothing_is_claimed(
        self, sink: GradeSink, sender: GradeSender, fault: SetFault, room: Room
    ) -> None:
        self._set(fault, "cut")
        with self.raises(Unavailable):
            sink.test()
        self._set(fault, "cut")
        try:
            outcomes = sender.send([line_item(room)])
        except Unavailable as error:
            self.assert_error_is_quiet(error)
        else:
            assert [outcome.status for outcome in outcomes] == [UNKNOWN]

    def test_a_wrong_key_is_auth_failed(
        self, sink: GradeSink, sender: GradeSender, fault: SetFault, room: Room, peek: Peek
    ) -> None:
        before = len(peek("line_item"))
        self._set(fault, "wrong_key")
        with self.raises(AuthFailed):
            sink.test()
        with self.raises(AuthFailed):
            sender.send([line_item(room)])
        assert len(peek("line_item")) == before

    def _set(self, fault: SetFault, name: str) -> None:
        if name in self.lacks:
            pytest.skip(self.lacks[name])
        fault(name)


def by_id(records: Sequence[LiveRecord]) -> dict[str, LiveRecord]:
    """Two objects of one id differ in number, and are caught here."""
    found = {record.lms_id: record for record in records}
    assert len(found) == len(records), "two objects have one sourcedId"
    return found
