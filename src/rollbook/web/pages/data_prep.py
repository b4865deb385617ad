"""Data Prep: who is in both systems, who only in one, and whose an account is where that is unclear (rules 4, 10)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from rollbook.actions.accounts import account_by
from rollbook.actions.matching import LOOKED, SKIPPED, decide_matches, finish_data_prep
from rollbook.actions.runs import Wanted, request_run
from rollbook.core.protocols import ASK, LEAVE, LINK, Decision
from rollbook.errors import BlobLost, ConfigError
from rollbook.store.blobs import KeptBlobs, open_blobs
from rollbook.store.both_systems import (
    Look,
    accounts_in_question,
    finding_examples,
    last_trouble,
    look_under_way,
    newest_look,
    people_page,
)
from rollbook.store.models import FactRow, MatchDecision, Organization
from rollbook.store.rows import group_findings
from rollbook.store.setup import opened
from rollbook.web.access import Place, Who, page
from rollbook.web.ended import load_anew
from rollbook.web.error_words import error_said
from rollbook.web.field_words import matching_words
from rollbook.web.pages import data_prep_csv
from rollbook.web.runs_shown import names_of
from rollbook.web.steps import DATA_PREP, steps

PER_PAGE: Final = 50
#: Shown from left to right: what needs a person comes first.
STATES: Final = (
    ("conflict", gettext_lazy("To decide")),
    ("sis", gettext_lazy("Only in the SIS")),
    ("lms", gettext_lazy("Only in the LMS")),
    ("both", gettext_lazy("In both systems")),
)
#: The eight counts, with the finding that names the records where there is one.
COUNTS: Final = (
    ("users_without_username", gettext_lazy("People without a username"), "USER_NO_LOGIN"),
    ("usernames_with_spaces", gettext_lazy("Usernames with a space"), "USER_USERNAME_SPACE"),
    ("doubled_logins", gettext_lazy("People who share a username, e-mail or unique id"), "USER_USERNAME_DUPLICATE"),
    ("users_without_mapped_school", gettext_lazy("People none of whose schools is mapped"), "USER_NOT_PROVISIONED"),
    ("classes_without_term", gettext_lazy("Classes without a term"), "CLASS_NO_TERM"),
    ("classes_without_teacher", gettext_lazy("Classes without a teacher"), "CLASS_NO_TEACHER"),
    ("classes_without_student", gettext_lazy("Classes without a student"), "CLASS_NO_STUDENT"),
    ("enrollments_outside_dates", gettext_lazy("Enrollments outside the dates of their terms"),
     "ENROLLMENT_OUTSIDE_TERM"),
)  # fmt: skip


@page(read=Who.READER)
def show(request: HttpRequest, place: Place) -> HttpResponse:
    done = steps(place.organization)
    look = newest_look(place.organization)
    state = _state(request.GET.get("show"), look)
    context: dict[str, Any] = {
        "steps": done,
        "look": look,
        "under_way": look_under_way(place.organization),
        "trouble": last_trouble(place.organization),
        "matching": matching_words(done.settings.users) if done.settings else "",
        "finished": FactRow.objects.filter(organization=place.organization, name=DATA_PREP)
        .values_list("value")
        .first(),
        "can_look": done.configuration,
        "no_roles": done.settings is not None and not done.settings.roles,
    }
    if look is not None:
        context |= _shown(look, place.organization, state, _number(request.GET.get("page")))
        context["names"] = names_of(place)
    return render(request, "data_prep.html", context)


@page(write=Who.ACTING)
def look_again(request: HttpRequest, place: Place) -> HttpResponse:
    try:
        wanted = Wanted(dry_run=True, compare_live=True)
        run = request_run(org=place.organization.slug, wanted=wanted, by=account_by(place.account))
    except ConfigError as error:
        messages.error(request, error_said(error))
    else:
        messages.success(
            request, _("Rollbook looks at both systems now (run %(run)s). Nothing is sent.") % {"run": run}
        )
    return redirect("data_prep", place.organization.slug)


@page(read=Who.READER)
def state_now(request: HttpRequest, place: Place) -> HttpResponse:
    """Asked every few seconds while a look is under way; the page is loaded anew when it is over."""
    run = look_under_way(place.organization)
    answer = render(request, "data_prep/under_way.html", {"under_way": run})
    if run is None:
        load_anew(answer)
    return answer


@page(write=Who.ACTING)
def decide(request: HttpRequest, place: Place) -> HttpResponse:
    look = newest_look(place.organization)
    back = _address(place, request.POST.get("show"), request.POST.get("page"))
    asked = _asked(request.POST)
    try:
        decisions = checked(open_blobs(opened()), look, asked)
        number = decide_matches(org=place.organization.slug, by=account_by(place.account), decisions=decisions)
    except (ConfigError, BlobLost) as error:
        messages.error(request, error_said(error))
        return redirect(back)
    if number:
        words = ngettext("%(n)s decision is saved.", "%(n)s decisions are saved.", number) % {"n": number}
        messages.success(request, words + " " + _("The next sync of Users goes by it."))
    else:
        messages.info(request, _("Nothing was decided anew."))
    return redirect(back)


@page(write=Who.ACTING)
def finish(request: HttpRequest, place: Place) -> HttpResponse:
    how = LOOKED if request.POST.get("how") == LOOKED else SKIPPED
    if how == LOOKED and newest_look(place.organization) is None:
        messages.error(request, _("Look at both systems first, or skip this step knowingly."))
        return redirect("data_prep", place.organization.slug)
    finish_data_prep(org=place.organization.slug, by=account_by(place.account), how=how)
    messages.success(request, _("Data Prep is done: Users, Courses and Sections are open now."))
    return redirect("data_prep", place.organization.slug)


def checked(blobs: KeptBlobs, look: Look | None, asked: Mapping[str, str]) -> list[Decision]:
    """Decisions as the newest look allows them; `asked` maps unique ids to `link:<LMS id>`, `leave` or `ask`. Raises
    ConfigError for one that the look knows nothing of."""
    there = accounts_in_question(blobs, look, list(asked)) if look else {}
    found = []
    for key, words in asked.items():
        choice, _colon, lms_id = words.partition(":")
        accounts = there.get(key, [])
        if not accounts or choice not in (LINK, LEAVE, ASK) or (choice == LINK and lms_id not in accounts):
            raise ConfigError(
                _("What you decided about does not fit the newest look any more; look at the list again.")
            )
        lms_ids = {LINK: (lms_id,), LEAVE: tuple(accounts), ASK: ()}[choice]
        found.append(Decision(key, choice, lms_ids))
    return found


def _shown(look: Look, organization: Organization, state: str, number: int) -> dict[str, Any]:
    """What of a look a page shows; its files may be gone after a while."""
    blobs = open_blobs(opened())
    total = look.people.get(state, 0)
    last = max(1, -(-total // PER_PAGE))
    number = min(number, last)
    shown: dict[str, Any] = {
        "states": [{"name": name, "label": label, "number": look.people.get(name, 0)} for name, label in STATES],
        "state": state,
        "page": number,
        "last": last,
        "counts": [{"label": label, "number": look.sanity.get(name), "code": code} for name, label, code in COUNTS],
    }
    try:
        rows = people_page(blobs, look, state, start=(number - 1) * PER_PAGE, most=PER_PAGE)
        examples = finding_examples(blobs, look)
    except BlobLost as error:
        return shown | {"lost": error_said(error), "people": [], "groups": []}
    groups = group_findings(examples, 3)
    for group in groups:
        group["count"] = look.findings.get(group["code"], group["count"])
    decided = {row.key: row for row in _decisions(organization, [row["key"] for row in rows])}
    codes = {group["code"] for group in groups}
    shown["counts"] = [one | {"code": one["code"] if one["code"] in codes else ""} for one in shown["counts"]]
    return shown | {"people": _by_person(rows, decided) if state == "conflict" else rows, "groups": groups}


def _decisions(organization: Organization, keys: Iterable[str]) -> Iterable[MatchDecision]:
    return MatchDecision.objects.filter(organization=organization, kind="user", key__in=[key for key in keys if key])


def _by_person(rows: list[dict[str, Any]], decided: Mapping[str, MatchDecision]) -> list[dict[str, Any]]:
    """Rows of one person together, with what was decided."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        person = found.setdefault(row["key"], row | {"accounts": [], "decision": decided.get(row["key"])})
        person["accounts"].append(row)
    return list(found.values())


def _asked(posted: Any) -> dict[str, str]:
    """`key-3` and `decision-3` belong together; what was left open is left out."""
    found = {}
    for name, value in posted.items():
        if name.startswith("decision-") and value:
            key = posted.get(f"key-{name.removeprefix('decision-')}", "")
            if key:
                found[key] = value
    return found


def _state(asked: str | None, look: Look | None) -> str:
    names = [name for name, _label in STATES]
    if asked in names:
        return str(asked)
    return next((name for name in names if look and look.people.get(name)), "conflict")


def _number(text: str | None) -> int:
    return max(1, int(text)) if text and text.isascii() and text.isdecimal() and len(text) < 9 else 1


def _address(place: Place, state: str | None, number: str | None) -> str:
    names = [name for name, _label in STATES]
    there = reverse("data_prep", args=[place.organization.slug])
    return f"{there}?show={state if state in names else 'conflict'}&page={_number(number)}#people"


urlpatterns = [
    path("data-prep/", show, name="data_prep"),
    path("data-prep/look/", look_again, name="data_prep_look"),
    path("data-prep/state/", state_now, name="data_prep_state"),
    path("data-prep/decide/", decide, name="data_prep_decide"),
    path("data-prep/finish/", finish, name="data_prep_finish"),
    *data_prep_csv.urlpatterns,
]
