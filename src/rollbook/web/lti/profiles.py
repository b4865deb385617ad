"""What is peculiar to each LMS as an LTI platform, as data: its addresses, and by which claims it names a section and a
person. Of several claims the first that is there counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

LMS_ID, OURS = "lms id", "ours"


@dataclass(frozen=True)
class Clue:
    """A claim by its path, and whether its value is the LMS's own id, or `ours`: a class code or unique id of the
    SIS. `sure`: no teacher can write it, so a section that it names is the one that the launch's roles are about."""

    means: str
    path: tuple[str, ...]
    sure: bool = False


@dataclass(frozen=True)
class Profile:
    """`issuer` and the addresses are "" where each installation has its own. `origins`: sites that show us in frames,
    besides that of the login address. `custom`: parameters to enter at the LMS."""

    name: Any
    section: tuple[Clue, ...]
    person: tuple[Clue, ...]
    issuer: str = ""
    login_url: str = ""
    token_url: str = ""
    keys_url: str = ""
    origins: tuple[str, ...] = ()
    custom: Mapping[str, str] = field(default_factory=dict)


_LTI: Final = "https://purl.imsglobal.org/spec/lti/claim/"
#: Of a role in the context; a simple name means the same.
_MEMBERSHIP: Final = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
_SUBJECT: Final = Clue(LMS_ID, ("sub",))
_CONTEXT: Final = Clue(LMS_ID, (_LTI + "context", "id"), sure=True)
_LIS_SECTION: Final = Clue(OURS, (_LTI + "lis", "course_section_sourcedid"))
_LIS_PERSON: Final = Clue(OURS, (_LTI + "lis", "person_sourcedid"))

#: A person is named by a custom parameter, or first by a `lis` claim, only where none but administrators of the LMS can
#: write it: elsewhere a teacher could launch as somebody else.
PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {
        # Addresses and variables: developers.schoology.com, "LTI Apps". Custom parameters are set where the app is made
        # and where a district configures it.
        "schoology": Profile(
            "Schoology",
            section=(Clue(LMS_ID, (_LTI + "custom", "section_id"), sure=True), _CONTEXT),
            person=(Clue(OURS, (_LTI + "custom", "unique_id")), _SUBJECT),
            issuer="https://schoology.schoology.com",
            login_url="https://lti-service.svc.schoology.com/lti-service/authorize-redirect",
            token_url="https://lti-service.svc.schoology.com/lti-service/access-token",
            keys_url="https://lti-service.svc.schoology.com/lti-service/.well-known/jwks",
            origins=("https://app.schoology.com",),
            custom=MappingProxyType(
                {"section_id": "$com.schoology.CourseSection.id", "unique_id": "$com.schoology.User.uniqueId"}
            ),
        ),
        # Issuer is the site's address; sub and context.id are ids of its database, lis are the ID numbers. In Moodle a
        # teacher writes custom parameters of an activity.
        "moodle": Profile("Moodle", section=(_CONTEXT, _LIS_SECTION), person=(_SUBJECT,)),
        # In some LMSs people edit their own SIS id. A section needs no such care: it only says what to ask the LMS.
        "other": Profile(_("Another LMS"), section=(_LIS_SECTION, _CONTEXT), person=(_SUBJECT,)),
        # Somebody must have looked who writes that id, so no LMS gets this by registering itself.
        "other-sis": Profile(
            _("Another LMS, SIS ids"), section=(_LIS_SECTION, _CONTEXT), person=(_LIS_PERSON, _SUBJECT)
        ),
    }
)
#: `product_family_code` of a platform's description of itself, where it is not the profile's own name.
_FAMILIES: Final = {"moodle": "moodle", "schoology": "schoology"}


def profile_of(name: str) -> Profile:
    return PROFILES.get(name, PROFILES["other"])


def profile_for(family: str) -> str:
    """The profile for a product family code that a platform gave; never `other-sis`."""
    return _FAMILIES.get(family.lower(), "other")


def accounts_only(clues: tuple[Clue, ...]) -> tuple[Clue, ...]:
    """Those that name an account of the LMS: where people may write the id of the SIS there, whatever profile the
    platform was registered with."""
    return tuple(clue for clue in clues if clue.means == LMS_ID)


def named_by(clues: tuple[Clue, ...], claims: Mapping[str, Any]) -> tuple[str, str]:
    """What the first claim that is there says, as (`ours`, LMS id): one of them is "", both where none is there."""
    for clue in clues:
        value = _text(claims, clue.path)
        if value:
            return ("", value) if clue.means == LMS_ID else (value, "")
    return "", ""


def teaches_there(clues: tuple[Clue, ...], claims: Mapping[str, Any]) -> bool | None:
    """What the launch's roles say of the section that the first of these clues names (LTI Core 1.3, A.2.3): True for
    whoever teaches in it, False for a learner, None where that is not said for sure."""
    named = next((clue for clue in clues if _text(claims, clue.path)), None)
    roles = claims.get(_LTI + "roles")
    if named is None or not named.sure or not isinstance(roles, list):
        return None
    here = {one.removeprefix(_MEMBERSHIP) for one in roles if isinstance(one, str)}
    return True if "Instructor" in here else False if "Learner" in here else None


def _text(claims: Mapping[str, Any], path: tuple[str, ...]) -> str:
    found: Any = claims
    for part in path:
        found = found.get(part) if isinstance(found, Mapping) else None
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)
    # A variable that the platform does not know comes back as it was written (LTI Core 1.3, 5.4.6).
    return found if isinstance(found, str) and not found.startswith("$") and found.isprintable() else ""
