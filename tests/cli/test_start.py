"""What a command loads before its work begins, and how its process ends. Modules are counted on, never seconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rollbook.cli.groups import MODULES, application
from rollbook.cli.main import main
from tests.cli.kit import SETTINGS, place_tables

#: Packages that only some commands need. Each takes longer to load than a look at the runs.
HEAVY = frozenset({
    "allauth", "asyncssh", "authlib", "cryptography", "duckdb", "h11", "httpcore2", "httpx2", "jsonschema", "jwt",
    "lxml", "psycopg", "rich", "signxml", "starlette", "uvicorn", "whitenoise", "yaml",
})  # fmt: skip
#: What only the pages need, or a run of the other river.
OURS = frozenset({"rollbook.web", "rollbook.practice", "rollbook.testing"})
#: Runs the command, and says at its end what is loaded.
_TOLD = """
import sys
from rollbook.cli.main import main
try:
    main()
finally:
    with open({told!r}, "w") as file:
        print(*sorted(sys.modules), file=file)
"""


def _loaded(tmp_path: Path, *arguments: str) -> frozenset[str]:
    """The modules of a process that ran this command, as it ends."""
    told = tmp_path / "modules"
    command = [sys.executable, "-c", _TOLD.format(told=str(told)), *arguments]
    environment = {**os.environ, "ROLLBOOK_DATA": str(tmp_path / "data")}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return frozenset(told.read_text().split())


def _heavy(modules: frozenset[str]) -> set[str]:
    return {name for name in modules if name.partition(".")[0] in HEAVY or name in OURS}


def _commands(modules: frozenset[str]) -> set[str]:
    return {name.removeprefix("rollbook.cli.") for name in modules} & set(MODULES)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    place_tables(tmp_path / "data")
    return tmp_path / "data"


def test_a_look_at_the_runs_loads_only_what_it_needs(tmp_path: Path, data: Path) -> None:
    found = _loaded(tmp_path, "runs", "--json")
    assert not _heavy(found)
    assert _commands(found) == {"runs"}
    ours = {name for name in found if name.startswith("rollbook.")}
    assert not {name for name in ours if name.split(".")[1] in ("engine", "pipeline")} - {
        "rollbook.engine",
        "rollbook.engine.log",
    }
    assert "django.db.migrations.loader" not in found


def test_a_table_for_people_takes_rich_alone(tmp_path: Path, data: Path) -> None:
    assert {name.partition(".")[0] for name in _heavy(_loaded(tmp_path, "runs"))} == {"rich"}


def test_help_opens_nothing(tmp_path: Path) -> None:
    found = _loaded(tmp_path, "--help")
    assert not {name for name in found if name.partition(".")[0] in HEAVY | {"django", "msgspec"}} - _rich(found)
    assert _commands(found) == set(MODULES)


def _rich(modules: frozenset[str]) -> frozenset[str]:
    return frozenset(name for name in modules if name.partition(".")[0] == "rich")


def test_a_run_loads_its_own_river_and_connectors(tmp_path: Path, data: Path) -> None:
    from tests.cli.kit import Command

    settings = tmp_path / "maple.yaml"
    settings.write_text(SETTINGS.replace("SPACE", "start"))
    Command(data)("config", "import", str(settings), schema="config-import")
    found = _loaded(tmp_path, "sync", "maple", "--json")
    ours = {name for name in found if name.startswith("rollbook.")}
    assert "rollbook.pipeline.roster_run" in ours
    assert not {"rollbook.passback.grade_run", "rollbook.connectors.moodle", "rollbook.connectors.schoology"} & ours
    found = _loaded(tmp_path, "grades", "sync", "maple", "--json")
    ours = {name for name in found if name.startswith("rollbook.")}
    assert "rollbook.passback.grade_run" in ours
    assert "rollbook.pipeline.roster_run" not in ours
    assert not {name for name in found if name.partition(".")[0] in {"yaml", "jsonschema", "rich", "allauth"}}


def test_the_table_of_commands_is_true() -> None:
    for module, words in MODULES.items():
        app = application(module)
        brought = [one.name for one in app.registered_commands] + [one.name for one in app.registered_groups]
        assert sorted(words) == sorted(str(name) for name in brought), module


@pytest.mark.parametrize("arguments", [["runs", "--nonsense"], ["rums"], ["grades"], []])
def test_wrong_usage_is_told_as_ever(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    told = capsys.readouterr()
    assert "rollbook" in told.out + told.err


def test_a_process_leaves_its_data_whole(tmp_path: Path, data: Path) -> None:
    """The database is closed: nothing of it is left in a second file."""
    _loaded(tmp_path, "runs", "--json")
    assert not [file.name for file in data.iterdir() if file.name.endswith(("-wal", "-shm"))]


def test_what_a_process_says_arrives_and_its_code_too(tmp_path: Path, data: Path) -> None:
    command = [sys.executable, "-m", "rollbook.cli", "run", "show", "none", "--json", "--data", str(data)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert json.loads(ended.stdout)["error"]["error"] == "ConfigError"
    assert "none" in ended.stderr
    reader, writer = os.pipe()
    os.close(reader)  # nobody reads
    with open(writer, "wb") as closed:
        ended = subprocess.run([*command[:3], "version"], stdout=closed, stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr


def test_who_has_no_stdout_gets_the_code_all_the_same(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rollbook.cli", "version"]
    ended = subprocess.run(command, preexec_fn=lambda: os.close(1), stderr=subprocess.PIPE, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full disk to write to")
def test_what_does_not_arrive_is_told() -> None:
    """`config export ORG - > FILE` on a full disk: what is said last is only written at the end of the process."""
    ends = "from rollbook.cli import lifetime; lifetime.starting(); print('settings'); lifetime.ending(0)"
    with open("/dev/full", "wb") as full:
        ended = subprocess.run([sys.executable, "-E", "-c", ends], stdout=full, stderr=subprocess.PIPE, check=False)
    assert ended.returncode == 1
    assert ended.stderr.decode() == "Not all could be written: No space left on device.\n"
