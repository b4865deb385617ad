"""The command line as Markdown, from the Typer application."""

from __future__ import annotations

import enum
import types
from collections.abc import Iterator
from typing import Any, Union, get_args, get_origin

import typer
from markdown import code, table

from rollbook.cli.groups import application

EVERYWHERE = {"--json", "--data", "--debug", "--help"}


def every_command() -> Iterator[tuple[str, Any]]:
    """(path, command) of every command that does something, in the order of the help."""
    yield from _walk("rollbook", typer.main.get_command(application()))


def _walk(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, command
        return
    for name, one in inner.items():
        yield from _walk(f"{path} {name}", one)


def commands() -> str:
    return "\n".join(_command(path, command) for path, command in every_command() if not command.hidden)


def _command(path: str, command: Any) -> str:
    shown = [one for one in command.params if not getattr(one, "hidden", False)]
    own = [one for one in shown if not EVERYWHERE & set(one.opts)]
    arguments = " ".join(_argument(one) for one in own if not one.opts[0].startswith("-"))
    lines = [f"### `{path}`", "", command.help.strip(), "", "```", f"{path} {arguments}".strip(), "```", ""]
    lines[5] += " [OPTIONS]" if any(one.opts[0].startswith("-") for one in own) else ""
    if own:
        rows = [(code(_name(one)), f"{one.help or ''}{_values(one)}", _default(one)) for one in own]
        lines.append(table(("", "Meaning", "Default"), rows))
    return "\n".join(lines)


def _argument(one: Any) -> str:
    name = one.metavar or one.name.upper()
    return name if one.required or name.startswith("[") else f"[{name}]"


def _name(one: Any) -> str:
    if not one.opts[0].startswith("-"):
        return _argument(one)
    flag = getattr(one, "is_flag", False)
    return one.opts[0] if flag else f"{one.opts[0]} {one.metavar or _word(one)}"


def _word(one: Any) -> str:
    kind = _kind(one)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return "NAME"
    return {int: "NUMBER", float: "NUMBER"}.get(kind, "TEXT")


def _kind(one: Any) -> Any:
    hint = one.type_descriptor.annotation
    while get_origin(hint) in (list, Union, types.UnionType):
        hint = next(inner for inner in get_args(hint) if inner is not type(None))
    return hint


def _values(one: Any) -> str:
    kind = _kind(one)
    text = ""
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        text += " One of " + ", ".join(code(value.value) for value in kind) + "."
    if getattr(one, "multiple", False):
        text += " May be given several times."
    return text


def _default(one: Any) -> str:
    if getattr(one, "required", False):
        return "needed"
    default = getattr(one, "default", None)
    if default in (None, False, (), []) or callable(default):
        return ""
    return code(default.value if isinstance(default, enum.Enum) else default)
