"""One HTTP/1.1 connection for `plain.py`: a request leaves in one piece, and the answer's head is read strictly.

What is not clearly the head of an answer is an error, as with httpx2 (h11): a write is done only if its own answer says
so. Bodies are read by the standard library.
"""

from __future__ import annotations

import http.client
import io
import re
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, cast

import httpx2

from rollbook.connectors.kit.allowance import ENDLESS, Allowance

PORTS: Final = {"http": 80, "https": 443}
Origin = tuple[str, str, int]
CheckPeer = Callable[[str], None]
"""Judges the address that a connection leads to, before anything is sent. Raises for one that must not be called."""

#: So much of a body is read at once.
_PIECE: Final = 256 * 1024
#: What is sent at once: a reader that takes less at a time is too slow anyway.
_SENT: Final = 16 * 1024
#: Many servers close a connection that has been idle for long just as it is used again (httpx2 has the same limit).
_IDLE_S: Final = 5.0
#: An answer's head has no more lines than this, and none is longer (the standard library's limits).
_MOST_LINES: Final = 100
_LONGEST_LINE: Final = 65536
_MOST_ANNOUNCED: Final = 20
#: Methods that tell how long their body is, also when there is none (RFC 9110 8.6).
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
#: What says where a request ends is for nobody else to say.
_FRAMING: Final = frozenset({"content-length", "transfer-encoding"})
#: httpx2 sends these, too, and unpacks what comes.
_ALWAYS: Final = {"accept-encoding": "gzip, deflate", "connection": "keep-alive"}

#: RFC 9110 5.1 and 5.5, RFC 9112 3.2 and 4.
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_TARGET: Final = re.compile(r"[\x21-\x7e]+")
_STATUS: Final = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: .*)?")
_FIELD: Final = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*")


@dataclass(frozen=True)
class Wait:
    """Time-outs in seconds: for connecting, and for each silence after that. None: without end. None of them is longer
    than what is left of `allowance`. `check` raises when nobody wants the answer any more."""

    connect: float | None
    silence: float | None
    allowance: Allowance = ENDLESS
    check: Callable[[], object] = object

    def connecting(self) -> float | None:
        return self._left(self.connect)

    def silent(self) -> float | None:
        return self._left(self.silence)

    def _left(self, seconds: float | None) -> float | None:
        left = self.allowance.at_most(seconds)
        if left is not None and left <= 0.0:
            raise TimeoutError
        return left


@dataclass(frozen=True)
class Request:
    """One request; `target` is path and query."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def written(self, host: str) -> bytes:
        """As it leaves. Raises LocalProtocolError for what cannot be said."""
        lines = [f"{self.method} {self.target} HTTP/1.1"]
        given = {name.lower() for name in self.headers}
        ours = {"host": host, **_ALWAYS}
        if self.body or self.method in _WITH_BODY:
            ours["content-length"] = str(len(self.body))
        headers = {name: value for name, value in ours.items() if name not in given}
        for name, value in (headers | dict(self.headers)).items():
            if not (_NAME.fullmatch(name) and _VALUE.fullmatch(value)) or name.lower() in _FRAMING - headers.keys():
                raise httpx2.LocalProtocolError("not a valid header")
            lines.append(f"{name}: {value}")
        if not (_NAME.fullmatch(self.method) and _TARGET.fullmatch(self.target)):
            raise httpx2.LocalProtocolError("not a valid request")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + self.body


class Connection:
    """Connected when it is first asked. `lasts`: its last answer leaves room for another."""

    def __init__(self, origin: Origin, tls: Callable[[], ssl.SSLContext], check_peer: CheckPeer) -> None:
        scheme, host, port = origin
        self.origin, self._tls_of, self._check_peer = origin, tls, check_peer
        host = f"[{host}]" if ":" in host else host
        self._named = host if port == PORTS[scheme] else f"{host}:{port}"
        self._sock: socket.socket | None = None
        self._incoming = _Incoming()
        self._reader = _Reader(self._incoming, _SENT)
        self._idle_since = 0.0
        self.lasts = False

    def rest(self) -> None:
        """Not used for now."""
        self._idle_since = time.monotonic()

    def usable(self) -> bool:
        """Not idle for too long, and nothing came unasked: that would be the end of the connection."""
        if self._sock is None or time.monotonic() - self._idle_since > _IDLE_S:
            return False
        watch = select.poll()  # select() knows no file descriptors above 1,023
        watch.register(self._sock, select.POLLIN)
        return not watch.poll(0) and not self._left_over()

    def ask(self, request: Request, wait: Wait) -> tuple[int, httpx2.Headers, Body]:
        """Status, headers, and the body that is still to be read."""
        written = request.written(self._named)
        with _as_httpx2(httpx2.ConnectTimeout, httpx2.ConnectError):
            sock = self._sock or self._connect(wait)
        self._incoming.listen(sock, wait)
        with _as_httpx2(httpx2.WriteTimeout, httpx2.WriteError):
            sent = _send(sock, written, wait)
        with _as_httpx2(httpx2.ReadTimeout, httpx2.ReadError):
            answer = _Answer(self, request.method)
            answer.begin()
        self.lasts = sent and not answer.will_close
        return answer.status, answer.fields, Body(answer)

    def makefile(self, mode: str) -> io.BufferedReader:
        """What the standard library reads an answer from."""
        return self._reader

    def close(self) -> None:
        sock, self._sock = self._sock, None
        if sock is not None:
            sock.close()

    def _left_over(self) -> bool:
        """Is there something behind the last answer? Part of a TLS record may wait decrypted, of which `poll` knows
        nothing."""
        self._incoming.dry = True
        unread = self._sock.pending() if isinstance(self._sock, ssl.SSLSocket) else 0
        return bool(unread or self._reader.peek(1))

    def _connect(self, wait: Wait) -> socket.socket:
        """Also checks where the connection leads, before TLS begins."""
        scheme, host, port = self.origin
        found = socket.create_connection((host, port), wait.connecting())
        try:
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._check_peer(str(found.getpeername()[0]))
            if scheme == "https":
                found.settimeout(wait.connecting())
                found = self._tls_of().wrap_socket(found, server_hostname=host)
        except BaseException:
            found.close()
            raise
        self._sock = found
        return found


class Body(httpx2.SyncByteStream):
    """A body as it comes; `whole` once its end was reached."""

    def __init__(self, answer: _Answer) -> None:
        self._answer = answer
        self.whole = False

    def __iter__(self) -> Iterator[bytes]:
        answer = self._answer
        with _as_httpx2(httpx2.ReadTimeout, httpx2.ReadError):
            while piece := answer.read1(_PIECE):
                yield piece
            if answer.length:
                raise httpx2.RemoteProtocolError("the body ended early")
        self.whole = True


class _Incoming(io.RawIOBase):
    """What comes over a socket, each wait for it as long as the call's time-outs allow. `dry`: nothing more is read."""

    def __init__(self) -> None:
        self._sock: socket.socket | None = None
        self._wait = Wait(None, None)
        self.dry = True

    def listen(self, sock: socket.socket, wait: Wait) -> None:
        self._sock, self._wait, self.dry = sock, wait, False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        if self.dry or self._sock is None:
            return None
        self._wait.check()
        self._sock.settimeout(self._wait.silent())
        return self._sock.recv_into(buffer)


class _Reader(io.BufferedReader):
    """Goes on to the next answer, though the standard library closes it after each."""

    def close(self) -> None: ...


class _Answer(http.client.HTTPResponse):
    """An answer whose head we read ourselves."""

    fields: httpx2.Headers

    def __init__(self, connection: Connection, method: str) -> None:
        super().__init__(cast(socket.socket, connection), method=method)  # it is asked for its file only
        self._head_only = method == "HEAD"

    def begin(self) -> None:
        """Sets what the standard library reads the body by. Raises HTTPException for what is no head."""
        version, status, pairs = _head(self.fp)
        for _ in range(_MOST_ANNOUNCED):  # they announce the answer, or say that it takes a while (RFC 9110 15.2)
            if status >= 200 or status == 101:
                break
            version, status, pairs = _head(self.fp)
        if status < 200:
            raise http.client.HTTPException("no end of announcements, or another protocol")
        self.code = self.status = status
        self.version = 10 + version
        found = self.fields = httpx2.Headers(pairs)
        coding = found.get("transfer-encoding", "").lower()
        if coding not in ("", "chunked"):
            raise http.client.HTTPException("an unknown transfer coding")
        self.chunked, self.chunk_left = coding == "chunked", None
        self.length = None if self.chunked else _length(found)
        if status in (204, 304) or self._head_only:
            self.chunked, self.length = False, 0
        ends = "close" in found.get("connection", "").lower()
        stays = version == 1 or "keep-alive" in found.get("connection", "").lower()
        self.will_close = ends or not stays or (self.length is None and not self.chunked)


def _head(file: Any) -> tuple[int, int, list[tuple[bytes, bytes]]]:
    """Minor version, status and header lines in their order."""
    first = _line(file)
    told = _STATUS.fullmatch(first)
    if told is None:
        raise http.client.BadStatusLine("no status line")
    pairs: list[tuple[bytes, bytes]] = []
    for _ in range(_MOST_LINES):
        line = _line(file)
        if not line:
            return int(told[1]), int(told[2]), pairs
        if line[:1] in b" \t" and pairs:  # goes on with the line before (RFC 9112 5.2)
            name, value = pairs.pop()
            pairs.append((name, value + b" " + line.strip()))
            continue
        found = _FIELD.fullmatch(line)
        if found is None:
            raise http.client.HTTPException("not a header line")
        pairs.append((found[1], found[2]))
    raise http.client.HTTPException("too many header lines")


def _line(file: Any) -> bytes:
    line: bytes = file.readline(_LONGEST_LINE + 1)
    if not line.endswith(b"\n"):
        if len(line) > _LONGEST_LINE:
            raise http.client.LineTooLong("header line")
        raise http.client.RemoteDisconnected("the answer ended early")
    return line.rstrip(b"\r\n")


def _length(headers: httpx2.Headers) -> int | None:
    """What the answer says that its body is long. Raises HTTPException where it says several things."""
    told = {each.strip() for each in headers.get("content-length", "").split(",")}
    length = told.pop()
    if told or (length and not (length.isascii() and length.isdigit())):
        raise http.client.HTTPException("not a length")
    return int(length) if length else None


def _send(sock: socket.socket, written: bytes, wait: Wait) -> bool:
    """False where the other side took only a part of it: it may have answered before the end."""
    rest = memoryview(written)
    try:
        for start in range(0, len(written), _SENT):
            sock.settimeout(wait.silent())
            sock.sendall(rest[start : start + _SENT])
    except ConnectionError:
        return False
    return True


@contextmanager
def _as_httpx2(timeout: type[httpx2.HTTPError], other: type[httpx2.HTTPError]) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise _made(timeout, error) from error
    except OSError as error:
        raise _made(other, error) from error
    except (http.client.HTTPException, ValueError) as error:  # ValueError: a chunk size that is no number
        raise httpx2.RemoteProtocolError(type(error).__name__) from error


def _made(kind: type[httpx2.HTTPError], error: Exception) -> httpx2.HTTPError:
    return kind(type(error).__name__)
