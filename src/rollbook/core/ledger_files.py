"""The ledger's files: what Rollbook put into the LMS, one Parquet file a kind. Says how they look; moves no pointer.

A row is an object that Rollbook gave or adopted. `origin` tells how it got there: created, upserted (sent blind, so it
may have been there before), adopted (was there: linked, so never taken away), unknown (sent, the answer was lost: ours
until read). `school` is the SIS org it counts for, `year` the active year of yearly kinds.
An account that Rollbook has deactivated says so in `deactivated`: yes, or unknown where an answer was lost (rule 13).
"""

from __future__ import annotations

from typing import Final

from rollbook.core.duck import Connection, quote
from rollbook.core.protocols import Blobs, LedgerVersion
from rollbook.roster.lms import KINDS

CREATED, UPSERTED, ADOPTED, UNKNOWN_ORIGIN = "created", "upserted", "adopted", "unknown"

#: Kinds whose key is a pair of other keys; it is not stored a second time.
PAIRS: Final = {"enrollment": ("section", "user"), "guardian_link": ("student", "guardian")}

#: A file of at most so many bytes is read once, into a table: to open it for every query takes longer than the query.
_SMALL: Final = 64_000

META: Final = {"lms_id": "VARCHAR", "origin": "VARCHAR", "school": "VARCHAR", "year": "VARCHAR"}


def columns(kind: str) -> dict[str, str]:
    """Column names and DuckDB types of a kind's ledger file."""
    key = {} if kind in PAIRS else {"key": "VARCHAR"}
    return key | dict(KINDS[kind].fields) | META | ({"deactivated": "VARCHAR"} if kind == "user" else {})


def key_columns(kind: str) -> tuple[str, ...]:
    """The columns that identify a row."""
    return PAIRS.get(kind, ("key",))


def key_text(kind: str, alias: str) -> str:
    """The key as one SQL text: `a|b` for pairs."""
    return " || '|' || ".join(f'{alias}."{column}"' for column in key_columns(kind))


def fields_json(kind: str, alias: str, **more: str) -> str:
    """The fields of a row as a JSON text, absent values left out by their readers; `more` are further SQL values."""
    fields = {name: f'{alias}."{name}"' for name in KINDS[kind].fields} | more
    packed = ", ".join(f'"{name}" := {value}' for name, value in fields.items())
    return f"CAST(to_json(struct_pack({packed})) AS VARCHAR)"


def is_deactivated(kind: str, alias: str) -> str:
    """Has Rollbook deactivated this row's account, for all it knows?"""
    return f"({alias}.deactivated IS NOT NULL)" if kind == "user" else "false"


def load(db: Connection, version: LedgerVersion, blobs: Blobs) -> None:
    """Make `ledger_<kind>` for every kind, a view or, of little, a table; empty where the ledger has nothing."""
    for kind in KINDS:
        declared = columns(kind)
        nothing = ", ".join(f'CAST(NULL AS {kind_type}) AS "{name}"' for name, kind_type in declared.items())
        nothing = f"SELECT {nothing} WHERE false"
        if kind in version.files:
            path = blobs.get(version.files[kind], f"the ledger of {kind}")
            source = f"read_parquet({quote(path)})"
            if kind in ("user", "section"):  # older files lack the columns of deactivation, and of a section's dates
                source = f"({nothing} UNION ALL BY NAME FROM {source})"
            chosen = ", ".join(f'"{name}"' for name in declared)
            made = "TABLE" if path.stat().st_size <= _SMALL else "VIEW"
            db.execute(f"CREATE OR REPLACE {made} ledger_{kind} AS SELECT {chosen} FROM {source}")
        else:
            typed = ", ".join(f'"{name}" {kind_type}' for name, kind_type in declared.items())
            db.execute(f"CREATE OR REPLACE TABLE ledger_{kind} ({typed})")
