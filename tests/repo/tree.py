"""The project's own files, for tests about the project itself. Reads; never writes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "rollbook"
MADE = {
    *(".git", ".venv", ".venv-tools", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"),
    *(".import_linter_cache", "dist", "build", "bench-work", "rollbook-data", "node_modules"),
}


@cache
def files(*, within: Path = ROOT) -> tuple[Path, ...]:
    """Everything but what tools make, whether or not it is committed yet."""
    found = []
    for folder, folders, names in within.walk() if hasattr(within, "walk") else _walk(within):
        folders[:] = [name for name in folders if name not in MADE and not name.endswith(".egg-info")]
        found += [folder / name for name in names if name not in MADE]  # in a worktree, .git is a file
    return tuple(sorted(found))


def _walk(top: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    import os

    for folder, folders, names in os.walk(top):
        yield Path(folder), folders, names


def python_files(*, within: Path = ROOT) -> tuple[Path, ...]:
    return tuple(path for path in files(within=within) if path.suffix == ".py")


@cache
def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(text(path))


def name(path: Path) -> str:
    """As people name it: relative to the checkout."""
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """From the first decorator to the last statement."""
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])

    return (node.end_lineno or first) - first + 1
