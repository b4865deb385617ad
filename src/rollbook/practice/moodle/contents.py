"""The topics of a course with their activities, and until when these are to be done (core_course_get_contents)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from rollbook.practice.moodle.call import Call, Function, Json
from rollbook.practice.moodle.params import Group, Many, Value
from rollbook.practice.moodle.store import Row
from rollbook.practice.moodle.thrown import Thrown, no_record

_OPTIONS: Final = frozenset({
    "excludemodules", "excludecontents", "includestealthmodules", "sectionid", "sectionnumber", "cmid", "modname",
    "modid",
})  # fmt: skip
#: From this release on dates say which field they are from.
_NAMED_SINCE: Final = (4, 4)


@dataclass(frozen=True)
class _Dates:
    """The fields of an activity that open and end it; `named`: its dates say which field they are from."""

    opens: str
    ends: str
    named: bool = True


_KINDS: Final = {
    "assign": _Dates("allowsubmissionsfromdate", "duedate"), "quiz": _Dates("timeopen", "timeclose"),
    "lesson": _Dates("available", "deadline"), "workshop": _Dates("submissionstart", "submissionend"),
    "data": _Dates("timeavailablefrom", "timeavailableto", named=False), "forum": _Dates("", "duedate", named=False),
    "scorm": _Dates("timeopen", "timeclose", named=False),
}  # fmt: skip


def get_contents(call: Call, given: Json) -> list[Json]:
    """Everything is in the first topic. Activities that are hidden are shown to who may see them."""
    unknown = [each["name"] for each in given["options"] if each["name"] not in _OPTIONS]
    if unknown:
        raise Thrown("errorinvalidparam", f"The param {unknown[0]} is invalid.")
    course = call.site.store.one("SELECT * FROM courses WHERE id = ?", given["courseid"])
    if course is None:
        raise no_record("course")
    if not call.site.may("moodle/course:view"):
        raise Thrown("errorcoursecontextnotvalid", "You cannot execute functions in the course context.")
    asked = {each["name"]: each["value"] for each in given["options"]}
    rows = call.site.store.all(
        "SELECT * FROM grade_items WHERE course = ? AND itemmodule IS NOT NULL ORDER BY id", course["id"]
    )
    shown = [] if asked.get("excludemodules") == "1" else [_module(call, row) for row in rows]
    return [{
        "id": course["id"] * 10, "name": "General", "visible": 1, "summary": "", "summaryformat": 1, "section": 0,
        "hiddenbynumsections": 0, "uservisible": True,
        "modules": call.page([each for each in shown if _is_shown(call, each, asked)]),
    }]  # fmt: skip


def _is_shown(call: Call, module: Json, asked: Json) -> bool:
    if not module["visible"] and not call.site.may("moodle/course:viewhiddenactivities"):
        return False
    if module.pop("restricted") and not call.site.may("moodle/course:ignoreavailabilityrestrictions"):
        return False
    names = {"cmid": "id", "modname": "modname", "modid": "instance"}
    return all(str(module[key]) == asked[name] for name, key in names.items() if name in asked)


def _module(call: Call, item: Row) -> Json:
    fields, kind = msgspec.json.decode(item["fields"]), item["itemmodule"]
    dates = _KINDS.get(kind)
    return {
        "id": item["cmid"], "url": f"{call.base}/mod/{kind}/view.php?id={item['cmid']}", "name": item["itemname"],
        "instance": item["iteminstance"], "contextid": item["cmid"] + 1, "visible": int(fields.get("visible", 1)),
        "uservisible": True, "visibleoncoursepage": 1, "modicon": f"{call.base}/theme/image.php/boost/{kind}/1/icon",
        "modname": kind, "modplural": kind.title(), "purpose": "assessment", "indent": 0, "onclick": "",
        "afterlink": None, "customdata": _own_data(dates, fields), "noviewlink": False, "completion": 0,
        "downloadcontent": 1, "dates": _dates(call, dates, fields), "groupmode": 0,
        "restricted": bool(fields.get("restricted")),
    }  # fmt: skip


def _own_data(dates: _Dates | None, fields: Json) -> str:
    """The activity's own data as JSON; a text that is empty for those without any."""
    if dates is None:
        return '""'
    own = {dates.opens: fields.get("open", 0), dates.ends: fields.get("due", 0)}
    return msgspec.json.encode({name: str(value) for name, value in own.items() if name and value}).decode()


def _dates(call: Call, dates: _Dates | None, fields: Json) -> list[Json]:
    """Labels are in the site's language."""
    found: list[Json] = []
    if dates is None:
        return found
    for field, label, seconds in (
        (dates.opens, "Opened:", fields.get("open")),
        (dates.ends, "Due:", fields.get("due")),
    ):
        if field and seconds:
            named: dict[str, Any] = {"dataid": field}
            tells = dates.named and call.site.settings.release() >= _NAMED_SINCE
            found.append({"label": label, "timestamp": int(seconds), **(named if tells else {})})
    return found


FUNCTIONS: Final = {
    "core_course_get_contents": Function(get_contents, Group({
        "courseid": Value("int"),
        "options": Many(Group({"name": Value("alphanum"), "value": Value("raw")}), default=[]),
    })),
}  # fmt: skip
