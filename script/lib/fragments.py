"""Checks the changelog fragments: names, kinds and sentences, and that they can become a changelog. Writes nothing."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def problems(folder: Path, kinds: set[str]) -> list[str]:
    """What is wrong with the fragments in a folder, one sentence each."""
    found = []
    fragments = [path for path in sorted(folder.iterdir()) if path.name != "README.md"]
    if not fragments and not re.search(r"^## \d", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE):
        found.append("changes/ has no fragment and nothing has been released")
    for path in fragments:
        name = re.fullmatch(r"(\+[a-z0-9-]+|\d+)\.([a-z]+)\.md", path.name)
        if not name:
            found.append(f"{path.name}: name it +short-name.kind.md")
        elif name[2] not in kinds:
            found.append(f"{path.name}: kind is one of {', '.join(sorted(kinds))}")
        text = path.read_text(encoding="utf-8").strip()
        if not re.match(r"[A-Z0-9`]", text) or not text.endswith("."):
            found.append(f"{path.name}: write whole sentences")
    return found


def main() -> int:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["towncrier"]
    found = problems(ROOT / settings["directory"], {kind["directory"] for kind in settings["type"]})
    for problem in found:
        print(problem, file=sys.stderr)
    draft = [sys.executable, "-m", "towncrier", "build", "--draft", "--version", "0"]
    built = subprocess.run(draft, cwd=ROOT, capture_output=True, text=True, check=False)
    if built.returncode:
        print(built.stderr, file=sys.stderr)
    return int(bool(found) or built.returncode)


if __name__ == "__main__":
    sys.exit(main())
