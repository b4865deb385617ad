"""Grades of a section (REST API: Grades): written by enrollment id; final grades are only calculated."""

from __future__ import annotations

from typing import Any

import msgspec

from rollbook.practice.lms import sections
from rollbook.practice.lms.assignments import find as find_assignment
from rollbook.practice.lms.categories import SCALES
from rollbook.practice.lms.store import Row
from rollbook.practice.lms.wire import (
    ARCHIVED,
    Call,
    Json,
    Refused,
    Reply,
    Routes,
    as_id,
    blank,
    bulk,
    bulk_items,
    one_result,
    page,
    text_of,
)  # fmt: skip

_SELECT = (
    "SELECT g.*, a.fields, a.category_id, a.period_id, a.section_id FROM grades g "
    "JOIN assignments a ON a.id = g.assignment_id JOIN enrollments e ON e.id = g.enrollment_id "
    f"WHERE e.status != {ARCHIVED} AND a.section_id = ? "
)


def _render(call: Call, row: Row) -> Json:
    fields = msgspec.json.decode(row["fields"])
    return {
        "enrollment_id": row["enrollment_id"], "assignment_id": row["assignment_id"],
        "grade": _number(row["grade"]), "exception": row["exception"],
        "max_points": _number(fields.get("max_points", 100)), "is_final": int(fields.get("is_final", 0)),
        "timestamp": row["timestamp"], "comment": row["comment"], "comment_status": row["comment_status"],
        "override": None, "calculated_grade": None, "pending": None, "type": "assignment",
        "location": f"{call.base}/sections/{row['section_id']}/assignments/{row['assignment_id']}",
        "scale_id": fields.get("grading_scale", 0), "scale_type": 0, "category_id": row["category_id"],
    }  # fmt: skip


def _number(value: float | None) -> float | int | None:
    return int(value) if value is not None and value == int(value) else value


def get_grades(call: Call) -> Reply:
    section_id = sections.find(call, call.ids[0])["id"]
    rows = call.lms.store.all(_SELECT + "ORDER BY g.enrollment_id, g.assignment_id", section_id)
    shown = rows
    for name in ("assignment_id", "enrollment_id"):
        if call.query.get(name):
            wanted = as_id(call.query[name], name)
            shown = [row for row in shown if row[name] == wanted]
    if call.query.get("timestamp"):
        since = as_id(call.query["timestamp"], "timestamp")
        shown = [row for row in shown if row["timestamp"] >= since]
    periods = call.lms.store.all(
        "SELECT p.id, p.title FROM section_periods sp JOIN periods p ON p.id = sp.period_id "
        "WHERE sp.section_id = ? ORDER BY sp.position",
        section_id,
    )
    return Reply(data={
        **_paged(call, [_render(call, row) for row in shown]),
        "period": [
            {"period_id": f"p{p['id']}", "period_title": p["title"], "weight": "100.00"} for p in periods
        ],
        "final_grade": _finals(call, rows, [p["id"] for p in periods]),
    })  # fmt: skip


def _paged(call: Call, grades: list[Json]) -> Json:
    """Paged (documented), though no sample shows where totals and links would stand: beside the list, as in others."""
    how = call.lms.settings.grade_pages
    if how == "whole":
        return {"grades": {"grade": grades}}
    data = page(call, "grade", len(grades), lambda limit, start: grades[start : start + limit]).data
    told = {} if how == "untold" else {name: data.pop(name) for name in ("total", "links")}
    return {"grades": {name: each for name, each in data.items() if isinstance(each, list)}, **told}


def _finals(call: Call, rows: list[Row], periods: list[int]) -> list[Json]:
    comments = {
        (row["enrollment_id"], row["period"]): row for row in call.lms.store.all("SELECT * FROM final_comments")
    }
    found = []
    for enrollment_id in dict.fromkeys(row["enrollment_id"] for row in rows):
        own = [row for row in rows if row["enrollment_id"] == enrollment_id]
        parts = [(f"p{each}", [row for row in own if row["period_id"] == each]) for each in periods]
        parts += [("other", [row for row in own if row["period_id"] == 0]), ("final", own)]
        found.append({
            "enrollment_id": str(enrollment_id), "scale_id": 0,
            "period": [_final(name, part, comments.get((enrollment_id, name))) for name, part in parts],
        })  # fmt: skip
    return found


def _final(name: str, rows: list[Row], comment: Row | None) -> Json:
    """A percentage of all points (inferred: without weights and drops)."""
    counted = [row for row in rows if row["grade"] is not None]
    most = sum(float(msgspec.json.decode(row["fields"]).get("max_points", 100)) for row in counted)
    share = round(100 * sum(row["grade"] for row in counted) / most, 2) if most else None
    return {
        "period_id": name, "grade": _number(share), "comment": comment["comment"] if comment else "",
        "comment_status": comment["comment_status"] if comment else None,
    }  # fmt: skip


def put_grades(call: Call) -> Reply:
    section_id = sections.find(call, call.ids[0])["id"]
    body = call.body if isinstance(call.body, dict) else {}
    if "final_comments" in body:
        items = bulk_items(body, "final_comments", "final_comment") or []
        done = [one_result(call, item, _put_comment, echo=("enrollment_id",)) for item in items]
        return Reply(call.lms.settings.bulk_put_status, {"final_comment": done})
    grades = bulk_items(call.body, "grades", "grade")
    if grades is None:
        raise Refused(400, "grades.grade is missing")
    return bulk(
        call,
        "grade",
        grades,
        lambda c, item: _put(c, section_id, item),
        echo=("enrollment_id", "assignment_id"),
    )


def _put(call: Call, section_id: int, item: Json) -> Json:
    assignment = find_assignment(call, section_id, as_id(item.get("assignment_id"), "assignment_id"))
    enrollment_id = _enrollment(call, section_id, item)
    exception = as_id(item.get("exception") or 0, "exception")
    if exception not in range(5):
        raise Refused(400, "exception is not valid")
    grade = None if exception in {1, 2, 3} else _grade(item.get("grade"), assignment)
    call.lms.store.run(
        "INSERT OR REPLACE INTO grades VALUES (?, ?, ?, ?, ?, ?, ?)", enrollment_id, assignment["id"], grade,
        exception, text_of(item.get("comment")), item.get("comment_status"), call.lms.now(),
    )  # fmt: skip
    return {"enrollment_id": enrollment_id, "assignment_id": assignment["id"]}


def _enrollment(call: Call, section_id: int, item: Json) -> int:
    wanted = as_id(item.get("enrollment_id"), "enrollment_id")
    row = call.lms.store.one(
        "SELECT id FROM enrollments WHERE id = ? AND section_id = ? AND status = 1", wanted, section_id
    )
    if row is None:
        raise Refused(404, f"Enrollment {wanted} does not exist")
    return wanted


def _grade(value: Any, assignment: Row) -> float | None:
    """A number, or a letter of the item's scale, stored as a number of points."""
    if blank(value):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        pass
    fields = msgspec.json.decode(assignment["fields"])
    for scale in SCALES:
        for level in scale["scale"]["level"] if scale["id"] == fields.get("grading_scale", 0) else ():
            if level.get("grade") == text_of(value):
                return float(level["average"]) * float(fields.get("max_points", 100)) / 100
    raise Refused(400, "grade is not valid for the grading scale")


def _put_comment(call: Call, item: Json) -> Json:
    enrollment_id = _enrollment(call, call.ids[0], item)
    period = text_of(item.get("period_id"))
    call.lms.store.run(
        "INSERT OR REPLACE INTO final_comments VALUES (?, ?, ?, ?)",
        enrollment_id, period if period == "final" or period.startswith("p") else f"p{period}",
        text_of(item.get("comment")), item.get("comment_status"),
    )  # fmt: skip
    return {"enrollment_id": enrollment_id}


def user_grades(call: Call) -> Reply:
    """Per section of the user, per period, the assignments with a grade."""
    user_id, store = call.ids[0], call.lms.store
    wanted = call.query.get("section_id")
    found = []
    for enrollment in store.all(
        f"SELECT * FROM enrollments WHERE user_id = ? AND status != {ARCHIVED} ORDER BY section_id", user_id
    ):
        if wanted and enrollment["section_id"] != as_id(wanted, "section_id"):
            continue
        rows = store.all(_SELECT + "AND g.enrollment_id = ?", enrollment["section_id"], enrollment["id"])
        periods = [
            {"period_id": f"p{period}" if period else "other",
             "assignment": [_render(call, row) for row in rows if row["period_id"] == period]}
            for period in dict.fromkeys(row["period_id"] for row in rows)
        ]  # fmt: skip
        found.append({"section_id": str(enrollment["section_id"]), "period": periods})
    return Reply(data={"section": found})


ROUTES: Routes = {
    ("GET", "sections/{id}/grades"): get_grades,
    ("PUT", "sections/{id}/grades"): put_grades,
    ("GET", "users/{id}/grades"): user_grades,
}
