"""Pins: what undos keep so against the SIS, until when, and letting it go (rule 28)."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from rollbook.actions.accounts import account_by
from rollbook.actions.pins import lift_pins
from rollbook.errors import RollbookError
from rollbook.roster.grades import GRADE_KINDS
from rollbook.store.models import PinRow, Run
from rollbook.web.access import Place, Who, page
from rollbook.web.grade_fields import PinWords
from rollbook.web.plan_words import FIELDS, ONE, value_words
from rollbook.web.plans import names_of, run_of

ROWS: Final = 50


class LiftForm(forms.Form):
    """Which pins end: those that are ticked, or all of one undo."""

    undo = forms.CharField(required=False)
    reason = forms.CharField(
        max_length=500, error_messages={"required": gettext_lazy("Say why; it is kept with the pins.")}
    )

    def __init__(self, *given: Any, numbers: list[int], **more: Any) -> None:
        super().__init__(*given, **more)
        ended = gettext_lazy("A pin has ended meanwhile. Tick what shall follow the SIS again.")
        self.fields["pins"] = forms.TypedMultipleChoiceField(
            choices=[(number, number) for number in numbers],
            coerce=int,
            required=False,
            error_messages={"invalid_choice": ended},
        )

    def clean(self) -> dict[str, Any]:
        """Something must be chosen."""
        given = super().clean() or {}
        if not given.get("pins") and not given.get("undo") and "pins" not in self.errors:
            self.add_error("pins", _("Tick what shall follow the SIS again."))
        return given


@page(read=Who.READER, write=Who.ACTING)
def show(request: HttpRequest, place: Place) -> HttpResponse:
    """The pins that hold, a page of them; a POST lifts some."""
    if request.method != "POST":
        return _shown(request, place, None)
    ticked = [int(one) for one in request.POST.getlist("pins") if one.isascii() and one.isdigit() and len(one) < 18]
    there = _holding(place).filter(pk__in=ticked).values_list("pk", flat=True)
    form = LiftForm(request.POST, numbers=list(there))
    if not form.is_valid():
        return _shown(request, place, form)
    undo, pins = form.cleaned_data["undo"] or None, form.cleaned_data["pins"]
    given = {"by": account_by(place.account), "reason": form.cleaned_data["reason"]}
    if undo is not None:
        run_of(place, undo)
    try:
        rows = lift_pins(org=place.organization.slug, pins=() if undo else pins, run_id=undo, **given)
    except RollbookError:
        messages.warning(request, _("Nothing was lifted: these pins have ended meanwhile."))
    else:
        words = ngettext(
            "%(number)s pin is lifted. The next sync sends what the SIS says.",
            "%(number)s pins are lifted. The next sync sends what the SIS says.",
            len(rows),
        )
        messages.success(request, words % {"number": len(rows)})
    return redirect("plan_pins", place.organization.slug)


def _holding(place: Place) -> QuerySet[PinRow]:
    mine = PinRow.objects.filter(organization=place.organization, ended_at__isnull=True, until__gt=timezone.now())
    return mine.order_by("pk")


def _shown(request: HttpRequest, place: Place, form: LiftForm | None) -> HttpResponse:
    rows, undo = _holding(place), _undo(request, place)
    if undo is not None:
        rows = rows.filter(run=undo)
    after = request.GET.get("after", "")
    start = int(after) if after.isascii() and after.isdigit() and len(after) < 18 else 0
    found = list(rows.filter(pk__gt=start)[: ROWS + 1])
    names, of_grades = names_of(place), PinWords(place.organization.pk, found)
    context = {
        "form": form,
        "undo": undo,
        "pins": [
            {"one": ONE.get(row.kind, row.kind)}
            | (of_grades.words(row) if row.kind in GRADE_KINDS else _words(row, names))
            for row in found[:ROWS]
        ],
        "next": found[ROWS - 1].pk if len(found) > ROWS else None,
        "first": not start,
    }
    return render(request, "plan_pins.html", context)


def _undo(request: HttpRequest, place: Place) -> Run | None:
    """The undo whose pins are asked for."""
    named = request.GET.get("undo") or request.POST.get("of")
    return run_of(place, named) if named else None


def _words(row: PinRow, names: dict[str, str]) -> dict[str, Any]:
    return {
        "row": row,
        "what": FIELDS.get(row.field, row.field) if row.field else _("all of it"),
        "kept": _worth(row.value),
        "sis": _worth(row.sis),
        "school": names.get(row.school or "", row.school or ""),
    }


def _worth(text: str) -> str:
    value = msgspec.json.decode(text)
    return _("there") if isinstance(value, dict) else value_words(value) or _("nothing")


urlpatterns = [path("plan/pins/", show, name="plan_pins")]
