"""Settle: plan × outcomes → a new ledger version. Runs for every run that sent anything, failed and cancelled ones too;
sends nothing itself."""

from __future__ import annotations

from pathlib import Path

from rollbook.core.duck import Connection, count, write_parquet
from rollbook.core.ledger_files import PAIRS, columns, key_columns, key_text
from rollbook.core.outcomes import all_done
from rollbook.core.people_files import write_people
from rollbook.core.protocols import Blobs, Ledger, Progress
from rollbook.core.stored import StoredPlan
from rollbook.roster.lms import KEYS, KINDS, REKEY, REMOVE, UPDATE

#: What the LMS holds now or may hold: an answer that was lost hides a creation, or the state of an account.
_LEFT_A_TRACE = """
    (o.status = 'done' OR (o.status = 'unknown' AND p.action IN ('create', 'deactivate', 'revive')))"""
_STATE = """
    max(CASE WHEN action NOT IN ('deactivate', 'revive') THEN NULL WHEN status = 'unknown' THEN 'unknown'
             WHEN action = 'deactivate' THEN 'yes' ELSE 'no' END) OVER same"""


def settle(db: Connection, plan: StoredPlan, ledger: Ledger, blobs: Blobs, folder: Path, progress: Progress) -> int:
    """Write the new ledger files and move the pointer; returns the current version. Needs the ledger views, the plan
    views and `outcome`. Nothing changed means no new version."""
    rekeyed, whole = _rekeys(db, plan), all_done(db, plan)
    files: dict[str, str] = {}
    for done, kind in enumerate(KINDS):
        progress.update("settle", done, len(KINDS), kind)
        references = set(KINDS[kind].parents.values()) & rekeyed
        actions = {group.action for group in plan.groups if group.kind == kind}
        acted = bool(actions) and (whole or _acted(db, kind))
        if not acted and not references:
            continue
        _put(db, kind, acted=acted, removed=REMOVE in actions)
        path = folder / f"ledger-{kind}.parquet"
        write_parquet(db, _new_ledger(kind), path)
        if kind == "user":
            files |= {name: blobs.put(made) for name, made in write_people(path, folder).items()}
        files[kind] = blobs.put(path)
    if not files:
        return ledger.current().number
    return ledger.advance(plan.ledger_version, files).number


def _rekeys(db: Connection, plan: StoredPlan) -> set[str]:
    """`renamed_<kind>` (old, new): keys that moved, for the rows that refer to them."""
    found: set[str] = set()
    for kind in ("user", "course", "section"):
        db.execute(f"CREATE OR REPLACE TABLE renamed_{kind} (old VARCHAR, new VARCHAR)")
        if any(group.kind == kind and group.action in (REKEY, UPDATE) for group in plan.groups):
            db.execute(f"""
                INSERT INTO renamed_{kind} SELECT key, new_key FROM plan_{kind} JOIN outcome USING (seq)
                WHERE status = 'done' AND new_key IS NOT NULL""")
            if count(db, f"renamed_{kind}"):
                found.add(kind)
    return found


def _acted(db: Connection, kind: str) -> bool:
    row = db.execute(f"""
        SELECT count(*) FROM plan_{kind} p JOIN outcome o USING (seq) WHERE {_LEFT_A_TRACE}""").fetchone()
    return bool(row and row[0])


def _put(db: Connection, kind: str, *, acted: bool, removed: bool) -> None:
    """`put` rows as the ledger has them, one per key, the last change of its fields winning; `taken` keys that are
    gone."""
    keys = ", ".join(f'"{column}"' for column in key_columns(kind))
    fields = KINDS[kind].fields
    db.execute("CREATE OR REPLACE TABLE taken (key VARCHAR)")
    if not acted:
        declared = ", ".join(f'"{name}" {kind_}' for name, kind_ in columns(kind).items())
        db.execute(f"CREATE OR REPLACE TABLE put ({declared})")
        return
    shape = ", ".join(f'"{name}": {_json_type(kind_)}' for name, kind_ in fields.items())
    own_key = "" if kind in PAIRS else "coalesce(new_key, key) AS key,"
    origin = "upserted" if kind in PAIRS else "created"
    state = f", {_STATE} AS deactivated" if kind == "user" else ""
    db.execute(f"""
        CREATE OR REPLACE TABLE put AS
        WITH acted AS (
            SELECT {own_key} unnest(from_json(after, '{{{shape}}}')), p.key AS old_key, p.action, p.school, p.year,
                   p.seq, p.reason,
                   o.status, coalesce(o.lms_id, p.lms_id) AS lms_id
            FROM plan_{kind} p JOIN outcome o USING (seq)
            WHERE p.action <> 'remove' AND {_LEFT_A_TRACE}
        )
        SELECT * EXCLUDE (old_key, action, seq, status, reason),
               max(old_key) OVER same AS old_key,
               max(CASE WHEN action = 'adopt' OR (action = 'rekey' AND reason = 'linked') THEN 'adopted'
                        WHEN action = 'create' AND status = 'unknown' THEN 'unknown'
                        WHEN action = 'create' THEN '{origin}' END) OVER same AS origin{state}
        FROM acted
        WINDOW same AS (PARTITION BY {keys})
        QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY action IN ('deactivate', 'revive'), seq DESC) = 1""")
    if removed:
        db.execute(f"""
            INSERT INTO taken SELECT key FROM plan_{kind} JOIN outcome USING (seq)
            WHERE action = 'remove' AND status = 'done'""")


def _json_type(kind: str) -> str:
    return '["VARCHAR"]' if kind == KEYS else f'"{kind}"'


def _new_ledger(kind: str) -> str:
    """The old rows under their present keys, less what was taken away or put anew, plus what was put."""
    names = list(columns(kind))
    chosen, joins = [], []
    for name in names:
        parent = kind if name == "key" else KINDS[kind].parents.get(name)
        if parent in ("user", "course", "section") and columns(kind)[name] == "VARCHAR":
            joins.append(f'LEFT JOIN renamed_{parent} r_{name} ON r_{name}.old = l."{name}"')
            chosen.append(f'coalesce(r_{name}.new, l."{name}") AS "{name}"')
        else:
            chosen.append(f'l."{name}"')
    on = " AND ".join(f'old."{column}" = put."{column}"' for column in key_columns(kind))
    order = ", ".join(f'"{column}"' for column in key_columns(kind))
    quoted = ", ".join(f'"{name}"' for name in names)
    fresh = ", ".join(
        {
            "origin": "coalesce(put.origin, old.origin) AS origin",
            "lms_id": "coalesce(put.lms_id, old.lms_id) AS lms_id",
            "deactivated": "nullif(coalesce(put.deactivated, old.deactivated), 'no') AS deactivated",
        }.get(name, f'put."{name}"')
        for name in names
    )
    return f"""
        WITH old AS (SELECT {", ".join(chosen)} FROM ledger_{kind} l {" ".join(joins)})
        SELECT {quoted} FROM (
            SELECT {quoted} FROM old ANTI JOIN put ON {on} ANTI JOIN taken t ON t.key = {key_text(kind, "old")}
            UNION ALL SELECT {fresh} FROM put LEFT JOIN old ON {on}
        ) ORDER BY school, {order}"""
