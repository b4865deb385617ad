"""The OneRoster kinds and their fields as data tables; no behaviour, no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

Row = tuple[Any, ...]

SOURCED_ID, STATUS, MODIFIED, METADATA = range(4)
_COMMON = ("sourcedId", "status", "dateLastModified", "metadata")


class Role(NamedTuple):
    """One role of a person, as in OneRoster 1.2 (R12 RoleDType). 1.1 roles are kept in this form too."""

    role_type: str
    role: str
    org: str
    profile: str | None = None
    begin: str | None = None
    end: str | None = None


@dataclass(frozen=True)
class Field:
    """One field. `need` is "" (optional), "*" (required) or "+" (required from 1.2 on).

    `form` is the neutral form of a cell: text, word (vocabulary), date, stamp (dateTime), flag, number,
    list, ref, refs, ids (type and identifier), pairs (score scale values), roles, profiles, json, or kids
    (children, found by the parent link and not stored). `version` is "" for both.
    """

    name: str
    form: str
    target: str = ""
    need: str = ""
    version: str = ""

    def in_version(self, version: str) -> bool:
        return self.version in ("", version)

    def needed(self, version: str) -> bool:
        return self.need == "*" or (self.need == "+" and version == "1.2")


@dataclass(frozen=True)
class Kind:
    """One kind of record. A row is (sourcedId, status, dateLastModified, metadata, *cells of `stored`)."""

    name: str
    plural: str
    service: str
    fields: tuple[Field, ...]

    @cached_property
    def stored(self) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.form != "kids")

    @cached_property
    def at(self) -> dict[str, int]:
        """Position of a stored field in a row."""
        return {name: i for i, name in enumerate((*_COMMON, *(f.name for f in self.stored)))}

    def shown(self, version: str) -> tuple[Field, ...]:
        return tuple(field for field in self.fields if field.in_version(version))


def _fields(text: str) -> tuple[Field, ...]:
    """`name[*|+] form [target] [@version]`, separated by semicolons."""
    found = []
    for part in text.split(";"):
        words = part.split()
        version = words.pop()[1:] if words[-1].startswith("@") else ""
        name = words[0].rstrip("*+")
        target = words[2] if len(words) > 2 else ""
        found.append(Field(name, words[1], target, words[0][len(name) :], version))
    return tuple(found)


def _kind(name: str, plural: str, service: str, fields: str) -> Kind:
    return Kind(name, plural, service, _fields(fields))


_RESULT_FLAGS = (
    "inProgress flag @1.2; incomplete flag @1.2; late flag @1.2; missing flag @1.2;learningObjectiveSet json @1.2"
)

# Sources: R12, G12, S12 (the official 1.2 OpenAPI documents) and the 1.1 OpenAPI document.
_ALL: Sequence[Kind] = (
    _kind("org", "orgs", "rostering",
          "name* text; type* word; identifier* text; parent ref orgs; children kids orgs"),
    _kind("academicSession", "academicSessions", "rostering",
          "title* text; type* word; startDate* date; endDate* date; parent ref academicSessions;"
          "children kids academicSessions; schoolYear* text"),
    _kind("course", "courses", "rostering",
          "title* text; schoolYear ref academicSessions; courseCode* text; grades list; subjects list;"
          "subjectCodes list; org ref orgs; resources refs resources"),
    _kind("class", "classes", "rostering",
          "title* text; classCode text; classType word; location text; grades list; subjects list;"
          "subjectCodes list; course+ ref courses; school* ref orgs; terms+ refs academicSessions;"
          "periods list; resources refs resources"),
    _kind("user", "users", "rostering",
          "username* text; userIds ids; enabledUser* flag; givenName* text; familyName* text;"
          "middleName text; roles* roles; identifier text; email text; sms text; phone text;"
          "agents refs users; grades list; password text; userMasterIdentifier text @1.2;"
          "preferredFirstName text @1.2; preferredMiddleName text @1.2; preferredLastName text @1.2;"
          "pronouns text @1.2; primaryOrg ref orgs @1.2; userProfiles profiles @1.2;"
          "resources refs resources @1.2"),
    _kind("enrollment", "enrollments", "rostering",
          "user* ref users; class* ref classes; school* ref orgs; role* word; primary flag;"
          "beginDate date; endDate date"),
    _kind("demographics", "demographics", "rostering",
          "birthDate date; sex word; americanIndianOrAlaskaNative flag; asian flag;"
          "blackOrAfricanAmerican flag; nativeHawaiianOrOtherPacificIslander flag; white flag;"
          "demographicRaceTwoOrMoreRaces flag; hispanicOrLatinoEthnicity flag; countryOfBirthCode text;"
          "stateOfBirthAbbreviation text; cityOfBirth text; publicSchoolResidenceStatus text"),
    _kind("resource", "resources", "resources",
          "vendorResourceId* text; title text; roles list; importance word; vendorId text;"
          "applicationId text"),
    _kind("category", "categories", "gradebook", "title* text; weight number @1.2"),
    _kind("lineItem", "lineItems", "gradebook",
          "title* text; description text; assignDate* stamp; dueDate+ stamp; class* ref classes;"
          "school+ ref orgs @1.2; category* ref categories; gradingPeriod ref academicSessions;"
          "academicSession ref academicSessions @1.2; scoreScale ref scoreScales @1.2;"
          "resultValueMin number; resultValueMax number; learningObjectiveSet json @1.2"),
    _kind("result", "results", "gradebook",
          "lineItem* ref lineItems; student* ref users; class ref classes @1.2;"
          "scoreScale ref scoreScales @1.2; scoreStatus* word; score number; textScore text @1.2;"
          "scoreDate* date; comment text;" + _RESULT_FLAGS),
    _kind("scoreScale", "scoreScales", "gradebook",
          "title* text; type* text; course ref courses; class* ref classes; scoreScaleValue* pairs"),
    _kind("assessmentLineItem", "assessmentLineItems", "gradebook",
          "title* text; description text; class ref classes;"
          "parentAssessmentLineItem ref assessmentLineItems; scoreScale ref scoreScales;"
          "resultValueMin number; resultValueMax number; learningObjectiveSet json"),
    _kind("assessmentResult", "assessmentResults", "gradebook",
          "assessmentLineItem* ref assessmentLineItems; student* ref users; score number; textScore text;"
          "scoreDate* date; scoreScale ref scoreScales; scorePercentile number; scoreStatus* word;"
          "comment text;" + _RESULT_FLAGS),
)  # fmt: skip

KINDS: dict[str, Kind] = {kind.plural: kind for kind in _ALL}

BASES: dict[str, dict[str, str]] = {
    "1.1": dict.fromkeys(("rostering", "gradebook", "resources"), "/ims/oneroster/v1p1"),
    "1.2": {name: f"/ims/oneroster/{name}/v1p2" for name in ("rostering", "gradebook", "resources")},
}

SCORE_STATUSES = ("exempt", "fully graded", "not submitted", "partially graded", "submitted")
ADMINISTRATORS = frozenset({"districtAdministrator", "siteAdministrator", "systemAdministrator", "principal"})
