"""The language of the pages, chosen in the menu of a person's name and kept with the account."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils.http import url_has_allowed_host_and_scheme

from rollbook.actions.accounts import set_language
from rollbook.web.access import Who, account_of, page


@page(write=Who.SIGNED_IN)
def choose(request: HttpRequest) -> HttpResponse:
    """Back to where the person was; an unknown language changes nothing."""
    language, there = request.POST.get("language", ""), request.POST.get("next", "")
    if language in dict(settings.LANGUAGES):
        set_language(account=account_of(request), language=language)
    ours = url_has_allowed_host_and_scheme(there, allowed_hosts=None)
    return redirect(there if ours and there.startswith("/") else "/")


urlpatterns = [path("language/", choose, name="language")]
