"""Reasons why somebody or something is not synced, as people read them. Plain tables and small functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rollbook.roster.findings import FINDINGS
from rollbook.store.looking import Row
from rollbook.store.one_record import Change
from rollbook.web.said import held_said

#: By reason of `pipeline.left_out`: why a person is not synced, and what to do about it.
PERSON: Final[Mapping[str, tuple[Any, Any]]] = {
    "blocked": (
        gettext_lazy("The person's record in the SIS has a fault that blocks it."),
        gettext_lazy("Correct it in the SIS; the next sync takes the person in."),
    ),
    "disabled": (
        gettext_lazy("The SIS has the person as not enabled."),
        gettext_lazy("Enable the person in the SIS if they should have an account."),
    ),
    "excluded": (
        gettext_lazy("The settings exclude the person."),
        gettext_lazy("Take the exclusion out of the settings if the person should sync."),
    ),
    "school": (
        gettext_lazy("None of the person's schools is mapped."),
        gettext_lazy("Map one of their schools on the Schools page."),
    ),
    "no_role_map": (
        gettext_lazy("The person's school has no role map."),
        gettext_lazy("Map the roles of the school on the Users page."),
    ),
    "role": (
        gettext_lazy("The person's role is mapped to Do Not Sync."),
        gettext_lazy("Map the role on the Users page if these people should have accounts."),
    ),
    "guardian": (
        gettext_lazy("Guardians only sync together with a synced student of theirs."),
        gettext_lazy(
            "Look whether the SIS links the guardian to a student who syncs, and whether guardians sync at all."
        ),
    ),
    "gone": (
        gettext_lazy("The SIS does not list the person any more."),
        gettext_lazy("If that is wrong, ask why the SIS leaves the person out."),
    ),
    "other": (
        gettext_lazy("The person does not sync at any of their schools."),
        gettext_lazy("Look at the person's schools and roles in the SIS."),
    ),
}
SECTION: Final[Mapping[str, tuple[Any, Any]]] = {
    "blocked": (
        gettext_lazy("The class, its course or its school has a fault in the SIS that blocks it."),
        gettext_lazy("Correct it in the SIS; the next sync takes the section in."),
    ),
    "school": (
        gettext_lazy("The section's school is not mapped."),
        gettext_lazy("Map the school on the Schools page."),
    ),
    "year": (
        gettext_lazy("None of the section's terms is in the active year."),
        gettext_lazy("Nothing to do if the section belongs to another year; else correct its terms in the SIS."),
    ),
    "excluded": (
        gettext_lazy("The settings exclude the section."),
        gettext_lazy("Take the exclusion out of the settings if the section should sync."),
    ),
    "term": (
        gettext_lazy("None of the section's terms is mapped to a grading period."),
        gettext_lazy("Map one of its terms on the Terms page."),
    ),
    "gone": (
        gettext_lazy("The SIS does not list the section any more."),
        gettext_lazy("If that is wrong, ask why the SIS leaves the class out."),
    ),
}
#: What a change does, by kind and action.
_DOES: Final = {
    ("user", "create"): gettext_lazy("Make the account"),
    ("user", "update"): gettext_lazy("Change the account"),
    ("user", "adopt"): gettext_lazy("Link the account that was there"),
    ("user", "rekey"): gettext_lazy("Give the account its new id"),
    ("user", "deactivate"): gettext_lazy("Deactivate the account"),
    ("user", "revive"): gettext_lazy("Reactivate the account"),
    ("section", "create"): gettext_lazy("Make the section"),
    ("section", "update"): gettext_lazy("Change the section"),
    ("section", "adopt"): gettext_lazy("Link the section that was there"),
    ("section", "rekey"): gettext_lazy("Give the section its new id"),
    ("enrollment", "create"): gettext_lazy("Enroll in a section"),
    ("enrollment", "update"): gettext_lazy("Change the role in a section"),
    ("enrollment", "remove"): gettext_lazy("Take out of a section"),
    ("enrollment", "adopt"): gettext_lazy("Link the enrollment that was there"),
}
_PARENTS: Final = {
    "user": gettext_lazy("the person's account is not in the LMS yet"),
    "section": gettext_lazy("the section is not in the LMS yet"),
    "course": gettext_lazy("the course is not in the LMS yet"),
    "building": gettext_lazy("the school's building is not in the LMS yet"),
    "grading_period": gettext_lazy("a grading period is not in the LMS yet"),
}
_MISSED: Final = gettext_lazy("it needs something that is not in the LMS yet")


def person_words(row: Row) -> tuple[str, str]:
    """Why a left-out person does not sync, and what to do."""
    sentence, fix = PERSON.get(row["reason"], PERSON["other"])
    return str(sentence), str(fix)


def section_words(row: Row) -> tuple[str, str]:
    sentence, fix = SECTION.get(row["reason"], SECTION["blocked"])
    return str(sentence), str(fix)


def finding_words(row: Row) -> tuple[str, str]:
    """A finding's sentence and fix."""
    known = FINDINGS.get(row["code"])
    return (_(known.sentence), _(known.fix)) if known else (row["code"], "")


def change_words(change: Change) -> str:
    """What a change does."""
    return str(_DOES.get((change.kind, change.action), f"{change.action} {change.kind.replace('_', ' ')}"))


def fate_words(change: Change) -> str:
    """What became of a change, or what it waits for."""
    if change.outcome is not None:
        return _outcome_words(change)
    if change.state == "held":
        return _("waits for approval: %(why)s") % {"why": held_words(change).rstrip(".")}
    if change.state in ("waiting", "blocked"):
        return _("waits: %(why)s") % {"why": waiting_words(change)}
    if change.reading.dry_run:
        return _("planned in a preview, not sent")
    return _("not sent: the run ended before")


def held_words(change: Change) -> str:
    if change.hold is None:
        return _("the hold was decided or replaced since")
    return held_said(change.hold.reason, change.hold.action)


def waiting_words(change: Change) -> str:
    if change.reason == "refused_before":
        return _("the LMS refused it several times; it is tried weekly, or when it changes")
    return str(_PARENTS.get(change.reason, _MISSED))


def _outcome_words(change: Change) -> str:
    assert change.outcome is not None
    status, message = change.outcome.status, change.outcome.message
    if status == "done":
        return _("done")
    if status == "refused":
        return _("refused by the LMS: “%(message)s”") % {"message": message}
    if status == "unknown":
        return _("sent, but the answer was lost; the next run looks")
    return _("waits: it was not sent in this run")
