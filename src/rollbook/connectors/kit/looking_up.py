"""Looks changes up in an LMS by the codes of their objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rollbook.roster.changes import Change, LiveRecord


def found_by_code(
    read: Callable[[str, Sequence[str]], Iterable[LiveRecord]], changes: Sequence[Change]
) -> list[LiveRecord | None]:
    """What is there of each change, None for nothing. `read` gives the objects of a kind with some of these codes."""
    codes: dict[str, list[str]] = {}
    for change in changes:
        codes.setdefault(change.kind, []).append(change.key)
    found = {(kind, record.code): record for kind, wanted in codes.items() for record in read(kind, wanted)}
    return [found.get((change.kind, change.key)) for change in changes]
