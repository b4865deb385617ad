"""What a function takes, and Moodle's strict check of it (external_api::validate_parameters, clean_param)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rollbook.practice.moodle.thrown import Thrown, bad_parameter

#: What PHP's strip_tags takes away: whatever follows a "<" that no space follows, to the next ">" or to the end.
_TAG = re.compile(r"<(?![ \t\n\v\f\r])[^>]*(>|$)")
_TRIMMED = " \n\r\t\v\0"
_NUMBER = re.compile(r"\s*[+-]?\d+")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"(?![^.]{64})[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*"
_EMAIL = re.compile(rf"(?!.{{255}})(?![^@]{{65}}){_ATOM}(\.{_ATOM})*@({_LABEL}\.)+(?=[A-Za-z]){_LABEL}")
_NOTHING = object()


@dataclass(frozen=True)
class Value:
    """One value of a PARAM type; `default` is given where it is left out, unless it may be left out."""

    kind: str
    optional: bool = False
    default: Any = _NOTHING


@dataclass(frozen=True)
class Many:
    """A list (external_multiple_structure); its keys do not matter, their order does."""

    content: Value | Group
    optional: bool = False
    default: Any = _NOTHING


@dataclass(frozen=True)
class Group:
    """Named values (external_single_structure); a name that is not listed refuses the call."""

    fields: Mapping[str, Value | Many | Group]
    optional: bool = False
    default: Any = _NOTHING


Described = Value | Many | Group


def given(kind: str, default: Any) -> Value:
    """A value with a default."""
    return Value(kind, default=default)


def may(kind: str) -> Value:
    """A value that may be left out."""
    return Value(kind, optional=True)


@dataclass(frozen=True)
class Cleaner:
    """What cleaning depends on: installed auth plugins and languages, and the rule for user names."""

    auths: frozenset[str]
    langs: frozenset[str]
    extended_names: bool = False

    def clean(self, kind: str, text: str) -> Any:
        """The value as Moodle would store it (clean_param)."""
        return _CLEANERS.get(kind, _as_it_is)(self, text)

    def check(self, described: Described, value: Any) -> Any:
        """The value with its defaults and types. Raises Thrown."""
        if isinstance(described, Value):
            return self._value(described, value)
        if not isinstance(value, dict | list):
            raise bad_parameter(f"Only arrays accepted. The bad value is: '{value}'")
        if isinstance(described, Many):
            values = list(value.values()) if isinstance(value, dict) else value
            return [self.check(described.content, each) for each in values]
        return self._group(described, dict(value) if isinstance(value, dict) else {})

    def _group(self, described: Group, value: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, inner in described.fields.items():
            if name in value:
                try:
                    found[name] = self.check(inner, value.pop(name))
                except Thrown as thrown:
                    raise bad_parameter(f"{name} => {thrown.message}: {thrown.debug}") from None
            elif inner.default is not _NOTHING:
                found[name] = inner.default
            elif not inner.optional:
                raise bad_parameter(f"Missing required key in single structure: {name}")
        if value:
            raise bad_parameter(f"Unexpected keys ({', '.join(value)}) detected in parameter array.")
        return found

    def _value(self, described: Value, value: Any) -> Any:
        if isinstance(value, dict | list):
            raise bad_parameter("Scalar type expected, array or object received.")
        if described.kind == "bool" and str(value) in {"0", "1"}:
            return str(value) == "1"
        cleaned = self.clean(described.kind, str(value))
        if str(cleaned) != str(value):
            raise bad_parameter(
                f'Invalid external api parameter: the value is "{value}", '
                f'the server was expecting "{described.kind}" type'
            )
        return cleaned


def _as_it_is(site: Cleaner, text: str) -> str:
    return text


def _int(site: Cleaner, text: str) -> int:
    found = _NUMBER.match(text)
    return int(found.group()) if found else 0


def _bool(site: Cleaner, text: str) -> int:
    return int(text.lower() in {"on", "yes", "true", "1"})


def _text(site: Cleaner, text: str) -> str:
    return _TAG.sub("", text.replace("\0", "")) if "<" in text or "\0" in text else text


def _trimmed(site: Cleaner, text: str) -> str:
    return text.strip(_TRIMMED)


def _username(site: Cleaner, text: str) -> str:
    lower = text.strip().lower()
    return lower if site.extended_names else re.sub(r"[^-.@_a-z0-9]", "", lower)


def is_email(text: str) -> bool:
    """Whether Moodle takes it for an address: validate_email asks PHPMailer, and that PHP's FILTER_VALIDATE_EMAIL."""
    return _EMAIL.fullmatch(text) is not None


def _auth(site: Cleaner, text: str) -> str:
    return text if text in site.auths else ""


def _lang(site: Cleaner, text: str) -> str:
    return text if text in site.langs else ""


def _only(pattern: str) -> Callable[[Cleaner, str], str]:
    return lambda site, text: re.sub(pattern, "", text)


_CLEANERS: Mapping[str, Callable[[Cleaner, str], Any]] = {
    "int": _int, "bool": _bool, "text": _text, "notags": _text, "username": _username, "trimmed": _trimmed,
    "auth": _auth, "lang": _lang, "alpha": _only(r"[^a-zA-Z]"), "alphaext": _only(r"[^a-zA-Z_-]"),
    "alphanum": _only(r"[^a-zA-Z0-9]"), "alphanumext": _only(r"[^a-zA-Z0-9_-]"), "plugin": _only(r"[^a-z0-9_]"),
    "sequence": _only(r"[^0-9,]"),
}  # fmt: skip
