"""Which database the tables are in: SQLite in the data folder, or the PostgreSQL that DATABASE_URL names.

Also names the errors that mean "the database is away", and gives long-lived threads a connection that works again.
A password of the database is never shown.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from django.db import InterfaceError, OperationalError, connections
from django.db.utils import DatabaseError

from rollbook.errors import ConfigError, RollbookError, Unavailable
from rollbook.store.django_settings import SQLITE_OPTIONS
from rollbook.store.folder import DataFolder

VARIABLE: Final = "DATABASE_URL"

#: The database is away, full, or too busy. What was in a transaction is not there; after `fresh()`, try again later.
DATABASE_TROUBLE: Final[tuple[type[DatabaseError] | type[InterfaceError], ...]] = (OperationalError, InterfaceError)

# A dead network is noticed within a minute, and a worker that freezes within a transaction keeps nobody waiting for
# longer than a lease: PostgreSQL ends its transaction.
_LINK: Final = {
    "connect_timeout": "10",
    "keepalives_idle": "20",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
    "application_name": "rollbook",
}
#: A worker that was frozen in the middle of a transaction loses it, and its locks, after so many seconds: less than a
#: takeover takes. No transaction of ours thinks for so long.
_IDLE_SECONDS: Final = max(5.0, 2.5 * float(os.environ.get("ROLLBOOK_LEASE_SECONDS", "6")))
_SESSION: Final = f"-c idle_in_transaction_session_timeout={_IDLE_SECONDS:.0f}s -c lock_timeout=30s"
_ALIVE_S: Final = 600


def settings_for(folder: DataFolder, environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Django's settings of the database. Raises ConfigError when DATABASE_URL cannot be read."""
    url = environment.get(VARIABLE, "").strip()
    if url:
        return _postgresql(url)
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder.database), "OPTIONS": SQLITE_OPTIONS}


def _postgresql(url: str) -> dict[str, Any]:
    if not url.startswith(("postgresql://", "postgres://")):
        raise ConfigError(f"{VARIABLE} must begin with postgresql://; without it, SQLite in the data folder is used")
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        found = {name: str(value) for name, value in conninfo_to_dict(url).items() if value not in (None, "")}
    except psycopg.Error:
        raise ConfigError(
            f"{VARIABLE} cannot be read; it looks like postgresql://user:password@host:5432/name?sslmode=require, "
            "with %40 for @ and %2F for / in a password"
        ) from None
    if "dbname" not in found:
        raise ConfigError(f"{VARIABLE} names no database: postgresql://user:password@host:5432/name")
    if not re.fullmatch(r"[0-9,]*", found.get("port", "")):
        raise ConfigError(f"the port in {VARIABLE} is no number")
    named = {ours: found.pop(theirs, "") for theirs, ours in _PLACES.items()}
    options = {**_LINK, **found, "options": f"{_SESSION} {found.get('options', '')}".strip()}
    return {
        "ENGINE": "rollbook.store.postgresql",
        **named,
        "OPTIONS": options,
        "CONN_MAX_AGE": _ALIVE_S,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,  # they would outlive what they read, and no pooler lets them
    }


_PLACES: Final = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}


def use(folder: DataFolder) -> None:
    """Point this process to the folder's database. Raises ConfigError."""
    wanted = settings_for(folder)
    shared = connections.settings["default"]
    for one in connections.all(initialized_only=True):
        one.close()
        if type(one).__module__ != f"{wanted['ENGINE']}.base":  # also where another thread changed the engine
            del connections["default"]
    if wanted["ENGINE"] != shared["ENGINE"]:
        # Nothing of the other engine's options may stay behind.
        fresh_settings = connections.configure_settings({"default": wanted})["default"]
        shared.clear()
        shared.update(fresh_settings)
        return
    # The connections of all threads share this dictionary, so that each opens at the new place.
    shared.update(wanted)


def where() -> str:
    """The database in words, without user and password."""
    found = connections.settings["default"]
    if found["ENGINE"].endswith("sqlite3"):
        return f"SQLite {found['NAME']}"
    return f"PostgreSQL {found['NAME']} at {found['HOST'] or 'this machine'}:{found['PORT'] or 5432}"


def fresh() -> None:
    """Give this thread a working connection: one that broke or is old is closed, and the next query opens another.

    Long-lived threads call it before each piece of work and after DATABASE_TROUBLE. Not within a transaction.
    """
    for one in connections.all(initialized_only=True):
        one.close_if_unusable_or_obsolete()


def let_go() -> None:
    """Close this thread's connections; for the end of a thread."""
    for one in connections.all(initialized_only=True):
        one.close()


@contextmanager
def reached() -> Iterator[None]:
    """Turn DATABASE_TROUBLE of the work inside into errors for people: ConfigError or Unavailable."""
    try:
        yield
    except DATABASE_TROUBLE as error:
        raise in_words(error) from None


def in_words(error: BaseException) -> RollbookError:
    """What DATABASE_TROUBLE means for people. The server's words are told, a password never."""
    words = _scrubbed(error)
    cause = str(getattr(error.__cause__, "sqlstate", "") or "")
    place = where()
    if "password" in words or "authentication" in words or "pg_hba" in words or cause.startswith("28"):
        return ConfigError(f"{place} refused the user or password in {VARIABLE}: {words}")
    if cause == "3D000" or ("database" in words and "does not exist" in words):
        return ConfigError(f"{place} does not exist; make it with createdb, or correct {VARIABLE}")
    if cause in ("53100", "") and "full" in words:
        return Unavailable(f"{place} has no room left: {words}")
    verb = "does not answer" if place.startswith("PostgreSQL") else "cannot be used now"
    return Unavailable(f"{place} {verb}: {words}")


def _scrubbed(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    words = lines[-1] if lines else type(error).__name__
    secret = connections.settings["default"].get("PASSWORD")
    return words.replace(secret, "…") if secret else words
