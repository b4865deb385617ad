"""People are made, changed and deleted (core_user_create_users, _update_users, _delete_users)."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from rollbook.practice.moodle.call import Call, Function, Json, warned
from rollbook.practice.moodle.params import Group, Many, Value, given, is_email, may
from rollbook.practice.moodle.passwords import NOT_CACHED, check_policy, hashed, is_internal
from rollbook.practice.moodle.site import GUEST, SERVICE
from rollbook.practice.moodle.store import Row
from rollbook.practice.moodle.thrown import Thrown, bad_parameter, no_record, not_written, unworded

_LENGTHS: Final = {
    "username": 100, "idnumber": 255, "firstname": 100, "lastname": 100, "email": 100, "institution": 255,
    "department": 255, "phone1": 20, "phone2": 20, "address": 255, "city": 120, "country": 2,
}  # fmt: skip
_COLUMNS: Final = ("username", "idnumber", "firstname", "lastname", "email", "auth", "suspended")
_PAIRS: Final = Many(Group({"type": Value("raw"), "value": Value("raw")}), optional=True)
_NAMES: Final = ("city", "firstnamephonetic", "lastnamephonetic", "middlename", "alternatename")
_OPTIONAL: Final[dict[str, Value | Many | Group]] = {
    **{name: may("notags") for name in _NAMES},
    **{name: may("text") for name in ("description", "interests", "institution", "department", "address")},
    "maildisplay": may("int"), "country": may("alpha"), "timezone": may("raw"), "phone1": may("notags"),
    "phone2": may("notags"), "theme": may("plugin"), "mailformat": may("int"), "customfields": _PAIRS,
    "preferences": _PAIRS,
}  # fmt: skip
_CREATE: Final = Group({"users": Many(Group({
    "createpassword": may("bool"), "username": Value("username"), "auth": given("auth", "manual"),
    "password": may("raw"), "firstname": Value("notags"), "lastname": Value("notags"), "email": Value("trimmed"),
    "idnumber": given("raw", ""), "lang": given("lang", "en"), "calendartype": given("plugin", "gregorian"),
    **_OPTIONAL,
}))})  # fmt: skip
_UPDATE: Final = Group({"users": Many(Group({
    "id": Value("int"), "username": may("username"), "auth": may("auth"), "suspended": may("bool"),
    "password": may("raw"), "firstname": may("notags"), "lastname": may("notags"), "email": may("trimmed"),
    "idnumber": may("raw"), "lang": may("lang"), "calendartype": may("plugin"), "userpicture": may("int"),
    **_OPTIONAL,
}))})  # fmt: skip
_PREFERENCE = "auth_forcepasswordchange"


def create_users(call: Call, given: Json) -> list[Json]:
    """All of them or none."""
    call.need("moodle/user:create")
    made = []
    for user in call.items(given["users"]):
        call.check()
        _check_new(call, user)
        made.append({"id": _create(call, user), "username": user["username"]})
    return made


def _check_new(call: Call, user: Json) -> None:
    for name in ("username", "firstname", "lastname"):
        if not user[name].strip():
            raise bad_parameter(f"The field {name} cannot be blank")
    if call.site.store.one("SELECT 1 FROM users WHERE username = ?", user["username"]):
        raise bad_parameter(f"Username already exists: {user['username']}")
    if not user["auth"]:
        raise bad_parameter(f"Invalid authentication type: {user['auth']}")
    if not user["lang"]:
        raise bad_parameter(f"Invalid language code: {user['lang']}")
    if is_internal(user["auth"]) and not user.get("password") and not user.get("createpassword"):
        raise bad_parameter("Invalid password: you must provide a password, or set createpassword.")
    if not is_email(user["email"]):
        raise bad_parameter(f"Email address is invalid: {user['email']}")
    if _email_taken(call, user["email"], 0):
        raise bad_parameter(f"Email address already exists: {user['email']}")


def _create(call: Call, user: Json) -> int:
    site, now = call.site, call.site.now()
    sets_password = is_internal(user["auth"]) and not user.get("createpassword")
    if sets_password:
        check_policy(site.settings, user["password"])
    _check_lengths(user)
    user_id = site.store.insert(
        "users", **{name: user[name] for name in _COLUMNS if name in user}, email_key=user["email"].casefold(),
        password=hashed(user["password"]) if sets_password else _no_password(user["auth"]),
        password_times=int(sets_password), fields=msgspec.json.encode(_rest(user)).decode(),
        force_change=int(bool(user.get("createpassword")) or _forces(user)), timecreated=now, timemodified=now,
    )  # fmt: skip
    if user.get("createpassword") and is_internal(user["auth"]):
        site.mail("newpassword", user_id)
    return user_id


def _no_password(auth: str) -> str:
    return "" if is_internal(auth) else NOT_CACHED


def _check_lengths(user: Json) -> None:
    for name, most in _LENGTHS.items():
        if len(str(user.get(name) or "")) > most:
            raise not_written(f"value too long for type character varying({most})")


def _rest(user: Json) -> Json:
    own = {*_COLUMNS, "id", "password", "createpassword", "preferences", "customfields", "userpicture"}
    return {name: value for name, value in user.items() if name not in own}


def _forces(user: Json) -> bool:
    """Whether a preference makes the person change the password; other preferences are not kept."""
    return any(each["type"] == _PREFERENCE and each["value"] == "1" for each in user.get("preferences", ()))


def _email_taken(call: Call, email: str, but: int) -> bool:
    if call.site.settings.allow_same_email:
        return False
    return call.site.store.one("SELECT 1 FROM users WHERE email_key = ? AND id != ?", email.casefold(), but) is not None


def update_users(call: Call, given: Json) -> Json:
    """Each by itself; one that fails becomes a warning."""
    call.need("moodle/user:update")
    warnings: list[Json] = []
    for user in call.items(given["users"]):
        with warned(call, warnings, "user", user["id"]):
            _update(call, user)
    return {"warnings": warnings}


def _update(call: Call, user: Json) -> None:
    call.check()
    store = call.site.store
    row = store.one("SELECT * FROM users WHERE id = ?", user["id"])
    if row is None:
        raise Thrown("invaliduserid", "Invalid user ID", debug="Invalid user ID")
    _check_target(call, row)
    email = user.get("email", row["email"])
    if email != row["email"]:
        if not is_email(email):
            raise unworded("useremailinvalid")
        if _email_taken(call, email, row["id"]):
            raise Thrown("useremailduplicate", "Duplicate address", debug="Duplicate email address")
    columns: dict[str, Any] = {name: user[name] for name in _COLUMNS if name in user}
    if "email" in columns:
        columns["email_key"] = email.casefold()
    if "password" in user:
        check_policy(call.site.settings, user["password"])
        if is_internal(user.get("auth", row["auth"])):
            columns |= {"password": hashed(user["password"]), "password_times": row["password_times"] + 1}
    _check_lengths(user)
    _check_username(call, row, columns)
    fields = msgspec.json.decode(row["fields"]) | _rest(user)
    if user.get("preferences"):
        columns["force_change"] = int(_forces(user))
    store.update(
        "users", row["id"], **columns, fields=msgspec.json.encode(fields).decode(), timemodified=call.site.now()
    )


def _check_username(call: Call, row: Row, columns: Json) -> None:
    """Only the database's index stops a doubled name, so that its words say nothing."""
    taken = "SELECT 1 FROM users WHERE username = ? AND id != ?"
    if "username" in columns and call.site.store.one(taken, columns["username"], row["id"]):
        raise not_written("duplicate key value violates unique constraint")


def _check_target(call: Call, row: Row) -> None:
    if row["siteadmin"] and not call.site.service_user()["siteadmin"] and row["id"] != SERVICE:
        raise Thrown("usernotupdatedadmin", "Cannot update admin accounts")
    if row["deleted"]:
        raise unworded("usernotupdateddeleted")
    if row["id"] == GUEST:
        raise unworded("usernotupdatedguest")


def delete_users(call: Call, given: Json) -> None:
    """All of them or none; grades, enrolments and memberships go with them."""
    call.need("moodle/user:delete")
    store = call.site.store
    for user_id in call.items(given["userids"]):
        call.check()
        row = store.one("SELECT * FROM users WHERE id = ? AND deleted = 0", user_id)
        if row is None:
            raise no_record("user")
        if row["siteadmin"]:
            raise Thrown("useradminodelete", "Administrator accounts cannot be deleted.")
        if user_id == SERVICE:
            raise Thrown("usernotdeletederror", "User not deleted - error")
        store.update(
            "users", user_id, deleted=1, username=f"{row['email'].lower()}.{call.site.now()}", idnumber="",
            email=hashed(row["username"])[:32], email_key=hashed(row["username"])[:32], password="",
        )  # fmt: skip
        for table in ("enrolments", "role_assignments", "cohort_members", "grades"):
            store.run(f"DELETE FROM {table} WHERE user = ?", user_id)
        store.insert("deletions", kind="user", id=user_id)


FUNCTIONS: Final = {
    "core_user_create_users": Function(create_users, _CREATE, writes=True, costs="users"),
    "core_user_update_users": Function(update_users, _UPDATE, writes=True, whole=False, costs="users"),
    "core_user_delete_users": Function(delete_users, Group({"userids": Many(Value("int"))}), writes=True),
}
