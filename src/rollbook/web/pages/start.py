"""The first page after signing in: the organizations of a person, or the only one at once."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path

from rollbook.store.models import Membership, Role
from rollbook.web.access import Who, account_of, page


@page(read=Who.SIGNED_IN)
def show(request: HttpRequest) -> HttpResponse:
    mine = Membership.objects.select_related("organization").filter(account=account_of(request))
    memberships = list(mine.order_by("organization__name"))
    if len(memberships) == 1:
        only = memberships[0]
        return redirect("grades_mine" if only.role == Role.TEACHER else "home", only.organization.slug)
    if not memberships and account_of(request).is_operator:
        return redirect("organizations")
    return render(request, "start.html", {"memberships": memberships})


urlpatterns = [path("", show, name="start")]
