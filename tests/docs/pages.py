"""The pages people read, taken apart for the tests in this folder: links, headings, blocks. Reads only."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.repo.tree import ROOT, files

#: Also inside of a list, where it is indented.
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def pages() -> tuple[Path, ...]:
    """Every Markdown page for people: the docs, the front pages, the connectors' READMEs."""
    front = ROOT.glob("*.md")
    inner = [path for path in files(within=ROOT / "docs") if path.suffix == ".md"]
    return tuple(sorted([*front, *inner, ROOT / "changes" / "README.md"]))


@cache
def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def prose(path: Path) -> str:
    """Without fenced blocks."""
    return FENCE.sub("", text(path))


def blocks(path: Path, language: str) -> list[str]:
    return [textwrap.dedent(match[2]) for match in FENCE.finditer(text(path)) if match[1] == language]


def links(path: Path) -> list[str]:
    return [
        match[1] for match in LINK.finditer(prose(path)) if not match[1].startswith(("http://", "https://", "mailto:"))
    ]


def anchors(path: Path) -> set[str]:
    """Ids of headings, as GitHub and most other tools make them, and ids that are written out."""
    found = set(re.findall(r'<a id="([^"]+)"', text(path)))
    for heading in re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE):
        plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-"))
    return found


def commands(path: Path) -> Iterator[list[str]]:
    """Words of each line of a shell block, without variables set before the command."""
    for block in blocks(path, "sh"):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            while words and re.match(r"[A-Z_]+=", words[0]):
                words.pop(0)
            if words:
                yield words
