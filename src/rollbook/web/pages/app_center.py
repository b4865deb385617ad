"""App Center: registers Rollbook as an app of Schoology's App Center, so that teachers open it from a course. It
is listed, and removed, on LMS Launch."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from rollbook.actions.accounts import account_by
from rollbook.actions.saml_launches import certificate_facts, find_app, read_certificates, save_app
from rollbook.errors import ConfigError
from rollbook.web.access import Place, Who, page
from rollbook.web.error_words import error_said
from rollbook.web.launches.saml.forms import AppForm
from rollbook.web.pages.launch_saml import launch_address


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
            form.add_error(None, error_said(error))
        else:
            messages.success(request, _("Saved. Teachers can open Rollbook from their courses now."))
            return redirect("lti_platforms_app_center", place.organization.slug)
    return _page(request, place, form, status=422)


def _page(request: HttpRequest, place: Place, form: AppForm, *, status: int = 200) -> HttpResponse:
    app = find_app(place.organization)
    context = {
        "app": app,
        "form": form,
        "address": launch_address(app.key) if app is not None else "",
        "certificates": [certificate_facts(one) for one in read_certificates(app.certificates)] if app else [],
    }
    return render(request, "launches/app_center.html", context, status=status)


urlpatterns = [
    path("platforms/app-center/", show, name="lti_platforms_app_center"),
    path("platforms/app-center/save/", save, name="lti_platforms_app_center_save"),
]
