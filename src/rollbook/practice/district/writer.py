"""Writes a district day by day, area by area, so that memory does not grow with the district."""

from __future__ import annotations

import shutil
import zipfile
from contextlib import ExitStack
from pathlib import Path

from . import layout
from .calendar import session_rows
from .catalog import district_courses
from .changes import DayChanges
from .first_day import build
from .layout import DISTRICT, Area
from .rows import AreaRows, course_row
from .tables import headers, manifest

_BUFFER = 1 << 20


def write_day(
    folder: Path, areas: list[Area], *, seed: int, day: int, version: str, change: float, guardians: float
) -> None:
    """Write one day's folder anew: manifest.csv and the data files, in bulk mode."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    columns = headers(version)
    with ExitStack() as stack:
        files = {
            name: stack.enter_context(
                (folder / f"{name}.csv").open("w", encoding="utf-8", newline="", buffering=_BUFFER)
            )
            for name in columns
        }
        for name, file in files.items():
            file.write(",".join(columns[name]) + "\n")
        files["academicSessions"].writelines(f"{row[0]},,,{','.join(row[1:])}\n" for row in session_rows())
        files["orgs"].writelines(org_rows(areas))
        files["courses"].writelines(course_row(course) for course in district_courses())
        for area in areas:
            state = build(area, seed, guardians)
            for past in range(2, day + 1):
                DayChanges(state, past, change).apply()
            for name, text in AreaRows(state, version).files().items():
                files[name].write(text)
    modes = dict.fromkeys(columns, "bulk")
    (folder / "manifest.csv").write_text(manifest(version, modes), encoding="utf-8", newline="")


def org_rows(areas: list[Area]) -> list[str]:
    """Lines of orgs.csv: the district and its schools."""
    lines = [f"{DISTRICT},,,Maple Valley Unified School District,district,0600100,,Maple Valley,\n"]
    for area in areas:
        for school in area.schools:
            phone = f"+1-555-{200 + school.number % 700}-{school.number:04d}"
            lines.append(
                f"{school.id},,,{school.name},school,0600100{school.number:05d},{DISTRICT},"
                f"{layout.town(area)},{phone}\n"
            )
    return lines


def zip_folder(folder: Path) -> Path:
    """Pack a day's files beside its folder, the same bytes each time; the folder is taken away."""
    target = folder.with_suffix(".zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for path in sorted(folder.iterdir()):
            entry = zipfile.ZipInfo(path.name, date_time=(2026, 11, 23, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            with path.open("rb") as source, archive.open(entry, "w", force_zip64=True) as sink:
                shutil.copyfileobj(source, sink, _BUFFER)
    shutil.rmtree(folder)
    return target
