"""The tests' own short cut: a run that went just so before is not worked again, and leaves what it left then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rollbook.pipeline import roster_run
from tests import replays
from tests.districts import Organization, small


@pytest.fixture(autouse=True)
def worked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Nothing was lived through yet, whatever was in this process before. Every run worked from now on is listed."""
    monkeypatch.setattr(replays, "_lived", type(replays._lived)())
    monkeypatch.setattr(replays, "_first_seen", {})
    runs: list[Any] = []
    real = Organization._river

    def river(*given: Any) -> Any:
        runs.append(given)
        return real(*given)

    monkeypatch.setattr(Organization, "_river", river)
    return runs


def _two_days(folder: Path) -> list[Any]:
    org = Organization(folder, small(), limits={"remove": {"percent": 100, "from": 100}})
    seen: list[Any] = []
    for change in (lambda: None, lambda: org.district.put("users", "sue", givenName="Susan"),
                   lambda: org.district.drop("enrollments", "k1-sam-student")):  # fmt: skip
        change()
        sam = org.stored("user", "sam") if org.users else None
        result = org.next_day().run()
        assert sam is None or org.stored("user", "sam") is sam
        world, calls = org.world, org.lms.calls
        seen += [org.sent, org.snapshot(), {kind: org.ledger(kind) for kind in ("user", "enrollment")}, calls]
        seen += [result.state, result.kinds, result.facts, org.findings(result), world.memory.facts(), world.runs]
    return seen


def test_it_leaves_what_the_worked_run_left(tmp_path: Path, worked: list[Any]) -> None:
    first = _two_days(tmp_path / "first")
    assert len(worked) == 3
    assert _two_days(tmp_path / "second") == first
    assert len(worked) == 3, "nothing was worked again"


def _another_moment(org: Organization) -> None:
    org.next_day()


def _another_row(org: Organization) -> None:
    org.district.put("users", "sam", givenName="Samuel")


def _another_object(org: Organization) -> None:
    org.lms.add("user", "zoe", {"first_name": "Zoe", "additional_buildings": []})


def _a_fault(org: Organization) -> None:
    org.lms.faults.refuse["sam"] = "no room"


def _a_watcher(org: Organization) -> None:
    org.target.__dict__["read"] = org.target._target.read


def _a_journal(org: Organization) -> None:
    org.world.wrap = lambda journal: journal


@pytest.mark.parametrize(
    "change", [_another_moment, _another_row, _another_object, _a_fault, _a_watcher, _a_journal]
)  # fmt: skip
def test_what_a_test_does_first_is_noticed(
    tmp_path: Path, worked: list[Any], change: Callable[[Organization], None]
) -> None:
    Organization(tmp_path / "first", small()).run()
    org = Organization(tmp_path / "second", small())
    change(org)
    org.run()
    assert len(worked) == 2


def test_a_patched_function_is_noticed(tmp_path: Path, worked: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    Organization(tmp_path / "first", small()).run()
    real = roster_run.settle
    monkeypatch.setattr(roster_run, "settle", lambda *given: real(*given))
    Organization(tmp_path / "second", small()).run()
    assert len(worked) == 2


def test_a_damaged_file_is_noticed(tmp_path: Path, worked: list[Any]) -> None:
    organizations = [Organization(tmp_path / name, small()) for name in ("first", "second")]
    for org in organizations:
        org.run()
    assert len(worked) == 1
    organizations[0].next_day().run()
    blobs = organizations[1].world.blobs._folder
    for path in blobs.iterdir():
        path.write_bytes(b"damaged")
    with pytest.raises(Exception, match="damaged"):
        organizations[1].next_day().run()
