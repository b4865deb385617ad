"""The LMS ids that changes bring along."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from rollbook.core.duck import write_parquet
from rollbook.core.references import References
from rollbook.roster.changes import Change, Outcome
from rollbook.testing.builders import change, enrollment
from rollbook.testing.world import FolderBlobs
from tests.scratch import in_memory
from tests.unit.core_kit import empty_ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Any:
    """With two accounts, one of which nobody knows the id, and a building."""
    blobs, files = FolderBlobs(tmp_path / "blobs"), {}
    empty = empty_ledger(tmp_path)
    for kind, rows in (("user", "('ann', '7'), ('cy', NULL)"), ("building", "('org:A', '1'), ('org:B', '2')")):
        path = tmp_path / f"{kind}.parquet"
        known = f"SELECT key, lms_id FROM (VALUES {rows}) t (key, lms_id)"
        write_parquet(in_memory(), known, path)
        columns = [row[0] for row in empty.execute(f"DESCRIBE ledger_{kind}").fetchall()]
        chosen = ", ".join(c if c in ("key", "lms_id") else f'NULL::VARCHAR AS "{c}"' for c in columns)
        whole = tmp_path / f"whole-{kind}.parquet"
        write_parquet(in_memory(), f"SELECT {chosen} FROM read_parquet('{path}')", whole)
        files[kind] = blobs.put(whole)
    return empty_ledger(tmp_path, files)


def refs(references: References, *changes: Change) -> list[dict[str, Any]]:
    return [each.refs for each in references.complete(changes)]


def test_enrollments_name_accounts_of_the_ledger_and_of_this_run(ledger: Any) -> None:
    references = References(ledger, users_by_id=True)
    people = [enrollment("k1", name) for name in ("ann", "ben", "cy", "dee")]
    assert refs(references, *people) == [{"user": "7", "user.role": None}, {}, {}, {}]
    for name, status, lms_id in (("ben", "done", "8"), ("cy", "unknown", "9"), ("ann", "done", "70")):
        references.learn(change("user", name, {"role": "teacher"}), Outcome(status=status, lms_id=lms_id))
    renamed = msgspec.structs.replace(change("user", "old", {"role": "student"}, "rekey"), new_key="dee", lms_id="10")
    references.learn(renamed, Outcome(status="done"))
    assert refs(references, *people) == [
        {"user": "70", "user.role": "teacher"}, {"user": "8", "user.role": "teacher"}, {},
        {"user": "10", "user.role": "student"},
    ]  # fmt: skip


def test_elsewhere_codes_are_enough(ledger: Any) -> None:
    assert refs(References(ledger), enrollment("k1", "ann")) == [{}]


def test_a_user_who_moves_brings_the_buildings_that_are_left(ledger: Any) -> None:
    moves = msgspec.structs.replace(
        change("user", "ann", {"building": "org:B", "additional_buildings": ["org:A"]}, "update"),
        before={"building": "org:A", "additional_buildings": ["org:B", "org:C"]},
    )
    assert refs(References(ledger), moves) == [
        {"before.building": "1", "building": "2", "before.additional_buildings": ["2", None],
         "additional_buildings": ["1"]}
    ]  # fmt: skip
