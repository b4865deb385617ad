"""API: keys to the JSON API of this organization. A new one is shown once, on the answer to its form."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _

from rollbook.actions.accounts import account_by
from rollbook.actions.tokens import MOST_DAYS, make_token, revoke_token
from rollbook.errors import ConfigError
from rollbook.store.models import ApiToken
from rollbook.web.access import Place, Who, page
from rollbook.web.error_words import error_said
from rollbook.web.opening import public_address

_DAYS = "365"
_SHOWN = 200


@page(read=Who.READER)
def show(request: HttpRequest, place: Place) -> HttpResponse:
    return _page(request, place, {"days": _DAYS})


@page(write=Who.ACTING)
def make(request: HttpRequest, place: Place) -> HttpResponse:
    typed = {
        "name": request.POST.get("name", "").strip(),
        "days": request.POST.get("days", "").strip(),
        "may_write": request.POST.get("may_write") == "yes",
    }
    errors = _errors(typed)
    if errors:
        return _page(request, place, typed, errors=errors, status=422)
    try:
        token, text = make_token(
            org=place.organization.slug,
            account=place.account,
            by=account_by(place.account),
            name=str(typed["name"]),
            may_write=bool(typed["may_write"]),
            days=int(str(typed["days"])) if typed["days"] else None,
        )
    except ConfigError as error:
        return _page(request, place, typed, errors={"name": error_said(error)}, status=422)
    # Not after a redirect: the token would have to be kept somewhere until then.
    return _page(request, place, {"days": _DAYS}, made=token, text=text)


@page(write=Who.ACTING)
def revoke(request: HttpRequest, place: Place, number: int) -> HttpResponse:
    try:
        token = revoke_token(org=place.organization.slug, token=number, by=account_by(place.account))
    except ConfigError:
        messages.error(request, _("There is no such token. Perhaps it was removed with the account that made it."))
    else:
        messages.success(request, _("“%(name)s” is revoked. It opens nothing any more.") % {"name": token.name})
    return redirect("api_tokens", place.organization.slug)


def _errors(typed: dict[str, Any]) -> dict[str, str]:
    found = {}
    if not typed["name"]:
        found["name"] = _("Give the token a name, such as the program that will use it.")
    elif len(typed["name"]) > 100:
        found["name"] = _("This name is too long. At most 100 letters fit.")
    days = typed["days"]
    if days and not (days.isascii() and days.isdigit() and len(days) <= 4 and 1 <= int(days) <= MOST_DAYS):
        found["days"] = _("Give a number of days from 1 to %(most)s, or leave it empty.") % {"most": MOST_DAYS}
    return found


def _page(
    request: HttpRequest, place: Place, typed: dict[str, Any], *, status: int = 200, **more: Any
) -> HttpResponse:  # fmt: skip
    mine = ApiToken.objects.select_related("account").filter(organization=place.organization)
    now = timezone.now()
    tokens = [
        (token, token.expires_at is not None and token.expires_at <= now)
        for token in mine.order_by("-created_at", "-pk")[:_SHOWN]
    ]
    address = public_address(f"{request.scheme}://{request.get_host()}")
    context = {"tokens": tokens, "typed": typed, "address": address, "errors": {}, **more}
    answer = render(request, "api_tokens.html", context, status=status)
    answer["Cache-Control"] = "no-store"
    return answer


urlpatterns = [
    path("api-tokens/", show, name="api_tokens"),
    path("api-tokens/make", make, name="api_tokens_make"),
    path("api-tokens/<int:number>/revoke", revoke, name="api_tokens_revoke"),
]
