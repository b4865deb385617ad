"""Course categories (core_course_get_categories, _create_categories, _update_categories)."""

from __future__ import annotations

from typing import Any, Final

from rollbook.practice.moodle.call import Call, Function, Json
from rollbook.practice.moodle.params import Group, Many, Value, given, may
from rollbook.practice.moodle.store import Row
from rollbook.practice.moodle.thrown import Thrown

_KEYS: Final = {"id": "int", "name": "text", "parent": "int", "idnumber": "raw", "visible": "int", "ids": "sequence"}
_NEEDS: Final = {"idnumber": "moodle/category:manage", "visible": "moodle/category:viewhiddencategories"}


def find(call: Call, category_id: int) -> Row:
    """Raises Thrown."""
    row = call.site.store.one("SELECT * FROM categories WHERE id = ?", category_id)
    if row is None:
        raise Thrown("unknowncategory", 'Unknown category with category ID number "{$a}"')
    return row


def get_categories(call: Call, given: Json) -> list[Json]:
    """Those that meet all criteria, and what is below them; without criteria all."""
    store = call.site.store
    where, values = _where(call, given["criteria"])
    rows = store.all(f"SELECT * FROM categories WHERE {' AND '.join(where) or '1'} ORDER BY path", *values)
    found = {row["id"]: row for row in rows}
    if where and given["addsubcategories"]:
        for row in rows:
            below = store.all("SELECT * FROM categories WHERE path LIKE ?", f"{row['path']}/%")
            found.update({each["id"]: each for each in below})
    counts = {row[0]: row[1] for row in store.all("SELECT category, COUNT(*) FROM courses GROUP BY category")}
    shown = [_shown(call, row, counts) for row in found.values()]
    return call.page(sorted(shown, key=lambda each: str(each["sortorder"])))


def _where(call: Call, criteria: list[Json]) -> tuple[list[str], list[Any]]:
    where, values, seen = list[str](), list[Any](), set[str]()
    for each in criteria:
        key = each["key"].strip()
        if key in seen:
            continue
        seen.add(key)
        if key not in _KEYS or not call.site.may(_NEEDS.get(key, "")):
            raise Thrown("criteriaerror", "Missing permissions to search on a criterion.", debug=key)
        value = call.site.cleaner.clean(_KEYS[key], each["value"])
        if key == "ids":
            ids = [int(part) for part in value.split(",") if part]
            where.append(f"id IN ({', '.join('?' * len(ids))})")
            values += ids
        else:
            where.append(f"{key} = ?")
            values.append(value)
    return where, values


def _shown(call: Call, row: Row, counts: dict[int, int]) -> Json:
    found = {
        "id": row["id"], "name": row["name"], "description": row["description"],
        "descriptionformat": row["descriptionformat"], "parent": row["parent"], "sortorder": row["id"] * 10_000,
        "coursecount": counts.get(row["id"], 0), "depth": row["depth"], "path": row["path"],
    }  # fmt: skip
    if call.site.may("moodle/category:manage"):
        found |= {
            "idnumber": row["idnumber"], "visible": row["visible"], "visibleold": row["visible"],
            "timemodified": row["timemodified"], "theme": "",
        }  # fmt: skip
    return found


def create_categories(call: Call, given: Json) -> list[Json]:
    """All of them or none."""
    store, made = call.site.store, []
    for each in call.items(given["categories"]):
        call.check()
        if each["parent"] and not store.one("SELECT 1 FROM categories WHERE id = ?", each["parent"]):
            raise Thrown("unknowcategory", "Category not known!")
        call.need("moodle/category:manage")
        _check(call, each, 0)
        category_id = store.insert(
            "categories", name=each["name"], idnumber=each.get("idnumber", ""), parent=each["parent"],
            description=each.get("description", ""), descriptionformat=each["descriptionformat"],
            timemodified=call.site.now(),
        )  # fmt: skip
        _place(call, category_id)
        made.append({"id": category_id, "name": each["name"]})
    return made


def _check(call: Call, each: Json, own: int) -> None:
    if "name" in each:
        if not each["name"]:
            raise Thrown("categorynamerequired", "Category name is required")
        if len(each["name"]) > 255:
            raise Thrown("categorytoolong", "Category name too long")
    idnumber = each.get("idnumber", "")
    if len(idnumber) > 100:
        raise Thrown("idnumbertoolong", "ID number is too long")
    taken = "SELECT 1 FROM categories WHERE idnumber = ? AND id != ?"
    if idnumber and call.site.store.one(taken, idnumber, own):
        raise Thrown("categoryidnumbertaken", "ID number is already used for another category")


def _place(call: Call, category_id: int) -> None:
    """Path and depth of a category and of everything below it."""
    store = call.site.store
    row = find(call, category_id)
    above = store.one("SELECT path, depth FROM categories WHERE id = ?", row["parent"])
    path, depth = (above["path"], above["depth"]) if above else ("", 0)
    store.update("categories", category_id, path=f"{path}/{category_id}", depth=depth + 1)
    for below in store.all("SELECT id FROM categories WHERE parent = ?", category_id):
        _place(call, below["id"])


def update_categories(call: Call, given: Json) -> None:
    """All of them or none."""
    for each in call.items(given["categories"]):
        call.check()
        row = find(call, each["id"])
        call.need("moodle/category:manage")
        _check(call, each, row["id"])
        parent = each.get("parent", row["parent"])
        if parent != row["parent"]:
            above = find(call, parent)["path"] if parent else ""
            if f"/{row['id']}/" in f"{above}/":
                raise Thrown("cannotmovecategory", "Cannot move category")
        own = ("name", "idnumber", "parent", "description", "descriptionformat")
        changes = {name: each[name] for name in own if name in each}
        call.site.store.update("categories", row["id"], **changes, timemodified=call.site.now())
        _place(call, row["id"])


_COMMON: Final = {"idnumber": may("raw"), "description": may("raw"), "theme": may("plugin")}
FUNCTIONS: Final = {
    "core_course_get_categories": Function(get_categories, Group({
        "criteria": Many(Group({"key": Value("alpha"), "value": Value("raw")}), default=[]),
        "addsubcategories": given("bool", True),
    })),
    "core_course_create_categories": Function(create_categories, Group({"categories": Many(Group({
        "name": Value("text"), "parent": given("int", 0), "descriptionformat": given("int", 1), **_COMMON,
    }))}), writes=True),
    "core_course_update_categories": Function(update_categories, Group({"categories": Many(Group({
        "id": Value("int"), "name": may("text"), "parent": may("int"), "descriptionformat": given("int", 1), **_COMMON,
    }))}), writes=True),
}  # fmt: skip
