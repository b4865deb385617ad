"""Findings, errors and connectors as Markdown, from the tables in the code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from markdown import code, table

from rollbook import errors as error_tree
from rollbook.connectors.kit.options import describe
from rollbook.connectors.oneroster_rest.partners import PARTNERS
from rollbook.connectors.registry import CONNECTORS, connector
from rollbook.roster.findings import BLOCKS, FINDINGS, WARNS

SOURCE = Path(__file__).resolve().parents[2] / "src" / "rollbook"


def findings() -> str:
    parts = []
    for severity, title in ((BLOCKS, "Findings that block"), (WARNS, "Findings that warn")):
        chosen = [finding for finding in FINDINGS.values() if finding.severity == severity]
        rows = [(f'<a id="{one.code.lower()}"></a>{code(one.code)}', one.sentence, one.fix) for one in chosen]
        parts.append(f"## {title}\n\n{table(('Code', 'What is wrong', 'What to do'), rows)}")
    return "\n".join(parts)


def every_error() -> list[type[error_tree.RollbookError]]:
    """The whole tree, parents first, in the order of the module."""
    found = [one for one in vars(error_tree).values() if isinstance(one, type)]
    return [one for one in found if issubclass(one, error_tree.RollbookError) and one is not error_tree.RollbookError]


def errors() -> str:
    rows = [
        (code(one.__name__), (one.__doc__ or "").strip(), one.who, str(one.exit_code))
        for one in every_error()
    ]  # fmt: skip
    return table(("Error", "What it means", "Who must act", "Exit code"), rows)


def connectors() -> str:
    rows = [(f"[{code(name)}]({name}.md)", connector(name).title, _doors(name)) for name in sorted(CONNECTORS)]
    return table(("Connector", "System", "Does"), rows)


def connector_pages() -> dict[str, str]:
    """Page by connector name: what it can do, its options, then its README."""
    return {name: _page(name) for name in CONNECTORS}


def _page(name: str) -> str:
    path = SOURCE / "connectors" / name / "README.md"
    readme = path.read_text(encoding="utf-8") if path.exists() else f"# {connector(name).title}\n"
    title, _, rest = readme.partition("\n")
    parts = [
        "<!-- made by script/docs from the connector's options and its README.md; change those -->",
        title,
        f"`connector: {name}` · {_doors(name)}.",
        "## Options",
        _options(name),
    ]
    if name == "oneroster_rest":
        parts += ["## Partners", "`partner:` picks the row; an option that you set yourself wins.", _partners()]
    return "\n\n".join([*parts, rest.strip()]) + "\n"


def _doors(name: str) -> str:
    found = connector(name)
    doors = [
        ("reads a SIS", found.source),
        ("writes to an LMS", found.target),
        ("reads an LMS's grades", found.grade_source),
        ("writes a SIS's grades", found.grade_sink),
    ]
    words = [words for words, door in doors if door is not None]
    return " and ".join(words if len(words) < 3 else [", ".join(words[:-1]), words[-1]])


def _options(name: str) -> str:
    rows = [
        (code(one.name), f"**{one.label}.** {one.help}{_choices(one)}", _default(one))
        for one in describe(connector(name).options)
    ]
    return table(("Option", "Meaning", "Default"), rows)


def _choices(one: Any) -> str:
    words = " One of " + ", ".join(code(choice) for choice in one.choices) + "." if one.choices else ""
    return words + (" Secret: write `${NAME}` or `file:PATH`." if one.secret else "")


def _default(one: Any) -> str:
    if one.required:
        return "needed"
    if isinstance(one.default, bool):
        return code("true" if one.default else "false")
    return code(", ".join(one.default) if isinstance(one.default, tuple) else one.default or "")


def _partners() -> str:
    rows = [
        (code(row.name), row.title, row.version, ", ".join(row.auth), row.end_dates, " ".join(row.quirks))
        for row in PARTNERS.values()
    ]
    return table(("Partner", "SIS", "Version", "Sign-in", "End dates", "Worth knowing"), rows)
