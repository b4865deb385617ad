"""An SFTP host on 127.0.0.1 for tests, with its faults by name."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncssh

USER, PASSWORD = "district", "a password of the host"


class _Files(asyncssh.SFTPServer):
    """Serves one folder; may be slow, or change what it sends while it sends it."""

    def __init__(self, channel: Any, host: Host) -> None:
        super().__init__(channel, chroot=os.fsencode(host.folder))
        self._host = host

    async def read(self, file_obj: Any, offset: int, size: int) -> bytes:
        self._host.opened.append(file_obj)
        if self._host.fault == "hangs":
            await asyncio.sleep(3600)
        found = bytes(super().read(file_obj, offset, size))  # type: ignore[arg-type]
        if self._host.fault == "changes":
            for path in self._host.folder.rglob("*.zip"):
                os.utime(path, (1, 1))
        return found


class _Door(asyncssh.SSHServer):
    def __init__(self, host: Host) -> None:
        self._host = host

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)

    def public_key_auth_supported(self) -> bool:
        return self._host.client_key is not None

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == USER and key == self._host.client_key


class Host:
    """Runs in a thread of its own. `fault` is "", "hangs" or "changes"."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.fault = ""
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self.client_key: asyncssh.SSHKey | None = None
        self.port = 0
        self.connections = 0
        self.opened: list[Any] = []

    @property
    def line(self) -> str:
        return " ".join(self.key.export_public_key("openssh").decode().split()[:2])

    @contextmanager
    def serving(self) -> Iterator[Host]:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="sftp host", daemon=True)
        thread.start()
        server = asyncio.run_coroutine_threadsafe(self._listen(), loop).result(60)
        self.port = server.get_port()
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(_stop(server), loop).result(60)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(60)
            loop.close()
            for file in self.opened:
                file.close()

    async def _listen(self) -> Any:
        return await asyncssh.create_server(
            self._door,
            "127.0.0.1",
            self.port,
            server_host_keys=[self.key],
            sftp_factory=lambda channel: _Files(channel, self),
        )

    def _door(self) -> _Door:
        self.connections += 1
        return _Door(self)


async def _stop(server: Any) -> None:
    server.close()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
