"""Pieces of Markdown that several pages need. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(_cell(value) for value in row) + " |" for row in lines) + "\n"


def code(value: object) -> str:
    return f"`{value}`" if value not in ("", None) else ""


def _cell(value: str) -> str:
    return " ".join(value.replace("|", "\\|").split())
