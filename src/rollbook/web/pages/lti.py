"""LTI 1.3 for platforms: where a launch begins, where it arrives, and our public keys.

A launch goes like this (Security Framework 1.0, 5.1.1): the LMS sends the browser to `login`; from there it goes to the
LMS with a state and a nonce, and comes back to `launch` with a signed message that holds the nonce. Each organization
has addresses of its own. The state also lies in a cookie, where the browser takes one in a frame: only then is it known
that the same browser came back (see `rollbook.web.launches.enter`).
"""

from __future__ import annotations

import hmac
import logging
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import path, reverse
from django.views.decorators.csrf import csrf_exempt

from rollbook.actions.accounts import token_digest
from rollbook.actions.lti import LOGIN_LASTS, begin_login, use_login
from rollbook.actions.organizations import current_settings
from rollbook.engine.whose import proven
from rollbook.store.models import LtiLogin, LtiPlatform
from rollbook.store.secrets import KeyRing
from rollbook.store.setup import opened
from rollbook.store.tool_keys import public_keys
from rollbook.web.access import Who, page
from rollbook.web.launches.enter import Arrival, enter
from rollbook.web.launches.refusals import LaunchRefused, refuse
from rollbook.web.launches.session import set_framed_cookie
from rollbook.web.lti.claims import judge
from rollbook.web.lti.profiles import accounts_only, named_by, profile_of, teaches_there
from rollbook.web.lti.words import LTI_REFUSALS
from rollbook.web.opening import public_address

log = logging.getLogger(__name__)

#: Hints are the platform's own; longer ones are not carried about.
_MOST_LETTERS: Final = 8192
_MOST_OF_DEPLOYMENT: Final = 255  # LTI Core 1.3, 5.3.3
_ASKED: Final = ("iss", "login_hint", "lti_message_hint", "client_id", "lti_deployment_id")


@csrf_exempt  # it comes from the LMS, and does nothing yet
@page(read=Who.ANYONE, write=Who.ANYONE)
def login(request: HttpRequest, org: str) -> HttpResponse:
    """On to the platform, by GET or POST as the platform likes (Security Framework 1.0, 5.1.1.1 and 5.1.1.2)."""
    given = request.POST if request.method == "POST" else request.GET
    issuer, hint, message, client, deployment = (given.get(name, "") for name in _ASKED)
    asked_for = (issuer, hint, message, client, deployment)
    if (
        not issuer
        or not hint
        or len(deployment) > _MOST_OF_DEPLOYMENT
        or not all(len(one) <= _MOST_LETTERS and "\0" not in one for one in asked_for)
    ):
        return refuse(request, "LTI_INCOMPLETE", known=LTI_REFUSALS)
    platform = _platform(org, issuer, client)
    if platform is None:
        return refuse(request, "LTI_PLATFORM_UNKNOWN", known=LTI_REFUSALS)
    state, nonce = begin_login(platform, deployment=deployment)
    asked = {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": platform.client_id,
        "redirect_uri": launch_address(request, org),
        "login_hint": hint,
        "state": state,
        "nonce": nonce,
        **({"lti_message_hint": message} if message else {}),
    }
    there = platform.login_url + ("&" if urlsplit(platform.login_url).query else "?") + urlencode(asked)
    answer = HttpResponseRedirect(there)
    answer.headers["Cache-Control"] = "no-store"
    set_framed_cookie(answer, _cookie(state), state, max_age=int(LOGIN_LASTS.total_seconds()))
    return answer


@csrf_exempt  # it comes from the LMS; state, nonce and signature prove it
@page(write=Who.ANYONE)
def launch(request: HttpRequest, org: str) -> HttpResponse:
    """The platform's message. The state is used up before anything else is looked at."""
    state, token = request.POST.get("state", ""), request.POST.get("id_token", "")
    found = use_login(org, state) if state else None
    if found is None:
        return refuse(request, "LTI_STATE", known=LTI_REFUSALS)
    try:
        if request.POST.get("error"):
            raise LaunchRefused("LTI_PLATFORM_ERROR", proven=False)
        claims = judge(token, found, ours=launch_address(request, org))
    except LaunchRefused as refused:
        lms = found.platform.platform
        log.warning("a launch of the platform %s was refused: %s", lms.pk, refused.code)
        proven = lms if refused.proven else None
        return refuse(request, refused.code, organization=lms.organization, platform=proven, known=LTI_REFUSALS)
    same = hmac.compare_digest(request.COOKIES.get(_cookie(state), "").encode(), state.encode())
    answer = enter(request, _arrival(found, claims, same=same))
    answer.delete_cookie(_cookie(state))
    return answer


@page(read=Who.ANYONE)
def keys(request: HttpRequest) -> HttpResponse:
    """Our public keys (RFC 7517), the same for every organization."""
    answer = JsonResponse({"keys": public_keys(KeyRing(opened().keys))})
    answer.headers["Cache-Control"] = "public, max-age=300"
    return answer


def launch_address(request: HttpRequest, org: str) -> str:
    """Where launches of this organization arrive."""
    return public_address(f"{request.scheme}://{request.get_host()}") + reverse("lti_launch", args=[org])


def _platform(org: str, issuer: str, client: str) -> LtiPlatform | None:
    """The only one of this issuer that fits."""
    mine = LtiPlatform.objects.filter(platform__organization__slug=org, issuer=issuer)
    found = list(mine.filter(client_id=client)[:2] if client else mine[:2])
    return found[0] if len(found) == 1 else None


def _arrival(found: LtiLogin, claims: dict[str, Any], *, same: bool) -> Arrival:
    profile = profile_of(found.platform.profile)
    code, section = named_by(profile.section, claims)
    _, settings = current_settings(found.platform.platform.organization)
    people = profile.person if proven(settings) else accounts_only(profile.person)
    unique_id, person = named_by(people, claims)
    return Arrival(
        platform=found.platform.platform,
        section_code=code,
        section_lms_id=section,
        unique_id=unique_id,
        person_lms_id=person,
        teaches=teaches_there(profile.section, claims),
        same_browser=same,
    )


def _cookie(state: str) -> str:
    """Each launch has its own, so that two at once do not disturb each other."""
    return f"rollbook_lti_{token_digest(state)[:16]}"


urlpatterns = [
    path("lti/keys/", keys, name="lti_keys"),
    path("lti/<str:org>/login/", login, name="lti_login"),
    path("lti/<str:org>/launch/", launch, name="lti_launch"),
]
