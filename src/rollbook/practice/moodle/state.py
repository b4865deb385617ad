"""The site as canonical data, by ID numbers and names without internal ids, to compare end states."""

from __future__ import annotations

from typing import Any

import msgspec

from rollbook.practice.moodle.site import SERVICE, SITE_COURSE
from rollbook.practice.moodle.store import Row, Store

Json = dict[str, Any]
_COURSE = "COALESCE(NULLIF(c.idnumber, ''), c.shortname)"
_WHO = "COALESCE(NULLIF(u.idnumber, ''), u.username)"


def dump(store: Store) -> Json:
    """Everything sorted; accounts that every site has are left out."""
    return {
        "users": _users(store),
        "categories": _categories(store),
        "courses": _courses(store),
        "enrolments": [list(row) for row in store.all(
            f"SELECT {_COURSE}, {_WHO}, "
            "e.method, e.status, e.timestart, e.timeend FROM enrolments e JOIN courses c ON c.id = e.course "
            "JOIN users u ON u.id = e.user ORDER BY 1, 2, 3"
        )],
        "roles": [list(row) for row in store.all(
            f"SELECT {_COURSE}, {_WHO}, r.role "
            "FROM role_assignments r JOIN courses c ON c.id = r.course JOIN users u ON u.id = r.user ORDER BY 1, 2, 3"
        )],
        "cohorts": _cohorts(store),
        "gradebook": _gradebook(store),
        "mails": {row[0]: row[1] for row in store.all("SELECT kind, COUNT(*) FROM mails GROUP BY kind")},
        "deletions": [list(row) for row in store.all("SELECT kind, id FROM deletions ORDER BY 1, 2")],
    }  # fmt: skip


def _known(row: Row) -> Json:
    """Fields that hold something, sorted."""
    fields = msgspec.json.decode(row["fields"])
    return {name: fields[name] for name in sorted(fields) if fields[name] not in ("", None, [])}


def _users(store: Store) -> list[Json]:
    rows = store.all("SELECT * FROM users WHERE id > ? AND deleted = 0 ORDER BY idnumber, username", SERVICE)
    keys = ("username", "idnumber", "firstname", "lastname", "email", "auth")
    return [
        {
            **{key: row[key] for key in keys}, "suspended": bool(row["suspended"]),
            "has_password": row["password_times"] > 0, "force_change": bool(row["force_change"]), **_known(row),
        }
        for row in rows
    ]  # fmt: skip


def _categories(store: Store) -> list[Json]:
    names = {row["id"]: row["idnumber"] or row["name"] for row in store.all("SELECT * FROM categories")}
    return [
        {"name": row["name"], "idnumber": row["idnumber"], "parent": names.get(row["parent"], "")}
        for row in store.all("SELECT * FROM categories WHERE id != 1 ORDER BY idnumber, name")
    ]


def _courses(store: Store) -> list[Json]:
    rows = store.all(
        "SELECT c.*, COALESCE(NULLIF(k.idnumber, ''), k.name) AS place FROM courses c "
        "JOIN categories k ON k.id = c.category WHERE c.id != ? ORDER BY c.idnumber, c.shortname",
        SITE_COURSE,
    )
    keys = ("idnumber", "shortname", "fullname", "startdate", "enddate", "visible")
    return [{**{key: row[key] for key in keys}, "category": row["place"]} for row in rows]


def _cohorts(store: Store) -> list[Json]:
    members: dict[int, list[str]] = {}
    for row in store.all(
        f"SELECT m.cohort, {_WHO} AS who FROM cohort_members m JOIN users u ON u.id = m.user ORDER BY 2"
    ):
        members.setdefault(row["cohort"], []).append(row["who"])
    rows = store.all("SELECT * FROM cohorts ORDER BY idnumber, name")
    return [{"name": r["name"], "idnumber": r["idnumber"], "members": members.get(r["id"], [])} for r in rows]


def _gradebook(store: Store) -> Json:
    return {
        "items": [list(row) for row in store.all(
            f"SELECT {_COURSE}, i.itemname, g.fullname, i.grademax FROM grade_items i "
            "JOIN courses c ON c.id = i.course "
            "LEFT JOIN grade_categories g ON g.id = i.category WHERE i.itemtype IN ('mod', 'manual') ORDER BY 1, 2"
        )],
        "grades": [list(row) for row in store.all(
            f"SELECT {_COURSE}, i.itemname, {_WHO}, g.final, g.excluded, g.feedback "
            "FROM grades g JOIN grade_items i ON i.id = g.item JOIN courses c ON c.id = i.course "
            "JOIN users u ON u.id = g.user WHERE g.kept = 0 ORDER BY 1, 2, 3"
        )],
    }  # fmt: skip
