"""Which app database: SQLite in the data folder, or the PostgreSQL that DATABASE_URL names. Knows no table."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import dj_database_url
from django.db import InterfaceError, OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.dispatch import receiver

from rollbook.errors import ConfigError, Unavailable

#: A writer takes its lock when the transaction begins, waits 30 s for another one, and survives a power cut: the
#: database holds initial passwords.
SQLITE_OPTIONS: Final[dict[str, Any]] = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 30,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
}
_CONNECT_SECONDS = 10
#: A worker that was frozen in the middle of a transaction loses it, and its locks, after so many seconds: less than a
#: takeover takes. No transaction of ours thinks for so long.
_IDLE_SECONDS: Final = max(5.0, 2.5 * float(os.environ.get("ROLLBOOK_LEASE_SECONDS", "6")))
_MIGRATION_LOCK = 0x726F6C6C  # "roll": one process migrates at a time


def database_of(environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Django's settings of the database. Raises ConfigError for a DATABASE_URL that is not one of PostgreSQL; it never
    repeats the URL, which holds a password."""
    url = environment.get("DATABASE_URL", "").strip()
    if not url:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "OPTIONS": SQLITE_OPTIONS}
    try:
        found: dict[str, Any] = dict(dj_database_url.parse(url, conn_max_age=None))
    except Exception:
        raise ConfigError("DATABASE_URL is not an address of a database") from None
    if found.get("ENGINE") != "django.db.backends.postgresql" or not found.get("NAME"):
        raise ConfigError("DATABASE_URL must be postgresql://USER:PASSWORD@HOST:PORT/NAME; without it SQLite is used")
    found["OPTIONS"] = {"connect_timeout": _CONNECT_SECONDS, **found.get("OPTIONS", {})}
    return found


@receiver(connection_created)
def _limit_idleness(connection: BaseDatabaseWrapper, **_: object) -> None:
    """At the server, because a frozen client can do nothing itself."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('idle_in_transaction_session_timeout', %s, false)", [f"{_IDLE_SECONDS * 1000:.0f}"]
            )


def is_shared() -> bool:
    """May several machines work this database? SQLite belongs to one data folder."""
    return connection.vendor != "sqlite"


@contextmanager
def answering() -> Iterator[None]:
    """Names trouble with the database itself, without its address. Raises Unavailable."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        connection.close()
        if not is_shared():
            raise
        raise Unavailable(f"the database that DATABASE_URL names does not answer ({type(error).__name__})") from None


@contextmanager
def migrating_alone() -> Iterator[None]:
    """Two processes that start at once do not both make the tables (PostgreSQL; on SQLite a lock file does it)."""
    if not is_shared():
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_MIGRATION_LOCK])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_MIGRATION_LOCK])
