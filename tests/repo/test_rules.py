"""Every numbered rule of docs/explain/rules.md has a test that names it, by marker or in its docstring."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from functools import cache

from tests.repo.tree import ROOT, functions, name, python_files, text

#: Rules that wait for pages (docs/explain/limits.md).
LATER = {30, 31}
SAID = re.compile(r"\b[Rr]ules? (\d+(?:(?:, | and | to )\d+)*)")


def _rules() -> set[int]:
    return {int(number) for number in re.findall(r"^(\d+)\. ", text(ROOT / "docs/explain/rules.md"), re.MULTILINE)}


@cache
def _named() -> dict[int, list[str]]:
    """Rule number to the tests that name it."""
    found: dict[int, list[str]] = defaultdict(list)
    for path in python_files(within=ROOT / "tests"):
        if path.parent.name == "repo":
            continue
        for node in functions(path):
            markers = [ast.unparse(decorator) for decorator in node.decorator_list]
            first = markers[0] if markers else node.name
            if not (node.name.startswith("test_") or "rule" in first.partition("(")[0]):
                continue
            numbers = [int(n) for m in markers if "mark.rule(" in m for n in re.findall(r"\d+", m)]
            for match in SAID.finditer(ast.get_docstring(node) or ""):
                numbers += [int(number) for number in re.findall(r"\d+", match[1])]
            for number in numbers:
                found[number].append(f"{name(path)}::{node.name}")
    return found


def test_the_page_numbers_its_rules_one_by_one() -> None:
    assert _rules() == set(range(1, 33))


def test_every_rule_has_a_test() -> None:
    named = _named()
    assert not sorted(_rules() - LATER - set(named))


def test_no_test_names_a_rule_that_does_not_exist() -> None:
    assert not set(_named()) - _rules()
