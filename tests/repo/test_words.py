"""One word, one meaning; nothing of anybody's machine; no personal addresses of the build."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.repo.tree import ROOT, files, name, text

#: Wrong word: right word (docs/glossary.md). Patterns are split so that this file does not find itself.
WRONG = {
    r"enrol" + r"ments?\b": "enrollment",
    r"enrol" + r"l?ee": "user of a section",
    r"School" + r"ogoly|Schoolo" + r"logy|Sho" + r"ology": "Schoology",
    r"sourced" + r"ID\b|source" + r"ID\b|source" + r"dID": "sourcedId",
    r"One " + r"Roster|One" + r"roster\b|ONE" + r"ROSTER": "OneRoster",
    r"academic" + r" term\b": "academic session (SIS side), grading period (LMS side)",
    r"white" + r"list|black" + r"list": "allowed, blocked",
}

#: What only exists on one machine, or belongs into the lock file alone.
FOREIGN = {
    r"(?<![\w.])/wo" + r"rk/": "a folder of one machine",
    r"(?<![\w.])/ro" + r"ot/": "a folder of one machine",
    r"\bpye" + r"nv\b": "one machine's Python",
    r"pythonho" + r"sted|pypi\.o" + r"rg": "package hosts stand in uv.lock",
    r"(?<![\w/-])share" + r"d/(?!spec/openapi)": "not part of the project",
}

TEXT_SUFFIXES = {".py", ".md", ".toml", ".sql", ".html", ".css", ".svg", ".yaml", ".yml", ".json", ""}


#: Moodle's word for an enrollment is part of the names on its wire, in what speaks with it or stands in for it.
THEIR_WORDS = {r"enrol" + r"ments?\b": "moodle"}


def _own_texts() -> list[Path]:
    return [
        path
        for path in files()
        if path.suffix in TEXT_SUFFIXES and path.name not in {"uv.lock", "LICENSE"} and "data" not in path.parts
    ]


def _hits(pattern: str, paths: list[Path]) -> list[str]:
    return [
        f"{name(path)}:{number}: {line.strip()[:80]}"
        for path in paths
        for number, line in enumerate(text(path).splitlines(), 1)
        if re.search(pattern, line)
    ]


@pytest.mark.parametrize("pattern", WRONG, ids=list(WRONG.values()))
def test_words_of_the_glossary(pattern: str) -> None:
    theirs = THEIR_WORDS.get(pattern)
    texts = [path for path in _own_texts() if theirs is None or theirs not in path.as_posix().removeprefix(str(ROOT))]
    assert not _hits(pattern, texts), f"write: {WRONG[pattern]}"


@pytest.mark.parametrize("pattern", FOREIGN)
def test_nothing_of_one_machine(pattern: str) -> None:
    assert not _hits(pattern, _own_texts()), FOREIGN[pattern]


def test_every_glossary_word_is_defined_once() -> None:
    words = re.findall(r"^\*\*(.+?)\*\*", text(ROOT / "docs/glossary.md"), re.MULTILINE)
    assert len(words) > 20
    assert len(words) == len(set(words))


def test_no_leftovers() -> None:
    left = r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX|HA" + r"CK)\b"
    assert not _hits(left, [path for path in _own_texts() if path.suffix == ".py"])
