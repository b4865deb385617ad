"""Rotating the key ring: a new key, everything encrypted anew, older keys forgotten."""

from __future__ import annotations

from django.db import connection
from filelock import FileLock, Timeout

from rollbook.errors import ConfigError
from rollbook.store.audit import audit
from rollbook.store.secrets import KeyRing
from rollbook.store.setup import opened


def rotate_keys(*, by: str) -> int:
    """The number of secrets and passwords encrypted anew. On SQLite, raises ConfigError while a
    worker holds the data folder, idle or not; on
    PostgreSQL, where workers never stop, whoever encrypts waits."""
    if connection.vendor == "postgresql":
        return _rotate(by)
    try:
        with FileLock(opened().worker_lock, timeout=0):
            return _rotate(by)
    except Timeout:
        raise ConfigError(
            "a worker is at work in this data folder; stop `rollbook up` or `rollbook worker`, or wait until the run "
            "has ended, then rotate the keys"
        ) from None


def _rotate(by: str) -> int:
    count = KeyRing(opened().keys).rotate()
    audit(by=by, action="rotate keys", details=f"{count} rows")
    return count
