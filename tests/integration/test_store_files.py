"""Files of an installation: garbage, keys, backup. On both databases, except what only one of them has."""

from __future__ import annotations

import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.utils import timezone

from rollbook.errors import ConfigError
from rollbook.store.backup import distrust, read_backup, write_backup
from rollbook.store.blobs import open_blobs
from rollbook.store.folder import DataFolder
from rollbook.store.gc import collect
from rollbook.store.ids import new_run_id
from rollbook.store.models import FactRow, LedgerVersionRow, LooseBlob, Organization, Run, Secret
from rollbook.store.secrets import KeyRing, secrets_of
from tests.cli.kit import open_store


@pytest.fixture
def folder(tmp_path: Path, database: str):
    with open_store(tmp_path / "data") as found:
        yield found


@pytest.fixture
def sqlite_folder(tmp_path: Path):
    with open_store(tmp_path / "data") as found:
        yield found


@pytest.fixture
def postgres_folder(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    with open_store(tmp_path / "data") as found:
        yield found


def _put(folder: DataFolder, text: str) -> str:
    path = folder.work / "file.parquet"
    path.write_text(text)
    return open_blobs(folder).put(path)


def test_garbage_waits_a_day_and_needed_files_stay(folder: DataFolder) -> None:
    organization = Organization.objects.create(slug="maple", name="Maple")
    keys = [_put(folder, f"version {number}") for number in range(4)]
    for number, key in enumerate(keys[:3], 1):
        LedgerVersionRow.objects.create(organization=organization, number=number, files={"user": key})
    assert collect(folder, days=30) == {"deleted": 0, "bytes": 0, "loose": 2}  # version 1, and one nobody knows
    LooseBlob.objects.update(since=timezone.now() - timedelta(hours=25))
    found = collect(folder, days=30)
    assert (found["deleted"], found["loose"]) == (2, 0)
    assert {key for key, _ in open_blobs(folder).everything()} == set(keys[1:3])


def test_the_snapshot_of_delta_reads_is_needed(folder: DataFolder) -> None:
    organization = Organization.objects.create(slug="maple", name="Maple")
    FactRow.objects.create(organization=organization, name="snapshot", value={"files": {"users": _put(folder, "rows")}})
    assert collect(folder, days=30) == {"deleted": 0, "bytes": 0, "loose": 0}


def test_a_file_that_is_needed_again_is_not_garbage(folder: DataFolder) -> None:
    organization = Organization.objects.create(slug="maple", name="Maple")
    key = _put(folder, "rows")
    collect(folder, days=30)
    LooseBlob.objects.update(since=timezone.now() - timedelta(hours=25))
    LedgerVersionRow.objects.create(organization=organization, number=1, files={"user": key})
    assert collect(folder, days=30)["deleted"] == 0
    assert not LooseBlob.objects.exists()


def test_unsettled_runs_keep_their_plans_and_only_living_ones_their_scratch(folder: DataFolder) -> None:
    organization = Organization.objects.create(slug="maple", name="Maple")
    old = timezone.now() - timedelta(days=99)
    runs = {}
    for settled in (True, False):
        run = Run.objects.create(
            id=new_run_id(), organization=organization, requested_by="test", state="failed", settled=settled,
            plan={"files": {"user": _put(folder, "plan")}}, ended_at=old,
        )  # fmt: skip
        (folder.work / f"{run.pk}-1").mkdir()
        runs[settled] = run
    waiting = Run.objects.create(id=new_run_id(), organization=organization, requested_by="test")
    (folder.work / f"{waiting.pk}-2").mkdir()
    collect(folder, days=30)
    assert Run.objects.get(pk=runs[True].pk).plan is None
    assert Run.objects.get(pk=runs[False].pk).plan
    assert {one.name for one in folder.work.iterdir()} == {f"{waiting.pk}-2"}


def test_keys_are_private_and_rotate(folder: DataFolder) -> None:
    organization = Organization.objects.create(slug="maple", name="Maple")
    ring, other = KeyRing(folder.keys), KeyRing(folder.keys)
    Secret.objects.create(organization=organization, place="sis.secret", ciphertext=ring.encrypt("hush"))
    before = folder.keys.read_text()
    assert stat.S_IMODE(folder.keys.stat().st_mode) == 0o600
    assert ring.rotate() == 1
    assert len(folder.keys.read_text().split()) == 1
    assert not set(before.split()) & set(folder.keys.read_text().split())
    assert secrets_of(organization.pk, other) == {"sis.secret": "hush"}  # another process notices


def test_a_wrong_key_ring_says_who_must_act(folder: DataFolder) -> None:
    token = KeyRing(folder.keys).encrypt("hush")
    folder.keys.unlink()
    with pytest.raises(ConfigError, match="keys file") as error:
        KeyRing(folder.keys).decrypt(token)
    assert "hush" not in str(error.value)


def test_no_second_ring_beside_secrets(folder: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    organization = Organization.objects.create(slug="maple", name="Maple")
    token = KeyRing(folder.keys).encrypt("hush")
    Secret.objects.create(organization=organization, place="sis.secret", ciphertext=token)
    moved = tmp_path / "shared keys"
    folder.keys.rename(moved)
    for work in (lambda ring: ring.decrypt(token), lambda ring: ring.encrypt("more"), lambda ring: ring.rotate()):
        with pytest.raises(ConfigError, match="ROLLBOOK_KEYS_FILE"):
            work(KeyRing(folder.keys))
    assert not folder.keys.exists()
    monkeypatch.setenv("ROLLBOOK_KEYS_FILE", str(moved))
    assert secrets_of(organization.pk, KeyRing(folder.keys)) == {"sis.secret": "hush"}
    moved.write_text(Fernet.generate_key().decode())  # a ring of another installation
    with pytest.raises(ConfigError, match="opens the secrets"):
        KeyRing(folder.keys).encrypt("more")
    with pytest.raises(ConfigError, match="opens the secrets"):
        KeyRing(folder.keys).rotate()


def test_a_keys_file_that_cannot_be_read_is_named(folder: DataFolder) -> None:
    folder.keys.mkdir()
    with pytest.raises(ConfigError, match=str(folder.keys)):
        KeyRing(folder.keys).encrypt("hush")


def test_restore_forces_a_live_comparison(sqlite_folder: DataFolder, tmp_path: Path) -> None:
    organization = Organization.objects.create(slug="maple", name="Maple")
    key = _put(sqlite_folder, "rows")
    ring = KeyRing(sqlite_folder.keys)
    Secret.objects.create(organization=organization, place="sis.secret", ciphertext=ring.encrypt("hush"))
    Run.objects.create(id=new_run_id(), organization=organization, requested_by="test")
    archive = tmp_path / "backup.zip"
    write_backup(sqlite_folder, archive)
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600

    restored = read_backup(archive, tmp_path / "elsewhere")
    again = Organization.objects.get(slug="maple")
    assert again.compare_live
    assert open_blobs(restored).get(key).read_text() == "rows"
    assert secrets_of(again.pk, KeyRing(restored.keys)) == {"sis.secret": "hush"}
    assert Run.objects.get().state == "failed"
    with pytest.raises(ConfigError, match="holds data already"):
        read_backup(archive, restored.path)


def test_a_broken_backup_leaves_no_database(sqlite_folder: DataFolder, tmp_path: Path) -> None:
    archive = tmp_path / "backup.zip"
    write_backup(sqlite_folder, archive)
    archive.write_bytes(archive.read_bytes()[:200])
    with pytest.raises(ConfigError, match="not a backup"):
        read_backup(archive, tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere" / "rollbook.sqlite3").exists()


def test_a_newer_database_is_refused(folder: DataFolder) -> None:
    from django.db import connection

    from rollbook.store.setup import setup

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('store', '9999_later', '2030-01-01')"
        )
    with pytest.raises(ConfigError, match="newer release"):
        setup(folder.path)


def test_the_database_survives_a_power_cut_and_waits_for_writers(sqlite_folder: DataFolder) -> None:
    """In a process of its own: in this one, commits wait for no disk."""
    names = ("journal_mode", "synchronous", "busy_timeout")
    asked = f"""
import sys
from pathlib import Path
from rollbook.store.setup import connect
connect(Path(sys.argv[1]))
from django.db import connection
with connection.cursor() as cursor:
    print(*(cursor.execute("PRAGMA " + name).fetchone()[0] for name in {names}))"""
    command = [sys.executable, "-c", asked, str(sqlite_folder.path)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == ["wal", "2", "30000"]


def test_postgresql_is_backed_up_with_its_own_tools(postgres_folder: DataFolder, tmp_path: Path) -> None:
    organization = Organization.objects.create(slug="maple", name="Maple")
    Run.objects.create(id=new_run_id(), organization=organization, requested_by="test")
    with pytest.raises(ConfigError, match="pg_dump"):
        write_backup(postgres_folder, tmp_path / "backup.zip")
    with pytest.raises(ConfigError, match="pg_restore"):
        read_backup(tmp_path / "backup.zip", tmp_path / "elsewhere")
    distrust()
    assert Organization.objects.get().compare_live
    assert Run.objects.get().state == "failed"


def test_a_restore_replaces_no_other_ring(
    sqlite_folder: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    KeyRing(sqlite_folder.keys).encrypt("hush")
    write_backup(sqlite_folder, tmp_path / "backup.zip")
    shared = tmp_path / "shared keys"
    shared.write_text("another ring")
    monkeypatch.setenv("ROLLBOOK_KEYS_FILE", str(shared))
    with pytest.raises(ConfigError, match="another one than the backup's"):
        read_backup(tmp_path / "backup.zip", tmp_path / "elsewhere")
    assert shared.read_text() == "another ring"
