"""Options of a connection: one declaration is the web form, the prompts, the docs and the redaction."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec

from rollbook.connectors.base import OptionHelp
from rollbook.errors import ConfigError
from rollbook.roster.shapes import learned

HIDDEN = "********"


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every connector's options; its repr hides secrets."""

    def __repr__(self) -> str:
        inner = ", ".join(f"{name}={value!r}" for name, value in redact(self).items())
        return f"{type(self).__name__}({inner})"

    def __rich_repr__(self) -> Any:  # msgspec's own would show the secrets
        yield from redact(self).items()


O = TypeVar("O", bound=msgspec.Struct)  # noqa: E741 - reads as "options"


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option as forms and docs show it. `kind` is text, number, flag, list, table or choice (of
    `choices`)."""

    name: str
    label: str
    help: str
    secret: bool
    required: bool
    default: Any
    kind: str
    choices: tuple[str, ...] = ()


def option(label: str, help: str, *, secret: bool = False) -> msgspec.Meta:
    """What stands in `Annotated[..., option(...)]`."""
    return msgspec.Meta(extra={"option": OptionHelp(label=label, help=help, secret=secret)})


def describe(struct: type[msgspec.Struct]) -> tuple[Option, ...]:
    """All options of a struct in declared order. A default of a required option is None."""
    hints = get_type_hints(struct, include_extras=True)
    return tuple(_option(field, hints[field.name]) for field in msgspec.structs.fields(struct))


def redact(options: msgspec.Struct) -> dict[str, Any]:
    """The values by name, with secrets that are set replaced by asterisks."""
    hidden = {one.name for one in describe(type(options)) if one.secret}
    values = msgspec.structs.asdict(options)
    return {name: HIDDEN if name in hidden and value else value for name, value in values.items()}


def parse(struct: type[O], values: Mapping[str, Any]) -> O:
    """Typed options from plain data. Raises ConfigError that names the option and never a secret's value."""
    hidden = [str(values[one.name]) for one in describe(struct) if one.secret and values.get(one.name)]
    try:
        return msgspec.convert(dict(values), learned(struct))
    except msgspec.ValidationError as error:
        words = str(error)
    if any(value in words for value in hidden):
        words = "a secret has the wrong form"
    raise ConfigError(f"the options are not valid: {words}")


def _option(field: msgspec.structs.FieldInfo, hint: Any) -> Option:
    found = _help(hint)
    kind, choices = _kind(hint)
    default: Any = None if field.default is msgspec.NODEFAULT else field.default
    if field.default_factory is not msgspec.NODEFAULT:
        default = field.default_factory()
    return Option(
        name=field.encode_name, label=found.label if found else field.name, help=found.help if found else "",
        secret=found.secret if found else False, required=field.required, default=default, kind=kind,
        choices=choices,
    )  # fmt: skip


def _help(hint: Any) -> OptionHelp | None:
    for meta in getattr(hint, "__metadata__", ()):
        found = (meta.extra or {}).get("option") if isinstance(meta, msgspec.Meta) else None
        if isinstance(found, OptionHelp):
            return found
    return None


def _kind(hint: Any) -> tuple[str, tuple[str, ...]]:
    origin = get_origin(hint)
    if origin is Annotated:
        return _kind(get_args(hint)[0])
    if origin in (Union, types.UnionType):
        return _kind(next(arg for arg in get_args(hint) if arg is not type(None)))
    if origin is Literal:
        return "choice", tuple(str(value) for value in get_args(hint))
    kinds = {bool: "flag", int: "number", float: "number", dict: "table", tuple: "list", list: "list"}
    return kinds.get(origin or hint, "text"), ()
