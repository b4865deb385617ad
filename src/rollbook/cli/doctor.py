"""`rollbook doctor`: what works and what does not on this machine. Names no secret and no person."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import typer

from rollbook.cli.command import command
from rollbook.cli.shell import Shell, default_data
from rollbook.errors import ConfigError, RollbookError

Check = tuple[str, bool, str]


def add_to(app: typer.Typer) -> None:
    @command(app, "doctor")
    def doctor(shell: Shell) -> None:
        """Say what works and what does not on this machine."""
        checks = [*_machine(), *_packages(), *_data(shell)]
        ok = all(good for _, good, _ in checks)
        rows = [{"check": name, "ok": good, "found": found} for name, good, found in checks]

        def people() -> None:
            from rollbook.cli import show

            show.table("", ("", "check", "found"), (("ok" if g else "NO", n, f) for n, g, f in checks))

        shell.answer({"ok": ok, "checks": rows}, people)
        if not ok:
            raise typer.Exit(1)


def _machine() -> Iterator[Check]:
    import psutil

    yield "Python", sys.version_info >= (3, 11), platform.python_version()
    yield "system", True, f"{platform.system()} {platform.release()} {platform.machine()}"
    memory = psutil.virtual_memory()
    yield "memory", memory.available > 512 << 20, f"{memory.available >> 20} of {memory.total >> 20} MiB free"
    yield "cores", True, str(os.cpu_count())
    yield "SQLite", sqlite3.sqlite_version_info >= (3, 35), sqlite3.sqlite_version


def _packages() -> Iterator[Check]:
    from importlib.metadata import PackageNotFoundError, version

    for name in ("rollbook", "django", "duckdb", "httpx2", "authlib", "cryptography", "msgspec", "tzdata"):
        try:
            yield name, True, version(name)
        except PackageNotFoundError:
            yield name, False, "not installed"


def _data(shell: Shell) -> Iterator[Check]:
    path = Path(shell.data or default_data()).expanduser()
    if not path.exists():
        yield "data folder", True, f"{path} is made by the first command that needs it"
        if os.environ.get("DATABASE_URL"):
            yield _tried("database", lambda: _elsewhere(path))
        return
    yield "free space", shutil.disk_usage(path).free > 512 << 20, f"{shutil.disk_usage(path).free >> 20} MiB"
    yield _tried("data folder", lambda: str(shell.open().path))
    yield _tried("database", _database)
    from rollbook.store.folder import DataFolder

    keys = DataFolder(path.resolve()).keys
    if keys.exists():
        private = not keys.stat().st_mode & 0o077
        yield "keys file", private, "only for its owner" if private else "others can read it: chmod 600 it"
    yield _tried("organizations", _organizations)


def _elsewhere(path: Path) -> str:
    """The PostgreSQL of DATABASE_URL, asked without making a data folder or tables. Raises ConfigError, Unavailable."""
    from rollbook.store import database
    from rollbook.store.folder import DataFolder

    database.use(DataFolder(path))
    with database.reached():
        return _database()


def _database() -> str:
    """Its kind, place and version. Raises ConfigError where Rollbook does not run on it."""
    from django.db import connection

    from rollbook.store.database import where

    if connection.vendor != "postgresql":
        return where()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), current_setting('server_encoding')")
        version, encoding = cursor.fetchone()
    if encoding != "UTF8":
        raise ConfigError(f"{where()} has the encoding {encoding}; make it with `createdb --encoding=UTF8`")
    return f"{where()}, version {version}"


def _organizations() -> str:
    from rollbook.store.models import Organization, Run

    running = Run.objects.filter(state="running").count()
    return f"{Organization.objects.count()}, {Run.objects.count()} runs, {running} running"


def _tried(name: str, work: Callable[[], str]) -> Check:
    try:
        return name, True, work()
    except RollbookError as error:
        return name, False, str(error)
    except Exception as error:
        return name, False, type(error).__name__
