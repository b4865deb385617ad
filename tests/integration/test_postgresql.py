"""PostgreSQL away, back, wrong, shared: the words people get, and who waits for whom."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from rollbook.actions.holds import approve_hold
from rollbook.actions.keys import rotate_keys
from rollbook.actions.runs import Wanted, cancel_run, request_run
from rollbook.errors import ConfigError, RollbookError, Unavailable
from rollbook.roster.lms import KINDS
from rollbook.store.database import DATABASE_TROUBLE, fresh, let_go
from rollbook.store.ids import new_run_id
from rollbook.store.lease import claim
from rollbook.store.models import HoldRow, Organization, PermitRow, Run, Secret, SettingsVersion
from rollbook.store.passwords import StoredPasswords
from rollbook.store.secrets import KeyRing, secrets_of
from rollbook.store.setup import setup
from tests.cli.kit import open_store
from tests.patience import LONG
from tests.postgres import PASSWORD, Server

SETTINGS = {
    "organization": {"slug": "maple", "name": "Maple"}, "active_year": "2027",
    "sis": {"connector": "memory"}, "lms": {"connector": "memory"},
}  # fmt: skip


@pytest.fixture
def data(tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    with open_store(tmp_path / "data") as folder:
        yield folder.path


@pytest.fixture
def maple(data: Path) -> Organization:
    organization = Organization.objects.create(slug="maple", name="Maple")
    SettingsVersion.objects.create(organization=organization, number=1, document=SETTINGS, digest="d", by="test")
    return organization


def _at_once(*works: Callable[[], Any]) -> list[Any]:
    """What each returned, or the error it raised; each in a thread with a connection of its own."""
    found: list[Any] = [None] * len(works)
    gate = threading.Barrier(len(works))

    def work(place: int) -> None:
        gate.wait()
        try:
            found[place] = works[place]()
        except RollbookError as error:
            found[place] = error
        finally:
            let_go()

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


# --- away and back ---


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server that a test may stop."""
    server = Server()
    yield server
    server.remove()


def test_a_database_that_goes_away_and_comes_back(
    own_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with own_server.fresh() as url:
        monkeypatch.setenv("DATABASE_URL", url)
        with open_store(tmp_path / "data"):
            Organization.objects.create(slug="maple", name="Maple")
            own_server.stop()
            with pytest.raises(DATABASE_TROUBLE):
                Organization.objects.count()
            with pytest.raises(DATABASE_TROUBLE), transaction.atomic():
                Organization.objects.create(slug="oak", name="Oak")
            fresh()  # the database is still away: this asks nothing
            with pytest.raises(Unavailable, match="does not answer") as error:
                setup(tmp_path / "data")
            assert PASSWORD not in str(error.value)
            own_server.start()
            fresh()
            assert [one.slug for one in Organization.objects.all()] == ["maple"]


def test_a_connection_that_the_server_ended_is_replaced(maple: Organization) -> None:
    _end_my_session()
    fresh()
    assert Organization.objects.count() == 1
    _end_my_session()
    with pytest.raises(DATABASE_TROUBLE):
        Organization.objects.count()
    assert Organization.objects.count() == 1  # outside a transaction it heals by itself
    with pytest.raises(DATABASE_TROUBLE):
        _write_and_break()
    assert Organization.objects.count() == 1


@transaction.atomic
def _write_and_break() -> None:
    Organization.objects.create(slug="oak", name="Oak")
    _end_my_session()
    Organization.objects.count()


def _end_my_session() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        process = cursor.fetchone()[0]

    def end() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [process])

    _at_once(end)


def test_a_frozen_writer_keeps_nobody_waiting_for_long(maple: Organization) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setting FROM pg_settings WHERE name IN ('idle_in_transaction_session_timeout', 'lock_timeout')"
        )
        assert [int(row[0]) for row in cursor.fetchall()] == [15_000, 30_000]


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda url: url.replace("h%40sh", "wrong"), ConfigError, "refused the user or password"),
        (lambda url: url + "_none", ConfigError, "createdb"),
        (lambda url: re.sub(r":\d+/", ":1/", url), Unavailable, "does not answer"),
        (lambda url: url + "?sslmode=require", Unavailable, "SSL"),
    ],
    ids=["password", "name", "port", "ssl"],
)
def test_what_is_wrong_with_the_database_is_said(
    postgres_url: str, tmp_path: Path, change: Any, error: Any, words: str
) -> None:
    environment = {**os.environ, "DATABASE_URL": change(postgres_url)}
    command = [sys.executable, "-m", "rollbook.cli", "runs", "--json", "--data", str(tmp_path / "data")]
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert result.returncode == error.exit_code
    told = json.loads(result.stdout)["error"]
    assert told["error"] == error.__name__
    assert words in told["message"]
    for secret in (PASSWORD, "h%40sh", "wrong"):
        assert secret not in result.stdout + result.stderr
    assert "Traceback" not in result.stderr


# --- together ---


def test_processes_that_start_at_once_make_the_tables_once(postgres: Server, tmp_path: Path) -> None:
    with postgres.fresh() as url:
        environment = {**os.environ, "DATABASE_URL": url}
        commands = [
            [sys.executable, "-m", "rollbook.cli", "runs", "--json", "--data", str(tmp_path / f"machine {number}")]
            for number in range(3)
        ]
        started = [
            subprocess.Popen(one, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for one in commands
        ]
        answers = [one.communicate() for one in started]
        assert [one.returncode for one in started] == [0, 0, 0], answers
        assert {json.loads(out)["runs"] == [] for out, _ in answers} == {True}


def test_equal_requests_at_once_are_one_run(maple: Organization) -> None:
    found = _at_once(*[lambda: request_run(org="maple", wanted=Wanted(), by="test")] * 6)
    assert len({run.pk for run in found}) == 1
    assert Run.objects.count() == 1


def test_a_run_is_cancelled_or_claimed_never_both(maple: Organization) -> None:
    for _ in range(10):
        run = Run.objects.create(id=new_run_id(), organization=maple, requested_by="test")
        lease, _ = _at_once(lambda pk=run.pk: claim(pk, "one"), lambda pk=run.pk: cancel_run(run_id=pk, by="test"))
        run.refresh_from_db()
        assert run.cancel_requested
        assert run.state == ("running" if lease is not None else "cancelled")
        Run.objects.filter(pk=run.pk).update(state="failed")


def test_two_workers_claim_one_run_of_an_organization(maple: Organization) -> None:
    for _ in range(5):
        runs = [Run.objects.create(id=new_run_id(), organization=maple, requested_by="test") for _ in range(3)]
        leases = _at_once(*[lambda pk=run.pk: claim(pk, f"worker {pk}") for run in runs])
        assert sum(lease is not None for lease in leases) == 1
        Run.objects.update(state="failed")


def test_an_approval_is_before_or_after_a_claim(maple: Organization) -> None:
    """A permit that a run could not see must not be used up by it."""
    for number in range(8):
        held = Run.objects.create(
            id=new_run_id(), organization=maple, requested_by="test", state="held", kinds=list(KINDS)
        )
        HoldRow.objects.create(
            organization=maple, run=held, hold=f"h{number}", reason="limit", kind="user", action="remove",
            count=1, of=2, changes="0" * 32,
        )  # fmt: skip
        queued = Run.objects.create(id=new_run_id(), organization=maple, requested_by="test", kinds=list(KINDS))
        lease, decided = _at_once(
            lambda pk=queued.pk: claim(pk, "one"),
            lambda hold=f"h{number}": approve_hold(hold_id=hold, by="Ada", reason="checked"),
        )
        assert lease is not None
        queued.refresh_from_db()
        permit = PermitRow.objects.get(hold=decided[0])
        assert queued.started_at is not None
        if decided[1].pk == queued.pk:  # this run serves the approval
            assert permit.created_at <= queued.started_at
        else:
            assert permit.created_at > queued.started_at
        Run.objects.update(state="failed")


def test_a_hold_is_decided_once(maple: Organization) -> None:
    held = Run.objects.create(id=new_run_id(), organization=maple, requested_by="test", state="held", kinds=["user"])
    HoldRow.objects.create(
        organization=maple, run=held, hold="h", reason="limit", kind="user", action="remove", count=1, of=2,
        changes="0" * 32,
    )  # fmt: skip
    found = _at_once(*[lambda: approve_hold(hold_id="h", by="Ada", reason="checked")] * 4)
    assert sum(isinstance(one, tuple) for one in found) == 1
    assert PermitRow.objects.count() == 1


def test_keys_rotate_while_workers_make_passwords(maple: Organization, data: Path) -> None:
    ring = KeyRing(data / "keys")
    with transaction.atomic():
        token = ring.encrypt("hush")
    Secret.objects.create(organization=maple, place="sis.secret", ciphertext=token)
    run = Run.objects.create(id=new_run_id(), organization=maple, requested_by="test")
    lease = claim(run.pk, "one")
    assert lease is not None
    until = time.monotonic() + 2
    rounds: dict[str, int] = {"made": 0, "rotated": 0}

    def goes_on() -> bool:
        """For two seconds, and on a busy machine until both were at it a few times."""
        now = time.monotonic()
        return now < until or (now < until + LONG and min(rounds.values()) < 3)

    def make() -> dict[str, str]:
        passwords, made, number = StoredPasswords(lease, KeyRing(data / "keys")), {}, 0
        while goes_on():
            number += 1
            rounds["made"] = number
            made.update(passwords.for_users([f"user {number}"]))
            assert secrets_of(maple.pk, KeyRing(data / "keys")) == {"sis.secret": "hush"}
        return made

    def rotate() -> int:
        while goes_on():
            rotate_keys(by="test")
            rounds["rotated"] += 1
        return rounds["rotated"]

    made, times = _at_once(make, rotate)
    assert isinstance(made, dict), made
    assert times > 2
    assert len(made) > 2
    assert StoredPasswords(lease, KeyRing(data / "keys")).for_users(list(made)) == made
    assert len((data / "keys").read_text().split()) == 1


def test_json_is_found_and_read_back_as_written(maple: Organization) -> None:
    """jsonb sorts keys; nothing may depend on their order."""
    version = SettingsVersion.objects.get()
    assert version.document == SETTINGS
    run = Run.objects.create(id=new_run_id(), organization=maple, requested_by="test", kinds=["user"], schools=[])
    assert Run.objects.filter(kinds=["user"], schools=[], plan__isnull=True).get() == run
    assert not Run.objects.filter(kinds=["course"]).exists()


def test_another_thread_moves_the_process_to_another_kind_of_database(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each thread has connections of its own, and those of the other kind must not stay behind."""
    assert connection.vendor == "postgresql"
    Organization.objects.count()
    monkeypatch.delenv("DATABASE_URL")
    assert _at_once(lambda: setup(tmp_path / "other").path) == [tmp_path / "other"]
    setup(tmp_path / "other")
    assert connection.vendor == "sqlite"
    assert Organization.objects.count() == 0
