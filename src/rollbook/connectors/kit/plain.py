"""GETs over the standard library's HTTP/1.1 reader: a large body reaches memory with one copy instead of five.

httpx2 hands each piece of a body through five layers, and every one of them waits for the interpreter where several
threads read. Why that is worth code of our own: decision 35.
"""

from __future__ import annotations

import http.client
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import httpx2

#: So much of a body is read at once.
_PIECE: Final = 256 * 1024
#: Many servers close a connection that has been idle for long just as it is used again (httpx2 has the same limit).
_IDLE_S: Final = 5.0

_PORTS: Final = {"http": 80, "https": 443}
#: httpx2 sends these, too, and unpacks what comes.
_ALWAYS: Final = {"accept-encoding": "gzip, deflate", "connection": "keep-alive"}

Origin = tuple[str, str, int]
CheckPeer = Callable[[str], None]
"""Judges the address that a connection leads to, before anything is sent. Raises for one that must not be called."""


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Time-outs in seconds: for connecting, and for each silence after that. None: without end."""

    connect: float | None
    silence: float | None


class PlainGets:
    """For as many threads as like to; keeps up to `connections` idle connections open."""

    def __init__(self, *, connections: int, tls: Callable[[], ssl.SSLContext], check_peer: CheckPeer) -> None:
        self._most, self._tls, self._check_peer = connections, tls, check_peer
        self._idle: list[_Connection] = []
        self._lock = threading.Lock()

    @contextmanager
    def get(self, url: str, headers: Mapping[str, str], wait: Wait) -> Iterator[httpx2.Response]:
        """The answer, its body still to be read by `iter_bytes`. Raises what httpx2 raises."""
        origin, target = _parts(url)
        connection = self._connection(origin)
        body: _Body | None = None
        try:
            answer = connection.ask(target, {**_ALWAYS, "host": connection.named, **headers}, wait)
            body = _Body(answer)
            # Latin-1 is how http.client reads headers, so it gives back the bytes that came.
            raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
            yield httpx2.Response(answer.status, headers=raw, stream=body)
        finally:
            if body is not None:
                body.close()
            # Without a socket the answer was the last one of its connection.
            if body is not None and body.whole and connection.sock is not None:
                self._keep(connection)
            else:
                connection.close()

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _connection(self, origin: Origin) -> _Connection:
        while (kept := self._take(origin)) is not None:
            if kept.usable():
                return kept
            kept.close()
        return _Connection(origin, self._tls, self._check_peer)

    def _take(self, origin: Origin) -> _Connection | None:
        """The one that was used last."""
        with self._lock:
            for place in reversed(range(len(self._idle))):
                if self._idle[place].origin == origin:
                    return self._idle.pop(place)
        return None

    def _keep(self, connection: _Connection) -> None:
        connection.idle_since = time.monotonic()
        with self._lock:
            if len(self._idle) < self._most:
                self._idle.append(connection)
                return
        connection.close()


class _Connection(http.client.HTTPConnection):
    """One connection, connected when it is first asked."""

    def __init__(self, origin: Origin, tls: Callable[[], ssl.SSLContext], check_peer: CheckPeer) -> None:
        _, host, port = origin
        super().__init__(host, port)
        self.origin, self._tls_of, self._check_peer = origin, tls, check_peer
        self.sock: socket.socket | None = None
        self.idle_since = 0.0

    def usable(self) -> bool:
        """Not idle for too long, and nothing came unasked: that would be the end of the connection."""
        if self.sock is None or time.monotonic() - self.idle_since > _IDLE_S:
            return False
        watch = select.poll()  # select() knows no file descriptors above 1,023
        watch.register(self.sock, select.POLLIN)
        return not watch.poll(0)

    @property
    def named(self) -> str:
        """Host and port as the Host header names them."""
        scheme, host, port = self.origin
        host = f"[{host}]" if ":" in host else host
        return host if port == _PORTS[scheme] else f"{host}:{port}"

    def ask(self, target: str, headers: Mapping[str, str], wait: Wait) -> http.client.HTTPResponse:
        with _as_httpx2(httpx2.ConnectTimeout, httpx2.ConnectError):
            self.timeout = wait.connect
            if self.sock is None:
                self.connect()
        assert self.sock is not None
        self.sock.settimeout(wait.silence)
        with _as_httpx2(httpx2.WriteTimeout, httpx2.WriteError):
            try:
                self.putrequest("GET", target, skip_host=True, skip_accept_encoding=True)
                for name, value in headers.items():
                    self.putheader(name, value)
            except (http.client.HTTPException, ValueError):  # nothing has left yet
                raise httpx2.LocalProtocolError("not a valid request") from None
            self.endheaders()
        with _as_httpx2(httpx2.ReadTimeout, httpx2.ReadError):
            return self.getresponse()

    def connect(self) -> None:
        """Also checks where the connection leads, before TLS begins."""
        found = socket.create_connection((self.host, self.port), self.timeout)
        try:
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._check_peer(str(found.getpeername()[0]))
            if self.origin[0] == "https":
                found = self._tls_of().wrap_socket(found, server_hostname=self.host)
        except BaseException:
            found.close()
            raise
        self.sock = found


class _Body(httpx2.SyncByteStream):
    """A body as it comes; `whole` once its end was reached."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
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

    def close(self) -> None:
        with suppress(OSError):
            self._answer.close()


def _parts(url: str) -> tuple[Origin, str]:
    """Where a URL leads, and what is asked for there. Raises InvalidURL and UnsupportedProtocol."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode("ascii")
        port = parts.port or _PORTS[parts.scheme]
        target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    except KeyError:
        raise httpx2.UnsupportedProtocol("neither http nor https") from None
    except ValueError:
        raise httpx2.InvalidURL("not a valid URL") from None
    if not host or not target.isascii():
        raise httpx2.InvalidURL("not a valid URL")
    return (parts.scheme, host, port), target


@contextmanager
def _as_httpx2(timeout: type[httpx2.HTTPError], other: type[httpx2.HTTPError]) -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise _made(timeout, error) from error
    except OSError as error:
        raise _made(other, error) from error
    except (http.client.HTTPException, ValueError) as error:  # ValueError: a status or chunk size that is no number
        raise httpx2.RemoteProtocolError(type(error).__name__) from error


def _made(kind: type[httpx2.HTTPError], error: Exception) -> httpx2.HTTPError:
    return kind(type(error).__name__)
