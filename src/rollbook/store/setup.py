"""Opens the app database of a data folder, or the PostgreSQL of DATABASE_URL: makes the tables. One at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection
from filelock import FileLock

from rollbook.errors import ConfigError
from rollbook.store import database
from rollbook.store.folder import DataFolder

_opened: list[DataFolder] = []


def setup(data: Path) -> DataFolder:
    """Open the data folder, making folder and tables when they are missing.

    Raises ConfigError when the tables are those of another release, Unavailable when the database does not answer.
    Calling it for another folder moves this process over to that one.
    """
    folder = connect(data)
    with database.reached():
        if not _applied():
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

    with database.reached(), _alone():
        wanted = pending()
        if wanted:
            call_command("migrate", verbosity=0, interactive=False)
    return wanted


def pending() -> list[str]:
    """Migrations of this release that the database has not seen yet."""
    return sorted(_shipped() - _applied())


@contextmanager
def _alone() -> Iterator[None]:
    """Processes of this machine wait at a file, those of other machines in the database."""
    from rollbook.store.locks import making_tables  # it needs the tables' classes

    with FileLock(opened().setup_lock), making_tables():
        yield


def _shipped() -> set[str]:
    folder = Path(__file__).parent / "migrations"
    return {file.stem for file in folder.glob("[0-9]*.py")}


def _applied() -> set[str]:
    with connection.cursor() as cursor:
        if "django_migrations" not in connection.introspection.table_names(cursor):
            return set()
        cursor.execute("SELECT name FROM django_migrations WHERE app = 'store'")
        return {row[0] for row in cursor.fetchall()}


def _check_release() -> None:
    applied, shipped = _applied(), _shipped()
    if shipped - applied:
        raise ConfigError(f"{database.where()} is from an earlier release; make a backup, then run `rollbook migrate`")
    if applied - shipped:
        raise ConfigError(f"{database.where()} was made by a newer release; please upgrade Rollbook")
