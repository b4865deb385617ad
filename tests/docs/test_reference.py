"""If it is not documented, the test fails: commands, settings, variables, findings, errors, connectors."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer

from rollbook import errors
from rollbook.cli.groups import application
from rollbook.connectors.kit.options import describe
from rollbook.connectors.registry import CONNECTORS, connector
from rollbook.passback.compare import CONFLICT, GONE
from rollbook.roster.findings import FINDINGS
from rollbook.roster.holds import HOLDS
from rollbook.roster.settings import Settings
from tests.docs.pages import anchors, text
from tests.repo.tree import ROOT, SOURCE, files

REFERENCE = ROOT / "docs" / "reference"


def test_made_pages_are_up_to_date() -> None:
    command = [sys.executable, "script/lib/reference.py", "--check"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def _leaves(path: str, command: Any) -> list[str]:
    if not hasattr(command, "commands"):
        return [] if command.hidden else [path]
    return [leaf for name, one in command.commands.items() for leaf in _leaves(f"{path} {name}", one)]


def test_every_command_has_its_heading() -> None:
    leaves = _leaves("rollbook", typer.main.get_command(application()))
    assert len(leaves) > 15
    headings = re.findall(r"^### `(.+)`$", text(REFERENCE / "cli.md"), re.MULTILINE)
    assert sorted(headings) == sorted(leaves)


def _names(schema: dict[str, Any], node: dict[str, Any], prefix: str = "") -> list[str]:
    """Dotted names of all leaves of the settings' own JSON Schema."""
    node = schema["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node
    if "properties" not in node:
        return [prefix]
    return [
        leaf
        for key, value in node["properties"].items()
        for leaf in _names(schema, value, f"{prefix}.{key}" if prefix else key)
    ]


def test_every_setting_is_explained() -> None:
    schema = msgspec.json.schema(Settings)
    texts = tomllib.loads(text(SOURCE / "web/setting_texts.toml"))
    names = _names(schema, schema)
    assert sorted(names) == sorted(texts["settings"])
    assert not [name for name in names if f"| `{name}` |" not in text(REFERENCE / "settings.md")]


def test_every_environment_variable_is_explained() -> None:
    sources = [path for path in [*files(within=SOURCE), *files(within=ROOT / "script")] if path.suffix in (".py", "")]
    used = {variable for path in sources for variable in re.findall(r"\bROLLBOOK_[A-Z_]+[A-Z]\b", text(path))}
    assert "ROLLBOOK_DATA" in used
    assert used == set(re.findall(r"^\| `(ROLLBOOK_[A-Z_]+)` \|", text(REFERENCE / "settings.md"), re.MULTILINE))


def _codes_in(path: Path) -> set[str]:
    """Finding codes that a file makes: `'CODE' AS code` in SQL, `code="CODE"` in Python."""
    body = text(path)
    return set(re.findall(r"'([A-Z][A-Z_]+)'(?:::VARCHAR)? AS code", body)) | set(
        re.findall(r'\bcode="([A-Z][A-Z_]+)"', body)
    )


def test_every_finding_is_in_the_table_and_on_the_page() -> None:
    made = {code for path in files(within=SOURCE) if path.suffix in (".py", ".sql") for code in _codes_in(path)}
    assert len(made) > 30
    assert made <= set(FINDINGS), f"without sentence and fix: {sorted(made - set(FINDINGS))}"
    assert {code.lower() for code in FINDINGS} <= anchors(REFERENCE / "findings.md")


def test_every_finding_of_the_table_is_made_somewhere() -> None:
    sources = [
        path for path in files(within=SOURCE) if path.suffix in (".py", ".sql") and "findings.py" not in path.name
    ]
    everything = "\n".join(text(path) for path in sources)
    assert not [code for code in FINDINGS if code not in everything]


def test_every_finding_says_what_to_do() -> None:
    for finding in FINDINGS.values():
        assert finding.sentence.endswith("."), finding.code
        assert finding.fix.endswith("."), finding.code


_REASONS = (
    r"reason = '([a-z_]+)'",  # UPDATE … SET
    r"'([a-z_]+)' AS reason",
    r"THEN '([a-z_]+)' END AS reason",
    r"THEN '([a-z_]+)'\"\)",  # of an undo
    r"Hold\(_id\([^)]*\), \"([a-z_]+)\"",
)


def test_every_reason_of_a_hold_is_explained() -> None:
    """Each has its sentence, and the page that tells how to decide names it."""
    sources = [path for name in ("core", "pipeline", "passback") for path in files(within=SOURCE / name)]
    everything = " ".join("\n".join(text(path) for path in sources if path.suffix in (".py", ".sql")).split())
    made = {reason for pattern in _REASONS for reason in re.findall(pattern, everything)} | {CONFLICT, GONE}
    # No holds: an update that waits for its account's revival, what a person decided in Data Prep, who is not left out,
    # a line item one of whose results stays.
    waits = {"permitted", "refused_before", "user", "linked", "synced", "result"}
    assert made - waits == set(HOLDS)
    page = text(ROOT / "docs/how-to/approve-a-hold.md")
    assert not [reason for reason in HOLDS if f"| `{reason}` |" not in page]
    assert all(sentence.endswith(".") for sentence in HOLDS.values())


def test_every_error_is_explained() -> None:
    tree = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.RollbookError)]
    page = text(REFERENCE / "errors.md")
    assert not [one.__name__ for one in tree if one is not errors.RollbookError and f"| `{one.__name__}` |" not in page]


@pytest.mark.parametrize("name", sorted(CONNECTORS))
def test_every_connector_has_a_page_with_its_options(name: str) -> None:
    page = text(REFERENCE / "connectors" / f"{name}.md")
    assert f"({name}.md)" in text(REFERENCE / "connectors" / "index.md")
    assert not [one.name for one in describe(connector(name).options) if f"| `{one.name}` |" not in page]
    assert "## Known limits" in page or "## Limits" in page


@pytest.mark.parametrize("name", sorted(CONNECTORS))
def test_every_option_is_labelled(name: str) -> None:
    for one in describe(connector(name).options):
        assert one.help.endswith(".") or one.help, one.name
        assert one.label != one.name, f"{name}.{one.name} has no label"


def test_json_schemas_are_schemas() -> None:
    from jsonschema import Draft202012Validator

    schemas = sorted((REFERENCE / "schemas").glob("*.json"))
    assert schemas
    for path in schemas:
        Draft202012Validator.check_schema(json.loads(text(path)))
