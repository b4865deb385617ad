"""An LMS registers itself (LTI Dynamic Registration 1.0): it opens an address that the acting user gave it, whose code
is good once and for a day. The page asks before it does anything, and says at the end that the LMS may close it.

The LMS that opens the address may show it in a frame, although it is not registered yet: whoever has the code was
meant to register.
"""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from rollbook.actions.lti import find_registration, register_platform, release_registration, use_registration
from rollbook.errors import BadResponse, ConfigError, RollbookError
from rollbook.store.models import LaunchCode
from rollbook.web.access import Who, page
from rollbook.web.error_words import error_said
from rollbook.web.launches.frames import allow_frames, origin_of
from rollbook.web.launches.refusals import refuse
from rollbook.web.lti.registration import describe, ours, register
from rollbook.web.opening import public_address
from rollbook.web.wording import sentence

_MOST_LETTERS: Final = 8192


@csrf_exempt  # the code proves it; in a frame there may be no cookie
@page(read=Who.ANYONE, write=Who.ANYONE)
def start(request: HttpRequest, code: str) -> HttpResponse:
    """GET shows what is about to happen; POST does it."""
    found = find_registration(code)
    given = request.POST if request.method == "POST" else request.GET
    url, token = given.get("openid_configuration", ""), given.get("registration_token", "")
    if found is None:
        return refuse(request, "LAUNCH_OVER")
    if not _site(url) or max(len(url), len(token)) > _MOST_LETTERS:
        return _page(request, found, "", problem=_incomplete())
    if request.method != "POST":
        return _page(request, found, url, token=token)
    if not use_registration(found):
        return refuse(request, "LAUNCH_OVER")
    try:
        name = _register(request, found, url, token)
    except RollbookError as error:
        release_registration(found)
        return _page(request, found, url, token=token, problem=error_said(error), status=502)
    return _page(request, found, url, done=name)


def _register(request: HttpRequest, found: LaunchCode, url: str, token: str) -> str:
    organization = found.organization
    mine = ours(public_address(f"{request.scheme}://{request.get_host()}"), organization.slug)
    values = register(describe(url), token, mine, organization=organization.name)
    return register_platform(
        org=organization.slug, values=values, by=found.created_by, actor=found.account_id
    ).platform.name


def _incomplete() -> str:
    return sentence(str(BadResponse("the LMS did not say where its description of itself is")))


def _site(url: str) -> str:
    """The site that asks; "" for what is no address."""
    try:
        return origin_of(url)
    except ConfigError:
        return ""


def _page(
    request: HttpRequest,
    found: LaunchCode,
    url: str,
    *,
    token: str = "",
    problem: str = "",
    done: str = "",
    status: int = 200,
) -> HttpResponse:
    site = _site(url)
    context = {
        "organization": found.organization,
        "site": site,
        "url": url,
        "token": token,
        "problem": problem,
        "done": done,
    }
    answer = render(request, "launches/registering.html", context, status=400 if problem and status == 200 else status)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"  # the address carries the LMS's token
    allow_frames(answer, [site] if site else [])
    return answer


urlpatterns = [path("lti/register/<str:code>/", start, name="lti_register")]
