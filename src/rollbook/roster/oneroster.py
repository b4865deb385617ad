"""OneRoster's words: collections and their columns. Knows no wire format and no database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

#: How a text value becomes typed in staging.
TEXT, DATE, DATETIME, YEAR, BOOLEAN, LIST, WORD = "text", "date", "datetime", "year", "boolean", "list", "word"


@dataclass(frozen=True)
class Collection:
    """One OneRoster collection as Rollbook reads it: CSV 1.2 column names, in order, with their types.

    Names are those of the OneRoster CSV binding 1.2; 1.1's `orgSourcedIds` and `role` of users are kept beside
    them, since either they or the roles collection say where a person belongs.
    """

    name: str
    columns: Mapping[str, str]
    required: tuple[str, ...] = ()

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(self.columns)


def _collection(name: str, required: str, /, **columns: str) -> Collection:
    common = {"sourcedId": TEXT, "status": WORD, "dateLastModified": DATETIME}
    return Collection(name, MappingProxyType(common | columns), ("sourcedId", *required.split()))


_COLLECTIONS = (
    _collection("orgs", "name type", name=TEXT, type=WORD, identifier=TEXT, parentSourcedId=TEXT),
    _collection(
        "academicSessions",
        "title type startDate endDate",
        title=TEXT,
        type=WORD,
        startDate=DATE,
        endDate=DATE,
        parentSourcedId=TEXT,
        schoolYear=YEAR,
    ),
    _collection(
        "courses",
        "title",
        schoolYearSourcedId=TEXT,
        title=TEXT,
        courseCode=TEXT,
        grades=LIST,
        orgSourcedId=TEXT,
        subjects=LIST,
        subjectCodes=LIST,
    ),
    _collection(
        "classes",
        "title courseSourcedId schoolSourcedId",
        title=TEXT,
        grades=LIST,
        courseSourcedId=TEXT,
        classCode=TEXT,
        classType=WORD,
        location=TEXT,
        schoolSourcedId=TEXT,
        termSourcedIds=LIST,
        subjects=LIST,
        subjectCodes=LIST,
        periods=LIST,
    ),
    _collection(
        "users",
        "givenName familyName",
        enabledUser=BOOLEAN,
        orgSourcedIds=LIST,
        role=WORD,
        username=TEXT,
        userIds=TEXT,
        givenName=TEXT,
        familyName=TEXT,
        middleName=TEXT,
        identifier=TEXT,
        email=TEXT,
        agentSourcedIds=LIST,
        grades=LIST,
        userMasterIdentifier=TEXT,
        preferredGivenName=TEXT,
        preferredFamilyName=TEXT,
        primaryOrgSourcedId=TEXT,
    ),
    _collection(
        "roles",
        "userSourcedId role orgSourcedId",
        userSourcedId=TEXT,
        roleType=WORD,
        role=WORD,
        beginDate=DATE,
        endDate=DATE,
        orgSourcedId=TEXT,
    ),
    _collection(
        "enrollments",
        "classSourcedId userSourcedId role",
        classSourcedId=TEXT,
        schoolSourcedId=TEXT,
        userSourcedId=TEXT,
        role=WORD,
        primary=BOOLEAN,
        beginDate=DATE,
        endDate=DATE,
    ),
)

#: By name, in reading order: a collection comes after those it refers to.
COLLECTIONS: Final[Mapping[str, Collection]] = MappingProxyType({c.name: c for c in _COLLECTIONS})

#: Roles of 1.1 and 1.2 (R12 RoleDType, O11), as the role map shows them.
ROLES: Final = (
    "student",
    "teacher",
    "aide",
    "administrator",
    "principal",
    "siteAdministrator",
    "districtAdministrator",
    "systemAdministrator",
    "counselor",
    "proctor",
    "guardian",
    "parent",
    "relative",
)
#: Roles that count as staff when an account's role would be raised (rule 11).
STAFF_ROLES: Final = frozenset(ROLES) - {"student", "guardian", "parent", "relative"}
GUARDIAN_ROLES: Final = frozenset({"guardian", "parent", "relative"})
#: Which of several roles counts where an organization states no order of its own (rule 11): staff before pupils.
ROLE_ORDER: Final = (
    "systemAdministrator",
    "districtAdministrator",
    "siteAdministrator",
    "principal",
    "administrator",
    "counselor",
    "teacher",
    "aide",
    "proctor",
    "student",
    "guardian",
    "parent",
    "relative",
)
