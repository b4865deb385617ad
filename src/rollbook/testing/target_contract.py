"""The promises of a target as tests. An author subclasses `TargetContract` and overrides its fixtures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rollbook.connectors.base import Batch, Target
from rollbook.errors import BatchRefused, Bug, RollbookError
from rollbook.roster.changes import DONE, REFUSED, UNKNOWN, Change, LiveRecord
from rollbook.roster.lms import DEACTIVATE, KINDS, REKEY, REMOVE, REVIVE, UPDATE
from rollbook.testing import odd
from rollbook.testing.builders import Sender, ladder
from rollbook.testing.target_faults import TargetFaults

#: What the LMS holds of a kind, told by the other side itself and not by the connector under test.
Peek = Callable[[str], Sequence[LiveRecord]]

ANY_KIND = pytest.mark.parametrize("kind", list(KINDS))
PASSWORD = "Correct-Horse-1"


class TargetContract(TargetFaults):
    """What every LMS connector promises.

    Override `target` and `peek`, `fault` and `refuse` for what can go wrong, `password_of` where passwords are kept.
    Name in `lacks` the faults that the other side does not have, with the reason.
    """

    @pytest.fixture
    def sender(self, target: Target) -> Sender:
        return Sender(target)

    @pytest.fixture
    def wanted(self, target: Target) -> dict[str, list[Change]]:
        """A ladder of creates for this target; see `rollbook.testing.ladder`."""
        return ladder(target.roles())

    def test_traits_are_sane(self, target: Target, wanted: dict[str, list[Change]]) -> None:
        traits = target.traits
        assert traits.kinds
        assert traits.kinds <= set(KINDS)
        assert traits.replay_safe <= traits.kinds
        assert traits.removable <= {kind.name for kind in KINDS.values() if kind.removable}
        assert all(traits.bulk[kind] >= 1 for kind in traits.kinds)
        assert traits.parallel >= 1
        assert traits.slice_size >= max(traits.bulk[kind] for kind in traits.kinds)
        if traits.apart is not None:
            names = [traits.apart(change) for kind in traits.kinds for change in wanted.get(kind, ())]
            assert all(name is None or isinstance(name, str) for name in names)

    def test_roles_tell_who_is_staff(self, target: Target) -> None:
        roles = target.roles()
        assert set(roles.values()) == {True, False}, "both staff and other roles"
        assert all(isinstance(name, str) and name for name in roles)

    def test_each_change_has_one_outcome_in_order(
        self, target: Target, sender: Sender, wanted: dict[str, list[Change]], peek: Peek
    ) -> None:
        for kind, outcomes in sender.send_all(wanted).items():
            assert [outcome.status for outcome in outcomes] == [DONE] * len(wanted[kind]), kind
            there = {record.lms_id: record for record in peek(kind)}
            for change, outcome in zip(wanted[kind], outcomes, strict=True):
                if outcome.lms_id is not None:
                    assert _code(change) == there[outcome.lms_id].code
                assert _code(change) in {record.code for record in there.values()}

    @ANY_KIND
    def test_applying_twice_changes_nothing_more(
        self, sender: Sender, wanted: dict[str, list[Change]], peek: Peek, kind: str
    ) -> None:
        self._needs(sender.target, kind)
        sender.send_all(wanted)
        before = peek(kind)
        again = sender.send(wanted[kind])
        assert [outcome.status for outcome in again] == [DONE] * len(again)
        assert _state(peek(kind)) == _state(before)

    @ANY_KIND
    def test_an_update_changes_its_object_only(
        self, sender: Sender, wanted: dict[str, list[Change]], peek: Peek, kind: str
    ) -> None:
        self._needs(sender.target, kind)
        sender.send_all(wanted)
        others = _state(peek(kind)[1:]) if kind == "user" else None
        change = _updated(wanted[kind][0])
        if change is None:
            return  # a kind without a field of its own: nothing can be updated
        for _ in range(2):
            assert [outcome.status for outcome in sender.send([change])] == [DONE]
            records = {record.code: record for record in peek(kind)}
            assert len(records) == len(wanted[kind])
            for name in change.before:
                assert records[_code(change)].fields.get(name) in (change.after[name], None)
        assert others is None or set(others) <= set(_state(peek(kind)))

    def test_nothing_is_removed_that_is_not_in_the_batch(
        self, sender: Sender, wanted: dict[str, list[Change]], peek: Peek
    ) -> None:
        sender.send_all(wanted)
        kinds = sorted(sender.target.traits.kinds)
        before = {kind: _state(peek(kind)) for kind in kinds}
        for kind in sorted(sender.target.traits.removable):
            gone = wanted[kind][0]
            removal = msgspec.structs.replace(gone, action=REMOVE)
            for _ in range(2):  # removing twice ends in the same state
                assert [outcome.status for outcome in sender.send([removal])] == [DONE]
                kept = {key: fields for key, fields in before[kind].items() if key != _code(gone)}
                assert _state(peek(kind)) == kept
            before[kind] = kept
        assert {kind: _state(peek(kind)) for kind in kinds} == before

    @ANY_KIND
    def test_most_kinds_are_never_removed(
        self, sender: Sender, wanted: dict[str, list[Change]], peek: Peek, kind: str
    ) -> None:
        self._needs(sender.target, kind)
        sender.send_all(wanted)
        before = _state(peek(kind))
        if kind not in sender.target.traits.removable:
            with self.raises(Bug):
                sender.send([msgspec.structs.replace(wanted[kind][0], action=REMOVE)])
            assert _state(peek(kind)) == before

    def test_a_deactivated_account_keeps_everything_and_is_revived_with_it(
        self, sender: Sender, wanted: dict[str, list[Change]], peek: Peek
    ) -> None:
        self._needs_deactivation(sender.target)
        sender.send_all(wanted)
        before = {kind: _state(peek(kind)) for kind in KINDS if kind in sender.target.traits.kinds}
        some = wanted["user"][:2]
        for action, active in ((DEACTIVATE, False), (REVIVE, True), (DEACTIVATE, False), (REVIVE, True)):
            changes = [msgspec.structs.replace(user, action=action) for user in some]
            for _ in range(2):  # what is as wanted already is done
                assert [outcome.status for outcome in sender.send(changes)] == [DONE, DONE]
                states = {record.code: record.active for record in sender.target.read("user")}
                assert states == {user.key: active or user not in some for user in wanted["user"]}
        assert {kind: _state(peek(kind)) for kind in before} == before

    @ANY_KIND
    def test_only_accounts_are_deactivated(
        self, sender: Sender, wanted: dict[str, list[Change]], peek: Peek, kind: str
    ) -> None:
        self._needs(sender.target, kind)
        sender.send_all(wanted)
        before = _state(peek(kind))
        for action in (DEACTIVATE, REVIVE):
            if kind != "user" or not sender.target.traits.deactivates:
                with self.raises(Bug):
                    sender.send([msgspec.structs.replace(wanted[kind][0], action=action)])
        assert _state(peek(kind)) == before

    def test_an_account_that_is_not_there_is_not_deactivated(
        self, sender: Sender, wanted: dict[str, list[Change]]
    ) -> None:
        self._needs_deactivation(sender.target)
        sender.send_all(wanted)
        for action in (DEACTIVATE, REVIVE):
            unknown = msgspec.structs.replace(wanted["user"][0], action=action, key="nobody", lms_id="987654321")
            assert [outcome.status for outcome in sender.send([unknown])] == [REFUSED]
        assert all(record.active for record in sender.target.read("user"))

    @pytest.mark.parametrize("kind", ["user", "section"])
    def test_a_rekey_renames_and_never_doubles(
        self, sender: Sender, wanted: dict[str, list[Change]], peek: Peek, kind: str
    ) -> None:
        self._needs(sender.target, kind)
        sender.send_all(wanted)
        ids = {record.code: record.lms_id for record in peek(kind)}
        old = wanted[kind][0]
        rekey = msgspec.structs.replace(old, action=REKEY, new_key="renamed-1", lms_id=ids[old.key])
        for _ in range(2):
            assert [outcome.status for outcome in sender.send([rekey])] == [DONE]
            assert {record.code: record.lms_id for record in peek(kind)} == {
                "renamed-1" if code == old.key else code: lms_id for code, lms_id in ids.items()
            }

    @ANY_KIND
    def test_read_tells_the_whole(self, sender: Sender, wanted: dict[str, list[Change]], peek: Peek, kind: str) -> None:
        self._needs(sender.target, kind)
        outcomes = sender.send_all(wanted)
        within = [outcomes["section"][0].lms_id or ""] if kind == "enrollment" else []
        records = list(sender.target.read(kind, within=within))
        assert {record.lms_id for record in records} == {record.lms_id for record in peek(kind)}
        assert {_code(change) for change in wanted[kind]} <= {record.code for record in records}
        for record in records:
            assert record.kind == kind
            assert set(record.fields) <= set(KINDS[kind].fields)

    @pytest.mark.parametrize("kind", ["user", "section"])
    def test_a_read_can_be_narrowed_to_codes(self, sender: Sender, wanted: dict[str, list[Change]], kind: str) -> None:
        self._needs(sender.target, kind)
        sender.send_all(wanted)
        code = wanted[kind][-1].key
        assert [record.code for record in sender.target.read(kind, within=[code])] == [code]

    @ANY_KIND
    def test_look_up_finds_what_is_there(self, sender: Sender, wanted: dict[str, list[Change]], kind: str) -> None:
        target = sender.target
        self._needs(target, kind)
        if kind in target.traits.replay_safe:
            return  # such kinds are sent again instead
        before = [sender.complete(change) for change in wanted[kind]]
        assert target.look_up(before) == [None] * len(before)
        ids = [outcome.lms_id for outcome in sender.send_all(wanted)[kind]]
        found = target.look_up([*before, *reversed(before)])
        assert [record.lms_id if record else None for record in found] == ids + ids[::-1]

    def test_a_password_goes_with_a_create_only(
        self, sender: Sender, wanted: dict[str, list[Change]], password_of: Callable[[str], str | None]
    ) -> None:
        self._needs(sender.target, "user")
        users, secrets = wanted["user"], {user.key: PASSWORD for user in wanted["user"]}
        for kind in ("building",):
            sender.send(wanted[kind])
        outcomes = sender.send(users[:1], secrets)
        assert password_of(users[0].key) == PASSWORD
        other = dict.fromkeys(secrets, "Correct-Horse-1-other")
        change = _updated(users[0])
        assert change is not None
        outcomes += sender.send([change], other)
        assert password_of(users[0].key) == PASSWORD, "an update carries no password"
        for outcome in outcomes:
            assert PASSWORD not in outcome.message

    def test_reprs_tell_nothing_private(self, sender: Sender, wanted: dict[str, list[Change]]) -> None:
        sender.send_all(wanted)
        batch = sender.batches(wanted["user"], {user.key: PASSWORD for user in wanted["user"]})[0]
        records = list(sender.target.read("user"))
        self.assert_quiet(f"{sender.target!r} {batch!r} {records!r} {sender.target.test()!r}", "a repr")

    def test_an_empty_batch_has_no_outcomes(self, target: Target) -> None:
        for kind in target.traits.kinds:
            assert list(target.apply(Batch(kind=kind, action=UPDATE, changes=[]))) == []

    @settings(
        max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]
    )
    @given(data=st.data())
    def test_odd_changes_have_outcomes_too(self, target: Target, data: st.DataObject) -> None:
        kind = data.draw(st.sampled_from([kind for kind in KINDS if kind in target.traits.kinds]))
        change = data.draw(odd.changes(kind, next(iter(target.roles()))))
        try:
            outcomes = target.apply(Batch(kind=kind, action=change.action, changes=[change]))
        except BatchRefused as error:
            self.assert_error_is_quiet(error)
        else:
            assert [outcome.status in (DONE, REFUSED, UNKNOWN) for outcome in outcomes] == [True]

    def test_closing_twice_is_fine(self, target: Target) -> None:
        target.close()
        target.close()

    def test_the_report_says_ok_and_nothing_private(self, target: Target) -> None:
        report = target.test()
        assert report.ok
        assert report.summary
        self.assert_quiet(f"{report!r}", "the report")

    def test_a_part_never_passes_for_the_whole(
        self, sender: Sender, wanted: dict[str, list[Change]], fault: Callable[[str], None]
    ) -> None:
        sender.send_all(wanted)
        self._set(fault, "half_read")
        with self.raises(RollbookError):
            list(sender.target.read("user"))


def _code(change: Change) -> str | None:
    """The external id of the object that a change is about."""
    own = {"building": "code", "grading_period": "title", "course": "code"}.get(change.kind)
    code = change.after.get(own) if own else None
    return str(code) if code else change.key


def _updated(change: Change) -> Change | None:
    """The same object with another text."""
    field = {"building": "title", "grading_period": "end", "user": "middle_name", "enrollment": "admin"}
    name = field.get(change.kind, "title" if change.kind in ("course", "section") else "")
    if not name:
        return None
    value = {"end": "2027-01-30", "admin": not change.after.get("admin")}.get(name, "Middle")
    before = {name: change.after.get(name)}
    return msgspec.structs.replace(change, action=UPDATE, after=change.after | {name: value}, before=before)


def _state(records: Sequence[LiveRecord]) -> Mapping[str, object]:
    """What is there, by external id; two objects of one id would differ in length and are caught here."""
    state = {record.code or record.lms_id: (record.lms_id, dict(record.fields)) for record in records}
    assert len(state) == len(records), "two objects have one external id"
    return state
