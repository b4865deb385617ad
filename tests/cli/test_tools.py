"""The commands beside runs: generate, practice, check, version, doctor, upkeep."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rollbook.connectors.memory.space import Space
from tests.cli.kit import Command, check_schema

DATA = Path(__file__).parents[1] / "data"


def test_version_and_doctor(rollbook: Command) -> None:
    assert rollbook("version", schema="version")["version"]
    checks = rollbook("doctor", schema="doctor")["checks"]
    assert {"Python", "SQLite", "duckdb"} <= {one["check"] for one in checks}


def test_doctor_names_keys_that_others_can_read(rollbook: Command, world: Space) -> None:
    (rollbook.data / "keys").chmod(0o644)
    found = rollbook("doctor", schema="doctor", code=1)
    assert [one["check"] for one in found["checks"] if not one["ok"]] == ["keys file"]


def test_generate_writes_days_and_lists_mess(rollbook: Command, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    found = rollbook("generate", out, "--students", "20", "--days", "2", schema="generate")
    assert [Path(day).name for day in found["days"]] == ["day-001", "day-002"]
    assert (Path(found["days"][1]) / "users.csv").exists()
    kinds = rollbook("generate", out, "--list-mess", schema="mess")["mess"]
    assert len(kinds) > 5
    rollbook("generate", out, "--mess", "no-such-mess", schema="error", code=2)


@pytest.mark.parametrize("sample", ["maple-valley", "edfi-grandbend-v1p1"])
def test_check_reads_a_folder_without_any_organization(tmp_path: Path, sample: str) -> None:
    rollbook = Command(tmp_path / "none")
    answer = rollbook.text("check", str(DATA / sample), "--json")
    check_schema("check", answer.json)
    assert answer.code == (1 if answer.json["blocking"] else 0)
    assert answer.json["read"]["users"] > 5
    assert not rollbook.data.exists()


def test_check_of_a_broken_source(rollbook: Command, tmp_path: Path) -> None:
    rollbook("check", str(tmp_path / "nowhere"), schema="error", code=2)
    folder = tmp_path / "spaced"
    shutil.copytree(DATA / "maple-valley", folder)
    users = (folder / "users.csv").read_text("utf-8-sig").splitlines()
    place = users[0].split(",").index("username")
    cells = users[1].split(",")
    cells[place] = '"two words"'
    (folder / "users.csv").write_text("\n".join([users[0], ",".join(cells), *users[2:]]) + "\n", "utf-8")
    found = rollbook("check", str(folder), schema="check", code=1)
    [group] = [one for one in found["findings"] if one["code"] == "USER_USERNAME_SPACE"]
    assert group["severity"] == "blocks"
    assert group["examples"][0]["line"] == 2


def test_check_of_an_organizations_sis(rollbook: Command, world: Space) -> None:
    found = rollbook("check", "--org", "maple", schema="check")
    assert found["read"]["users"] == len(world.rows["users"])


def test_upkeep_commands(rollbook: Command, world: Space, tmp_path: Path) -> None:
    rollbook("sync", "maple")
    assert rollbook("migrate", schema="migrate") == {"migrations": []}
    encrypted = rollbook("keys", "rotate", schema="keys-rotate")["encrypted"]
    assert encrypted == 2 + len(world.passwords)
    assert rollbook("gc", schema="gc")["deleted"] == 0
    archive = str(tmp_path / "backup.zip")
    assert rollbook("backup", archive, schema="backup")["bytes"] > 1000
    other = Command(tmp_path / "other")
    other("restore", archive, schema="restore")
    assert other("sync", "maple")["kinds"]["user"]["unchanged"] == len(world.all("user"))
    rollbook("restore", archive, schema="error", code=2)


def test_the_lti_key_is_renewed_and_the_one_before_stays_for_a_week(rollbook: Command, world: Space) -> None:
    [first] = rollbook("lti", "keys", schema="lti-keys")["keys"]
    assert rollbook("lti", "keys", schema="lti-keys")["keys"] == [first], "looking changes nothing"
    newest, before = rollbook("lti", "renew-key", schema="lti-keys")["keys"]
    assert (before["kid"], newest["shown_until"]) == (first["kid"], None)
    left = datetime.fromisoformat(before["shown_until"]) - datetime.fromisoformat(newest["made"])
    assert left == timedelta(days=7)
    from rollbook.store.models import AuditRow, ToolKey

    told = AuditRow.objects.get(action="renew LTI key")
    assert (told.by, told.details) == ("operator", newest["kid"])
    ToolKey.objects.filter(kid=newest["kid"]).update(created_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert [one["kid"] for one in rollbook("lti", "keys", schema="lti-keys")["keys"]] == [newest["kid"]]


def test_keys_do_not_rotate_under_a_worker(rollbook: Command, world: Space) -> None:
    from filelock import FileLock

    with FileLock(rollbook.data / "worker.lock"):
        error = rollbook("keys", "rotate", schema="error", code=2)
    assert "stop `rollbook up`" in error["error"]["message"]
    assert rollbook("keys", "rotate", schema="keys-rotate")["encrypted"] > 0


def test_what_is_thrown_away_names_no_command(
    rollbook: Command, world: Space, capsys: pytest.CaptureFixture[str]
) -> None:
    """The demo deletes its data at the end: nothing of the run can be asked for afterwards."""
    from rollbook.cli import show

    run = {**rollbook("plan", "maple"), "findings": {"ID_MISSING": 1}}
    for kept in (True, False):
        show.run(run, kept=kept)
        out = capsys.readouterr().out
        assert "1 finding" in out
        assert ("rollbook run findings" in out) == kept


@pytest.mark.parametrize("system", ["sis", "lms", "moodle"])
def test_practice_systems_print_their_address_and_end_on_a_signal(system: str, days: list[Path]) -> None:
    place = [str(days[0])] if system == "sis" else []
    command = [sys.executable, "-m", "rollbook.cli", "practice", system, *place, "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            text = ""
            while not text.endswith("}\n"):
                text += process.stdout.readline()
            found = json.loads(text)
            check_schema("practice", found)
            with urllib.request.urlopen(found["url"] + "/_practice/faults") as answer:
                assert answer.status == 200
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_practice_mistakes(rollbook: Command, tmp_path: Path) -> None:
    rollbook("practice", "sis", str(tmp_path), schema="error", code=2)
    rollbook("practice", "lms", "--port", "0", "--fault", "earthquake", schema="error", code=2)
    rollbook("practice", "moodle", "--port", "0", "--release", "3.9", schema="error", code=2)
    for latency in ("5", "5,6,x"):
        rollbook("practice", "moodle", "--port", "0", "--latency", latency, schema="error", code=2)
