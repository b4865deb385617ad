"""The scripts: short, executable, careful, and honest about failure."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.repo.tree import ROOT, name, text

NAMES = ["bench", "bootstrap", "check", "demo", "docs", "fix", "test"]
SCRIPTS = [*(ROOT / "script" / script for script in NAMES), ROOT / ".ci/run"]


@pytest.mark.parametrize("script", SCRIPTS, ids=name)
def test_script_is_short_and_careful(script: Path) -> None:
    body = text(script)
    assert os.access(script, os.X_OK), "not executable"
    assert body.startswith("#!/usr/bin/env bash\n# "), "says what it does in its second line"
    assert "set -euo pipefail" in body or "set -uo pipefail" in body
    assert len(body.splitlines()) <= 75
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0


def test_there_are_no_other_scripts() -> None:
    assert sorted(path.name for path in (ROOT / "script").iterdir() if path.is_file()) == NAMES


def test_bootstrap_names_what_is_missing(tmp_path: Path) -> None:
    """A machine without a Python: one sentence, and not half an environment."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("bash", "dirname", "env"):
        (tools / tool).symlink_to(shutil.which(tool) or tool)
    (tmp_path / "script").mkdir()
    shutil.copy(ROOT / "script/bootstrap", tmp_path / "script")
    result = subprocess.run(
        ["bash", "script/bootstrap"], cwd=tmp_path, env={"PATH": str(tools)}, capture_output=True, text=True
    )
    assert result.returncode == 1
    assert result.stderr.startswith("Rollbook needs Python 3.11 or newer")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin", "script"]


@pytest.mark.parametrize(
    ("test", "check", "expected"), [("exit 0", "exit 0", 0), ("exit 3", "exit 0", 1), ("exit 0", "exit 1", 1)]
)
def test_the_build_server_hears_of_failures(test: str, check: str, expected: int, tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    (folder / "script").mkdir(parents=True)
    (folder / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/run", folder / ".ci/run")
    (folder / "script/test").write_text(f"echo tests ran; {test}\n")
    (folder / "script/check").write_text(f"cat; echo checks ran; {check}\n")
    result = subprocess.run([folder / ".ci/run"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert result.returncode == expected
    assert result.stdout.splitlines() == ["tests ran", "checks ran", "tests ran"]


def test_check_runs_every_check_and_says_which_failed(tmp_path: Path) -> None:
    """With tools that all fail, every check is still run, and named at the end."""
    (tmp_path / "script").mkdir()
    shutil.copy(ROOT / "script/check", tmp_path / "script/check")
    (tmp_path / "script/bootstrap").write_text("exit 0\n")
    for tool in (
        ".venv/bin/ruff",
        ".venv/bin/mypy",
        ".venv/bin/lint-imports",
        ".venv/bin/python",
        ".venv-tools/bin/uv",
    ):
        fake = tmp_path / tool
        (tmp_path / ".venv/bin").mkdir(parents=True, exist_ok=True)
        fake.parent.mkdir(parents=True, exist_ok=True)
        fake.write_text("#!/bin/sh\nexit 1\n")
        fake.chmod(0o755)
    result = subprocess.run(["bash", "script/check"], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 1
    started = [line.removeprefix("--- ") for line in result.stdout.splitlines() if line.startswith("--- ")]
    failed = [line.strip() for line in result.stdout.splitlines() if line.startswith("    ")]
    assert len(failed) >= 7
    assert failed == [line for line in started if not line.startswith("failed")]
