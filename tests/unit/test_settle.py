"""Settle: plan × outcomes → the new ledger, and what is remembered of refusals."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rollbook.core.changes_table import create_tables
from rollbook.core.ledger_files import load
from rollbook.core.outcomes import load_outcomes, load_plan
from rollbook.core.people_files import FILES
from rollbook.core.plan import slices, write_plan
from rollbook.core.protocols import Progress
from rollbook.core.refusals import PAUSE, remember_refusals
from rollbook.pipeline.settle import settle
from rollbook.roster.changes import DONE, REFUSED, UNKNOWN, WAITING, Outcome
from rollbook.roster.lms import KEYS, KINDS
from rollbook.testing.world import FolderBlobs, MemoryJournal, MemoryLedger, MemoryMemory
from tests.scratch import in_memory
from tests.unit.core_kit import ScriptedTarget

NOW = datetime(2026, 11, 23, tzinfo=UTC)
Row = dict[str, Any]


class Books:
    """A ledger that plans are settled into, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.blobs, self.ledger, self.memory = (
            folder,
            FolderBlobs(folder / "blobs"),
            MemoryLedger(),
            MemoryMemory(),
        )
        self.now = NOW

    def settle(self, rows: Sequence[tuple[str, Row]], outcomes: Mapping[str, Outcome | None]) -> int:
        """Settle a plan of `rows` (kind, change). `outcomes` by key, or by "action key": without one it is done, None
        means that the process died before it wrote the answer down."""
        with in_memory() as db:
            create_tables(db)
            for kind, row in rows:
                names, marks = ", ".join(row), ", ".join("?" * len(row))
                db.execute(f"INSERT INTO changes_{kind} ({names}) VALUES ({marks})", list(row.values()))
            version = self.ledger.current()
            load(db, version, self.blobs)
            plan = write_plan(
                db, self.folder / "plan", self.blobs, ScriptedTarget(bulk=1, slice_size=1).traits,
                ledger_version=version.number, settings_digest="s", year="2027",
            )  # fmt: skip
            load_plan(db, plan, self.blobs)
            journal = MemoryJournal()
            for part in slices(plan):
                query = f"SELECT action, key FROM plan_{part.kind} WHERE seq = {part.first_seq}"
                [(action, key)] = db.execute(query).fetchall()
                outcome = outcomes.get(f"{action} {key}", outcomes.get(key, Outcome(status=DONE, lms_id=f"lms-{key}")))
                journal.intend(part.number, part.first_seq, part.last_seq)
                if outcome is not None:
                    journal.record(part.number, [outcome])
            load_outcomes(db, plan, journal, self.folder / "work")
            number = settle(db, plan, self.ledger, self.blobs, self.folder / "work", Progress())
            remember_refusals(db, plan, self.memory, self.now)
        return number

    def rows(self, kind: str) -> list[Row]:
        key = self.ledger.version.files.get(kind)
        if key is None:
            return []
        with in_memory() as db:
            cursor = db.execute("FROM read_parquet(?)", [str(self.blobs.get(key))])
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.fixture
def books(tmp_path: Path) -> Books:
    return Books(tmp_path)


def row(
    kind: str, action: str, key: str, *, new_key: str | None = None, lms_id: str | None = None, **fields: Any
) -> tuple[str, Row]:
    """A sendable change with all fields of its kind."""
    after = {name: [] if type_ == KEYS else None for name, type_ in KINDS[kind].fields.items()} | fields
    made = {"action": action, "key": key, "school": "A", "state": "send", "after": json.dumps(after), "year": "2027"}
    own = {"new_key": new_key, "lms_id": lms_id}
    return kind, made | {name: value for name, value in own.items() if value}


def pair(action: str, section: str, user: str, *, admin: bool = False) -> tuple[str, Row]:
    return row("enrollment", action, f"{section}|{user}", section=section, user=user, admin=admin)


def test_what_was_done_is_ours_and_what_was_refused_is_not(books: Books) -> None:
    created = [row("user", "create", key, username=key) for key in ("a", "b", "c", "d")]
    outcomes = {"b": Outcome(status=REFUSED, message="no"), "c": Outcome(status=WAITING), "d": Outcome(status=UNKNOWN)}
    assert books.settle(created, outcomes) == 1
    assert [(user["key"], user["origin"], user["lms_id"]) for user in books.rows("user")] == [
        ("a", "created", "lms-a"), ("d", "unknown", None),
    ]  # fmt: skip


def test_an_intent_without_outcome_is_ours_until_read(books: Books) -> None:
    books.settle([pair("create", "k", "u")], {"k|u": None})
    assert [(each["section"], each["user"], each["origin"]) for each in books.rows("enrollment")] == [
        ("k", "u", "unknown")
    ]
    books.settle([pair("create", "k", "u")], {})
    assert [each["origin"] for each in books.rows("enrollment")] == ["upserted"]


def test_an_unknown_removal_or_update_leaves_the_ledger_as_it_was(books: Books) -> None:
    books.settle([pair("create", "k", "u"), pair("create", "k", "v")], {})
    number = books.settle([pair("remove", "k", "u"), pair("update", "k", "v", admin=True)], {"k|u": None, "k|v": None})
    assert number == 1
    assert [(each["user"], each["admin"], each["origin"]) for each in books.rows("enrollment")] == [
        ("u", False, "upserted"), ("v", False, "upserted"),
    ]  # fmt: skip


def test_a_removal_takes_the_row_away(books: Books) -> None:
    books.settle([pair("create", "k", "u"), pair("create", "k", "v")], {})
    assert books.settle([pair("remove", "k", "u")], {}) == 2
    assert [each["user"] for each in books.rows("enrollment")] == ["v"]


def test_adopt_and_update_of_one_object_make_one_row(books: Books) -> None:
    rows = [row("user", "adopt", "a", first_name="Old"), row("user", "update", "a", lms_id="7", first_name="New")]
    books.settle(rows, {"adopt a": Outcome(status=DONE, lms_id="7"), "update a": Outcome(status=DONE)})
    assert [(each["first_name"], each["origin"], each["lms_id"]) for each in books.rows("user")] == [
        ("New", "adopted", "7")
    ]


def test_a_refused_update_after_an_adopt_keeps_what_is_there(books: Books) -> None:
    rows = [row("user", "adopt", "a", first_name="Old"), row("user", "update", "a", first_name="New")]
    books.settle(rows, {"update a": Outcome(status=REFUSED, message="no")})
    assert [(each["first_name"], each["origin"]) for each in books.rows("user")] == [("Old", "adopted")]


def test_an_update_keeps_id_and_origin(books: Books) -> None:
    books.settle([row("user", "create", "a", first_name="Old")], {})
    books.settle([row("user", "update", "a", first_name="New")], {"a": Outcome(status=DONE)})
    assert [(each["first_name"], each["origin"], each["lms_id"]) for each in books.rows("user")] == [
        ("New", "created", "lms-a")
    ]


def test_a_rekey_moves_the_row_and_everything_that_refers_to_it(books: Books) -> None:
    first = [row("user", "create", "u", username="u"), row("section", "create", "k", course="c|org:A", title="K")]
    books.settle([*first, pair("create", "k", "u"), pair("create", "k", "v")], {})
    number = books.settle([row("user", "rekey", "u", new_key="U2", username="u"),
                           row("section", "rekey", "k", new_key="K2", course="c|org:A", title="K")], {})  # fmt: skip
    assert number == 2
    assert [(each["key"], each["lms_id"]) for each in books.rows("user")] == [("U2", "lms-u")]
    assert [(each["key"], each["lms_id"]) for each in books.rows("section")] == [("K2", "lms-k")]
    assert {(each["section"], each["user"]) for each in books.rows("enrollment")} == {("K2", "U2"), ("K2", "v")}


def test_a_refused_rekey_moves_nothing(books: Books) -> None:
    books.settle([row("user", "create", "u"), pair("create", "k", "u")], {})
    assert books.settle([row("user", "rekey", "u", new_key="U2")], {"u": Outcome(status=REFUSED)}) == 1
    assert [each["key"] for each in books.rows("user")] == ["u"]
    assert [each["user"] for each in books.rows("enrollment")] == ["u"]


def test_nothing_done_makes_no_new_version(books: Books) -> None:
    assert books.settle([], {}) == 0
    assert books.settle([row("user", "create", "a")], {"a": Outcome(status=REFUSED)}) == 0


def test_only_kinds_that_changed_get_new_files(books: Books) -> None:
    books.settle([row("user", "create", "a"), pair("create", "k", "a")], {})
    before = dict(books.ledger.version.files)
    books.settle([row("user", "update", "a", first_name="New")], {})
    changed = {kind for kind, key in books.ledger.version.files.items() if before.get(kind) != key}
    assert changed == {"user", *FILES}


@pytest.mark.rule(27)
def test_refusals_are_counted_until_they_pause_and_forgotten_when_they_end(books: Books) -> None:
    for runs in (1, 2, 3):
        books.settle([row("user", "create", "a")], {"a": Outcome(status=REFUSED, message="no")})
        [refusal] = books.memory.refusals()
        assert (refusal.runs, refusal.message, refusal.first) == (runs, "no", NOW)
        assert refusal.retry_from == (books.now + PAUSE if runs == 3 else None)
        books.now += timedelta(days=1)
    books.settle([row("user", "create", "a", first_name="New")], {"a": Outcome(status=REFUSED, message="no")})
    assert [refusal.runs for refusal in books.memory.refusals()] == [1], "a changed record begins anew"
    books.settle([row("user", "create", "a", first_name="New")], {})
    assert list(books.memory.refusals()) == []
