"""The faults, rate credits and counters of the practice LMS."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

import rollbook.practice.lms
from rollbook.practice.faults import UnknownFault
from rollbook.practice.lms import create_lms, fault_names
from tests.verification.lms_client import Client

_PEOPLE = "users/user"


@pytest.mark.parametrize(
    ("fault", "status", "body"),
    [
        ("forbidden", 403, ""), ("not_found", 404, ""), ("server_error", 500, None), ("unavailable", 503, None),
        ("unauthorized", 401, None), ("expire_token", 401, None), ("throttle:retry_after=7", 429, None),
    ],
)  # fmt: skip
def test_statuses(lms: Client, fault: str, status: int, body: str | None) -> None:
    lms.faults(f"{fault}{',' if ':' in fault else ':'}times=1")
    answer = lms.call("GET", "roles")
    assert answer.status_code == status
    assert body is None or answer.text == body
    assert answer.headers.get("retry-after") == ("7" if status == 429 else None)
    assert lms.call("GET", "roles").status_code == 200


def test_faults_strike_only_where_they_are_told_to(lms: Client) -> None:
    lms.faults("server_error:method=POST,path=/v1/users,after=1,times=2,every=2")
    assert lms.call("GET", "users").status_code == 200
    assert lms.call("POST", "gradingperiods", {}).status_code == 400
    codes = [lms.call("POST", "users", {}).status_code for _ in range(7)]
    assert codes == [400, 400, 500, 400, 500, 400, 400]
    listing = lms.practice("faults")["on"]
    assert [(each["name"], each["hits"]) for each in listing] == [("server_error", 2)]


def test_faults_from_the_start(lms_with: Callable[..., Client]) -> None:
    assert lms_with(faults=["unavailable"]).call("GET", "roles").status_code == 503


@pytest.mark.parametrize("text", ["gremlins", "slow:color=red", "slow:seconds=long", "throttle:every=0"])
def test_unknown_faults_are_named_with_the_known_ones(lms: Client, text: str) -> None:
    answer = lms.http.post(f"{lms.url}/_practice/faults", json={"on": [text]})
    assert answer.status_code == 400
    if text == "gremlins":
        assert "drop_answer" in answer.json()["error"]
    with pytest.raises(UnknownFault):
        create_lms(faults=[text])


def test_cut_and_dropped_answers(lms: Client) -> None:
    lms.faults("cut:times=1,method=POST")
    with pytest.raises(httpx2.TransportError):
        lms.call("POST", "gradingperiods", {"title": "cut", "start": "2026-01-01", "end": "2026-02-01"})
    lms.faults("drop_answer:times=1,method=POST")
    with pytest.raises(httpx2.TransportError):
        lms.call("POST", "gradingperiods", {"title": "drop", "start": "2026-01-01", "end": "2026-02-01"})
    assert [period["title"] for period in lms.get("gradingperiods")["gradingperiods"]] == ["drop"]
    attempts = lms.practice("requests")["attempts"]
    assert attempts["POST gradingperiods"] == 2


def test_truncated_answer(lms: Client) -> None:
    lms.faults("truncate:times=1")
    with pytest.raises(httpx2.TransportError):
        lms.call("GET", "roles")


def test_slow_answer(lms: Client) -> None:
    lms.faults("slow:seconds=0.2,times=1")
    started = time.monotonic()
    lms.get("roles")
    assert time.monotonic() - started >= 0.2


def test_html_and_missing_key(lms: Client) -> None:
    lms.faults("html:times=1")
    answer = lms.call("GET", "roles")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    lms.faults("missing_key")
    assert "user" not in lms.get("users")
    assert "gradingperiods" not in lms.get("gradingperiods")


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("half_page:after=1,times=1", ["u0", "u1", "u2", "u3", "u4", "u5", "u8"]),
        ("repeat_page:times=1", ["u0", "u1", "u2", "u3", "u0", "u1", "u2", "u3", "u8"]),
        ("drift:rows=1", ["u0", "u1", "u2", "u3", "u5", "u6", "u7", "u8"]),
        ("drift:rows=-1,times=1", ["u0", "u1", "u2", "u3", "u3", "u4", "u5", "u6", "u8"]),
    ],
)
def test_pages_that_lose_or_repeat_rows(lms: Client, fault: str, expected: list[str]) -> None:
    me = lms.get("users")["user"][0]["id"]
    lms.call("PUT", f"users/{me}", {"school_uid": "u0"})
    lms.bulk("POST", "users", _PEOPLE, [lms.user(f"u{n}") for n in range(1, 9)])
    lms.faults(fault)
    seen = [
        user["school_uid"]
        for start in (0, 4, 8)
        for user in lms.get(f"users?limit=4&start={start}")["user"]
    ]  # fmt: skip
    assert seen == expected


def test_bulk_faults(lms: Client) -> None:
    items: list[Any] = [lms.user(f"u{n}") for n in range(6)]
    lms.faults("refuse_items:each=3,code=422,message=No,times=1")
    results = lms.bulk("POST", "users?update_existing=1", _PEOPLE, items)
    assert [result["response_code"] for result in results] == [200, 200, 422, 200, 200, 422]
    assert results[2] == {"response_code": 422, "message": "No", "school_uid": "u2"}
    lms.faults("short_answer:times=1")
    assert len(lms.bulk("POST", "users?update_existing=1", _PEOPLE, items)) == 5
    lms.faults("half_done:times=1")
    body = {"users": {"user": [lms.user(f"v{n}") for n in range(4)]}}
    assert lms.call("POST", "users", body).status_code == 500
    assert [user["school_uid"] for user in lms.state()["users"] if user["school_uid"][0] == "v"] == ["v0", "v1"]


def test_limiter_refuses_above_the_credits(lms_with: Callable[..., Client]) -> None:
    lms = lms_with(limiter=True, limiter_credits=10, limiter_seconds=600)
    body = {"title": ""}
    codes = [lms.call("POST", "gradingperiods", body).status_code for _ in range(3)]
    codes += [lms.call("GET", "roles").status_code for _ in range(2)]
    assert codes == [400, 400, 400, 200, 429]
    refused = lms.call("POST", "gradingperiods", body)
    assert refused.status_code == 429
    assert 500 < int(refused.headers["retry-after"]) <= 600
    counted = lms.practice("requests")
    assert (counted["refused"], counted["credits"], counted["total"]) == (2, 10, 6)


def test_limiter_recovers(lms_with: Callable[..., Client]) -> None:
    lms = lms_with(limiter=True, limiter_credits=3, limiter_seconds=0.3)
    started = time.monotonic()
    codes = [lms.call("POST", "gradingperiods", {}).status_code]
    while len(codes) < 1000 and codes.count(400) < 2:
        codes.append(lms.call("POST", "gradingperiods", {}).status_code)
    assert set(codes) <= {400, 429}
    assert codes.count(400) == 2
    assert time.monotonic() - started >= 0.3


def test_limiter_is_off_by_default(lms: Client) -> None:
    codes = {lms.call("POST", "gradingperiods", {}).status_code for _ in range(30)}
    assert codes == {400}


def test_counters(lms: Client) -> None:
    lms.class_of("u1", section="s")
    lms.practice("reset-counters", {})
    section = lms.get("sections/ext/s")["id"]
    lms.get(f"section/{section}/enrollments/")
    lms.call("GET", "ana.diaz/private")
    for _ in range(2):
        lms.call("PUT", f"sections/{section}", {"title": "B"})
    counted = lms.practice("requests")
    assert counted["attempts"] == {
        "GET sections/ext/{code}": 1, "GET sections/{id}/enrollments": 1, "GET unknown": 1, "PUT sections/{id}": 2,
    }  # fmt: skip
    assert counted["statuses"]["PUT sections/{id} 204"] == 2
    span = counted["write_span"]
    assert (span["writes"], span["spent"]) == (2, 6)
    assert span["usable"] == pytest.approx(10 * (span["last"] - span["first"]))
    assert [row[1:] for row in counted["log"]][-1] == ["PUT", "sections/{id}", 204, 3]


def test_a_file_is_continued_where_it_was_left(lms_with: Callable[..., Client], tmp_path: Any) -> None:
    file = tmp_path / "lms.sqlite"
    lms = lms_with(database=file)
    lms.class_of("u1", section="s")
    before = lms.state()
    lms.app.state.lms.store.close()
    assert lms_with(database=file).state() == before


def test_unknown_seed() -> None:
    with pytest.raises(ValueError, match="people-by-hand"):
        create_lms(seed="people-by-foot")


def test_facts_list_every_fault_with_its_parameters(lms: Client) -> None:
    text = Path(rollbook.practice.lms.__file__).with_name("FACTS.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)` \|", text.partition("## Faults by name")[2], re.MULTILINE)
    known = lms.practice("faults")["known"]
    assert sorted(listed) == sorted(known) == sorted(fault_names())
    for name, parameters in known.items():
        (row,) = re.findall(rf"^\| `{name}` \|.*$", text, re.MULTILINE)
        assert all(f"`{parameter}={value}`" in row for parameter, value in parameters.items()), name


def test_lists_that_lie(lms: Client) -> None:
    total = int(lms.get("users")["total"])
    assert total > 0
    lms.faults("empty:times=1")
    assert (lms.get("users")["user"], lms.get("users")["total"]) == ([], str(total))
    lms.faults("wrong_total:by=2,times=1")
    assert lms.get("users")["total"] == str(total + 2)


def test_text_that_is_called_json(lms: Client) -> None:
    lms.faults("not_json:times=1")
    answer = lms.call("GET", "users")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    with pytest.raises(ValueError, match="Expecting value"):
        answer.json()
