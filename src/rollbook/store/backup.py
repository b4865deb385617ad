"""Backup and restore of a data folder: one zip of database, blobs and keys. For its owner's eyes only.

PostgreSQL has its own tools, and everything but the keys is in it; here is only what must follow a restored dump.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import zipfile
from pathlib import Path

from django.db import connection, transaction

from rollbook.errors import BlobLost, ConfigError
from rollbook.store.blobs import LocalBlobs
from rollbook.store.database import VARIABLE, reached, where
from rollbook.store.folder import DataFolder
from rollbook.store.models import NoticeRow, NoticeState, Organization, Run, RunState
from rollbook.store.setup import connect, migrate, setup

_DATABASE, _KEYS, _BLOBS = "rollbook.sqlite3", "keys", "blobs/"


def write_backup(folder: DataFolder, file: Path) -> int:
    """Write the archive and return its size in bytes. Runs may go on meanwhile: the database is copied in one moment,
    and files are never changed; tables of an earlier release are taken as they are. Raises ConfigError when it cannot
    be written, could not hold the database, or there is none."""
    if connection.vendor == "postgresql":
        raise ConfigError(
            f"{where()} is backed up with pg_dump, which takes ledger and plans along; keep {folder.keys} as well"
        )
    if not folder.database.exists():
        raise ConfigError(f"{folder.path} holds nothing yet; is that the right data folder?")
    beside = file.with_name(f".{file.name}.part")
    try:
        with tempfile.TemporaryDirectory(dir=folder.path) as scratch:
            copy = Path(scratch) / _DATABASE
            _copy_database(folder.database, copy)
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as out, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.write(copy, _DATABASE)
                if folder.keys.exists():
                    archive.write(folder.keys, _KEYS)
                blobs = LocalBlobs(folder.blobs)
                for key, _ in blobs.everything():
                    archive.write(blobs.place(key), f"{_BLOBS}{key}", zipfile.ZIP_STORED)
        beside.replace(file)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ConfigError(f"the backup {file} cannot be written: {error.strerror}") from None
    return file.stat().st_size


def read_backup(file: Path, data: Path) -> DataFolder:
    """Fill an empty data folder from an archive, and bring its tables to this release.

    What happened after the backup is unknown to it: every organization compares with the live LMS before it plans,
    and what was queued or running then is over. Raises ConfigError.
    """
    if os.environ.get(VARIABLE):
        raise ConfigError(
            f"{VARIABLE} names a PostgreSQL database; fill it with pg_restore, then run `rollbook restore --from-dump`"
        )
    folder = DataFolder(data.expanduser().resolve())
    if folder.database.exists():
        raise ConfigError(f"{folder.path} holds data already; restore into an empty folder (--data DIR)")
    folder.make()
    try:
        with zipfile.ZipFile(file) as archive:
            _unpack(archive, folder)
    except (OSError, zipfile.BadZipFile, KeyError, BlobLost):
        raise ConfigError(f"{file} is not a backup that can be read") from None
    try:
        _bring_up(folder.path)
    except ConfigError:  # made by a newer release: not to be taken for a restored one later on
        connection.close()
        for part in ("", "-wal", "-shm"):
            folder.database.with_name(f"{folder.database.name}{part}").unlink(missing_ok=True)
        raise
    distrust()
    return folder


def take_dump(data: Path) -> DataFolder:
    """After pg_restore, as `read_backup` after unpacking. Raises ConfigError when the database is empty."""
    connect(data)
    with reached():
        if not connection.introspection.table_names():
            raise ConfigError(f"{where()} is empty; fill it with pg_restore first")
    folder = _bring_up(data)
    distrust()
    return folder


def _bring_up(data: Path) -> DataFolder:
    connect(data)
    migrate()
    return setup(data)


def distrust() -> None:
    """After a restore: compare with the live LMS before anything is planned; what was queued or running is over."""
    with transaction.atomic():
        Organization.objects.update(compare_live=True)
        broken = Run.objects.filter(state__in=[RunState.QUEUED, RunState.RUNNING])
        broken.update(state=RunState.FAILED, error="a backup was restored", error_name="RunCancelled")
        old = NoticeRow.objects.filter(state__in=[NoticeState.WAITING, NoticeState.SENDING])
        old.update(state=NoticeState.FAILED, error="a backup was restored")  # they may have been sent since


def _unpack(archive: zipfile.ZipFile, folder: DataFolder) -> None:
    bad = archive.testzip()
    if bad is not None:
        raise zipfile.BadZipFile(bad)
    blobs = LocalBlobs(folder.blobs)
    for name in archive.namelist():
        if name.startswith(_BLOBS):
            target = blobs.place(name.removeprefix(_BLOBS))
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _extract(archive, name, target)
    if _KEYS in archive.namelist():
        if folder.keys.exists() and folder.keys.read_bytes() != archive.read(_KEYS):
            raise ConfigError(f"the keys file {folder.keys} is another one than the backup's; move it away first")
        _extract(archive, _KEYS, folder.keys)
    _extract(archive, _DATABASE, folder.database)  # last: a folder with a database is a whole one


def _extract(archive: zipfile.ZipFile, name: str, target: Path) -> None:
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with archive.open(name) as source, os.fdopen(handle, "wb") as out:
        while piece := source.read(1 << 20):
            out.write(piece)
        out.flush()
        os.fsync(out.fileno())


def _copy_database(source: Path, target: Path) -> None:
    before, after = sqlite3.connect(source), sqlite3.connect(target)
    try:
        before.backup(after)
    finally:
        before.close()
        after.close()
