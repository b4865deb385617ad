"""What pages show of teachers' permissions to read gradebooks, where an LMS connection asks for them. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from django.db.models import Max
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import reverse

from rollbook.engine.permissions import where_teachers_agree
from rollbook.errors import BlobLost, ConfigError
from rollbook.roster.reasons import because
from rollbook.store.blobs import open_blobs
from rollbook.store.given_sections import GivenSection
from rollbook.store.kept import Kept
from rollbook.store.ledger import current_version
from rollbook.store.models import GradeSection, Organization, TeacherPermission
from rollbook.store.permissions import people_who_allow, working_permissions
from rollbook.store.setup import opened
from rollbook.store.teachers import admins_of_seen, teachers_to_ask
from rollbook.web.access import Place
from rollbook.web.error_words import error_said
from rollbook.web.grade_help import person_names
from rollbook.web.launches.frames import origin_of
from rollbook.web.opening import public_address
from rollbook.web.paging import piece
from rollbook.web.taught import active_year

A_PAGE: Final = 25
_NAMED: Final = 10
#: Of so many organizations, or moments, it is kept who is to be asked.
_TO_ASK: Final[Kept[list[tuple[str, int]]]] = Kept(20)
#: What a run says of a section that needs a permission.
_ASKED_FOR: Final = frozenset({because("not_allowed"), because("allowed_no_more")})


def permission_words(place: Place) -> dict[str, Any]:
    """For grades/permission.html: how it stands with this person's own permission, and with those of the section's
    teachers; empty where nobody is asked."""
    site = where_teachers_agree(place.organization)
    if not site:
        return {}
    found: dict[str, Any] = {"site": site, "own": None, "may_ask": bool(place.unique_id) and _teaches(place)}
    mine = TeacherPermission.objects.filter(
        membership__organization=place.organization, membership__account=place.account, person=place.unique_id
    ).first()
    if mine is not None:
        found |= {"own": mine, "works": mine.refused_at is None}
    if place.section is not None:
        found |= _of_section(place, place.section)
    return {"permission": found}


def is_settled(trouble: str, words: Mapping[str, Any]) -> bool:
    """Was the permission given since, for want of which a section was not read? `words` are those of the page."""
    return trouble in _ASKED_FOR and bool(words.get("permission", {}).get("allowed"))


def _teaches(place: Place) -> bool:
    """On a section's page only its teachers are asked."""
    return place.section is None or place.teaches


def _of_section(place: Place, section: GivenSection) -> dict[str, Any]:
    """Has any teacher of the section allowed it? And, if not, who they are."""
    try:
        people = admins_of_seen(place.organization.pk, open_blobs(opened()), [section.code])[section.code]
    except BlobLost:
        return {"allowed": True}  # who its teachers are is not known: nobody is blamed
    allowed = working_permissions(place.organization.pk).filter(person__in=people).exists()
    names = {} if allowed else person_names(place.organization.pk, people, section.school)
    return {"allowed": allowed, "teachers": sorted(names.get(one, one) for one in people)[:_NAMED]}


def who_is_to_be_asked(organization: Organization, given: QueryDict | None = None) -> dict[str, Any]:
    """Teachers of sections that nobody allowed to read yet, those with most sections first. Without `given`, only how
    many; empty where nobody is asked."""
    if not where_teachers_agree(organization):
        return {}
    allowed = people_who_allow(organization.pk)
    try:
        waiting = _waiting(organization.pk, active_year(organization), frozenset(allowed))
    except BlobLost as error:
        return {"to_ask": 0, "page": piece([], {}, A_PAGE), "lost": error_said(error)}
    if given is None:
        return {"to_ask": len(waiting)}
    shown = piece(waiting, {"page": given.get("page", "")}, A_PAGE)
    names = person_names(organization.pk, [person for person, _ in shown.rows])
    gone = set(
        TeacherPermission.objects.filter(membership__organization=organization, refused_at__isnull=False).values_list(
            "person", flat=True
        )
    )
    lines = [
        {"name": names.get(person, person), "id": person, "number": number, "again": person in gone}
        for person, number in shown.rows
    ]
    return {"to_ask": len(waiting), "page": shown, "lines": lines}


def _waiting(organization: int, year: str | None, allowed: frozenset[str]) -> list[tuple[str, int]]:
    """Found by going through all enrollments, so it is kept as long as nothing of that changes. Raises BlobLost."""
    looked = GradeSection.objects.filter(organization=organization).aggregate(last=Max("admins_at"))["last"]
    files = current_version(organization).files
    key = (organization, year, allowed, looked, files.get("section"), files.get("enrollment"))
    return _TO_ASK.get(key, lambda: teachers_to_ask(organization, open_blobs(opened()), year, allowed))


def may_lead_to_the_lms(answer: HttpResponse, context: Mapping[str, Any]) -> HttpResponse:
    """A page with these words, whose form may end at the LMS: browsers hold redirects of forms to its policy too."""
    site = context.get("permission", {}).get("site")
    if site:
        with suppress(ConfigError):  # whoever presses the button is told
            vars(answer)["_csp_update"] = {"form-action": [origin_of(site)]}
    return answer


def back_here(request: HttpRequest, state: str) -> str:
    """The address to which the LMS sends somebody back."""
    path = reverse("permission_back", args=[state])
    return public_address(f"{request.scheme}://{request.get_host()}") + path
