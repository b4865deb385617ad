"""A socket on 127.0.0.1 that accepts connections and remembers what it is sent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self
from unittest.mock import patch


class TinyServer:
    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.received = b""
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # else the thread of a server that nobody asked waits for ever
        self._thread.join(timeout=60)
        self._listener.close()

    def _serve(self) -> None:
        """One connection, until its other end closes it."""
        try:
            connection, _ = self._listener.accept()
        except OSError:  # nobody came until the end
            return
        with connection:
            connection.settimeout(60)
            while piece := connection.recv(4096):
                self.received += piece

    @contextmanager
    def resolving(self, host: str) -> Iterator[None]:
        """While inside, this name leads here."""
        real = socket.getaddrinfo

        def resolve(name: Any, *rest: Any, **more: Any) -> Any:
            return real("127.0.0.1" if name == host else name, *rest, **more)

        with patch("socket.getaddrinfo", resolve):
            yield
