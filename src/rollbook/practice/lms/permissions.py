"""Who may call what (inferred): admins all, course admins their sections, others look at themselves."""

from __future__ import annotations

from rollbook.practice.lms.user_tokens import HANDED_OUT, NOT_APPROVED, access_of
from rollbook.practice.lms.wire import Call, Refused

_TEACHER_WRITES = ("grading_categories", "assignments", "grades")
_OPEN = {"users/me", "app-user-info", "users/languages", "roles", "roles/{id}", "schools", "schools/{id}"}


def check(call: Call) -> None:
    """Raises Refused with an empty 403."""
    if call.template in HANDED_OUT:
        return
    store = call.lms.store
    row = store.one("SELECT r.admin FROM users u JOIN roles r ON r.id = u.role_id WHERE u.id = ?", call.actor)
    if row is not None and row["admin"]:
        return
    if call.method in {"GET", "OPTIONS"} and call.template in _OPEN:
        return
    parts = call.template.split("/")
    if parts[0] == "users" and call.method == "GET" and call.ids[:1] == [call.actor]:
        return
    if parts[0] == "sections" and len(parts) > 1 and parts[1] == "{id}":
        own = store.one(
            "SELECT admin FROM enrollments WHERE section_id = ? AND user_id = ? AND status = 1",
            call.ids[0], call.actor,
        )  # fmt: skip
        reads = call.method in {"GET", "OPTIONS"} and (len(parts) == 2 or (own is not None and own["admin"]))
        writes = own is not None and own["admin"] and parts[2:3] and parts[2] in _TEACHER_WRITES
        if own is not None and (reads or writes):
            return
    raise Refused(403)


def acting_user(call: Call, run_as: str | None) -> int:
    """The user as whom a call is made: the one of its token; else an administrator, whose key may act as somebody by
    the header X-Schoology-Run-As. The key of an app does nothing but get tokens. Raises Refused."""
    app = call.lms.settings.app_key
    if call.template in HANDED_OUT:
        if app and call.key != app:
            raise Refused(403)
        return call.actor
    if call.token:
        given = access_of(call.lms, call.token)
        if given is None:
            raise Refused(401, NOT_APPROVED)
        if run_as is not None:
            raise Refused(403)
        return int(given["user_id"])
    if app and call.key == app:
        raise Refused(403)
    if run_as is None:
        return call.actor
    wanted = run_as.strip()
    row = call.lms.store.one("SELECT id FROM users WHERE id = ? AND inactive_at IS NULL", wanted)
    if row is None or not call.lms.settings.impersonation or not wanted.isdecimal():
        raise Refused(403)
    return int(row["id"])
