"""An invitation's page: makes the account it is for, or adds the signed-in account to its organization."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from rollbook.actions.accounts import accept, find_invitation, token_digest
from rollbook.errors import ConfigError
from rollbook.store.models import Account, Invitation, Role
from rollbook.web.access import Who, page
from rollbook.web.account_forms import ROLE_WORDS, NewAccountForm
from rollbook.web.error_words import error_said

_BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@page(read=Who.ANYONE, write=Who.ANYONE)
def show(request: HttpRequest, token: str) -> HttpResponse:
    invitation = find_invitation(token)
    if invitation is None:
        return _gone(request, token)
    if isinstance(request.user, Account):
        return _join(request, token, invitation, request.user)
    form = NewAccountForm(invitation, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            account = accept(
                token=token,
                email=form.cleaned_data.get("email", ""),
                name=form.cleaned_data["name"],
                password=form.cleaned_data["password"],
            )
        except ConfigError as error:
            form.add_error(None, error_said(error))
        else:
            login(request, account, backend=_BACKEND)
            return redirect("start")
    return _page(request, token, invitation, form=form)


def _join(request: HttpRequest, token: str, invitation: Invitation, account: Account) -> HttpResponse:
    if request.method != "POST":
        return _page(request, token, invitation)
    try:
        accept(token=token, account=account)
    except ConfigError as error:
        messages.error(request, error_said(error))
        return redirect("invitation", token)
    if invitation.organization is None:
        return redirect("start")
    messages.success(request, _("Welcome to %(name)s.") % {"name": invitation.organization.name})
    return redirect("home", invitation.organization.slug)


def _page(request: HttpRequest, token: str, invitation: Invitation, **more: object) -> HttpResponse:
    context = {"token": token, "invitation": invitation, "role": ROLE_WORDS[Role(invitation.role)], **more}
    answer = render(request, "invitation.html", context)
    answer["Cache-Control"] = "no-store"
    return answer


def _gone(request: HttpRequest, token: str) -> HttpResponse:
    """Sending the form twice, or coming back from single sign-on, is no mistake of the person's."""
    mine = Invitation.objects.filter(digest=token_digest(token))
    if isinstance(request.user, Account) and mine.filter(used_by=request.user).exists():
        return redirect("start")
    return render(request, "invitation_gone.html", status=404)


urlpatterns = [path("invitation/<str:token>/", show, name="invitation")]
