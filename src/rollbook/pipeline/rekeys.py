"""Rekeys: the same people, courses and classes under new ids, told by what they have in common. Sends nothing.

One to one, the best evidence first. Where two fit, neither is taken; then nothing is removed or made unseen either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from rollbook.core.duck import Connection, count, texts
from rollbook.pipeline.tables import statements

#: What pairs an old record with a new one, by kind; the courses' pairs are needed for the sections'.
_EVIDENCE: Final = {
    "user": ("same_name", "true"),
    "course": (
        "moved",
        "same_code AND same_title",
        "same_code",
        "same_title AND same_classes",
        "same_title AND NOT moved",
    ),
    "section": (
        "sure AND same_people AND same_title AND same_periods",
        "sure AND same_people AND same_title",
        "sure AND same_title AND same_room",
        "sure AND same_title",
        "sure AND same_people AND same_periods",
        "sure AND same_people",
    ),
}
#: What is told of each pair.
_TOLD: Final = {
    "user": ("same_name",),
    "course": ("moved", "same_code", "same_title", "same_classes"),
    "section": ("sure", "same_title", "same_room", "same_periods", "same_people"),
}
REKEYED: Final = tuple(_EVIDENCE)


def recognise(db: Connection, run: Callable[[str], None], *, complete: bool) -> None:
    """Fill `rekey_<kind>` (old, new: the same record) and `unsure_<kind>` (could be the same, nobody can tell: two fit,
    or the old one may only not have been read). `run` executes a statement with the comparison's parameters."""
    named = dict(statements("rekeys"))
    for kind in REKEYED:
        if count(db, f"ledger_{kind}"):
            run(named[f"pair_{kind}"])
        else:  # nothing old, so no pairs
            told = ", ".join(f"{name} BOOLEAN" for name in _TOLD[kind])
            db.execute(f"CREATE TABLE pair_{kind} (old VARCHAR, new VARCHAR, school VARCHAR, {told})")
        if kind == "course" and count(db, "pair_course"):
            run(named["evidence_course"])
        if kind == "section":
            _people(db, run, named["evidence_section"])
        _pair(db, kind, complete=complete)
    if count(db, "rekey_course"):
        db.execute("""
            UPDATE desired_course SET code = l.code
            FROM pair_course p JOIN rekey_course r ON r.old = p.old AND r.new = p.new
            JOIN ledger_course l ON l.key = p.old
            WHERE NOT p.moved AND p.new = desired_course.key""")
    _name_the_unsure(db)


def _people(db: Connection, run: Callable[[str], None], statement: str) -> None:
    if count(db, "pair_section"):
        run(statement)
        db.execute("""
            UPDATE pair_section SET same_people = c.same_people FROM people_in_common c
            WHERE c.old = pair_section.old AND c.new = pair_section.new""")
        db.execute("""
            DELETE FROM pair_section USING people_in_common c
            WHERE c.old = pair_section.old AND c.new = pair_section.new AND c.other_people""")
        db.execute("DELETE FROM pair_section WHERE NOT (same_title OR same_people)")


def _pair(db: Connection, kind: str, *, complete: bool) -> None:
    db.execute(f"CREATE TABLE rekey_{kind} (old VARCHAR, new VARCHAR)")
    free = f"old NOT IN (SELECT old FROM rekey_{kind}) AND new NOT IN (SELECT new FROM rekey_{kind})"
    evidences = _EVIDENCE[kind] if complete else ("moved",) if kind == "course" else ()
    for evidence in evidences if count(db, f"pair_{kind}") else ():
        db.execute(f"""
            INSERT INTO rekey_{kind} SELECT old, new FROM pair_{kind} WHERE ({evidence}) AND {free}
            QUALIFY count(*) OVER (PARTITION BY old) = 1 AND count(*) OVER (PARTITION BY new) = 1""")
    moved = "AND NOT moved" if kind == "course" else ""
    db.execute(f"CREATE TABLE unsure_{kind} AS SELECT old, new, school FROM pair_{kind} WHERE {free} {moved}")


def _unsure(db: Connection) -> list[str]:
    """Kinds of which something could be the same."""
    each = (f"SELECT '{kind}' WHERE exists(FROM unsure_{kind})" for kind in REKEYED)
    return texts(db, " UNION ALL ".join(each))


def _name_the_unsure(db: Connection) -> None:
    for kind in _unsure(db):
        db.execute(f"""
            INSERT INTO found BY NAME
            SELECT 'REKEY_UNCLEAR' AS code, '{kind}' AS collection, old AS id, any_value(school) AS school,
                   array_to_string(list(new ORDER BY new)[1:5], ', ') AS other
            FROM unsure_{kind} GROUP BY old""")


def hold_the_unsure(db: Connection) -> None:
    """Records that may be old ones under new ids are not made, and nobody loses a place in what may go on under a new
    id, before a person has looked."""
    unsure = _unsure(db)
    for kind in unsure:
        db.execute(f"""
            UPDATE changes_{kind} SET reason = 'rekey'
            WHERE action = 'create' AND key IN (SELECT new FROM unsure_{kind})""")
    if "section" in unsure or "user" in unsure:
        db.execute("""
            UPDATE changes_enrollment SET reason = 'rekey'
            WHERE action = 'remove' AND (p_section IN (SELECT old FROM unsure_section)
                                         OR p_user IN (SELECT old FROM unsure_user))""")
        db.execute("""
            UPDATE changes_guardian_link SET reason = 'rekey'
            WHERE action = 'remove' AND p_guardian IN (SELECT old FROM unsure_user)""")


def under_both_ids(db: Connection, kind: str, keys: Mapping[str, Sequence[Any]]) -> dict[str, list[Any]]:
    """Nobody knows on which day a rename is done: until the next look at the LMS both ids count."""
    renamed = db.execute(f"SELECT old, new FROM rekey_{kind}").fetchall() if kind in REKEYED and keys else []
    both = {**keys, **{new: keys[old] for old, new in renamed if old in keys}}
    both |= {old: both[new] for old, new in renamed if new in both}
    return {key: list(flags) for key, flags in both.items()}
