"""What tests put into a gradebook, as teachers would: categories, items, grades; never part of the web services."""

from __future__ import annotations

from typing import Any

import msgspec

from rollbook.practice.moodle.site import Site
from rollbook.practice.moodle.store import Row

Json = dict[str, Any]
#: Activities and course modules are numbered apart from grade items.
INSTANCE_OFFSET, MODULE_OFFSET = 500_000, 600_000


def course_category(site: Site, course_id: int) -> int:
    """The top category of a course; made with its total when it is first asked for."""
    row = site.store.one("SELECT id FROM grade_categories WHERE course = ? AND parent IS NULL", course_id)
    if row is not None:
        return int(row["id"])
    category = site.store.insert("grade_categories", course=course_id, fullname="?")
    site.store.insert("grade_items", course=course_id, itemtype="course", iteminstance=category)
    return category


def change(site: Site, wanted: Json) -> Json:
    """Carry out {"course", "categories", "items", "grades", "remove"}; answers with ids by name.

    A course, an item and a person are named by their id, ID number or name. Raises LookupError for what is not there.
    """
    with site.store.transaction():
        course = _course(site, wanted["course"])
        top = course_category(site, course)
        for each in wanted.get("categories", ()):
            _category(site, course, top, each)
        for each in wanted.get("items", ()):
            _item(site, course, top, each)
        for each in wanted.get("grades", ()):
            _grade(site, course, each)
        for name in wanted.get("remove", ()):
            item = _find_item(site, course, name)["id"]
            site.store.run("DELETE FROM grades WHERE item = ?", item)
            site.store.run("DELETE FROM grade_items WHERE id = ?", item)
    items = site.store.all("SELECT * FROM grade_items WHERE course = ? AND itemname IS NOT NULL", course)
    categories = site.store.all("SELECT * FROM grade_categories WHERE course = ?", course)
    return {
        "course": course, "items": {row["itemname"]: row["id"] for row in items},
        "categories": {row["fullname"]: row["id"] for row in categories},
    }  # fmt: skip


def _course(site: Site, name: Any) -> int:
    sql = "SELECT id FROM courses WHERE id = ? OR idnumber = ? OR shortname = ?"
    row = site.store.one(sql, name, str(name), str(name))
    if row is None:
        raise LookupError(f"no course {name!r}")
    return int(row["id"])


def _find_category(site: Site, course: int, name: str) -> int:
    row = site.store.one("SELECT id FROM grade_categories WHERE course = ? AND fullname = ?", course, name)
    if row is None:
        raise LookupError(f"no category {name!r}")
    return int(row["id"])


def _category(site: Site, course: int, top: int, each: Json) -> None:
    parent = _find_category(site, course, each["parent"]) if each.get("parent") else top
    sql = "SELECT id FROM grade_categories WHERE course = ? AND fullname = ?"
    row = site.store.one(sql, course, each["name"])
    columns: Json = {
        "parent": parent, "hidden": int(each.get("hidden", 0)), "weight": each.get("weight"),
        "droplow": int(each.get("droplow", 0)),
    }  # fmt: skip
    if row is not None:
        site.store.update("grade_categories", row["id"], **columns)
        return
    made = site.store.insert("grade_categories", course=course, fullname=each["name"], **columns)
    site.store.insert("grade_items", course=course, itemtype="category", iteminstance=made)


def _find_item(site: Site, course: int, name: Any) -> Row:
    sql = "SELECT * FROM grade_items WHERE course = ? AND (itemname = ? OR id = ?)"
    row = site.store.one(sql, course, str(name), name)
    if row is None:
        raise LookupError(f"no grade item {name!r}")
    return row


def _item(site: Site, course: int, top: int, each: Json) -> None:
    """`scale` is a list of words, `module` "" a manual item, `due` and `open` seconds, `visible` is the activity's
    own, `restricted`: a condition hides it entirely, `needs_update`: its grades cannot be worked out; other fields are
    Moodle's."""
    store, scale = site.store, each.get("scale", [])
    columns: Json = {
        "category": _find_category(site, course, each["category"]) if each.get("category") else top,
        "grademin": 1 if scale else each.get("min", 0), "grademax": len(scale) or each.get("max", 100),
        "gradetype": 2 if scale else 1, "scale": ",".join(scale), "hidden": int(each.get("hidden", 0)),
        "idnumber": each.get("idnumber", ""), "weight": each.get("weight"),
        "fields": msgspec.json.encode({
            "due": each.get("due", 0), "open": each.get("open", 0), "visible": each.get("visible", 1),
            "restricted": each.get("restricted", 0), "needs_update": each.get("needs_update", 0),
        }).decode(),
    }  # fmt: skip
    row = store.one("SELECT id FROM grade_items WHERE course = ? AND itemname = ?", course, each["name"])
    if row is not None:
        store.update("grade_items", row["id"], **columns)
        return
    module = each.get("module", "assign")
    made = store.insert(
        "grade_items", course=course, itemname=each["name"], itemtype="mod" if module else "manual",
        itemmodule=module or None, **columns,
    )  # fmt: skip
    if module:
        store.update("grade_items", made, iteminstance=INSTANCE_OFFSET + made, cmid=MODULE_OFFSET + made)


def _grade(site: Site, course: int, each: Json) -> None:
    """`grade` None takes the grade away and leaves the row; `raw` is what the activity gave, if it differs."""
    item = _find_item(site, course, each["item"])
    sql = "SELECT id FROM users WHERE deleted = 0 AND (id = ? OR username = ? OR (idnumber != '' AND idnumber = ?))"
    user = site.store.one(sql, each["user"], str(each["user"]), str(each["user"]))
    if user is None:
        raise LookupError(f"no user {each['user']!r}")
    grade = each.get("grade")
    site.store.run(
        "INSERT OR REPLACE INTO grades VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
        item["id"], user["id"], each.get("raw", grade), grade, int(each.get("excluded", 0)),
        int(each.get("hidden", 0)), int(each.get("overridden", 0)), int(each.get("locked", 0)),
        each.get("feedback", ""), each.get("submitted"), each.get("graded", site.now() if grade is not None else None),
    )  # fmt: skip
