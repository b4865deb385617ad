"""Django's settings without a database: `rollbook.store.setup` adds the one of the data folder."""

from __future__ import annotations

from typing import Any

INSTALLED_APPS = ["rollbook.store.apps.StoreConfig"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
DEBUG = False
LOGGING_CONFIG = None
DATABASES: dict[str, dict[str, Any]] = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}

#: A writer takes its lock when the transaction begins, waits 30 s for another one, and survives a power cut:
#: the database holds initial passwords.
SQLITE_OPTIONS: dict[str, Any] = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 30,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
}
