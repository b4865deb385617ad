"""Asking for a new password by mail; without a mail server the page says whom to ask."""

from __future__ import annotations

from allauth.account import views
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

from rollbook.web.mail import can_mail


def ask(request: HttpRequest) -> HttpResponseBase:
    """The library's page, where mails can be sent."""
    if not can_mail():
        return render(request, "account/password_reset_by_hand.html", status=200 if request.method == "GET" else 409)
    answer: HttpResponseBase = views.password_reset(request)
    return answer
