"""The table of all kinds of mess, and the order in which several of them strike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from . import mess_classes, mess_days, mess_files, mess_people
from .mess_kit import DELTA, ZIP, Kind, Kinds, Mess

__all__ = ["Mess", "MessPlan", "mess_descriptions", "mess_names"]

_KINDS = Kinds({**mess_people.KINDS, **mess_classes.KINDS, **mess_files.KINDS, **mess_days.KINDS})


def mess_names() -> list[str]:
    """The names of all kinds, in alphabetical order."""
    return sorted(_KINDS)


def mess_descriptions() -> dict[str, str]:
    """Name → one sentence that says what the kind does."""
    return {name: _KINDS[name].text for name in mess_names()}


class MessPlan:
    """The kinds asked for, checked and put in order."""

    def __init__(self, names: Sequence[str], days: int) -> None:
        """Raises ValueError for an unknown name, or for a kind that needs a day before when there is none."""
        unknown = [name for name in names if name not in _KINDS]
        if unknown:
            raise ValueError(f"unknown mess {', '.join(unknown)}; known: {', '.join(mess_names())}")
        early = [name for name in names if _KINDS[name].later and days < 2]
        if early:
            raise ValueError(f"mess {', '.join(early)} needs at least 2 days")
        self._kinds = sorted((_KINDS[name] for name in dict.fromkeys(names)), key=lambda kind: kind.stage)
        self.zipped = any(kind.stage >= ZIP for kind in self._kinds)

    def mess_up(self, folders: Sequence[Path], mess: Mess) -> None:
        """Rewrite the days' folders in place."""
        for kind in self._kinds:
            if kind.stage >= ZIP:
                continue
            for place in self._days(kind, len(folders)):
                mess.before = folders[place - 1] if place else None
                kind.run(folders[place], mess)

    def spoil_zip(self, path: Path, mess: Mess) -> None:
        """Do what the zip kinds do to a packed day."""
        for kind in self._kinds:
            if kind.stage >= ZIP:
                kind.run(path, mess)

    @staticmethod
    def _days(kind: Kind, days: int) -> Sequence[int]:
        """Places of the days a kind strikes; deltas backwards, since each reads the whole day before."""
        if not kind.later:
            return [days - 1]
        return range(days - 1, 0, -1) if kind.stage == DELTA else range(1, days)
