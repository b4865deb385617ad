"""The OneRoster source: checkpoints, deltas, roles, stand-ins, the report, and what it never asks for."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from rollbook.connectors.base import Page, ReadRequest
from rollbook.connectors.oneroster_rest.ids import Seen, ascending
from rollbook.connectors.oneroster_rest.source import OneRosterSource
from rollbook.errors import BadResponse, ConfigError
from tests.unit.fake_provider import Provider, names, pull, records, source


def keep(pages: list[Page], folder: Path) -> dict[int, Path]:
    saved = {}
    for page in pages:
        saved[page.number] = folder / f"{page.number:06}.json"
        saved[page.number].write_bytes(page.body or b"")
    return saved


@pytest.mark.parametrize("parallel", [1, 4])
@pytest.mark.parametrize("finished", [1, 4, 10])
def test_saved_pages_are_reused(tmp_path: Path, finished: int, parallel: int) -> None:
    provider = Provider(records(95))
    pages = pull(provider, tmp_path, parallel=parallel)[0]
    provider.asked.clear()
    again, ids, verdict = pull(provider, tmp_path, keep(pages[:finished], tmp_path), parallel=parallel)
    assert ids == names(95)
    assert verdict.complete
    assert [page.number for page in again] == [page.number for page in pages]
    assert len(provider.asked) <= max(1, 10 - finished)


def test_a_list_that_moved_between_two_attempts_is_noticed(tmp_path: Path) -> None:
    provider = Provider(records(95))
    pages = pull(provider, tmp_path)[0]
    saved = keep(pages[:5], tmp_path)
    provider.rows = provider.rows[1:]
    _, ids, verdict = pull(provider, tmp_path, saved)
    assert verdict.complete
    assert set(ids) == set(names(95))


def test_a_resumed_read_keeps_its_watermark(tmp_path: Path) -> None:
    early = {"date": "Mon, 23 Nov 2026 01:00:00 GMT"}
    provider = Provider(records(95), headers=early)
    pages, _, verdict = pull(provider, tmp_path)
    assert verdict.watermark == datetime(2026, 11, 23, 1, tzinfo=UTC)
    provider.headers = {"date": "Mon, 23 Nov 2026 05:00:00 GMT"}
    assert pull(provider, tmp_path, keep(pages[:5], tmp_path))[2].watermark == verdict.watermark


def test_a_spoiled_saved_page_is_fetched_again(tmp_path: Path) -> None:
    provider = Provider(records(95))
    saved = keep(pull(provider, tmp_path)[0], tmp_path)
    saved[3].write_bytes(b"{")
    _, ids, verdict = pull(provider, tmp_path, saved)
    assert (ids, verdict.complete) == (names(95), True)


# --- the source -------------------------------------------------------------------------------------------------------


def test_a_delta_asks_for_what_changed(tmp_path: Path) -> None:
    provider = Provider(records(5))
    since = datetime(2026, 11, 1, 12, 30, tzinfo=UTC)
    reading = source(provider, tmp_path).read(ReadRequest(collection="users", since=since))
    list(reading)
    assert provider.asked[0]["filter"] == "dateLastModified>='2026-11-01T12:30:00.000Z'"
    assert reading.verdict.mode == "delta"


def test_a_delta_that_is_refused_is_no_empty_delta(tmp_path: Path) -> None:
    reading = source(Provider(records(5), refuse=("filter",)), tmp_path).read(
        ReadRequest(collection="users", since=datetime(2026, 11, 1, tzinfo=UTC))
    )
    with pytest.raises(BadResponse):
        list(reading)


def test_nothing_private_is_asked_for(tmp_path: Path) -> None:
    provider = Provider(records(5))
    made = source(provider, tmp_path, select_fields="yes")
    for name in made.collections():
        list(made.read(ReadRequest(collection=name)))
    wanted = {field for one in provider.asked for field in one["fields"].split(",")}
    assert not wanted & {"password", "phone", "sms", "demographics", "userProfiles", "birthDate"}
    assert "sourcedId" in wanted


def test_collections_of_both_versions(tmp_path: Path) -> None:
    flat = source(Provider([]), tmp_path)
    nested = source(Provider([]), tmp_path, version="1.2")
    assert flat.collections() == ("orgs", "academicSessions", "courses", "classes", "users", "enrollments")
    assert nested.collections() == ("orgs", "academicSessions", "courses", "classes", "users", "roles", "enrollments")
    with pytest.raises(ConfigError):
        flat.read(ReadRequest(collection="demographics"))


@pytest.mark.parametrize("complete", [True, False])
def test_roles_share_the_verdict_of_users(tmp_path: Path, complete: bool) -> None:
    headers = {} if complete else {"X-Total-Count": "9"}
    made = source(Provider(records(5), total=complete, headers=headers), tmp_path, version="1.2")
    assert not made.read(ReadRequest(collection="roles")).verdict.complete
    list(made.read(ReadRequest(collection="users")))
    roles = made.read(ReadRequest(collection="roles"))
    assert list(roles) == []
    assert roles.verdict.complete is complete


def test_another_list_may_stand_in(tmp_path: Path) -> None:
    asked = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.path)
        if request.url.path == "/token":
            return httpx2.Response(200, json={"access_token": "t"})
        return httpx2.Response(200, json={"academicSessions": records(3)})

    made = source(handle, tmp_path, endpoints={"academicSessions": "terms"})
    assert len(list(made.read(ReadRequest(collection="academicSessions")))) == 1
    assert "/ims/oneroster/v1p1/terms" in asked
    with pytest.raises(ConfigError):
        list(source(handle, tmp_path, endpoints={"users": "demographics"}).read(ReadRequest(collection="users")))


def test_the_report_counts_and_tells_the_clock(tmp_path: Path) -> None:
    report = source(Provider(records(42)), tmp_path).test()
    assert report.ok
    assert report.facts["users"] == "42"
    assert report.facts["version"] == "1.1"
    assert report.facts["clock"].endswith("s against ours")
    assert "hush" not in repr(report)
    late = Provider(records(42), headers={"date": "Mon, 23 Nov 2020 01:00:00 GMT"})
    assert "clock" in source(late, tmp_path).test().summary
    assert not source(Provider([]), tmp_path).test().ok


def test_signature_methods_are_tried_in_turn(tmp_path: Path) -> None:
    provider, refused = Provider(records(42)), []

    def handle(request: httpx2.Request) -> httpx2.Response:
        if "HMAC-SHA1" not in request.headers["authorization"]:
            refused.append(request)
            return httpx2.Response(401)
        return provider(request)

    made: OneRosterSource = source(handle, tmp_path, auth="oauth1")
    assert sum(page.count or 0 for page in made.read(ReadRequest(collection="users"))) == 42
    assert len(refused) == 1


@pytest.mark.parametrize("few", [500_000, 300])
def test_seen_counts_repeats_however_many(monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    monkeypatch.setattr("rollbook.connectors.oneroster_rest.ids._FEW", few)
    seen = Seen()
    seen.add([f"u{n}" for n in range(1000)])
    assert "u999" in seen
    assert "u1000" not in seen
    seen.add(["u5", "u1000"])
    assert "u1000" in seen
    assert seen.repeats() == 1


@pytest.mark.parametrize("few", [500_000, 300, 7])
def test_ids_listed_as_new_count_like_all_others(monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    monkeypatch.setattr("rollbook.connectors.oneroster_rest.ids._FEW", few)
    seen = Seen()
    for start in range(0, 1000, 100):
        seen.append([f"u{n}" for n in range(start, start + 100)])
    assert (seen.added, seen.repeats()) == (1000, 0)
    seen.add(["u5", "u1000"])
    assert seen.repeats() == 1
    seen.append(["v1", "v2"])
    seen.add(["v2"])
    assert seen.repeats() == 2
    assert "v1" in seen
    assert "v3" not in seen


@pytest.mark.parametrize(
    ("ids", "climbs"),
    [([], True), (["a"], True), (["a", "b"], True), (["b", "a"], False), (["a", "a"], False), (["a", None], False)],
)
def test_ascending(ids: list[str | None], climbs: bool) -> None:
    assert ascending(ids) is climbs
