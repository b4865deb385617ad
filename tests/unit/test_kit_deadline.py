"""A write call ends when its time is up, however the other side spreads its bytes: a takeover counts on that."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import pytest

from rollbook.connectors.kit import Client, LostAnswer, Retry, transport
from rollbook.connectors.schoology.client import SchoologyClient
from rollbook.connectors.schoology.options import SchoologyOptions
from rollbook.engine.world import longest_call
from rollbook.errors import RunCancelled, Unavailable
from rollbook.roster.settings import parse
from tests.districts import settings_of
from tests.patience import within
from tests.unit.fake_provider import context

TIMEOUT = 0.6
#: So much more is still in time; on a busy machine not each time.
GRACE = 0.5
ONCE = Retry(lost_answers=False, attempts=1)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 4\r\n"
Answer = Callable[["Server", Any], None]


class Server:
    """Answers every request of every connection by the next one of `answers`, the last one for ever."""

    def __init__(self, *answers: Answer, tls: ssl.SSLContext | None = None) -> None:
        self._answers, self._tls = list(answers), tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.over = threading.Event()
        self.connections = self.requests = self.closed = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # else the thread waits for a connection for ever
        self._listener.close()

    def _accept(self) -> None:
        while not self.over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with self._tls.wrap_socket(connection, server_side=True) if self._tls else connection as stream:
                while not self.over.is_set():
                    answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                    if answer is not deaf:
                        received = b""
                        while b"\r\n\r\n" not in received:
                            piece = stream.recv(65536)
                            if not piece:
                                return
                            received += piece
                    self.requests += 1
                    answer(self, stream)
        except OSError:
            pass  # the client went away


def at_once(server: Server, stream: Any) -> None:
    stream.sendall(HEAD + b"\r\ntrue")


def trickle(server: Server, stream: Any, text: bytes) -> None:
    for byte in text:
        if server.over.wait(0.1):
            return
        stream.sendall(bytes([byte]))


def trickled_head(server: Server, stream: Any) -> None:
    trickle(server, stream, HEAD)


def trickled_body(server: Server, stream: Any) -> None:
    stream.sendall(HEAD.replace(b"length: 4", b"length: 28") + b"\r\n")
    trickle(server, stream, b" " * 24 + b"true")


def slow_hop(server: Server, stream: Any) -> None:
    server.over.wait(0.25)
    stream.sendall(b"HTTP/1.1 307 Moved\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n")


def deaf(server: Server, stream: Any) -> None:
    """Takes a little of the request now and then."""
    while not server.over.wait(0.1) and stream.recv(16384):
        pass


def silent(server: Server, stream: Any) -> None:
    server.over.wait(10)


def in_time(measure: Callable[[], float]) -> None:
    """It ends when its time is up: not before, and soon after."""

    def measured() -> float:
        seconds = measure()
        assert seconds >= TIMEOUT
        return seconds

    within(TIMEOUT + GRACE, measured)


def ended_after(call: Callable[[], object]) -> float:
    begun = time.monotonic()
    with pytest.raises(LostAnswer, match="did not answer in time"):
        call()
    return time.monotonic() - begun


def client(server: Server, tmp_path: Path, scheme: str = "http", *, plain: bool = False) -> Client:
    url = f"{scheme}://127.0.0.1:{server.port}"
    return Client(url, context(tmp_path), name="the LMS", timeout=TIMEOUT, plain=plain)


both = pytest.mark.parametrize("plain", [True, False], ids=["plain", "usual"])


@both
@pytest.mark.parametrize("answer", [trickled_head, trickled_body, slow_hop, deaf, silent])
def test_a_write_ends_when_its_time_is_up(tmp_path: Path, answer: Answer, plain: bool) -> None:
    def once() -> float:
        with Server(answer) as server, client(server, tmp_path, plain=plain) as calls:
            body = "x" * (20 << 20 if answer is deaf else 10)
            seconds = ended_after(lambda: calls.request("POST", "courses", json=body, retry=ONCE))
            sent = server.requests
            time.sleep(0.3)
            assert server.requests == sent, "nothing leaves once it has ended"
            return seconds

    in_time(once)


@both
@pytest.mark.parametrize("answer", [trickled_head, trickled_body])
def test_so_does_one_over_a_connection_that_was_used_before(tmp_path: Path, answer: Answer, plain: bool) -> None:
    def once() -> float:
        with Server(at_once, at_once, answer) as server, client(server, tmp_path, plain=plain) as calls:
            assert calls.get("users").json() is True
            assert calls.request("POST", "courses", json={}).json() is True
            seconds = ended_after(lambda: calls.request("PUT", "courses", json={}, retry=ONCE))
            assert server.connections == 1
            return seconds

    in_time(once)


@both
@pytest.mark.parametrize("answer", [trickled_head, trickled_body])
def test_and_one_over_tls(
    tmp_path: Path, answer: Answer, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, plain: bool
) -> None:
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    monkeypatch.setattr(transport, "_tls", lambda: trusting)

    def once() -> float:
        with Server(at_once, answer, tls=tls) as server, client(server, tmp_path, "https", plain=plain) as calls:
            assert calls.request("POST", "courses", json={}).json() is True
            return ended_after(lambda: calls.request("POST", "courses", json={}, retry=ONCE))

    in_time(once)


def test_a_read_may_take_longer_as_long_as_bytes_come(tmp_path: Path) -> None:
    with Server(trickled_body) as server, client(server, tmp_path) as calls:
        begun = time.monotonic()
        assert calls.get("users").json() is True
        assert time.monotonic() - begun > 4 * TIMEOUT


def test_the_longest_call_is_what_the_connector_keeps_to(tmp_path: Path) -> None:
    with Server(trickled_body) as server:
        given = {"base_url": f"http://127.0.0.1:{server.port}", "key": "k", "timeout": TIMEOUT}
        assert longest_call(parse(settings_of(lms={"connector": "schoology", "options": given}))) == TIMEOUT

        def once() -> float:
            calls = SchoologyClient(SchoologyOptions(**given, secret="s"), context(tmp_path))
            try:
                return ended_after(lambda: calls.write("POST", "courses", {}, "courses"))
            finally:
                calls.close()

        in_time(once)


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    """What a server needs that signs for itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1)
    )
    signed = made.sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    text = signed.public_bytes(pem)
    text += key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "tls.pem").write_bytes(text)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "tls.pem")
    return server


def endless_trailers(server: Server, stream: Any) -> None:
    stream.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n")
    while not server.over.wait(0.01):
        stream.sendall(b"a: b\r\n")


def endless_head(server: Server, stream: Any) -> None:
    while not server.over.wait(0.05):
        stream.sendall(b"H")


@both
@pytest.mark.parametrize("answer", [endless_trailers, endless_head])
def test_a_read_ends_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: Answer, plain: bool) -> None:
    monkeypatch.setattr("rollbook.connectors.kit.http._LONGEST_READ", 0.5)
    with Server(answer) as server, client(server, tmp_path, plain=plain) as calls:
        begun = time.monotonic()
        with pytest.raises(Unavailable):
            calls.request("GET", "users", retry=ONCE)
        assert time.monotonic() - begun < 0.5 + GRACE


@pytest.mark.parametrize("answer", [endless_trailers, endless_head])
def test_a_read_may_be_cancelled_before_its_body_comes(tmp_path: Path, answer: Answer) -> None:
    with Server(answer) as server, client(server, tmp_path, plain=True) as calls:
        threading.Timer(0.2, setattr, (calls._context.cancel, "stop", True)).start()
        with pytest.raises(RunCancelled):
            calls.get("users")


@both
def test_a_write_that_is_being_answered_is_not_cancelled(tmp_path: Path, plain: bool) -> None:
    """Else nobody would know whether it was done."""
    with Server(trickled_body) as server, slow(server, tmp_path, plain=plain) as calls:
        threading.Timer(0.2, setattr, (calls._context.cancel, "stop", True)).start()
        assert calls.request("POST", "courses", json={}).json() is True


def slow(server: Server, tmp_path: Path, *, plain: bool) -> Client:
    return Client(f"http://127.0.0.1:{server.port}", context(tmp_path), name="the LMS", timeout=10.0, plain=plain)
