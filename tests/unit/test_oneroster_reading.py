"""Paging against a provider that bends the rules: the right rows, or a verdict that says what is wrong."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rollbook.connectors.base import ReadRequest
from rollbook.errors import AuthFailed, BadResponse, Unavailable
from tests.patience import LONG
from tests.unit.fake_provider import BASE, Provider, names, pull, records, source


@pytest.mark.parametrize("parallel", [1, 4])
@pytest.mark.parametrize("number", [0, 1, 9, 10, 11, 95, 100])
@pytest.mark.parametrize(
    "bent",
    [{}, {"total": False}, {"link": False}, {"total": False, "link": False}, {"cap": 7}, {"cap": 7, "link": False},
     {"cap": 7, "total": False, "link": False}, {"refuse": ("sort",)}, {"refuse": ("sort", "fields")}],
    ids=str,
)  # fmt: skip
def test_reads_everything_once(tmp_path: Path, bent: dict[str, Any], number: int, parallel: int) -> None:
    pages, ids, verdict = pull(Provider(records(number), **bent), tmp_path, parallel=parallel, select_fields="yes")
    assert ids == names(number)
    assert verdict.complete, verdict.reason
    assert [page.number for page in pages] == list(range(len(pages)))


def test_pages_are_fetched_at_the_same_time(tmp_path: Path) -> None:
    together = threading.Barrier(4, timeout=LONG)
    provider = Provider(records(100))

    def handle(request: httpx2.Request) -> httpx2.Response:
        answer = provider(request)
        if request.url.path != "/token" and 0 < int(request.url.params["offset"]) <= 40:
            together.wait()  # passes only when four calls wait here at once
        return answer

    reading = source(handle, tmp_path, parallel=4).read(ReadRequest(collection="users"))
    assert sum(page.count or 0 for page in reading) == 100


def test_a_partner_that_wants_one_call_at_a_time_gets_that(tmp_path: Path) -> None:
    flying: Counter[str] = Counter()
    most = []
    provider = Provider(records(40))

    def handle(request: httpx2.Request) -> httpx2.Response:
        flying["now"] += 1
        most.append(flying["now"])
        answer = provider(request)
        flying["now"] -= 1
        return answer

    partner = source(handle, tmp_path, partner="infinite-campus", version="1.1")
    assert len(list(partner.read(ReadRequest(collection="users")))) == 4
    assert max(most) == 1


def test_our_parameters_are_added_again_to_links(tmp_path: Path) -> None:
    def bare(query: str) -> str:
        return "&".join(part for part in query.split("&") if part.startswith(("limit", "offset")))

    provider = Provider(records(25), total=False, link_query=bare)
    _, ids, verdict = pull(provider, tmp_path)
    assert (len(ids), verdict.complete) == (25, True)
    assert all((one["sort"], one["orderBy"], one["limit"]) == ("sourcedId", "asc", "10") for one in provider.asked)


def test_links_to_another_host_are_not_followed(tmp_path: Path) -> None:
    provider = Provider(records(25), total=False)

    def handle(request: httpx2.Request) -> httpx2.Response:
        assert request.url.host == "sis.example"
        answer = provider(request)
        if "link" in answer.headers:
            answer.headers["link"] = answer.headers["link"].replace("sis.example", "evil.example")
        return answer

    reading = source(handle, tmp_path).read(ReadRequest(collection="users"))
    assert sum(page.count or 0 for page in reading) == 25
    assert reading.verdict.complete


def test_links_by_cursor_are_followed(tmp_path: Path) -> None:
    everything = records(25)

    def handle(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/token":
            return httpx2.Response(200, json={"access_token": "t"})
        start = int(request.url.params.get("after", "0"))
        headers = {"x-total-count": "25", "link": f'<{BASE}/users?after={start + 10}>; rel="next"'}
        if start + 10 >= 25:
            headers["link"] = f'<{BASE}/users>; rel="first"'
        return httpx2.Response(200, headers=headers, json={"users": everything[start : start + 10]})

    reading = source(handle, tmp_path).read(ReadRequest(collection="users"))
    assert sum(page.count or 0 for page in reading) == 25
    assert reading.verdict.complete


def test_x_count_is_no_total_when_it_counts_the_page(tmp_path: Path) -> None:
    provider = Provider(records(20), total=False, headers={"x-count": "10"})
    assert pull(provider, tmp_path)[2].complete
    provider = Provider(records(20), total=False, headers={"x-count": "25"})
    assert "25" in pull(provider, tmp_path)[2].reason


Moves = Callable[[Provider, int, int], None]


def goes_first(provider: Provider, offset: int, number: int) -> None:
    if number == 4:
        provider.rows = provider.rows[1:]


def comes_first(provider: Provider, offset: int, number: int) -> None:
    if number == 4:
        provider.rows = [{"sourcedId": "a"}, *provider.rows]


def goes_in_the_middle(provider: Provider, offset: int, number: int) -> None:
    if number == 5:
        del provider.rows[25]


@pytest.mark.parametrize("parallel", [1, 4])
@pytest.mark.parametrize("move", [goes_first, comes_first, goes_in_the_middle])
def test_a_list_that_moves_is_read_again_until_it_stands(tmp_path: Path, move: Moves, parallel: int) -> None:
    provider = Provider(records(95), before=move)
    _, ids, verdict = pull(provider, tmp_path, parallel=parallel)
    assert verdict.complete, verdict.reason
    assert len(ids) == len(set(ids))
    assert set(ids) >= {record["sourcedId"] for record in provider.rows}


def test_only_the_part_that_moved_is_read_again(tmp_path: Path) -> None:
    def late(provider: Provider, offset: int, number: int) -> None:
        if number == 38:
            del provider.rows[365]

    provider = Provider(records(400), before=late)
    assert pull(provider, tmp_path, parallel=1)[2].complete
    assert len(provider.asked) < 50


def test_a_list_that_never_stands_is_incomplete(tmp_path: Path) -> None:
    def always(provider: Provider, offset: int, number: int) -> None:
        provider.rows = provider.rows[1:]

    provider = Provider(records(200), before=always)
    verdict = pull(provider, tmp_path)[2]
    assert not verdict.complete
    assert "changed while they were read" in verdict.reason
    assert len(provider.asked) < 100


@pytest.mark.parametrize("told", [90, 99, 1000])
def test_a_total_that_is_wrong_is_incomplete(tmp_path: Path, told: int) -> None:
    provider = Provider(records(95), total=False, headers={"X-Total-Count": str(told)})
    _, ids, verdict = pull(provider, tmp_path)
    assert ids == names(95)
    assert not verdict.complete
    assert len(provider.asked) < 60


def test_a_total_that_is_no_number_anybody_counts_to_is_none(tmp_path: Path) -> None:
    provider = Provider(records(25), total=False, headers={"X-Total-Count": "9" * 5000})
    assert pull(provider, tmp_path)[1] == names(25)


def test_a_provider_that_ignores_offset_ends(tmp_path: Path) -> None:
    def first(provider: Provider, offset: int, number: int) -> httpx2.Response:
        return httpx2.Response(200, json={"users": records(10)})

    provider = Provider([], before=first)
    _, ids, verdict = pull(provider, tmp_path)
    assert ids == names(10)
    assert not verdict.complete
    assert len(provider.asked) < 10


def test_an_order_that_changes_with_every_call_is_incomplete(tmp_path: Path) -> None:
    def shuffle(provider: Provider, offset: int, number: int) -> None:
        provider.rows = provider.rows[37:] + provider.rows[:37]

    verdict = pull(Provider(records(100), before=shuffle, refuse=("sort",)), tmp_path, parallel=1)[2]
    assert not verdict.complete


def test_two_records_with_one_id_are_both_kept(tmp_path: Path) -> None:
    rows = records(25)
    rows[10] = {**rows[9], "givenName": "Other"}
    _, ids, verdict = pull(Provider(rows), tmp_path)
    assert verdict.complete
    assert (len(ids), ids.count("u00009")) == (25, 2)


def test_records_without_id_are_kept(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [*records(23), {"givenName": "x"}, {"sourcedId": None}]
    _, ids, verdict = pull(Provider(rows), tmp_path)
    assert (len(ids), ids.count(""), verdict.complete) == (25, 2, True)


@pytest.mark.parametrize("status", [500, 404, 422])
def test_a_page_that_cannot_be_had_makes_the_collection_incomplete(tmp_path: Path, status: int) -> None:
    def broken(provider: Provider, offset: int, number: int) -> httpx2.Response | None:
        return httpx2.Response(status, json={"name": "Given1"}) if offset == 50 else None

    _, ids, verdict = pull(Provider(records(95), before=broken), tmp_path)
    assert ids == names(50)
    assert not verdict.complete
    assert str(status) in verdict.reason
    assert "Given" not in verdict.reason


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx2.Response(401), AuthFailed),
        (httpx2.Response(403), AuthFailed),
        (httpx2.Response(404), BadResponse),
        (httpx2.Response(500), Unavailable),
        (httpx2.Response(200, html="<p>Given1"), BadResponse),
        (httpx2.Response(200, json={"data": records(1)}), BadResponse),
        (httpx2.Response(200, content=b'{"users": [{"sourcedId": "u1", "givenName": "Given1"'), BadResponse),
        (httpx2.Response(200, json={"statusInfoSet": [{"imsx_codeMajor": "failure"}]}), BadResponse),
    ],
)
def test_a_first_page_that_is_no_page_raises(tmp_path: Path, answer: httpx2.Response, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        pull(Provider(records(5), before=lambda provider, offset, number: answer), tmp_path)
    assert "Given" not in str(caught.value)


def test_being_shut_out_midway_raises(tmp_path: Path) -> None:
    def shut(provider: Provider, offset: int, number: int) -> httpx2.Response | None:
        return httpx2.Response(403) if offset == 50 else None

    with pytest.raises(AuthFailed):
        pull(Provider(records(95), before=shut), tmp_path)


def test_an_unreachable_sis_midway_raises(tmp_path: Path) -> None:
    def gone(provider: Provider, offset: int, number: int) -> httpx2.Response | None:
        if offset == 50:
            raise httpx2.ConnectError("x")
        return None

    with pytest.raises(Unavailable):
        pull(Provider(records(95), before=gone), tmp_path)
