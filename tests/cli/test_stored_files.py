"""A stored file that is missing or damaged: clear words, nothing sent, nothing lost. On both databases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from rollbook.connectors.memory.space import Space
from rollbook.store.blobs import LocalBlobs, open_blobs
from rollbook.store.models import AuditRow, BlobPiece, LedgerVersionRow, LooseBlob, Organization
from rollbook.store.secrets import KeyRing, secrets_of
from tests.cli.kit import Command, open_store

pytestmark = pytest.mark.usefixtures("database")


def _damage(blobs: Any, key: str) -> None:
    if isinstance(blobs, LocalBlobs):
        place = blobs.place(key)
        place.write_bytes(place.read_bytes()[:-1] + b"?")
    else:
        piece = BlobPiece.objects.filter(key=key).latest("number")
        piece.data = bytes(piece.data)[:-1] + b"?"
        piece.save()


def _take_away(blobs: Any, key: str) -> None:
    blobs.delete(key)


@pytest.mark.parametrize(("harm", "word"), [(_damage, "damaged"), (_take_away, "missing")])
def test_a_lost_ledger_stops_every_run_until_it_is_back(
    rollbook: Command, world: Space, harm: Callable[[Any, str], None], word: str
) -> None:
    rollbook("sync", "maple")
    there = {kind: len(world.all(kind)) for kind in ("user", "section", "enrollment")}
    world.rows["enrollments"] = world.rows["enrollments"][:5]
    with open_store(rollbook.data) as folder:
        key = LedgerVersionRow.objects.get().files["enrollment"]
        blobs = open_blobs(folder)
        backup = blobs.get(key).read_bytes()
        blobs.get(key).unlink() if hasattr(blobs, "_cache") else None  # another machine has no copy
        harm(blobs, key)
    for _ in range(2):
        run = rollbook("sync", "maple", code=1)
        assert run["state"] == "failed"
        assert run["error"]["error"] == "BlobLost"
        assert "the ledger of enrollment" in run["error"]["message"]
        assert word in run["error"]["message"]
        assert "backup" in run["error"]["who"]
        assert {kind: len(world.all(kind)) for kind in there} == there
    with open_store(rollbook.data) as folder:
        _bring_back(open_blobs(folder), key, backup)
    assert rollbook("sync", "maple", code=3)["state"] == "held"


def _bring_back(blobs: Any, key: str, content: bytes) -> None:
    if isinstance(blobs, LocalBlobs):
        blobs.place(key).write_bytes(content)
    else:
        from rollbook.store.models import BlobHead

        BlobPiece.objects.filter(key=key).delete()
        BlobPiece.objects.create(key=key, number=0, data=content)
        BlobHead.objects.update_or_create(key=key, defaults={"size": len(content), "pieces": 1})


def test_keys_rotate_and_garbage_goes(rollbook: Command, world: Space) -> None:
    rollbook("sync", "maple")
    assert rollbook("keys", "rotate", schema="keys-rotate")["encrypted"] == len(world.passwords) + 2
    with open_store(rollbook.data) as folder:
        found = secrets_of(Organization.objects.get().pk, KeyRing(folder.keys))
        assert found == {"sis.key": "memory", "lms.key": "memory"}
    for _ in range(3):  # three more ledgers, two of which are kept
        row = dict(world.rows["users"][0], givenName=f"Name {_}")
        world.rows["users"] = [row, *world.rows["users"][1:]]
        rollbook("sync", "maple")
    assert rollbook("gc", "--days", "0", schema="gc")["loose"] > 4
    with open_store(rollbook.data):
        LooseBlob.objects.update(since=timezone.now() - timedelta(hours=25))
    assert rollbook("gc", "--days", "0", schema="gc")["deleted"] > 4
    assert rollbook("sync", "maple")["state"] == "done"
    with open_store(rollbook.data):
        assert AuditRow.objects.filter(action="collect garbage").count() == 2


def test_doctor_names_the_database(rollbook: Command, world: Space, database: str) -> None:
    found = {one["check"]: one for one in rollbook("doctor", schema="doctor")["checks"]}
    assert found["database"]["ok"]
    assert found["database"]["found"].lower().startswith(database)


def test_after_a_restored_dump_the_live_lms_is_read_first(rollbook: Command, world: Space) -> None:
    rollbook("sync", "maple")
    rollbook("restore", "--from-dump", schema="restore")
    with open_store(rollbook.data):
        assert Organization.objects.get().compare_live
    rollbook("sync", "maple")
    with open_store(rollbook.data):
        assert not Organization.objects.get().compare_live
    rollbook("restore", schema="error", code=2)
    rollbook("restore", "x.zip", "--from-dump", schema="error", code=2)
