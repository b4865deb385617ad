"""Signing in once more before secrets are shown: who walked up to an open browser must not see them (rule 14)."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

from allauth.account import app_settings
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate, get_reauthentication_flows
from allauth.core.exceptions import ReauthenticationRequired
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render

View = Callable[..., HttpResponseBase]


def after_signing_in_again(view: View) -> View:
    """The view is only for those who have proven within the last minutes who they are (a POST goes on afterwards).

    Whoever has neither password nor second factor here signs in elsewhere, and must have done so just now. Use it
    below `@page`, so that permission is asked first.
    """

    @functools.wraps(view)
    def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not get_reauthentication_flows(request.user):
            if not _just_signed_in(request):
                return render(request, "sign_in_again.html")
        elif not did_recently_reauthenticate(request):
            raise ReauthenticationRequired
        answer = view(request, *args, **kwargs)
        answer["Cache-Control"] = "no-store"
        return answer

    return asked


def _just_signed_in(request: HttpRequest) -> bool:
    records = get_authentication_records(request, request.user)
    return bool(records) and time.time() - float(records[-1]["at"]) < app_settings.REAUTHENTICATION_TIMEOUT
