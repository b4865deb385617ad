"""OneRoster 1.1 and 1.2 as data: base paths, scopes, collections and their fields. Knows no vendor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Version:
    """`path` follows the host (OneRoster 1.2 Rostering OpenAPI `servers`; 1.1 REST binding). `mark` is the
    version part of a path. `scope` is the least one that gives the six collections. `roles`: users carry
    nested roles. `class_categories`: categories are listed per class; `letters`: results take textScore, and late,
    missing and incomplete (1.2 Gradebook OpenAPI)."""

    name: str
    mark: str
    path: str
    scope_prefix: str
    scope: str
    roles: bool
    oauth1: bool
    class_categories: bool
    letters: bool


VERSIONS: Final[Mapping[str, Version]] = MappingProxyType(
    {
        "1.1": Version(
            name="1.1",
            mark="v1p1",
            path="/ims/oneroster/v1p1",
            scope_prefix="https://purl.imsglobal.org/spec/or/v1p1/scope/",
            scope="roster-core.readonly",
            roles=False,
            oauth1=True,
            class_categories=False,
            letters=False,
        ),
        "1.2": Version(
            name="1.2",
            mark="v1p2",
            path="/ims/oneroster/rostering/v1p2",
            scope_prefix="https://purl.imsglobal.org/spec/or/v1p2/scope/",
            scope="roster-core.readonly",
            roles=True,
            oauth1=False,
            class_categories=True,
            letters=True,
        ),
    }
)

#: Scopes of the gradebook: lists of classes, their sessions and students; reads and writes of grades (1.1, G12). They
#: are asked for by the grade sink alone.
GRADE_SCOPES: Final = ("roster.readonly", "gradebook.readonly", "gradebook.createput", "gradebook.delete")

#: What is read, in this order: path below the base, which is also the envelope key of the answer (R12, 41
#: reads).
READ: Final = ("orgs", "academicSessions", "courses", "classes", "users", "enrollments")
#: Other paths that answer with the same envelope; a provider without the general one may have them.
STAND_INS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "orgs": ("schools",),
        "academicSessions": ("terms", "gradingPeriods"),
        "users": ("students", "teachers"),
    }
)

_COMMON = ("sourcedId", "status", "dateLastModified")
#: The fields Rollbook looks at, for `fields=`; passwords, demographics, phone numbers are not among them.
FIELDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "orgs": (*_COMMON, "name", "type", "identifier", "parent"),
        "academicSessions": (*_COMMON, "title", "type", "startDate", "endDate", "parent", "schoolYear"),
        "courses": (*_COMMON, "title", "courseCode", "schoolYear", "grades", "subjects", "subjectCodes",
        "org"), "classes": (
            *_COMMON, "title", "classCode", "classType", "location", "grades", "subjects", "subjectCodes",
            "course", "school", "terms", "periods",
        ),
        "users": (
            *_COMMON, "username", "enabledUser", "givenName", "familyName", "middleName", "userIds",
            "identifier", "email", "agents", "grades",
        ),
        "enrollments": (*_COMMON, "user", "class", "school", "role", "primary", "beginDate", "endDate"),
    }
)  # fmt: skip
#: Fields of users that only one version knows; asking the other for them is an error there.
USER_FIELDS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "1.1": ("role", "orgs"),
        "1.2": ("roles", "userMasterIdentifier", "preferredFirstName", "preferredLastName", "primaryOrg"),
    }
)


def fields(version: Version, collection: str) -> tuple[str, ...]:
    """What `fields=` asks for: sourcedId has to be named too (1.1 text on field selection)."""
    more = USER_FIELDS[version.name] if collection == "users" else ()
    return (*FIELDS[collection], *more)
