"""An operator's upgrade: backup, migrate, and restoring what an earlier or newer release wrote."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from rollbook.connectors.memory.space import Space
from rollbook.store import migrations
from rollbook.store.models import Organization
from rollbook.store.setup import setup
from tests.cli.kit import Command, close_store


def test_a_backup_comes_before_migrate(rollbook: Command, world: Space, tmp_path: Path) -> None:
    """With the tables of an earlier release all commands refuse to work, but those of the upgrade."""
    rollbook("sync", "maple")
    later = _take_back_the_last_migration(rollbook.data)
    told = rollbook("runs", schema="error", code=2)["error"]["message"]
    assert "make a backup, then run `rollbook migrate`" in told
    archive = str(tmp_path / "before-upgrade.zip")
    rollbook("backup", archive, schema="backup")
    assert rollbook("migrate", schema="migrate") == {"migrations": [later]}
    assert rollbook("sync", "maple")["state"] == "done"

    other = Command(tmp_path / "other")
    assert other("restore", archive, schema="restore")["compare_live"]
    assert other("migrate", schema="migrate") == {"migrations": []}
    setup(other.data)
    assert Organization.objects.get().compare_live, "also where the backup was of an earlier release"


def test_a_backup_of_a_newer_release_is_not_half_restored(rollbook: Command, world: Space, tmp_path: Path) -> None:
    rollbook("runs", schema="runs")
    with closing(sqlite3.connect(rollbook.data / "rollbook.sqlite3")) as database:
        database.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('store', '9999_later', '2030-01-01')"
        )
        database.commit()
    archive = str(tmp_path / "newer.zip")
    rollbook("backup", archive, schema="backup")
    other = Command(tmp_path / "other")
    assert "newer release" in other("restore", archive, schema="error", code=2)["error"]["message"]
    assert not (other.data / "rollbook.sqlite3").exists()


def test_an_empty_folder_is_no_backup(tmp_path: Path) -> None:
    told = Command(tmp_path / "mistyped")("backup", str(tmp_path / "b.zip"), schema="error", code=2)
    assert "is that the right data folder?" in told["error"]["message"]
    assert not (tmp_path / "b.zip").exists()


def _take_back_the_last_migration(data: Path) -> str:
    """As an earlier release left the tables; the name of what is missing."""
    from django.core.management import call_command

    setup(data)
    last, before = sorted(path.stem for path in Path(migrations.__file__).parent.glob("[0-9]*.py"))[-1:-3:-1]
    call_command("migrate", "store", before, verbosity=0, interactive=False)
    close_store()
    return last
