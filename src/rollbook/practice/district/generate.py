"""The district generator: one call writes a OneRoster CSV package a day. It never reads the clock."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from . import layout
from .mess import Mess, MessPlan
from .writer import write_day, zip_folder


def generate(
    out: Path,
    *,
    students: int,
    seed: int,
    days: int = 1,
    version: str = "1.1",
    mess: Sequence[str] = (),
    change: float = 0.01,
    zip: bool = False,
    guardians: float = 0.3,
) -> list[Path]:
    """Write a district as OneRoster CSV (bulk), `day-001`, `day-002`, … under `out`; return these paths.

    `change` is the share of users, sections and enrollments that differ from the day before; `guardians` the
    share of pupils who have guardians; `zip` packs each day as `day-001.zip`. Same arguments, same bytes.
    `mess` names kinds of mess (see `mess_names`): put into the last day, kinds that need a day before into
    every day but the first. Existing day folders are replaced.
    Raises ValueError on an unknown version or kind of mess, or numbers out of range.
    """
    if version not in ("1.1", "1.2"):
        raise ValueError(f"unknown OneRoster version {version!r}; known: 1.1, 1.2")
    if students < 1 or days < 1:
        raise ValueError("students and days must be at least 1")
    if not (0 <= change <= 1 and 0 <= guardians <= 1):
        raise ValueError("change and guardians are shares from 0 to 1")
    plan = MessPlan(mess, days)
    areas = layout.areas(students, seed)
    folders = [out / f"day-{day:03d}" for day in range(1, days + 1)]
    for day, folder in enumerate(folders, 1):
        write_day(folder, areas, seed=seed, day=day, version=version, change=change, guardians=guardians)
    context = Mess(version=version, seed=seed)
    plan.mess_up(folders, context)
    if zip:
        folders[:-1] = [zip_folder(folder) for folder in folders[:-1]]
    if zip or plan.zipped:
        folders[-1] = zip_folder(folders[-1])
        plan.spoil_zip(folders[-1], context)
    return folders
