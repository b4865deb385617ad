"""Mess that needs a day before: new ids, things that vanish, delta files."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from zlib import crc32

from .ids import digest, identifier
from .mess_kit import DELTA, ROWS, Kinds, Mess, Row, data_files, edit, read
from .tables import manifest

KINDS = Kinds()
_BUCKET_BYTES = 24 << 20
_DELTA_TIME = "2026-11-24T02:00:00.000Z"


def _new_ids(text: str, seed: int) -> str:
    return ",".join(identifier(digest(seed, f"rekeyed|{old}")) for old in text.split(",")) if text else ""


@KINDS.add(
    "rekeyed-users",
    "From the second day on all users have new sourcedIds; they are the same people.",
    ROWS,
    later=True,
)
def _rekeyed_users(folder: Path, mess: Mess) -> None:
    def change(row: Row, number: int) -> None:
        for column in ("userSourcedId", "agentSourcedIds"):
            if column in row:
                row[column] = _new_ids(row[column], mess.seed)

    def change_user(row: Row, number: int) -> None:
        change(row, number)
        row["sourcedId"] = _new_ids(row["sourcedId"], mess.seed)

    edit(folder, "users", change_user)
    edit(folder, "roles", change_user)
    edit(folder, "enrollments", change)


@KINDS.add(
    "rekeyed-classes",
    "From the second day on all classes have new sourcedIds; all else is as before.",
    ROWS,
    later=True,
)
def _rekeyed_classes(folder: Path, mess: Mess) -> None:
    def change_class(row: Row, number: int) -> None:
        row["sourcedId"] = _new_ids(row["sourcedId"], mess.seed)

    def change(row: Row, number: int) -> None:
        row["classSourcedId"] = _new_ids(row["classSourcedId"], mess.seed)

    edit(folder, "classes", change_class)
    edit(folder, "enrollments", change)


@KINDS.add(
    "half-the-enrollments-gone",
    "Every second enrollment is missing from the second day on.",
    ROWS,
    later=True,
)
def _half(folder: Path, mess: Mess) -> None:
    edit(folder, "enrollments", lambda row, number: [] if number % 2 else None)


@KINDS.add(
    "vanished-school",
    "From the second day on the first school is gone, its classes and people too.",
    ROWS,
    later=True,
)
def _vanished(folder: Path, mess: Mess) -> None:
    gone = next((row["sourcedId"] for row in read(folder, "orgs") if row["type"] == "school"), "")
    people = _only_at(folder, gone)

    def change(row: Row, number: int) -> list[Row] | None:
        if row.get("userSourcedId") in people or row["sourcedId"] in people:
            return []
        if gone in (row["sourcedId"], row.get("schoolSourcedId"), row.get("orgSourcedId")):
            return []
        for column in ("orgSourcedIds", "agentSourcedIds"):
            if row.get(column):
                kept = [one for one in row[column].split(",") if one != gone and one not in people]
                row[column] = ",".join(kept)
        if row.get("primaryOrgSourcedId") == gone:
            row["primaryOrgSourcedId"] = ""
        return None

    for path in data_files(folder):
        edit(folder, path.stem, change)


def _only_at(folder: Path, school: str) -> set[str]:
    """Users who have no other org than this school."""
    roles = [row for row in read(folder, "roles") if row["orgSourcedId"] == school]
    if roles:
        here = {row["userSourcedId"] for row in roles}
        return here - {
            row["userSourcedId"]
            for row in read(folder, "roles")
            if row["orgSourcedId"] != school and row["userSourcedId"] in here
        }
    return {row["sourcedId"] for row in read(folder, "users") if row.get("orgSourcedIds") == school}


@KINDS.add(
    "delta-mode",
    "From the second day on the files are deltas: only changes, with status and time.",
    DELTA,
    later=True,
)
def _delta(folder: Path, mess: Mess) -> None:
    if mess.before is None:
        return
    modes = {}
    for path in data_files(folder):
        if _write_delta(mess.before / path.name, path):
            modes[path.stem] = "delta"
        else:
            path.unlink()
    (folder / "manifest.csv").write_text(manifest(mess.version, modes), encoding="utf-8", newline="")


def _write_delta(before: Path, path: Path) -> bool:
    """Replace a bulk file by what changed since `before`; False if nothing did."""
    parts = 1 + (before.stat().st_size + path.stat().st_size) // _BUCKET_BYTES
    found = False
    with path.open(encoding="utf-8", newline="") as file:
        header = next(csv.reader(file))
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        old, new = Path(scratch) / "old", Path(scratch) / "new"
        _spread(before, old, parts)
        _spread(path, new, parts)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            for part in range(parts):
                for row in _differences(Path(f"{old}{part}"), Path(f"{new}{part}")):
                    writer.writerow(row)
                    found = True
    return found


def _spread(path: Path, target: Path, parts: int) -> None:
    """Copy the rows of a file into small files by sourcedId, so that each fits in memory."""
    with ExitStack() as stack:
        sinks = [stack.enter_context(Path(f"{target}{part}").open("wb")) for part in range(parts)]
        with path.open("rb") as file:
            next(file)
            for line in file:
                sinks[crc32(line.split(b",", 1)[0]) % parts].write(line)


def _lines(path: Path) -> dict[bytes, bytes]:
    with path.open("rb") as file:
        return {line.split(b",", 1)[0]: line for line in file}


def _differences(old: Path, new: Path) -> Iterator[list[str]]:
    before, now = _lines(old), _lines(new)
    for key, line in now.items():
        if before.get(key) != line:
            yield _stamped(line, "active")
    for key, line in before.items():
        if key not in now:
            yield _stamped(line, "tobedeleted")


def _stamped(line: bytes, status: str) -> list[str]:
    key, _, _, *rest = next(csv.reader([line.decode("utf-8")]))
    return [key, status, _DELTA_TIME, *rest]
