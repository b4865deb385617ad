"""Cohorts and their members (core_cohort_*)."""

from __future__ import annotations

from typing import Any, Final

from rollbook.practice.moodle.call import Call, Function, Json
from rollbook.practice.moodle.params import Group, Many, Value, given, may
from rollbook.practice.moodle.store import Row, marks
from rollbook.practice.moodle.thrown import Thrown, bad_parameter, no_record

_KEYS: Final = {"cohort": ("id", "idnumber"), "user": ("id", "username")}


def create_cohorts(call: Call, given: Json) -> list[Json]:
    """All of them or none."""
    made = []
    for each in call.items(given["cohorts"]):
        call.check()
        category = _category(call, each["categorytype"])
        if call.site.store.one("SELECT 1 FROM cohorts WHERE idnumber = ?", each["idnumber"]):
            raise bad_parameter(f"record already exists: idnumber={each['idnumber']}")
        call.need("moodle/cohort:manage")
        cohort_id = call.site.store.insert(
            "cohorts", name=each["name"], idnumber=each["idnumber"], category=category,
            description=each.get("description", ""), visible=int(each.get("visible", True)),
        )  # fmt: skip
        made.append(_shown(_found(call, cohort_id)))
    return made


def _category(call: Call, kind: Json) -> int:
    """The category's id, 0 for the whole site."""
    if kind["type"] not in {"id", "idnumber", "system"}:
        raise bad_parameter(f"category type must be id, idnumber or system:{kind['type']}")
    if kind["type"] == "system":
        return 0
    row = call.site.store.one(f"SELECT id FROM categories WHERE {kind['type']} = ?", kind["value"])
    if row is None:
        raise bad_parameter(f"category not exists: category {kind['type']} = {kind['value']}")
    return int(row["id"])


def _found(call: Call, cohort_id: int) -> Row:
    row = call.site.store.one("SELECT * FROM cohorts WHERE id = ?", cohort_id)
    if row is None:
        raise no_record("cohort")
    return row


def _shown(row: Row) -> Json:
    return {
        "id": row["id"], "name": row["name"], "idnumber": row["idnumber"], "description": row["description"],
        "descriptionformat": 1, "visible": bool(row["visible"]),
    }  # fmt: skip


def _view(call: Call) -> None:
    if not call.site.may("moodle/cohort:manage"):
        call.need("moodle/cohort:view")


def get_cohorts(call: Call, given: Json) -> list[Json]:
    """All, or those with an id; ids that are not there are left out."""
    ids = given["cohortids"]
    where = f"WHERE id IN ({marks(ids)})" if ids else ""
    rows = call.site.store.all(f"SELECT * FROM cohorts {where} ORDER BY id", *ids)
    if rows:
        _view(call)
    return call.page([_shown(row) for row in rows])


def search_cohorts(call: Call, given: Json) -> Json:
    """By name, ID number or description; 25 at most unless `limitnum` says more."""
    _view(call)
    like = f"%{given['query']}%"
    sql = "SELECT * FROM cohorts WHERE name LIKE ? OR idnumber LIKE ? OR description LIKE ? ORDER BY name, idnumber"
    rows = [_shown(row) for row in call.site.store.all(sql, like, like, like)]
    return {"cohorts": call.page(rows, given["limitfrom"], given["limitnum"])}


def add_members(call: Call, given: Json) -> Json:
    """Whoever cannot be added becomes a warning without item; a missing capability undoes all."""
    warnings: list[Json] = []
    for each in call.items(given["members"]):
        call.check()
        cohort, user = each["cohorttype"], each["usertype"]
        cohort_id = _one(call, "cohort", cohort, warnings)
        user_id = _one(call, "user", user, warnings) if cohort_id else 0
        if not cohort_id or not user_id:
            continue
        if call.site.store.one("SELECT 1 FROM cohort_members WHERE cohort = ? AND user = ?", cohort_id, user_id):
            names = f"cohort({cohort['type']}={cohort['value']} {user['type']}={user['value']})"
            warnings.append({"warningcode": "3", "message": f"record already exists: {names}"})
            continue
        if not call.site.may("moodle/cohort:manage"):
            call.need("moodle/cohort:assign")
        call.site.store.run("INSERT INTO cohort_members VALUES (?, ?)", cohort_id, user_id)
    return {"warnings": warnings}


def _one(call: Call, what: str, kind: Json, warnings: list[Json]) -> int:
    """The id of a cohort or user; 0 and a warning where there is none."""
    name, value = kind["type"], kind["value"]
    if name not in _KEYS[what]:
        warnings.append({"warningcode": "1", "message": f"invalid parameter: {what}type={name}"})
        return 0
    alive = " AND deleted = 0" if what == "user" else ""
    row = call.site.store.one(f"SELECT id FROM {what}s WHERE {name} = ?{alive}", value)
    if row is None:
        warnings.append({"warningcode": "2", "message": f"{what} {name}={value} not exists"})
    return int(row["id"]) if row is not None else 0


def delete_members(call: Call, given: Json) -> None:
    """All of them or none; who is not a member is no error."""
    for each in call.items(given["members"]):
        call.check()
        _found(call, each["cohortid"])
        if not call.site.store.one("SELECT 1 FROM users WHERE id = ? AND deleted = 0", each["userid"]):
            raise no_record("user")
        if not call.site.may("moodle/cohort:manage"):
            call.need("moodle/cohort:assign")
        sql = "DELETE FROM cohort_members WHERE cohort = ? AND user = ?"
        call.site.store.run(sql, each["cohortid"], each["userid"])


def get_members(call: Call, given: Json) -> list[Json]:
    """For each cohort the ids of its members."""
    found: list[Any] = []
    for cohort_id in given["cohortids"]:
        _found(call, cohort_id)
        if not call.site.may("moodle/cohort:manage") and not call.site.may("moodle/cohort:view"):
            raise Thrown("nopermissions", "Sorry, but you do not currently have permissions to do that ().")
        rows = call.site.store.all("SELECT user FROM cohort_members WHERE cohort = ? ORDER BY user", cohort_id)
        found.append({"cohortid": cohort_id, "userids": call.page([row["user"] for row in rows])})
    return found


_KIND: Final = Group({"type": Value("alphanumext"), "value": Value("raw")})
_COHORT: Final = Group({
    "categorytype": _KIND, "name": Value("raw"), "idnumber": Value("raw"), "description": may("raw"),
    "descriptionformat": given("int", 1), "visible": may("bool"), "theme": may("plugin"),
    "customfields": Many(Group({"shortname": Value("alphanumext"), "value": Value("raw")}), optional=True),
})  # fmt: skip
_CONTEXT: Final = Group({
    "contextid": given("int", 0), "contextlevel": given("alphanumext", ""), "instanceid": given("int", 0),
})  # fmt: skip
_IDS: Final = Group({"cohortids": Many(Value("int"), default=[])})
FUNCTIONS: Final = {
    "core_cohort_create_cohorts": Function(create_cohorts, Group({"cohorts": Many(_COHORT)}), writes=True),
    "core_cohort_get_cohorts": Function(get_cohorts, _IDS),
    "core_cohort_search_cohorts": Function(search_cohorts, Group({
        "query": Value("raw"), "context": _CONTEXT, "includes": given("alpha", "parents"),
        "limitfrom": given("int", 0), "limitnum": given("int", 25),
    })),
    "core_cohort_add_cohort_members": Function(
        add_members, Group({"members": Many(Group({"cohorttype": _KIND, "usertype": _KIND}))}), writes=True
    ),
    "core_cohort_delete_cohort_members": Function(
        delete_members, Group({"members": Many(Group({"cohortid": Value("int"), "userid": Value("int")}))}), writes=True
    ),
    "core_cohort_get_cohort_members": Function(get_members, _IDS),
}  # fmt: skip
