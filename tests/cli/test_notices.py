"""Who is told what when a run has ended; on memory connections, through the command, with real mail and webhooks."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta

import pytest

from tests.cli.kit import check_schema
from tests.cli.told import SECRET, Told, told

__all__ = ["told"]


def _names(told: Told) -> set[str]:
    """Everything of people that must not be told."""
    fields = ("givenName", "familyName", "username", "email", "identifier")
    return {row[name] for row in told.space.rows["users"] for name in fields if len(row.get(name) or "") > 3}


def _lose_a_class(told: Told) -> None:
    rows = told.space.rows["enrollments"]
    students = [row for row in rows if row["role"] == "student"]
    lost = students[0]["classSourcedId"]
    told.space.rows["enrollments"] = [row for row in rows if row["classSourcedId"] != lost or row["role"] != "student"]


def test_a_good_run_tells_nobody(told: Told) -> None:
    assert told.sync()["state"] == "done"
    assert told.deliver() == 0
    assert not told.outbox()


def test_a_failed_run_says_what_it_means_and_who_must_act(told: Told) -> None:
    told.space.key = "another"
    run = told.sync(code=1)
    assert told.deliver() == 2
    [(to, mail)] = told.box.mails
    assert to == mail["To"] == "admin@maple.example"
    assert mail["From"] == "rollbook@maple.example"
    assert mail["Subject"] == "[Rollbook] Maple Valley: the run failed"
    text = mail.get_content()
    for words in (run["run"], "refused the key", "What it means", "renews the credentials", "rollbook sync maple"):
        assert words in text
    [body] = told.hook.bodies()
    check_schema("webhook", body)
    assert (body["run"], body["state"], body["events"]) == (run["run"], "failed", ["failed"])


def test_mails_speak_the_language_of_the_settings(told: Told) -> None:
    """What programs are posted stays as it is."""
    told.sync()
    webhook = f'webhooks: [{{url: "{told.hook.url}", secret: {SECRET}}}]'
    told.settings(
        "limits: {remove: {percent: 0, from: 1}}\n"
        f"notices: {{language: es, email: [admin@maple.example], {webhook}}}"
    )
    _lose_a_class(told)
    told.sync(code=3)
    told.deliver()
    [(_, mail)] = told.box.mails
    assert mail["Subject"] == "[Rollbook] Maple Valley: hay cambios que le esperan"
    text = mail.get_content()
    for words in ("cambios esperan aprobación", "Qué significa: ", "rollbook hold approve"):
        assert words in text
    for words in ("waits for", "wait for", "What it means", "Who must act", "limits in the settings"):
        assert words not in text
    [body] = told.hook.bodies()
    check_schema("webhook", body)
    assert any("wait for approval" in one for one in body["words"])


def test_it_is_told_once(told: Told) -> None:
    told.space.key = "another"
    told.sync(code=1)
    assert [told.deliver(), told.deliver(hours=timedelta(hours=5))] == [2, 0]
    assert [row["state"] for row in told.outbox()] == ["sent", "sent"]


def test_a_held_run_says_how_to_approve(told: Told) -> None:
    told.sync()
    told.settings("limits: {remove: {percent: 0, from: 1}}\nnotices: {email: [admin@maple.example]}")
    _lose_a_class(told)
    run = told.sync(code=3)
    held = run["kinds"]["enrollment"]["held"]
    told.deliver()
    [text] = told.box.texts()
    [hold] = run["holds"]
    assert f"{held} changes wait for approval. Everything else went on." in text
    assert f"{hold['school_name']}: remove {held} of {hold['of']} enrollments. {hold['sentence']}" in text
    assert "than the limits in the settings allow" in text
    assert "rollbook hold list maple" in text
    assert f"rollbook run changes {run['run']} --hold HOLD" in text
    assert "rollbook hold approve" in text


def test_what_still_waits_is_told_again_after_a_week(told: Told) -> None:
    told.sync()
    told.settings("limits: {remove: {percent: 0, from: 1}}\nnotices: {email: [admin@maple.example]}")
    _lose_a_class(told)
    told.sync(code=3)
    told.sync(code=3)
    assert len(told.outbox()) == 1
    _age_notices(told, days=8)
    told.sync(code=3)
    assert len(told.outbox()) == 2


def _age_notices(told: Told, days: int) -> None:
    from django.db.models import F

    from rollbook.store.models import NoticeRow
    from tests.cli.kit import open_store

    with open_store(told.rollbook.data):
        NoticeRow.objects.update(created_at=F("created_at") - timedelta(days=days))


def test_refused_rows_are_told_and_so_is_their_end(told: Told) -> None:
    student = next(row for row in told.space.rows["users"] if row["role"] == "student")
    told.space.faults.refuse = {student["sourcedId"]: f"{student['givenName']} {student['username']} is not wanted"}
    run = told.sync()
    assert run["kinds"]["user"]["refused"] == 1
    told.deliver()
    told.space.faults.refuse = {}
    told.sync()
    told.deliver()
    first, second = told.hook.bodies()
    assert (first["events"], second["events"]) == (["errors"], ["recovered"])
    assert "1 change was refused by the LMS" in first["words"][0]
    assert "left errors" in second["words"][0]


def test_a_run_that_works_again_is_told(told: Told) -> None:
    told.space.key = "another"
    told.sync(code=1)
    told.space.key = "memory"
    told.sync()
    told.sync()
    told.deliver()
    assert [body["events"] for body in told.hook.bodies()] == [["failed"], ["recovered"]]
    assert "the one before it failed" in told.box.texts()[1]


def test_dry_runs_tell_nobody(told: Told) -> None:
    told.space.key = "another"
    told.rollbook("plan", "maple", code=1)
    assert not told.outbox()


def test_a_run_unlike_the_last_ones_is_told(told: Told) -> None:
    for _ in range(3):
        told.sync()
    rows = told.space.rows["enrollments"]
    told.space.rows["enrollments"] = rows[: len(rows) // 2]
    told.sync(code=3)
    told.deliver()
    [body] = told.hook.bodies()
    assert "deviation" in body["events"]
    usual = len(rows)
    assert any(f"Enrollments read: {usual // 2}; the last 3 runs had {usual}" in words for words in body["words"])


def test_only_what_is_asked_for(told: Told) -> None:
    told.tell(on="[held]")
    told.space.key = "another"
    told.sync(code=1)
    assert not told.outbox()


def test_nobody_is_named_in_mails_webhooks_and_outbox(told: Told) -> None:
    users = [dict(row) for row in told.space.rows["users"]]
    for number, row in enumerate(users[:5]):
        row["username"] = f"spaced name{number}"
    told.space.rows["users"] = users
    names = _names(told)
    refused = {row["sourcedId"]: f"{row['givenName']} {row['username']}" for row in users[5:8]}
    told.space.faults.refuse = refused
    told.sync()
    told.deliver()
    outbox = told.rollbook("notices", "list", "maple", schema="notices")
    everything = " ".join([*told.box.texts(), *map(str, told.hook.bodies()), str(outbox)])
    assert "refused by the LMS" in everything
    assert len(names) > 50
    assert not [name for name in names if name in everything]


def test_a_receiver_can_verify_who_sent_it(told: Told) -> None:
    told.rollbook("notices", "test", "maple", schema="notices")
    [(headers, body)] = told.hook.requests
    signed = headers["rollbook-timestamp"].encode() + b"." + body
    assert headers["rollbook-signature"] == "v1=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert headers["rollbook-notice"] == told.hook.bodies()[0]["id"]


def test_the_webhooks_secret_is_never_shown(told: Told) -> None:
    exported = told.rollbook("config", "export", "-", "--org", "maple", schema="config-export")["settings"]
    assert SECRET not in exported
    assert "${NOTICES_WEBHOOKS_0_SECRET}" in exported
    assert SECRET.encode() not in (told.rollbook.data / "rollbook.sqlite3").read_bytes()


def test_an_export_with_webhooks_can_be_imported(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTICES_WEBHOOKS_0_SECRET", SECRET)
    exported = told.rollbook("config", "export", "-", "--org", "maple", schema="config-export")["settings"]
    told.file.write_text(exported.replace("${SIS_KEY}", "memory").replace("${LMS_KEY}", "memory"))
    again = told.rollbook("config", "import", str(told.file), schema="config-import")
    assert again["changed"] is False


def test_who_is_told_does_not_make_a_plan_stale(told: Told) -> None:
    planned = told.rollbook("plan", "maple")
    told.settings("notices: {email: [other@maple.example]}")
    assert told.rollbook("run", "apply", planned["run"])["state"] == "done"


@pytest.mark.parametrize(
    ("notices", "words"),
    [
        ("{email: [nobody]}", "notices.email.0"),
        ("{email: ['a@b.example, c@d.example']}", "notices.email.0"),
        ("{on: [everything]}", "notices.on.0"),
        ("{webhooks: [{url: 'https://hooks.example/x'}]}", "notices.webhooks.0.secret"),
        ("{webhooks: [{url: 'https://hooks.example/x', secret: short}]}", "at least 16"),
        ("{webhooks: [{url: 'https://169.254.169.254/x', secret: long-enough-to-sign}]}", "never called"),
        ("{webhooks: [{url: 'ftp://hooks.example/x', secret: long-enough-to-sign}]}", "notices.webhooks.0.url"),
        ("{webhooks: [{url: 'https://me:pw@hooks.example/', secret: long-enough-to-sign}]}", "user name or password"),
    ],
)
def test_mistakes_are_named(told: Told, notices: str, words: str) -> None:
    told.file.write_text(f"{told.file.read_text().partition('notices:')[0]}\nnotices: {notices}\n")
    error = told.rollbook("config", "check", str(told.file), schema="error", code=2)
    assert words in error["error"]["message"]
    assert "long-enough" not in str(error)


def test_plain_http_and_private_receivers_need_permission(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ROLLBOOK_ALLOW_PRIVATE_HOSTS")
    error = told.rollbook("config", "check", str(told.file), schema="error", code=2)
    assert "must use https" in error["error"]["message"]
    told.rollbook("notices", "test", "maple", schema="notices", code=1)
    assert not told.hook.requests
