"""Where Schoology's App Center posts its signed launches. Believes nothing but what the registered key has signed; asks
the LMS about the rest (`launches.enter`)."""

from __future__ import annotations

import logging
from typing import Final
from urllib.parse import parse_qs, urlsplit

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from rollbook.actions.saml_launches import app_by_key, read_certificates, use_assertion
from rollbook.store.models import SamlPlatform
from rollbook.web.access import Who, page
from rollbook.web.launches.enter import Arrival, enter
from rollbook.web.launches.refusals import refuse
from rollbook.web.launches.saml.assertion import Expected, Launch, check_school, read_launch
from rollbook.web.launches.saml.profile import SCHOOLOGY
from rollbook.web.launches.saml.refusal import UNPROVEN, NotAccepted, Why
from rollbook.web.launches.saml.signed_xml import read_signed
from rollbook.web.launches.saml.words import NOT_ACCEPTED
from rollbook.web.opening import public_address

_log = logging.getLogger(__name__)
#: What the LMS calls a course section: `section` in what it tells an app, `course` in its own addresses.
_SECTIONS: Final = frozenset({"section", "course"})


@csrf_exempt  # it comes from the LMS; the signature is its proof
@page(read=Who.ANYONE, write=Who.ANYONE)
def arrive(request: HttpRequest, key: str) -> HttpResponse:
    """The way in to a section, or why not. Raises Http404 for an address that nobody registered."""
    app = app_by_key(key)
    if app is None:
        raise Http404
    try:
        launch = _launch(request, app)
        section = _section(request)
    except NotAccepted as refusal:
        return _refuse(request, app, refusal)
    return enter(request, Arrival(platform=app.platform, section_lms_id=section, person_lms_id=launch.user))


def launch_address(key: str) -> str:
    """Where an app is launched, as it is registered in the App Center; "" where Rollbook does not know where it is.
    What the browser says does not count: with a launch of another app it would name that app's address."""
    here = public_address()
    return here + reverse("launch_saml", args=[key]) if here else ""


def _launch(request: HttpRequest, app: SamlPlatform) -> Launch:
    """Who comes, proven, and not seen before. Raises NotAccepted."""
    posted = request.POST.get("SAMLResponse", "") if request.method == "POST" else ""
    if not posted:
        raise NotAccepted(Why.MISSING, "there is no SAMLResponse")
    address = launch_address(app.key)
    if not address:
        raise NotAccepted(Why.NO_ADDRESS, "ROLLBOOK_URL is not set")
    signed = read_signed(posted, read_certificates(app.certificates), SCHOOLOGY)
    expected = Expected(
        address=address,
        audiences=frozenset({address, public_address(), app.audience} - {""}),
        schools=frozenset(app.schools),
        domains=frozenset(app.domains),
    )
    launch = read_launch(signed, expected, SCHOOLOGY, timezone.now())
    if not use_assertion(app, id=launch.id, expires=launch.expires):
        raise NotAccepted(Why.USED, "its id was used before")
    check_school(launch, expected)
    return launch


def _section(request: HttpRequest) -> str:
    """The LMS's id of the section, from hints that are not signed: `enter` asks whether this person teaches there. They
    stand in the app's own address (RelayState), which is never gone to. Raises NotAccepted."""
    try:
        asked = parse_qs(urlsplit(request.POST.get("RelayState", "")[:2000]).query, max_num_fields=50)
    except ValueError:
        asked = {}
    hints = {
        name: request.GET.get(name) or request.POST.get(name) or (asked.get(name) or [""])[0]
        for name in ("realm", "realm_id")
    }
    own = hints["realm_id"]
    if hints["realm"] not in _SECTIONS or not (own.isascii() and own.isdecimal() and len(own) <= 20):
        raise NotAccepted(Why.NO_SECTION, "it was not opened in a section")
    return own


def _refuse(request: HttpRequest, app: SamlPlatform, refusal: NotAccepted) -> HttpResponse:
    """In a frame of the registered platforms, too: the address of the launch names the organization."""
    _log.warning("a launch of %s was refused: %s", app.platform.organization.slug, refusal)
    proven = None if refusal.why in UNPROVEN else app.platform
    organization = app.platform.organization
    return refuse(request, refusal.why, organization=organization, platform=proven, known=NOT_ACCEPTED)


urlpatterns = [path("launch/app-center/<str:key>/", arrive, name="launch_saml")]
