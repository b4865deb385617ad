"""Real processes on practice systems: kill it anywhere, two at once, Ctrl-C, and the demo."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from rollbook.practice.lms import create_lms
from rollbook.practice.server import serve
from rollbook.practice.sis import create_sis
from tests.cli.kit import check_schema
from tests.cli.processes import CONFIG, World


@pytest.fixture
def world(tmp_path: Path, days: list[Path]) -> Iterator[World]:
    with serve(create_sis(days[0])) as sis, serve(create_lms()) as lms:
        (tmp_path / "maple.yaml").write_text(CONFIG.format(sis=sis.url, lms=lms.url))
        found = World(tmp_path, lms.url)
        try:
            found.run("config", "import", str(tmp_path / "maple.yaml"), schema="config-import")
            yield found
        finally:
            found.stop()


def test_a_killed_run_is_taken_over_and_ends_the_same(world: World) -> None:
    world.slow(0.3)
    for least in (2, 6):
        process = world.start("sync", "maple")
        world.wait_for_writes(least)
        process.kill()
        process.communicate()
    world.ask("/_practice/faults", {"clear": True})
    run = world.run("sync", "maple")
    assert run["state"] == "done"
    runs = world.run("runs", schema="runs")["runs"]
    assert {one["state"] for one in runs} <= {"done", "failed"}
    again = world.run("sync", "maple")
    assert all(c["create"] == c["update"] == c["remove"] == 0 for c in again["kinds"].values())
    total = {kind: counts["unchanged"] for kind, counts in again["kinds"].items()}
    assert total["user"] > 40
    assert total["enrollment"] > 100


def test_ctrl_c_cancels_cleanly(world: World) -> None:
    world.slow(0.4)
    process = world.start("sync", "maple")
    world.wait_for_writes(2)
    process.send_signal(signal.SIGINT)
    run, err = world.end(process, 1)
    check_schema("run", run)
    assert run["state"] == "cancelled"
    assert run["settled"]
    assert "Cancelling" in err
    assert "Traceback" not in err
    world.ask("/_practice/faults", {"clear": True})
    assert world.run("sync", "maple")["state"] == "done"


def test_a_second_ctrl_c_ends_at_once_and_nothing_is_lost(world: World) -> None:
    """The first one asks the run to stop at the next slice; who cannot wait for that presses again."""
    world.slow(2.0)
    process = world.start("sync", "maple")
    world.wait_for_writes(1)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode != 0
    world.ask("/_practice/faults", {"clear": True})
    assert world.run("sync", "maple")["state"] == "done"
    again = world.run("sync", "maple")
    assert all(c["create"] == c["update"] == c["remove"] == 0 for c in again["kinds"].values())


def test_a_second_process_watches_and_its_run_follows(world: World) -> None:
    world.slow(2.0)
    first = world.start("sync", "maple")
    world.wait_for_writes(1)
    second = world.start("plan", "maple")
    listed = world.run("runs", schema="runs")
    assert "running" in {one["state"] for one in listed["runs"]}
    world.ask("/_practice/faults", {"clear": True})
    done, _ = world.end(first, 0)
    planned, _ = world.end(second, 0)
    assert (done["state"], planned["state"]) == ("done", "planned")
    assert all(counts["create"] == 0 for counts in planned["kinds"].values())


def test_another_process_cancels_a_run(world: World) -> None:
    world.slow(2.0)
    process = world.start("sync", "maple")
    world.wait_for_writes(1)
    [running] = world.run("runs", schema="runs")["runs"]
    world.run("run", "cancel", running["run"])
    run, _ = world.end(process, 1)
    assert run["state"] == "cancelled"


def test_the_demo_runs_and_leaves_nothing_behind(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = subprocess.run(
        [sys.executable, "-m", "rollbook.cli", "demo", "--once", "--students", "40", "--json"],
        env={**os.environ, "TMPDIR": str(scratch)}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    run = json.loads(process.stdout)
    check_schema("run", run)
    assert run["state"] == "done"
    assert run["kinds"]["user"]["done"] > 40
    assert not list(scratch.iterdir())


def test_the_demo_prints_a_command_that_can_be_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the folder of a fresh copy, with its environment and nothing on the PATH; elsewhere; and once installed."""
    from rollbook.cli.demo import _called

    program = tmp_path / "a copy" / ".venv" / "bin" / "rollbook"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(program), "demo"])
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.chdir(tmp_path / "a copy")
    assert _called() == ".venv/bin/rollbook"
    assert subprocess.run(_called(), shell=True, check=False).returncode == 0
    monkeypatch.chdir(tmp_path)
    assert _called() == "'a copy/.venv/bin/rollbook'"
    monkeypatch.chdir("/usr")
    assert _called() == f"'{program}'"
    monkeypatch.setenv("PATH", str(program.parent))
    assert _called() == "rollbook"
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "rollbook" / "cli" / "__main__.py")])
    assert _called() == f"{sys.executable} -m rollbook.cli"


def test_the_demo_serves_the_pages_until_it_is_stopped(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rollbook.cli", "demo", "--students", "20", "--port", "0", "--json"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        text = ""
        while not text.endswith("\n}\n"):
            text += process.stdout.readline()
        addresses = json.loads(text)["addresses"]
        for address in addresses.values():
            with urllib.request.urlopen(address) as answer:
                assert answer.status == 200
        site, email, password = _sign_in_printed(process)
        assert _signs_in(site, email, password)
        process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.wait(60) == 0
    assert not list(tmp_path.iterdir())
    for address in (site, *addresses.values()):
        with pytest.raises(OSError, match="refused"):
            urllib.request.urlopen(address)


def _sign_in_printed(process: subprocess.Popen[str]) -> tuple[str, str, str]:
    """Address, e-mail address and password, as a person reads them."""
    assert process.stderr is not None
    for line in process.stderr:
        found = re.search(r"Open (\S+) and sign in as (\S+) with the password (\S+)", line)
        if found:
            return found[1], found[2], found[3]
    raise AssertionError("nothing was printed to sign in with")


def _signs_in(site: str, email: str, password: str) -> bool:
    """Does the sign-in lead to the demo's first page?"""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with browser.open(f"{site}/accounts/login/") as page:
        [token] = set(re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.read().decode())[:1])
    sent = urlencode({"csrfmiddlewaretoken": token, "login": email, "password": password}).encode()
    with browser.open(f"{site}/accounts/login/", sent) as page:
        return page.url == f"{site}/o/demo/" and "Demo District" in page.read().decode()
