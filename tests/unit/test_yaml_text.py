"""Settings as YAML: long maps are written in parts, and read as they were."""

from __future__ import annotations

import json

import yaml

from rollbook.actions.yaml_text import dump_yaml, load_yaml

_ROLES = {"student": "Student", "*": "skip"}
_ODD = {
    "*": _ROLES,
    "007": _ROLES,
    "true": {},
    "a: b": {"x": "# no remark"},
    "- x": {"long": "word " * 60},
    "é ü": {"lines": "a\nb\n"},
    "'q\"": {"list": ["1", {"deep": "b: c"}]},
    "?": "-",
    "~": None,
}


def test_a_long_map_is_written_as_a_short_one_is() -> None:
    schools = {f"school-{number}": _ROLES for number in range(200)}
    document = json.loads(json.dumps({"organization": {"name": "Maple"}, "roles": {"*": _ROLES, **schools}}))
    assert dump_yaml(document) == yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)


def test_odd_names_and_values_of_a_long_map_come_back() -> None:
    document = {"roles": {f"school-{number}": _ROLES for number in range(60)} | _ODD}
    assert load_yaml(dump_yaml(document), "x") == document
    for name in ("", "line\nbreak", "x" * 200):
        longer = {"roles": document["roles"] | {name: _ROLES}}
        assert load_yaml(dump_yaml(longer), "x") == longer
