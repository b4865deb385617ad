"""Names of schools, for those who decide about holds. Changes nothing but the holds it is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rollbook.core.duck import Connection
from rollbook.core.protocols import Hold


def name_schools(db: Connection, holds: Sequence[Hold]) -> list[Hold]:
    """The holds with the names of their schools: as the SIS has them, else as their buildings are called."""
    names = _names(db) if holds else {}
    return [replace(hold, school_name=names.get(hold.school or "", "")) for hold in holds]


def _names(db: Connection) -> dict[str, str]:
    found = "SELECT school, any_value(title) FROM ledger_building WHERE school IS NOT NULL GROUP BY 1"
    names = dict(db.execute(found).fetchall())
    staged = "SELECT 1 FROM duckdb_tables() WHERE table_name = 'orgs' AND database_name = current_database()"
    if db.execute(staged).fetchone():  # an undo reads no SIS
        names |= db.execute('SELECT "sourcedId", any_value(name) FROM orgs WHERE NOT gone GROUP BY 1').fetchall()
    return {school: name for school, name in names.items() if school and name}
