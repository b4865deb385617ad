"""What an account may hold, and creating and changing it (REST API: Users); never shows a password."""

from __future__ import annotations

import hashlib
import os
import re
from typing import Any

import msgspec

from rollbook.practice.lms.buildings import known_building
from rollbook.practice.lms.store import Row
from rollbook.practice.lms.user_links import set_links
from rollbook.practice.lms.wire import Call, Json, Refused, as_id, as_ids, blank, is_on, text_of

TEXTS = (
    "name_first_preferred", "use_preferred_first_name", "name_middle", "name_middle_show", "name_title",
    "name_title_show", "gender", "grad_year", "birthday_date", "position", "department", "bio", "phone",
    "website", "address", "interests", "activities", "subjects_taught", "grades_taught", "tz_name",
    "language",
)  # fmt: skip
_USERNAME = re.compile(r"[A-Za-z0-9.\-_~]+")
_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+")
_PASSWORD_LEAST = 12


def save(call: Call, body: Json, before: Row | None) -> int:
    """Create an account, or change one; the account's id. Raises Refused."""
    fields = msgspec.json.decode(before["fields"]) if before else {}
    fields.update({name: text_of(body[name]) for name in TEXTS if name in body})
    columns: Json = {
        "school_uid": _required(body, before, "school_uid"),
        "name_first": _required(body, before, "name_first"),
        "name_last": _required(body, before, "name_last"),
        "role_id": _role(call, body, before),
        "building_id": known_building(call, body.get("building_id", before["building_id"] if before else None)),
        "synced": int(is_on(body.get("synced", before["synced"] if before else 0))),
        "fields": msgspec.json.encode(fields).decode(),
    }
    _check_unique_id(call, columns["school_uid"], before)
    columns.update(_login(call, body, before))
    columns.update(_password(body, before))
    others = _additional(call, body)
    user_id = _write(call, columns, before)
    if others is not None:
        _set_additional(call, user_id, [each for each in others if each != columns["building_id"]])
    for name, kind, of_child in (
        ("parent_uids", "parent", True), ("advisor_uids", "advisor", True), ("child_uids", "parent", False)
    ):  # fmt: skip
        if name in body:
            set_links(call, user_id, as_ids(body[name], name), kind, of_child=of_child)
    if before is None and is_on(body.get("email_login_info")) and columns["email"]:
        call.lms.mail("login", user_id)
    return user_id


def _write(call: Call, columns: Json, before: Row | None) -> int:
    if before is None:
        return call.lms.store.insert("users", **columns)
    call.lms.store.update("users", before["id"], **columns)
    return int(before["id"])


def _required(body: Json, before: Row | None, name: str) -> str:
    value = text_of(body.get(name)) or (before[name] if before else "")
    if not value:
        raise Refused(400, f"{name} is required")
    return str(value)


def _role(call: Call, body: Json, before: Row | None) -> int:
    if blank(body.get("role_id")):
        if before is None:
            raise Refused(400, "role_id is required")
        return int(before["role_id"])
    role = as_id(body["role_id"], "role_id")
    if call.lms.store.one("SELECT 1 FROM roles WHERE id = ?", role) is None:
        raise Refused(400, f"The following role ids do not exist: {role}")
    return role


def _check_unique_id(call: Call, school_uid: str, before: Row | None) -> None:
    own = before["id"] if before else 0
    if call.lms.store.one("SELECT 1 FROM users WHERE school_uid = ? AND id != ?", school_uid, own):
        raise Refused(400, f"Unique user ID {school_uid} is already in use")


def _login(call: Call, body: Json, before: Row | None) -> Json:
    """Username and e-mail, one of which must be there."""
    username = text_of(body.get("username", before["username"] if before else None))
    email = text_of(body.get("primary_email", before["email"] if before else None))
    if email and not _EMAIL.fullmatch(email):
        raise Refused(400, "primary_email is not a valid e-mail address")
    own = before["id"] if before else 0
    if email and "primary_email" in body:
        username, email = _resolve_email(call, body, username, email, own=own)
    if not username and not email:
        raise Refused(400, "A username or an e-mail address is required")
    if username and not _USERNAME.fullmatch(username):
        raise Refused(400, "username may only hold letters, digits, periods, dashes and underscores")
    key = username.lower() or None
    if key and call.lms.store.one("SELECT 1 FROM users WHERE username_key = ? AND id != ?", key, own):
        raise Refused(400, f"Username {username} is already in use")
    return {
        "username": username or None, "username_key": key,
        "email": email or None, "email_key": email.lower() or None,
    }  # fmt: skip


def _resolve_email(call: Call, body: Json, username: str, email: str, *, own: int) -> tuple[str, str]:
    """Username and e-mail after the flags for conflicts (REST API: Users, bulk create)."""
    settings = call.lms.settings
    key = email.lower()
    here = call.lms.store.one("SELECT * FROM users WHERE email_key = ? AND id != ?", key, own)
    elsewhere = key in settings.foreign_emails
    if here is None and not elsewhere:
        return username, email
    local, _, domain = email.partition("@")
    resolution = call.query.get("email_conflict_resolution")
    if resolution == "2" and here is not None and domain.lower() in settings.verified_domains:
        _retire(call, here)
        return username, email
    if resolution in {"1", "2"}:
        return username or local, ""
    if elsewhere and call.flag("ignore_email_conflicts"):
        return username or text_of(body.get("school_uid")), ""
    raise Refused(400, "This e-mail address is already in use")


def _retire(call: Call, row: Row) -> None:
    """A duplicate that is merged away loses its e-mail address and becomes inactive."""
    columns = {"email": None, "email_key": None, "inactive_at": call.lms.now(), "inactive_by": call.actor}
    call.lms.store.update("users", row["id"], **columns)


def _password(body: Json, before: Row | None) -> Json:
    password = body.get("password")
    if blank(password):
        return {}
    if len(str(password)) < _PASSWORD_LEAST:
        raise Refused(400, f"Passwords must have at least {_PASSWORD_LEAST} characters")
    salt = os.urandom(8).hex()
    return {
        "password": f"{salt}:{_hash(salt, str(password))}",
        "password_times": (before["password_times"] if before else 0) + 1,
    }


def _hash(salt: str, password: str) -> str:
    return hashlib.sha256(f"{salt}{password}".encode()).hexdigest()


def password_fits(row: Row, password: str) -> bool:
    """Whether this is the password last set; for tests, not part of the API."""
    salt, _, digest = row["password"].partition(":")
    return bool(digest) and _hash(salt, password) == digest


def _additional(call: Call, body: Json) -> list[int] | None:
    if "additional_buildings" not in body:
        return None
    wanted = as_ids(body["additional_buildings"], "additional_buildings")
    return [known_building(call, each, "additional_buildings") for each in wanted]


def _set_additional(call: Call, user_id: int, buildings: list[int]) -> None:
    call.lms.store.run("DELETE FROM user_buildings WHERE user_id = ?", user_id)
    rows: list[tuple[Any, ...]] = [(user_id, each, place) for place, each in enumerate(buildings)]
    call.lms.store.many("INSERT INTO user_buildings VALUES (?, ?, ?)", rows)
