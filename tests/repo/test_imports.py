"""Imports point one way: the contracts of .importlinter hold, and each of them fails when it is broken."""

from __future__ import annotations

import ast
import configparser
import os
import shutil
import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import grimp
import pytest
from grimp import ImportGraph
from importlinter import configuration
from importlinter.application.app_config import settings
from importlinter.application.use_cases import lint_imports

from tests.repo.tree import ROOT, SOURCE

configuration.configure()
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


@pytest.fixture(scope="module")
def graph() -> ImportGraph:
    """All imports of the source, read once."""
    return grimp.build_graph("rollbook", include_external_packages=True, cache_dir=None)


class _Broken:
    """Stands in for what reads the imports of the source: they were read before, and one more is among them."""

    def __init__(self, graph: ImportGraph, importer: str, imported: str) -> None:
        self._graph, self._importer, self._imported = graph, importer, imported

    def build(self, **_asked: object) -> ImportGraph:
        found = deepcopy(self._graph)
        found.add_import(importer=self._importer, imported=self._imported)
        return found


def _imported(offence: str, graph: ImportGraph) -> str:
    """The module that a statement brings: of other packages, the package."""
    [statement] = ast.parse(offence).body
    assert isinstance(statement, ast.Import | ast.ImportFrom)
    name = statement.names[0].name
    if isinstance(statement, ast.ImportFrom):
        name = f"{statement.module}.{name}"
    found = name if name.startswith("rollbook.") else name.partition(".")[0]
    assert found in graph.modules
    return found


@pytest.mark.parametrize(("contract", "file", "offence"), BREACHES)
def test_a_broken_contract_is_noticed(
    contract: str,
    file: str,
    offence: str,
    graph: ImportGraph,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    importer = "rollbook." + file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    broken = _Broken(graph, importer, _imported(offence, graph))
    monkeypatch.setitem(settings._config, "GRAPH_BUILDER", broken)
    kept = lint_imports(config_filename=str(CONFIG), limit_to_contracts=(contract,), cache_dir=None, no_logo=True)
    said = capsys.readouterr().out
    assert not kept, said
    assert "0 kept, 1 broken" in " ".join(said.split())
    assert f"rollbook.{file.partition('/')[0].removesuffix('.py')}" in said


def test_a_broken_contract_is_noticed_in_the_source(tmp_path: Path) -> None:
    """As `script/check` looks at it: files with the statement in one of them, and the command."""
    contract, file, offence = BREACHES[0]
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
        "enrollments",
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
