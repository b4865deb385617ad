"""Why a launch was refused: a code for support, what happened in plain words, and who can do what about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from rollbook.actions.launches import note_refused_launch
from rollbook.store.models import LaunchPlatform, Organization
from rollbook.web.launches.frames import allow_frames, origins_of


class LaunchRefused(Exception):
    """A launch that lets nobody in. `code` is one of REFUSALS, or of a protocol's own. `proven`: it did come from the
    platform; what anybody could have sent leaves no row in the audit, or anybody could fill it."""

    def __init__(self, code: str, *, proven: bool = True) -> None:
        super().__init__(code)
        self.code, self.proven = code, proven


@dataclass(frozen=True)
class Refusal:
    """`sentence` says what happened, `fix` who does what."""

    sentence: Any
    fix: Any
    status: int = 403


_ADMIN: Final = _("Ask your system administrator, and tell them the code below.")
_AGAIN: Final = _("Go back to your course and open Rollbook from there again.")

REFUSALS: Final[Mapping[str, Refusal]] = MappingProxyType(
    {
        "SECTION_UNKNOWN": Refusal(
            _("Rollbook did not make this course section, so it sends no grades of it."),
            _(
                "It knows the sections of the active year that came from the SIS. If this one should be among them, "
                "ask your system administrator whether it was synced."
            ),
        ),
        "SECTION_MISSING": Refusal(
            _("The LMS did not say which course section you come from."),
            _("Open Rollbook from within a course section. If you did, ask your system administrator."),
        ),
        "PERSON_UNKNOWN": Refusal(
            _("Rollbook does not know your account of the LMS."),
            _(
                "It knows the people that came from the SIS. Ask your system administrator whether your account was "
                "synced."
            ),
        ),
        "PERSON_MISSING": Refusal(_("The LMS did not say who you are."), _ADMIN),
        "NOT_COURSE_ADMIN": Refusal(
            _("You are not a course admin of this section in the LMS. Only course admins send its grades."),
            _(
                "If you teach it, ask your school to make you a course admin of the section, then open Rollbook from "
                "the course again."
            ),
        ),
        "LMS_SILENT": Refusal(
            _("The LMS could not say whether you are a course admin of this section, so nobody was let in."),
            _("Try again in a few minutes. If it happens again, ask your system administrator."),
            503,
        ),
        "ACCOUNT_CLOSED": Refusal(_("Your account in Rollbook was closed."), _ADMIN),
        "FILE_LOST": Refusal(
            _("Rollbook cannot read its list of sections and people."),
            _("Ask whoever runs Rollbook to bring back the missing file from a backup."),
            503,
        ),
        "LAUNCH_FOREIGN": Refusal(_("No page of Rollbook opened this way into Rollbook."), _AGAIN),
        "LAUNCH_OVER": Refusal(_("This way into Rollbook was used already, or is too old."), _AGAIN, 410),
    }
)


def refuse(
    request: HttpRequest,
    code: str,
    *,
    organization: Organization | None = None,
    platform: LaunchPlatform | None = None,
    known: Mapping[str, Refusal] = REFUSALS,
) -> HttpResponse:
    """The page that says why. It may stand in a frame of the organization's platforms, if one is proven; a refusal to
    one of its platforms is audited."""
    if platform is not None:
        note_refused_launch(platform=platform, code=code)
        organization = platform.organization
    refusal = known[code]
    answer = render(request, "launches/refused.html", {"refusal": refusal, "code": code}, status=refusal.status)
    answer.headers["Cache-Control"] = "no-store"
    return answer if organization is None else _framed(answer, organization)


def _framed(answer: HttpResponse, organization: Organization) -> HttpResponse:
    allow_frames(answer, origins_of(organization))
    return answer
