"""What an admin tells Rollbook about a OneRoster CSV export. Declares only; opens nothing."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from rollbook.connectors.kit import Options, option

Gigabytes = Annotated[float, Meta(gt=0, le=1000)]


class OneRosterCsvOptions(Options, frozen=True, kw_only=True):
    """Options of a OneRoster CSV connection."""

    path: Annotated[str, option("Folder or zip file", "Where the export lies on the machine that runs Rollbook.")]
    files: Annotated[
        Literal["declared", "bulk", "delta"],
        option("Kind of files", "As the manifest declares; or all files are the whole truth, or all are changes only."),
    ] = "declared"
    strict: Annotated[
        bool,
        option("Strict", "Leave a file unread that must be mended first: other encoding, delimiter, misspelt column."),
    ] = False
    max_gigabytes: Annotated[
        Gigabytes, option("Largest package", "Gigabytes that all files of a zip may hold when unpacked.")
    ] = 20.0
