"""The outbox survives what may happen to its deliverer and to the other side: nothing told twice, nothing lost."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.utils import timezone

from tests.cli.kit import open_store
from tests.cli.told import Told, told
from tests.post import mail_server

__all__ = ["told"]
NEW_YORK = ZoneInfo("America/New_York")


def _fail_one(told: Told) -> str:
    told.space.key = "another"
    return str(told.sync(code=1)["run"])


def test_no_mail_server_is_said_and_made_up_for(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    address = os.environ["ROLLBOOK_SMTP_URL"]
    monkeypatch.delenv("ROLLBOOK_SMTP_URL")
    _fail_one(told)
    assert told.deliver() == 1  # the webhook
    mail = next(row for row in told.outbox() if row["channel"] == "email")
    assert (mail["state"], mail["attempts"]) == ("waiting", 1)
    assert "ROLLBOOK_SMTP_URL" in mail["error"]
    monkeypatch.setenv("ROLLBOOK_SMTP_URL", address)
    assert told.deliver() == 0, "not before its time"
    assert told.deliver(later=timedelta(minutes=1)) == 1
    assert len(told.box.mails) == 1


def test_a_webhook_in_trouble_is_tried_again_with_the_same_id(told: Told) -> None:
    told.hook.answers = [500, 503]
    _fail_one(told)
    now = timezone.now()
    for minutes in (0, 1, 4):
        told.deliver(now + timedelta(minutes=minutes))
    assert len(told.hook.requests) == 3
    assert len({body["id"] for body in told.hook.bodies()}) == 1
    assert {row["state"] for row in told.outbox()} == {"sent"}


def test_cron_can_deliver(told: Told) -> None:
    _fail_one(told)
    assert told.rollbook("notices", "send", schema="notices-send") == {"sent": 2, "waiting": 0}
    assert len(told.box.mails) == 1


def test_waits_grow_and_end(told: Told) -> None:
    told.hook.answers = [500] * 1000
    _fail_one(told)
    now, moments = timezone.now(), []
    while told.outbox()[0]["state"] != "failed" and now < timezone.now() + timedelta(days=5):
        before = len(told.hook.requests)
        told.deliver(now)
        if len(told.hook.requests) > before:
            moments.append(now)
        now += timedelta(minutes=30)
        if len(moments) > 6:
            now += timedelta(hours=6)
    assert len(moments) > 10
    hook = next(row for row in told.outbox() if row["channel"] == "webhook")
    assert (hook["state"], hook["next_at"]) == ("failed", None)
    assert "answered 500" in hook["error"]


def test_a_receiver_that_is_gone_is_left_alone(told: Told) -> None:
    told.hook.answers = [410]
    _fail_one(told)
    told.deliver()
    told.deliver(later=timedelta(days=1))
    assert len(told.hook.requests) == 1
    assert next(row for row in told.outbox() if row["channel"] == "webhook")["state"] == "failed"


def test_redirects_are_not_followed(told: Told) -> None:
    told.hook.answers, told.hook.location = [302], told.hook.url.replace("127.0.0.1", "localhost")
    _fail_one(told)
    told.deliver()
    assert len(told.hook.requests) == 1
    assert "redirects" in next(row for row in told.outbox() if row["channel"] == "webhook")["error"]


def test_an_address_that_the_server_refuses(told: Told) -> None:
    told.settings("notices: {email: [gone@maple.example, admin@maple.example]}")
    told.box.refuse = {"gone@maple.example": "550 no such user: Jane Secret"}
    _fail_one(told)
    assert told.deliver() == 1
    bad = next(row for row in told.outbox() if row["to"] == "gone@maple.example")
    assert (bad["state"], bad["error"]) == ("failed", "the mail server refuses this address (550)")


def test_who_was_taken_out_is_not_told_any_more(told: Told) -> None:
    _fail_one(told)
    told.settings("notices: {email: [other@maple.example]}")
    assert told.deliver() == 0
    assert not told.box.mails
    assert not told.hook.requests


def test_several_deliverers_send_each_notice_once(told: Told) -> None:
    told.settings("notices: {email: [" + ", ".join(f"a{n}@maple.example" for n in range(12)) + "]}")
    _fail_one(told)
    from django.db import connection

    from rollbook.engine.notices import deliver_due

    sent: list[int] = []
    start = threading.Barrier(4)
    with open_store(told.rollbook.data) as folder:

        def work() -> None:
            start.wait()
            sent.append(deliver_due(folder, timezone.now()))
            connection.close()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sum(sent) == 12
    assert sorted(to for to, _ in told.box.mails) == sorted(f"a{n}@maple.example" for n in range(12))


_CHILD = """
import sys
from pathlib import Path
from rollbook.store.setup import setup
folder = setup(Path(sys.argv[1]))
from django.utils import timezone
from rollbook.engine.notices import deliver_due
print("go", flush=True)
deliver_due(folder, timezone.now())
"""


def test_a_deliverer_that_is_killed_loses_nothing(told: Told) -> None:
    """Killed while the receiver thinks: the notice is told again, under the same id, once the claim has run out."""
    told.hook.seconds = 3.0
    _fail_one(told)
    child = subprocess.Popen([sys.executable, "-c", _CHILD, str(told.rollbook.data)], stdout=subprocess.PIPE)
    until = time.monotonic() + 30
    while not told.hook.requests and time.monotonic() < until:
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert child.stdout is not None
    child.stdout.close()
    told.hook.seconds = 0.0
    assert told.deliver() <= 1, "the claim of the dead process still holds; a mail may be free"
    told.deliver(later=timedelta(minutes=6))
    assert len({body["id"] for body in told.hook.bodies()}) == 1
    assert len(told.hook.requests) == 2
    assert {row["state"] for row in told.outbox()} == {"sent"}


def test_a_notice_is_there_exactly_if_the_runs_end_is(told: Told) -> None:
    from rollbook.errors import Unavailable
    from rollbook.store.lease import claim
    from rollbook.store.models import NoticeRow, Run, RunState
    from rollbook.store.runs import fail_run

    with open_store(told.rollbook.data):
        from rollbook.actions.runs import Wanted, request_run

        run = request_run(org="maple", wanted=Wanted(), by="test")
        lease = claim(run.pk, "me")
        assert lease is not None
        with transaction.atomic():
            fail_run(lease, Unavailable("the SIS does not answer"))
            assert NoticeRow.objects.exists()
            transaction.set_rollback(True)  # as if the process had died before the commit
        assert not NoticeRow.objects.exists()
        assert Run.objects.get().state == RunState.RUNNING
        fail_run(lease, Unavailable("the SIS does not answer"))
        assert NoticeRow.objects.filter(run=run).count() == 2


def test_a_mistake_in_a_notice_keeps_no_run_from_ending(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(run: object) -> None:
        raise ValueError("Jane Doe")

    monkeypatch.setattr("rollbook.store.notices.happenings", broken)
    assert told.sync()["state"] == "done"


def test_a_restored_backup_tells_nothing_old(told: Told, tmp_path: Path) -> None:
    _fail_one(told)
    told.rollbook("backup", str(tmp_path / "b.zip"), schema="backup")
    told.rollbook.data = tmp_path / "restored"
    told.rollbook("restore", str(tmp_path / "b.zip"), schema="restore")
    assert told.deliver(later=timedelta(hours=1)) == 0
    assert {row["error"] for row in told.outbox()} == {"a backup was restored"}


# --- by the clock -----------------------------------------------------------------------------------------------------


def test_a_digest_gathers_a_day_in_one_mail(told: Told) -> None:
    told.tell(digest="daily")
    first, second = _fail_one(told), _fail_one(told)
    assert told.deliver() == 2, "webhooks are told at once"
    assert not told.box.mails
    assert told.deliver(later=timedelta(hours=25)) == 2
    [text] = told.box.texts()
    assert first in text
    assert second in text
    assert told.box.mails[0][1]["Subject"] == "[Rollbook] Maple Valley: 2 notices since the last digest"


@pytest.mark.parametrize(
    ("local", "leaves"),
    [
        ("2026-11-24 06:59", "2026-11-24 07:00"),
        ("2026-11-24 07:00", "2026-11-25 07:00"),
        ("2026-10-31 08:00", "2026-11-01 07:00"),  # the night in which clocks go back
        ("2027-03-13 23:00", "2027-03-14 07:00"),
    ],
)
def test_digests_leave_at_seven_by_the_districts_clock(local: str, leaves: str) -> None:
    from rollbook.store.outbox import next_digest

    found = next_digest(dt.datetime.fromisoformat(local).replace(tzinfo=NEW_YORK), "America/New_York")
    assert f"{found.astimezone(NEW_YORK):%Y-%m-%d %H:%M}" == leaves


def test_a_key_that_expires_is_told_in_steps(told: Told) -> None:
    text = told.file.read_text().replace("sis: {connector: memory", "sis: {connector: memory, expires: 2031-03-31")
    told.file.write_text(text)
    told.rollbook("config", "import", str(told.file), schema="config-import")
    noon = dt.datetime(2031, 2, 20, 12, tzinfo=NEW_YORK)
    days = []
    for day in range(60):
        now = noon + timedelta(days=day)
        for hours in (0, 1):
            before = len(told.hook.requests)
            told.deliver(now + timedelta(hours=hours))
            if len(told.hook.requests) > before:
                days.append(f"{now:%m-%d}")
    assert days[:7] == ["03-01", "03-17", "03-24", "03-28", "03-30", "03-31", "04-01"]
    assert days[7:9] == ["04-08", "04-15"]
    assert told.hook.bodies()[0]["words"] == ["The key of the SIS expires in 30 days, on 2031-03-31."]
    assert "expired on 2031-03-31" in told.box.texts()[6]


# --- mail over TLS ----------------------------------------------------------------------------------------------------


def test_mail_over_tls_with_a_password(told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = _certificate(tmp_path)
    with mail_server(certificate) as box:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        monkeypatch.setenv("ROLLBOOK_SMTP_URL", f"smtp://me%40maple:hush-hush@127.0.0.1:{box.port}")
        told.rollbook("notices", "test", "maple", schema="notices")
        assert box.signed_in == ["me@maple"]
        assert len(box.mails) == 1
        monkeypatch.setenv("ROLLBOOK_SMTP_URL", f"smtp://me:wrong-word@127.0.0.1:{box.port}")
        answer = told.rollbook.text("notices", "test", "maple")
    assert answer.code == 1
    assert "refuses user name or password (535)" in answer.out
    assert "wrong-word" not in answer.out + answer.err


def test_a_certificate_that_nobody_vouches_for(told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with mail_server(_certificate(tmp_path)) as box:
        monkeypatch.setenv("ROLLBOOK_SMTP_URL", f"smtp://me:hush-hush@127.0.0.1:{box.port}")
        found = told.rollbook("notices", "test", "maple", schema="notices", code=1)
        assert not box.mails
    mail = next(row for row in found["notices"] if row["channel"] == "email")
    assert mail["error"] == "the TLS certificate of the mail server cannot be verified"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mail.example", "must look like"),
        ("smtp://mail.example:port", "must look like"),
        ("smtp://mail.example?tls=maybe", "tls is starttls or none"),
        ("smtp://me:hush-hush@mail.example?tls=none", "a password without TLS"),
    ],
)
def test_wrong_mail_servers_are_named(url: str, words: str) -> None:
    from rollbook.engine.mail import mail_server as read
    from rollbook.errors import ConfigError

    with pytest.raises(ConfigError, match=words) as trouble:
        read({"ROLLBOOK_SMTP_URL": url, "ROLLBOOK_MAIL_FROM": "a@b.example"})
    assert "hush" not in str(trouble.value)


def _certificate(folder: Path) -> Path:
    """A certificate of 127.0.0.1 that signs itself, with its key, in one file."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / "certificate.pem"
    file.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return file
