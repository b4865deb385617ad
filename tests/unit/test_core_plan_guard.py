"""The stored plan, its slices, and the guard that decides what of it goes out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rollbook.core.changes_table import create_tables
from rollbook.core.duck import Connection, connect
from rollbook.core.guard import Guard, guard, keep_holds, shrunk_since
from rollbook.core.plan import PlanReader, slices, write_plan
from rollbook.core.protocols import Hold, Permit, Refusal
from rollbook.core.stored import StoredPlan
from rollbook.pipeline.tables import create_shared_tables
from rollbook.roster.lms import KINDS
from rollbook.roster.settings import Limit, Limits
from rollbook.testing.world import FolderBlobs
from tests.scratch import in_memory
from tests.unit.core_kit import ScriptedTarget

NOW = datetime(2026, 11, 23, tzinfo=UTC)
LIMITS = Limits(remove=Limit(percent=10, from_=2), update=Limit(percent=50, from_=2), create=Limit(percent=50, from_=2))


class Making:
    """A plan in the making: tables of changes, a ledger with so many rows a school, and what the guard says."""

    def __init__(self, folder: Path) -> None:
        self.db: Connection = in_memory()
        self.folder, self.blobs = folder, FolderBlobs(folder / "blobs")
        create_shared_tables(self.db)
        create_tables(self.db)
        flags = "false AS adopt, false AS deleted, false AS inactive, CAST(NULL AS VARCHAR) AS old_key"
        flags += ", false AS deactivated"
        for kind in KINDS:
            self.db.execute(f"CREATE TABLE ledger_{kind} (key VARCHAR, school VARCHAR, year VARCHAR)")
            self.db.execute(f"CREATE VIEW eff_{kind} AS SELECT key, {flags} FROM ledger_{kind}")

    def ledger(self, kind: str, number: int, school: str = "A", year: str | None = None) -> Making:
        self.db.execute(
            f"INSERT INTO ledger_{kind} SELECT '{school}' || range, ?, ? FROM range({number})", [school, year]
        )
        return self

    def add(self, kind: str, action: str, *keys: str, school: str = "A", **more: Any) -> Making:
        for key in keys:
            row = {
                "action": action,
                "key": key,
                "school": school,
                "state": "send",
                "after": json.dumps({"x": 1}),
            } | more
            row = {name: value for name, value in row.items() if value is not None}
            names, marks = ", ".join(row), ", ".join("?" * len(row))
            self.db.execute(f"INSERT INTO changes_{kind} ({names}) VALUES ({marks})", list(row.values()))
        return self

    def guard(self, **more: Any) -> list[Hold]:
        rules: dict[str, Any] = {
            "salt": "maple", "limits": LIMITS, "kinds": tuple(KINDS), "schools": (), "year": "2027",
            "shrunk": frozenset(), "grown": True, "permits": (), "refusals": (), "now": NOW,
        }  # fmt: skip
        return guard(self.db, Guard(**rules | more), self.blobs)

    def states(self, kind: str) -> dict[str, str]:
        return dict(self.db.execute(f"SELECT key, state FROM changes_{kind} ORDER BY 1").fetchall())

    def write(self, **more: Any) -> StoredPlan:
        known: dict[str, Any] = {"ledger_version": 1, "settings_digest": "s", "year": "2027"}
        traits = ScriptedTarget(bulk=3, slice_size=8).traits
        return write_plan(self.db, self.folder / "plan", self.blobs, traits, **known | more)


@pytest.fixture
def making(tmp_path: Path) -> Making:
    return Making(tmp_path)


def some(number: int, prefix: str = "A") -> Sequence[str]:
    return [f"{prefix}{place}" for place in range(number)]


# --- plan -------------------------------------------------------------------------------------------------------------


def test_a_plan_is_in_apply_order_in_slices_of_whole_calls(making: Making) -> None:
    making.add("enrollment", "remove", "k|r").add("enrollment", "create", "k|c")
    making.add("user", "update", *some(10, "u")).add("user", "create", "n").add("building", "create", "org:A")
    making.add("user", "adopt", "a").add("user", "create", "h", state="held")
    plan = making.write()
    assert [(group.kind, group.action, group.count) for group in plan.groups] == [
        ("building", "create", 1), ("user", "adopt", 1), ("user", "create", 1), ("user", "update", 10),
        ("enrollment", "create", 1), ("enrollment", "remove", 1),
    ]  # fmt: skip
    parts = list(slices(plan))
    assert [part.number for part in parts] == list(range(7))
    sizes = [part.last_seq - part.first_seq + 1 for part in parts]
    assert sizes == [1, 1, 1, 6, 4, 1, 1], "six is the most whole calls of three within eight"
    reader = PlanReader(making.db, plan, making.blobs)
    keys = [change.key for part in parts for change in reader.changes(part)]
    assert keys == ["org:A", "a", "n", *some(10, "u"), "k|c", "k|r"], "in the order in which they were added"


def test_slices_of_a_large_plan_are_read_within_little_memory(making: Making) -> None:
    """A first load of a large district has millions of changes; many runs apply at once in one process."""
    making.db.execute("""
        INSERT INTO changes_user BY NAME
        SELECT 'create' AS action, range::VARCHAR AS key, 'A' AS school, 'send' AS state,
               to_json({'x': list_transform(range(20), lambda n: md5(concat(range, '-', n)))})::VARCHAR AS after
        FROM range(130_000)""")
    plan = making.write()
    with connect(memory="40MB") as db:
        reader = PlanReader(db, plan, making.blobs)
        parts = list(slices(plan))
        assert [change.key for change in reader.changes(parts[-1])][-1] == "129999"
        assert len(reader.changes(parts[1000])) == 6


def test_a_change_names_what_differs(making: Making) -> None:
    before, after = json.dumps({"first_name": "A", "email": None}), json.dumps({"first_name": "B", "email": None})
    plan = making.add("user", "update", "u", before=before, after=after, lms_id="7").write()
    [change] = PlanReader(making.db, plan, making.blobs).changes(next(slices(plan)))
    assert (change.before, change.after, change.lms_id) == (
        {"first_name": "A"}, {"first_name": "B", "email": None}, "7",
    )  # fmt: skip


def test_a_plan_is_known_by_its_rows_its_ledger_and_its_settings(tmp_path: Path) -> None:
    def digest(name: str, keys: Sequence[str], **more: Any) -> str:
        return Making(tmp_path / name).add("user", "create", *keys).write(**more).digest

    first = digest("a", ["u1", "u2"])
    assert first == digest("b", ["u1", "u2"])
    others = {digest("c", ["u1"]), digest("d", ["u1", "u2"], ledger_version=2)}
    assert len({first, *others, digest("e", ["u1", "u2"], settings_digest="t")}) == 4


def test_an_empty_plan_has_no_groups(making: Making) -> None:
    plan = making.write()
    assert (plan.groups, plan.files, list(slices(plan))) == ([], {}, [])


# --- guard ------------------------------------------------------------------------------------------------------------


@pytest.mark.rule(25)
@pytest.mark.parametrize(("there", "removed", "held"), [(20, 2, False), (19, 2, True), (5, 1, False), (30, 3, False)])
def test_more_than_percent_and_at_least_from(making: Making, there: int, removed: int, held: bool) -> None:
    holds = making.ledger("guardian_link", there).add("guardian_link", "remove", *some(removed)).guard()
    assert [(hold.count, hold.of, hold.school) for hold in holds] == ([(removed, there, "A")] if held else [])
    assert set(making.states("guardian_link").values()) == {"held" if held else "send"}


@pytest.mark.rule(25)
def test_what_is_left_counts_for_the_whole_organization(making: Making) -> None:
    making.ledger("guardian_link", 9, "A").ledger("guardian_link", 9, "B").ledger("guardian_link", 9, "C")
    making.add("guardian_link", "remove", "A0", school="A").add("guardian_link", "remove", "B0", school="B")
    making.add("guardian_link", "remove", "C0", "C1", "C2", school="C")
    holds = making.guard()
    assert [(hold.school, hold.count, hold.of) for hold in holds] == [("C", 3, 9)]
    making.add("guardian_link", "remove", "B1", school="B")
    holds = Making.guard(_again(making))
    assert {(hold.school, hold.count) for hold in holds} == {("C", 3), ("B", 2)}


def _again(making: Making) -> Making:
    """Forget what the guard has said."""
    for kind in KINDS:
        making.db.execute(f"UPDATE changes_{kind} SET state = 'send', reason = NULL")
        making.db.execute(f"DROP TABLE IF EXISTS available_{kind}")
        making.db.execute(f"DROP TABLE IF EXISTS known_{kind}")
    making.db.execute("DROP TABLE permit")
    return making


@pytest.mark.rule(3)
def test_yearly_kinds_are_measured_by_their_own_year(making: Making) -> None:
    making.ledger("enrollment", 100, year="2026").ledger("enrollment", 4, year="2027")
    assert [hold.of for hold in making.add("enrollment", "remove", "A0", "A1").guard()] == [4]


@pytest.mark.rule(25)
def test_creating_is_limited_only_after_the_first_full_sync(making: Making) -> None:
    making.add("building", "create", *some(9))
    assert making.guard(grown=False) == []
    assert [hold.action for hold in _again(making).guard()] == ["create"]


def test_marked_changes_are_held_one_hold_a_cause(making: Making) -> None:
    making.ledger("course", 100).add("course", "update", "A1", "A2", reason="moved").add("course", "update", "A3")
    [hold] = making.guard()
    assert (hold.reason, hold.count) == ("moved", 2)
    assert making.states("course") == {"A1": "held", "A2": "held", "A3": "send"}


@pytest.mark.rule(26)
def test_a_permit_lets_exactly_its_changes_pass(making: Making) -> None:
    making.ledger("course", 100).add("course", "update", "A1", "A2", reason="moved")
    [hold] = making.guard()
    kept = keep_holds(making.db, [hold], making.folder, making.blobs)
    permit = Permit(hold.id, kept[hold.id], None)
    making.db.execute("UPDATE changes_course SET after = '{}' WHERE key = 'A2'")
    making.db.execute("CREATE TABLE kept AS FROM changes_course")
    _again(making).db.execute("UPDATE changes_course SET reason = 'moved'")
    assert [hold.count for hold in making.guard(permits=[permit])] == [1]
    assert making.states("course") == {"A1": "send", "A2": "held"}


@pytest.mark.rule(27)
@pytest.mark.parametrize(
    ("retry_in", "digest", "state"), [(1, "same", "waiting"), (-1, "same", "send"), (1, "other", "send")]
)
def test_a_paused_refusal_waits_until_its_day_or_a_change(
    making: Making, retry_in: int, digest: str, state: str
) -> None:
    making.add("building", "create", "A1")
    if digest == "same":
        [(digest,)] = making.db.execute("SELECT md5(coalesce(after, '')) FROM changes_building").fetchall()
    refusal = Refusal("building", "A1", digest, "no", 3, NOW, NOW + timedelta(days=retry_in))
    making.guard(refusals=[refusal])
    assert making.states("building") == {"A1": state}


@pytest.mark.rule(5)
def test_what_the_run_does_not_cover_is_left_out(making: Making) -> None:
    making.add("user", "create", "u1", school="A").add("user", "create", "u2", school="B").add("course", "create", "c")
    making.guard(kinds=("user",), schools=("B",))
    assert making.states("user") == {"u2": "send"}
    assert making.states("course") == {}


def test_children_of_what_is_held_wait_and_of_what_is_nowhere_are_blocked(making: Making) -> None:
    making.ledger("user", 1).add("section", "create", "k1").add("section", "create", "k2", reason="periods")
    making.add("enrollment", "create", "k1|A0", p_section="k1", p_user="A0")
    making.add("enrollment", "create", "k2|A0", p_section="k2", p_user="A0")
    making.add("enrollment", "create", "k1|who", p_section="k1", p_user="who")
    making.guard(grown=False)
    assert making.states("enrollment") == {"k1|A0": "send", "k2|A0": "waiting", "k1|who": "blocked"}
    found = making.db.execute("SELECT code, collection, id, dependants FROM found").fetchall()
    assert found == [("PARENT_NOT_SYNCED", "user", "who", 1)]


@pytest.mark.rule(25)
def test_shrunk_is_under_half_or_empty() -> None:
    before = {"users|A": 10, "users|B": 10, "users|C": 1, "users|D": 0}
    assert shrunk_since({"users|A": 4, "users|B": 5}, before) == {"users|A", "users|C"}
