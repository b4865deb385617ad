"""Summary: counts, times and findings of a run, in the shape people read. Changes nothing."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rollbook.core.changes_table import BLOCKED, HELD, SEND, WAITING
from rollbook.core.duck import Connection, count, fill, quote
from rollbook.core.found import FINDING_COLUMNS
from rollbook.core.stored import COUNTS
from rollbook.roster.findings import BLOCKS, FINDINGS
from rollbook.roster.lms import ACTIONS, KINDS

#: Of people those who wait for a person's decision, or were left without an account by one, are not unchanged.
_DESIRED = {
    "enrollment": "want_enrollment",
    "user": "desired_user WHERE key NOT IN (SELECT key FROM conflict UNION ALL SELECT key FROM left_alone)",
}
_READ = {
    "building": "SELECT count(*) FROM desired_building",
    "grading_period": "SELECT count(*) FROM desired_grading_period",
    "user": "SELECT count(*) FROM users WHERE NOT gone",
    "guardian_link": "SELECT count(*) FROM desired_guardian_link",
    "course": "SELECT count(*) FROM courses WHERE NOT gone",
    "section": "SELECT count(*) FROM classes WHERE NOT gone",
    "enrollment": "SELECT count(*) FROM enrollments WHERE NOT gone",
}
_BLOCKED = {
    "user": """
        SELECT (SELECT count(*) FROM users WHERE NOT gone AND rowid IN (SELECT no FROM blocked_users))
             + (SELECT count(*) FROM conflict)""",
    "course": "SELECT count(*) FROM blocked_courses",
    "section": "SELECT count(*) FROM classes WHERE NOT gone AND rowid IN (SELECT no FROM blocked_classes)",
    "enrollment": """
        SELECT count(*) FROM enrollments e WHERE NOT gone AND (
            class_no IS NULL OR user_no IS NULL OR class_no IN (SELECT no FROM blocked_classes)
            OR user_no IN (SELECT no FROM blocked_users) OR "sourcedId" IN (SELECT id FROM blocked_enrollments))""",
}


_STUDENTS = "SELECT DISTINCT user_no FROM belongs WHERE role = 'student'"
_TEACHERS = "SELECT DISTINCT user_no FROM belongs WHERE role = 'teacher'"
_ENROLLED = "SELECT user_no FROM enrollments WHERE NOT gone AND user_no IS NOT NULL"
_TAUGHT = """
    SELECT e.user_no FROM enrollments e JOIN class_people p USING (class_no)
    WHERE NOT e.gone AND e.user_no IS NOT NULL AND p.teachers > 0"""
_PEOPLED = "SELECT class_no FROM class_people WHERE"
_LIVE_CLASSES = "SELECT count(*) FROM classes WHERE NOT gone"
_SANITY = {
    "students without grade": f"""
        SELECT count(*) FROM ({_STUDENTS}) s JOIN users u ON u.rowid = s.user_no
        WHERE coalesce(len(u.grades), 0) = 0""",
    "students without enrollment": f"SELECT count(*) FROM ({_STUDENTS}) WHERE user_no NOT IN ({_ENROLLED})",
    "students without teacher": f"SELECT count(*) FROM ({_STUDENTS}) WHERE user_no NOT IN ({_TAUGHT})",
    "teachers without enrollment": f"SELECT count(*) FROM ({_TEACHERS}) WHERE user_no NOT IN ({_ENROLLED})",
    "classes without period": f"{_LIVE_CLASSES} AND coalesce(len(periods), 0) = 0",
    "classes without student": f"{_LIVE_CLASSES} AND rowid NOT IN ({_PEOPLED} students > 0)",
    "classes without teacher": f"{_LIVE_CLASSES} AND rowid NOT IN ({_PEOPLED} teachers > 0)",
    "courses without class": """
        SELECT count(*) FROM courses WHERE NOT gone
          AND "sourcedId" NOT IN (
            SELECT "courseSourcedId" FROM classes WHERE NOT gone AND "courseSourcedId" IS NOT NULL)""",
}


# --- counts -----------------------------------------------------------------------------------------------------------


def plan_counts(db: Connection, kinds: Sequence[str], *, staged: bool) -> dict[str, dict[str, int]]:
    """Counts per kind before anything was sent; when nothing was staged (an undo), only the plan's own."""
    return {kind: _kind_counts(db, kind, staged) for kind in KINDS if kind in kinds}


def _kind_counts(db: Connection, kind: str, staged: bool) -> dict[str, int]:
    numbers = dict.fromkeys(COUNTS, 0)
    rows = db.execute(f"SELECT state, action, count(*) FROM changes_{kind} GROUP BY ALL").fetchall()
    for state, action, number in rows:
        if state == SEND:
            numbers[action] += number
        numbers["held"] += number if state == HELD else 0
        numbers["waiting"] += number if state == WAITING else 0
        numbers["blocked"] += number if state == BLOCKED else 0
    if staged:
        wanted = f"SELECT count(*) FROM {_DESIRED.get(kind, f'desired_{kind}')}"
        touched = f"""
            SELECT count(DISTINCT coalesce(new_key, key)) FROM changes_{kind}
            WHERE action NOT IN ('remove', 'deactivate')"""
        four = (_READ[kind], _BLOCKED.get(kind, "SELECT 0"), wanted, touched)
        [counted] = db.execute("SELECT " + ", ".join(f"({one})" for one in four)).fetchall()
        numbers["read"] = counted[0]
        numbers["blocked"] += counted[1]
        numbers["unchanged"] = max(0, counted[2] - counted[3])
    return numbers


def _one(db: Connection, query: str) -> int:
    row = db.execute(query).fetchone()
    return int(row[0]) if row else 0


def landed(kinds: Mapping[str, Mapping[str, int]]) -> bool:
    """Did most of it arrive: of no kind do more than a quarter lack an answer, a parent or the LMS's consent?"""
    for numbers in kinds.values():
        missing = numbers["waiting"] + numbers["refused"] + numbers["unknown"]
        if missing > (numbers["done"] + numbers["unchanged"] + missing) / 4:
            return False
    return True


def actions(numbers: Mapping[str, int]) -> int:
    """How many changes a kind's counts hold."""
    return sum(numbers[action] for action in ACTIONS)


# --- findings ---------------------------------------------------------------------------------------------------------


def blocking(db: Connection) -> int:
    codes = ", ".join(quote(code) for code, finding in FINDINGS.items() if finding.severity == BLOCKS)
    return count(db, "found", f"code IN ({codes})")


def sanity(db: Connection) -> dict[str, int]:
    """The eight counts a district looks at before its first sync."""
    return {name: _one(db, query) for name, query in _SANITY.items()}


def locate_findings(db: Connection, most: int = 20_000) -> None:
    """Give findings their lines: files with findings are read once more, so that nobody pays for lines otherwise."""
    wanted = db.execute(f"""
        SELECT page, p.name, p.path, p.body, list(DISTINCT id) FROM (
            SELECT page, id FROM found WHERE line IS NULL AND id IS NOT NULL AND page IS NOT NULL LIMIT {most})
        JOIN pages p USING (page) GROUP BY ALL""").fetchall()
    for page, _, path, body, ids in wanted:
        lines = _lines(Path(path), set(ids), first=1 if body else 2)
        rows = [(page, record, line) for record, line in lines.items()]
        if rows:
            columns = {"page": "INTEGER", "id": "VARCHAR", "line": "BIGINT"}
            fill(db, "located", columns, rows)
            db.execute("""
                UPDATE found SET line = l.line FROM located l
                WHERE found.line IS NULL AND l.page = found.page AND l.id = found.id""")


def _lines(path: Path, ids: set[str], first: int) -> dict[str, int]:
    """Line (of a file) or record number (of a page) of each id's first record."""
    found: dict[str, int] = {}
    with path.open(encoding="utf-8-sig", newline="", errors="replace") as file:
        reader = csv.reader(file)
        header = [name.lower() for name in next(reader, [])]
        place = header.index("sourcedid") if "sourcedid" in header else 0
        for number, row in enumerate(reader, start=first):
            if len(row) > place and (key := row[place].strip()) in ids and key not in found:
                found[key] = number
                if len(found) == len(ids):
                    break
    return found


def finding_rows(path: Path, db: Connection) -> list[dict[str, Any]]:
    """Findings as plain rows."""
    cursor = db.execute(f"SELECT {', '.join(FINDING_COLUMNS)} FROM read_parquet({quote(path)})")
    return [dict(zip(FINDING_COLUMNS, row, strict=True)) for row in cursor.fetchall()]
