"""A plan's rows in words: what happens to whom, field by field, and why a row waits. Shows; decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rollbook.core.changes_table import BLOCKED, HELD, WAITING
from rollbook.roster.changes import DONE, REFUSED, UNKNOWN, Outcome
from rollbook.store.plan_rows import UNSENT

FIELDS: Final = {
    "title": gettext_lazy("Title"),
    "code": gettext_lazy("Code"),
    "start": gettext_lazy("First day"),
    "end": gettext_lazy("Last day"),
    "first_name": gettext_lazy("First name"),
    "last_name": gettext_lazy("Last name"),
    "middle_name": gettext_lazy("Middle name"),
    "preferred_first_name": gettext_lazy("Preferred first name"),
    "username": gettext_lazy("Username"),
    "email": gettext_lazy("E-mail"),
    "role": gettext_lazy("Role"),
    "building": gettext_lazy("Building"),
    "additional_buildings": gettext_lazy("Additional buildings"),
    "graduation_year": gettext_lazy("Graduation year"),
    "student": gettext_lazy("Student"),
    "guardian": gettext_lazy("Guardian"),
    "course": gettext_lazy("Course"),
    "grading_periods": gettext_lazy("Grading periods"),
    "location": gettext_lazy("Location"),
    "section": gettext_lazy("Section"),
    "user": gettext_lazy("User"),
    "admin": gettext_lazy("Course admin"),
    "active": gettext_lazy("Account is active"),
}
ONE: Final = {
    "building": gettext_lazy("Building"),
    "grading_period": gettext_lazy("Grading period"),
    "user": gettext_lazy("User"),
    "guardian_link": gettext_lazy("Guardian link"),
    "course": gettext_lazy("Course"),
    "section": gettext_lazy("Section"),
    "enrollment": gettext_lazy("Enrollment"),
    "category": gettext_lazy("Grading category"),
    "line_item": gettext_lazy("Graded item"),
    "result": gettext_lazy("Grade"),
}
SEVERAL: Final = {
    "building": gettext_lazy("Buildings"),
    "grading_period": gettext_lazy("Grading periods"),
    "user": gettext_lazy("Users"),
    "guardian_link": gettext_lazy("Guardian links"),
    "course": gettext_lazy("Courses"),
    "section": gettext_lazy("Sections"),
    "enrollment": gettext_lazy("Enrollments"),
    "category": gettext_lazy("Grading categories"),
    "line_item": gettext_lazy("Graded items"),
    "result": gettext_lazy("Grades"),
}
ACTION_WORDS: Final = {
    "adopt": gettext_lazy("Link"),
    "revive": gettext_lazy("Revive"),
    "rekey": gettext_lazy("New id"),
    "create": gettext_lazy("Create"),
    "update": gettext_lazy("Update"),
    "remove": gettext_lazy("Remove"),
    "deactivate": gettext_lazy("Deactivate"),
}
#: Fields that hold keys of buildings.
_PLACES: Final = ("building", "additional_buildings")
FATE_WORDS: Final = {
    DONE: gettext_lazy("Done"),
    REFUSED: gettext_lazy("Refused by the LMS"),
    UNKNOWN: gettext_lazy("Unknown: the answer was lost"),
    HELD: gettext_lazy("Held for a person"),
    WAITING: gettext_lazy("Waiting for something else"),
    BLOCKED: gettext_lazy("Blocked"),
    UNSENT: gettext_lazy("Not sent"),
}
STATE_WORDS: Final = {
    "queued": gettext_lazy("Waits in the queue"),
    "running": gettext_lazy("Is running"),
    "planned": gettext_lazy("Planned, and nothing was sent"),
    "done": gettext_lazy("Sent"),
    "held": gettext_lazy("A part is held for a person"),
    "failed": gettext_lazy("Failed"),
    "cancelled": gettext_lazy("Cancelled"),
}


def row_words(
    row: Mapping[str, Any],
    *,
    outcome: Outcome | None,
    names: Mapping[str, str],
    holds: Mapping[str, str],
    refused: Mapping[tuple[str, str], Mapping[str, Any]],
) -> dict[str, Any]:
    """A row for the page. `names` of schools by org; `holds` maps the plan's hold ids to their sentences; `refused` is
    since when records are refused, by kind and key."""
    fate = _fate(row, outcome)
    hold = _hold(row)
    school = row["school"]
    return {
        **row,
        "one": ONE[row["kind"]],
        "does": ACTION_WORDS[row["action"]],
        "who": _who(row),
        "school_name": names.get(school or "", school or ""),
        "fields": _fields(row, names),
        "fate": fate,
        "fate_words": FATE_WORDS[fate],
        "hold": hold if hold in holds else "",
        "why": _why(row, fate, outcome, holds.get(hold, "")),
        "since": refused.get((row["kind"], row["key"])) if fate == REFUSED or _paused(row) else None,
    }


def kind_of(kind: str, number: int) -> str:
    """What so many of a kind are called: `User` or `Users`."""
    return str((ONE if number == 1 else SEVERAL).get(kind, kind))


def change_text(row: Mapping[str, Any], side: str) -> str:
    """What differs, on one side (before or after), as one text: `First name: Ann; Role: Student`."""
    some = ((name, value_words(row[side].get(name))) for name in row["differs"])
    return "; ".join(f"{FIELDS.get(name, name)}: {value}" for name, value in some if value)


def value_words(value: Any) -> str:
    """A field's value for people; empty for nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    return ", ".join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)


def _fate(row: Mapping[str, Any], outcome: Outcome | None) -> str:
    if outcome is not None:
        return outcome.status
    return row["state"] if row["state"] in (HELD, WAITING, BLOCKED) else UNSENT


def _hold(row: Mapping[str, Any]) -> str:
    reason = row["reason"] or ""
    return reason.removeprefix("hold:") if reason.startswith("hold:") else ""


def _paused(row: Mapping[str, Any]) -> bool:
    return bool(row["reason"] == "refused_before")


def _who(row: Mapping[str, Any]) -> str:
    side = {**row["before"], **row["after"]}
    if row["kind"] == "user":
        return " ".join(str(side[name]) for name in ("first_name", "last_name") if side.get(name))
    return str(side.get("title") or "")


def _fields(row: Mapping[str, Any], names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Every field, those that differ first; buildings by the names of their schools."""

    def value(name: str, side: str) -> str:
        found = row[side].get(name)
        return value_words(_named(found, names) if name in _PLACES else found)

    differs = set(row["differs"])
    shown = [name for name in FIELDS if name in row["before"] or name in row["after"]]
    return [
        {
            "label": FIELDS[name],
            "before": value(name, "before"),
            "after": value(name, "after"),
            "differs": name in differs,
        }
        for name in sorted(shown, key=lambda name: name not in differs)
    ]


def _named(value: Any, names: Mapping[str, str]) -> Any:
    """Keys of buildings, `org:<sourcedId>`, as the names of their schools, where these are known."""
    if isinstance(value, str):
        return names.get(value.removeprefix("org:"), value)
    return [_named(one, names) for one in value] if isinstance(value, Sequence) else value


def _why(row: Mapping[str, Any], fate: str, outcome: Outcome | None, sentence: str) -> str:
    """Why it is as it is, in words; empty where that needs none."""
    if fate == HELD:
        return sentence or str(_("It waits until a person has looked at it."))
    if outcome is not None:
        return _told(outcome)
    reason = row["reason"] or ""
    parent = str(ONE[reason]).lower() if reason in ONE else ""
    if fate == BLOCKED:
        return _(
            "It needs a %(parent)s that is neither in the LMS nor in this plan. Sync %(parents)s first, or look "
            "under Logs why it is kept back."
        ) % {"parent": parent, "parents": str(SEVERAL.get(reason, reason)).lower()}
    if fate == WAITING and _paused(row):
        return _("The LMS has refused it several times in a row, so it is tried again later, or when it changes.")
    if fate == WAITING and row["kind"] == "user" and reason == "user":
        return _("The account is inactive; it changes once the account has been revived.")
    if fate == WAITING and reason == "other_item":
        return _("Only other items were asked for. The next sync of the whole section sends it.")
    if fate == WAITING and reason == "choice":
        return _("The item was deleted in the LMS; it stays in the SIS until somebody chooses.")
    if fate == WAITING:
        return _("It needs a %(parent)s that is not sent yet or waits itself. It goes out after that.") % {
            "parent": parent
        }
    return str(_("A person has approved it.")) if reason == "permitted" else ""


def _told(outcome: Outcome) -> str:
    if outcome.status == REFUSED:
        code = f" ({outcome.code})" if outcome.code else ""
        return _("The LMS said: %(message)s%(code)s") % {"message": outcome.message, "code": code}
    if outcome.status == UNKNOWN:
        return _("The LMS did not answer in time. The next sync looks what became of it.")
    if outcome.status == WAITING:
        return _("It was not sent: %(message)s. The next sync tries again.") % {"message": outcome.message.rstrip(".")}
    return outcome.message
