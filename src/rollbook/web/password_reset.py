"""Asking for a new password by mail; without a mail server the page says whom to ask."""

from __future__ import annotations

from allauth.account import views
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from rollbook.store.models import Account
from rollbook.web.access import Who, page
from rollbook.web.mail import can_mail


@page(read=Who.ANYONE, write=Who.ANYONE)
def ask(request: HttpRequest) -> HttpResponse:
    """The library's page, where mails can be sent."""
    if not can_mail():
        return render(request, "account/password_reset_by_hand.html", status=200 if request.method == "GET" else 409)
    answer: HttpResponse = views.password_reset(request)
    return answer


def reset_path(account: Account) -> str:
    """The address, without host, at which this person chooses a new password; the pages must be open."""
    parts = {"uidb36": user_pk_to_url_str(account), "key": default_token_generator.make_token(account)}
    return reverse("account_reset_password_from_key", kwargs=parts)


def remove_factors(account: Account) -> None:
    """Authenticator app, keys and recovery codes of a person who has lost them."""
    Authenticator.objects.filter(user=account).delete()
