"""Users, Courses and Sections: tick schools, look, sync (rule 4). Users also maps the roles of each school."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from rollbook.actions.accounts import account_by
from rollbook.actions.runs import Wanted, request_run
from rollbook.actions.settings_edit import ChangedMeanwhile, change_settings
from rollbook.errors import ConfigError
from rollbook.roster.settings import ANY
from rollbook.store.models import Organization, Run, RunState
from rollbook.web import role_maps
from rollbook.web.access import Place, Who, page
from rollbook.web.error_words import error_said
from rollbook.web.frame import TABS
from rollbook.web.lists import lms_notes
from rollbook.web.plans import blackout_words_of
from rollbook.web.role_maps import BadRoles, Typed
from rollbook.web.said import blackout_said
from rollbook.web.steps import Steps, steps
from rollbook.web.sync_schools import School, mapped_schools, page_of

#: What the buttons of the forms are called.
SAVE, PREVIEW, SYNC, EVERYTHING = "save", "preview", "sync", "everything"


@dataclass(frozen=True)
class Tab:
    """One of the three pages: `kinds` is what its button syncs."""

    name: str
    kinds: str
    title: Any
    button: Any


USERS: Final = Tab("users", "users", gettext_lazy("Users"), gettext_lazy("Sync Users"))
COURSES: Final = Tab("courses", "courses", gettext_lazy("Courses"), gettext_lazy("Sync Courses"))
SECTIONS: Final = Tab("sections", "sections", gettext_lazy("Sections"), gettext_lazy("Sync Sections/Enrollments"))


@page(read=Who.READER)
def users(request: HttpRequest, place: Place) -> HttpResponse:
    return _show(request, place, USERS)


@page(read=Who.READER)
def courses(request: HttpRequest, place: Place) -> HttpResponse:
    return _show(request, place, COURSES)


@page(read=Who.READER)
def sections(request: HttpRequest, place: Place) -> HttpResponse:
    return _show(request, place, SECTIONS)


@page(write=Who.ACTING)
def users_send(request: HttpRequest, place: Place) -> HttpResponse:
    """Saves the role maps, and plans or syncs users if asked."""
    done, typed = steps(place.organization), role_maps.read_typed(request.POST)
    sends = request.POST.get("do") in (PREVIEW, SYNC, EVERYTHING)
    if done.settings is None or not (done.ready if sends else done.mapped):
        return _show(request, place, USERS, typed=typed, refused=_locked_words())
    schools = mapped_schools(place.organization, done.settings)
    try:
        new = _save_roles(request, place, done, typed, schools)
    except BadRoles as error:
        return _show(request, place, USERS, typed=typed, errors=error.fields, refused=_("Choose a role of the list."))
    except ChangedMeanwhile:
        words = _("Somebody else saved settings since you opened this page. Look at what you chose, and save again.")
        return _show(request, place, USERS, typed=typed, refused=words)
    except ConfigError as error:
        return _show(request, place, USERS, typed=typed, refused=error_said(error))
    if not sends:
        return redirect(_here(place, USERS, request))
    return _ask(request, place, USERS, typed, _without_map(new, schools, typed, request))


@page(write=Who.ACTING)
def courses_send(request: HttpRequest, place: Place) -> HttpResponse:
    return _send(request, place, COURSES)


@page(write=Who.ACTING)
def sections_send(request: HttpRequest, place: Place) -> HttpResponse:
    return _send(request, place, SECTIONS)


def run_address(slug: str, run: str) -> str:
    """Where a run is shown."""
    try:
        return reverse("logs_run", args=[slug, run])
    except NoReverseMatch:
        return reverse("logs", args=[slug])


def _send(request: HttpRequest, place: Place, tab: Tab) -> HttpResponse:
    typed = role_maps.read_typed(request.POST)
    if not steps(place.organization).ready:
        return _show(request, place, tab, typed=typed, refused=_locked_words())
    return _ask(request, place, tab, typed)


def _save_roles(
    request: HttpRequest, place: Place, done: Steps, typed: Typed, schools: list[School]
) -> Mapping[str, Mapping[str, str]]:
    """Saves the maps if they changed; returns them. Raises ConfigError, BadRoles, ChangedMeanwhile."""
    assert done.settings is not None
    words = role_maps.words_of(place.organization, done.settings)
    new = role_maps.changed_roles(typed, done.settings.roles, words, [one.id for one in schools])
    saved = change_settings(
        org=place.organization.slug,
        by=account_by(place.account),
        what="save role maps",
        change=role_maps.saver(new),
        seen=_number(request.POST.get("seen"), -1),
    )
    if saved.changed:
        messages.success(request, _("The role maps are saved."))
    elif request.POST.get("do") == SAVE:
        messages.info(request, _("Nothing was changed: the role maps were saved like this already."))
    raised = role_maps.raised_roles(new, words)
    if raised and saved.changed:
        pairs = ", ".join(f"{role} → {value}" for role, value in raised)
        messages.warning(request, _("These people get a staff role: %(pairs)s.") % {"pairs": pairs})
    return new


def _without_map(
    roles: Mapping[str, Mapping[str, str]], schools: list[School], typed: Typed, request: HttpRequest
) -> str:
    """Why users of the ticked schools cannot be synced; empty when they can."""
    everywhere = typed.every or request.POST.get("do") == EVERYTHING
    chosen = [one for one in schools if everywhere or one.id in typed.ticked]
    missing = role_maps.unmapped(roles, [one.id for one in chosen])
    if not missing or (everywhere and len(missing) < len(chosen)):
        return ""  # a whole run leaves them out, and says so in a finding
    names = ", ".join(one.name for one in chosen if one.id in missing[:5])
    return _("There is no role map for %(names)s, so no users would sync. Choose the roles first.") % {"names": names}


def _ask(request: HttpRequest, place: Place, tab: Tab, typed: Typed, trouble: str = "") -> HttpResponse:
    """Queues what the pressed button asks for, and goes on to the run."""
    do, organization = request.POST.get("do"), place.organization
    if do not in (PREVIEW, SYNC, EVERYTHING):
        return redirect(_here(place, tab, request))
    done = steps(organization)
    assert done.settings is not None
    mapped = {one.id for one in mapped_schools(organization, done.settings)}
    chosen = typed.ticked & mapped
    everywhere = typed.every or do == EVERYTHING or (bool(mapped) and chosen == mapped)
    if not chosen and not everywhere:
        trouble = _("Tick at least one school first.")
    if trouble:
        return _show(request, place, tab, typed=typed, refused=trouble)
    wanted = Wanted(
        kinds=("all",) if do == EVERYTHING else (tab.kinds,),
        schools=() if everywhere else sorted(chosen),
        dry_run=do == PREVIEW,
        compare_live=request.POST.get("compare_live") == "1",
        retry_refused=request.POST.get("retry_refused") == "1",
        despite_blackout=request.POST.get("despite_blackout") == "1" and do != PREVIEW,
    )
    waiting = set(_open_runs(organization).values_list("pk", flat=True))
    try:
        run = request_run(org=organization.slug, wanted=wanted, by=account_by(place.account))
    except ConfigError as error:
        return _show(request, place, tab, typed=typed, refused=error_said(error))
    messages.info(request, _run_words(run, wanted, joined=run.pk in waiting))
    return redirect(run_address(organization.slug, run.pk))


def _run_words(run: Run, wanted: Wanted, *, joined: bool) -> str:
    if joined:
        return _("The same run is waiting already, so yours joined it: it runs once.")
    if run.blackout:
        return _("Today is a blackout day (%(words)s), so this run only plans; nothing is sent.") % {
            "words": blackout_said(run)
        }
    if wanted.dry_run:
        return _("The preview is queued. It reads the SIS and plans; nothing is sent.")
    return _("The sync is queued. Here you see how far it is.")


def _show(
    request: HttpRequest,
    place: Place,
    tab: Tab,
    *,
    typed: Typed | None = None,
    errors: Mapping[str, str] | None = None,
    refused: str = "",
) -> HttpResponse:
    organization = place.organization
    done = steps(organization)
    context: dict[str, Any] = {"tab": tab, "steps": done, "refused": refused, "missing": _missing(done, organization)}
    context["mapping"] = tab is USERS and done.mapped
    if (done.ready or context["mapping"]) and done.settings is not None:
        asked = request.POST if request.method == "POST" else request.GET
        schools = mapped_schools(organization, done.settings)
        shown = page_of(schools, _number(asked.get("page"), 1), asked.get("find", ""))
        words = role_maps.words_of(organization, done.settings)
        everyone = [School(ANY, _("Schools without a map of their own"))]
        of_all, lines = (
            role_maps.lines_of(one, done.settings.roles, words, typed, errors or {})
            for one in (everyone, shown.schools)
        )
        context |= {
            "shown": shown,
            "find": asked.get("find", ""),
            "words": words,
            "of_all": of_all[0],
            "lines": lines,
            "typed": typed,
            "options": {name: asked.get(name) == "1" for name in ("compare_live", "retry_refused", "despite_blackout")},
            "blackout": blackout_words_of(done),
            "under_way": [_under_way(organization.slug, run) for run in _open_runs(organization)[:10]],
            "members": done.settings.enrollments.members,
            "notes": lms_notes(done.settings, {COURSES: "course", SECTIONS: "section"}.get(tab, "")),
        }
    return render(request, "syncs.html", context, status=400 if refused else 200)


def _open_runs(organization: Organization) -> Any:
    """Queued and running runs, oldest first."""
    mine = Run.objects.filter(organization=organization, state__in=[RunState.RUNNING, RunState.QUEUED])
    return mine.defer("plan", "result").order_by("created_at")


def _under_way(slug: str, run: Run) -> dict[str, Any]:
    schools = len(run.schools)
    return {
        "run": run,
        "address": run_address(slug, run.pk),
        "schools": ngettext("%(count)d school", "%(count)d schools", schools) % {"count": schools} if schools else "",
    }


def _missing(done: Steps, organization: Organization) -> list[dict[str, Any]]:
    labels = {tab.name: tab.label for tab in TABS}
    return [{"label": labels[name], "url": reverse(name, args=[organization.slug])} for name in done.missing()]


def _locked_words() -> str:
    return _("Nothing was queued: some steps of the set-up are still to be done.")


def _here(place: Place, tab: Tab, request: HttpRequest) -> str:
    number = _number(request.POST.get("page"), 1)
    return reverse(tab.name, args=[place.organization.slug]) + (f"?page={number}" if number > 1 else "")


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else otherwise


urlpatterns = [
    path("users/", users, name="users"),
    path("users/send/", users_send, name="users_send"),
    path("courses/", courses, name="courses"),
    path("courses/send/", courses_send, name="courses_send"),
    path("sections/", sections, name="sections"),
    path("sections/send/", sections_send, name="sections_send"),
]
