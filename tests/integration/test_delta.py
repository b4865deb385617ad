"""Delta reads: they end where whole reads end, over CSV and REST, and never remove what they cannot know of."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rollbook.connectors.base import Context, Source
from rollbook.connectors.kit import parse as options
from rollbook.connectors.memory import space as spaces
from rollbook.connectors.memory.server import code_of
from rollbook.connectors.registry import connector
from rollbook.core.stored import RunResult
from rollbook.practice.district import generate
from rollbook.practice.server import serve
from rollbook.practice.sis import create_sis
from rollbook.roster.lms import KINDS
from rollbook.roster.settings import parse
from rollbook.testing.world import MemoryWorld, NeverCancelled
from tests.staged import quick_runs

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
WIDE = {name: {"percent": 100, "from": 10_000} for name in ("remove", "update", "create")}
#: References hold LMS ids, which depend on the order of creation.
REFERENCES = {field for kind in KINDS.values() for field in kind.parents}


class District:
    """An organization with the memory LMS and any source, run day by day."""

    def __init__(self, folder: Path, *, delta: bool) -> None:
        self.name = str(folder)
        self.folder = folder
        self.world = MemoryWorld(folder / "world")
        roles = {"*": {"student": "Student", "teacher": "Teacher", "guardian": "Parent", "*": "skip"}}
        document = {
            "organization": {"slug": "delta", "name": "Delta"},
            "sis": {"connector": "oneroster_csv", "delta": delta},
            "lms": {"connector": "memory"},
            "active_year": "2027",
            "schools": {"*": "create"},
            "terms": {"*": {"*": "create"}},
            "roles": roles,
            "limits": WIDE,
        }
        self.settings = parse(document)
        memory = connector("memory")
        assert memory.target is not None
        self.target = memory.target(options(memory.options, {"space": self.name}), self.context("lms"))

    def context(self, name: str) -> Context:
        work = self.folder / name
        work.mkdir(parents=True, exist_ok=True)
        return Context(work=work, cancel=NeverCancelled(), count=lambda attempts=1: None, allow_private_hosts=True)

    def csv(self, path: Path) -> Source:
        made = connector("oneroster_csv")
        assert made.source is not None
        return made.source(options(made.options, {"path": str(path)}), self.context(f"csv-{path.name}"))

    def run(self, source: Source, day: int) -> RunResult:
        try:
            with quick_runs():
                return self.world.run(source, self.target, self.settings, now=NOW + timedelta(days=day))
        finally:
            source.close()

    def state(self) -> dict[str, list[tuple[str, list[tuple[str, Any]]]]]:
        space = spaces.space(self.name)
        return {kind: sorted(_seen(space, kind, stored) for stored in space.all(kind)) for kind in KINDS}


def _seen(space: spaces.Space, kind: str, stored: spaces.Stored) -> tuple[str, list[tuple[str, Any]]]:
    """By external ids: the LMS's own depend on the order of creation."""
    fields = sorted((name, str(value)) for name, value in stored.fields.items() if name not in REFERENCES)
    return code_of(space, kind, stored), fields


@pytest.fixture
def district(tmp_path: Path) -> Iterator[Callable[..., District]]:
    made: list[District] = []

    def make(name: str, *, delta: bool) -> District:
        made.append(District(tmp_path / name, delta=delta))
        return made[-1]

    yield make
    for each in made:
        spaces.forget(each.name)


def _days(folder: Path, version: str, *mess: str) -> list[Path]:
    return generate(folder, students=60, seed=5, days=2, version=version, mess=mess, change=0.1)


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_csv_deltas_end_where_whole_files_end(version: str, tmp_path: Path, district: Callable[..., District]) -> None:
    whole, delta = district("whole", delta=False), district("delta", delta=True)
    for day, path in enumerate(_days(tmp_path / "full", version)):
        expected = whole.run(whole.csv(path), day)
    for day, path in enumerate(_days(tmp_path / "changes", version, "delta-mode")):
        result = delta.run(delta.csv(path), day)
    assert delta.state() == whole.state()
    assert result.kinds == expected.kinds
    assert sum(kind["remove"] for kind in result.kinds.values()) > 0, "the last day should take something away"


def test_a_column_that_a_delta_leaves_out_is_unchanged(tmp_path: Path, district: Callable[..., District]) -> None:
    whole, delta = district("whole", delta=False), district("delta", delta=True)
    for day, path in enumerate(_days(tmp_path / "full", "1.1")):
        whole.run(whole.csv(path), day)
    for day, path in enumerate(_days(tmp_path / "changes", "1.1", "delta-mode")):
        for name, column in (("users", "email"), ("classes", "location")) if day else ():
            _leave_out(path / f"{name}.csv", column)
        before = _fields(delta, "email")
        result = delta.run(delta.csv(path), day)
    assert "COLUMN_GONE" not in result.findings
    after = _fields(delta, "email")
    assert {code: after[code] for code in before} == before
    assert _fields(delta, "last_name") == _fields(whole, "last_name"), "the rest of the delta counts"


def _fields(district: District, name: str) -> dict[str, Any]:
    return {code: dict(fields)[name] for code, fields in district.state()["user"]}


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _write(path: Path, rows: list[dict[str, str]], without: str = "") -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [name for name in rows[0] if name != without], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def _leave_out(path: Path, column: str) -> None:
    rows = _rows(path)
    assert rows, "the delta has no records to leave anything out of"
    _write(path, rows, without=column)


@pytest.mark.rule(13)
@pytest.mark.parametrize("sent_again", [False, True])
def test_who_may_be_disabled_gets_no_account_by_a_delta_either(
    sent_again: bool, tmp_path: Path, district: Callable[..., District]
) -> None:
    """`sent_again`: by a delta whose file does not have the column."""
    first, second = _days(tmp_path / "changes", "1.1", "delta-mode")
    changed = {row["sourcedId"] for row in _rows(second / "users.csv") if row["status"] == "active"}
    people = _rows(first / "users.csv")
    row = next(row for row in people if row["role"] == "student" and (row["sourcedId"] in changed) == sent_again)
    key = row["sourcedId"]
    _write(first / "users.csv", [each | {"enabledUser": "maybe"} if each == row else each for each in people])
    _leave_out(second / "users.csv", "enabledUser")
    delta = district("delta", delta=True)
    for day, path in enumerate((first, second)):
        result = delta.run(delta.csv(path), day)
        assert key not in _fields(delta, "email")
        assert result.findings["VALUE_UNREADABLE"] == 1
    assert not result.verdicts


@pytest.mark.rule(20)
def test_a_delta_without_an_earlier_whole_read_removes_nothing(
    tmp_path: Path, district: Callable[..., District]
) -> None:
    first, second = _days(tmp_path / "changes", "1.1", "delta-mode")
    careless = district("careless", delta=False)
    careless.run(careless.csv(first), 0)
    before = careless.state()["enrollment"]
    result = careless.run(careless.csv(second), 1)
    assert result.findings["SOURCE_INCOMPLETE"] > 0
    assert "delta: true" in result.verdicts["enrollments"]
    assert result.kinds["enrollment"]["remove"] == 0
    gone = {code for code, _ in before} - {code for code, _ in careless.state()["enrollment"]}
    assert gone == set()


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_rest_deltas_ask_only_for_changes_and_end_equal(
    version: str, tmp_path: Path, district: Callable[..., District]
) -> None:
    first, second = _days(tmp_path / "full", version)
    moment = [datetime.now(UTC) - timedelta(days=2)]
    app = create_sis(first, version=version, clock=lambda: moment[0], expires_in=10 * 86400)
    whole, delta = district("whole", delta=False), district("delta", delta=True)
    with serve(app) as sis:
        for each in (whole, delta):
            each.run(_rest(each, sis.url, version), 0)
        moment[0] = datetime.now(UTC)
        httpx2.post(f"{sis.url}/_practice/load", json={"directory": str(second)}).raise_for_status()
        whole.run(_rest(whole, sis.url, version), 1)
        httpx2.post(f"{sis.url}/_practice/reset-counters").raise_for_status()
        result = delta.run(_rest(delta, sis.url, version), 1)
        asked = httpx2.get(f"{sis.url}/_practice/requests").text
    assert "dateLastModified" in asked
    assert delta.state() == whole.state()
    assert result.verdicts == {}


def _rest(district: District, url: str, version: str) -> Source:
    made = connector("oneroster_rest")
    assert made.source is not None
    base = {"1.1": "/ims/oneroster/v1p1", "1.2": "/ims/oneroster/rostering/v1p2"}[version]
    chosen = {
        "partner": f"generic-{version}",
        "base_url": url + base,
        "token_url": f"{url}/token",
        "key": "practice",
        "secret": "practice",
    }
    work = district.context(f"rest-{len(list(district.folder.iterdir()))}")
    return made.source(options(made.options, chosen), work)
