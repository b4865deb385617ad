"""Files and functions stay small, switched-off checks stay few. What is over stands in exceptions.toml, by name."""

from __future__ import annotations

import ast
import re
import statistics
import tomllib
from pathlib import Path

import pytest

from tests.repo.tree import ROOT, SOURCE, functions, lines, name, python_files, text, tree

EXCEPTIONS = tomllib.loads((ROOT / "tests/repo/exceptions.toml").read_text())
FILE_LINES, FUNCTION_LINES, POSITIONAL = 400, 40, 5


def _length(path: Path) -> int:
    return len(text(path).splitlines())


def _is_command(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Typer calls these by name; their parameters are flags."""
    return any("command" in ast.unparse(decorator) for decorator in node.decorator_list)


def _positional(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    arguments = [argument.arg for argument in [*node.args.posonlyargs, *node.args.args]]
    return len([argument for argument in arguments if argument not in {"self", "cls"}])


def test_files_are_short() -> None:
    long = {name(path) for path in python_files() if _length(path) > FILE_LINES}
    assert long == set(EXCEPTIONS["files"])


def test_functions_are_short() -> None:
    long = {
        f"{name(path)}:{node.name}"
        for path in python_files()
        for node in functions(path)
        if lines(node) > FUNCTION_LINES
    }
    assert long == set(EXCEPTIONS["functions"])


def test_many_parameters_are_given_by_name() -> None:
    many = {
        f"{name(path)}:{node.name}"
        for path in python_files(within=SOURCE)
        for node in functions(path)
        if _positional(node) > POSITIONAL and not _is_command(node)
    }
    assert many == set(EXCEPTIONS["positional"])


def test_most_files_are_much_shorter() -> None:
    lengths = sorted(_length(path) for path in python_files(within=SOURCE))
    assert statistics.median(lengths) <= 120
    assert lengths[len(lengths) * 9 // 10] <= 250


def test_every_module_says_what_it_is() -> None:
    silent = [
        name(path)
        for path in python_files()
        if text(path).strip() and "migrations" not in path.parts and not ast.get_docstring(tree(path))
    ]
    assert not silent


@pytest.mark.parametrize("pragma", sorted(EXCEPTIONS["pragmas"]))
def test_switched_off_checks_may_only_fall(pragma: str) -> None:
    pattern = re.compile(r"#\s*(pragma:\s*)?" + pragma.replace(" ", r"\s*"))
    found = [
        f"{name(path)}:{number}"
        for path in python_files(within=SOURCE)
        for number, line in enumerate(text(path).splitlines(), 1)
        if pattern.search(line)
    ]
    assert len(found) <= EXCEPTIONS["pragmas"][pragma], found


def test_a_switched_off_check_says_why() -> None:
    bare = re.compile(r"#\s*(noqa|type:\s*ignore)(:\s*[A-Z0-9, ]+|\[[a-z-]+\])?\s*$")
    assert not [
        f"{name(path)}:{number}"
        for path in python_files(within=SOURCE)
        for number, line in enumerate(text(path).splitlines(), 1)
        if bare.search(line) and "E402" not in line
    ]
