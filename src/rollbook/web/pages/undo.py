"""Undo: says what a run did, what goes back and what stays, before anything is queued (rule 28)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rollbook.actions.accounts import account_by
from rollbook.actions.runs import Part, request_undo, undoable
from rollbook.errors import RollbookError
from rollbook.roster.lms import ADOPT, KINDS
from rollbook.store.models import River, Run, RunState
from rollbook.store.plan_counts import plan_counts
from rollbook.store.runs import stored_plan
from rollbook.store.school_names import SchoolNames
from rollbook.store.setup import opened
from rollbook.store.undo_outlook import Outlook, undo_outlook
from rollbook.web.access import Place, Who, page
from rollbook.web.error_words import error_said
from rollbook.web.grade_fields import section_titles
from rollbook.web.plan_words import SEVERAL
from rollbook.web.plans import blackout_words_of, blobs, names_of, place_steps, run_of
from rollbook.web.run_words import run_title
from rollbook.web.said import blackout_said

PREVIEW, UNDO = "preview", "undo"
_PERSONS: Final = 500
#: What an undo does to what was done, by what was done.
_BACK: Final = {
    "create": gettext_lazy("%(several)s that this run gave are taken back"),
    "remove": gettext_lazy("%(several)s that this run took away are given again"),
    "update": gettext_lazy("%(several)s that this run updated go back to what they were"),
    "rekey": gettext_lazy("%(several)s that got a new id get their old id back"),
    "deactivate": gettext_lazy("%(several)s that this run deactivated are revived"),
    "revive": gettext_lazy("%(several)s that this run revived are deactivated again"),
}


_GRADES_BACK: Final = {
    "create": gettext_lazy("%(several)s that this run made in the SIS are taken back"),
    "remove": gettext_lazy("%(several)s that this run took from the SIS are made again"),
    "update": gettext_lazy("%(several)s that this run updated go back to what they were"),
}


class UndoForm(forms.Form):
    """Which part of a run; nothing chosen is all of it. Persons are unique ids, one a line."""

    persons = forms.CharField(required=False, max_length=100_000)

    def __init__(self, *given: Any, choices: Sequence[tuple[str, str]], **more: Any) -> None:
        super().__init__(*given, **more)
        self.fields["schools"] = forms.MultipleChoiceField(choices=choices, required=False)

    def clean_persons(self) -> list[str]:
        """Each line once."""
        text: str = self.cleaned_data["persons"]
        persons = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
        if len(persons) > _PERSONS:
            raise forms.ValidationError(
                _("These are %(number)s persons; name at most %(most)s, or undo the whole run at their school.")
                % {"number": len(persons), "most": _PERSONS}
            )
        return persons

    def part(self, river: str = River.ROSTER) -> Part:
        """Of a form that is valid; what a run of grades did goes by sections."""
        places, persons = self.cleaned_data["schools"], self.cleaned_data["persons"]
        if river == River.GRADES:
            return Part(sections=places, persons=persons)
        return Part(schools=places, persons=persons)


@page(read=Who.READER, write=Who.ACTING)
def show(request: HttpRequest, place: Place, run: str) -> HttpResponse:
    """What an undo would do; a POST names a part of the run, and asks for a preview or the undo itself."""
    found = run_of(place, run)
    names = None if found.river == River.GRADES else names_of(place)
    choices = _schools(found, names)
    if request.method != "POST":
        return _shown(request, place, found, UndoForm(choices=choices))
    form = UndoForm(request.POST, choices=choices)
    wish = request.POST.get("wish")
    if wish in (PREVIEW, UNDO) and form.is_valid() and _is_something(found, form):
        return _ask(request, place, found, form, dry_run=wish == PREVIEW)
    return _shown(request, place, found, form)


def _ask(request: HttpRequest, place: Place, run: Run, form: UndoForm, *, dry_run: bool) -> HttpResponse:
    slug = place.organization.slug
    same = run.undone_by.filter(state=RunState.RUNNING, dry_run=dry_run)
    if same.exists():
        messages.warning(request, _("Nothing was queued: an undo of this run is under way already."))
        return redirect("plan", slug)
    try:
        asked = request_undo(run_id=run.pk, by=account_by(place.account), dry_run=dry_run, part=form.part(run.river))
    except RollbookError as error:
        messages.error(request, error_said(error))
        return redirect("plan_undo", slug, run.pk)
    if asked.blackout:
        messages.warning(
            request, _("Today is a blackout day (%(why)s): the undo only plans.") % {"why": blackout_said(asked)}
        )
    elif dry_run:
        messages.success(request, _("A dry run of the undo is queued. It sends nothing; look at its plan here."))
    else:
        words = {
            River.ROSTER: _("The undo is queued. What it puts back is pinned against the SIS."),
            River.GRADES: _("The undo is queued. What it puts back is pinned against the LMS."),
        }
        messages.success(request, words[River(run.river)])
    return redirect("plan", slug)


def _shown(request: HttpRequest, place: Place, run: Run, form: UndoForm) -> HttpResponse:
    grades = run.river == River.GRADES
    context: dict[str, Any] = {"run": run, "title": run_title(run), "form": form, "is_grades": grades}
    found = place_steps(place)
    if found.settings is not None:
        context |= {"pin_days": found.settings.undo.pin_days, "blackout": blackout_words_of(found)}
    chosen = form.is_bound and form.is_valid()
    part = form.part(run.river) if chosen else Part()
    try:
        outlook = _outlook(run, part)
        if chosen and not outlook.done:
            form.add_error("persons" if part.persons else "schools", _nothing(part))
            chosen, outlook = False, _outlook(run, Part())
    except RollbookError as error:
        return render(request, "plan_undo.html", context | {"impossible": error_said(error)})
    named = {"schools": [*part.schools, *part.sections], "persons": part.persons} if chosen else {}
    wishes = {"chosen": any(named.values()), "part": named}
    return render(request, "plan_undo.html", context | wishes | _in_words(outlook, grades=grades))


def _is_something(run: Run, form: UndoForm) -> bool:
    """Did the run do anything to the chosen part?"""
    try:
        return bool(_outlook(run, form.part(run.river)).done)
    except RollbookError:
        return True  # the action says what is wrong


def _outlook(run: Run, part: Part) -> Outlook:
    return undo_outlook(opened(), *undoable(run_id=run.pk, part=part))


def _nothing(part: Part) -> str:
    if part.persons and (part.schools or part.sections):
        return _("The run did nothing to these persons at these schools. Check the ids; nothing was queued.")
    if part.persons:
        return _("The run did nothing to these persons. Check the ids; nothing was queued.")
    if part.sections:
        return _("The run did nothing in these sections; nothing was queued.")
    return _("The run did nothing at these schools; nothing was queued.")


def _in_words(outlook: Outlook, *, grades: bool) -> dict[str, Any]:
    """What goes back: number, what, and how. New categories of a SIS stay."""
    if grades:
        return _grades_in_words(outlook)
    back = [
        {"number": number, "words": _BACK[action] % {"several": SEVERAL[kind]}}
        for kind, counts in outlook.done.items()
        for action, number in counts.items()
        if action != ADOPT and (action != "create" or KINDS[kind].removable)
    ]
    return {"back": back, "stays": outlook.stays, "any_back": bool(back)}


def _grades_in_words(outlook: Outlook) -> dict[str, Any]:
    back = [
        {"number": number, "words": _GRADES_BACK[action] % {"several": SEVERAL[kind]}}
        for kind, counts in outlook.done.items()
        for action, number in counts.items()
        if action in _GRADES_BACK and kind != "category"
    ]
    return {"back": back, "stays": outlook.stays, "any_back": bool(back)}


def _schools(run: Run, names: SchoolNames | None) -> list[tuple[str, str]]:
    """Schools at which the plan had changes; of a run of grades (without names), sections with their titles."""
    plan = stored_plan(run)
    try:
        found = plan_counts(plan, blobs(), run.pk) if plan is not None else None
    except RollbookError:
        found = None
    if found is None:
        return []
    if names is not None:
        return found.choices(names)
    titles = section_titles(run.organization_id, found.schools)
    return [(code, f"{title} ({code})" if title != code else code) for code, title in titles.in_order(found.schools)]


urlpatterns = [path("plan/<run>/undo/", show, name="plan_undo")]
