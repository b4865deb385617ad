"""Data Prep as CSV: everybody out, decisions back in. What comes in is shown before it is saved."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rollbook.actions.accounts import account_by
from rollbook.actions.matching import decide_matches
from rollbook.core.protocols import ASK, LEAVE, LINK, Decision
from rollbook.errors import BlobLost, ConfigError
from rollbook.store.blobs import open_blobs
from rollbook.store.both_systems import Look, accounts_in_question, all_people, newest_look
from rollbook.store.models import MatchDecision, Organization
from rollbook.store.setup import opened
from rollbook.web.access import Place, Who, page
from rollbook.web.csv import csv_answer
from rollbook.web.csv_in import Line, read_csv
from rollbook.web.error_words import error_said

COLUMNS: Final = (
    "where", "unique_id", "lms_id", "lms_unique_id", "first_name", "last_name", "username", "email", "school", "role",
    "lms_first_name", "lms_last_name", "lms_username", "lms_email", "lms_role", "matched_by", "decision",
)  # fmt: skip
_NEEDED: Final = ("unique_id", "lms_id", "decision")
_SALT: Final = "data prep decisions"
#: A preview can be confirmed for so long (seconds).
_VALID: Final = 3600
_SHOWN: Final = 50


@dataclass
class _Read:
    """What a file says: decisions, and what is wrong with which line."""

    decisions: dict[str, Decision] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    problems: list[tuple[int, str]] = field(default_factory=list)


@page(read=Who.READER)
def export(request: HttpRequest, place: Place) -> HttpResponseBase:
    look = newest_look(place.organization)
    state = request.GET.get("show")
    if look is None or not look.people_blob:
        messages.error(request, _("There is no list yet: look at both systems first."))
        return redirect("data_prep", place.organization.slug)
    try:
        rows = all_people(open_blobs(opened()), look, state if state in ("conflict", "sis", "lms", "both") else None)
    except BlobLost as error:
        messages.error(request, error_said(error))
        return redirect("data_prep", place.organization.slug)
    name = f"data-prep-{place.organization.slug}.csv"
    return csv_answer(name, COLUMNS, _lines(rows, _decided(place.organization)))


@page(write=Who.ACTING)
def bring(request: HttpRequest, place: Place) -> HttpResponse:
    """A file: shown with what it would change. With `confirmed` (a preview that we signed): saved."""
    if request.POST.get("confirmed"):
        return _save(request, place)
    try:
        lines = read_csv(request.FILES.get("file"), _NEEDED)
        found = _read(lines, newest_look(place.organization))
    except (ConfigError, BlobLost) as error:
        messages.error(request, error_said(error))
        return redirect("data_prep", place.organization.slug)
    chosen = list(found.decisions.values())
    context = {
        "links": sum(1 for one in chosen if one.choice == LINK),
        "left": sum(1 for one in chosen if one.choice == LEAVE),
        "problems": found.problems[:_SHOWN],
        "more_problems": max(0, len(found.problems) - _SHOWN),
        "decisions": [(found.lines[one.key], one) for one in chosen[:_SHOWN]],
        "left_out": max(0, len(chosen) - _SHOWN),
        "confirmed": signing.dumps(_plain(place, chosen), salt=_SALT, compress=True) if chosen else "",
    }
    return render(request, "data_prep/preview.html", context)


def _save(request: HttpRequest, place: Place) -> HttpResponse:
    try:
        signed = signing.loads(request.POST["confirmed"], salt=_SALT, max_age=_VALID)
        if signed["org"] != place.organization.slug or signed["who"] != place.account.pk:
            raise signing.BadSignature
    except (signing.BadSignature, KeyError, TypeError):
        messages.error(request, _("This preview is too old. Choose the file again."))
        return redirect("data_prep", place.organization.slug)
    decisions = [Decision(key, choice, tuple(lms_ids)) for key, choice, lms_ids in signed["decisions"]]
    try:
        number = decide_matches(org=place.organization.slug, by=account_by(place.account), decisions=decisions)
    except ConfigError as error:
        messages.error(request, error_said(error))
    else:
        words = ngettext("%(n)s decision is saved.", "%(n)s decisions are saved.", number) % {"n": number}
        messages.success(request, words + " " + _("The next sync of Users goes by it."))
    return redirect("data_prep", place.organization.slug)


def _plain(place: Place, decisions: list[Decision]) -> dict[str, Any]:
    rows = [[one.key, one.choice, list(one.lms_ids)] for one in decisions]
    return {"org": place.organization.slug, "who": place.account.pk, "decisions": rows}


def _read(lines: list[Line], look: Look | None) -> _Read:
    """Row by row; of a person with several accounts one row may say link, the others nothing or leave."""
    wanted = [line for line in lines if line.get("decision")]
    there = accounts_in_question(open_blobs(opened()), look, [line.get("unique_id") for line in wanted]) if look else {}
    found, taken = _Read(), dict[str, str]()
    for line in wanted:
        problem = _take(line, there, found, taken)
        if problem:
            found.problems.append((line.number, problem))
    if not wanted:
        raise ConfigError(_("No row of the file has a decision. Write link or leave into the column decision."))
    return found


def _take(line: Line, there: dict[str, list[str]], found: _Read, taken: dict[str, str]) -> str:
    """Add the decision of a line; what is wrong with it, in words."""
    key, lms_id, choice = line.get("unique_id"), line.get("lms_id"), line.get("decision").lower()
    if choice not in (LINK, LEAVE, ASK):
        return _("The decision must be link or leave.")
    if key not in there:
        return _("Nothing is to be decided about this person in the newest look.")
    if lms_id not in there[key]:
        return _("This account is not one of those in question.")
    before = found.decisions.get(key)
    if choice == LINK:
        if taken.setdefault(lms_id, key) != key:
            return _("Another row links this account to somebody else.")
        if before is not None and before.choice == LINK:
            return _("Another row links this person to another account.")
    elif before is not None:
        return ""
    lms_ids = {LINK: (lms_id,), LEAVE: tuple(there[key]), ASK: ()}[choice]
    found.decisions[key], found.lines[key] = Decision(key, choice, lms_ids), line.number
    return ""


def _decided(organization: Organization) -> dict[str, tuple[str, frozenset[str]]]:
    rows = MatchDecision.objects.filter(organization=organization, kind="user").exclude(choice=ASK)
    return {key: (choice, frozenset(ids.split())) for key, choice, ids in rows.values_list("key", "choice", "lms_id")}


def _lines(rows: Iterator[dict[str, Any]], decided: dict[str, tuple[str, frozenset[str]]]) -> Iterator[list[Any]]:
    where = {"both": "both", "sis": "only SIS", "lms": "only LMS", "conflict": "to decide"}
    for row in rows:
        choice, accounts = decided.get(row["key"], ("", frozenset()))
        decision = choice if row["state"] == "conflict" and row["lms_id"] in accounts else ""
        yield [
            where[row["state"]], row["key"], row["lms_id"], row["lms_code"], row["first_name"], row["last_name"],
            row["username"], row["email"], row["school"], row["role"], row["lms_first_name"], row["lms_last_name"],
            row["lms_username"], row["lms_email"], row["lms_role"], row["alike"], decision,
        ]  # fmt: skip


urlpatterns = [
    path("data-prep/people.csv", export, name="data_prep_csv"),
    path("data-prep/decisions/", bring, name="data_prep_import"),
]
