"""Serves the web side of Rollbook with uvicorn until it is told to stop. Logs no request: a URL may name a person."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import cast

import uvicorn
from django.core.asgi import get_asgi_application

from rollbook.errors import ConfigError
from rollbook.store.folder import DataFolder
from rollbook.web import bounds
from rollbook.web.bounds import Bounded
from rollbook.web.following import App, Following
from rollbook.web.live_runs import WATCHER
from rollbook.web.opening import open_pages, serves_at, settle_memory

_LOOK_EVERY = 0.1


def serve_web(
    folder: DataFolder, host: str, port: int, ready: Callable[[str], None] | None, stop: threading.Event
) -> None:
    """Serve the opened `folder` in this thread until `stop` is set; `ready` is called with the address once requests
    are answered. Port 0 takes a free one. Raises ConfigError when the address cannot be had."""
    open_pages(folder)
    settle_memory()
    listener = listen(host, port)
    name = f"[{host}]" if ":" in host else host
    address = f"http://{name}:{listener.getsockname()[1]}"
    serves_at(address)
    config = uvicorn.Config(
        Bounded(cast(bounds.App, Following(cast(App, get_asgi_application()), WATCHER))),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    server = _Server(config)
    watcher = threading.Thread(target=_watch, args=(server, address, ready, stop), name="web watch", daemon=True)
    watcher.start()
    try:
        server.run(sockets=[listener])
    finally:
        serves_at("")
        server.over.set()
        watcher.join()
        listener.close()
    if not server.started:
        raise ConfigError(f"{address} could not be served")


class _Server(uvicorn.Server):
    """Leaves signals to whoever started it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.over = threading.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _watch(server: _Server, address: str, ready: Callable[[str], None] | None, stop: threading.Event) -> None:
    while not server.over.is_set():
        if server.started and ready is not None:
            ready(address)
            ready = None
        if stop.is_set() and not server.should_exit:
            server.should_exit = True
            WATCHER.end()
        (server.over if stop.is_set() else stop).wait(_LOOK_EVERY if ready is None else _LOOK_EVERY / 10)


def listen(host: str, port: int) -> socket.socket:
    """Take a port. Raises ConfigError when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=256)
    except (OSError, OverflowError) as error:
        words = getattr(error, "strerror", None) or "that is no address of this machine"
        raise ConfigError(f"port {port} of {host} cannot be used: {words}") from None
