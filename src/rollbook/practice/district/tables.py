"""File names, headers and manifest of OneRoster CSV 1.1 and 1.2. Data only, it never opens a file.

Header order: OneRoster 1.1 CSV tables and OneRoster CSV Binding 1.2.1.
"""

from __future__ import annotations

VERSIONS = ("1.1", "1.2")

_START = ("sourcedId", "status", "dateLastModified")
_BOTH = {
    "academicSessions": "title type startDate endDate parentSourcedId schoolYear",
    "orgs": "name type identifier parentSourcedId metadata.city metadata.principalPhone",
    "courses": "schoolYearSourcedId title courseCode grades orgSourcedId subjects subjectCodes",
    "classes": "title grades courseSourcedId classCode classType location schoolSourcedId termSourcedIds"
    " subjects subjectCodes periods",
    "enrollments": "classSourcedId schoolSourcedId userSourcedId role primary beginDate endDate",
}
_ONLY_1_1 = {
    "users": "enabledUser orgSourcedIds role username userIds givenName familyName middleName identifier"
    " email sms phone agentSourcedIds grades password metadata.homeLanguage metadata.graduationYear",
}
_ONLY_1_2 = {
    "users": "enabledUser username userIds givenName familyName middleName identifier email sms phone"
    " agentSourcedIds grades password userMasterIdentifier preferredGivenName preferredMiddleName"
    " preferredFamilyName primaryOrgSourcedId pronouns metadata.homeLanguage metadata.graduationYear",
    "roles": "userSourcedId roleType role beginDate endDate orgSourcedId userProfileSourcedId",
}
_NAMES_1_1 = (
    "academicSessions categories classes classResources courses courseResources demographics enrollments"
    " lineItems orgs resources results users"
)
_NAMES_1_2 = (
    "lineItemLearningObjectiveIds lineItemScoreScales resultLearningObjectiveIds resultScoreScales roles"
    " scoreScales userProfiles userResources"
)


def headers(version: str) -> dict[str, tuple[str, ...]]:
    """File name without suffix → its columns in order, for each file the generator writes."""
    own = _ONLY_1_1 if version == "1.1" else _ONLY_1_2
    return {name: (*_START, *columns.split()) for name, columns in {**_BOTH, **own}.items()}


def manifest_names(version: str) -> list[str]:
    """All `file.*` names that a manifest of this version has to list."""
    return sorted((_NAMES_1_1 if version == "1.1" else f"{_NAMES_1_1} {_NAMES_1_2}").split())


def manifest(version: str, modes: dict[str, str]) -> str:
    """Text of manifest.csv; `modes` maps a file name to `bulk` or `delta`, the others are `absent`."""
    lines = ["propertyName,value", "manifest.version,1.0", f"oneroster.version,{version}"]
    lines += [f"file.{name},{modes.get(name, 'absent')}" for name in manifest_names(version)]
    lines += ["source.systemName,Practice SIS", "source.systemCode,practice"]
    return "\n".join(lines) + "\n"


def quote(text: str) -> str:
    """One CSV field: quoted only if it has to be (RFC 4180)."""
    if "," in text or '"' in text:
        return '"' + text.replace('"', '""') + '"'
    return text
