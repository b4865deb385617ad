"""manifest.csv: which version, and which files are absent, bulk or delta. Pure; where it contradicts, the files win.

OneRoster CSV binding 1.1 and 1.2, manifest.csv; 1.0 has none.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

MODES: Final = ("absent", "bulk", "delta")
VERSIONS: Final = ("1.0", "1.1", "1.2")


@dataclass(frozen=True)
class Manifest:
    """`modes` maps lower-case file names (without .csv) to absent, bulk or delta, as far as they are said. `odd` names
    properties whose values make no sense or are missing."""

    version: str
    modes: Mapping[str, str] = field(default_factory=dict)
    odd: tuple[str, ...] = ()
    system: str = ""


def parse_manifest(text: str | None) -> Manifest:
    """Read a manifest; None (there is no such file) means version 1.0. Total: never raises."""
    if text is None:
        return Manifest("1.0")
    values = _values(text)
    odd = []
    version = values.get("oneroster.version", "")
    if version not in VERSIONS:
        odd.append("oneroster.version")
        version = "1.2" if version.startswith("1.2") or "file.roles" in values else "1.1"
    modes = {}
    for name, value in values.items():
        if not name.startswith("file."):
            continue
        if value.lower() in MODES:
            modes[name.removeprefix("file.")] = value.lower()
        else:
            odd.append(name)
    return Manifest(version, modes, tuple(odd), values.get("source.systemname", "")[:100])


def _values(text: str) -> dict[str, str]:
    """Property names in lower case. A semicolon or tab may stand for the comma."""
    head = text.split("\n", 1)[0]
    delimiter = next((mark for mark in ",;\t" if mark in head), ",")
    values: dict[str, str] = {}
    try:
        for row in csv.reader(text.replace("\0", "").splitlines(), delimiter=delimiter):
            if row and row[0].strip().lower() != "propertyname":
                values[row[0].strip().lower()] = row[1].strip() if len(row) > 1 else ""
    except csv.Error:
        values["file.manifest"] = ""  # shows up as odd
    return values
