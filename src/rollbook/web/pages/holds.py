"""Holds: what waits for a person, each with its reason and examples, and the decisions about it (rules 25 and 26)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rollbook.actions.accounts import account_by
from rollbook.actions.holds import HoldsMoved, approve_all, approve_hold, reject_all, reject_hold, seen_mark
from rollbook.errors import RollbookError
from rollbook.roster.wall_clock import first_moment, time_zone
from rollbook.store.models import HoldRow, HoldState, PermitRow, Run
from rollbook.web.access import Place, Who, page
from rollbook.web.error_words import error_said
from rollbook.web.hold_cards import card, cards, decided_rows, runs_of_holds, waiting_marks, waiting_rows
from rollbook.web.plans import names_of, paged, part_of
from rollbook.web.said import blackout_said, by_said

_CARDS: Final = 20
_DECIDED: Final = 20
_EXAMPLES: Final = 10
_EARLIER: Final = 10
_LONGEST: Final = timedelta(days=731)
APPROVE, REJECT = "approve", "reject"
_DECISIONS: Final = ((APPROVE, gettext_lazy("Approve")), (REJECT, gettext_lazy("Reject")))


class DecideForm(forms.Form):
    """A decision: what, why, and through which day an approval holds in the organization's zone (none: one sync)."""

    decision = forms.ChoiceField(choices=_DECISIONS)
    reason = forms.CharField(
        max_length=500, error_messages={"required": gettext_lazy("Say why; it is kept with the decision.")}
    )
    until = forms.DateField(required=False)
    seen = forms.CharField(required=False)

    def __init__(self, *given: Any, zone: str, **more: Any) -> None:
        super().__init__(*given, **more)
        self._zone = time_zone(zone)

    def clean_until(self) -> datetime | None:
        """The moment at which the day is over."""
        day: date | None = self.cleaned_data["until"]
        if day is None or self.data.get("decision") == REJECT:
            return None
        today = timezone.now().astimezone(self._zone).date()
        if day < today:
            raise forms.ValidationError(_("This day has passed. Choose today or a later day, or leave it empty."))
        if day > today + _LONGEST:
            raise forms.ValidationError(_("Choose a day within the next two years, or leave it empty."))
        return first_moment(datetime.combine(day + timedelta(days=1), time()), self._zone)


@page(read=Who.READER)
def show(request: HttpRequest, place: Place) -> HttpResponse:
    """What waits, and what was decided."""
    return _listed(request, place, None)


@page(write=Who.ACTING)
def decide_all(request: HttpRequest, place: Place) -> HttpResponse:
    """Approve or reject all that waits, as it was looked at."""
    form = DecideForm(request.POST, zone=place.organization.timezone)
    if not form.is_valid():
        return _listed(request, place, form)
    slug, given = place.organization.slug, _given(place, form)
    try:
        if form.cleaned_data["decision"] == APPROVE:
            rows, runs = approve_all(org=slug, until=form.cleaned_data["until"], **given)
            _tell_approved(request, rows, runs)
        else:
            _tell_rejected(request, reject_all(org=slug, **given))
    except HoldsMoved:
        messages.warning(request, _MOVED)
    except RollbookError as error:
        nothing = _("Nothing waits any more; nothing was done.")
        messages.warning(request, error_said(error) if waiting_rows(place).exists() else nothing)
    return redirect("plan_holds", slug)


@page(read=Who.READER, write=Who.ACTING)
def one(request: HttpRequest, place: Place, hold: str) -> HttpResponse:
    """One hold: all about it, and the decision."""
    row = _newest(place, hold)
    if request.method != "POST":
        return _shown(request, place, row, None)
    form = DecideForm(request.POST, zone=place.organization.timezone)
    if not form.is_valid():
        return _shown(request, place, row, form)
    given = _given(place, form) | {"org": place.organization.slug, "hold_id": hold}
    try:
        if form.cleaned_data["decision"] == APPROVE:
            decided, run = approve_hold(until=form.cleaned_data["until"], **given)
            _tell_approved(request, [decided], [run])
        else:
            _tell_rejected(request, [reject_hold(**given)])
    except RollbookError as error:
        now = _newest(place, hold)
        moved = isinstance(error, HoldsMoved) or now.state == HoldState.SUPERSEDED
        messages.warning(request, _decided_by(now) or (_MOVED if moved else error_said(error)))
        return redirect("plan_hold", place.organization.slug, hold)
    return redirect("plan_holds", place.organization.slug)


_MOVED: Final = gettext_lazy(
    "Nothing was decided: what waits has changed since you opened the page. Look at what waits now, and decide again."
)


def _given(place: Place, form: DecideForm) -> dict[str, Any]:
    return {
        "by": account_by(place.account),
        "reason": form.cleaned_data["reason"],
        "seen": form.cleaned_data["seen"],
    }


def _tell_approved(request: HttpRequest, rows: list[HoldRow], runs: list[Run]) -> None:
    number = sum(row.count for row in rows)
    messages.success(
        request,
        _("Approved: %(number)s changes. A run is queued; it plans afresh and sends only what you have approved.")
        % {"number": f"{number:,}"},
    )
    blackout = next((blackout_said(run) for run in runs if run.blackout), "")
    if blackout:
        messages.warning(request, _("Today is a blackout day (%(why)s): the run only plans.") % {"why": blackout})
    elif all(run.dry_run for run in runs):
        messages.info(request, _("They were held by a dry run, so the run is a dry run too. Send its plan afterwards."))


def _tell_rejected(request: HttpRequest, rows: list[HoldRow]) -> None:
    number = sum(row.count for row in rows)
    messages.success(
        request,
        _("Rejected: %(number)s changes. The LMS stays as it is, and the very same changes are not asked about again.")
        % {"number": f"{number:,}"},
    )


def _decided_by(row: HoldRow) -> str:
    """In words, that somebody was faster; empty when nobody was."""
    if row.state not in (HoldState.APPROVED, HoldState.REJECTED):
        return ""
    words = {
        HoldState.APPROVED: _("Nothing was done now: %(by)s has approved this already. The reason: %(why)s"),
        HoldState.REJECTED: _("Nothing was done now: %(by)s has rejected this already. The reason: %(why)s"),
    }
    return words[HoldState(row.state)] % {"by": by_said(row.by), "why": row.why}


def _newest(place: Place, hold: str) -> HoldRow:
    mine = HoldRow.objects.select_related("run").defer("run__result").filter(organization=place.organization)
    rows = mine.filter(hold=hold) if "\x00" not in hold else mine.none()
    row = rows.filter(run__preview_year="").last() or rows.exclude(state=HoldState.PREVIEW).last()
    if row is None:
        raise Http404
    return row


def _listed(request: HttpRequest, place: Place, form: DecideForm | None) -> HttpResponse:
    names = names_of(place)
    waiting = waiting_marks(place)
    part = paged(waiting, request.GET.get("page"), _CARDS)
    decided = part_of(decided_rows(place), request.GET.get("decided"), _DECIDED)
    known = [*(row.pk for row in part), *(one["last"] for one in decided.rows)]
    found = HoldRow.objects.prefetch_related(runs_of_holds()).in_bulk(known)
    shown = [found[row.pk] for row in part if row.pk in found]
    context = {
        "holds": cards(shown, names),
        "page": part,
        "total": sum(row.count for row in waiting),
        "number": len(waiting),
        "form": form,
        "seen": seen_mark(waiting),
        "decided": decided,
        "decided_cards": _with_permits(
            [card(found[pk], names) for pk in (one["last"] for one in decided.rows) if pk in found]
        ),
    }
    return render(request, "plan_holds.html", context)


def _shown(request: HttpRequest, place: Place, row: HoldRow, form: DecideForm | None) -> HttpResponse:
    names = names_of(place)
    [shown] = cards([row], names, _EXAMPLES)
    mine = HoldRow.objects.prefetch_related(runs_of_holds()).filter(organization=place.organization, hold=row.hold)
    earlier = mine.filter(pk__lt=row.pk).order_by("-pk")[:_EARLIER]
    context = {
        "hold": shown,
        "form": form,
        "seen": seen_mark([row]),
        "waits": row.state == HoldState.WAITING,
        "may_approve": row.state in (HoldState.WAITING, HoldState.REJECTED) and bool(row.changes),
        "earlier": [card(one, names) for one in earlier],
        "decision": _with_permits([shown])[0],
    }
    return render(request, "plan_hold.html", context)


def _with_permits(shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The cards, `used_at` telling when an approval for one sync was used up."""
    permits = PermitRow.objects.filter(hold__in=[one["row"].pk for one in shown])
    used = dict(permits.values_list("hold", "used_at"))
    return [one | {"used_at": used.get(one["row"].pk), "approved": one["row"].pk in used} for one in shown]


urlpatterns = [
    path("plan/holds/", show, name="plan_holds"),
    path("plan/holds/decide/", decide_all, name="plan_decide_all"),
    path("plan/holds/<hold>/", one, name="plan_hold"),
]
