"""Baselines: how many records each school had on the last complete read, to notice one that shrank (rule 25)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rollbook.core.duck import Connection
from rollbook.core.guard import shrunk_since
from rollbook.core.protocols import Hold
from rollbook.pipeline.run_types import Scope
from rollbook.roster.lms import KINDS

#: Accounts too: what leaves them is being deactivated (rule 13).
_REMOVABLE = tuple(kind for kind, traits in KINDS.items() if traits.removable or kind == "user")


def counts(db: Connection, year: int | None) -> dict[str, int]:
    """Records per "collection|school" in this read: users, classes and enrollments of the active year."""
    rows = db.execute(
        """
        SELECT 'users', org, count(DISTINCT user_no) FROM belongs GROUP BY org
        UNION ALL
        SELECT 'classes', c."schoolSourcedId", count(DISTINCT t.class_no)
        FROM class_terms t JOIN classes c ON c.rowid = t.class_no WHERE t.year = $year AND NOT c.gone GROUP BY 2
        UNION ALL
        SELECT 'enrollments', c."schoolSourcedId", sum(p.teachers + p.students)::BIGINT
        FROM class_people p JOIN classes c ON c.rowid = p.class_no
        SEMI JOIN (SELECT class_no FROM class_terms WHERE year = $year) t ON t.class_no = p.class_no GROUP BY 2""",
        {"year": year},
    ).fetchall()
    return {f"{collection}|{school}": number for collection, school, number in rows if school is not None}


def shrunk(now: Mapping[str, int], facts: Mapping[str, Any], year: int | None) -> frozenset[tuple[str, str]]:
    """(kind, school) pairs whose removals must be looked at."""
    before = facts.get(f"counts:{year}") or {}
    schools = {name.split("|", 1)[1] for name in shrunk_since(now, before)}
    return frozenset((kind, school) for kind in _REMOVABLE for school in schools)


def learn(
    now: Mapping[str, int],
    holds: Sequence[Hold],
    facts: Mapping[str, Any],
    scope: Scope,
    *,
    whole: bool,
) -> dict[str, Any]:
    """Facts for the next run; `whole` tells that it covered every school. A school that shrank keeps its old baseline
    until its held removals are decided."""
    learned: dict[str, Any] = {}
    if scope.complete:
        waiting = {hold.school for hold in holds if hold.reason == "shrank"}
        if not (whole and set(_REMOVABLE) <= set(scope.kinds)):  # nobody was asked about what shrank
            waiting |= {school for _, school in shrunk(now, facts, scope.year)}
        before = facts.get(f"counts:{scope.year}") or {}
        kept = {name: number for name, number in before.items() if name.split("|", 1)[1] in waiting}
        learned[f"counts:{scope.year}"] = {**now, **kept}
    if whole and set(scope.kinds) == set(KINDS) and not facts.get("first_full_sync"):
        learned["first_full_sync"] = True
    return learned
