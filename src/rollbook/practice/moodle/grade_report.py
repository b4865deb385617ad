"""The user report of a gradebook (gradereport_user_get_grade_items): each person's items, with totals of the sums."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from rollbook.practice.moodle.call import Call, Function, Json
from rollbook.practice.moodle.courses import find as find_course
from rollbook.practice.moodle.enrolments import active_user
from rollbook.practice.moodle.gradebook import course_category
from rollbook.practice.moodle.params import Group, Value, given
from rollbook.practice.moodle.store import Row
from rollbook.practice.moodle.thrown import Thrown

#: Fields of columns of the report that the setting `report_hides` may switch off.
_COLUMNS: Final = {
    "grade": (
        "graderaw", "gradedatesubmitted", "gradedategraded", "gradehiddenbydate", "gradeneedsupdate", "gradeishidden",
        "gradeislocked", "gradeisoverridden", "gradeformatted",
    ),
    "range": ("rangeformatted", "grademin", "grademax"), "weight": ("weightraw", "weightformatted", "status"),
    "percentage": ("percentageformatted",), "feedback": ("feedback", "feedbackformat"),
}  # fmt: skip
_SEPARATE, _VISIBLE = 1, 2
_PERSON: Final = Group({"courseid": Value("int"), "userid": given("int", 0), "groupid": given("int", 0)})


@dataclass(frozen=True)
class _Book:
    """Items and categories of one course."""

    top: int
    items: list[Row]
    categories: dict[int, Row]

    def walk(self, category: int) -> Iterator[Row]:
        """Items in the report's order: what is in a category, then its total."""
        for child in self.categories.values():
            if child["parent"] == category:
                yield from self.walk(child["id"])
        yield from (item for item in self.items if item["category"] == category)
        yield from (item for item in self.items if item["category"] is None and item["iteminstance"] == category)

    def below(self, category: int) -> list[Row]:
        """Every item that counts for a category."""
        return [item for item in self.walk(category) if item["category"] is not None]


def get_grade_items(call: Call, given: Json) -> Json:
    """One person, whoever that is, or (`userid` 0) every student with an active enrolment."""
    course = find_course(call, given["courseid"])
    if not course["visible"] and not call.site.may("moodle/course:viewhiddencourses"):
        message = "Course or activity not accessible."
        raise Thrown("requireloginerror", message, kind="require_login_exception", debug="Course is hidden")
    call.need("gradereport/user:view", "moodle/grade:viewall")
    one = active_user(call, given["userid"]) if given["userid"] else None
    group = _group(call, course, one)
    store = call.site.store
    items = store.all("SELECT * FROM grade_items WHERE course = ? ORDER BY id", course["id"])
    if one is None and any(_needs_update(item) for item in items):
        raise Thrown("gradesneedregrading", "grades/gradesneedregrading")
    book = _Book(
        course_category(call.site, course["id"]),
        items,
        {row["id"]: row for row in store.all("SELECT * FROM grade_categories WHERE course = ?", course["id"])},
    )
    people = [one] if one else [each for each in _students(call, course["id"]) if group is None or each["id"] in group]
    found = [_person(call, course, book, person) for person in call.page(people)]
    return {"usergrades": found, "warnings": []}


def _group(call: Call, course: Row, one: Row | None) -> frozenset[int] | None:
    """To whom the report is narrowed; None: not at all. The token's user is in no group: of separate groups it is shown
    nobody but itself, of visible ones the first (groups_get_course_group). `group` has the ids of those in it."""
    fields = msgspec.json.decode(course["fields"])
    mode = fields.get("groupmode")
    if mode not in {_SEPARATE, _VISIBLE} or call.site.may("moodle/site:accessallgroups"):
        return None
    if mode == _SEPARATE and (one is None or one["id"] != call.site.service_user()["id"]):
        raise Thrown("notingroup", "Sorry, but you need to be part of a group to see this page.")
    return frozenset(fields["group"]) if mode == _VISIBLE and fields.get("group") else None


def _students(call: Call, course: int) -> list[Row]:
    """Who has a role that is graded (gradebookroles), and an active enrolment."""
    now, graded = call.site.now(), call.site.settings.graded_roles
    roles = ", ".join(str(call.site.settings.roles[name]) for name in sorted(graded)) or "0"
    return call.site.store.all(
        "SELECT DISTINCT u.* FROM users u JOIN enrolments e ON e.user = u.id JOIN role_assignments r "
        f"ON r.user = u.id AND r.course = e.course WHERE e.course = ? AND r.role IN ({roles}) AND u.deleted = 0 "
        "AND e.status = 0 AND e.timestart < ? AND (e.timeend = 0 OR e.timeend > ?) "
        "ORDER BY u.lastname, u.firstname, u.id",
        course, now, now,
    )  # fmt: skip


def _needs_update(item: Row) -> bool:
    return bool(msgspec.json.decode(item["fields"]).get("needs_update"))


def _person(call: Call, course: Row, book: _Book, person: Row) -> Json:
    rows = call.site.store.all(
        "SELECT g.* FROM grades g JOIN grade_items i ON i.id = g.item WHERE i.course = ? AND g.user = ? AND g.kept = 0",
        course["id"], person["id"],
    )  # fmt: skip
    grades = {row["item"]: row for row in rows}
    items = [_item(call, book, item, grades) for item in book.walk(book.top)]
    return {
        "courseid": course["id"], "courseidnumber": course["idnumber"], "userid": person["id"],
        "userfullname": f"{person['firstname']} {person['lastname']}", "useridnumber": person["idnumber"],
        "maxdepth": 2 + len({row["parent"] for row in book.categories.values()} - {None}),
        "gradeitems": [item for item in items if item is not None],
    }  # fmt: skip


def _item(call: Call, book: _Book, item: Row, grades: dict[int, Row]) -> Json | None:
    """One line; None where the token's user may not see it."""
    grade = grades.get(item["id"])
    if _out_of_reach(call, item):
        return None
    hidden = _is_hidden(call, item) or (grade is not None and _is_hidden(call, grade)) or _in_hidden(call, book, item)
    sees = call.site.may("moodle/grade:viewhidden")
    if hidden and not sees and (item["hidden"] == 1 or (grade is not None and grade["hidden"] == 1)):
        return None
    value, most = _value(book, item, grades)
    shown = value if sees or not hidden else None
    least, updating = item["grademin"], _needs_update(item)
    if updating:
        shown = None
    found: Json = {
        "id": item["id"], "itemname": item["itemname"], "itemtype": item["itemtype"], "itemmodule": item["itemmodule"],
        "iteminstance": item["iteminstance"], "itemnumber": 0 if item["itemmodule"] else None,
        "idnumber": item["idnumber"] or None, "categoryid": item["category"], "outcomeid": None, "scaleid": None,
        "locked": bool(item["locked"]), **_weight(book, item, grades), "graderaw": shown,
        "gradedatesubmitted": grade["submitted"] if grade else None,
        "gradedategraded": grade["graded"] if grade else None, "gradehiddenbydate": False, "gradeneedsupdate": updating,
        "gradeishidden": hidden, "gradeislocked": bool(grade and grade["locked"]),
        "gradeisoverridden": bool(grade and grade["overridden"]),
        "gradeformatted": "Error" if updating else _words(item, shown),
        "grademin": least, "grademax": most, "rangeformatted": _range(call, item, least, most),
        "percentageformatted": _percent(shown, least, most),
        "feedback": grade["feedback"] if grade and (sees or not hidden) else "", "feedbackformat": 1 if grade else 0,
    }  # fmt: skip
    if item["cmid"]:
        found["cmid"] = item["cmid"]
    if call.site.settings.letter_grades:
        found["lettergradeformatted"] = _letter(shown, least, most)
    gone = {name for column, names in _COLUMNS.items() if column in call.site.settings.report_hides for name in names}
    return {name: value for name, value in found.items() if name not in gone}


def _range(call: Call, item: Row, least: float, most: float) -> str:
    """First and last word of a scale; else numbers without decimals, in the language's own way of writing."""
    words = item["scale"].split(",") if item["scale"] else []
    return f"{words[0]}&ndash;{words[-1]}" if words else f"{least:.0f}&ndash;{most:.0f}"


def _out_of_reach(call: Call, item: Row) -> bool:
    """An activity that the token's user may not see: a hidden one, or one that a condition hides entirely."""
    fields = msgspec.json.decode(item["fields"])
    conditions = fields.get("restricted") and not call.site.may("moodle/course:ignoreavailabilityrestrictions")
    unseen = not fields.get("visible", 1) and not call.site.may("moodle/course:viewhiddenactivities")
    return bool(item["itemmodule"] and (conditions or unseen))


def _is_hidden(call: Call, row: Row) -> bool:
    """1 is hidden; a greater number is a time until which it is."""
    return bool(row["hidden"] == 1 or row["hidden"] > call.site.now())


def _in_hidden(call: Call, book: _Book, item: Row) -> bool:
    category = book.categories.get(item["category"] or item["iteminstance"])
    while category is not None:
        if _is_hidden(call, category):
            return True
        category = book.categories.get(category["parent"])
    return False


def _counted(book: _Book, category: int, grades: dict[int, Row]) -> list[Row]:
    """Items that count for a total: with a grade, not excluded or among the lowest; scales count by their position."""
    low = {own for each in book.categories for own in _lowest(book, each, grades)}
    return [item for item in _graded(book.below(category), grades) if item["id"] not in low]


def _graded(items: list[Row], grades: dict[int, Row]) -> list[Row]:
    rows = [(item, grades.get(item["id"])) for item in items]
    return [item for item, grade in rows if grade is not None and grade["final"] is not None and not grade["excluded"]]


def _lowest(book: _Book, category: int, grades: dict[int, Row]) -> dict[int, bool]:
    """Items of a category that its rule leaves out, and whether that is told: of equal grades it is not (array_diff in
    aggregate_grades compares values)."""
    ours = _graded([item for item in book.items if item["category"] == category], grades)
    shares = {item["id"]: grades[item["id"]]["final"] / item["grademax"] for item in ours}
    order = sorted(shares, key=lambda own: shares[own])
    low, kept = order[: book.categories[category]["droplow"]], order[book.categories[category]["droplow"] :]
    return {own: shares[own] not in {shares[each] for each in kept} for own in low}


def _value(book: _Book, item: Row, grades: dict[int, Row]) -> tuple[float | None, float]:
    """The grade and the most that could be had."""
    if item["category"] is not None:
        grade = grades.get(item["id"])
        return (grade["final"] if grade is not None else None), item["grademax"]
    counted = _counted(book, item["iteminstance"], grades)
    most = sum(each["grademax"] for each in counted)
    return (sum(grades[each["id"]]["final"] for each in counted), most) if counted else (None, item["grademax"])


def _weight(book: _Book, item: Row, grades: dict[int, Row]) -> Json:
    """The share of an item in its category, and why it has none (`status`)."""
    if item["category"] is None:
        return {}
    grade = grades.get(item["id"])
    unweighted = {"weightraw": 0.0, "weightformatted": "0.00 %"}
    if grade is None or grade["final"] is None:
        return {**unweighted, "status": "novalue"}
    if grade["excluded"]:
        return {**unweighted, "status": "dropped"}
    low = _lowest(book, item["category"], grades)
    if item["id"] in low:
        return {**unweighted, "status": "dropped"} if low[item["id"]] else dict(unweighted)
    counted = _counted(book, item["category"], grades)
    total = sum(each["grademax"] for each in counted)
    share = item["weight"] if item["weight"] is not None else (item["grademax"] / total if total else 0.0)
    return {"weightraw": share, "weightformatted": f"{share * 100:.2f} %"}


def _words(item: Row, value: float | None) -> str:
    if value is None:
        return "-"
    words = item["scale"].split(",") if item["scale"] else []
    return words[int(value) - 1] if 0 < int(value) <= len(words) else f"{value:.2f}"


def _percent(value: float | None, least: float, most: float) -> str:
    return "-" if value is None or most == least else f"{(value - least) / (most - least) * 100:.2f} %"


_LETTERS: Final = (
    (93, "A"), (90, "A-"), (87, "B+"), (83, "B"), (80, "B-"), (77, "C+"), (73, "C"), (70, "C-"), (67, "D+"), (60, "D"),
    (0, "F"),
)  # fmt: skip


def _letter(value: float | None, least: float, most: float) -> str:
    if value is None or most == least:
        return "-"
    share: Any = (value - least) / (most - least) * 100
    return next((letter for bound, letter in _LETTERS if share >= bound), "F")


FUNCTIONS: Final = {
    "gradereport_user_get_grade_items": Function(get_grade_items, _PERSON, component="gradereport_user"),
}
