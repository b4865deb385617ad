"""Under a lease only its owner writes; a takeover leaves the former owner empty-handed."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from django.db import connection

from rollbook.core.protocols import Refusal
from rollbook.errors import BadResponse, Bug, LeaseLost, StalePlan
from rollbook.roster.changes import Outcome
from rollbook.store.ids import new_run_id
from rollbook.store.journal import StoredJournal
from rollbook.store.lease import Lease, claim
from rollbook.store.ledger import StoredLedger
from rollbook.store.memory import StoredMemory
from rollbook.store.models import LedgerVersionRow, Organization, Run, SliceOutcome
from rollbook.store.passwords import StoredPasswords, new_password
from rollbook.store.runs import fail_run, give_up
from rollbook.store.secrets import KeyRing
from tests.cli.kit import open_store

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def lease(tmp_path: Path, database: str):
    with open_store(tmp_path):
        organization = Organization.objects.create(slug="maple", name="Maple")
        run = Run.objects.create(id=new_run_id(), organization=organization, requested_by="test")
        found = claim(run.pk, "one")
        assert found is not None
        yield found


def _other_run(lease: Lease) -> Run:
    return Run.objects.create(id=new_run_id(), organization_id=lease.organization, requested_by="test")


def test_one_running_run_an_organization(lease: Lease) -> None:
    second = _other_run(lease)
    assert claim(second.pk, "two") is None
    assert Run.objects.get(pk=second.pk).state == "queued"
    elsewhere = Organization.objects.create(slug="oak", name="Oak")
    third = Run.objects.create(id=new_run_id(), organization=elsewhere, requested_by="test")
    assert claim(third.pk, "two") is not None


def test_two_workers_never_claim_the_same_run(lease: Lease) -> None:
    elsewhere = Organization.objects.create(slug="oak", name="Oak")
    run = Run.objects.create(id=new_run_id(), organization=elsewhere, requested_by="test")
    found: list[Lease | None] = []

    def work(name: str) -> None:
        found.append(claim(run.pk, name))
        connection.close()

    threads = [threading.Thread(target=work, args=(f"worker {number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one is not None for one in found) == 1


def test_former_owner_writes_nothing_after_a_takeover(lease: Lease, tmp_path: Path) -> None:
    journal, ledger, memory = StoredJournal(lease, "plan"), StoredLedger(lease), StoredMemory(lease)
    journal.intend(0, 0, 9)
    give_up(lease)
    newer = claim(lease.run, "two")
    assert newer is not None
    assert newer.epoch == lease.epoch + 1
    with pytest.raises(LeaseLost):
        journal.record(0, [Outcome(status="done")])
    with pytest.raises(LeaseLost):
        journal.intend(1, 10, 19)
    with pytest.raises(LeaseLost):
        ledger.advance(0, {"user": "x"})
    with pytest.raises(LeaseLost):
        memory.remember({"a": 1})
    with pytest.raises(LeaseLost):
        StoredPasswords(lease, KeyRing(tmp_path / "keys")).for_users(["u"])
    assert not lease.holds()
    StoredJournal(newer, "plan").record(0, [Outcome(status="done", lms_id="7")])
    assert StoredJournal(newer, "plan").done() == {0}


def test_journal_keeps_the_first_outcome(lease: Lease) -> None:
    journal = StoredJournal(lease, "plan")
    journal.intend(0, 0, 1)
    journal.intend(0, 0, 1)
    journal.intend(1, 2, 2)
    first = [Outcome(status="done", lms_id="1"), Outcome(status="refused", message="no", code=400)]
    journal.record(0, first)
    journal.record(0, [Outcome(status="unknown"), Outcome(status="unknown")])
    attempts = list(journal.attempts())
    assert [(a.number, a.first_seq, a.last_seq) for a in attempts] == [(0, 0, 1), (1, 2, 2)]
    assert attempts[0].outcomes == first
    assert attempts[1].outcomes is None
    assert not list(StoredJournal(lease, "another plan").attempts())


def test_journal_notices_a_damaged_outcome(lease: Lease) -> None:
    journal = StoredJournal(lease, "plan")
    journal.intend(0, 0, 0)
    journal.record(0, [Outcome(status="done")])
    SliceOutcome.objects.update(payload=b"something else")
    with pytest.raises(Bug, match="damaged"):
        list(journal.attempts())


def test_intent_unsettles_and_a_new_ledger_settles(lease: Lease) -> None:
    StoredJournal(lease, "plan").intend(0, 0, 0)
    assert not Run.objects.get(pk=lease.run).settled
    version = StoredLedger(lease).advance(0, {"user": "a", "course": "b"})
    assert Run.objects.get(pk=lease.run).settled
    assert (version.number, version.files) == (1, {"user": "a", "course": "b"})
    assert StoredLedger(lease).advance(1, {"user": "c"}).files == {"user": "c", "course": "b"}
    with pytest.raises(StalePlan):
        StoredLedger(lease).advance(1, {"user": "d"})
    assert LedgerVersionRow.objects.count() == 2


def test_refusals_are_replaced_by_kind(lease: Lease) -> None:
    from django.utils import timezone

    memory, now = StoredMemory(lease), timezone.now()
    made = [Refusal("user", f"u{n}", "d", "no", 1, now, None) for n in range(3)]
    memory.replace_refusals(["user"], [*made, Refusal("course", "c", "d", "no", 1, now, now)])
    memory.replace_refusals(["user"], [one for one in memory.refusals() if one.key == "u1"])
    assert sorted(one.key for one in memory.refusals()) == ["c", "u1"]


def test_what_an_lms_says_may_hold_any_letter(lease: Lease) -> None:
    from django.utils import timezone

    memory, odd = StoredMemory(lease), "no\0 way \u2028 \U0001f600"
    memory.replace_refusals(["user"], [Refusal("user", "u", "d", odd, 1, timezone.now(), None)])
    memory.remember({"last": {"words": [odd]}})
    StoredJournal(lease, "plan").record(0, [Outcome(status="refused", message=odd)])
    assert [one.message for one in memory.refusals()] == [odd.replace("\0", "")]
    assert memory.facts() == {"last": {"words": [odd.replace("\0", "")]}}
    assert fail_run(lease, BadResponse(odd)).error == odd.replace("\0", "")


def test_facts_merge_and_none_forgets(lease: Lease) -> None:
    memory = StoredMemory(lease)
    memory.remember({"reads": {"user": 3}, "full": True})
    memory.remember({"full": None, "reads": {"user": 4}})
    assert memory.facts() == {"reads": {"user": 4}}


@pytest.mark.rule(14)
def test_passwords_are_encrypted_kept_and_readable(lease: Lease, tmp_path: Path) -> None:
    from rollbook.store.models import PasswordRow

    passwords = StoredPasswords(lease, KeyRing(tmp_path / "keys"))
    keys = [f"user {number}" for number in range(1200)]
    first = passwords.for_users(keys)
    assert passwords.for_users(keys) == first
    assert len(set(first.values())) == len(keys)
    stored = PasswordRow.objects.get(key="user 7")
    assert first["user 7"] not in stored.ciphertext
    assert stored.label == "initial"


@pytest.mark.rule(14)
def test_passwords_have_no_look_alikes() -> None:
    made = [new_password() for _ in range(300)]
    assert all(len(word) >= 16 for word in made)
    assert not set("".join(made)) & set("0O1lI2Z5S8B6G")
    assert all(
        any(c.islower() for c in w) and any(c.isupper() for c in w) and any(c.isdigit() for c in w) for w in made
    )


def test_three_interruptions_without_progress_fail_a_run(lease: Lease) -> None:
    current: Lease | None = lease
    for expected in ("queued", "queued", "failed"):
        assert current is not None
        give_up(current)
        run = Run.objects.get(pk=lease.run)
        assert run.state == expected
        current = claim(lease.run, "again")
    assert current is None
    assert "3 times" in run.error


def test_progress_between_interruptions_counts(lease: Lease) -> None:
    current: Lease | None = lease
    for number in range(5):
        assert current is not None
        StoredJournal(current, "plan").record(number, [Outcome(status="done")])
        give_up(current)
        assert Run.objects.get(pk=lease.run).state == "queued"
        current = claim(lease.run, "again")
