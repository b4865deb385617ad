"""The table of changes while a plan is being made: how it looks, and how states are told apart. Decides nothing.

`changes_<kind>` has one row a change: action, key, new_key (rekey and moves), school, year, lms_id, before and after
(JSON of all fields), parents (keys it needs, as `kind:key` is known from the column), state and reason. States: `send`
goes out; `held` waits for a person; `waiting` waits for a parent or for the end of a refusal's pause; `blocked` has a
parent that is neither in the ledger nor in the plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rollbook.core.duck import Connection
from rollbook.core.ledger_files import PAIRS
from rollbook.roster.lms import KINDS, Kind

SEND, HELD, WAITING, BLOCKED = "send", "held", "waiting", "blocked"

COLUMNS: Final = {
    "action": "VARCHAR",
    "key": "VARCHAR",
    "new_key": "VARCHAR",
    "school": "VARCHAR",
    "year": "VARCHAR",
    "lms_id": "VARCHAR",
    "before": "VARCHAR",
    "after": "VARCHAR",
    "state": "VARCHAR",
    "reason": "VARCHAR",
}


def create_tables(db: Connection, kinds: Mapping[str, Kind] = KINDS) -> None:
    """Make an empty `changes_<kind>` for every kind. Parents stand in columns of their own, so that a million
    enrollments are joined to their sections and users without taking JSON apart."""
    for kind, traits in kinds.items():
        declared = COLUMNS | {f"p_{field}": traits.fields[field] for field in traits.parents}
        db.execute(f"CREATE TABLE changes_{kind} ({', '.join(f'{name} {kind_}' for name, kind_ in declared.items())})")


def parent_columns(kind: str, alias: str) -> str:
    """`, alias."building" AS p_building …` for an INSERT BY NAME."""
    return "".join(f', {alias}."{field}" AS p_{field}' for field in KINDS[kind].parents)


def is_pair(kind: str) -> bool:
    """Kinds whose key is made of two other keys."""
    return kind in PAIRS
