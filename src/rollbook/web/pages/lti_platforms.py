"""LMS Launch: the LMSs from whose courses teachers open Rollbook. The acting user registers and removes them; whoever
may read the organization sees them and the values to enter in the LMS."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _

from rollbook.actions import lti
from rollbook.actions.accounts import account_by
from rollbook.engine.world import private_hosts_allowed
from rollbook.errors import ConfigError
from rollbook.store.models import LaunchPlatform
from rollbook.web.access import Place, Who, page
from rollbook.web.error_words import error_said
from rollbook.web.lms_list import has_app_center
from rollbook.web.lti.forms import PlatformForm
from rollbook.web.lti.profiles import PROFILES, profile_of
from rollbook.web.lti.registration import ours
from rollbook.web.opening import public_address
from rollbook.web.steps import steps


@page(read=Who.READER)
def show(request: HttpRequest, place: Place) -> HttpResponse:
    return _list(request, place)


@page(read=Who.ACTING, write=Who.ACTING)
def register(request: HttpRequest, place: Place, lms: str) -> HttpResponse:
    """Registers an LMS by hand: shows what to enter there, takes what it shows."""
    if lms not in PROFILES:
        raise Http404
    profile = profile_of(lms)
    known: dict[str, Any] = {"profile": lms, "known": profile, "private": private_hosts_allowed()}
    if request.method != "POST":
        return _form(request, place, lms, PlatformForm(**known))
    form = PlatformForm(request.POST, **known)
    if form.is_valid():
        try:
            found = lti.register_platform(values=form.values(), **_acting(place))
        except ConfigError as error:
            form.add_error(None, error_said(error))
        else:
            messages.success(request, _("%(name)s may launch Rollbook now.") % {"name": found.platform.name})
            return redirect("lti_platforms", place.organization.slug)
    return _form(request, place, lms, form, status=422)


@page(write=Who.ACTING)
def address(request: HttpRequest, place: Place) -> HttpResponse:
    """An address with which an LMS registers itself; shown on the answer only, as it is kept nowhere."""
    try:
        code = lti.registration_code(**_acting(place))
    except ConfigError as error:
        messages.error(request, error_said(error))
        return redirect("lti_platforms", place.organization.slug)
    there = _here(request) + reverse("lti_register", args=[code])
    return _list(request, place, made=there)


@page(write=Who.ACTING)
def deployment(request: HttpRequest, place: Place, number: int) -> HttpResponse:
    given = request.POST.get("deployment", "").strip()
    if not given or len(given) > 255 or not given.isprintable():
        messages.error(request, _("Type the deployment id as the LMS shows it."))
    else:
        try:
            lti.add_deployment(platform=number, deployment=given, **_acting(place))
        except ConfigError as error:
            messages.error(request, error_said(error))
        else:
            messages.success(request, _("Saved. Launches with this deployment id are let in."))
    return redirect("lti_platforms", place.organization.slug)


@page(read=Who.ACTING, write=Who.ACTING)
def remove(request: HttpRequest, place: Place, number: int) -> HttpResponse:
    """Asks once more."""
    found = LaunchPlatform.objects.filter(pk=number, organization=place.organization).first()
    if found is None:
        raise Http404
    if request.method != "POST":
        return render(request, "launches/remove.html", {"platform": found})
    try:
        name = lti.remove_platform(platform=number, **_acting(place))
    except ConfigError as error:
        messages.error(request, error_said(error))
    else:
        messages.success(request, _("%(name)s launches Rollbook no more.") % {"name": name})
    return redirect("lti_platforms", place.organization.slug)


def _acting(place: Place) -> dict[str, Any]:
    by, actor = account_by(place.account), place.account.pk
    return {"org": place.organization.slug, "by": by, "actor": actor}


def _here(request: HttpRequest) -> str:
    return public_address(f"{request.scheme}://{request.get_host()}")


def _list(request: HttpRequest, place: Place, **more: Any) -> HttpResponse:
    every = LaunchPlatform.objects.select_related("lti").filter(organization=place.organization).order_by("name", "pk")
    rows = [(one, getattr(one, "lti", None)) for one in every]
    kinds = [(name, one.name) for name, one in PROFILES.items()]
    context = {"rows": rows, "kinds": kinds, "ours": ours(_here(request), place.organization.slug), **more}
    context["app_center"] = has_app_center(steps(place.organization).settings)
    return render(request, "launches/platforms.html", context)


def _form(request: HttpRequest, place: Place, lms: str, form: PlatformForm, *, status: int = 200) -> HttpResponse:
    profile = profile_of(lms)
    custom = "\n".join(f"{name}={value}" for name, value in profile.custom.items())
    mine = ours(_here(request), place.organization.slug)
    context = {"form": form, "profile": profile, "lms": lms, "ours": mine, "custom": custom}
    return render(request, "launches/register.html", context, status=status)


urlpatterns = [
    path("platforms/", show, name="lti_platforms"),
    path("platforms/address", address, name="lti_platforms_address"),
    path("platforms/new/<slug:lms>/", register, name="lti_platforms_new"),
    path("platforms/<int:number>/deployment", deployment, name="lti_platforms_deployment"),
    path("platforms/<int:number>/remove/", remove, name="lti_platforms_remove"),
]
