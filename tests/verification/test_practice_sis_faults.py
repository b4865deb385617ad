"""Every named fault of the practice SIS does what it says, and FACTS.md lists them all."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

import rollbook.practice.sis
from rollbook.practice.faults import UnknownFault
from rollbook.practice.sis import create_sis, fault_names
from tests.patience import until
from tests.verification.sis_client import MAPLE_VALLEY, SisClient, running_sis, served_sis

FACTS = Path(rollbook.practice.sis.__file__).with_name("FACTS.md")


def _with(fault: str, path: str, version: str = "1.1", service: str = "rostering", **params: Any) -> Any:
    """The answer of a SIS with one fault."""
    with running_sis(version, faults=[fault]) as client:
        return client.get(path, service, **params)


def test_facts_list_every_fault_with_its_parameters() -> None:
    text = FACTS.read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert sorted(listed) == sorted(fault_names())
    with running_sis("1.1") as client:
        known = client.http.get(f"{client.url}/_practice/faults").json()["known"]
    for name, parameters in known.items():
        (row,) = re.findall(rf"^\| `{name}` \|.*$", text, re.MULTILINE)
        for parameter, value in parameters.items():
            assert f"`{parameter}={value}`" in row, name


def test_an_unknown_fault_is_refused() -> None:
    with pytest.raises(UnknownFault, match="gremlins"):
        create_sis(MAPLE_VALLEY, faults=["gremlins"])


def test_throttle_and_server_error_speak_the_version() -> None:
    busy = _with("throttle:retry_after=7", "/users", "1.2")
    assert (busy.status_code, busy.headers["retry-after"]) == (429, "7")
    assert "server_busy" in busy.text
    broken = _with("server_error", "/users")
    assert broken.status_code == 500
    assert broken.json()["statusInfoSet"][0]["imsx_codeMajor"] == "failure"
    assert _with("server_error:status=503", "/users").status_code == 503


def test_a_fault_strikes_where_and_as_often_as_told() -> None:
    with running_sis("1.2", faults=["throttle:times=1,after=1,path=/users"]) as client:
        codes = [client.get(path).status_code for path in ("/users", "/orgs", "/users", "/users")]
        assert codes == [200, 200, 429, 200]
        assert client.requests()["refused"] == 1


def test_expire_token_kills_a_token_that_a_new_one_replaces() -> None:
    with running_sis("1.1", faults=["expire_token:uses=2"]) as client:
        assert [client.get("/orgs").status_code for _ in range(4)] == [200, 200, 401, 401]
        client.ask_token()
        assert client.get("/orgs").status_code == 200


def test_slow_waits_and_lets_parallel_requests_be_seen() -> None:
    with served_sis("1.1", faults=["slow:seconds=0.15"]) as client:
        client.ask_token()

        def three_at_once() -> bool:
            started = time.monotonic()
            threads = [threading.Thread(target=client.get, args=("/orgs",)) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert time.monotonic() - started >= 0.15
            return bool(client.requests()["max_parallel"] == 3)

        until(three_at_once)  # on a busy machine one may have ended before another one comes


@pytest.mark.parametrize("fault", ["half_page", "drop_answer"])
def test_a_cut_connection_is_an_error_for_the_client(fault: str) -> None:
    with served_sis("1.2", faults=[f"{fault}:times=1"]) as client:
        with pytest.raises(httpx2.TransportError):
            client.get("/users")
        assert len(client.items("/users")) == 21


def test_drop_answer_has_done_the_work() -> None:
    with served_sis("1.2", faults=["drop_answer:times=1"]) as client:
        body = {"category": {"title": "Projects"}}
        with pytest.raises(httpx2.TransportError):
            client.call("PUT", "/categories/cat-projects", "gradebook", json=body)
        assert "cat-projects" in client.ids("/categories", "gradebook")


def test_bodies_that_are_no_answer() -> None:
    html = _with("html", "/users")
    assert (html.status_code, html.headers["content-type"]) == (200, "text/html; charset=utf-8")
    for fault in ("not_json", "truncate"):
        answer = _with(fault, "/users")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
        with pytest.raises(ValueError, match=r".+"):
            answer.json()
    assert list(_with("no_envelope", "/users").json()) == ["data"]


def test_access_faults() -> None:
    with running_sis("1.2", faults=["token_down"]) as client:
        grant = {"grant_type": "client_credentials"}
        address = f"{client.url}/token"
        sign_in = {"url": address, "data": grant, "auth": ("practice", "practice")}
        assert client.http.post(**sign_in).status_code == 500
        for fault in ("scope_required", "scope_refused"):
            client.control("faults", clear=True, on=[fault])
            assert client.http.post(**sign_in).json() == {"error": "invalid_scope"}
        client.control("faults", clear=True, on=["scope_required", "short_token:seconds=0"])
        asked = {**grant, "scope": "https://purl.imsglobal.org/spec/or/v1p2/scope/roster.readonly"}
        assert client.http.post(**{**sign_in, "data": asked}).json()["expires_in"] == 0
        client.control("faults", clear=True, on=["scope_core_only"])
        client.ask_token()
        assert client.get("/users").status_code == 200
        assert client.get("/schools/mv-high/classes").status_code == 403


def test_extra_header_is_asked_for() -> None:
    with running_sis("1.2", faults=["extra_header"]) as client:
        assert client.get("/users").status_code == 401
        headers = {"x-vendor-authorization": "practice:practice"}
        assert client.call("GET", "/users", headers=headers).status_code == 200


def test_header_deviations() -> None:
    assert len(_with("page_cap:size=4", "/users").json()["users"]) == 4
    assert "x-total-count" not in _with("no_total", "/users").headers
    counted = _with("x_count", "/users", limit=5).headers
    assert (counted["x-count"], counted["x-total-count"]) == ("5", "21")
    assert "link" not in _with("no_link", "/users").headers
    asked = {"limit": 2, "filter": "status='active'"}
    assert "filter" not in _with("link_loses_filter", "/users", **asked).headers["link"]
    assert "filter" in _with("no_total", "/users", **asked).headers["link"]
    away = _with("link_other_origin", "/users", limit=2).headers["link"]
    assert away.startswith("<http://127.0.0.1:9/ims/")
    assert 'limit=1&offset=20>; rel="last"' in _with("last_smaller_limit", "/users", limit=10).headers["link"]
    assert _with("wrong_total", "/users").headers["x-total-count"] == "28"


def _walk(client: SisClient, limit: int, path: str = "/users") -> list[list[str]]:
    """Pages as read by following next."""
    answer, pages = client.get(path, limit=limit, sort="sourcedId"), []
    while True:
        (records,) = answer.json().values()
        pages.append([record["sourcedId"] for record in records])
        found = re.search(r'<([^>]*)>; rel="next"', answer.headers["link"])
        if found is None:
            return pages
        answer = client.http.get(found[1], headers={"Authorization": f"Bearer {client.token}"})


def test_short_pages_lose_nothing_when_next_is_followed() -> None:
    with running_sis("1.1", faults=["short_pages"]) as client:
        pages = _walk(client, 10)
        everyone = [own for page in pages for own in page]
    assert {len(page) for page in pages[:-1]} == {5}
    assert len(everyone) == len(set(everyone)) == 21


def test_repeat_page_and_skip_rows() -> None:
    with running_sis("1.1", faults=["repeat_page:times=1,after=1"]) as client:
        pages = _walk(client, 7)
        assert pages[0] == pages[1]
        client.control("faults", clear=True, on=["skip_rows:rows=2"])
        pages = _walk(client, 7)
        assert [len(page) for page in pages] == [7, 5, 5]


def test_drift_moves_the_list_under_the_reader() -> None:
    with running_sis("1.1") as client:
        whole = client.ids("/users", sort="sourcedId")
        client.control("faults", on=["drift_insert:rows=2"])
        read = [own for page in _walk(client, 7) for own in page]
        assert len(read) > len(set(read)), "inserted rows push others to the next page once more"
        assert client.ids("/users", sort="sourcedId") == whole, "at last all have appeared"
        client.control("faults", clear=True, on=["drift:rows=2"])
        read = [own for page in _walk(client, 7) for own in page]
        left = client.ids("/users", sort="sourcedId")
        assert left == whole[2:]
        assert set(left) - set(read), "removed rows pull others over the page border, unseen"


def test_question_deviations() -> None:
    assert _with("sort_refused", "/users", sort="familyName").status_code == 400
    ignored = _with("sort_ignored", "/users", sort="familyName", limit=1).json()["users"]
    assert ignored[0]["sourcedId"] == "stu-amara"
    assert _with("filter_ignored", "/users", filter="role='teacher'").headers["x-total-count"] == "21"
    assert "email" in _with("fields_ignored", "/users", fields="sourcedId").json()["users"][0]
    assert _with("no_school_lists", "/schools/mv-high/classes").status_code == 404
    assert _with("no_school_lists", "/schools/mv-high").status_code == 200
    assert _with("no_demographics", "/demographics").status_code == 404
    loose = _with("loose_class_lists", "/classes/cls-biology/students").json()["users"]
    assert len(loose) == 4
    roles = {user["role"] for user in _with("teachers_in_students", "/students").json()["users"]}
    assert roles == {"student", "teacher"}
    flat = _with("flat_errors", "/users/nobody", "1.2").json()
    assert flat["imsx_codeMinor"] == "unknownobject"


def _one(fault: str, path: str, version: str = "1.1", service: str = "rostering") -> dict[str, Any]:
    (record,) = _with(fault, path, version, service).json().values()
    assert isinstance(record, dict)
    return record


def test_data_deviations() -> None:
    bare = _one("nulls", "/orgs/mv-district")
    assert (bare["parent"], bare["metadata"]) == (None, None)
    assert "courseCode" not in _one("missing_fields", "/courses/crs-algebra")
    assert _one("grades_text", "/courses/crs-algebra")["grades"] == "08,09"
    assert _one("bool_upper", "/users/tea-kim", "1.2")["enabledUser"] == "TRUE"
    assert _one("bool_text", "/users/tea-kim")["enabledUser"] == "true"
    assert _one("bool_json", "/users/tea-kim", "1.2")["enabledUser"] is True
    assert _one("bool_json", "/enrollments/enr-english-9-kim", "1.2")["primary"] is False
    assert _one("enum_case", "/classes/cls-biology", "1.2")["classType"] == "Scheduled"
    loud = _one("enum_case", "/users/tea-kim", "1.2")
    assert (loud["status"], loud["roles"][0]["role"]) == ("Active", "Teacher")
    short = _one("date_for_datetime", "/lineItems/li-linear", "1.2", "gradebook")
    assert short["dueDate"] == "2026-09-21"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", short["dateLastModified"])
    assert _one("datetime_for_date", "/terms/sem-1")["startDate"] == "2026-08-24T00:00:00.000Z"
    assert _one("tilde_hrefs", "/classes/cls-biology")["school"]["href"].startswith("~/ims/")
    flat = _one("flat_role", "/users/tea-osei", "1.2")
    assert flat["role"] == "teacher"
    assert [org["sourcedId"] for org in flat["orgs"]] == ["mv-high", "mv-middle"]
    assert "roles" not in flat
    assert _one("numbers_text", "/results/res-linear-bjorn", "1.1", "gradebook")["score"] == "14.5"
    assert _one("periods_list", "/classes/cls-biology")["periods"] == ["5", "6"]
    assert _one("no_link", "/classes/cls-biology")["periods"] == "5,6"


def test_deviations_of_removed_records(tmp_path: Path) -> None:
    lines = (MAPLE_VALLEY / "users.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    (tmp_path / "users.csv").write_text("".join(lines[:1] + lines[2:]), encoding="utf-8")
    with running_sis("1.1") as client:
        client.control("load", directory=str(tmp_path))
        assert client.get("/users/stu-amara").json()["user"]["status"] == "tobedeleted"
        client.control("faults", on=["status_inactive"])
        assert client.get("/users/stu-amara").json()["user"]["status"] == "inactive"
        client.control("faults", clear=True, on=["silent_removal"])
        assert "stu-amara" not in client.ids("/users")


def test_a_key_that_may_not_see() -> None:
    assert _with("unauthorized", "/users").status_code == 401
    refused = _with("forbidden:path=/users", "/users", "1.2")
    assert (refused.status_code, "forbidden" in refused.text) == (403, True)
    assert _with("forbidden:path=/users", "/orgs").status_code == 200


def test_lists_that_hold_less_agree_with_their_totals() -> None:
    with running_sis("1.1") as client:
        whole = client.items("/users", limit=1000)
        for fault, number in (("shrunk:percent=50", len(whole) // 2), ("empty", 0)):
            client.control("faults", clear=True, on=[fault])
            answer = client.get("/users", limit=1000)
            assert answer.json()["users"] == whole[:number]
            assert answer.headers["x-total-count"] == str(number)


def test_a_hidden_school_takes_what_is_its_own_with_it() -> None:
    kinds = ("orgs", "classes", "enrollments", "users")
    with running_sis("1.1") as client:
        whole = {kind: client.items(f"/{kind}", limit=1000) for kind in kinds}
        client.control("faults", on=["school_hidden"])
        seen = {kind: client.items(f"/{kind}", limit=1000) for kind in kinds}
    hidden = {kind: [one for one in whole[kind] if one not in seen[kind]] for kind in kinds}
    (school,) = [one["sourcedId"] for one in hidden["orgs"]]
    for kind in ("classes", "enrollments"):
        assert {one["school"]["sourcedId"] for one in hidden[kind]} == {school}
        assert school not in {one["school"]["sourcedId"] for one in seen[kind]}
    assert hidden["users"]
    assert all({org["sourcedId"] for org in one["orgs"]} == {school} for one in hidden["users"])


def test_a_page_that_comes_empty() -> None:
    first, second = (_with("empty_page", "/users", limit=3, offset=offset) for offset in (0, 3))
    assert (len(first.json()["users"]), second.json()["users"]) == (3, [])
    assert first.headers["x-total-count"] == second.headers["x-total-count"]
