"""The Schoology connector keeps every promise of a target, before the practice LMS."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rollbook.connectors.base import Target
from rollbook.connectors.schoology import SchoologyOptions
from rollbook.connectors.schoology.target import SchoologyTarget
from rollbook.practice.lms import create_lms
from rollbook.practice.server import serve
from rollbook.roster.changes import LiveRecord
from rollbook.testing import CountingContext, TargetContract
from rollbook.testing.target_contract import PASSWORD

SECRET = "secret-that-nobody-may-see"
KEY_OWNER = "practice-admin"

#: What each kind looks like in the database of the practice LMS: id, external id and some fields.
QUERIES = {
    "building": "SELECT id, building_code AS code, title FROM schools WHERE parent IS NOT NULL",
    "grading_period": 'SELECT id, title AS code, title, start, "end" FROM periods',
    "user": (
        "SELECT id, school_uid AS code, name_first AS first_name, name_last AS last_name, "
        "json_extract(fields, '$.name_middle') AS middle_name FROM users "
        f"WHERE inactive_at IS NULL AND school_uid != '{KEY_OWNER}'"
    ),
    "guardian_link": (
        "SELECT child || '|' || adult AS id, c.school_uid || '|' || a.school_uid AS code FROM links "
        "JOIN users c ON c.id = child JOIN users a ON a.id = adult"
    ),
    "course": "SELECT id, course_code AS code, title FROM courses",
    "section": "SELECT id, section_school_code AS code, title FROM sections",
    "enrollment": (
        "SELECT e.id, section_school_code || '|' || school_uid AS code, admin FROM enrollments e "
        "JOIN sections s ON s.id = section_id JOIN users u ON u.id = user_id WHERE status = 1"
    ),
}
FAULTS: dict[str, dict[str, Any]] = {
    "lose_before": {"name": "cut", "method": "POST+PUT+DELETE", "times": 1},
    "lose_after": {"name": "drop_answer", "method": "POST+PUT+DELETE", "times": 1},
    "throttle": {"name": "throttle", "retry_after": 3600},
    "cut": {"name": "cut"},
    "wrong_key": {"name": "unauthorized"},
    "half_read": {"name": "drift", "path": "/v1/users"},
}


class WithoutKeyOwner(SchoologyTarget):
    """The suite wants an LMS without people; a real one has at least the account whose key is used."""

    def read(self, kind: str, *, within: Sequence[str] = ()) -> Iterator[LiveRecord]:
        return (each for each in super().read(kind, within=within) if each.code != KEY_OWNER)


class TestSchoologyTarget(TargetContract):
    secrets = (SECRET,)

    @pytest.fixture
    def database(self, tmp_path: Path) -> Path:
        return tmp_path / "lms.sqlite3"

    @pytest.fixture
    def url(self, database: Path) -> Iterator[str]:
        with serve(create_lms(database, secret=SECRET)) as running:
            yield running.url

    @pytest.fixture
    def target(self, context: CountingContext, url: str) -> Iterator[Target]:
        options = SchoologyOptions(base_url=f"{url}/v1", key="practice", secret=SECRET, page_size=2, credits=1000)
        made = WithoutKeyOwner(options, context)
        yield made
        made.close()

    @pytest.fixture
    def peek(self, database: Path) -> Callable[[str], Sequence[LiveRecord]]:
        def look(kind: str) -> list[LiveRecord]:
            with closing(sqlite3.connect(database)) as db:
                db.row_factory = sqlite3.Row
                rows = [dict(row) for row in db.execute(f"{QUERIES[kind]} ORDER BY 1")]
            return [LiveRecord(kind=kind, lms_id=str(row.pop("id")), code=row.pop("code"), fields=row) for row in rows]

        return look

    @pytest.fixture
    def fault(self, url: str) -> Callable[[str], None]:
        return lambda name: self._tell(url, FAULTS[name])

    @pytest.fixture
    def refuse(self, url: str) -> Callable[[str], None]:
        """The practice LMS refuses by place in the call; the suite's users end in their number."""
        return lambda key: self._tell(url, {"name": "refuse_items", "each": int(key.rpartition("u")[2])})

    @pytest.fixture
    def password_of(self, url: str) -> Callable[[str], str | None]:
        def password(key: str) -> str | None:
            asked = {"school_uid": key, "password": PASSWORD}
            found = httpx2.post(f"{url}/_practice/check-password", json=asked).json()
            return PASSWORD if found["matches"] and found["times_set"] == 1 else None

        return password

    def _tell(self, url: str, fault: dict[str, Any]) -> None:
        httpx2.post(f"{url}/_practice/faults", json={"on": [fault]}).raise_for_status()
