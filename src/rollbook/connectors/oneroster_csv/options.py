"""What an admin tells Rollbook about a OneRoster CSV export. Declares only; opens nothing."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta

from rollbook.connectors.kit import Options, option

Gigabytes = Annotated[float, Meta(gt=0, le=1000)]
Port = Annotated[int, Meta(ge=1, le=65535)]
Seconds = Annotated[float, Meta(ge=1, le=600)]

#: Which files are read or written, of this machine or of which other one. Whoever could empty `host` would make a
#: folder of this machine of a path that is one of another host.
FILES_OPTIONS: Final = frozenset({"path", "grades_path", "host", "port", "user", "password", "private_key", "host_key"})


class OneRosterCsvOptions(Options, frozen=True, kw_only=True):
    """Options of a OneRoster CSV connection."""

    path: Annotated[
        str,
        option(
            "Folder or zip file",
            "Where the export lies: on the machine that runs Rollbook, or on the SFTP host where one is named; there, "
            "of several files that match a pattern such as `/out/oneroster-*.zip`, the newest is read. `upload:` reads "
            "what was uploaded last on the page Files.",
        ),
    ]
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
    grades_path: Annotated[
        str,
        option(
            "Grades folder or zip file",
            "Where line items and results are written for the SIS, on the machine that runs Rollbook: a folder of "
            "Rollbook's own, or a file that ends in `.zip`. `{class}` in it makes one for each class.",
        ),
    ] = ""
    time_zone: Annotated[
        str, option("Time zone", "In which the SIS reads the dates of line items, such as America/New_York.")
    ] = "UTC"
    host: Annotated[str | None, option("SFTP host", "Name of the host from which the export is fetched over SFTP.")] = (
        None
    )
    port: Annotated[Port, option("SFTP port", "Port of the SFTP host.")] = 22
    user: Annotated[str, option("SFTP user", "Name with which Rollbook signs in to the SFTP host.")] = ""
    password: Annotated[
        str | None, option("SFTP password", "Password of that user; or give a private key.", secret=True)
    ] = None
    private_key: Annotated[
        str | None, option("SFTP private key", "The whole text of a private key without a passphrase.", secret=True)
    ] = None
    host_key: Annotated[
        str | None,
        option(
            "SFTP host key",
            "Public key of the host, such as `ssh-ed25519 AAAA…`. The page Files asks the host for it and shows its "
            "fingerprint; compare that with what the owner of the host tells you. Another key is never trusted.",
        ),
    ] = None
    timeout: Annotated[
        Seconds, option("SFTP time-out", "Seconds of silence after which the SFTP host is given up.")
    ] = 30.0
