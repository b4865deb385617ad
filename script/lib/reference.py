"""Writes the reference pages that are made from the code, or with --check says which are out of date.

A page keeps its hand-written text; only what stands between `<!-- made by script/docs: NAME -->` and `<!-- end -->` is
replaced. The pages of connectors are made whole, from their options and their README; so is the document of the API.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import reference_cli
import reference_openapi
import reference_settings
import reference_tables

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
BLOCK = re.compile(r"(<!-- made by script/docs: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
BLOCKS = {
    "commands": reference_cli.commands,
    "settings": reference_settings.settings,
    "environment": reference_settings.environment,
    "findings": reference_tables.findings,
    "errors": reference_tables.errors,
    "connectors": reference_tables.connectors,
}


def pages() -> dict[Path, str]:
    """Every reference page as it should be. Raises KeyError for a block that nobody makes."""
    made = {REFERENCE / "connectors" / f"{name}.md": text for name, text in reference_tables.connector_pages().items()}
    for path in [*REFERENCE.glob("*.md"), REFERENCE / "connectors" / "index.md"]:
        text = path.read_text(encoding="utf-8")
        made[path] = BLOCK.sub(lambda match: f"{match[1]}\n{BLOCKS[match[2]]()}\n{match[3]}", text)
    openapi = reference_openapi.document()
    return made | dict.fromkeys(reference_openapi.PLACES, openapi)


def main(arguments: list[str]) -> int:
    if arguments not in ([], ["--check"]):
        print("usage: script/docs [--check]", file=sys.stderr)
        return 2
    wanted = pages()
    known = set(wanted)
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    left = [path for path in (REFERENCE / "connectors").glob("*.md") if path not in known]
    for path in [*stale, *left]:
        print(f"{'out of date' if arguments else 'written'}: {path.relative_to(ROOT)}")
    if arguments:
        return bool(stale or left)
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path], encoding="utf-8")
    for path in left:
        path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
