"""The OneRoster source against every named fault of the practice SIS: right rows, or an honest verdict or error."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rollbook.connectors.base import ReadRequest, Source, Verdict
from rollbook.connectors.kit import parse
from rollbook.connectors.oneroster_rest import CONNECTOR
from rollbook.errors import AuthFailed, BadResponse, ConfigError, RollbookError, Throttled, Unavailable
from rollbook.practice.server import Running, serve
from rollbook.practice.sis import create_sis, fault_names
from tests.unit.fake_provider import context

DATA = Path(__file__).parent.parent / "data"
FOLDERS = {"1.1": DATA / "maple-valley-1.1", "1.2": DATA / "maple-valley"}
PATHS = {"1.1": "/ims/oneroster/v1p1", "1.2": "/ims/oneroster/rostering/v1p2"}
KEY, SECRET = "district-key", "district-hush"
#: Asks the practice SIS to misbehave; one connection a call, so that none is left open.
CONTROL = httpx2.Client(headers={"connection": "close"})
Rows = dict[str, list[dict[str, str | None]]]


@pytest.fixture(scope="module", params=["1.1", "1.2"])
def served(request: pytest.FixtureRequest) -> Iterator[tuple[str, Running]]:
    app = create_sis(FOLDERS[request.param], version=request.param, key=KEY, secret=SECRET)
    with serve(app) as running:
        yield request.param, running


@pytest.fixture
def sis(served: tuple[str, Running]) -> tuple[str, str]:
    """Version and address of a practice SIS without faults, as it was before any of them."""
    version, running = served
    CONTROL.post(f"{running.url}/_practice/load", json={"directory": str(FOLDERS[version])}).raise_for_status()
    CONTROL.post(f"{running.url}/_practice/faults", json={"clear": True}).raise_for_status()
    return version, running.url


def turn_on(url: str, *faults: str) -> None:
    CONTROL.post(f"{url}/_practice/faults", json={"on": list(faults)}).raise_for_status()


OPENED: list[Source] = []


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()


def connect(sis: tuple[str, str], work: Path, **options: Any) -> Source:
    version, url = sis
    values = {
        "base_url": url + PATHS[version],
        "token_url": f"{url}/token",
        "key": KEY,
        "secret": SECRET,
        "page_size": 5,
    }
    assert CONNECTOR.source is not None
    OPENED.append(CONNECTOR.source(parse(CONNECTOR.options, {**values, **options}), context(work)))
    return OPENED[-1]


def read_all(source: Source) -> tuple[Rows, dict[str, Verdict]]:
    rows: Rows = {name: [] for name in source.collections()}
    verdicts = {}
    for name in source.collections():
        reading = source.read(ReadRequest(collection=name))
        for page in reading:
            for collection, row in source.rows(name, page.body or b""):
                rows[collection].append(dict(row))
        verdicts[name] = reading.verdict
    return {name: sorted(found, key=lambda row: row["sourcedId"] or "") for name, found in rows.items()}, verdicts


def ids(rows: Rows, collection: str = "users") -> list[str | None]:
    return [row["sourcedId"] for row in rows[collection]]


def listed(version: str, collection: str) -> list[str]:
    with (FOLDERS[version] / f"{collection}.csv").open(encoding="utf-8") as file:
        return sorted(row["sourcedId"] for row in csv.DictReader(file))


def assert_quiet(words: str, version: str) -> None:
    """No secret, and none of the names, usernames and addresses in the data."""
    private = {SECRET}
    with (FOLDERS[version] / "users.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            private |= {row["givenName"], row["familyName"], row["username"], row["email"]}
    assert not [word for word in private if word and word in words]


def test_without_faults_every_row_arrives(sis: tuple[str, str], tmp_path: Path) -> None:
    version, _ = sis
    rows, verdicts = read_all(connect(sis, tmp_path))
    assert all(verdict.complete for verdict in verdicts.values())
    for collection in ("orgs", "academicSessions", "courses", "classes", "users", "enrollments"):
        assert ids(rows, collection) == listed(version, collection)
        assert verdicts[collection].count == len(rows[collection])
        assert verdicts[collection].watermark is not None
    if version == "1.2":
        assert len(rows["roles"]) == len(listed(version, "roles"))


#: Fault, then what it needs: the right rows come in spite of it.
SURVIVED: list[tuple[str, dict[str, Any]]] = [
    ("slow:seconds=0.02", {}),
    ("throttle:times=3,retry_after=0", {}),
    ("server_error:times=2", {}),
    ("server_error:times=2,status=503", {}),
    ("expire_token:uses=3", {"parallel": 1}),
    ("short_token:seconds=0.2", {}),
    ("drop_answer:times=2", {}),
    ("half_page:times=2", {}),
    ("token_down:times=2", {}),
    ("token_basic_only", {}),
    ("token_body_only", {"token_style": "body"}),
    ("token_query_only", {"token_style": "query"}),
    ("scope_required", {}),
    ("scope_core_only", {}),
    ("extra_header", {"headers": {"x-vendor-authorization": "{key}:{secret}"}}),
    ("page_cap:size=3", {}),
    ("no_total", {}),
    ("no_link", {}),
    ("x_count", {}),
    ("link_loses_filter", {"parallel": 1}),
    ("link_other_origin", {}),
    ("last_smaller_limit", {}),
    ("short_pages", {}),
    ("short_pages:percent=70", {"parallel": 1}),
    ("sort_refused", {}),
    ("sort_ignored", {}),
    ("filter_ignored", {}),
    ("fields_ignored", {"select_fields": "yes"}),
    ("flat_errors", {}),
    ("no_school_lists", {}),
    ("loose_class_lists", {}),
    ("teachers_in_students", {}),
    ("no_demographics", {}),
    ("tilde_hrefs", {}),
    ("numbers_text", {}),
    ("date_for_datetime", {}),
    ("status_inactive", {}),
    ("silent_removal", {}),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "options"), SURVIVED, ids=[fault for fault, _ in SURVIVED])
def test_survived(sis: tuple[str, str], tmp_path: Path, fault: str, options: dict[str, Any]) -> None:
    version, url = sis
    turn_on(url, fault)
    rows, verdicts = read_all(connect(sis, tmp_path, **options))
    assert [verdict for verdict in verdicts.values() if not verdict.complete] == []
    for collection in ("orgs", "academicSessions", "courses", "classes", "users", "enrollments"):
        assert ids(rows, collection) == listed(version, collection)


def test_no_total_and_no_link_together(sis: tuple[str, str], tmp_path: Path) -> None:
    turn_on(sis[1], "no_total", "no_link", "page_cap:size=4")
    rows, verdicts = read_all(connect(sis, tmp_path))
    assert verdicts["users"].complete
    assert ids(rows) == listed(sis[0], "users")


#: These bend values only; the rows are those of a provider without deviations.
BENT = [
    "nulls", "grades_text", "bool_upper", "bool_text", "bool_json", "enum_case", "datetime_for_date", "periods_list",
    "tilde_hrefs", "numbers_text", "flat_role",
]  # fmt: skip


@pytest.mark.parametrize("fault", BENT)
def test_bent_values_mean_the_same(sis: tuple[str, str], tmp_path: Path, fault: str) -> None:
    version, url = sis
    plain, _ = read_all(connect(sis, tmp_path))
    turn_on(url, fault)
    bent, verdicts = read_all(connect(sis, tmp_path))
    assert all(verdict.complete for verdict in verdicts.values())

    def comparable(rows: Rows) -> dict[str, list[dict[str, str | None]]]:
        """Case of vocabularies is the stage's business; 1.1's one role cannot say which administrator."""
        words = {"status", "type", "role", "roleType", "classType"}
        out: Rows = {}
        for name, found in rows.items():
            out[name] = [
                {key: value.lower() if key in words and value else value for key, value in row.items()} for row in found
            ]
        if fault == "flat_role":
            for row in out.get("roles", []):
                row.update(role=None, roleType=None, beginDate=None, endDate=None)
        return out

    for name, rows in comparable(plain).items():
        if version == "1.2" and fault == "flat_role" and name == "users":
            continue
        assert comparable(bent)[name] == rows, name


def test_missing_fields_leave_the_rest(sis: tuple[str, str], tmp_path: Path) -> None:
    turn_on(sis[1], "missing_fields")
    rows, verdicts = read_all(connect(sis, tmp_path))
    assert ids(rows) == listed(sis[0], "users")
    assert all(row["identifier"] is None and row["familyName"] for row in rows["users"])
    assert all(verdict.complete for verdict in verdicts.values())


@pytest.mark.parametrize("fault", ["drift_insert:rows=1", "drift_insert:rows=2", "drift:rows=1", "drift:rows=3"])
@pytest.mark.parametrize("parallel", [1, 4])
def test_drift_is_read_again(sis: tuple[str, str], tmp_path: Path, fault: str, parallel: int) -> None:
    version, url = sis
    turn_on(url, f"{fault},path=/users")
    rows, verdicts = read_all(connect(sis, tmp_path, parallel=parallel))
    found, expected = ids(rows), listed(version, "users")
    assert verdicts["users"].complete, verdicts["users"].reason
    assert len(found) == len(set(found))
    gone = int(fault[-1]) if "remove" in fault else 0
    assert set(expected[gone:]) <= set(found) <= set(expected)


@pytest.mark.parametrize("parallel", [1, 4])
@pytest.mark.parametrize(
    "fault", ["repeat_page", "skip_rows", "empty_page", "wrong_total", "wrong_total:by=-3", "wrong_total:by=-5"]
)
def test_what_cannot_be_mended_is_incomplete(sis: tuple[str, str], tmp_path: Path, fault: str, parallel: int) -> None:
    version, url = sis
    turn_on(url, f"{fault}{',' if ':' in fault else ':'}path=/users")
    rows, verdicts = read_all(connect(sis, tmp_path, parallel=parallel))
    verdict = verdicts["users"]
    assert not verdict.complete
    assert verdict.reason
    assert_quiet(verdict.reason, version)
    assert verdicts["orgs"].complete
    assert len(set(ids(rows))) == len(ids(rows))
    assert set(ids(rows)) <= set(listed(version, "users"))


@pytest.mark.parametrize(
    "fault", ["truncate", "html", "not_json", "no_envelope", "server_error", "server_error:status=404"]
)
def test_trouble_midway_is_incomplete(sis: tuple[str, str], tmp_path: Path, fault: str) -> None:
    version, url = sis
    turn_on(url, f"{fault}{',' if ':' in fault else ':'}path=/users,after=2")
    rows, verdicts = read_all(connect(sis, tmp_path, parallel=1))
    assert not verdicts["users"].complete
    assert_quiet(verdicts["users"].reason, version)
    assert ids(rows) == listed(version, "users")[:10]
    assert verdicts["enrollments"].complete


REFUSED: list[tuple[str, type[RollbookError], dict[str, Any]]] = [
    ("server_error", Unavailable, {}),
    ("drop_answer", Unavailable, {}),
    ("half_page", Unavailable, {}),
    ("throttle:retry_after=3600", Throttled, {}),
    ("truncate", BadResponse, {}),
    ("html", BadResponse, {}),
    ("not_json", BadResponse, {}),
    ("no_envelope", BadResponse, {}),
    ("token_down", Unavailable, {}),
    ("token_body_only", AuthFailed, {}),
    ("token_basic_only", AuthFailed, {"token_style": "body"}),
    ("token_query_only", AuthFailed, {}),
    ("scope_required", ConfigError, {"scopes": "-"}),
    ("scope_refused", ConfigError, {}),
    ("extra_header", AuthFailed, {}),
    ("unauthorized", AuthFailed, {}),
    ("forbidden", AuthFailed, {}),
    ("", AuthFailed, {"secret": "wrong"}),
    ("", AuthFailed, {"scopes": "https://purl.imsglobal.org/spec/or/{version}/scope/roster-demographics.readonly"}),
]


@pytest.mark.parametrize(("fault", "error", "options"), REFUSED)
def test_a_connection_that_does_not_work_raises(
    sis: tuple[str, str], tmp_path: Path, fault: str, error: type[RollbookError], options: dict[str, Any]
) -> None:
    version, url = sis
    if fault:
        turn_on(url, fault)
    mark = {"1.1": "v1p1", "1.2": "v1p2"}[version]
    options = {key: value.replace("{version}", mark) for key, value in options.items()}
    for call in (lambda source: list(source.read(ReadRequest(collection="users"))), lambda source: source.test()):
        with pytest.raises(error) as caught:
            call(connect(sis, tmp_path, **options))
        assert_quiet(f"{caught.value} {caught.value!r}", version)


@pytest.mark.parametrize("fault", ["", "sha1_only", "sha256_only"])
def test_signed_calls(sis: tuple[str, str], tmp_path: Path, fault: str) -> None:
    version, url = sis
    if fault:
        turn_on(url, fault)
    if version == "1.2":
        with pytest.raises(ConfigError):
            connect(sis, tmp_path, auth="oauth1")
        return
    rows, verdicts = read_all(connect(sis, tmp_path, auth="oauth1"))
    assert verdicts["users"].complete
    assert ids(rows) == listed(version, "users")


def test_a_method_that_is_not_taken_is_auth_failed(sis: tuple[str, str], tmp_path: Path) -> None:
    turn_on(sis[1], "sha1_only")
    with pytest.raises(AuthFailed if sis[0] == "1.1" else ConfigError):  # 1.2 has no OAuth 1
        connect(sis, tmp_path, auth="oauth1", signature_method="HMAC-SHA256").test()


def test_a_delta_brings_what_changed_since(sis: tuple[str, str], tmp_path: Path) -> None:
    source = connect(sis, tmp_path)
    future = ReadRequest(collection="users", since=datetime(2100, 1, 1, tzinfo=UTC))
    reading = source.read(future)
    assert sum(page.count or 0 for page in reading) == 0
    assert (reading.verdict.complete, reading.verdict.mode) == (True, "delta")
    past = source.read(ReadRequest(collection="users", since=datetime(2000, 1, 1, tzinfo=UTC)))
    assert sum(page.count or 0 for page in past) == len(listed(sis[0], "users"))


def test_the_report(sis: tuple[str, str], tmp_path: Path) -> None:
    report = connect(sis, tmp_path).test()
    assert report.ok
    assert report.facts["version"] == sis[0]
    assert report.facts["users"] == str(len(listed(sis[0], "users")))
    assert "roster-core.readonly" in report.facts["scopes"]
    assert_quiet(repr(report), sis[0])


def test_an_unreachable_sis(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1\) cannot be reached"):
        connect(("1.1", "http://127.0.0.1:9"), tmp_path).test()


#: Faults of writes; a source makes none.
OF_WRITES = {
    "title_limit",
    "unique_titles",
    "session_dates",
    "window_closed",
    "score_demanded",
    "score_range",
    "own_item_id",
    "no_delete",
}

#: Whole answers with too little in them; a source cannot know (see test_every_fault.py).
LESS_SEEN = {"school_hidden", "shrunk", "empty"}


def test_no_fault_is_left_out() -> None:
    tried = {fault for fault, *_ in [*SURVIVED, *REFUSED]} | set(BENT)
    tried |= {"drift_insert", "drift", "repeat_page", "skip_rows", "wrong_total", "sha1_only", "sha256_only"}
    tried |= {"missing_fields", "empty_page"} | OF_WRITES | LESS_SEEN
    assert set(fault_names()) <= {fault.partition(":")[0] for fault in tried}
