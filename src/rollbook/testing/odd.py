"""Odd records by the thousand, as Hypothesis strategies: what real systems have sent, and what none would."""

from __future__ import annotations

from typing import Any, Final

from hypothesis import strategies as st

from rollbook.roster.changes import Change
from rollbook.roster.lms import ACTIONS, KEYS, KINDS
from rollbook.roster.oneroster import COLLECTIONS
from rollbook.testing.builders import change

#: Values that have broken importers: scripts, markup, formulas, broken dates, numbers as text, line breaks, NULs.
AWKWARD: Final = (
    "", " ", "\0", "\n", "a\r\nb", "a,b", '"', "'; DROP TABLE users; --", "<script>alert(1)</script>", "=1+1",
    "Zoë", "Ångström", "李小龍", "محمد", "🎓 Algebra", "e\u0301", "\u202eabc", "2026-02-30", "1/05/2023", "TRUE",
    "null", "None", "-1", "1e400", "x" * 5000, "ext:somethingElse", "toBeDeleted", "a|b", "*",
)  # fmt: skip

texts = st.sampled_from(AWKWARD) | st.text(st.characters(codec="utf-8"), max_size=30)
#: Any JSON value.
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def records(collection: str) -> st.SearchStrategy[list[Any]]:
    """Pages of records of a collection: mostly objects with its columns and odd values, some no objects at all. JSON
    names of OneRoster REST appear beside those of CSV, as either may be a connector's wire."""
    names = [*COLLECTIONS[collection].columns, "sourcedId", "roles", "orgs", "org", "school", "class", "user", "grades"]
    record = st.dictionaries(st.sampled_from(sorted(set(names))), json_values, max_size=8)
    return st.lists(record | json_values, max_size=4)


def changes(kind: str, role: str) -> st.SearchStrategy[Change]:
    """A create or update of a kind with odd texts in every field; parents are named but unknown."""
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for name, type_ in KINDS[kind].fields.items():
        fields[name] = st.lists(texts, max_size=2) if type_ == KEYS else st.none() | texts
    if kind == "enrollment":
        fields["admin"] = st.booleans()
    if kind == "user":
        fields["role"] = st.just(role)
    made = [action for action in ACTIONS if action in ("create", "update")]
    return st.builds(
        lambda key, after, action: change(kind, key, after, action), texts.filter(bool), st.fixed_dictionaries(fields),
        st.sampled_from(made),
    )  # fmt: skip
