"""People: who may sign in to this organization, and as what. The acting user invites, changes and hands over."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from rollbook.actions import members
from rollbook.actions.accounts import account_by
from rollbook.errors import BlobLost, ConfigError
from rollbook.store.models import Membership, Role
from rollbook.web.access import Place, Who, page
from rollbook.web.account_forms import ROLE_WORDS, InviteForm, PersonForm, RoleForm
from rollbook.web.error_words import error_said
from rollbook.web.inviting import invite_by_form, shown_once
from rollbook.web.mail import can_mail

_AT_ONCE: Final = 50


@page(read=Who.READER)
def show(request: HttpRequest, place: Place) -> HttpResponse:
    return _list(request, place, InviteForm(mails=can_mail()))


@page(write=Who.ACTING)
def invite(request: HttpRequest, place: Place) -> HttpResponse:
    form = InviteForm(request.POST, mails=can_mail())
    if form.is_valid():
        try:
            invite_by_form(request, form, place.organization.slug)
        except ConfigError as error:
            form.add_error(None, error_said(error))
        else:
            return redirect("people", place.organization.slug)
    return _list(request, place, form, status=422)


@page(write=Who.ACTING)
def revoke(request: HttpRequest, place: Place, number: int) -> HttpResponse:
    slug = place.organization.slug
    return _do(
        request,
        place,
        lambda: members.revoke_invitation(org=slug, invitation=number, by=account_by(place.account)),
        _("The invitation works no more."),
    )


@page(read=Who.ACTING, write=Who.ACTING)
def person(request: HttpRequest, place: Place, number: int) -> HttpResponse:
    """One member: change the role, hand over, remove."""
    membership = _membership(place, number)
    if request.method != "POST":
        return _person(request, place, membership, RoleForm(initial={"role": membership.role}))
    form = RoleForm(request.POST)
    if not form.is_valid():
        return _person(request, place, membership, form, status=422)
    wanted = form.cleaned_data["role"]
    return _do(
        request,
        place,
        lambda: members.change_role(role=wanted, account=number, **_acting(place)),
        _("%(name)s is now: %(role)s.") % {"name": _name(membership), "role": ROLE_WORDS[wanted]},
    )


@page(write=Who.ACTING)
def bind(request: HttpRequest, place: Place, number: int) -> HttpResponse:
    """Says who a member is in the SIS, so that they find the sections that they teach."""
    membership = _membership(place, number)
    form = PersonForm(request.POST)
    if form.is_valid():
        try:
            members.bind_person(unique_id=form.cleaned_data["unique_id"], account=number, **_acting(place))
        except (ConfigError, BlobLost) as error:
            form.add_error("unique_id", error_said(error))
        else:
            messages.success(request, _("Saved who %(name)s is in the SIS.") % {"name": _name(membership)})
            return redirect("people_person", place.organization.slug, number)
    role = RoleForm(initial={"role": membership.role})
    return _person(request, place, membership, role, binds=form, status=422)


@page(read=Who.ACTING, write=Who.ACTING)
def remove(request: HttpRequest, place: Place, number: int) -> HttpResponse:
    """Asks once more, then ends the membership."""
    asks, done = "people/remove.html", _("%(name)s is no member any more.")
    act = partial(members.remove_member, account=number, **_acting(place))
    return _asked(request, place, number, asks=asks, act=act, done=done)


@page(read=Who.ACTING, write=Who.ACTING)
def hand_over(request: HttpRequest, place: Place, number: int) -> HttpResponse:
    """Asks once more, then makes the other the acting user."""
    asks, done = "people/hand_over.html", _("%(name)s is the Acting User now.")
    act = partial(members.hand_over, to=number, **_acting(place))
    return _asked(request, place, number, asks=asks, act=act, done=done)


def _asked(
    request: HttpRequest, place: Place, number: int, *, asks: str, act: Callable[[], object], done: str
) -> HttpResponse:
    """Shows the page that asks, or, once confirmed, acts on that member."""
    membership = _membership(place, number)
    if request.method != "POST":
        return render(request, asks, {"member": membership})
    return _do(request, place, act, done % {"name": _name(membership)})


def _name(membership: Membership) -> str:
    return membership.account.name or membership.account.email


def _acting(place: Place) -> dict[str, Any]:
    return {"org": place.organization.slug, "by": account_by(place.account), "actor": place.account.pk}


def _do(request: HttpRequest, place: Place, act: Callable[[], object], done: str) -> HttpResponse:
    try:
        act()
    except ConfigError as error:
        messages.error(request, error_said(error))
    else:
        messages.success(request, done)
    return redirect("people", place.organization.slug)


def _membership(place: Place, number: int) -> Membership:
    mine = Membership.objects.select_related("account").filter(organization=place.organization, account_id=number)
    found = mine.first()
    if found is None:
        raise Http404
    return found


def _person(
    request: HttpRequest,
    place: Place,
    membership: Membership,
    form: RoleForm,
    *,
    binds: PersonForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "member": membership,
        "form": form,
        "binds": binds or PersonForm(initial={"unique_id": membership.unique_id}),
        "role": ROLE_WORDS[Role(membership.role)],
        "is_me": membership.account_id == place.account.pk,
        "can_act": membership.role == Role.ADMINISTRATOR and membership.account.is_active,
    }
    return render(request, "people/person.html", context, status=status)


def _list(request: HttpRequest, place: Place, form: InviteForm, *, status: int = 200) -> HttpResponse:
    role = request.GET.get("role", "")
    number = _number(request.GET.get("page", ""))
    every = Membership.objects.select_related("account").filter(organization=place.organization)
    if role in Role.values:
        every = every.filter(role=role)
    start = (number - 1) * _AT_ONCE
    rows = list(every.order_by("account__name", "account__email")[start : start + _AT_ONCE + 1])
    context = {
        "members": [_row(place, one) for one in _with_factors(rows[:_AT_ONCE])],
        "roles": ROLE_WORDS.items(),
        "role": role,
        "number": number,
        "earlier": number - 1,
        "later": number + 1 if len(rows) > _AT_ONCE else 0,
        "invitations": members.open_invitations(place.organization.slug) if place.is_acting else [],
        "form": form,
        "link": shown_once(request) if place.is_acting else "",
    }
    return render(request, "people.html", context, status=status)


def _with_factors(rows: list[Membership]) -> list[tuple[Membership, bool]]:
    """Each with: is there a second factor?"""
    accounts = [one.account_id for one in rows]
    kinds = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
    safe = set(Authenticator.objects.filter(user_id__in=accounts, type__in=kinds).values_list("user_id", flat=True))
    return [(one, one.account_id in safe) for one in rows]


def _row(place: Place, found: tuple[Membership, bool]) -> dict[str, Any]:
    one, second_factor = found
    return {
        "account": one.account,
        "role": ROLE_WORDS[Role(one.role)],
        "second_factor": second_factor,
        "acting": place.organization.acting_id == one.account_id and one.role == Role.ADMINISTRATOR,
        "is_me": one.account_id == place.account.pk,
    }


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 and int(text) else 1


urlpatterns = [
    path("people/", show, name="people"),
    path("people/invite/", invite, name="people_invite"),
    path("people/invitations/<int:number>/revoke/", revoke, name="people_revoke"),
    path("people/<int:number>/", person, name="people_person"),
    path("people/<int:number>/bind/", bind, name="people_bind"),
    path("people/<int:number>/remove/", remove, name="people_remove"),
    path("people/<int:number>/hand-over/", hand_over, name="people_hand_over"),
]
