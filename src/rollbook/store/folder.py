"""Where everything lies in the data folder, and the lock that decides who works in it. No Django."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from rollbook.errors import ConfigError


@dataclass(frozen=True)
class DataFolder:
    """Names inside one data folder. Only the owner may look into it: it holds passwords and rosters."""

    path: Path

    @property
    def database(self) -> Path:
        return self.path / "rollbook.sqlite3"

    @property
    def keys(self) -> Path:
        """The key ring. Workers on several machines share one, named by ROLLBOOK_KEYS_FILE."""
        named = os.environ.get("ROLLBOOK_KEYS_FILE")
        return Path(named).expanduser().absolute() if named else self.path / "keys"

    @property
    def blobs(self) -> Path:
        return self.path / "blobs"

    @property
    def cache(self) -> Path:
        """Copies of files that PostgreSQL keeps; may be emptied at any time when no run is worked."""
        return self.path / "cache"

    @property
    def work(self) -> Path:
        return self.path / "work"

    @property
    def worker_lock(self) -> Path:
        """Whoever holds this file's lock works the queue; all others only watch."""
        return self.path / "worker.lock"

    @property
    def setup_lock(self) -> Path:
        return self.path / "setup.lock"

    def make(self) -> None:
        """Create what is missing. Raises ConfigError when the folder cannot be written."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.blobs.mkdir(mode=0o700, exist_ok=True)
            self.work.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"the data folder {self.path} cannot be used: {error.strerror}") from None
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise ConfigError(f"the data folder {self.path} cannot be written by this user")
