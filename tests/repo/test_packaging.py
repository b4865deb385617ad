"""Licence, dependencies and changelog: what somebody who takes Rollbook in must be able to rely on."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from tests.repo.tree import ROOT, SOURCE, files, name, text

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
NOT_PERMISSIVE = re.compile(r"\b(A?GPL|SSPL|BUSL|proprietary|Commons Clause)\b", re.IGNORECASE)


def test_the_licence_is_apache_2_whole() -> None:
    licence = text(ROOT / "LICENSE")
    assert "Apache License" in licence
    assert "Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    assert len(licence.splitlines()) > 190
    assert PROJECT["project"]["license"] == "Apache-2.0"


def test_data_of_others_comes_with_its_licence_and_source() -> None:
    folders = [folder for folder in (ROOT / "tests/data").iterdir() if folder.name.startswith("edfi-")]
    assert folders
    for folder in folders:
        assert "Apache License" in text(folder / "LICENSE"), name(folder)
        assert (folder / "SOURCES.md").exists(), name(folder)


def test_comments_at_dependencies_name_files_that_exist() -> None:
    comments = re.findall(r'^ +"[^"]+", *# (.+)$', text(ROOT / "pyproject.toml"), re.MULTILINE)
    assert len(comments) > 30
    named = {path for comment in comments for path in re.findall(r"[\w.]+/[\w./]*", comment)} - {"/metrics"}
    assert "store/secrets.py" in named
    assert not [path for path in named if not any((within / path).exists() for within in (ROOT, SOURCE))]


def _requirements(package: str, seen: set[str]) -> set[str]:
    """Names of everything that is installed with a package when it only runs."""
    for requirement in metadata.requires(package) or []:
        required = re.match(r"[\w.-]+", requirement)
        if required is None or "extra ==" in requirement or required[0].lower() in seen:
            continue
        try:
            metadata.distribution(required[0])
        except metadata.PackageNotFoundError:
            continue  # for another platform or Python
        seen.add(required[0].lower())
        _requirements(required[0], seen)
    return seen


def test_what_runs_is_permissively_licensed() -> None:
    needed = _requirements("rollbook", set())
    assert len(needed) > 20
    for package in needed:
        facts = metadata.metadata(package)
        classifiers = [text for text in facts.get_all("Classifier") or [] if text.startswith("License")]
        said = " ".join([facts.get("License-Expression") or facts.get("License", "")[:60] or "", *classifiers])
        said = said.replace("EPL-2.0 OR GPL-2.0-or-later", "EPL-2.0")  # of two licences we take the one that lets us
        assert not NOT_PERMISSIVE.search(said), f"{package}: {said}"


def test_every_dependency_says_what_it_is_for() -> None:
    bare = [
        line.strip()
        for line in text(ROOT / "pyproject.toml").splitlines()
        if re.match(r'\s+"[a-z0-9\[\]_-]+[><=]', line) and not re.search(r"#\s*\w.{5,}", line)
    ]
    assert not bare


def test_dependencies_have_a_lower_bound() -> None:
    groups = [PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"].values()]
    assert not [requirement for group in groups for requirement in group if ">=" not in requirement]


def test_changelog_fragments_are_sound() -> None:
    result = subprocess.run([sys.executable, "script/lib/fragments.py"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("file", "content"),
    [("notes.md", "A thing."), ("+a.new.md", "A thing."), ("+a.added.md", "no whole sentence"), ("+a.added.txt", "A.")],
)
def test_a_bad_fragment_is_noticed(file: str, content: str, tmp_path: Path) -> None:
    (tmp_path / file).write_text(content)
    sys.path.insert(0, str(ROOT / "script/lib"))
    try:
        from fragments import problems
    finally:
        sys.path.pop(0)
    assert problems(tmp_path, {"added", "fixed"})


def test_the_shipped_package_is_typed() -> None:
    assert (ROOT / "src/rollbook/py.typed").exists()


def test_decisions_are_numbered_without_gaps() -> None:
    pages = [path for path in files(within=ROOT / "docs/adr") if path.name != "README.md"]
    numbers = sorted(int(path.name.partition("-")[0]) for path in pages)
    assert numbers == list(range(1, len(pages) + 1))
    for path in pages:
        number, _, _ = path.name.partition("-")
        body = text(path)
        assert body.startswith(f"# {int(number)}. "), name(path)
        assert [line for line in body.splitlines() if line.startswith("## ")] == [
            "## Context",
            "## Decision",
            "## Consequences",
        ], name(path)
        assert len(body.split()) <= 450, f"{name(path)}: a decision fits on one page"
