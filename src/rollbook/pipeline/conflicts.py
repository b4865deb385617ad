"""Accounts of which nobody but a person can tell whose they are, and what people decided about them (rule 10). Makes
`linked`, `candidate_account`, `conflict` and `left_alone` for the comparison; sends nothing.

An account that was decided to be somebody's is theirs if it belongs to nobody else; two accounts are never merged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rollbook.core.duck import Connection, count, fill
from rollbook.core.protocols import ASK, LEAVE, LINK, Decision
from rollbook.roster.lms import KINDS

#: Stands as the reason at a change that links an account as decided; it is not held for that.
LINKED: Final = "linked"
#: Of a wanted and a live account: what people cannot change themselves, where they can change their unique id.
SAME_USERNAME: Final = "lower(v.username) = lower(d.username)"
_FIELDS: Final = tuple(KINDS["user"].fields)
_NOBODY_ELSES: Final = "v.lms_id NOT IN (SELECT lms_id FROM eff_user WHERE lms_id IS NOT NULL AND NOT adopt)"


def load_decisions(db: Connection, decisions: Sequence[Decision]) -> None:
    """`decided`: one row a person and account; a decision to ask again has no account."""
    rows = [(one.key, one.choice, lms_id) for one in decisions for lms_id in one.lms_ids or (None,)]
    fill(db, "decided", {"key": "VARCHAR", "choice": "VARCHAR", "lms_id": "VARCHAR"}, rows)


def decisions_open(db: Connection) -> bool:
    """Does a decision need a look at the live accounts, because its person is wanted and not yet known there?"""
    return bool(
        count(db, "decided")
        and count(
            db,
            "decided d SEMI JOIN desired_user w ON w.key = d.key ANTI JOIN ledger_user l ON l.key = d.key",
            f"d.choice IN ('{LINK}', '{ASK}')",
        )
    )


def link_decided(db: Connection, *, live: bool, nowhere: frozenset[str] = frozenset()) -> None:
    """Add to `eff_user` the accounts that were decided to be somebody's, to be linked. Not one that belongs, or by its
    unique id should belong, to somebody else, nor one that two decisions name. Of fields that the LMS has `nowhere`
    they have what is wanted."""
    db.execute("CREATE TABLE linked (key VARCHAR, lms_id VARCHAR)")
    if not live or not count(db, "decided"):
        return
    db.execute(f"""
        INSERT INTO linked
        SELECT d.key, d.lms_id FROM decided d
        SEMI JOIN desired_user w ON w.key = d.key
        ANTI JOIN eff_user e ON e.key = d.key
        JOIN live_user v ON v.lms_id = d.lms_id
        LEFT JOIN present_user p ON p.unique_id = v.code AND p.unique_id <> d.key
        WHERE d.choice = '{LINK}' AND p.unique_id IS NULL
          AND v.lms_id NOT IN (SELECT lms_id FROM eff_user WHERE lms_id IS NOT NULL)
        QUALIFY count(*) OVER (PARTITION BY d.lms_id) = 1""")
    # In which building it was is not ours to know before it is linked; the update that follows says where it shall be.
    unknown = {"building": "NULL", "additional_buildings": "CAST([] AS VARCHAR[])"}
    values = {name: f'd."{name}"' if name in nowhere else unknown.get(name, f'v."{name}"') for name in _FIELDS}
    fields = ", ".join(f'{value} AS "{name}"' for name, value in values.items())
    db.execute(f"""
        INSERT INTO eff_user BY NAME
        SELECT l.key, {fields}, l.lms_id, 'adopted' AS origin, d.school, d.year,
               false AS deleted, NOT v.active AS inactive, v.protected, true AS adopt, false AS deactivated
        FROM linked l JOIN desired_user d ON d.key = l.key JOIN live_user v ON v.lms_id = l.lms_id""")


def no_conflict(db: Connection, *, live: bool, proven: bool = True) -> str:
    """The SQL of who may get a new account: nobody whose username or e-mail exists under another unique id, and nobody
    about whom was decided as long as the live accounts cannot be asked. Where unique ids are not `proven`, nobody
    either whose unique id is on an account with another username."""
    _candidates(db, live=live, proven=proven)
    if not count(db, "candidate_account") and not count(db, "decided"):
        db.execute("CREATE TABLE conflict (key VARCHAR, school VARCHAR)")
        db.execute("CREATE TABLE left_alone (key VARCHAR, school VARCHAR)")
        return "true"
    db.execute(f"""
        CREATE TABLE conflict AS
        SELECT DISTINCT key, school FROM (
            SELECT c.key, c.school FROM candidate_account c
            ANTI JOIN decided d ON d.choice = '{LEAVE}' AND d.key = c.key AND d.lms_id = c.lms_id
            UNION ALL
            SELECT w.key, w.school FROM desired_user w
            SEMI JOIN decided d ON d.key = w.key AND (d.choice = '{LINK}' OR (d.choice = '{ASK}' AND NOT {live}))
            ANTI JOIN eff_user e ON e.key = w.key)""")
    db.execute(f"""
        CREATE TABLE left_alone AS
        SELECT DISTINCT w.key, w.school FROM desired_user w
        SEMI JOIN decided d ON d.key = w.key AND d.choice = '{LEAVE}'
        ANTI JOIN eff_user e ON e.key = w.key ANTI JOIN conflict c ON c.key = w.key
        WHERE NOT {live} OR w.key IN (SELECT key FROM candidate_account)""")
    db.execute("""
        INSERT INTO found BY NAME
        SELECT 'ACCOUNT_CONFLICT' AS code, 'user' AS collection, c.key AS id, any_value(c.school) AS school,
               'LMS account ' || string_agg(DISTINCT a.lms_id, ' and ' ORDER BY a.lms_id) AS other,
               any_value(CASE WHEN d.lms_id IS NOT NULL THEN
                   'account ' || d.lms_id || ' was decided on, and is not there or is somebody else''s' END) AS detail
        FROM conflict c LEFT JOIN candidate_account a ON a.key = c.key
        LEFT JOIN decided d ON d.key = c.key AND d.choice = 'link' GROUP BY c.key""")
    db.execute("""
        INSERT INTO found BY NAME
        SELECT 'ACCOUNT_LEFT' AS code, 'user' AS collection, l.key AS id, any_value(l.school) AS school,
               'LMS account ' || string_agg(DISTINCT d.lms_id, ' and ' ORDER BY d.lms_id) AS other
        FROM left_alone l JOIN decided d ON d.key = l.key GROUP BY l.key""")
    return "d.key NOT IN (SELECT key FROM conflict) AND d.key NOT IN (SELECT key FROM left_alone)"


def _candidates(db: Connection, *, live: bool, proven: bool) -> None:
    """Live accounts that may be those of somebody who has none: by what they are alike."""
    db.execute("""
        CREATE TABLE candidate_account (key VARCHAR, school VARCHAR, lms_id VARCHAR, alike VARCHAR)""")
    if not live or not count(db, "live_user"):
        return
    by = "SELECT d.key, d.school, v.lms_id, '{0}' AS alike FROM desired_user d JOIN live_user v ON {1} WHERE {2}"
    other = f"v.code IS DISTINCT FROM d.key AND {_NOBODY_ELSES}" if proven else _NOBODY_ELSES
    parts = [
        by.format(alike, same, other)
        for alike, same in (("username", SAME_USERNAME), ("e-mail", "lower(v.email) = lower(d.email)"))
    ]
    if not proven:
        parts.append(by.format("unique id", "v.code = d.key", _NOBODY_ELSES))
    db.execute(f"""
        INSERT INTO candidate_account
        SELECT t.key, any_value(t.school), t.lms_id, string_agg(t.alike, ' and ' ORDER BY t.alike DESC)
        FROM ({" UNION ALL ".join(parts)}) t ANTI JOIN eff_user e ON e.key = t.key
        GROUP BY t.key, t.lms_id""")
