"""Doubts: what was read without an error and is still not believed, for it is far less than before. Removes nothing.

A key that suddenly sees less gives whole, correct answers. Schools that vanish from the list of orgs stop all removals,
as a read that broke off does. A collection, or a kind of LMS objects, that shrank holds the run, so that
somebody looks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from rollbook.core.duck import Connection, count, texts
from rollbook.pipeline.run_types import Request
from rollbook.roster.changes import UNKNOWN
from rollbook.roster.lms import KINDS
from rollbook.roster.oneroster import COLLECTIONS
from rollbook.roster.reasons import because
from rollbook.roster.settings import SKIP, school_value

#: Of so few records, most may well be gone.
_FEW = 10
#: A collection that stays small is believed after a while.
_BELIEVED_AFTER = timedelta(days=7)


@dataclass
class Doubts:
    """`incomplete` says by collection why nothing may be taken for gone, `shrunk` by collection or kind what is far
    smaller than it was; `learned` are facts to remember after a complete read."""

    incomplete: dict[str, str] = field(default_factory=dict)
    shrunk: dict[str, str] = field(default_factory=dict)
    learned: dict[str, Any] = field(default_factory=dict)


def look(db: Connection, request: Request, facts: Mapping[str, Any], year: int | None, *, whole: bool) -> Doubts:
    """Compare this read with the last complete one of the same year; what is doubted becomes a finding. Where not
    everything was read `whole`, less is no wonder."""
    found = Doubts()
    if not whole:
        return found
    hidden = _hidden_schools(db, request, facts, year)
    if hidden:
        name = "school_hidden" if len(hidden) == 1 else "schools_hidden"
        found.incomplete["orgs"] = because(name, number=len(hidden))
    _collections(db, request, facts, year, found)
    _as_findings(db, "SOURCE_INCOMPLETE", found.incomplete, hidden)
    _as_findings(db, "SOURCE_SHRANK", found.shrunk)
    return found


def unread_lines(db: Connection) -> dict[str, str]:
    """Collections of which not even every line could be read: their records may be anybody's, so nobody is gone."""
    rows = db.execute("""
        SELECT f.collection, count(*), min(f.line), first(coalesce(p.name, f.file, f.collection) ORDER BY f.line)
        FROM found f LEFT JOIN pages p ON p.page = f.page WHERE f.code = 'STAGE_BAD_LINE' GROUP BY 1""").fetchall()
    return {
        name: because("line" if number == 1 else "lines", number=number, line=line, file=file)
        for name, number, line, file in rows
    }


def look_live(db: Connection, doubts: Mapping[str, str], found: Doubts) -> None:
    """Add what a comparison with the live LMS doubts."""
    found.shrunk |= doubts
    _as_findings(db, "LIVE_SHRANK", doubts)
    db.execute(f"""
        INSERT INTO found BY NAME
        SELECT 'ACCOUNT_UNREAD' AS code, 'user' AS collection, coalesce(l.key, v.lms_id) AS id, l.school
        FROM live_user v LEFT JOIN ledger_user l ON l.lms_id = v.lms_id
        WHERE v.active AND len(v.unseen) = {len(KINDS["user"].fields)}""")  # only that it is there (decision 43)


def unclear(db: Connection, lms: str) -> dict[str, str]:
    """Changes that the LMS answered, as often as it was asked, without saying what became of them. A lost answer has no
    code: as a rule the work was done, and the next run sees to it."""
    row = db.execute(f"SELECT count(*) FROM outcome WHERE status = '{UNKNOWN}' AND code IS NOT NULL").fetchone()
    number = row[0] if row else 0
    if not number:
        return {}
    return {"answers": because("unclear_one" if number == 1 else "unclear", lms=lms, number=number)}


def _hidden_schools(db: Connection, request: Request, facts: Mapping[str, Any], year: int | None) -> list[str]:
    """Mapped schools of the last complete read of which the list of orgs says nothing any more, not even that they are
    to be deleted: closed without a word, or out of the key's sight."""
    before = {name.split("|", 1)[1] for name in facts.get(f"counts:{year}") or {}}
    if not before:
        return []
    before &= set(texts(db, "SELECT school FROM ledger_user UNION SELECT school FROM ledger_section"))
    shown = set(texts(db, 'SELECT DISTINCT "sourcedId" FROM orgs WHERE "sourcedId" IS NOT NULL'))
    return sorted(one for one in before - shown if school_value(request.settings, one) != SKIP)


def _collections(db: Connection, request: Request, facts: Mapping[str, Any], year: int | None, found: Doubts) -> None:
    """Which collections hold under half of what they held, and since when."""
    before: Mapping[str, list[Any]] = facts.get(f"totals:{year}") or {}
    totals: dict[str, list[Any]] = {}
    for name in COLLECTIONS:
        number = count(db, name, "NOT gone")
        then, since = before.get(name) or [number, None]
        totals[name] = [number, None]
        if then < _FEW or number * 2 >= then:
            continue
        since = since or request.now.isoformat()
        if request.now - datetime.fromisoformat(since) < _BELIEVED_AFTER:
            totals[name] = [then, since]
            found.shrunk[name] = because("sis_shrank", number=number, list=name, before=then)
    found.learned[f"totals:{year}"] = totals


def _as_findings(db: Connection, code: str, words: Mapping[str, str], schools: Sequence[str | None] = (None,)) -> None:
    for name, detail in words.items():
        for school in schools:
            db.execute(
                "INSERT INTO found (code, collection, id, school, detail) VALUES (?, ?, ?, ?, ?)",
                [code, name, school, school, detail],
            )
