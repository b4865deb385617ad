"""Organizations: for the operator of the installation, who makes them and invites their first administrators."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _

from rollbook.actions.accounts import account_by
from rollbook.actions.new_organization import make_organization
from rollbook.errors import ConfigError
from rollbook.store.models import Membership, Organization, Run
from rollbook.web.access import Who, account_of, page
from rollbook.web.account_forms import InviteForm, NewOrganizationForm
from rollbook.web.error_words import error_said
from rollbook.web.inviting import invite_by_form, shown_once
from rollbook.web.mail import can_mail

_AT_ONCE: Final = 100


@page(read=Who.OPERATOR, write=Who.OPERATOR)
def show(request: HttpRequest) -> HttpResponse:
    """All of them, a hundred a page; POST makes another one."""
    form = NewOrganizationForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = make_organization(by=account_by(account_of(request)), **form.cleaned_data)
        except ConfigError as error:
            form.add_error("slug", error_said(error))
        else:
            messages.success(request, _("%(name)s is made. Now invite who acts in it.") % {"name": made.name})
            return redirect("organizations_one", made.slug)
    after = request.GET.get("after", "").replace("\0", "")
    rows = list(_with_last_run(after)[: _AT_ONCE + 1])
    context = {
        "form": form,
        "rows": rows[:_AT_ONCE],
        "next": rows[_AT_ONCE - 1].slug if len(rows) > _AT_ONCE else "",
        "is_first": not after,
        "mine": set(Membership.objects.filter(account=account_of(request)).values_list("organization_id", flat=True)),
    }
    return render(request, "organizations.html", context, status=422 if form.errors else 200)


@page(read=Who.OPERATOR, write=Who.OPERATOR)
def one(request: HttpRequest, org: str) -> HttpResponse:
    """An organization as the operator sees it; POST invites a system administrator."""
    found = Organization.objects.select_related("acting").filter(slug=org).first()
    if found is None:
        raise Http404
    form = InviteForm(request.POST if request.method == "POST" else None, mails=can_mail(), roles=False)
    if request.method == "POST" and form.is_valid():
        invite_by_form(request, form, org, acting=True)
        return redirect("organizations_one", org)
    context = {"organization": found, "form": form, "link": shown_once(request)}
    return render(request, "organizations/one.html", context, status=422 if form.errors else 200)


def _with_last_run(after: str) -> QuerySet[Organization]:
    """By their short names, each with `run`, `state` and `at` of its last run."""
    last = Run.objects.filter(organization=OuterRef("pk")).order_by("-created_at", "-id")
    every = Organization.objects.select_related("acting").filter(slug__gt=after).order_by("slug")
    return every.annotate(
        run=Subquery(last.values("pk")[:1]),
        state=Subquery(last.values("state")[:1]),
        at=Subquery(last.values("created_at")[:1]),
    )


urlpatterns = [
    path("organizations/", show, name="organizations"),
    path("organizations/<slug:org>/", one, name="organizations_one"),
]
