"""Opens the app database of a data folder: configures Django, makes the tables. One folder at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.db import connection, connections
from filelock import FileLock

from rollbook.errors import ConfigError
from rollbook.store import django_settings
from rollbook.store.folder import DataFolder

_COMMON = frozenset({"INSTALLED_APPS", "DEFAULT_AUTO_FIELD", "USE_TZ", "TIME_ZONE", "DEBUG", "LOGGING_CONFIG"})
_opened: list[DataFolder] = []


def setup(data: Path) -> DataFolder:
    """Open the data folder, making folder and tables when they are missing.

    Raises ConfigError when the tables are those of another release. Calling it for another folder moves this
    process over to that one.
    """
    folder = connect(data)
    if not _applied():
        migrate()
    _check_release(folder)
    return folder


def connect(data: Path) -> DataFolder:
    """As `setup`, but leaves the tables as they are (for `rollbook migrate`)."""
    folder = DataFolder(data.expanduser().resolve())
    folder.make()
    _point_to(folder)
    _opened[:] = [folder]
    return folder


def opened() -> DataFolder:
    """The folder this process works in. Raises ConfigError before `setup`."""
    if not _opened:
        raise ConfigError("no data folder is open")
    return _opened[0]


def migrate() -> list[str]:
    """Bring the tables to this release; the migrations that were needed. Safe when two processes start."""
    from django.core.management import call_command

    with FileLock(opened().setup_lock):
        wanted = pending()
        if wanted:
            call_command("migrate", verbosity=0, interactive=False)
    return wanted


def pending() -> list[str]:
    """Migrations of this release that the database has not seen yet."""
    return sorted(_shipped() - _applied())


def _point_to(folder: DataFolder) -> None:
    name = str(folder.database)
    if settings.configured:
        for one in connections.all(initialized_only=True):
            one.close()
        # The wrappers of all threads share this dictionary, so that each reopens at the new place.
        connections.settings["default"]["NAME"] = name
        return
    database: dict[str, Any] = {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": name,
        "OPTIONS": dict(django_settings.SQLITE_OPTIONS),
    }
    common = {name: value for name, value in vars(django_settings).items() if name in _COMMON}
    settings.configure(**common, DATABASES={"default": database})
    django.setup()


def _shipped() -> set[str]:
    folder = Path(__file__).parent / "migrations"
    return {file.stem for file in folder.glob("[0-9]*.py")}


def _applied() -> set[str]:
    with connection.cursor() as cursor:
        if "django_migrations" not in connection.introspection.table_names(cursor):
            return set()
        cursor.execute("SELECT name FROM django_migrations WHERE app = 'store'")
        return {row[0] for row in cursor.fetchall()}


def _check_release(folder: DataFolder) -> None:
    applied, shipped = _applied(), _shipped()
    if shipped - applied:
        raise ConfigError(
            f"the data folder {folder.path} is from an earlier release; make a backup, then run `rollbook migrate`"
        )
    if applied - shipped:
        raise ConfigError(f"the data folder {folder.path} was made by a newer release; please upgrade Rollbook")
