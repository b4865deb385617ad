"""The organization as canonical data, by external codes without internal ids, to compare end states."""

from __future__ import annotations

from typing import Any

import msgspec

from rollbook.practice.lms.store import Row, Store
from rollbook.practice.lms.wire import ARCHIVED

Json = dict[str, Any]


def dump(store: Store) -> Json:
    """Everything sorted; an inactive account shows as such, an archived enrollment only in `archived`."""
    return {
        "buildings": _buildings(store),
        "grading_periods": [
            {"title": r["title"], "start": r["start"], "end": r["end"]}
            for r in store.all("SELECT * FROM periods ORDER BY title")
        ],
        "users": _users(store),
        "links": [list(r) for r in store.all(
            "SELECT l.kind, s.school_uid, a.school_uid FROM links l JOIN users s ON s.id = l.child "
            "JOIN users a ON a.id = l.adult ORDER BY 1, 2, 3"
        )],
        "courses": _courses(store),
        "sections": _sections(store),
        "enrollments": _enrollments(store, f"!= {ARCHIVED}"),
        "archived": _enrollments(store, f"= {ARCHIVED}"),
        "gradebook": _gradebook(store),
        "mails": mails(store),
    }  # fmt: skip


def _known(row: Row) -> Json:
    """Fields that hold something, sorted."""
    fields = msgspec.json.decode(row["fields"])
    return {name: fields[name] for name in sorted(fields) if fields[name] not in ("", None, [""])}


def _building_codes(store: Store) -> dict[int, str]:
    return {
        r["id"]: r["building_code"] or ("" if r["parent"] is None else f"title:{r['title']}")
        for r in store.all("SELECT * FROM schools")
    }


def _buildings(store: Store) -> list[Json]:
    rows = store.all("SELECT * FROM schools WHERE parent IS NOT NULL ORDER BY building_code, title")
    return [{"building_code": r["building_code"], "title": r["title"], **_known(r)} for r in rows]


def _users(store: Store) -> list[Json]:
    codes, more = _building_codes(store), dict[int, list[str]]()
    for row in store.all("SELECT * FROM user_buildings"):
        more.setdefault(row["user_id"], []).append(codes[row["building_id"]])
    rows = store.all("SELECT u.*, r.title AS role FROM users u JOIN roles r ON r.id = u.role_id ORDER BY school_uid")
    return [
        {
            "school_uid": r["school_uid"], "username": r["username"] or "", "primary_email": r["email"] or "",
            "name_first": r["name_first"], "name_last": r["name_last"], "role": r["role"],
            "building": codes.get(r["building_id"], "?"),
            "additional_buildings": sorted(more.get(r["id"], [])),
            "synced": r["synced"], "active": r["inactive_at"] is None,
            "history_lost": bool(r["history_lost"]), "has_password": bool(r["password"]), **_known(r),
        }
        for r in rows
    ]  # fmt: skip


def _courses(store: Store) -> list[Json]:
    codes = _building_codes(store)
    return [
        {"course_code": r["course_code"], "title": r["title"], "building": codes.get(r["building_id"], "?"),
         "synced": r["synced"], **_known(r)}
        for r in store.all("SELECT * FROM courses ORDER BY course_code")
    ]  # fmt: skip


def _sections(store: Store) -> list[Json]:
    periods = dict[int, list[str]]()
    for row in store.all(
        "SELECT sp.section_id, p.title FROM section_periods sp JOIN periods p ON p.id = sp.period_id ORDER BY p.title"
    ):
        periods.setdefault(row["section_id"], []).append(row["title"])
    rows = store.all(
        "SELECT s.*, c.course_code FROM sections s JOIN courses c ON c.id = s.course_id "
        "ORDER BY s.section_school_code, c.course_code, s.section_code, s.title"
    )
    return [
        {"section_school_code": r["section_school_code"] or "", "section_code": r["section_code"],
         "title": r["title"], "course_code": r["course_code"],
         "grading_periods": periods.get(r["id"], []), "synced": r["synced"],
         **_known(r)}
        for r in rows
    ]  # fmt: skip


def _enrollments(store: Store, status: str) -> list[list[Any]]:
    """Rows of section code, unique user id, 1 for a course admin, status."""
    return [list(row) for row in store.all(
        "SELECT COALESCE(s.section_school_code, s.section_code), u.school_uid, e.admin, e.status "
        "FROM enrollments e JOIN sections s ON s.id = e.section_id JOIN users u ON u.id = e.user_id "
        f"WHERE e.status {status} ORDER BY 1, 2"
    )]  # fmt: skip


def _gradebook(store: Store) -> Json:
    code = "COALESCE(s.section_school_code, s.section_code)"
    return {
        "categories": [list(r) for r in store.all(
            f"SELECT {code}, c.title FROM categories c JOIN sections s ON s.id = c.section_id ORDER BY 1, 2"
        )],
        "assignments": [list(r) for r in store.all(
            f"SELECT {code}, a.title, a.due, c.title, p.title FROM assignments a "
            "JOIN sections s ON s.id = a.section_id "
            "LEFT JOIN categories c ON c.id = a.category_id LEFT JOIN periods p ON p.id = a.period_id "
            "ORDER BY 1, 2, 3, 4, 5"
        )],
        "grades": [list(r) for r in store.all(
            f"SELECT {code}, a.title, u.school_uid, g.grade, g.exception, g.comment FROM grades g "
            "JOIN assignments a ON a.id = g.assignment_id JOIN sections s ON s.id = a.section_id "
            "JOIN enrollments e ON e.id = g.enrollment_id JOIN users u ON u.id = e.user_id ORDER BY 1, 2, 3"
        )],
    }  # fmt: skip


def mails(store: Store) -> dict[str, int]:
    """E-mails a real LMS would have sent, counted by kind."""
    rows = store.all("SELECT kind, COUNT(*) AS n FROM mails GROUP BY kind ORDER BY kind")
    return {row["kind"]: row["n"] for row in rows}
