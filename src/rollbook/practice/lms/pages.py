"""Pages for a person to look at the practice LMS; they change nothing."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rollbook.practice.lms.app_center import course_apps
from rollbook.practice.lms.html import Safe, frame, join, link, pager, search_form, table
from rollbook.practice.lms.lms import Lms
from rollbook.practice.lms.store import Row
from rollbook.practice.lms.wire import ARCHIVED

_SIZE = 50
_STATUS = {1: "active", 2: "expired", 3: "invited", 4: "requested", 5: "archived"}
_EXCEPTIONS = {1: "excused", 2: "incomplete", 3: "missing", 4: "late"}
_Page = Callable[[Lms, Request], Response]


def page_routes(lms: Lms) -> list[Route]:
    """The pages, all of them GET."""
    pages: dict[str, _Page] = {
        "/": buildings, "/grade-settings": grade_settings, "/users": users, "/courses": courses,
        "/courses/{id:int}": course, "/sections/{id:int}": section, "/sections/{id:int}/gradebook": gradebook,
    }  # fmt: skip
    return [Route(path, _served(lms, page), methods=["GET"]) for path, page in pages.items()]


def _served(lms: Lms, page: _Page) -> Callable[[Request], Response]:
    # Not in a thread: the store belongs to the server's thread.
    async def serve(request: Request) -> Response:
        return page(lms, request)

    return serve  # type: ignore[return-value] # Starlette takes coroutine functions too


def _missing() -> Response:
    return frame("Not found", Safe("<p>There is no such page.</p>"), status=404)


def _page_of(request: Request) -> tuple[str, int]:
    number = request.query_params.get("page", "1")
    return request.query_params.get("q", "").strip(), max(1, int(number)) if number.isdecimal() else 1


def buildings(lms: Lms, request: Request) -> Response:
    rows = lms.store.all(
        "SELECT s.*, (SELECT COUNT(*) FROM users WHERE building_id = s.id AND inactive_at IS NULL) "
        "AS people, (SELECT COUNT(*) FROM courses WHERE building_id = s.id) AS taught "
        "FROM schools s ORDER BY parent, title"
    )
    return frame("Buildings", table(
        ("Title", "Building code", "Users", "Courses"),
        [(_building(r), r["building_code"], r["people"], r["taught"]) for r in rows],
    ), tab="/")  # fmt: skip


def _building(row: Row) -> str:
    if row["parent"] is not None:
        return str(row["title"])
    return Safe(f"{join([row['title']])} <span class=soft>(organization)</span>")


def grade_settings(lms: Lms, request: Request) -> Response:
    rows = lms.store.all(
        "SELECT p.*, (SELECT COUNT(*) FROM section_periods WHERE period_id = p.id) AS used FROM periods p "
        "ORDER BY start, title"
    )
    today = lms.today()
    shown = [
        (r["title"], r["start"], r["end"], "active" if r["start"] <= today <= r["end"] else "", r["used"]) for r in rows
    ]
    return frame("Grading periods", table(("Title", "Start", "End", "", "Sections"), shown), tab="/grade-settings")


def users(lms: Lms, request: Request) -> Response:
    wanted, page = _page_of(request)
    like = "%" + wanted.replace("!", "!!").replace("%", "!%").replace("_", "!_") + "%"
    where = " OR ".join(f"u.{name} LIKE ? ESCAPE '!'" for name in (
        "name_first", "name_last", "username", "email", "school_uid"
    ))  # fmt: skip
    total = lms.store.number(f"SELECT COUNT(*) FROM users u WHERE {where}", *[like] * 5)
    rows = lms.store.all(
        "SELECT u.*, r.title AS role, b.title AS building FROM users u JOIN roles r ON r.id = u.role_id "
        f"LEFT JOIN schools b ON b.id = u.building_id WHERE {where} ORDER BY name_last, name_first, u.id "
        "LIMIT ? OFFSET ?",
        *[like] * 5, _SIZE, (page - 1) * _SIZE,
    )  # fmt: skip
    shown = [
        (f"{r['name_last']}, {r['name_first']}", r["role"], r["building"], r["school_uid"], r["username"],
         r["email"],
         "inactive" if r["inactive_at"] else "")
        for r in rows
    ]  # fmt: skip
    heads = ("Name", "Role", "Building", "Unique ID", "Username", "E-mail", "")
    pages = pager("/users", wanted, page=page, size=_SIZE, total=total)
    return frame("Users", search_form(wanted), table(heads, shown, empty="Nobody found."), pages, tab="/users")


def courses(lms: Lms, request: Request) -> Response:
    wanted, page = _page_of(request)
    like = "%" + wanted.replace("!", "!!").replace("%", "!%").replace("_", "!_") + "%"
    where = "c.title LIKE ? ESCAPE '!' OR c.course_code LIKE ? ESCAPE '!'"
    total = lms.store.number(f"SELECT COUNT(*) FROM courses c WHERE {where}", like, like)
    rows = lms.store.all(
        "SELECT c.*, b.title AS building, (SELECT COUNT(*) FROM sections WHERE course_id = c.id) AS sections "
        f"FROM courses c LEFT JOIN schools b ON b.id = c.building_id WHERE {where} ORDER BY c.title, c.id "
        "LIMIT ? OFFSET ?",
        like, like, _SIZE, (page - 1) * _SIZE,
    )  # fmt: skip
    shown = [(link(f"/courses/{r['id']}", r["title"]), r["course_code"], r["building"], r["sections"]) for r in rows]
    pages = pager("/courses", wanted, page=page, size=_SIZE, total=total)
    found = table(("Title", "Code", "Building", "Sections"), shown)
    return frame("Courses", search_form(wanted), found, pages, tab="/courses")


def course(lms: Lms, request: Request) -> Response:
    row = lms.store.one("SELECT * FROM courses WHERE id = ?", request.path_params["id"])
    if row is None:
        return _missing()
    sections = lms.store.all(
        "SELECT s.*, (SELECT GROUP_CONCAT(p.title, ', ') FROM section_periods sp "
        "JOIN periods p ON p.id = sp.period_id WHERE sp.section_id = s.id) AS periods, "
        "(SELECT COUNT(*) FROM enrollments WHERE section_id = s.id "
        f"AND status != {ARCHIVED}) AS members FROM sections s WHERE course_id = ? ORDER BY title, id",
        row["id"],
    )
    today = lms.today()
    shown = [
        (link(f"/sections/{s['id']}", s["title"]), s["section_school_code"] or s["section_code"],
         s["periods"], s["members"], "past" if s["last_day"] < today else "")
        for s in sections
    ]  # fmt: skip
    heads = ("Section", "Code", "Grading periods", "Enrolled", "")
    code = Safe(f"<p class=soft>Course code {join([row['course_code']])}</p>")
    return frame(row["title"], code, table(heads, shown), tab="/courses")


def _section(lms: Lms, request: Request) -> Row | None:
    return lms.store.one(
        "SELECT s.*, c.title AS course_title FROM sections s JOIN courses c ON c.id = s.course_id WHERE s.id = ?",
        request.path_params["id"],
    )


def _members(lms: Lms, section_id: int) -> list[Row]:
    return lms.store.all(
        "SELECT e.*, u.name_first, u.name_last, u.school_uid FROM enrollments e "
        "JOIN users u ON u.id = e.user_id WHERE e.section_id = ? AND u.inactive_at IS NULL AND e.status != ? "
        "ORDER BY e.admin DESC, u.name_last, u.name_first",
        section_id, ARCHIVED,
    )  # fmt: skip


def section(lms: Lms, request: Request) -> Response:
    row = _section(lms, request)
    if row is None:
        return _missing()
    shown = [
        (f"{m['name_last']}, {m['name_first']}", m["school_uid"], "course admin" if m["admin"] else "member",
         _STATUS.get(m["status"], ""))
        for m in _members(lms, row["id"])
    ]  # fmt: skip
    here = f"/sections/{row['id']}"
    links = [(f"/courses/{row['course_id']}", "Course"), (f"{here}/gradebook", "Gradebook"), (f"{here}/tools", "Tools")]
    links += course_apps(lms, row["id"])
    up = join([link(address, text) for address, text in links], " &middot; ")
    heads = ("Name", "Unique ID", "Enrolled as", "Status")
    return frame(f"{row['course_title']}: {row['title']}", Safe(f"<p>{up}</p>"), table(heads, shown), tab="/courses")


def gradebook(lms: Lms, request: Request) -> Response:
    row = _section(lms, request)
    if row is None:
        return _missing()
    items = lms.store.all("SELECT * FROM assignments WHERE section_id = ? ORDER BY due, id", row["id"])
    grades = {
        (g["enrollment_id"], g["assignment_id"]): g
        for g in lms.store.all(
            "SELECT g.* FROM grades g JOIN assignments a ON a.id = g.assignment_id WHERE a.section_id = ?",
            row["id"],
        )
    }
    heads = [
        "Name",
        *(f"{i['title']} ({msgspec.json.decode(i['fields']).get('max_points', 100):g})" for i in items),
    ]
    shown = [
        [f"{m['name_last']}, {m['name_first']}", *(_grade(grades.get((m["id"], i["id"]))) for i in items)]
        for m in _members(lms, row["id"]) if not m["admin"]
    ]  # fmt: skip
    up = link(f"/sections/{row['id']}", "Section")
    title = f"Gradebook: {row['course_title']}, {row['title']}"
    return frame(title, Safe(f"<p>{up}</p>"), table(heads, shown), tab="/courses")


def _grade(row: Row | None) -> str:
    if row is None:
        return ""
    return _EXCEPTIONS.get(row["exception"]) or ("" if row["grade"] is None else f"{row['grade']:g}")
