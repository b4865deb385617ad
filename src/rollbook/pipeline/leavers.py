"""Leavers: accounts of people who have been gone from the SIS for long enough, and of those who came back (rule 13).

An option, off by default. Only accounts in the ledger, only after whole and undoubted reads, never what is frozen,
excluded, pinned or may only have a new id. Plans deactivations and revivals; sends nothing, deletes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import cast

import msgspec

from rollbook.connectors.base import Target, TellsAccounts
from rollbook.core.duck import Connection, count, fill, quote, texts
from rollbook.core.ledger_files import fields_json
from rollbook.core.pins import ACCOUNT
from rollbook.pipeline.run_types import Scope
from rollbook.roster.changes import LiveRecord

_LIVE = {"key": "VARCHAR", "lms_id": "VARCHAR", "active": "BOOLEAN", "protected": "BOOLEAN"}
#: People whom a pin of an undo concerns: somebody has looked at them and decided.
_PINNED = """
    SELECT CASE kind WHEN 'user' THEN key WHEN 'enrollment' THEN split_part(key, '|', 2) END FROM pin
    WHERE NOT ended AND kind IN ('user', 'enrollment')"""

#: Everybody in classes of which the SIS lists an enrollment of nobody knows whom.
_IN_DANGLING_CLASSES = """
    SELECT "user" FROM ledger_enrollment WHERE section IN (
        SELECT key FROM ledger_section WHERE spelled(key) IN (SELECT section_spelled FROM dangling WHERE "user" IS NULL)
    )"""


def read_leavers(db: Connection, target: Target, scope: Scope) -> None:
    """`due` and `live_leaver`: who is, and how the LMS has their accounts, read afresh, so that one that
    people deactivated, made an administrator or put in another's place is left alone."""
    due = _due(scope) if scope.leaving and "user" in scope.kinds else []
    fill(db, "due", {"key": "VARCHAR"}, [(key,) for key in due])
    unique_id = f'"{scope.settings.users.unique_id}"'
    asked = due and texts(
        db, f"SELECT key FROM due ANTI JOIN users u ON NOT u.gone AND u.{unique_id} = due.key ORDER BY 1"
    )
    records: Iterable[LiveRecord] = ()
    if asked and target.traits.users_by_id:
        records = _by_account(db, cast(TellsAccounts, target), asked, unique_id)
    elif asked:
        records = target.read("user", within=asked)
    fill(db, "live_leaver", _LIVE, [(each.code, each.lms_id, each.active, each.protected) for each in records])


def _by_account(db: Connection, target: TellsAccounts, asked: Sequence[str], unique_id: str) -> Iterator[LiveRecord]:
    """The accounts that the ledger has for people, whatever unique id they have given these; not one that has somebody
    else's, and may be theirs by now."""
    fill(db, "asked_leaver", {"key": "VARCHAR"}, [(key,) for key in asked], temporary=True)
    rows = db.execute("SELECT lms_id, key FROM ledger_user SEMI JOIN asked_leaver USING (key) WHERE lms_id IS NOT NULL")
    owners = dict(rows.fetchall())
    others = (
        f"SELECT 1 FROM ledger_user WHERE key = $1 UNION ALL SELECT 1 FROM users WHERE NOT gone AND {unique_id} = $1"
    )
    for record in target.accounts(list(owners)):
        key = owners[record.lms_id]
        if record.code in (None, key) or db.execute(f"{others} LIMIT 1", [record.code]).fetchone() is None:
            yield msgspec.structs.replace(record, code=key)


def leave_and_return(db: Connection, scope: Scope) -> None:
    """Fill `changes_user` with deactivations and revivals, and `gone_since` with what the next run must know. Needs the
    changes of the other kinds and `live_leaver`."""
    columns = {"key": "VARCHAR", "since": "VARCHAR"}
    fill(db, "known_gone", columns, list(scope.gone_since.items()))
    _leavers(db, scope)
    _count_days(db, scope)
    _name_what_stays(db, scope)
    if scope.deactivates and count(db, "live_leaver"):
        _deactivate(db)
    if scope.deactivates and count(db, "eff_user", "deactivated"):
        _revive(db)


def gone_since(db: Connection, scope: Scope) -> dict[str, str] | None:
    """Since which day of the organization each leaver has been gone; None where nobody asked for it."""
    if scope.settings.users.deactivate_after is None:
        return None
    return dict(db.execute("SELECT key, since FROM gone_since ORDER BY key").fetchall())


def _due(scope: Scope) -> list[str]:
    days = scope.settings.users.deactivate_after
    if days is None:
        return []
    last = scope.today - timedelta(days=days)
    return [key for key, since in scope.gone_since.items() if date.fromisoformat(since) <= last]


def _leavers(db: Connection, scope: Scope) -> None:
    """`leaver`: accounts whose people are gone for certain. Whoever is simply not listed any more is not gone while an
    enrollment of theirs is, or while somebody in the SIS has no unique id: it could be anybody."""
    if not scope.leaving:
        db.execute("CREATE TABLE leaver (key VARCHAR, school VARCHAR, lms_id VARCHAR)")
        return
    unique_id = f'"{scope.settings.users.unique_id}"'
    db.execute(f"""
        CREATE TABLE leaver AS
        SELECT l.key, l.school, l.lms_id FROM ledger_user l SEMI JOIN school s ON s.org = l.school
        ANTI JOIN present_user p ON p.unique_id = l.key
        WHERE l.origin IN ('created', 'adopted') AND coalesce(l.deactivated, 'unknown') = 'unknown'
          AND l.school NOT IN ({_names(_shrunk(scope))})
          AND l.key NOT IN (SELECT key FROM frozen_user)
          AND l.key NOT IN (SELECT old FROM rekey_user UNION ALL SELECT old FROM unsure_user)
          AND l.key NOT IN (SELECT key FROM eff_user WHERE key IS NOT NULL AND (deleted OR inactive OR protected))
          AND l.key NOT IN ({_PINNED})
          AND (l.key IN (SELECT {unique_id} FROM users WHERE gone AND {unique_id} IS NOT NULL)
               OR (spelled(l.key) NOT IN (SELECT user_spelled FROM dangling WHERE user_spelled IS NOT NULL)
                   AND l.key NOT IN ({_IN_DANGLING_CLASSES})
                   AND NOT exists(SELECT 1 FROM users WHERE NOT gone AND {unique_id} IS NULL)))""")


def _count_days(db: Connection, scope: Scope) -> None:
    """`gone_since`: a day counts from the first read that showed the person gone. What a read does not tell for certain
    neither begins nor ends the count; only being there ends it."""
    if not scope.leaving and not scope.gone_since:
        db.execute("CREATE TABLE gone_since (key VARCHAR, since VARCHAR)")
        return
    schools = _names(_shrunk(scope))
    untold = f"k.key IN (SELECT key FROM ledger_user WHERE school IN ({schools}))" if scope.leaving else "true"
    db.execute(f"""
        CREATE TABLE gone_since AS
        SELECT l.key, coalesce(k.since, {quote(scope.today.isoformat())}) AS since
        FROM leaver l LEFT JOIN known_gone k ON k.key = l.key
        UNION ALL
        SELECT k.key, k.since FROM known_gone k ANTI JOIN present_user p ON p.unique_id = k.key
        WHERE k.key NOT IN (SELECT key FROM leaver) AND {untold}""")


def _deactivate(db: Connection) -> None:
    """Who is due, and has nothing left that waits to be taken away: an inactive account could not lose it."""
    after, before = (fields_json("user", "l", active=value) for value in ("false", "true"))
    db.execute(f"""
        INSERT INTO changes_user BY NAME
        SELECT 'deactivate' AS action, l.key, l.school, v.lms_id, {before} AS before, {after} AS after, 'send' AS state
        FROM ledger_user l SEMI JOIN leaver USING (key) JOIN live_leaver v ON v.key = l.key
        WHERE l.key IN (SELECT key FROM due) AND v.active AND NOT v.protected
          AND coalesce(l.lms_id, v.lms_id) = v.lms_id
          AND l.key NOT IN (SELECT p_user FROM changes_enrollment WHERE action = 'remove')
          AND l.key NOT IN (SELECT p_student FROM changes_guardian_link WHERE action = 'remove')
          AND l.key NOT IN (SELECT p_guardian FROM changes_guardian_link WHERE action = 'remove')
        ORDER BY l.school, l.key""")


def _revive(db: Connection) -> None:
    """Who is back and wanted gets the account back that Rollbook deactivated, unless an undo keeps it so. Somebody who
    seems to be back under a new id is looked at first."""
    before, after = (fields_json("user", "e", active=value) for value in ("false", "true"))
    db.execute(f"""
        INSERT INTO changes_user BY NAME
        SELECT 'revive' AS action, coalesce(e.old_key, e.key) AS key, d.school, e.lms_id, {before} AS before,
               {after} AS after, 'send' AS state, CASE WHEN e.old_key IS NOT NULL THEN 'rekey' END AS reason
        FROM eff_user e JOIN desired_user d ON d.key = e.key
        WHERE e.deactivated AND NOT e.deleted AND coalesce(e.old_key, e.key) NOT IN (
            SELECT key FROM pin WHERE kind = 'user' AND field = '{ACCOUNT}' AND value = 'false' AND NOT ended)
        ORDER BY d.school, e.key""")


def _name_what_stays(db: Connection, scope: Scope) -> None:
    """Accounts that people reactivated stay so; an LMS that cannot do it is named once."""
    if "user" in scope.whole:
        db.execute("""
            INSERT INTO found BY NAME
            SELECT 'ACCOUNT_REACTIVATED' AS code, 'user' AS collection, l.key AS id, l.school
            FROM ledger_user l JOIN live_user v ON v.lms_id = l.lms_id AND v.active
            ANTI JOIN present_user p ON p.unique_id = l.key WHERE l.deactivated = 'yes'""")
    wanted = scope.settings.users.deactivate_after is not None and "user" in scope.kinds
    if wanted and not scope.deactivates:
        db.execute("""
            INSERT INTO found BY NAME SELECT 'DEACTIVATION_UNSUPPORTED' AS code, 'user' AS collection""")


def _shrunk(scope: Scope) -> list[str]:
    return sorted({school for _, school in scope.shrunk})


def _names(keys: Sequence[str]) -> str:
    """A list for SQL's IN, which may not be empty."""
    return ", ".join(quote(key) for key in keys) or "''"
