"""Lets a teacher in who comes from a course of the LMS, over whichever protocol: finds the section by Rollbook's ledger
and the person by LMS id or unique id, asks the LMS whether they are a course admin there, and begins a launched session
(`rollbook.web.launches.session`).

The way in has two steps. A code, good for minutes and once, goes along to `/launched/<code>/`; when the cookie came
back there, the teacher goes on to the section. Where the browser keeps no cookies in frames, that page offers a
window of its own, opened with the same code. Nothing personal stands in an address.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from rollbook.actions.launches import join_by_launch, launch_code
from rollbook.actions.teachers import note_launched
from rollbook.engine.course_admins import look_for_admins
from rollbook.errors import BlobLost, ConfigError, RollbookError
from rollbook.store.blobs import open_blobs
from rollbook.store.given_sections import GivenSection
from rollbook.store.launched_from import KnownPerson, person_named, section_named
from rollbook.store.models import LaunchCode, LaunchPlatform
from rollbook.store.setup import opened
from rollbook.web.launched import Launched
from rollbook.web.launches.frames import allow_frames, origins_of
from rollbook.web.launches.refusals import LaunchRefused, refuse
from rollbook.web.launches.session import begin
from rollbook.web.taught import active_year, is_taught


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """What a platform has proven about somebody. Of section and person each at least one name must be given; where
    both are, they must agree. `teaches`: whether it says that the person teaches in this very section; None where it
    says nothing, or not for sure of this section. `same_browser`: the browser that brings the proof is the one that
    asked for it. Without that the teacher is shown as whom they come, and goes on themselves: else somebody could slip
    them another launch.
    """

    platform: LaunchPlatform
    section_code: str = ""
    section_lms_id: str = ""
    unique_id: str = ""
    person_lms_id: str = ""
    teaches: bool | None = None
    same_browser: bool = False


def enter(request: HttpRequest, arrival: Arrival) -> HttpResponse:
    """The answer to a launch whose proof was checked: the way in, or a page that says why not."""
    platform = arrival.platform
    try:
        section, person = _who_and_where(arrival)
        _check_admin(arrival, section, person)
        account = join_by_launch(platform=platform, unique_id=person.unique_id, name=person.name, section=section.code)
    except LaunchRefused as refused:
        return refuse(request, refused.code, platform=platform)
    except ConfigError:
        return refuse(request, "ACCOUNT_CLOSED", platform=platform)
    code = launch_code(platform=platform, account=account, section=section.code)
    if arrival.same_browser:
        launched = Launched(
            account=account, organization=platform.organization, platform=platform, unique_id=person.unique_id
        )
        answer: HttpResponse = redirect("launched_arrive", code)
        begin(answer, launched)
        return answer
    return offer(request, code, platform, name=account.name, window=False)


def offer(request: HttpRequest, code: str, platform: LaunchPlatform, *, name: str, window: bool) -> HttpResponse:
    """A page with a button that uses the code: here, or in a `window` of its own."""
    context = {"code": code, "name": name, "window": window, "organization": platform.organization}
    answer = render(request, "launches/offer.html", context)
    answer.headers["Cache-Control"] = "no-store"
    allow_frames(answer, origins_of(platform.organization))
    return answer


def let_in(used: LaunchCode) -> HttpResponse:
    """The answer to somebody who brought a code: a launched session, and on to the page that looks for its cookie."""
    assert used.platform is not None
    assert used.account is not None
    launched = Launched(account=used.account, organization=used.organization, platform=used.platform, unique_id="")
    code = launch_code(platform=used.platform, account=used.account, section=used.section)
    answer: HttpResponse = redirect("launched_arrive", code)
    begin(answer, launched)
    return answer


def _who_and_where(arrival: Arrival) -> tuple[GivenSection, KnownPerson]:
    organization, blobs = arrival.platform.organization, open_blobs(opened())
    if not (arrival.section_code or arrival.section_lms_id):
        raise LaunchRefused("SECTION_MISSING")
    if not (arrival.unique_id or arrival.person_lms_id):
        raise LaunchRefused("PERSON_MISSING")
    try:
        section = section_named(
            organization.pk,
            blobs,
            active_year(organization),
            code=arrival.section_code,
            lms_id=arrival.section_lms_id,
        )
        person = person_named(organization.pk, blobs, unique_id=arrival.unique_id, lms_id=arrival.person_lms_id)
    except BlobLost:
        raise LaunchRefused("FILE_LOST") from None
    if section is None:
        raise LaunchRefused("SECTION_UNKNOWN")
    if person is None:
        raise LaunchRefused("PERSON_UNKNOWN")
    return section, person


def _check_admin(arrival: Arrival, section: GivenSection, person: KnownPerson) -> None:
    """Raises LaunchRefused. Where the LMS does not answer, what it said last counts, and what the launch itself says,
    for as long as its session: before anything is sent or chosen it is asked again."""
    organization = arrival.platform.organization
    try:
        admin = person.unique_id in look_for_admins(opened(), organization, section)
    except RollbookError:
        if arrival.teaches is False:
            raise LaunchRefused("NOT_COURSE_ADMIN") from None
        if not is_taught(organization, person.unique_id, section):
            if not arrival.teaches:
                raise LaunchRefused("LMS_SILENT") from None
            note_launched(organization, section=section.code, person=person.unique_id)
        return
    if not admin:
        raise LaunchRefused("NOT_COURSE_ADMIN")
