"""YAML as people mean it: keys are text and stand once, only true/false are flags, dates stay text."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import yaml

from rollbook.errors import ConfigError

#: Mappings from so many entries on are written in parts; a longer key would not stand in one line.
_MANY, _LONGEST_KEY = 50, 80
#: Those in C are some times as fast; a PyYAML that was built without them has none.
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
if TYPE_CHECKING:
    from yaml import SafeLoader as _Safe
else:
    _Safe = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Safe):
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own form

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "a key must be a word", key_node.start_mark)
            if key_node.value in found:
                words = f"{key_node.value!r} stands twice"
                raise yaml.constructor.ConstructorError(None, None, words, key_node.start_mark)
            found[key_node.value] = self.construct_object(value_node, deep=True)
        return found


def _resolves(tag: str, pattern: str, first: str) -> None:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"^(?:{pattern})$"), list(first))


# "007", "1e3", "12:30", "yes" and "2027-01-01" stay texts: ids and dates are texts for us.
_resolves("int", r"-?(?:0|[1-9][0-9]*)", "-0123456789")
_resolves("float", r"-?[0-9]+\.[0-9]+", "-0123456789")
_resolves("bool", r"true|false|True|False", "tTfF")
_resolves("null", r"~|null|", "~n")
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^$"), [""])


def load_yaml(text: str, name: str) -> dict[str, Any]:
    """The document as plain data. Raises ConfigError that names the line, never the text of it."""
    try:
        document = yaml.load(text, _Loader)  # a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}" if mark else "somewhere"
        raise ConfigError(f"{name}, {where}: {error.problem or 'this is not YAML'}") from None
    except yaml.YAMLError:
        raise ConfigError(f"{name} is not YAML") from None
    if not isinstance(document, dict):
        raise ConfigError(f"{name} holds no settings; it must begin with `organization:`")
    return document


def dump_yaml(document: dict[str, Any]) -> str:
    """Plain data as YAML, keys in the given order."""
    return "".join(_dump_entry(key, value) for key, value in document.items())


def _dump_entry(key: str, value: Any) -> str:
    """A district maps thousands of schools, most of them alike: what is alike is written out once and copied."""
    if not isinstance(value, dict) or len(value) < _MANY or any(len(one) > _LONGEST_KEY for one in value):
        return _dump({key: value})
    names = _dump(list(value)).splitlines()
    if len(names) != len(value):  # one of them does not fit into a line
        return _dump({key: value})
    alike: dict[str, str] = {}
    parts = [_dump({key: None}).partition(":")[0], ":\n"]
    for name, one in zip(names, value.values(), strict=True):
        mark = json.dumps(one)
        if mark not in alike:
            alike[mark] = _dump({"x": one})[1:].rstrip("\n").replace("\n", "\n  ") + "\n"
        parts += ["  ", name.removeprefix("- "), alike[mark]]
    return "".join(parts)


def _dump(value: Any) -> str:
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100))
