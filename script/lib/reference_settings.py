"""Settings of an organization and the environment variables as Markdown. The texts stand in setting_texts.toml: of the
package, which shows those of settings too, and beside this module for variables."""

from __future__ import annotations

import tomllib
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from markdown import code, table

from rollbook.roster.settings import Settings

HERE = Path(__file__).resolve().parent


def _texts(folder: Path, name: str) -> dict[str, str]:
    found: dict[str, str] = tomllib.loads((folder / "setting_texts.toml").read_text(encoding="utf-8"))[name]
    return found


SETTINGS = _texts(HERE.parents[1] / "src" / "rollbook" / "web", "settings")
ENVIRONMENT = _texts(HERE, "environment")


def every_setting() -> Iterator[tuple[str, Any, Any]]:
    """(dotted name, type, default) of each leaf, in declared order; a needed one has msgspec.NODEFAULT."""
    yield from _walk("", Settings, None)


def _walk(prefix: str, struct: type[msgspec.Struct], standard: Any) -> Iterator[tuple[str, Any, Any]]:
    hints = get_type_hints(struct, include_extras=True)
    for field in msgspec.structs.fields(struct):
        name, hint = prefix + field.encode_name, hints[field.name]
        default = getattr(standard, field.name) if standard is not None else _default(field)
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            yield from _walk(f"{name}.", hint, None if default is msgspec.NODEFAULT else default)
        else:
            yield name, hint, default


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default


def settings() -> str:
    rows = [(code(name), f"{SETTINGS[name]}{_choices(hint)}", _shown(default)) for name, hint, default in _all()]
    return table(("Setting", "Meaning", "Default"), rows)


def _all() -> list[tuple[str, Any, Any]]:
    return list(every_setting())


def environment() -> str:
    return table(("Variable", "Meaning"), [(code(name), text) for name, text in ENVIRONMENT.items()])


def _choices(hint: Any) -> str:
    while get_origin(hint) in (Annotated, Union, types.UnionType):
        hint = next(inner for inner in get_args(hint) if inner is not type(None))
    if get_origin(hint) is Literal:
        return " One of " + ", ".join(code(choice) for choice in get_args(hint)) + "."
    return ""


def _shown(default: Any) -> str:
    if default is msgspec.NODEFAULT:
        return "needed"
    if isinstance(default, bool):
        return code("true" if default else "false")
    if isinstance(default, float) and default.is_integer():
        return code(int(default))
    if isinstance(default, tuple):
        return code(", ".join(default))
    return "" if default in (None, {}, "") else code(default)
