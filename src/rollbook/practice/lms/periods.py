"""Grading periods (REST API: Grading Periods): titles unique in the organization, never in bulk."""

from __future__ import annotations

from datetime import date
from typing import Any

from rollbook.practice.lms.store import Row, marks
from rollbook.practice.lms.wire import (
    Call,
    Json,
    Refused,
    Reply,
    Routes,
    an_object,
    as_ids,
    blank,
    text_of,
)  # fmt: skip


def render(call: Call, row: Row) -> Json:
    active = row["start"] <= call.lms.today() <= row["end"]
    return {
        "id": row["id"], "title": row["title"], "start": row["start"], "end": row["end"],
        "active": "1" if active else "0", "links": {"self": f"{call.base}/gradingperiods/{row['id']}"},
    }  # fmt: skip


def _row(call: Call) -> Row:
    row = call.lms.store.one("SELECT * FROM periods WHERE id = ?", call.ids[-1])
    if row is None:
        raise Refused(404)
    return row


def list_periods(call: Call) -> Reply:
    rows = call.lms.store.all("SELECT * FROM periods ORDER BY id")
    title = call.query.get("title")
    if title and call.flag("startswith"):
        rows = [row for row in rows if row["title"].startswith(title)]
    elif title:
        rows = [row for row in rows if row["title"] == title]
    key = "items" if call.fault("missing_key") else "gradingperiods"
    return Reply(data={"total": len(rows), key: [render(call, row) for row in rows]})


def get_period(call: Call) -> Reply:
    return Reply(data=render(call, _row(call)))


def _day(value: Any, name: str) -> str:
    try:
        return date.fromisoformat(text_of(value)[:10]).isoformat()
    except ValueError:
        raise Refused(400, f"{name} is not a valid date (YYYY-MM-DD)") from None


def _columns(call: Call, body: Json, before: Row | None) -> Json:
    given = {name: body.get(name, before[name] if before else None) for name in ("title", "start", "end")}
    for name, value in given.items():
        if blank(value):
            raise Refused(400, f"{name} is required")
    title, start, end = text_of(given["title"]), _day(given["start"], "start"), _day(given["end"], "end")
    if end < start:
        raise Refused(400, "end is before start")
    other = call.lms.store.one("SELECT id FROM periods WHERE title = ?", title)
    if other is not None and (before is None or other["id"] != before["id"]):
        raise Refused(400, "A grading period with this title already exists")
    return {"title": title, "start": start, "end": end}


def create_period(call: Call) -> Reply:
    new = call.lms.store.insert("periods", **_columns(call, an_object(call.body), None))
    call.ids = [new]
    return Reply(201, render(call, _row(call)))


def update_period(call: Call) -> Reply:
    row = _row(call)
    call.lms.store.update("periods", row["id"], **_columns(call, an_object(call.body), row))
    call.lms.store.run(
        'UPDATE sections SET last_day = (SELECT MAX(p."end") FROM section_periods sp JOIN periods p '
        "ON p.id = sp.period_id WHERE sp.section_id = sections.id) "
        "WHERE id IN (SELECT section_id FROM section_periods WHERE period_id = ?)",
        row["id"],
    )
    return Reply(204)


def delete_period(call: Call) -> Reply:
    row = _row(call)
    if call.lms.store.one("SELECT 1 FROM section_periods WHERE period_id = ? LIMIT 1", row["id"]):
        raise Refused(403, "")
    call.lms.store.run("DELETE FROM periods WHERE id = ?", row["id"])
    return Reply(204)


def known_periods(call: Call, value: Any) -> tuple[list[int], str]:
    """Ids of existing periods, and their last day. Raises Refused when there is none or one is unknown."""
    wanted = as_ids(value, "grading_periods")
    if not wanted:
        raise Refused(400, "You must map one or more grading periods")
    rows = call.lms.store.all(f'SELECT id, "end" FROM periods WHERE id IN ({marks(wanted)})', *wanted)
    missing = sorted(set(wanted) - {row["id"] for row in rows})
    if missing:
        raise Refused(400, f"Grading period {missing[0]} does not exist")
    return wanted, max(row["end"] for row in rows)


ROUTES: Routes = {
    ("GET", "gradingperiods"): list_periods,
    ("GET", "gradingperiods/{id}"): get_period,
    ("POST", "gradingperiods"): create_period,
    ("PUT", "gradingperiods/{id}"): update_period,
    ("DELETE", "gradingperiods/{id}"): delete_period,
}
