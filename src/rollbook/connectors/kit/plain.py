"""HTTP/1.1 in one piece: a large body reaches memory with one copy instead of five, a small write leaves with one call.

httpx2 hands everything through five layers, and every one of them waits for the interpreter where several threads work.
Why that is worth code of our own: decisions 35 and 37.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

import httpx2

from rollbook.connectors.kit.plain_connection import PORTS, Body, CheckPeer, Connection, Origin, Request, Wait


@dataclass(frozen=True)
class PlainAnswer:
    """What is used of an httpx2 answer."""

    status_code: int
    headers: httpx2.Headers
    _body: Body = field(repr=False)

    def iter_bytes(self) -> Iterator[bytes]:
        """The body in pieces, unpacked. Raises what httpx2 raises."""
        if "content-encoding" not in self.headers:
            return iter(self._body)
        return httpx2.Response(self.status_code, headers=self.headers, stream=self._body).iter_bytes()


class Plain:
    """For as many threads as like to; keeps up to `connections` idle connections open."""

    def __init__(self, *, connections: int, tls: Callable[[], ssl.SSLContext], check_peer: CheckPeer) -> None:
        self._most, self._tls, self._check_peer = connections, tls, check_peer
        self._idle: list[Connection] = []
        self._lock = threading.Lock()

    @contextmanager
    def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, *, wait: Wait
    ) -> Iterator[PlainAnswer]:
        """The answer, its body still to be read by `iter_bytes`. Raises what httpx2 raises."""
        origin, target = _parts(url)
        connection = self._connection(origin)
        received: Body | None = None
        try:
            status, answered, received = connection.ask(Request(method, target, headers, body), wait)
            yield PlainAnswer(status, answered, received)
        finally:
            if received is not None and received.whole and connection.lasts:
                self._keep(connection)
            else:
                connection.close()

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _connection(self, origin: Origin) -> Connection:
        while (kept := self._take(origin)) is not None:
            if kept.usable():
                return kept
            kept.close()
        return Connection(origin, self._tls, self._check_peer)

    def _take(self, origin: Origin) -> Connection | None:
        """The one that was used last."""
        with self._lock:
            for place in reversed(range(len(self._idle))):
                if self._idle[place].origin == origin:
                    return self._idle.pop(place)
        return None

    def _keep(self, connection: Connection) -> None:
        connection.rest()
        with self._lock:
            if len(self._idle) < self._most:
                self._idle.append(connection)
                return
        connection.close()


def _parts(url: str) -> tuple[Origin, str]:
    """Where a URL leads, and what is asked for there. Raises InvalidURL and UnsupportedProtocol."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode("ascii")
        port = parts.port or PORTS[parts.scheme]
        target = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    except KeyError:
        raise httpx2.UnsupportedProtocol("neither http nor https") from None
    except ValueError:
        raise httpx2.InvalidURL("not a valid URL") from None
    if not host or not target.isascii():
        raise httpx2.InvalidURL("not a valid URL")
    return (parts.scheme, host, port), target
