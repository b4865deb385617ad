"""Guard: what goes beyond a limit, or must be looked at by a person, is held; the rest goes on. Sends nothing.

Works on `changes_<kind>` before the plan is written: leaves out what the run does not cover, lets permits pass, makes
holds, and then tells children of what is not sent to wait.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from rollbook.core.changes_table import BLOCKED, HELD, SEND, WAITING
from rollbook.core.duck import Connection, count, fill, quote, small_scratch, write_parquet
from rollbook.core.protocols import Blobs, Hold, Permit, Refusal
from rollbook.core.references import BY_ID
from rollbook.core.stored import StoredPlan
from rollbook.errors import StalePlan
from rollbook.roster.lms import CREATE, DEACTIVATE, KEYS, KINDS, REMOVE, UPDATE, Kind
from rollbook.roster.settings import Limit, Limits

#: Changes by which an object that was there comes into the ledger.
_LINKS = "action = 'adopt' OR (action = 'rekey' AND reason = 'linked')"
#: What of a change a permit is bound to: the whole wanted side (rule 26).
DIGEST = "md5(coalesce(after, '') || coalesce(new_key, ''))"


@dataclass(frozen=True, kw_only=True)
class Guard:
    """What the guard goes by. `kinds` and `schools` (empty: all) are the run's scope. `shrunk` names (kind, school)
    pairs whose read has under half of the last complete one (rule 25). `grown`: a first full sync was done. `table` has
    the kinds that there are; `limited` are the (kind, action) pairs that limits hold for, None for all."""

    salt: str
    limits: Limits
    kinds: Sequence[str]
    schools: Sequence[str]
    year: str | None
    shrunk: frozenset[tuple[str, str]]
    grown: bool
    permits: Sequence[Permit]
    refusals: Sequence[Refusal]
    now: datetime
    retry_refused: bool = False
    table: Mapping[str, Kind] = field(default_factory=lambda: KINDS)
    limited: frozenset[tuple[str, str]] | None = None
    holds: list[Hold] = field(default_factory=list)


def guard(db: Connection, rules: Guard, blobs: Blobs) -> list[Hold]:
    """Set the state of every change; returns the holds."""
    _scope(db, rules)
    _permits(db, rules, blobs)
    _refused_before(db, rules)
    limits = {REMOVE: rules.limits.remove, DEACTIVATE: rules.limits.remove, UPDATE: rules.limits.update}
    limits |= {CREATE: rules.limits.create} if rules.grown else {}
    there = _what_there_is(db, rules.kinds)
    for kind in rules.kinds:
        numbers = {action: number for action, number, _ in there[kind]}
        if any(marked for _, _, marked in there[kind]):
            _hold_marked(db, kind, rules)
        if numbers:
            _hold_shrunk(db, kind, rules)
        for action, limit in limits.items():
            limited = rules.limited is None or (kind, action) in rules.limited
            if limited and numbers.get(action, 0) >= max(limit.from_, 1):
                _hold_above(db, kind, action, limit, rules)
    if "user" in rules.table:
        _wait_for_revival(db)
    wait_for_parents(db, rules.kinds, rules.table)
    return rules.holds


def _what_there_is(db: Connection, kinds: Sequence[str]) -> dict[str, list[tuple[str, int, int]]]:
    """By kind: each action, how many changes of it there are, and how many of those give a reason."""
    found: dict[str, list[tuple[str, int, int]]] = {kind: [] for kind in kinds}
    each = (f"SELECT '{kind}', action, count(*), count(reason) FROM changes_{kind} GROUP BY action" for kind in found)
    for kind, *numbers in db.execute(" UNION ALL ".join(each)).fetchall() if found else ():
        found[kind].append((numbers[0], numbers[1], numbers[2]))
    return found


def _scope(db: Connection, rules: Guard) -> None:
    """Leave out what the run does not cover, save what its own changes need: a term or course of several schools counts
    for the first of them, and a person of this school may have a second building (rules 5, 6)."""
    for kind in reversed(list(rules.table)):
        if kind not in rules.kinds:
            db.execute(f"DELETE FROM changes_{kind}")
        elif rules.schools:
            names = ", ".join(quote(school) for school in rules.schools)
            db.execute(f"DELETE FROM changes_{kind} WHERE school NOT IN ({names}) AND NOT ({_needed(kind)})")


def _needed(kind: str) -> str:
    """Is this parent needed by a change that is left of another kind?"""
    needs = [
        f"SELECT {'unnest' if child.fields[name] == KEYS else ''}(p_{name}) AS parent FROM changes_{child.name}"
        for child in KINDS.values()
        for name, parent in child.parents.items()
        if parent == kind and kind in BY_ID
    ]
    keys = f"SELECT parent FROM ({' UNION ALL '.join(needs)}) WHERE parent IS NOT NULL"
    return f"action IN ('create', 'adopt') AND key IN ({keys})" if needs else "false"


def _load_permits(db: Connection, permits: Sequence[Permit], blobs: Blobs) -> None:
    db.execute("CREATE TABLE permit (kind VARCHAR, key VARCHAR, action VARCHAR, digest VARCHAR)")
    for permit in permits:
        path = quote(blobs.get(permit.blob, "what hold " + permit.hold + " approved"))
        db.execute(f"INSERT INTO permit SELECT kind, key, action, digest FROM read_parquet({path})")


def check_permits(plan: StoredPlan, permits: Sequence[Permit], blobs: Blobs) -> None:
    """Raises StalePlan where a plan that was made earlier has changes that a person approved, and the approval has
    ended since (rule 26)."""
    with small_scratch() as db:
        _load_permits(db, permits, blobs)
        for kind, key in plan.files.items():
            path = quote(blobs.get(key, f"the plan of {kind}"))
            ended = db.execute(f"""
                SELECT 1 FROM (SELECT *, {DIGEST} AS digest FROM read_parquet({path})) c
                ANTI JOIN permit p ON p.kind = c.kind AND p.key = c.key AND p.action = c.action AND p.digest = c.digest
                WHERE c.state = '{SEND}' AND c.reason = 'permitted' LIMIT 1""").fetchone()
            if ended:
                raise StalePlan("an approval that this plan needs has ended since it was made; plan again")


def _permits(db: Connection, rules: Guard, blobs: Blobs) -> None:
    """Changes a person approved pass, if their wanted side is still what was approved."""
    _load_permits(db, rules.permits, blobs)
    for kind in rules.kinds if rules.permits else ():
        db.execute(f"""
            UPDATE changes_{kind} SET reason = 'permitted' FROM permit p
            WHERE p.kind = '{kind}' AND p.key = changes_{kind}.key AND p.action = changes_{kind}.action
              AND p.digest = {DIGEST}""")


def _refused_before(db: Connection, rules: Guard) -> None:
    """Rule 27: three runs, then weekly; a changed record is tried at once."""
    if rules.retry_refused:
        return
    paused = [(r.kind, r.key, r.digest) for r in rules.refusals if r.retry_from and r.retry_from > rules.now]
    fill(db, "paused", dict.fromkeys(("kind", "key", "digest"), "VARCHAR"), paused)
    for kind in {kind for kind, _, _ in paused} & set(rules.kinds):
        db.execute(f"""
            UPDATE changes_{kind} SET state = '{WAITING}', reason = 'refused_before' FROM paused p
            WHERE p.kind = '{kind}' AND p.key = changes_{kind}.key AND p.digest = {DIGEST}""")
        db.execute(f"""
            INSERT INTO found BY NAME SELECT 'REFUSED_BEFORE' AS code, '{kind}' AS collection, key AS id, school
            FROM changes_{kind} WHERE reason = 'refused_before'""")


def _hold_marked(db: Connection, kind: str, rules: Guard) -> None:
    rows = db.execute(f"""
        SELECT reason, action, school, count(*) FROM changes_{kind}
        WHERE reason IS NOT NULL AND reason NOT IN ('permitted', 'linked') AND state = '{SEND}'
        GROUP BY ALL ORDER BY ALL""").fetchall()
    for reason, action, school, number in rows:
        _hold(
            db,
            kind,
            rules,
            Hold(_id(rules, reason, kind, action, school), reason, kind, action, school, number, number),
        )


def _hold_shrunk(db: Connection, kind: str, rules: Guard) -> None:
    for shrunk_kind, school in sorted(rules.shrunk):
        for action in (REMOVE, DEACTIVATE) if shrunk_kind == kind else ():
            number = _count(db, kind, action, school)
            if number:
                hold = Hold(_id(rules, "shrank", kind, action, school), "shrank", kind, action, school, number, number)
                _hold(db, kind, rules, hold)


def _hold_above(db: Connection, kind: str, action: str, limit: Limit, rules: Guard) -> None:
    """Per school, then what is left for the whole organization (rule 25). Of updates the base is also what this very
    plan links: before the first sync nothing is in the ledger."""
    year = f"WHERE year = {quote(rules.year or '')}" if rules.table[kind].yearly else ""
    there_now = f"SELECT school FROM ledger_{kind} {year}"
    if action == UPDATE:
        there_now += f" UNION ALL SELECT school FROM changes_{kind} WHERE state = '{SEND}' AND ({_LINKS})"
    rows = db.execute(f"""
        SELECT c.school, c.n, coalesce(l.n, 0) FROM (
            SELECT school, count(*) AS n FROM changes_{kind}
            WHERE action = '{action}' AND state = '{SEND}' AND reason IS NULL GROUP BY school) c
        LEFT JOIN (SELECT school, count(*) AS n FROM ({there_now}) GROUP BY school) l
          ON l.school IS NOT DISTINCT FROM c.school ORDER BY 1""").fetchall()
    for school, number, there in rows:
        if _above(number, there, limit):
            hold = Hold(_id(rules, "limit", kind, action, school), "limit", kind, action, school, number, there)
            _hold(db, kind, rules, hold)
    left = _count(db, kind, action, None)
    total = db.execute(f"SELECT count(*) FROM ({there_now})").fetchone()
    if left and _above(left, total[0] if total else 0, limit):
        hold = Hold(
            _id(rules, "limit", kind, action, None), "limit", kind, action, None, left, total[0] if total else 0
        )
        _hold(db, kind, rules, hold)


def _above(number: int, there: int, limit: Limit) -> bool:
    return number >= limit.from_ and number * 100 > limit.percent * there


def _count(db: Connection, kind: str, action: str, school: str | None) -> int:
    where = f"action = '{action}' AND state = '{SEND}' AND reason IS NULL"
    if school is not None:
        where += f" AND school = {quote(school)}"
    row = db.execute(f"SELECT count(*) FROM changes_{kind} WHERE {where}").fetchone()
    return int(row[0]) if row else 0


def _id(rules: Guard, *parts: str | None) -> str:
    """The same cause gets the same id in every run, so that a later run refreshes a waiting hold."""
    text = "|".join([rules.salt, *(part or "" for part in parts)])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _hold(db: Connection, kind: str, rules: Guard, hold: Hold) -> None:
    reason = f"reason = {quote(hold.reason)}" if hold.reason not in ("limit", "shrank") else "reason IS NULL"
    school = f"AND school IS NOT DISTINCT FROM {quote(hold.school)}" if hold.school is not None else ""
    if hold.reason not in ("limit", "shrank") and hold.school is None:
        school = "AND school IS NULL"
    db.execute(f"""
        UPDATE changes_{kind} SET state = '{HELD}', reason = {quote(reason_of(hold.id))}
        WHERE state = '{SEND}' AND action = '{hold.action}' AND {reason} {school}""")
    rules.holds.append(replace(hold, digest=_content(db, hold)))


def _content(db: Connection, hold: Hold) -> str:
    """A digest of exactly these changes, whatever their order: a rejection holds for them and for no others."""
    row = db.execute(f"""
        SELECT count(*), bit_xor(md5_number(concat_ws('|', key, action, digest)))
        FROM ({_contents(hold)})""").fetchone()
    return f"{row[0]:x}-{row[1] or 0:x}" if row else ""


def _wait_for_revival(db: Connection) -> None:
    """An inactive account takes no update before it is revived, and gets no new key in the same plan."""
    db.execute(f"""
        UPDATE changes_user SET state = '{WAITING}', reason = 'user'
        WHERE state = '{SEND}' AND action IN ('update', 'rekey')
          AND key IN (SELECT coalesce(old_key, key) FROM eff_user WHERE deactivated)
          AND (action = 'rekey'
               OR key NOT IN (SELECT key FROM changes_user WHERE action = 'revive' AND state = '{SEND}'))""")


def wait_for_parents(db: Connection, kinds: Sequence[str], table: Mapping[str, Kind] = KINDS) -> None:
    """A change whose parent is not sent waits; one whose parent is nowhere is blocked, and the parent is named once."""
    changed = [kind for kind in table if kind in kinds and count(db, f"changes_{kind}")]
    parents = {parent for kind in changed for parent in table[kind].parents.values()}
    for kind in table:
        if kind in parents:
            _available(db, kind)
        if kind in changed:
            for name, parent in table[kind].parents.items():
                _judge(db, table[kind], name, parent)
            if kind in parents:
                _forget_unsent(db, kind)


def _available(db: Connection, kind: str) -> None:
    db.execute(f"""
        CREATE TABLE available_{kind} AS
        SELECT key FROM eff_{kind} WHERE NOT adopt AND NOT deleted AND NOT inactive AND old_key IS NULL
          AND NOT coalesce(deactivated, false)
        UNION SELECT coalesce(new_key, key) FROM changes_{kind}
        WHERE action NOT IN ('remove', 'deactivate') AND state = '{SEND}'""")
    db.execute(f"CREATE TABLE known_{kind} AS SELECT key FROM eff_{kind} UNION SELECT key FROM changes_{kind}")


def _judge(db: Connection, traits: Kind, name: str, parent: str) -> None:
    kind, many = traits.name, traits.fields[name] == KEYS
    wanted = f"unnest(p_{name})" if many else f"p_{name}"
    rekeys = ", 'rekey'" if parent == "course" else ""  # the ledger must know the course by its new id first
    found = db.execute(f"""
        CREATE OR REPLACE TABLE missing AS
        SELECT c.no, c.parent, k.key IS NOT NULL AS known
        FROM (SELECT rowid AS no, {wanted} AS parent FROM changes_{kind}
              WHERE state = '{SEND}' AND action IN ('create', 'update'{rekeys})) c
        ANTI JOIN available_{parent} a ON a.key = c.parent LEFT JOIN known_{parent} k ON k.key = c.parent
        WHERE c.parent IS NOT NULL""").fetchone()
    if found == (0,):
        return
    db.execute(f"""
        UPDATE changes_{kind} SET state = CASE WHEN m.known THEN '{WAITING}' ELSE '{BLOCKED}' END, reason = '{parent}'
        FROM (SELECT no, bool_and(known) AS known FROM missing GROUP BY no) m WHERE m.no = changes_{kind}.rowid""")
    db.execute(f"""
        INSERT INTO found BY NAME
        SELECT 'PARENT_NOT_SYNCED' AS code, '{parent}' AS collection, parent AS id, count(*) AS dependants,
               'needed by {kind}' AS detail FROM missing WHERE NOT known GROUP BY parent""")


def _forget_unsent(db: Connection, kind: str) -> None:
    """After the parents' verdict, what does not go out is not available to children either."""
    db.execute(f"""
        DELETE FROM available_{kind} WHERE key IN (
            SELECT coalesce(new_key, key) FROM changes_{kind}
            WHERE action IN ('create', 'rekey', 'revive') AND state <> '{SEND}')""")


def keep_holds(db: Connection, holds: Sequence[Hold], folder: Path, blobs: Blobs) -> dict[str, str]:
    """Write down what each hold holds, as a permit stores it; returns the blobs' keys by hold."""
    kept = {}
    for hold in holds:
        path = folder / f"hold-{hold.id}.parquet"
        write_parquet(db, _contents(hold), path)
        kept[hold.id] = blobs.put(path)
    return kept


def _contents(hold: Hold) -> str:
    return f"""
        SELECT '{hold.kind}' AS kind, key, action, {DIGEST} AS digest FROM changes_{hold.kind}
        WHERE state = '{HELD}' AND reason = {quote(reason_of(hold.id))}"""


def reason_of(hold: str) -> str:
    """What stands as the reason at each change that this hold holds."""
    return f"hold:{hold}"


def shrunk_since(now: Mapping[str, int], before: Mapping[str, int]) -> frozenset[str]:
    """Names whose count is under half of the last complete read, or nothing where there was something (rule 25)."""
    return frozenset(name for name, count in before.items() if count and now.get(name, 0) * 2 < count)
