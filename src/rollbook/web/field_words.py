"""What the field map chooses, in words: where each LMS field comes from in OneRoster (rule 8). Reads settings only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rollbook.roster.settings import FieldMap, Settings
from rollbook.web.lists import lms_has

_COLUMNS: Final = {
    "sourcedId": "users.sourcedId",
    "identifier": "users.identifier",
    "userMasterIdentifier": "users.userMasterIdentifier",
    "username": "users.username",
    "email": "users.email",
}


@dataclass(frozen=True)
class Field:
    """One LMS field: what it is called there, where it comes from, what to know, and the setting that chooses."""

    name: Any
    source: str
    note: Any = ""
    setting: str = ""


def matching_words(users: FieldMap) -> str:
    """The matching rule in one sentence."""
    return _(
        "A person and an account belong together when the account's Unique ID is the person's %(column)s. Where only "
        "username or e-mail are the same, somebody has to decide."
    ) % {"column": users.unique_id}


def field_map(settings: Settings) -> list[tuple[Any, list[Field]]]:
    """Every LMS field by kind, in the order in which they are synced; kinds that the LMS has."""
    kinds = [
        ("building", gettext_lazy("Buildings"), _buildings()),
        ("grading_period", gettext_lazy("Grading periods"), _periods()),
        ("user", gettext_lazy("Users"), _users(settings.users)),
        ("guardian_link", gettext_lazy("Parents"), _guardians(settings.users)),
        ("course", gettext_lazy("Courses"), _courses()),
        ("section", gettext_lazy("Sections"), _sections(settings)),
        ("enrollment", gettext_lazy("Enrollments"), _enrollments(settings)),
    ]
    return [(title, fields) for kind, title, fields in kinds if lms_has(settings, kind)]


def _buildings() -> list[Field]:
    mapped = _("Only of buildings that Rollbook makes; a building that you mapped keeps what it has.")
    return [Field(_("Title"), "orgs.name", mapped), Field(_("Building code"), "orgs.identifier, else orgs.sourcedId")]


def _periods() -> list[Field]:
    return [
        Field(
            _("Title"), "academicSessions.title", _("The same title with other dates gets the year, then the school.")
        ),
        Field(_("Start"), "academicSessions.startDate"),
        Field(_("End"), "academicSessions.endDate"),
    ]


def _users(users: FieldMap) -> list[Field]:
    spaces = _("A username with a space is never sent; the person is listed under Findings.")
    none = _("not synced")
    preferred = users.preferred_name if users.preferred_name != "none" else ""
    passwords = {
        "generate": _("Rollbook makes a first password for each new account. None comes from the SIS."),
        "none": _("None is made: people sign in with single sign-on."),
    }
    graduation = _("the school year and users.grades") if users.graduation_year == "from_grade" else none
    return [
        Field(_("Unique ID"), _COLUMNS[users.unique_id], _("Fixed after the first sync."), "users.unique_id"),
        Field(_("First name"), "users.givenName"),
        Field(_("Last name"), "users.familyName"),
        Field(_("Middle name"), "users.middleName"),
        Field(_("Preferred first name"), f"users.{preferred}" if preferred else none, "", "users.preferred_name"),
        Field(_("Username"), _username(users), spaces, "users.username"),
        Field(_("E-mail"), "users.email" if users.email == "email" else none, "", "users.email"),
        Field(_("Role"), "users.role, roles.role", _("As you mapped the roles of the main school."), "roles"),
        Field(_("School"), "users.primaryOrg, users.orgs", _("The main building, and additional ones."), "schools"),
        Field(_("Graduation year"), graduation, "", "users.graduation_year"),
        Field(_("Password"), _("Rollbook"), passwords[users.passwords], "users.passwords"),
    ]


def _username(users: FieldMap) -> str:
    if users.username == "email_local_part":
        return _("users.email, the part before @")
    return _COLUMNS[users.username]


def _guardians(users: FieldMap) -> list[Field]:
    note = "" if users.guardians else _("Switched off: parents are not synced.")
    return [Field(_("Child and parent"), "users.agents", note, "users.guardians")]


def _courses() -> list[Field]:
    return [
        Field(_("Title"), "courses.title"),
        Field(_("Course code"), "courses.courseCode", _("With the building's code in front, so that it is unique.")),
        Field(_("School"), "classes.school", _("One course for each building in which it is taught.")),
    ]


def _sections(settings: Settings) -> list[Field]:
    words = {
        "{class}": "classes.title", "{code}": "classes.classCode", "{course}": "courses.title",
        "{period}": "classes.periods", "{term}": "academicSessions.title",
    }  # fmt: skip
    days = _("Grading periods") if lms_has(settings, "grading_period") else _("First and last day")
    title = settings.sections.title
    sources = ", ".join(column for word, column in words.items() if word in title)
    return [
        Field(_("Section title"), sources or title, _("Written as: %(title)s") % {"title": title}, "sections.title"),
        Field(_("Section code"), "classes.sourcedId"),
        Field(_("Course"), "classes.course"),
        Field(days, "classes.terms", _("All that you mapped on Terms."), "terms"),
        Field(_("Location"), "classes.location"),
    ]


def _enrollments(settings: Settings) -> list[Field]:
    days = settings.enrollments.give_days_before
    begins = _("Given %(days)s days before it begins.") % {"days": days}
    return [
        Field(_("Section"), "enrollments.class"),
        Field(_("Person"), "enrollments.user"),
        Field(_("Course admin or member"), "enrollments.role", _("Teachers become course admins, students members.")),
        Field(_("From"), "enrollments.beginDate", begins, "enrollments.give_days_before"),
        Field(_("Until"), "enrollments.endDate", _("The day on which a person has left."), "enrollments.end_dates"),
    ]
