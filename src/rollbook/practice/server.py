"""Serves a practice system on 127.0.0.1, in the background or until interrupted; never on another address."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from types import TracebackType
from typing import Any, Self, cast
from weakref import WeakValueDictionary

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_HOST = "127.0.0.1"
_connections: WeakValueDictionary[tuple[Any, ...], asyncio.Transport] = WeakValueDictionary()


class _CuttableProtocol(H11Protocol):
    """HTTP/1.1 that remembers its connections, so that a fault can cut one of them."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn does
        super().connection_made(transport)
        ends = (transport.get_extra_info("sockname"), transport.get_extra_info("peername"))
        _connections[_key(*ends)] = transport


def _key(here: Any, there: Any) -> tuple[Any, ...]:
    return (*tuple(here)[:2], *tuple(there)[:2])


async def cut(scope: Scope, *, flush: bool = False) -> None:
    """Close the connection of a request; with `flush`, after what was already sent has left."""
    transport = _connections.get(_key(scope["server"], scope["client"]))
    if transport is None:
        raise RuntimeError("only an app served by rollbook.practice.server can cut a connection")
    if flush:
        transport.close()
    else:
        transport.abort()
    for _ in range(3):  # lets the server notice, or it would try to answer 500
        await asyncio.sleep(0)


def _server(app: ASGIApp) -> uvicorn.Server:
    config = uvicorn.Config(
        cast(Any, app),
        http=_CuttableProtocol,
        ws="none",
        log_level="error",
        access_log=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def _listen(port: int) -> socket.socket:
    # The protocol is named because asyncio sends small packets at once only on sockets that name it.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
    except OSError:
        listener.close()
        raise
    listener.listen(256)
    return listener


class Running:
    """A practice system served by a background thread; a context manager that stops it at the end."""

    def __init__(self, app: ASGIApp, port: int = 0) -> None:
        """Raises OSError if the port is taken; port 0 takes a free one."""
        self._listener = _listen(port)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://{_HOST}:{self.port}"
        self._server = _server(app)
        sockets = [self._listener]
        self._thread = threading.Thread(target=self._server.run, args=(sockets,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the server, waiting a second for requests in flight; may be called twice."""
        self._server.should_exit = True
        self._thread.join(timeout=30)  # it needs longer on a busy machine, and its socket must not go before it
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def serve(app: ASGIApp, port: int = 0) -> Running:
    """Start serving in the background; requests may be sent at once."""
    return Running(app, port)


def run(app: ASGIApp, port: int) -> None:
    """Serve in this thread until interrupted (Ctrl-C or SIGTERM)."""
    with _listen(port) as listener:
        _server(app).run(sockets=[listener])
