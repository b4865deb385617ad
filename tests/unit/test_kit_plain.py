"""Reads of large bodies have connections of their own. What comes of an answer is the same with and without them."""

from __future__ import annotations

import gc
import gzip
import socket
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rollbook.connectors.base import Context
from rollbook.connectors.kit import Client, Retry, transport
from rollbook.errors import BadResponse, ConfigError, RollbookError, RunCancelled, Unavailable
from tests.patience import until, within
from tests.unit.fake_provider import FakeCancel, context
from tests.unit.test_kit_deadline import Server, tls, trickled_body
from tests.unit.tiny_server import TinyServer

__all__ = ["tls"]

ONCE = Retry(lost_answers=True, attempts=1)
OK = b"HTTP/1.1 200 OK\r\n"
LARGE = b"[" + b"1," * 700_000 + b"1]"
PACKED = gzip.compress(LARGE)


def told(*parts: bytes, closes: bool = False) -> Callable[[Server, Any], None]:
    def answer(server: Server, stream: Any) -> None:
        for part in parts:
            stream.sendall(part)
        if closes:
            stream.shutdown(socket.SHUT_RDWR)
            server.closed += 1
            raise OSError

    return answer


def sized(body: bytes, *headers: bytes) -> bytes:
    lines = [*headers, b"content-length: %d" % len(body)]
    return OK + b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunked(*pieces: bytes) -> bytes:
    return OK + b"transfer-encoding: chunked\r\n\r\n" + b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in pieces)


WHOLE = {
    "with its length": told(sized(LARGE)),
    "in two parts": told(sized(LARGE)[:500_000], sized(LARGE)[500_000:]),
    "in chunks": told(chunked(LARGE[:10], LARGE[10:900_000], LARGE[900_000:], b"")),
    "until the connection ends": told(OK + b"connection: close\r\n\r\n", LARGE, closes=True),
    "packed": told(sized(PACKED, b"content-encoding: gzip")),
    "packed in chunks": told(chunked(PACKED, b"").replace(b"chunked\r\n", b"chunked\r\nContent-Encoding: gzip\r\n", 1)),
}
BROKEN: dict[str, tuple[Callable[[Server, Any], None], type[RollbookError], str]] = {
    "shorter than its length": (told(sized(LARGE)[:-5], closes=True), Unavailable, "broke"),
    "no last chunk": (told(chunked(LARGE), closes=True), Unavailable, "broke"),
    "a chunk of no size": (told(chunked(b"1").replace(b"1\r\n1", b"x\r\n1")), Unavailable, "broke"),
    "no answer": (told(closes=True), Unavailable, "broke"),
    "no HTTP": (told(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", closes=True), Unavailable, "broke"),
    "wrongly packed": (told(sized(b"[1]", b"content-encoding: gzip")), BadResponse, "unpacked"),
    "packed twice": (
        told(sized(gzip.compress(PACKED), b"content-encoding: gzip, gzip")),
        BadResponse,
        "packed a body more than once",
    ),
    "packed twice, in two lines": (
        told(sized(gzip.compress(PACKED), b"content-encoding: gzip", b"content-encoding: gzip")),
        BadResponse,
        "packed a body more than once",
    ),
    "nothing at all": (lambda server, stream: server.over.wait(5) and None, Unavailable, "did not answer in time"),
}
both = pytest.mark.parametrize("plain", [True, False], ids=["plain", "usual"])


def client(server: Server, tmp_path: Path, *, plain: bool = True, scheme: str = "http", **more: Any) -> Client:
    ctx: Context = context(tmp_path)
    url = f"{scheme}://127.0.0.1:{server.port}"
    return Client(url, ctx, name="the SIS", plain=plain, **{"timeout": 5.0, **more})


@both
@pytest.mark.parametrize("how", WHOLE)
def test_a_body_comes_whole_however_it_is_sent(tmp_path: Path, how: str, plain: bool) -> None:
    with Server(WHOLE[how]) as server, client(server, tmp_path, plain=plain) as calls:
        for _ in range(3):
            assert calls.get("users").body == LARGE
        assert server.connections == (3 if how == "until the connection ends" else 1)


@both
@pytest.mark.parametrize("how", BROKEN)
def test_a_body_that_breaks_is_an_error_in_words(tmp_path: Path, how: str, plain: bool) -> None:
    answer, kind, words = BROKEN[how]
    with Server(answer, told(sized(b"[1]"))) as server, client(server, tmp_path, plain=plain, timeout=0.5) as calls:
        with pytest.raises(kind, match=words):
            calls.request("GET", "users", retry=ONCE)
        assert calls.get("users").json() == [1], "the next read has a connection that works"


@both
def test_headers_come_as_they_were_sent(tmp_path: Path, plain: bool) -> None:
    more = (
        b"Link: <https://a/1>; rel=next",
        b"Link: <https://a/2>; rel=last",
        b"X-Total-Count: 7",
        b"x-name: Z\xfcrich",
    )
    with Server(told(sized(b"[]", *more))) as server, client(server, tmp_path, plain=plain) as calls:
        headers = calls.get("users").headers
    assert headers.get_list("link") == ["<https://a/1>; rel=next", "<https://a/2>; rel=last"]
    assert headers["x-total-count"] == "7"
    assert headers["x-name"] == "Zürich"


@both
def test_what_is_asked(tmp_path: Path, plain: bool) -> None:
    asked: list[bytes] = []

    class Noting(Server):
        def _serve(self, connection: socket.socket) -> None:
            with connection:
                asked.append(connection.recv(65536))
                connection.sendall(sized(b"[]"))

    with Noting() as server, client(server, tmp_path, plain=plain) as calls:
        calls.get("users", query=[("filter", "name='Ä b'"), ("limit", "5")])
    lines = asked[0].decode().split("\r\n")
    assert lines[0] == "GET /users?filter=name%3D%27%C3%84%20b%27&limit=5 HTTP/1.1"
    given = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
    assert given["host"] == f"127.0.0.1:{server.port}"
    assert (given["accept"], given["user-agent"]) == ("application/json", "rollbook")
    assert "gzip" in given["accept-encoding"]
    assert "content-length" not in given


@both
def test_a_header_that_cannot_be_sent_is_a_mistake_in_the_settings(tmp_path: Path, plain: bool) -> None:
    headers = {"x-key": "two\r\nlines"}
    with (
        Server(told(sized(b"[]"))) as server,
        client(server, tmp_path, plain=plain, headers=headers) as calls,
        pytest.raises(ConfigError, match="check address, key and headers"),
    ):
        calls.get("users")
    assert server.requests == 0


def test_a_last_answer_that_is_not_read_to_its_end_leaves_nothing_open(tmp_path: Path) -> None:
    def endless(server: Server, stream: Any) -> None:
        stream.sendall(OK + b"connection: close\r\n\r\n" + b" ")
        server.over.wait(2)

    with (
        Server(endless) as server,
        client(server, tmp_path, timeout=0.3) as calls,
        pytest.raises(Unavailable, match="did not answer in time"),
    ):
        calls.request("GET", "users", retry=ONCE)
    gc.collect()  # a socket that is still open would speak up


def test_a_connection_that_the_server_has_closed_is_not_used_again(tmp_path: Path) -> None:
    with Server(told(sized(b"[1]"), closes=True)) as server, client(server, tmp_path) as calls:
        for number in (1, 2, 3):
            assert calls.request("GET", "users", retry=ONCE).json() == [1]
            until(lambda now=number: server.closed == now)
        assert server.connections == 3


def test_a_slow_body_may_be_cancelled(tmp_path: Path) -> None:
    def once() -> float:
        with Server(trickled_body) as server, client(server, tmp_path) as calls:
            cancel = calls._context.cancel
            assert isinstance(cancel, FakeCancel)
            threading.Timer(0.3, setattr, (cancel, "stop", True)).start()
            begun = time.monotonic()
            with pytest.raises(RunCancelled):
                calls.get("users")
            return time.monotonic() - begun

    within(3, once)  # it would take four seconds


def test_certificates_are_verified(tmp_path: Path, tls: ssl.SSLContext) -> None:
    with Server(told(sized(b"[1]")), tls=tls) as server, client(server, tmp_path, scheme="https") as calls:
        with pytest.raises(Unavailable, match="certificate"):
            calls.get("users")
        assert server.requests == 0


def trusting() -> ssl.SSLContext:
    """Takes any certificate."""
    found = ssl.create_default_context()
    found.check_hostname, found.verify_mode = False, ssl.CERT_NONE
    return found


def test_large_bodies_come_over_tls(tmp_path: Path, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "_tls", trusting)
    with Server(told(sized(LARGE)), tls=tls) as server, client(server, tmp_path, scheme="https") as calls:
        assert [calls.get("users").body for _ in range(2)] == [LARGE, LARGE]
        assert server.connections == 1


@pytest.mark.parametrize("behind", [sized(b'"of nobody"'), b"x"], ids=["an answer", "anything"])
def test_what_comes_behind_an_answer_over_tls_is_never_taken_for_the_next(
    tmp_path: Path, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, behind: bytes
) -> None:
    """In one record with the end of a body it waits inside TLS, where the system sees nothing."""

    def answer(server: Server, stream: Any) -> None:
        text = sized(b'"%s"' % (b"%d" % server.requests * 20_000))
        stream.sendall(text[:-10_000])
        time.sleep(0.05)
        stream.sendall(text[-10_000:] + behind)

    monkeypatch.setattr(transport, "_tls", trusting)
    with Server(answer, tls=tls) as server, client(server, tmp_path, scheme="https") as calls:
        assert [calls.get("users").json()[0] for _ in range(3)] == ["1", "2", "3"]


def test_a_server_without_tls_is_told_in_words(tmp_path: Path) -> None:
    class Raw(Server):
        def _serve(self, connection: socket.socket) -> None:
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")

    with (
        Raw() as server,
        client(server, tmp_path, scheme="https") as calls,
        pytest.raises(ConfigError, match="check http or https"),
    ):
        calls.get("users")


def test_the_resolved_address_is_judged_before_anything_is_sent(tmp_path: Path) -> None:
    strict = context(tmp_path, allow=False)
    with TinyServer() as server:
        reach = Client(f"https://sis.example:{server.port}", strict, name="the SIS", plain=True)
        with server.resolving("sis.example"), reach, pytest.raises(ConfigError, match=r"sis\.example"):
            reach.get("users")
        assert server.received == b""
