"""Opens the app database of a data folder, or the PostgreSQL of DATABASE_URL: makes the tables. One at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

from django.apps import apps
from django.db import connection

from rollbook.errors import ConfigError
from rollbook.store import database
from rollbook.store.folder import DataFolder

_STORE: Final = "store"
_opened: list[DataFolder] = []


def setup(data: Path) -> DataFolder:
    """Open the data folder, making folder and tables when they are missing.

    Raises ConfigError when the tables are those of another release, Unavailable when the database does not answer.
    Calling it for another folder moves this process over to that one.
    """
    folder = connect(data)
    with database.reached():
        if _unmade():
            migrate()
        elif pending():
            with _alone():  # another process may be making them in this moment
                pass
        _check_release()
    return folder


def connect(data: Path) -> DataFolder:
    """As `setup`, but leaves the tables as they are (for `rollbook migrate`)."""
    folder = DataFolder(data.expanduser().resolve())
    folder.make()
    database.use(folder)
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

    from rollbook.store.fresh import make_fresh_tables  # it loads the history of the tables

    with database.reached(), _alone():
        wanted = pending()
        if wanted:
            make_fresh_tables()
            # The store first: the tables of the web side's libraries refer to its accounts.
            call_command("migrate", _STORE, verbosity=0, interactive=False)
            call_command("migrate", verbosity=0, interactive=False)
    return wanted


def pending() -> list[str]:
    """Migrations of this release that the database has not seen yet, those of other apps with the app's name."""
    missing = _shipped() - _applied()
    return sorted(name if app == _STORE else f"{app}.{name}" for app, name in missing)


@contextmanager
def _alone() -> Iterator[None]:
    """Processes of this machine wait at a file, those of other machines in the database."""
    from filelock import FileLock

    from rollbook.store.locks import making_tables  # it needs the tables' classes

    with FileLock(opened().setup_lock), making_tables():
        yield


@cache
def _shipped() -> frozenset[tuple[str, str]]:
    """(app, migration) of every app of this process: the store, and on the web side what the pages need."""
    found: set[tuple[str, str]] = set()
    for app in apps.get_app_configs():
        folder = Path(app.path) / "migrations"
        found |= {(app.label, file.stem) for file in folder.glob("[0-9]*.py")}
    return frozenset(found)


def _applied() -> set[tuple[str, str]]:
    with connection.cursor() as cursor:
        if "django_migrations" not in connection.introspection.table_names(cursor):
            return set()
        cursor.execute("SELECT app, name FROM django_migrations")
        labels = {app.label for app in apps.get_app_configs()}
        return {(app, name) for app, name in cursor.fetchall() if app in labels}


def _unmade() -> bool:
    """Does an app have no table yet, while the store's are of this release? The first start of the pages in a data
    folder finds it so, and so does any first start."""
    applied, shipped = _applied(), _shipped()
    if any(app == _STORE for app, _ in applied) and any(app == _STORE for app, _ in shipped - applied):
        return False
    return bool({app for app, _ in shipped} - {app for app, _ in applied})


def _check_release() -> None:
    applied, shipped = _applied(), _shipped()
    if shipped - applied:
        raise ConfigError(f"{database.where()} is from an earlier release; make a backup, then run `rollbook migrate`")
    if {one for one in applied - shipped if one[0] == _STORE}:
        raise ConfigError(f"{database.where()} was made by a newer release; please upgrade Rollbook")
