"""What earlier comparisons with the live LMS left alone, as runs and undos that do not read it know it (rules 11, 13,
23). Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rollbook.core.duck import Connection, fill

#: kind → key → (deleted, inactive, protected, role), as JSON keeps it; the role is that of a protected account, and
#: what older versions kept has none.
Aside = Mapping[str, Mapping[str, Sequence[Any]]]
FLAGS: Final = ("deleted", "inactive", "protected")
_COLUMNS: Final = {"kind": "VARCHAR", "key": "VARCHAR", **dict.fromkeys(FLAGS, "BOOLEAN"), "role": "VARCHAR"}


def load_aside(db: Connection, aside: Aside) -> None:
    """`set_aside`: a row for each object."""
    rows = [
        (kind, key, *flags[:3], (*flags[3:], None)[0]) for kind, keys in aside.items() for key, flags in keys.items()
    ]
    fill(db, "set_aside", _COLUMNS, rows)
