"""The kit's HTTP client: retries, redirects, throttling, lost answers, and what errors may say."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rollbook.connectors.base import Context
from rollbook.connectors.kit import NEVER, SAFE, BadStatus, Client, LostAnswer, Outgoing, ServerError
from rollbook.errors import AuthFailed, BadResponse, ConfigError, RunCancelled, Throttled, Unavailable
from tests.unit.fake_provider import Attempts, FakeCancel, context

Handler = Callable[[httpx2.Request], httpx2.Response]


class Hook:
    """Counts what it signs; the token changes with every renewal."""

    def __init__(self, *, renews: bool = True) -> None:
        self.signed: list[Outgoing] = []
        self.renewals = 0
        self.renews = renews

    def authorize(self, outgoing: Outgoing) -> Mapping[str, str]:
        self.signed.append(outgoing)
        return {"authorization": f"Test {len(self.signed)}"}

    def renew(self, used: Mapping[str, str]) -> bool:
        self.renewals += 1
        return self.renews


@pytest.fixture
def ctx(tmp_path: Path) -> Context:
    return context(tmp_path)


def client(ctx: Context, handler: Handler, **more: Any) -> Client:
    return Client("https://api.example/v1", ctx, name="the SIS", transport=httpx2.MockTransport(handler), **more)


def script(*answers: httpx2.Response | Exception) -> tuple[Handler, list[httpx2.Request]]:
    """A server that gives these answers in turn, the last one for ever."""
    asked: list[httpx2.Request] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        answer = answers[min(len(asked), len(answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return handle, asked


OK = httpx2.Response(200, json={"x": 1})


@pytest.mark.parametrize(
    "trouble",
    [
        httpx2.ReadTimeout("t"), httpx2.ConnectError("c"), httpx2.RemoteProtocolError("r"),
        httpx2.Response(500), httpx2.Response(503), httpx2.Response(429), httpx2.Response(408),
    ],
)  # fmt: skip
def test_a_read_is_tried_again(ctx: Context, trouble: httpx2.Response | Exception) -> None:
    handle, asked = script(trouble, trouble, OK)
    assert client(ctx, handle).get("users").json() == {"x": 1}
    assert len(asked) == 3
    assert isinstance(ctx.count, Attempts)
    assert ctx.count.number == 3


def test_a_read_gives_up_in_the_end(ctx: Context) -> None:
    handle, asked = script(httpx2.Response(500, text="secret body"))
    with pytest.raises(ServerError) as caught:
        client(ctx, handle).get("users", query=[("filter", "name='Ada'")], what="users")
    assert caught.value.status == 500
    assert len(asked) == 6
    assert "secret body" not in str(caught.value)
    assert "Ada" not in str(caught.value)


@pytest.mark.parametrize(
    ("trouble", "status"),
    [(httpx2.ReadTimeout("t"), None), (httpx2.WriteError("w"), None), (httpx2.Response(500), 500),
     (httpx2.Response(503, headers={"retry-after": "1"}), 503)],
)  # fmt: skip
def test_a_write_whose_answer_is_lost_is_not_repeated(
    ctx: Context, trouble: httpx2.Response | Exception, status: int | None
) -> None:
    handle, asked = script(trouble, OK)
    with pytest.raises(LostAnswer) as caught:
        client(ctx, handle).request("POST", "users", json={})
    assert len(asked) == 1
    assert caught.value.status == status


@pytest.mark.parametrize("trouble", [httpx2.ConnectError("c"), httpx2.Response(429, headers={"retry-after": "0"})])
def test_a_write_that_certainly_did_not_happen_is_repeated(ctx: Context, trouble: httpx2.Response | Exception) -> None:
    handle, asked = script(trouble, OK)
    assert client(ctx, handle).request("POST", "users", json={}).ok
    assert len(asked) == 2


def test_a_write_that_is_safe_to_repeat_may_be(ctx: Context) -> None:
    handle, asked = script(httpx2.ReadTimeout("t"), OK)
    assert client(ctx, handle).request("POST", "token", form=[("a", "b c")], retry=SAFE).ok
    assert [request.content for request in asked] == [b"a=b%20c"] * 2


def test_retry_after_is_waited_out(ctx: Context) -> None:
    handle, _ = script(httpx2.Response(429, headers={"retry-after": "0.05"}), OK)
    moments: list[float] = []

    def noted(request: httpx2.Request) -> httpx2.Response:
        moments.append(time.monotonic())
        return handle(request)

    client(ctx, noted).get("users")
    assert isinstance(ctx.cancel, FakeCancel)
    assert moments[1] - moments[0] >= 0.05
    assert all(wait < 0.3 for wait in ctx.cancel.waits)


def test_retry_after_as_a_date_counts_by_the_servers_clock(ctx: Context) -> None:
    headers = {"date": "Mon, 01 Jan 2024 00:00:00 GMT", "retry-after": "Mon, 01 Jan 2024 01:00:00 GMT"}
    handle, asked = script(httpx2.Response(429, headers=headers))
    with pytest.raises(Throttled) as caught:
        client(ctx, handle).get("users")
    assert caught.value.retry_after == 3600
    assert len(asked) == 1


def test_what_cannot_be_waited_out_is_throttled(ctx: Context) -> None:
    handle, asked = script(httpx2.Response(503, headers={"retry-after": "600"}))
    with pytest.raises(Throttled) as caught:
        client(ctx, handle).get("users")
    assert caught.value.retry_after == 600
    assert len(asked) == 1


def test_never_means_one_attempt(ctx: Context) -> None:
    handle, asked = script(httpx2.Response(429))
    with pytest.raises(Throttled):
        client(ctx, handle).request("POST", "x", retry=NEVER)
    assert len(asked) == 1


def test_cancelling_ends_a_wait(ctx: Context) -> None:
    def handle(request: httpx2.Request) -> httpx2.Response:
        assert isinstance(ctx.cancel, FakeCancel)
        ctx.cancel.stop = True
        return httpx2.Response(500)

    with pytest.raises(RunCancelled):
        client(ctx, handle).get("users")


def test_redirects_on_the_same_host_are_signed_afresh(ctx: Context) -> None:
    def handle(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/v1/users/me":
            return httpx2.Response(303, headers={"location": "/v1/users/7?a=b c"})
        return httpx2.Response(200, json=request.headers["authorization"])

    hook = Hook()
    assert client(ctx, handle, auth=hook).get("users/me").json() == "Test 2"
    assert [one.url for one in hook.signed] == [
        "https://api.example/v1/users/me",
        "https://api.example/v1/users/7?a=b%20c",
    ]


@pytest.mark.parametrize("location", ["https://evil.example/x", "http://api.example/x", "https://api.example:8443/x"])
def test_redirects_to_another_origin_are_refused(ctx: Context, location: str) -> None:
    handle, asked = script(httpx2.Response(302, headers={"location": location}))
    with pytest.raises(BadResponse, match="another host"):
        client(ctx, handle).get("users")
    assert len(asked) == 1


def test_redirects_have_an_end(ctx: Context) -> None:
    handle, asked = script(httpx2.Response(307, headers={"location": "/v1/users"}))
    with pytest.raises(BadResponse, match="more than 5"):
        client(ctx, handle).get("users")
    assert len(asked) == 6


def test_a_redirected_write_keeps_its_body_only_when_told_so(ctx: Context) -> None:
    handle, asked = script(httpx2.Response(308, headers={"location": "/v1/elsewhere"}), OK)
    client(ctx, handle).request("POST", "users", json=[1])
    assert (asked[1].method, asked[1].content) == ("POST", b"[1]")
    handle, _ = script(httpx2.Response(301, headers={"location": "/v1/elsewhere"}), OK)
    with pytest.raises(BadResponse):
        client(ctx, handle).request("POST", "users", json=[1])


def test_redirects_that_are_asked_for_are_handed_back(ctx: Context) -> None:
    handle, asked = script(httpx2.Response(302, headers={"location": "https://elsewhere.example/"}))
    answer = client(ctx, handle).request("POST", "users", json=[1], returns=(302,))
    assert (answer.status, answer.ok, len(asked)) == (302, False, 1)


def test_credentials_are_renewed_a_few_times(ctx: Context) -> None:
    handle, asked = script(httpx2.Response(401), OK)
    hook = Hook()
    assert client(ctx, handle, auth=hook).request("POST", "users", json={}).ok
    assert (len(asked), hook.renewals) == (2, 1)
    handle, asked = script(httpx2.Response(401))
    hook = Hook()
    with pytest.raises(AuthFailed):
        client(ctx, handle, auth=hook).get("users")
    assert (len(asked), hook.renewals) == (7, 6)


def test_forbidden_is_in_words_of_its_own(ctx: Context) -> None:
    handle, asked = script(httpx2.Response(403, json={"name": "Ada"}))
    with pytest.raises(AuthFailed, match="not allowed") as caught:
        client(ctx, handle).get("users", what="users")
    assert "Ada" not in str(caught.value)
    assert len(asked) == 1


def test_other_statuses_are_errors_unless_asked_for(ctx: Context) -> None:
    handle, asked = script(httpx2.Response(404, json={"name": "Ada"}))
    with pytest.raises(BadStatus, match="404") as caught:
        client(ctx, handle).get("users/u1")
    assert "Ada" not in str(caught.value)
    assert client(ctx, handle).get("users/u1", returns=(404,)).status == 404
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx2.Response(200, html="<html>hello</html>"), "web page"),
        (httpx2.Response(200, text="\n <?xml version='1.0'?>"), "web page"),
        (httpx2.Response(200, text="hello"), "not JSON"),
        (httpx2.Response(200, text="[" * 100_000), "not JSON"),
        (httpx2.Response(200), "empty body"),
    ],
)
def test_what_is_no_json_is_named(ctx: Context, answer: httpx2.Response, words: str) -> None:
    handle, _ = script(answer)
    with pytest.raises(BadResponse, match=words) as caught:
        client(ctx, handle).get("users").json()
    assert "hello" not in str(caught.value)


def test_a_shape_that_differs_is_not_quoted(ctx: Context) -> None:
    handle, _ = script(httpx2.Response(200, json={"name": "Ada"}))
    with pytest.raises(BadResponse) as caught:
        client(ctx, handle).get("users").json(list[int])
    assert "Ada" not in str(caught.value)


def test_an_unreachable_host_is_named_and_nothing_else(tmp_path: Path) -> None:
    ctx = context(tmp_path)
    reach = Client("http://127.0.0.1:9/path", ctx, name="the SIS")
    with reach, pytest.raises(Unavailable) as caught:
        reach.get("users", query=[("filter", "name='Ada'")])
    assert str(caught.value).endswith("(127.0.0.1) cannot be reached; check its address if that stays so")


def test_addresses_are_not_logged(ctx: Context, caplog: pytest.LogCaptureFixture) -> None:
    handle, _ = script(OK)
    with caplog.at_level(logging.DEBUG):
        client(ctx, handle).get("users", query=[("client_secret", "hush")])
    assert "hush" not in caplog.text


def test_links_to_other_hosts_are_not_followed(ctx: Context) -> None:
    handle, asked = script(OK)
    with pytest.raises(BadResponse):
        client(ctx, handle).get("https://evil.example/users")
    assert asked == []


def test_private_addresses_need_permission(tmp_path: Path) -> None:
    strict = context(tmp_path, allow=False)
    with pytest.raises(ConfigError, match="private"):
        Client("https://10.0.0.1/", strict, name="the SIS")


def test_the_resolved_address_is_judged_before_anything_is_sent(tmp_path: Path) -> None:
    """A public looking name that leads to this machine: the connection ends before a request."""
    from tests.unit.tiny_server import TinyServer

    strict = context(tmp_path, allow=False)
    with TinyServer() as server:
        reach = Client(f"https://sis.example:{server.port}", strict, name="the SIS")
        with server.resolving("sis.example"), reach, pytest.raises(ConfigError, match=r"sis\.example"):
            reach.get("users")
        assert server.received == b""


def test_no_cookie_goes_from_one_persons_call_to_anothers(ctx: Context) -> None:
    """They share a client, and a cookie may be a session."""
    handle, asked = script(httpx2.Response(200, json={}, headers={"set-cookie": "session=ada; Path=/"}))
    with client(ctx, handle, auth=Hook()) as calls:
        calls.get("users")
        calls.get("users")
        calls.signed_by(Hook()).get("users")
        calls.get("users")
    assert [request.headers.get("cookie") for request in asked] == [None] * 4


def test_who_signs_says_how_often_it_may_be_renewed(ctx: Context) -> None:
    handle, asked = script(httpx2.Response(401))
    hook = Hook()
    with pytest.raises(AuthFailed):
        client(ctx, handle).signed_by(hook, renewals=1).get("users")
    assert (len(asked), hook.renewals) == (2, 1)
