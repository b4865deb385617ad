"""The promises of a grade sink as tests. An author subclasses `GradeSinkContract` and overrides its fixtures."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rollbook.connectors.base import Batch
from rollbook.connectors.gradebook import GradeSink
from rollbook.errors import BadResponse, BatchRefused, Bug, RollbookError
from rollbook.roster.changes import DONE, REFUSED, UNKNOWN, Change, LiveRecord
from rollbook.roster.grades import EXEMPT, GRADE_KINDS, NUMBER
from rollbook.roster.lms import CREATE, FLAG, REKEY, REMOVE, UPDATE
from rollbook.testing import odd
from rollbook.testing.grade_faults import GradeSinkFaults, Peek, by_id
from rollbook.testing.grade_samples import GradeSender, Room, grade_change, line_item, result

KINDS = pytest.mark.parametrize("kind", ["line_item", "result"])


class GradeSinkContract(GradeSinkFaults):
    """What every SIS connector promises about its gradebook.

    Override `sink`, `room` and `peek`, `fault` and `refused` for what can go wrong, `own_ids` where the SIS can give a
    line item an id of its own. Name in `lacks` what the other side does not have, with the reason.
    """

    def test_traits_are_sane(self, sink: GradeSink) -> None:
        traits = sink.traits
        assert {"line_item", "result"} <= traits.kinds <= set(GRADE_KINDS)
        assert ("category" in traits.kinds) == sink.limits.makes_categories
        assert traits.replay_safe <= traits.kinds
        assert {"line_item", "result"} <= traits.removable <= traits.kinds
        assert all(traits.bulk[kind] >= 1 for kind in traits.kinds)
        assert traits.parallel >= 1
        assert traits.slice_size >= max(traits.bulk[kind] for kind in traits.kinds)

    def test_categories_are_those_of_the_class(self, sink: GradeSink, room: Room) -> None:
        found = sink.categories(room.id)
        assert room.category in {each.id for each in found}
        assert len({each.id for each in found}) == len(found)
        assert all(each.title for each in found)
        assert all(each.class_id in (None, room.id) for each in found)

    def test_facts_of_the_class(self, sink: GradeSink, room: Room) -> None:
        facts = sink.class_facts(room.id)
        assert (facts.id, facts.school) == (room.id, room.school)
        assert room.session in {each.id for each in facts.sessions}
        for session in facts.sessions:
            assert session.title
            assert len(session.start) == len(session.end) == len("YYYY-MM-DD")
            assert session.start < session.end
        assert len({each.id for each in facts.sessions}) == len(facts.sessions)
        assert facts.students is not None
        assert set(room.students) <= facts.students
        assert room.stranger not in facts.students

    def test_a_class_that_is_not_there_is_said(self, sink: GradeSink) -> None:
        for class_id in ("no-such-class", "no/such class?"):
            with self.raises(BadResponse):
                sink.class_facts(class_id)

    def test_each_change_has_one_outcome_in_order(self, sender: GradeSender, room: Room, peek: Peek) -> None:
        items, results = _ladder(room)
        for kind, changes in (("line_item", items), ("result", results)):
            before = {each.lms_id for each in peek(kind)}
            outcomes = sender.send(changes)
            assert [outcome.status for outcome in outcomes] == [DONE] * len(changes), kind
            made = {each.lms_id for each in peek(kind)} - before
            assert [outcome.lms_id for outcome in outcomes] == [sender.ids[each.key] for each in changes]
            assert {outcome.lms_id for outcome in outcomes} == made

    def test_what_is_read_is_what_was_sent(self, sink: GradeSink, sender: GradeSender, room: Room, peek: Peek) -> None:
        items, results = _ladder(room)
        sender.send(items)
        sender.send(results)
        for kind, changes in (("line_item", items), ("result", results)):
            records = by_id(list(sink.read(kind, room.id)))
            assert set(records) == {each.lms_id for each in peek(kind)}, "also what others made"
            for change in changes:
                record = records[sender.ids[change.key]]
                assert record.code == record.lms_id
                _assert_same(record, sender.complete(change))

    def test_other_classes_are_not_read(self, sink: GradeSink, sender: GradeSender, room: Room) -> None:
        sender.send([line_item(room)])
        for kind in ("line_item", "result"):
            try:
                assert list(sink.read(kind, "no-such-class")) == []
            except RollbookError as error:
                self.assert_error_is_quiet(error)

    @KINDS
    def test_applying_twice_changes_nothing_more(self, sender: GradeSender, room: Room, peek: Peek, kind: str) -> None:
        items, results = _ladder(room)
        sender.send(items)
        changes = items if kind == "line_item" else results
        sender.send(changes)
        before = by_id(peek(kind))
        again = sender.send([msgspec.structs.replace(each, action=UPDATE) for each in changes])
        assert [outcome.status for outcome in again] == [DONE] * len(again)
        assert {own: each.fields for own, each in by_id(peek(kind)).items()} == {
            own: each.fields for own, each in before.items()
        }

    @KINDS
    def test_an_update_changes_its_object_only(
        self, sink: GradeSink, sender: GradeSender, room: Room, peek: Peek, kind: str
    ) -> None:
        items, results = _ladder(room)
        sender.send(items)
        sender.send(results)
        before = by_id(peek(kind))
        change = (items if kind == "line_item" else results)[0]
        name, value = ("title", "Another title") if kind == "line_item" else ("score", 3.25)
        changed = msgspec.structs.replace(
            change, action=UPDATE, after=change.after | {name: value}, before={name: change.after[name]}
        )
        assert [outcome.status for outcome in sender.send([changed])] == [DONE]
        own = sender.ids[change.key]
        assert by_id(list(sink.read(kind, room.id)))[own].fields[name] == value
        after = by_id(peek(kind))
        assert set(after) == set(before)
        assert all(after[each].fields == before[each].fields for each in before if each != own)

    def test_no_score_is_never_a_score_of_zero(self, sink: GradeSink, sender: GradeSender, room: Room) -> None:
        sender.send([line_item(room)])
        zero = result(room, "li-suite", room.students[0], score=0.0)
        none = result(room, "li-suite", room.students[1], status=EXEMPT, score=None)
        assert [outcome.status for outcome in sender.send([zero, none])] == [DONE, DONE]
        records = by_id(list(sink.read("result", room.id)))
        assert records[sender.ids[zero.key]].fields["score"] == 0
        assert "score" not in records[sender.ids[none.key]].fields
        assert records[sender.ids[none.key]].fields["status"] == EXEMPT
        taken = msgspec.structs.replace(zero, action=UPDATE, after=zero.after | {"status": EXEMPT, "score": None})
        assert [outcome.status for outcome in sender.send([taken])] == [DONE]
        assert "score" not in by_id(list(sink.read("result", room.id)))[sender.ids[zero.key]].fields

    def test_only_what_is_removed_goes(self, sink: GradeSink, sender: GradeSender, room: Room, peek: Peek) -> None:
        items, results = _ladder(room)
        sender.send(items)
        sender.send(results)
        before = {kind: set(by_id(peek(kind))) for kind in ("line_item", "result")}
        for change in (results[0], results[1], items[0]):
            gone = msgspec.structs.replace(change, action=REMOVE)
            for _ in range(2):  # what is not there is done
                assert [outcome.status for outcome in sender.send([gone])] == [DONE]
                assert sender.ids[change.key] not in by_id(list(sink.read(change.kind, room.id)))
            before[change.kind].discard(sender.ids[change.key])
            assert {kind: set(by_id(peek(kind))) for kind in before} == before

    def test_removing_what_never_was_is_done(self, sender: GradeSender, room: Room, peek: Peek) -> None:
        before = by_id(peek("line_item"))
        change = msgspec.structs.replace(line_item(room, "li-never"), action=REMOVE)
        assert [outcome.status for outcome in sender.send([change])] == [DONE]
        assert set(by_id(peek("line_item"))) == set(before)

    def test_an_empty_batch_has_no_outcomes(self, sink: GradeSink) -> None:
        for kind in sink.traits.kinds:
            assert list(sink.apply(Batch(kind=kind, action=UPDATE, changes=[]))) == []

    def test_what_must_not_be_sent_is_a_bug(self, sink: GradeSink, room: Room) -> None:
        change = line_item(room)
        for kind, action in (("user", CREATE), ("line_item", REKEY)):
            with self.raises(Bug):
                sink.apply(Batch(kind=kind, action=action, changes=[change]))
        most = sink.traits.bulk["line_item"]
        with self.raises(Bug):
            sink.apply(Batch(kind="line_item", action=CREATE, changes=[change] * (most + 1)))

    def test_reprs_tell_nothing_private(self, sink: GradeSink, sender: GradeSender, room: Room) -> None:
        sender.send([line_item(room)])
        outcomes = sender.send([result(room, "li-suite", room.students[0])])
        records = list(sink.read("result", room.id))
        self.assert_quiet(f"{sink!r} {outcomes!r} {records!r} {sink.class_facts(room.id)!r}", "a repr")

    def test_the_report_says_ok_and_nothing_private(self, sink: GradeSink) -> None:
        report = sink.test()
        assert report.ok
        assert report.summary
        self.assert_quiet(f"{report!r}", "the report")

    @settings(
        max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]
    )
    @given(data=st.data())
    def test_odd_changes_have_outcomes_too(self, sink: GradeSink, data: st.DataObject) -> None:
        kind = data.draw(st.sampled_from(sorted(sink.traits.kinds)))
        change = data.draw(_odd(kind))
        try:
            outcomes = sink.apply(Batch(kind=kind, action=change.action, changes=[change]))
        except BatchRefused as error:
            self.assert_error_is_quiet(error)
        else:
            assert [outcome.status in (DONE, REFUSED, UNKNOWN) for outcome in outcomes] == [True]

    def test_closing_twice_is_fine(self, sink: GradeSink) -> None:
        sink.close()
        sink.close()


def _ladder(room: Room) -> tuple[list[Change], list[Change]]:
    """Two line items, and results of both students in both."""
    items = [line_item(room, "li-suite"), line_item(room, "li-suite-2", maximum=12.5)]
    return items, [result(room, item.key, student) for item in items for student in room.students]


def _assert_same(record: LiveRecord, sent: Change) -> None:
    """Every field that the SIS shows is what was sent; the most important ones are shown."""
    wanted = {**sent.after, **sent.refs}
    needed = {"line_item": {"title", "category", "maximum"}, "result": {"line_item", "student", "status", "score"}}
    assert needed[record.kind] <= set(record.fields)
    assert {name: wanted.get(name) for name in record.fields} == record.fields


def _odd(kind: str) -> st.SearchStrategy[Change]:
    """A change with odd texts in every field; what it refers to is unknown."""
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for name, type_ in GRADE_KINDS[kind].fields.items():
        numbers = st.none() | st.floats(allow_nan=False)
        fields[name] = numbers if type_ == NUMBER else st.booleans() if type_ == FLAG else st.none() | odd.texts
    action = st.sampled_from([CREATE, UPDATE, REMOVE])
    return st.builds(
        lambda key, after, action: grade_change(kind, key, after, action), odd.texts.filter(bool),
        st.fixed_dictionaries(fields), action,
    )  # fmt: skip
