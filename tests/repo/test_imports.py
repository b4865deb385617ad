"""Imports point one way: the contracts of .importlinter hold, and each of them fails when it is broken."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.repo.tree import ROOT, SOURCE

CONFIG = ROOT / ".importlinter"

#: Contract, file to which the import is added, offending import.
BREACHES = [
    ("layers", "errors.py", "import rollbook.roster.lms"),
    ("layers", "roster/lms.py", "import rollbook.connectors.base"),
    ("layers", "connectors/base.py", "import rollbook.core.protocols"),
    ("layers", "core/plan.py", "import rollbook.pipeline.roster_run"),
    ("layers", "pipeline/stage.py", "import rollbook.store.runs"),
    ("layers", "store/runs.py", "import rollbook.actions.runs"),
    ("layers", "actions/runs.py", "import rollbook.engine.worker"),
    ("layers", "engine/worker.py", "import rollbook.cli.main"),
    ("layers", "engine/worker.py", "import rollbook.web.urls"),
    ("layers", "web/urls.py", "import rollbook.cli.main"),
    ("practice-knows-nobody", "practice/server.py", "import rollbook.errors"),
    ("practice-for-cli", "actions/runs.py", "import rollbook.practice.server"),
    ("testing-for-tests", "connectors/base.py", "import rollbook.testing"),
    ("connectors-apart", "connectors/memory/__init__.py", "import rollbook.connectors.schoology"),
    ("connectors-apart", "connectors/kit/__init__.py", "import rollbook.connectors.memory"),
    ("django-from-store-up", "core/plan.py", "from django.db import models"),
    ("django-from-store-up", "pipeline/stage.py", "from django.utils import timezone"),
    ("stages-apart", "pipeline/stage.py", "from rollbook.pipeline import resolve"),
    ("layers", "passback/compare.py", "import rollbook.pipeline.stage"),
    ("layers", "passback/compare.py", "import rollbook.store.runs"),
    ("django-from-store-up", "passback/ledger.py", "from django.db import models"),
    ("grade-run-on-top", "passback/settle.py", "from rollbook.passback import grade_run"),
    ("run-on-top", "pipeline/stage.py", "from rollbook.pipeline import roster_run"),
]


def _lint(folder: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache", "--config", str(CONFIG)]
    for contract in contracts:
        command += ["--contract", contract]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def _contracts() -> set[str]:
    config = configparser.ConfigParser()
    config.read(CONFIG)
    return {section.rpartition(":")[2] for section in config.sections() if ":contract:" in section}


def test_all_contracts_hold() -> None:
    result = _lint(ROOT / "src")
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{len(_contracts())} kept, 0 broken" in " ".join(result.stdout.split())


@pytest.mark.parametrize(("contract", "file", "offence"), BREACHES)
def test_a_broken_contract_is_noticed(contract: str, file: str, offence: str, tmp_path: Path) -> None:
    shutil.copytree(SOURCE, tmp_path / "rollbook", ignore=shutil.ignore_patterns("__pycache__"))
    target = tmp_path / "rollbook" / file
    target.write_text(target.read_text() + f"\n{offence}\n")
    result = _lint(tmp_path, contract)
    assert result.returncode == 1, result.stdout + result.stderr
    assert "0 kept, 1 broken" in " ".join(result.stdout.split())
    assert f"rollbook.{file.partition('/')[0].removesuffix('.py')}" in result.stdout


def test_every_contract_is_shown_to_fail() -> None:
    assert {contract for contract, _, _ in BREACHES} == _contracts()


def test_every_stage_is_under_contract() -> None:
    """A new module of the river is a stage, or named here as shared or as part of one stage."""
    shared = {"__init__", "roster_run", "run_types", "tables", "field_map", "mappings", "live"}
    shared |= {
        "buildings",
        "columns",
        "conflicts",
        "frozen",
        "leavers",
        "members",
        "person_ids",
        "rekeys",
        "school_names",
    }
    modules = {path.stem for path in (SOURCE / "pipeline").glob("*.py")} - shared
    config = configparser.ConfigParser()
    config.read(CONFIG)
    listed = config["importlinter:contract:stages-apart"]["modules"].split()
    assert {f"rollbook.pipeline.{module}" for module in modules} == set(listed)
