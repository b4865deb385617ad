"""The Moodle connector keeps every promise of a target, before the practice Moodle."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx2
import pytest

from rollbook.connectors.base import Target
from rollbook.connectors.moodle import MoodleOptions
from rollbook.connectors.moodle.target import MoodleTarget
from rollbook.roster.changes import LiveRecord
from rollbook.testing import CountingContext, TargetContract
from rollbook.testing.target_contract import PASSWORD
from tests.integration.moodle_world import ROOT, TOKEN, Switch, switched

#: What each kind looks like in the database of the practice Moodle: id, external id and some fields.
QUERIES = {
    "building": f"SELECT id, idnumber AS code, name AS title FROM categories WHERE parent = {ROOT}",
    "user": (
        "SELECT id, idnumber AS code, firstname AS first_name, lastname AS last_name, "
        "json_extract(fields, '$.middlename') AS middle_name FROM users WHERE suspended = 0 AND idnumber != ''"
    ),
    "course": (
        "SELECT id, idnumber AS code, name AS title FROM categories "
        f"WHERE parent IN (SELECT id FROM categories WHERE parent = {ROOT})"
    ),
    "section": "SELECT id, idnumber AS code, fullname AS title FROM courses WHERE id != 1",
    "enrollment": (
        "SELECT e.course || '|' || e.user AS id, c.idnumber || '|' || u.idnumber AS code, "
        "EXISTS (SELECT 1 FROM role_assignments r WHERE r.course = c.id AND r.user = u.id AND role = 3) AS admin "
        "FROM enrolments e JOIN courses c ON c.id = e.course JOIN users u ON u.id = e.user WHERE e.status = 0"
    ),
}
FAULTS: dict[str, dict[str, Any]] = {
    "lose_before": {"name": "cut", "method": "WRITE", "times": 1},
    "lose_after": {"name": "drop_answer", "method": "WRITE", "times": 1},
    "throttle": {"name": "throttle", "retry_after": 3600},
    "cut": {"name": "cut"},
    "wrong_key": {"name": "invalid_token"},
    "half_read": {"name": "truncate", "path": "core_user_get_users"},
}


@pytest.fixture(scope="module")
def switch() -> Iterator[Switch]:
    with switched() as running:
        yield running


class WithoutSiteAccounts(MoodleTarget):
    """The suite wants an LMS without people; a real one has a guest, an administrator and the token's account."""

    def read(self, kind: str, *, within: Sequence[str] = ()) -> Iterator[LiveRecord]:
        return (each for each in super().read(kind, within=within) if kind != "user" or each.code)


class MoodleContract(TargetContract):
    secrets = (TOKEN,)
    more: dict[str, Any] = {}  # noqa: RUF012 - never changed
    site: dict[str, Any] = {}  # noqa: RUF012 - never changed

    @pytest.fixture
    def store(self, switch: Switch) -> Any:
        return switch.put_on(**self.site).store

    @pytest.fixture
    def url(self, switch: Switch, store: Any) -> str:
        return switch.url

    @pytest.fixture
    def target(self, context: CountingContext, url: str) -> Iterator[Target]:
        options = MoodleOptions(base_url=url, token=TOKEN, root_category=ROOT, **self.more)
        made = WithoutSiteAccounts(options, context)
        yield made
        made.close()

    @pytest.fixture
    def peek(self, store: Any) -> Callable[[str], Sequence[LiveRecord]]:
        def look(kind: str) -> list[LiveRecord]:
            rows = [dict(row) for row in store.all(f"{QUERIES[kind]} ORDER BY 1")] if kind in QUERIES else []
            return [LiveRecord(kind=kind, lms_id=str(row.pop("id")), code=row.pop("code"), fields=row) for row in rows]

        return look

    @pytest.fixture
    def fault(self, url: str) -> Callable[[str], None]:
        def tell(name: str) -> None:
            httpx2.post(f"{url}/_practice/faults", json={"on": [FAULTS[name]]}).raise_for_status()

        return tell

    @pytest.fixture
    def refuse(self, url: str) -> Callable[[str], None]:
        """Moodle refuses a username that somebody else has."""

        def squat(key: str) -> None:
            name = f"zquimbleton-{key}"
            form = {"username": name, "password": PASSWORD, "firstname": "S", "lastname": "Q", "email": "sq@b.example"}
            fields = {f"users[0][{field}]": value for field, value in form.items()}
            fields |= {"wstoken": TOKEN, "moodlewsrestformat": "json", "wsfunction": "core_user_create_users"}
            assert "exception" not in httpx2.post(f"{url}/webservice/rest/server.php", data=fields).json()[0]

        return squat

    @pytest.fixture
    def password_of(self, url: str) -> Callable[[str], str | None]:
        def password(key: str) -> str | None:
            asked = {"username": f"zquimbleton-{key}", "password": PASSWORD}
            found = httpx2.post(f"{url}/_practice/check-password", json=asked).json()
            return PASSWORD if found["matches"] and found["times_set"] == 1 and found["force_change"] else None

        return password


class TestMoodleTarget(MoodleContract):
    """Courses of the SIS are categories below their buildings; who leaves is suspended; calls are small."""

    more = {"courses": "category", "batch_size": 3}  # noqa: RUF012 - never changed


class TestWithoutCourses(MoodleContract):
    """Sections lie in their buildings; who leaves is unenrolled; an old release, on a database that
    compares without case and accents."""

    more = {"leavers": "unenrol"}  # noqa: RUF012 - never changed
    site = {"dbtype": "mysqli", "moodle": "4.1", "max_input_vars": 1000}  # noqa: RUF012 - never changed
