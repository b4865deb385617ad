"""Opens the app database of a data folder: configures Django, makes the tables. One folder at a time."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from django.db import connection, connections
from filelock import FileLock

from rollbook.errors import ConfigError
from rollbook.store.database import answering, database_of, migrating_alone
from rollbook.store.folder import DataFolder

_opened: list[DataFolder] = []


def setup(data: Path) -> DataFolder:
    """Open the data folder, making folder and tables when they are missing.

    Raises ConfigError when the tables are those of another release. Calling it for another folder moves this
    process over to that one.
    """
    folder = connect(data)
    with answering():
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

    with answering(), FileLock(opened().setup_lock), migrating_alone():
        wanted = pending()
        if wanted:
            call_command("migrate", verbosity=0, interactive=False)
    return wanted


def pending() -> list[str]:
    """Migrations of this release that the database has not seen yet."""
    return sorted(_shipped() - _applied())


def _point_to(folder: DataFolder) -> None:
    for one in connections.all(initialized_only=True):
        one.close()
    wanted = database_of()
    if wanted["NAME"] == ":memory:":
        wanted["NAME"] = str(folder.database)
    known = connections.settings["default"]
    if known["ENGINE"] != wanted["ENGINE"]:
        with suppress(AttributeError):  # this thread has none yet
            del connections["default"]
    # The connections of all threads share this dictionary, so that each opens at the new place.
    known.update(wanted)


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
