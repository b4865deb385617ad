"""Compare: desired against the ledger, and against the live LMS where it was read → changes. Sends and holds nothing.

Every kind gets its rows in `changes_<kind>`; `reason` marks changes that a person must look at whatever their number
(moved, periods, staff_role, rekey, gone, extra, columns); the guard turns them into holds.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from rollbook.core.aside import load_aside
from rollbook.core.changes_table import create_tables, parent_columns
from rollbook.core.duck import Connection, count, quote, texts
from rollbook.core.ledger_files import PAIRS, columns, fields_json, is_deactivated, key_columns, key_text
from rollbook.core.pins import load_pins, note_pins, pin_accounts, pin_fields, pin_links
from rollbook.core.protocols import Progress
from rollbook.core.references import BY_ID
from rollbook.pipeline.columns import hold_newcomers
from rollbook.pipeline.conflicts import LINKED, SAME_USERNAME, link_decided, no_conflict
from rollbook.pipeline.enrollments import compare_enrollments
from rollbook.pipeline.frozen import freeze
from rollbook.pipeline.leavers import leave_and_return
from rollbook.pipeline.rekeys import REKEYED, hold_the_unsure, recognise, under_both_ids
from rollbook.pipeline.run_types import Scope, SetAside
from rollbook.pipeline.tables import statements
from rollbook.roster.lms import KEYS, KINDS, REKEY, UPDATE

#: Kinds that were mapped to an object people made: it is linked, never changed.
_OWN = {"building": "org:", "grading_period": "session:"}
#: What Rollbook goes by even where the LMS has nowhere to put it (decision 42): the ledger keeps up with these, and so
#: they make updates.
_GONE_BY = {
    "user": frozenset({"role", "building", "additional_buildings"}),
    "section": frozenset({"course", "grading_periods"}),
}
#: When a live object is the wanted one.
_SAME = {
    "building": """
        (starts_with(d.key, 'org:') AND v.code = d.code) OR d.key = 'id:' || v.lms_id OR d.key = 'code:' || v.code""",
    "grading_period": """
        (starts_with(d.key, 'session:') AND v.title = d.title AND v.start = d.start AND v."end" = d."end")
        OR d.key = 'id:' || v.lms_id OR d.key = 'title:' || v.title""",
    "course": "v.code = d.code OR (v.code = d.plain_code AND v.building = d.building)",
}


def compare(db: Connection, scope: Scope, progress: Progress) -> SetAside:
    """Fill the tables of changes for every kind, whatever the run's kinds are: parents are judged by them too. Returns
    what is set aside from now on: accounts and objects that the live LMS showed to be protected, inactive or deleted,
    so that runs which do not read it know them too (rules 11, 13, 23)."""
    create_tables(db)
    load_aside(db, scope.set_aside)
    _present(db, scope)
    named = dict(statements("compare"))
    load_pins(db, scope.pins)
    freeze(db, scope.settings, scope.year, complete=scope.read_whole)
    recognise(db, lambda statement: _run(db, statement, scope), complete=scope.complete)
    for done, kind in enumerate(KINDS):
        progress.update("plan", done, len(KINDS), kind)
        if kind != "enrollment":
            _name_adopted_parents(db, kind, scope)
            _effective(db, kind, scope)
            if scope.pins:
                pin_fields(db, kind)
            _difference(db, kind, scope)
    if count(db, "ledger_guardian_link"):
        _run(db, named["gone_links"], scope)
    compare_enrollments(db, lambda name: _run(db, named[name], scope), live="enrollment" in scope.live)
    if scope.pins:
        for kind in PAIRS:
            pin_links(db, kind, named[f"pinned_{kind}"].replace("$complete", str(scope.complete)))
        pin_accounts(db, complete=scope.complete)
    leave_and_return(db, scope)
    if scope.pins:
        note_pins(db)
    _mark(db, scope)
    return {kind: _set_aside(db, kind) for kind in scope.whole} | {
        kind: under_both_ids(db, kind, keys) for kind, keys in scope.set_aside.items() if kind not in scope.whole
    }


def _set_aside(db: Connection, kind: str) -> dict[str, list[Any]]:
    role = "CASE WHEN e.protected THEN e.role END" if kind == "user" else "NULL"
    rows = db.execute(f"""
        SELECT {key_text(kind, "e")}, e.deleted, e.inactive, e.protected, {role} FROM eff_{kind} e
        WHERE e.deleted OR e.inactive OR e.protected""").fetchall()
    return under_both_ids(db, kind, {key: flags for key, *flags in rows})


def _run(db: Connection, statement: str, scope: Scope) -> None:
    parameters: dict[str, Any] = {
        "complete": scope.complete,
        "year": str(scope.year) if scope.year else None,
        "today": scope.today,
        "exclusive": int(scope.settings.enrollments.end_dates == "exclusive"),
        "take_extras": scope.settings.enrollments.members == "sis",
        "give": scope.settings.live.missing_enrollments == "give",
        "guardians": scope.settings.users.guardians,
        "by_sourced_id": scope.settings.users.unique_id == "sourcedId",
    }
    statement = statement.replace("{unique_id}", f'"{scope.settings.users.unique_id}"')
    db.execute(statement, {name: value for name, value in parameters.items() if f"${name}" in statement})


def _present(db: Connection, scope: Scope) -> None:
    unique_id = f'"{scope.settings.users.unique_id}"'
    db.execute(f"""
        CREATE TABLE present_user AS SELECT {unique_id} AS unique_id, min(rowid)::INTEGER AS user_no
        FROM users WHERE NOT gone AND {unique_id} IS NOT NULL GROUP BY 1""")


# --- ledger and live, seen as one -------------------------------------------------------------------------------------


def _name_adopted_parents(db: Connection, kind: str, scope: Scope) -> None:
    """Live references to objects that this very run links: by their keys, as the ledger will know them tomorrow."""
    for name, parent in KINDS[kind].parents.items():
        if kind in scope.live and parent in BY_ID:
            one = f'coalesce(known["{name}"], "{name}")'
            many = f'list_sort(list_transform("{name}", lambda item: coalesce(known[item], item)))'
            db.execute(f"""
                UPDATE live_{kind} SET "{name}" = {many if KINDS[kind].fields[name] == KEYS else one}
                FROM (SELECT map(list('id:' || lms_id), list(key)) AS known FROM (
                    SELECT lms_id, min(key) AS key FROM eff_{parent} WHERE adopt GROUP BY lms_id)) k
                WHERE known IS NOT NULL""")


def _effective(db: Connection, kind: str, scope: Scope) -> None:
    """`eff_<kind>`: the ledger under today's keys, with the live values where they were read, plus what is there live
    under the wanted code and only needs linking (`adopt`)."""
    fields = KINDS[kind].fields
    ledger = _ledger_today(kind)
    live, whole = kind in scope.live, kind in scope.whole
    shown = texts(db, "SELECT field FROM live_fields WHERE kind = $kind", {"kind": kind}) if live else ()
    chosen = ", ".join(
        _as_shown(f) if live and f in shown else f'l."{f}" AS "{f}"' for f in fields if f not in PAIRS.get(kind, ())
    )
    if kind == "user" and not live:  # what Rollbook gave is not the role that an administrator has (rule 11)
        chosen = chosen.replace('l."role"', 'coalesce(CASE WHEN s.protected THEN s.role END, l."role")')
    keys = ", ".join(f'l."{column}"' for column in key_columns(kind))
    joined = f"LEFT JOIN live_{kind} v ON v.lms_id = l.lms_id" if live else ""
    known = f"coalesce(l.old_key, {key_text(kind, 'l')})"
    joined += f" LEFT JOIN set_aside s ON s.kind = '{kind}' AND s.key = {known}"
    ours = is_deactivated(kind, "l")  # by Rollbook, not by hand
    state = f"""
        coalesce(s.deleted, false) AS deleted, NOT {ours} AND coalesce(s.inactive, false) AS inactive,
        coalesce(s.protected, false) AS protected"""
    if whole:
        # Of sections only the wanted ones were asked for: dormant and hidden ones are not gone.
        asked = "l.key IN (SELECT key FROM desired_section)" if kind == "section" else "true"
        state = f"""
            CASE WHEN {asked} THEN l.lms_id IS NOT NULL AND v.lms_id IS NULL ELSE coalesce(s.deleted, false) END
            AS deleted, NOT {ours} AND NOT coalesce(v.active, true) AS inactive,
            coalesce(v.protected, false) AS protected"""
    parts = ", ".join(part for part in (keys, chosen) if part)
    db.execute(f"""
        CREATE TABLE eff_{kind} AS
        SELECT {parts}, l.lms_id, l.origin, l.school, l.year, {state}, false AS adopt, l.old_key, {ours} AS deactivated
        FROM ({ledger}) l {joined}""")
    if not live and scope.set_aside.get(kind):
        _keep_aside(db, kind)
    if kind in ("building", "grading_period") or live:
        _adopt(db, kind, scope)
    if kind == "user":
        link_decided(db, live=live, nowhere=_nowhere(scope, kind))


def _nowhere(scope: Scope, kind: str) -> frozenset[str]:
    """Fields that this LMS neither takes nor shows."""
    return scope.nowhere.get(kind, frozenset())


def _as_shown(field: str) -> str:
    """The live value, where the LMS shows it of this object (decision 43)."""
    shown = f"v.active AND NOT list_contains(v.unseen, '{field}')"
    return f'CASE WHEN {shown} THEN v."{field}" ELSE l."{field}" END AS "{field}"'


def _keep_aside(db: Connection, kind: str) -> None:
    """Accounts that were found inactive before they could be linked are not in the ledger, and yet no run that does not
    read the LMS may make them (rule 13)."""
    keys = ", ".join(f'd."{column}"' for column in key_columns(kind))
    db.execute(f"""
        INSERT INTO eff_{kind} BY NAME
        SELECT {keys}, d.school, d.year, 'adopted' AS origin, s.deleted, s.inactive, s.protected, true AS adopt
        FROM desired_{kind} d JOIN set_aside s ON s.kind = '{kind}' AND s.inactive AND s.key = {key_text(kind, "d")}
        WHERE s.key NOT IN (SELECT {key_text(kind, "e")} FROM eff_{kind} e)""")


def _ledger_today(kind: str) -> str:
    """The ledger with re-keyed records under their new keys, and references to them as well."""
    chosen = []
    joins = []
    for name in columns(kind):
        target = kind if name == "key" else KINDS[kind].parents.get(name)
        if target in REKEYED and columns(kind)[name] != KEYS:
            joins.append(f'LEFT JOIN rekey_{target} r_{name} ON r_{name}.old = l."{name}"')
            chosen.append(f'coalesce(r_{name}.new, l."{name}") AS "{name}"')
        else:
            chosen.append(f'l."{name}"')
    old = "CASE WHEN r_key.new IS NOT NULL THEN l.key END" if kind in REKEYED else "CAST(NULL AS VARCHAR)"
    return f"SELECT {', '.join(chosen)}, {old} AS old_key FROM ledger_{kind} l {' '.join(joins)}"


def _adopt(db: Connection, kind: str, scope: Scope) -> None:
    """Live objects under a wanted code that the ledger does not know: linked, not made (rule 10)."""
    match = _SAME.get(kind, "v.code = " + key_text(kind, "d"))
    if kind == "user" and not scope.codes_proven:
        match += f" AND {SAME_USERNAME}"
    keys = ", ".join(f'd."{column}"' for column in key_columns(kind))
    told = {name: "d" if name in _nowhere(scope, kind) else "v" for name in KINDS[kind].fields}
    fields = ", ".join(f'{whose}."{name}"' for name, whose in told.items() if name not in key_columns(kind))
    on = " AND ".join(f'e."{column}" = d."{column}"' for column in key_columns(kind))
    db.execute(f"""
        INSERT INTO eff_{kind} BY NAME
        SELECT {keys}, {fields + ", " if fields else ""} v.lms_id, 'adopted' AS origin, d.school, d.year,
               false AS deleted, NOT v.active AS inactive, v.protected, true AS adopt
        FROM desired_{kind} d JOIN live_{kind} v ON {match}
        WHERE NOT exists(SELECT 1 FROM eff_{kind} e WHERE {on})
          AND v.lms_id NOT IN (SELECT lms_id FROM eff_{kind} WHERE lms_id IS NOT NULL)
        QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY v.active DESC, v.code = {_code(kind)} DESC) = 1
          AND {_alone(kind, keys)}""")
    if kind == "course":  # its code is what upserts go by, so a linked course keeps the one it has (rule 16)
        db.execute("""
            UPDATE desired_course SET code = e.code FROM eff_course e WHERE e.adopt AND e.key = desired_course.key""")


def _alone(kind: str, keys: str) -> str:
    """One course of the LMS is one course of the SIS, though several may have its code."""
    if kind != "course":
        return "true"
    return f"row_number() OVER (PARTITION BY v.lms_id ORDER BY v.code = {_code(kind)} DESC, {keys}) = 1"


def _code(kind: str) -> str:
    return (
        "d.code" if kind in ("building", "course") else "d.title" if kind == "grading_period" else key_text(kind, "d")
    )


# --- differences ------------------------------------------------------------------------------------------------------


def _cases(db: Connection, kind: str) -> frozenset[str]:
    """Which cases there are among what is there: a comparison for a case that is not there costs as much as another."""
    cases = {
        "there": "true",
        "adopt": "adopt",
        "unknown": "origin = 'unknown'",
        "rekeyed": "old_key IS NOT NULL",
        "deleted": "deleted",
        "inactive": "inactive",
        "protected": "protected",
    }
    row = db.execute(f"SELECT {', '.join(f'bool_or({one})' for one in cases.values())} FROM eff_{kind}").fetchone()
    return frozenset(name for name, found in zip(cases, row or (), strict=True) if found)


def _difference(db: Connection, kind: str, scope: Scope) -> None:
    keys, cases = key_columns(kind), _cases(db, kind)
    on = " AND ".join(f'e."{column}" = d."{column}"' for column in keys)
    key = key_text(kind, "d")
    unheard = _nowhere(scope, kind) - _GONE_BY.get(kind, frozenset())
    fields = [name for name in KINDS[kind].fields if name not in keys and name not in unheard]
    differs = " OR ".join(f'{_wanted(kind, name)} IS DISTINCT FROM e."{name}"' for name in fields) or "false"
    if kind in _OWN:
        differs = f"starts_with(d.key, '{_OWN[kind]}') AND ({differs})"
    after, kept = _after(kind), _after(kind, beside_what_is_there=True)
    before = fields_json(kind, "e")
    parents = parent_columns(kind, "d")
    common = f"d.school, d.year, 'send' AS state {parents} FROM desired_{kind} d"
    joined = f"{common} JOIN eff_{kind} e ON {on} WHERE NOT e.inactive"
    own = f"starts_with({key}, '{_OWN[kind]}')" if kind in _OWN else "true"
    missing = f"'create' AS action, {key} AS key, {after} AS after, {common} ANTI JOIN eff_{kind} e ON {on}"
    free = no_conflict(db, live="user" in scope.live, proven=scope.codes_proven) if kind == "user" else "true"
    _add(db, kind, f"{missing} WHERE {own} AND {free}", key)
    linked = "d.key IN (SELECT key FROM linked)" if kind == "user" else "false"
    same = f"e.lms_id, {before} AS before, {before} AS after"
    if "adopt" in cases:
        _add(db, kind, f"'adopt' AS action, {key} AS key, {same}, {joined} AND e.adopt AND NOT {linked}", key)
    if "adopt" in cases and kind == "user":  # the account has to get our unique id first, and may have had none
        known = f"'id:' || e.lms_id AS key, {key} AS new_key, {same}, '{LINKED}' AS reason"
        _add(db, kind, f"'rekey' AS action, {known}, {joined} AND {linked}", key)
    if "unknown" in cases:
        _add(db, kind, f"'create' AS action, {key} AS key, {after} AS after, {joined} AND e.origin = 'unknown'", key)
    moved = "e.building IS DISTINCT FROM d.building" if kind == "course" else "false"  # held as such (rule 1)
    if kind in REKEYED and "rekeyed" in cases:
        rekey = (
            f"'rekey' AS action, e.old_key AS key, {key} AS new_key, e.lms_id, {before} AS before, {before} AS after"
        )
        _add(db, kind, f"{rekey}, 'rekey' AS reason, {joined} AND e.old_key IS NOT NULL AND NOT ({moved})", key)
    update = f"""
        'update' AS action, coalesce(e.old_key, {key}) AS key,
        CASE WHEN e.old_key IS NOT NULL THEN {key} END AS new_key"""
    rest = f"AND NOT e.deleted AND e.origin <> 'unknown' AND (e.old_key IS NULL OR {moved}) AND ({differs})"
    if "there" in cases:
        _add(db, kind, f"{update}, e.lms_id, {before} AS before, {kept} AS after, {joined} {rest}", key)
    _note(db, kind, on, cases)


def _add(db: Connection, kind: str, select: str, key: str) -> None:
    db.execute(f"INSERT INTO changes_{kind} BY NAME SELECT {select} ORDER BY d.school, {key}")


def _wanted(kind: str, name: str) -> str:
    """Protected accounts keep their role (rule 11)."""
    if kind == "user" and name == "role":
        return "CASE WHEN e.protected THEN e.role ELSE d.role END"
    return f'd."{name}"'


def _after(kind: str, *, beside_what_is_there: bool = False) -> str:
    values = {name: _wanted(kind, name) if beside_what_is_there else f'd."{name}"' for name in KINDS[kind].fields}
    fields = ", ".join(f'"{name}" := {value}' for name, value in values.items())
    return f"CAST(to_json(struct_pack({fields})) AS VARCHAR)"


def _note(db: Connection, kind: str, on: str, cases: Collection[str]) -> None:
    """Objects deleted by hand are listed, not made again (rule 23); buildings and periods are asked about (rule 2)."""
    key = key_text(kind, "d")
    gone = {"building": "BUILDING_GONE", "grading_period": "PERIOD_GONE"}.get(kind, "OBJECT_GONE")
    for code, case in ((gone, "deleted"), ("ACCOUNT_INACTIVE", "inactive"), ("ACCOUNT_PROTECTED", "protected")):
        if case in cases and (kind == "user" or case == "deleted"):
            db.execute(f"""
                INSERT INTO found BY NAME SELECT '{code}' AS code, '{kind}' AS collection, {key} AS id, d.school
                FROM desired_{kind} d JOIN eff_{kind} e ON {on} WHERE e.{case}""")
    if kind in _OWN and "deleted" in cases:
        _add(
            db,
            kind,
            f"""
            'create' AS action, {key} AS key, {_after(kind)} AS after, 'gone' AS reason, d.school, d.year,
            'send' AS state
            {parent_columns(kind, "d")} FROM desired_{kind} d JOIN eff_{kind} e ON {on}
            WHERE e.deleted AND starts_with(d.key, '{_OWN[kind]}')""",
            key,
        )


# --- what a person must look at ---------------------------------------------------------------------------------------


def _mark(db: Connection, scope: Scope) -> None:
    """Changes that are held whatever their number."""
    staff = ", ".join(quote(role) for role in sorted(scope.staff_roles)) or "''"
    listed = " UNION ALL ".join(f"SELECT DISTINCT '{kind}', action FROM changes_{kind}" for kind in REKEYED)
    there = set(db.execute(listed).fetchall())
    if ("user", UPDATE) in there:
        db.execute("""
            UPDATE changes_user SET reason = 'moved' FROM ledger_user l
            WHERE action = 'update' AND l.key = changes_user.key AND l.school = changes_user.school
              AND l.building <> p_building""")
        # A role that the LMS shows and that nobody knows may be a student's.
        shown = "exists(SELECT 1 FROM live_fields WHERE kind = 'user' AND field = 'role')"
        db.execute(f"""
            UPDATE changes_user SET reason = 'staff_role'
            WHERE action = 'update' AND (after->>'role') IN ({staff})
              AND coalesce((before->>'role') NOT IN ({staff}), {shown})""")
    if ("course", UPDATE) in there:
        db.execute("""
            UPDATE changes_course SET reason = 'moved'
            WHERE action = 'update' AND (before->>'building') <> p_building""")
    if ("section", UPDATE) in there and "grading_periods" not in _nowhere(scope, "section"):
        db.execute("""
            UPDATE changes_section SET reason = 'periods'
            WHERE action = 'update' AND (before->'grading_periods') <> (after->'grading_periods')""")
    for kind in REKEYED:
        if (kind, REKEY) in there:
            db.execute(f"""
                INSERT INTO found BY NAME SELECT 'REKEY_PROPOSED' AS code, '{kind}' AS collection, key AS id, school,
                new_key AS other FROM changes_{kind} WHERE action = 'rekey' AND reason IS DISTINCT FROM '{LINKED}'""")
    hold_the_unsure(db)
    hold_newcomers(db, scope.settings)


def matched_schools(db: Connection, kind: str) -> list[str]:
    """Schools of which something of this kind is wanted."""
    return [row[0] for row in db.execute(f"SELECT DISTINCT school FROM desired_{kind} ORDER BY 1").fetchall()]
