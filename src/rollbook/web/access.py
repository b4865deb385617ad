"""Who may see and do what. Every page says it with `@page`; a page that does not is refused, and a test finds it.

Nobody learns that an organization exists in which they have no part: they get the same answer as for one that does not.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from django.contrib.auth.models import AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode

from rollbook.store.given_sections import GivenSection
from rollbook.store.models import Account, Membership, Organization, Role
from rollbook.web.kept_forms import keep_typed, page_of_form, signed_in_last
from rollbook.web.launched import Launched, launched_of
from rollbook.web.taught import find_section, is_taught, was_taught


class Who(StrEnum):
    """Rules 30 and 31, and the operator of the installation."""

    ANYONE = "anyone"
    SIGNED_IN = "signed in"
    MEMBER = "any member of the organization"
    READER = "its administrators and viewers"
    ADMINISTRATOR = "its system administrators"
    ACTING = "its acting user"
    SECTION_READER = "its administrators and viewers, and the section's teachers"
    SECTION_ACTOR = "its acting user, and the section's teachers"
    OPERATOR = "the operator"


_SAFE: Final = frozenset({"GET", "HEAD"})
_OF_SECTION: Final = frozenset({Who.SECTION_READER, Who.SECTION_ACTOR})
_FRAMES: Final = frozenset({"iframe", "frame"})
_READING: Final = frozenset({Role.ADMINISTRATOR, Role.VIEWER})


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`read` is for GET and HEAD, `write` for POST; None: this method is not there."""

    read: Who | None
    write: Who | None


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a request of a member is: the organization and the person's part in it. `unique_id` is who they are in the
    SIS, "" where nobody has said. `section`: that of a section's page, which this person `teaches` or not. `launched`:
    they came from a course of the LMS, and have no other rights than a teacher's."""

    organization: Organization
    account: Account
    role: Role
    is_acting: bool
    unique_id: str = ""
    section: GivenSection | None = None
    teaches: bool = False
    launched: bool = False


View = Callable[..., HttpResponseBase]


def page(*, read: Who | None = None, write: Who | None = None) -> Callable[[View], View]:
    """Declare who may GET and POST a view. Views of organizations get `slug` from the URL, and are called with a Place
    instead."""
    rule = Rule(read=read, write=write)

    def declare(view: View) -> View:
        @functools.wraps(view)
        def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            who = rule.read if request.method in _SAFE else rule.write if request.method == "POST" else None
            if who is None:
                return HttpResponseNotAllowed([m for m, w in (("GET", rule.read), ("POST", rule.write)) if w])
            refused = _refusal(request, who, kwargs.get("slug"), kwargs.get("section", ""))
            if refused is not None:
                return _not_kept(refused)
            if "slug" in kwargs:
                kwargs.pop("slug")
                if who in _OF_SECTION:
                    kwargs.pop("section")  # it is in the Place
                args = (place_of(request), *args)
            answer = view(request, *args, **kwargs)
            return answer if who is Who.ANYONE else _not_kept(answer)

        vars(checked)["rule"] = rule  # the tests of permissions read it
        return checked

    return declare


def _not_kept(answer: HttpResponseBase) -> HttpResponseBase:
    """What only some people may see is kept by no cache, nor by the browser of a computer that the next person uses."""
    answer.headers.setdefault("Cache-Control", "no-store")
    return answer


def place_of(request: HttpRequest) -> Place:
    """Where a request is that `page` has let in to an organization."""
    place = vars(request)["place"]
    assert isinstance(place, Place)
    return place


def account_of(request: HttpRequest) -> Account:
    """The person of a request that is signed in."""
    assert isinstance(request.user, Account)
    return request.user


class AccessMiddleware:
    """Refuses views of ours without a rule: forgetting one must not open a page. And addresses with a NUL, which no id
    has, before a database that cannot take it is asked."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        ours = getattr(view, "__module__", "").startswith("rollbook.")
        if ours and not hasattr(view, "rule"):
            raise Http404
        if "\0" in request.path_info:
            raise Http404
        return None


def _refusal(request: HttpRequest, who: Who, slug: str | None, section: str) -> HttpResponse | None:
    if who is Who.ANYONE:
        return None
    launched = launched_of(request)
    if launched is not None:
        return _launched_refusal(request, who, launched, section)
    if isinstance(request.user, AnonymousUser) or not isinstance(request.user, Account):
        return _sign_in(request)
    if who is Who.SIGNED_IN:
        return None
    if who is Who.OPERATOR:
        if not request.user.is_operator:
            raise Http404
        return None
    return _place_refusal(request, who, _place(request.user, slug or ""), section)


def _launched_refusal(request: HttpRequest, who: Who, launched: Launched, section: str) -> HttpResponse | None:
    """Whoever was launched is a teacher, also with an account that may do more. Raises Http404 for all other pages."""
    if who not in _OF_SECTION and who is not Who.MEMBER:
        raise Http404
    place = Place(
        organization=launched.organization,
        account=launched.account,
        role=Role.TEACHER,
        is_acting=False,
        unique_id=launched.unique_id,
        launched=True,
    )
    return _place_refusal(request, who, place, section)


def _place_refusal(request: HttpRequest, who: Who, place: Place, section: str) -> HttpResponse | None:
    if who in _OF_SECTION and _may_ask_for(place, who):
        found = _at_section(place, section)
        if isinstance(found, HttpResponse):
            return found
        place = found
    vars(request)["place"] = place
    if may(place, who):
        return None
    return render(
        request, "refused.html", {"place": place, "who": who, "acting": place.organization.acting}, status=403
    )


def may(place: Place, who: Who) -> bool:
    """Has a member in this place the right?"""
    if who is Who.MEMBER:
        return True
    if who is Who.READER:
        return place.role in _READING
    if who is Who.ADMINISTRATOR:
        return place.role == Role.ADMINISTRATOR
    if who is Who.SECTION_READER:
        return place.role in _READING or place.teaches
    if who is Who.SECTION_ACTOR:
        return place.is_acting or place.teaches
    return who is Who.ACTING and place.is_acting


def _may_ask_for(place: Place, who: Who) -> bool:
    """Could a section be this person's to open (or to act in)? Else it is not even looked for."""
    return may(place, who) or place.role == Role.TEACHER or bool(place.unique_id)


def _at_section(place: Place, code: str) -> Place | HttpResponse:
    """The place, with the section of its page. Raises Http404 for one that Rollbook did not give in the active year;
    for a teacher also for sections of others, of which they learn nothing. Where somebody made them a course admin by
    hand long ago, the way goes over the page that asks the LMS again."""
    section = find_section(place.organization, code)
    if section is None:
        raise Http404
    mine = is_taught(place.organization, place.unique_id, section)
    if place.role == Role.TEACHER and not mine:
        if not was_taught(place.organization, place.unique_id, section):
            raise Http404
        there = reverse("grades_mine", args=[place.organization.slug])
        return redirect(f"{there}?{urlencode({'section': section.code})}")
    return replace(place, section=section, teaches=mine)


def _place(account: Account, slug: str) -> Place:
    mine = Membership.objects.select_related("organization__acting").filter(account=account, organization__slug=slug)
    membership = mine.first()
    if membership is None:
        raise Http404
    organization, role = membership.organization, Role(membership.role)
    acting = role == Role.ADMINISTRATOR and organization.acting_id == account.pk
    return Place(
        organization=organization, account=account, role=role, is_acting=acting, unique_id=membership.unique_id
    )


def _sign_in(request: HttpRequest) -> HttpResponse:
    """Back to this page after signing in; a form's page rather than the address it was sent to. A part of a page that
    asks by itself leads nowhere: something may be typed on that page, which says that the sign-in is over."""
    if request.method in _SAFE and request.headers.get("HX-Request"):
        return HttpResponse(status=401)
    if request.headers.get("Sec-Fetch-Dest") in _FRAMES and "launch_over" in vars(request):
        return render(request, "launches/over.html", status=401)
    there = page_of(request)
    answer = lead(request, f"{reverse('account_login')}?{urlencode({'next': there})}", 401)
    if request.method == "POST":
        keep_typed(request, there, answer, signed_in_last(request))
    return answer


def page_of(request: HttpRequest) -> str:
    """The path of the page that a request came from, if one can go there."""
    there = request.get_full_path() if request.method in _SAFE else request.headers.get("Referer", "")
    there = "/" + there.split("/", 3)[3] if there.startswith("http") and there.count("/") >= 3 else there
    return page_of_form(there or "/")


def lead(request: HttpRequest, there: str, status: int) -> HttpResponse:
    """The whole page goes there, also where only a part of it asked, which gets this status."""
    if request.headers.get("HX-Request"):
        answer = HttpResponse(status=status)
        answer["HX-Redirect"] = there
        return answer
    return redirect(there)
