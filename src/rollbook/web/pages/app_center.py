"""App Center: registers Rollbook as an app of Schoology's App Center, so that teachers open it from a course."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from rollbook.actions.accounts import account_by
from rollbook.actions.saml_launches import certificate_facts, find_app, read_certificates, remove_app, save_app
from rollbook.errors import ConfigError
from rollbook.web.access import Place, Who, page
from rollbook.web.launches.saml.forms import AppForm
from rollbook.web.pages.launch_saml import launch_address
from rollbook.web.wording import sentence


@page(read=Who.READER)
def show(request: HttpRequest, place: Place) -> HttpResponse:
    return _page(request, place, AppForm.of(find_app(place.organization)))


@page(write=Who.ACTING)
def save(request: HttpRequest, place: Place) -> HttpResponse:
    form = AppForm(request.POST)
    if form.is_valid():
        try:
            save_app(
                org=place.organization.slug,
                facts=form.facts(),
                by=account_by(place.account),
                actor=place.account.pk,
            )
        except ConfigError as error:
            form.add_error(None, sentence(str(error)))
        else:
            messages.success(request, _("Saved. Teachers can open Rollbook from their courses now."))
            return redirect("app_center", place.organization.slug)
    return _page(request, place, form, status=422)


@page(read=Who.ACTING, write=Who.ACTING)
def remove(request: HttpRequest, place: Place) -> HttpResponse:
    """Asks once more, then forgets the app."""
    if request.method != "POST":
        return render(request, "app_center_remove.html")
    try:
        remove_app(org=place.organization.slug, by=account_by(place.account), actor=place.account.pk)
    except ConfigError as error:
        messages.error(request, sentence(str(error)))
    else:
        messages.success(request, _("Nobody comes in from the App Center any more."))
    return redirect("app_center", place.organization.slug)


def _page(request: HttpRequest, place: Place, form: AppForm, *, status: int = 200) -> HttpResponse:
    app = find_app(place.organization)
    context = {
        "app": app,
        "form": form,
        "address": launch_address(request, app.key) if app is not None else "",
        "certificates": [certificate_facts(one) for one in read_certificates(app.certificates)] if app else [],
    }
    return render(request, "app_center.html", context, status=status)


urlpatterns = [
    path("app-center/", show, name="app_center"),
    path("app-center/save/", save, name="app_center_save"),
    path("app-center/remove/", remove, name="app_center_remove"),
]
