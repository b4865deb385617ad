"""Undo: the inversion of what a plan did, guarded by the ledger (rule 28). Plans only; it is sent like any plan."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rollbook.core.aside import Aside, load_aside
from rollbook.core.changes_table import create_tables
from rollbook.core.duck import Connection, count, quote
from rollbook.core.ledger_files import PAIRS, fields_json, is_deactivated, key_text
from rollbook.core.stored import StoredPlan
from rollbook.roster.grades import ALL_KINDS, GRADE_KINDS
from rollbook.roster.lms import KEYS, KINDS, plural
from rollbook.roster.reasons import ADOPTED, EMPTIED, KEPT, MOVED_ON, STAYS

_DONE = "if(p.action = 'rekey' AND p.reason = 'linked', 'adopt', p.action) AS done"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which part of a run is undone: of these org sourcedIds and unique ids (empty: all), of these kinds."""

    kinds: Sequence[str]
    schools: Sequence[str] = ()
    persons: Sequence[str] = ()


def invert(db: Connection, plan: StoredPlan, wanted: Wanted, staff: frozenset[str] = frozenset()) -> dict[str, int]:
    """Fill `changes_<kind>` with the inverse of what was done; returns, in words, what cannot be undone or moved on.

    Needs the ledger views, the plan views, `outcome` and `set_aside`. A field goes back only where the ledger still
    equals the plan's `after`; every record that moved on is a finding. What was made stays: users, courses, sections,
    periods and buildings are never deleted. What people deleted or deactivated by hand stays so, and protected accounts
    keep their role. `staff` are roles; what always waits for a person is marked for the guard.
    """
    create_tables(db)
    notes: dict[str, int] = {}
    for kind in _kinds(plan, wanted):
        _did(db, kind, wanted)
        if KINDS[kind].removable:
            _take_back(db, kind)
        _put_back(db, kind, staff)
        if kind == "user":
            _turn_accounts(db)
        _fill_parents(db, kind)
        notes |= _stays(kind, _done(db, kind, wanted)) | _conflicts(db, kind)
    return notes


def needs_rows(plan: StoredPlan, wanted: Wanted) -> bool:
    """Must rows be looked at to tell how much was done? If not, the plan's groups and the spans are enough."""
    some = wanted.schools or wanted.persons
    return bool(some) or any(group.action == "rekey" and group.kind in wanted.kinds for group in plan.groups)


def done(
    db: Connection, plan: StoredPlan, wanted: Wanted, spans: Sequence[tuple[int, int, str]]
) -> dict[str, dict[str, int]]:
    """How much of the wanted part was done, by kind and action. `spans` (first seq, last seq, status) come in their
    order, without overlap. Where it `needs_rows`, needs the plan views, and `span` filled with the same spans."""
    if wanted.schools or wanted.persons:
        kinds = {kind: _done_of_part(db, kind, wanted) for kind in _kinds(plan, wanted)}
    else:
        well = [(first, last) for first, last, status in spans if status == "done"]
        kinds = _done_of_all(db, plan, _kinds(plan, wanted), well)
    return {kind: counts for kind, counts in kinds.items() if counts}


def _done_of_all(
    db: Connection, plan: StoredPlan, kinds: Sequence[str], well: Sequence[tuple[int, int]]
) -> dict[str, dict[str, int]]:
    """Groups of a plan lie together: no row needs to be looked at, save those whose reason counts."""
    found: dict[str, dict[str, int]] = {kind: {} for kind in kinds}
    for group in plan.groups:
        if group.kind not in kinds:
            continue
        if group.action == "rekey":
            counts = _done_of_part(db, group.kind, Wanted(kinds=kinds), "p.action = 'rekey'")
        else:
            counts = {group.action: _inside(well, group.first_seq, group.first_seq + group.count - 1)}
        for action, number in counts.items():
            if number:
                found[group.kind][action] = found[group.kind].get(action, 0) + number
    return found


def _inside(ranges: Sequence[tuple[int, int]], start: int, end: int) -> int:
    """How many numbers of these ranges lie between two numbers, both included."""
    found = 0
    for first, last in ranges[bisect_left(ranges, start, key=lambda one: one[1]) :]:
        if first > end:
            break
        found += min(last, end) - max(first, start) + 1
    return found


def _done_of_part(db: Connection, kind: str, wanted: Wanted, more: str = "true") -> dict[str, int]:
    rows = db.execute(f"""
        SELECT {_DONE}, count(*)
        FROM (FROM plan_{kind} p WHERE {_of_part(kind, wanted)} AND {more}) p ASOF JOIN span s ON p.seq >= s.first
        WHERE p.seq <= s.last AND s.status = 'done' GROUP BY ALL ORDER BY ALL""").fetchall()
    return dict(rows)


def stays(done: Mapping[str, Mapping[str, int]], *, sis_deletes: bool = True) -> dict[str, int]:
    """In words, what an undo of what was done cannot take back. `sis_deletes`: the SIS takes away what grades made."""
    found = {words: number for kind, counts in done.items() for words, number in _stays(kind, counts).items()}
    for kind, words in (("category", KEPT), *(() if sis_deletes else (("line_item", KEPT), ("result", EMPTIED)))):
        if made := done.get(kind, {}).get("create", 0):
            found[words % {"list": plural(kind)}] = made
    return found


def show_parents(db: Connection, aside: Aside) -> None:
    """`set_aside`, and `eff_<kind>`: what is there, as the guard asks for it when it judges parents."""
    load_aside(db, aside)
    for kind in KINDS.keys() - PAIRS.keys():
        db.execute(f"""
            CREATE TABLE eff_{kind} AS
            SELECT l.key, false AS adopt, coalesce(s.deleted, false) AS deleted,
                   coalesce(s.inactive, false) AS inactive, CAST(NULL AS VARCHAR) AS old_key,
                   {is_deactivated(kind, "l")} AS deactivated
            FROM ledger_{kind} l LEFT JOIN set_aside s ON s.kind = '{kind}' AND s.key = l.key""")


def _kinds(plan: StoredPlan, wanted: Wanted) -> list[str]:
    return [kind for kind in ALL_KINDS if kind in plan.files and kind in wanted.kinds]


def _done(db: Connection, kind: str, wanted: Wanted) -> dict[str, int]:
    """An account that a person linked was found in the LMS, as adopted ones are."""
    rows = db.execute(f"""
        SELECT {_DONE}, count(*)
        FROM plan_{kind} p JOIN outcome o ON o.seq = p.seq AND o.status = 'done'
        WHERE {_of_part(kind, wanted)} GROUP BY ALL ORDER BY ALL""").fetchall()
    return dict(rows)


def _of_part(kind: str, wanted: Wanted) -> str:
    """Does the row `p` of a plan belong to the wanted part?"""
    where = ["true"]
    if wanted.schools:
        where.append(f"p.school IN ({', '.join(map(quote, wanted.schools))})")
    if wanted.persons:
        people = f"[{', '.join(map(quote, wanted.persons))}]"
        columns = [
            f"coalesce(p.after, p.before)->>'{name}'" for name, of in ALL_KINDS[kind].parents.items() if of == "user"
        ]
        columns += ["coalesce(p.after, p.before)->>'student'"] if kind == "result" else []
        columns += ["p.key", "p.new_key"] if kind == "user" else []
        where.append(" OR ".join(f"list_contains({people}, {column})" for column in columns) or "false")
    return " AND ".join(f"({condition})" for condition in where)


def _did(db: Connection, kind: str, wanted: Wanted) -> None:
    """`did`: what was done of the wanted part, beside what the ledger says now."""
    db.execute(f"""
        CREATE OR REPLACE TABLE did AS
        SELECT p.*, l.fields AS now, l.deactivated, coalesce(s.deleted, false) AS deleted,
               coalesce(s.inactive, false) AND NOT coalesce(l.deactivated, false) AS inactive,
               coalesce(s.protected, false) AS protected, s.role AS kept_role
        FROM plan_{kind} p JOIN outcome o ON o.seq = p.seq AND o.status = 'done'
        LEFT JOIN set_aside s ON s.kind = '{kind}' AND s.key = coalesce(p.new_key, p.key)
        LEFT JOIN (SELECT {key_text(kind, "l")} AS key, {fields_json(kind, "l")} AS fields,
                          {is_deactivated(kind, "l")} AS deactivated FROM ledger_{kind} l) l
          ON l.key = coalesce(p.new_key, p.key)
        WHERE {_of_part(kind, wanted)}""")


def _take_back(db: Connection, kind: str) -> None:
    """What was given is taken back, what was taken away is given again."""
    common = "key, school, year, lms_id, fields AS after, 'send' AS state"
    db.execute(f"""
        INSERT INTO changes_{kind} BY NAME SELECT 'remove' AS action, fields AS before, {common}
        FROM (SELECT *, after AS fields FROM did WHERE action = 'create' AND now = after) ORDER BY school, key""")
    db.execute(f"""
        INSERT INTO changes_{kind} BY NAME SELECT 'create' AS action, {common}
        FROM (SELECT *, before AS fields FROM did WHERE action = 'remove' AND now IS NULL) ORDER BY school, key""")


def _put_back(db: Connection, kind: str, staff: frozenset[str]) -> None:
    """Updates and re-keys, backwards: each field that is still as the plan left it, the others as they are now."""
    fields = ", ".join(
        f"'{name}', CASE WHEN {_kept(kind, name)} THEN coalesce(to_json(kept_role), now->'{name}')"
        f" WHEN {_text('now', name)} IS NOT DISTINCT FROM {_text('after', name)}"
        f" THEN before->'{name}' ELSE now->'{name}' END"
        for name in KINDS[kind].fields
    )
    db.execute(f"""
        INSERT INTO changes_{kind} BY NAME
        SELECT action, coalesce(new_key, key) AS key, CASE WHEN new_key IS NOT NULL THEN key END AS new_key, school,
               year, lms_id, now AS before, back AS after, 'send' AS state, {_reason(kind, staff)} AS reason
        FROM (SELECT *, CAST(json_object({fields}) AS VARCHAR) AS back FROM did
              WHERE action IN ('update', 'rekey') AND now IS NOT NULL AND reason IS DISTINCT FROM 'linked')
        WHERE (back <> now OR new_key IS NOT NULL) AND NOT deleted AND NOT inactive ORDER BY school, key""")


def _kept(kind: str, name: str) -> str:
    """Rollbook never changes the role of a protected account (rule 11)."""
    return "protected" if kind == "user" and name == "role" else "false"


def _turn_accounts(db: Connection) -> None:
    """Deactivated accounts are revived and the other way round, where they still are as the plan left them."""
    for action, done, was in (("revive", "deactivate", "true"), ("deactivate", "revive", "false")):
        left, back = (
            f"CAST(json_merge_patch(now, '{{\"active\": {state}}}') AS VARCHAR)" for state in ("false", "true")
        )
        before, after = (left, back) if action == "revive" else (back, left)
        db.execute(f"""
            INSERT INTO changes_user BY NAME
            SELECT '{action}' AS action, key, school, lms_id, {before} AS before, {after} AS after, 'send' AS state
            FROM did WHERE action = '{done}' AND now IS NOT NULL AND deactivated = {was} ORDER BY school, key""")


def _reason(kind: str, staff: frozenset[str]) -> str:
    """What waits for a person whatever its number, in an undo too (rules 1, 11, 17); a move only where the move itself
    had to be approved."""
    cases = ["WHEN action = 'rekey' THEN 'rekey'"]
    if kind == "user":
        roles = ", ".join(map(quote, sorted(staff))) or "''"
        cases.append(f"WHEN (back->>'role') IN ({roles}) AND (now->>'role') NOT IN ({roles}) THEN 'staff_role'")
        cases.append("WHEN reason = 'permitted' AND (back->>'building') <> (now->>'building') THEN 'moved'")
    if kind == "course":
        cases.append("WHEN (back->>'building') <> (now->>'building') THEN 'moved'")
    if kind == "section":
        cases.append(f"WHEN {_text('back', 'grading_periods')} <> {_text('now', 'grading_periods')} THEN 'periods'")
    return f"CASE {' '.join(cases)} END"


def _fill_parents(db: Connection, kind: str) -> None:
    """The keys that the changes need, as columns."""
    for name in KINDS[kind].parents:
        many = KINDS[kind].fields[name] == KEYS
        value = f"from_json(after->'{name}', '[\"VARCHAR\"]')" if many else f"after->>'{name}'"
        db.execute(f"UPDATE changes_{kind} SET p_{name} = {value}")


def _stays(kind: str, done: Mapping[str, int]) -> dict[str, int]:
    if kind in GRADE_KINDS:
        return {}
    made = 0 if KINDS[kind].removable else done.get("create", 0)
    several = plural(kind)
    found = {
        STAYS % {"list": several}: made,
        ADOPTED % {"list": several}: done.get("adopt", 0),
    }
    return {words: number for words, number in found.items() if number}


def _conflicts(db: Connection, kind: str) -> dict[str, int]:
    """Records that moved on, as findings that name the fields. What is back already is no conflict."""
    fields = [f"CASE WHEN {_moved_on(kind, name)} THEN '{name}' END" for name in KINDS[kind].fields]
    db.execute(f"""
        CREATE OR REPLACE TABLE moved_on AS SELECT * FROM (
            SELECT coalesce(new_key, key) AS key, school, CASE
                WHEN action IN ('update', 'rekey', 'deactivate', 'revive') AND (now IS NULL OR deleted)
                THEN 'not there any more'
                WHEN action IN ('update', 'rekey') AND inactive THEN 'deactivated by hand'
                WHEN action IN ('update', 'rekey') THEN nullif(concat_ws(', ', {", ".join(fields)}), '')
                WHEN action = 'create' AND {str(KINDS[kind].removable).lower()} AND now <> after THEN 'given otherwise'
                WHEN action = 'remove' AND now <> before THEN 'given otherwise' END AS detail FROM did)
        WHERE detail IS NOT NULL""")
    db.execute(f"""
        INSERT INTO found BY NAME
        SELECT 'UNDO_CONFLICT' AS code, '{kind}' AS collection, key AS id, school, detail FROM moved_on ORDER BY key""")
    number = count(db, "moved_on")
    return {MOVED_ON % {"list": plural(kind)}: number} if number else {}


def _moved_on(kind: str, name: str) -> str:
    """Did the plan change this field, and is it neither as it was before nor, unless it is kept, as the plan left
    it?"""
    before, after, now = (_text(side, name) for side in ("before", "after", "now"))
    moved = f"({now} IS DISTINCT FROM {after} OR {_kept(kind, name)})"
    return f"({before} IS DISTINCT FROM {after} AND {moved} AND {now} IS DISTINCT FROM {before})"


def _text(side: str, name: str) -> str:
    return f"CAST({side}->'{name}' AS VARCHAR)"
