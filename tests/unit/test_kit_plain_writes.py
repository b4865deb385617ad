"""Writes over the kit's own connections: each is sent once, and done only if its own answer says so. What comes of an
answer is the same as over httpx2."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rollbook.connectors.kit import Client, LostAnswer
from rollbook.errors import ConfigError, RollbookError, Unavailable
from tests.patience import until
from tests.unit.fake_provider import context
from tests.unit.test_kit_deadline import Server, tls
from tests.unit.test_kit_plain import both, chunked, client, sized, told
from tests.unit.tiny_server import TinyServer

__all__ = ["tls"]

BODY = {"result": {"sourcedId": "r1", "score": 5}}
SENT = b'{"result":{"sourcedId":"r1","score":5}}'
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LOST = {
    "no answer": told(closes=True),
    "half a head": told(b"HTTP/1.1 200 OK\r\ncontent-le", closes=True),
    "half a body": told(sized(SENT)[:-3], closes=True),
    "no last chunk": told(chunked(SENT), closes=True),
    "no HTTP": told(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", closes=True),
    "a line that is no header": told(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nno colon\r\n\r\n"),
    "two lengths": told(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\ncontent-length: 4\r\n\r\ntrue"),
    "a length that is no number": told(b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n"),
    "an unknown coding": told(b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n"),
    "another protocol": told(b"HTTP/1.1 101 Switching\r\n\r\n", closes=True),
    "5xx": told(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n"),
}


class Noting(Server):
    """Keeps what it received, answers each request, and closes the connection."""

    def __init__(self, *answers: bytes) -> None:
        super().__init__()
        self.texts, self.received = list(answers), bytearray()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as asked:
            for text in self.texts:
                length = 0
                while line := asked.readline():
                    self.received += line
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.partition(b":")[2])
                    if not line.strip():
                        break
                self.received += asked.read(length)
                connection.sendall(text)


@both
def test_what_leaves_says_how_long_it_is(tmp_path: Path, plain: bool) -> None:
    with Noting(sized(b"{}"), NO_CONTENT, NO_CONTENT) as server, client(server, tmp_path, plain=plain) as calls:
        assert calls.request("PUT", "results/r%2F1", json=BODY).json() == {}
        assert calls.request("DELETE", "results/r1").status == 204
        assert calls.request("POST", "lists").status == 204
        assert server.connections == 1
    put, delete, post = (part for part in bytes(server.received).replace(SENT, b"").split(b"\r\n\r\n") if part)
    assert put.startswith(b"PUT /results/r%2F1 HTTP/1.1\r\n")
    assert SENT in server.received
    lines = {line.lower() for line in put.split(b"\r\n")}
    assert {b"content-length: %d" % len(SENT), b"content-type: application/json"} <= lines
    assert b"content-length" not in delete.lower()
    assert b"content-length: 0" in post.lower()


@both
def test_a_header_of_the_settings_stands_instead_of_ours(tmp_path: Path, plain: bool) -> None:
    headers = {"Host": "sis.example", "Accept-Encoding": "identity"}
    with Noting(sized(b"{}")) as server, client(server, tmp_path, plain=plain, headers=headers) as calls:
        calls.request("PUT", "results/r1", json=BODY)
    lines = bytes(server.received).lower().split(b"\r\n")
    assert [line for line in lines if line.startswith((b"host:", b"accept-encoding:"))] == [
        b"host: sis.example",
        b"accept-encoding: identity",
    ]


@both
@pytest.mark.parametrize("how", LOST)
def test_a_write_whose_answer_is_lost_is_not_sent_again(tmp_path: Path, how: str, plain: bool) -> None:
    with Server(LOST[how], told(sized(b"{}"))) as server, client(server, tmp_path, plain=plain) as calls:
        with pytest.raises(LostAnswer):
            calls.request("PUT", "results/r1", json=BODY)
        assert server.requests == 1
        assert calls.request("PUT", "results/r2", json=BODY).json() == {}, "the next has a connection that works"


@both
def test_announcements_are_no_answers(tmp_path: Path, plain: bool) -> None:
    def hinted(server: Server, stream: Any) -> None:
        stream.sendall(HINTS + CONTINUE)
        time.sleep(0.1)
        stream.sendall(HINTS + sized(b"%d" % server.requests))

    with Server(hinted) as server, client(server, tmp_path, plain=plain) as calls:
        assert [calls.request("PUT", "results/r1", json=BODY).json() for _ in range(3)] == [1, 2, 3]


def test_announcements_without_end_are_a_lost_answer(tmp_path: Path) -> None:
    with (
        Server(told(HINTS * 1000)) as server,
        client(server, tmp_path) as calls,
        pytest.raises(LostAnswer, match="broke"),
    ):
        calls.request("PUT", "results/r1", json=BODY)


@pytest.mark.parametrize("behind", [sized(b'{"codeMajor": "failure"}'), b"x"])
def test_what_comes_behind_an_answer_is_never_taken_for_the_next(tmp_path: Path, behind: bytes) -> None:
    def both_at_once(server: Server, stream: Any) -> None:
        stream.sendall(sized(b"%d" % server.requests) + behind)

    with Server(both_at_once) as server, client(server, tmp_path) as calls:
        assert [calls.request("PUT", "results/r1", json=BODY).json() for _ in range(3)] == [1, 2, 3]
        assert server.connections == 3


@both
def test_an_answer_may_come_before_everything_was_sent(tmp_path: Path, plain: bool) -> None:
    """Servers refuse what is too large for them without reading it."""

    def refused(server: Server, stream: Any) -> None:
        stream.sendall(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        stream.shutdown(socket.SHUT_WR)
        stream.settimeout(5)
        while stream.recv(1 << 20):
            pass

    with Server(refused) as server, client(server, tmp_path, plain=plain) as calls:
        answer = calls.request("PUT", "results/r1", json="x" * (8 << 20), returns=(413,))
        assert (answer.status, server.requests) == (413, 1)


@both
def test_an_empty_answer_leaves_the_connection_open(tmp_path: Path, plain: bool) -> None:
    with Server(told(NO_CONTENT)) as server, client(server, tmp_path, plain=plain) as calls:
        assert [calls.request("PUT", "results/r1", json=BODY).body for _ in range(3)] == [b"", b"", b""]
        assert server.connections == 1


@both
def test_a_connection_that_was_closed_meanwhile_loses_no_write(tmp_path: Path, plain: bool) -> None:
    with Server(told(sized(b"{}"), closes=True)) as server, client(server, tmp_path, plain=plain) as calls:
        for number in (1, 2, 3):
            assert calls.request("PUT", "results/r1", json=BODY).json() == {}
            until(lambda now=number: server.closed == now)
        assert (server.requests, server.connections) == (3, 3)


@both
def test_a_write_follows_a_redirect_with_its_body(tmp_path: Path, plain: bool) -> None:
    moved = b"HTTP/1.1 307 Moved\r\nlocation: /v2/results/r1\r\ncontent-length: 0\r\n\r\n"
    with Noting(moved, sized(b"{}")) as server, client(server, tmp_path, plain=plain) as calls:
        assert calls.request("PUT", "results/r1", json=BODY).json() == {}
    assert server.received.count(SENT) == 2
    assert b"PUT /v2/results/r1 HTTP/1.1" in server.received


@both
@pytest.mark.parametrize(
    ("status", "kind"), [(b"401 Who", RollbookError), (b"422 No", RollbookError), (b"404 Gone", RollbookError)]
)
def test_a_refusal_is_no_lost_answer(tmp_path: Path, status: bytes, kind: type[RollbookError], plain: bool) -> None:
    refused = told(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\n\r\n")
    with Server(refused) as server, client(server, tmp_path, plain=plain) as calls:
        with pytest.raises(kind) as caught:
            calls.request("PUT", "results/r1", json=BODY)
        assert not isinstance(caught.value, LostAnswer)
        assert server.requests == 1


@both
def test_nothing_is_written_over_a_connection_whose_certificate_is_not_verified(
    tmp_path: Path, tls: ssl.SSLContext, plain: bool
) -> None:
    with Server(told(sized(b"{}")), tls=tls) as server, client(server, tmp_path, plain=plain, scheme="https") as calls:
        with pytest.raises(Unavailable, match="certificate"):
            calls.request("PUT", "results/r1", json=BODY)
        assert server.requests == 0


def test_nothing_is_written_to_an_address_that_must_not_be_called(tmp_path: Path) -> None:
    strict = context(tmp_path, allow=False)
    with TinyServer() as server:
        reach = Client(f"https://sis.example:{server.port}", strict, name="the SIS", plain=True)
        with server.resolving("sis.example"), reach, pytest.raises(ConfigError, match=r"sis\.example"):
            reach.request("PUT", "results/r1", json=BODY)
        assert server.received == b""


@pytest.mark.parametrize(
    "spoil",
    [
        lambda calls: calls.request("PUT", "results/r1", json=BODY, headers={"x-key": "s3cret\r\nx-more: 1"}),
        lambda calls: calls.request("PUT", "results/r1", json=BODY, headers={"x key": "s3cret"}),
        lambda calls: calls.request("PUT", "results/r1", json=BODY, headers={"x-key": "s3cret\u20ac"}),
        lambda calls: calls.request("PUT", "results/r1", json=BODY, headers={"Content-Length": "3", "x-key": "s3cret"}),
        lambda calls: calls.request("DELETE", "results/r1", headers={"Content-Length": "3", "x-key": "s3cret"}),
        lambda calls: calls.request("PUT", "results/r1", json=BODY, headers={"Transfer-Encoding": "chunked"}),
    ],
    ids=["two lines", "a name with a space", "beyond Latin-1", "a length", "a length of nothing", "a coding"],
)
def test_a_header_that_cannot_be_sent_sends_nothing_and_tells_no_secret(
    tmp_path: Path, spoil: Callable[[Client], object]
) -> None:
    with Server(told(sized(b"{}"))) as server, client(server, tmp_path) as calls:
        with pytest.raises(ConfigError, match="check address, key and headers") as caught:
            spoil(calls)
        assert server.requests == 0
        assert "s3cret" not in f"{caught.value!r} {caught.value.__cause__!r}"
