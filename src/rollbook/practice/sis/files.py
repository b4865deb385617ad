"""Reads a folder of OneRoster CSV (1.0, 1.1 or 1.2) into rows; never checks or repairs the content."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rollbook.practice.sis.model import KINDS, Field, Kind, Role, Row

_PAIR = re.compile(r"\{([^:{}]*):([^{}]*)\}")
_HEADERS = {"preferredFirstName": "preferredGivenName", "preferredLastName": "preferredFamilyName"}
# Column names of OneRoster 1.0 for what 1.1 calls otherwise.
_OLD = {
    "grades": "grade", "termSourcedIds": "termSourcedId", "userIds": "userId", "agentSourcedIds": "agents",
    "schoolYearSourcedId": "schoolYearId", "birthDate": "birthdate", "sourcedId": "userSourcedId",
}  # fmt: skip


@dataclass
class Package:
    """Rows by kind (plural) and sourcedId; `modes` (bulk or delta) has an entry for each file found."""

    rows: dict[str, dict[str, Row]] = field(default_factory=dict)
    modes: dict[str, str] = field(default_factory=dict)


def lines(directory: Path, name: str) -> Iterator[dict[str, str]]:
    """The rows of one file as dictionaries; nothing when the file is not there."""
    path = directory / f"{name}.csv"
    if not path.exists():
        return
    with path.open(encoding="utf-8-sig", newline="") as handle:
        yield from (row for row in csv.DictReader(handle, restval="") if any(row.values()))


def read_package(directory: Path) -> Package:
    """Read all files of a folder. Raises FileNotFoundError when it holds no OneRoster file."""
    if not any((directory / f"{kind}.csv").exists() for kind in KINDS):
        raise FileNotFoundError(f"no OneRoster CSV files in {directory}")
    manifest = {line["propertyName"]: line["value"] for line in lines(directory, "manifest")}
    links = _Links(directory)
    package = Package()
    for name, kind in KINDS.items():
        if (directory / f"{name}.csv").exists():
            package.modes[name] = "delta" if manifest.get(f"file.{name}") == "delta" else "bulk"
            package.rows[name] = {row[0]: row for row in _rows(directory / f"{name}.csv", kind, links)}
    return package


class _Links:
    """What the side files add to rows: roles, profiles, resources, score scales, learning objectives."""

    def __init__(self, directory: Path) -> None:
        self.org_types = {line["sourcedId"]: line["type"] for line in lines(directory, "orgs")}
        sessions = lines(directory, "academicSessions")
        self.session_types = {line["sourcedId"]: line["type"] for line in sessions}
        self.class_schools = {x["sourcedId"]: x["schoolSourcedId"] for x in lines(directory, "classes")}
        self.item_classes = {x["sourcedId"]: x["classSourcedId"] for x in lines(directory, "lineItems")}
        self.roles = _grouped(directory, "roles", "userSourcedId", _role)
        self.profiles = _grouped(directory, "userProfiles", "userSourcedId", _profile)
        self.more: dict[str, dict[str, dict[str, Any]]] = {
            "classes": self._resources(directory, "class"),
            "courses": self._resources(directory, "course"),
            "users": self._resources(directory, "user"),
            "lineItems": _scored(directory, "lineItem", _objective_sets),
            "results": _scored(directory, "result", _objective_results),
        }

    @staticmethod
    def _resources(directory: Path, owner: str) -> dict[str, dict[str, Any]]:
        key = f"{owner}SourcedId"
        found = _grouped(directory, f"{owner}Resources", key, lambda line: line["resourceSourcedId"])
        return {name: {"resources": ids} for name, ids in found.items()}


def _grouped(directory: Path, name: str, key: str, make: Callable[[dict[str, str]], Any]) -> dict[str, Any]:
    found: dict[str, list[Any]] = defaultdict(list)
    for line in lines(directory, name):
        if line.get("status") != "tobedeleted":
            found[line[key]].append(make(line))
    return {owner: tuple(values) for owner, values in found.items()}


def _role(line: dict[str, str]) -> Role:
    return Role(
        line["roleType"] or "primary", line["role"], line["orgSourcedId"],
        line.get("userProfileSourcedId") or None, line.get("beginDate") or None, line.get("endDate") or None,
    )  # fmt: skip


def _profile(line: dict[str, str]) -> dict[str, Any]:
    profile: dict[str, Any] = {"profileId": f"urn:profile:{line['sourcedId']}"}
    names = ("profileType", "vendorId", "applicationId", "description")
    profile.update({name: line[name] for name in names if line.get(name)})
    if line.get("credentialType") and line.get("username"):
        profile["credentials"] = [{"type": line["credentialType"], "username": line["username"]}]
    return profile


def _scored(
    directory: Path, owner: str, objectives: Callable[[tuple[dict[str, str], ...]], list[Any]]
) -> dict[str, dict[str, Any]]:
    key = f"{owner}SourcedId"
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for line in lines(directory, f"{owner}ScoreScales"):
        found[line[key]]["scoreScale"] = line["scoreScaleSourcedId"]
    for name, given in _grouped(directory, f"{owner}LearningObjectiveIds", key, dict).items():
        found[name]["learningObjectiveSet"] = objectives(given)
    return found


def _objective_sets(given: tuple[dict[str, str], ...]) -> list[Any]:
    sets: dict[str, list[str]] = defaultdict(list)
    for line in given:
        sets[line["source"]].append(line["learningObjectiveId"])
    return [{"source": source, "learningObjectiveIds": ids} for source, ids in sets.items()]


def _objective_results(given: tuple[dict[str, str], ...]) -> list[Any]:
    sets: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in given:
        entry: dict[str, Any] = {"learningObjectiveId": line["learningObjectiveId"]}
        if line.get("score"):
            entry["score"] = float(line["score"])
        if line.get("textScore"):
            entry["textScore"] = line["textScore"]
        sets[line["source"]].append(entry)
    return [{"source": source, "learningObjectiveResults": found} for source, found in sets.items()]


def header_of(one: Field) -> str:
    """The CSV column of a field: references end in SourcedId (CSV binding 1.2, tables of headers)."""
    if one.form == "ref":
        return f"{one.name}SourcedId"
    if one.form == "refs":
        return f"{one.name[:-1]}SourcedIds"
    return _HEADERS.get(one.name, one.name)


def _rows(path: Path, kind: Kind, links: _Links) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.reader(handle)
        header = [name.strip() for name in next(reader, [])]
        where = {name: i for i, name in enumerate(header)}
        plan = [(_CELLS[one.form], _column(where, header_of(one))) for one in kind.stored]
        own, status = _column(where, "sourcedId"), _column(where, "status")
        extras = [(name[9:], i) for name, i in where.items() if name.startswith("metadata.")]
        shared: dict[str, str] = {}
        for line in reader:
            if not line:
                continue
            line += [""] * (len(header) + 1 - len(line))  # position -1 is always blank
            metadata = {name: line[i] for name, i in extras if line[i]} or None
            state = "tobedeleted" if line[status] in ("tobedeleted", "inactive") else "active"
            cells = [make(shared.setdefault(line[i], line[i])) for make, i in plan]
            _complete(kind, line[own], cells, line, where=where, links=links)
            yield (line[own], state, "", metadata, *cells)


def _column(where: dict[str, int], name: str) -> int:
    return where.get(name, where.get(_OLD.get(name, ""), -1))


def _complete(kind: Kind, own: str, cells: list[Any], line: list[str], *, where: dict[str, int], links: _Links) -> None:
    """Put into the cells what other columns or files hold."""

    def put(name: str, value: Any) -> None:
        cells[kind.at[name] - 4] = value

    def cell(name: str) -> Any:
        return cells[kind.at[name] - 4]

    for name, value in links.more.get(kind.plural, {}).get(own, {}).items():
        put(name, value)
    if kind.plural == "users":
        put("roles", links.roles.get(own) or _roles_of_1_1(line, where, links.org_types))
        put("userProfiles", links.profiles.get(own))
    elif kind.plural == "academicSessions":
        put("schoolYear", cell("schoolYear") or (cell("endDate") or "")[:4])
    elif kind.plural == "demographics":
        put("sex", (cell("sex") or "").lower() or None)
    elif kind.plural == "lineItems":
        session = cell("academicSession") or cell("gradingPeriod")
        put("academicSession", session)
        put("gradingPeriod", session if links.session_types.get(session) == "gradingPeriod" else None)
        put("school", cell("school") or links.class_schools.get(cell("class")))
    elif kind.plural == "results":
        put("class", cell("class") or links.item_classes.get(cell("lineItem")))


def _roles_of_1_1(line: list[str], where: dict[str, int], org_types: dict[str, str]) -> tuple[Role, ...]:
    """1.1 has one role and many orgs; an administrator's 1.2 role depends on the kind of org."""
    role = line[where.get("role", -1)]
    found = []
    for org in _cell_list(line[where.get("orgSourcedIds", -1)]) or ():
        at_school = org_types.get(org) == "school"
        administrator = "siteAdministrator" if at_school else "districtAdministrator"
        found.append(Role("primary", administrator if role == "administrator" else role, org))
    return tuple(found)


def _cell_text(value: str) -> str | None:
    return value or None


def _cell_list(value: str) -> tuple[str, ...] | None:
    return tuple(part.strip() for part in value.split(",") if part.strip()) or None


def _cell_flag(value: str) -> bool | None:
    return value.strip().lower() == "true" if value else None


def _cell_number(value: str) -> float | None:
    return float(value) if value else None


def _cell_stamp(value: str) -> str | None:
    return f"{value}T00:00:00.000Z" if len(value) == 10 else value or None


def _cell_pairs(value: str) -> tuple[tuple[str, str], ...] | None:
    return tuple(_PAIR.findall(value)) or ((("", value),) if value else None)


def _cell_none(value: str) -> None:
    return None


_CELLS: dict[str, Callable[[str], Any]] = {
    "text": _cell_text, "word": _cell_text, "date": _cell_text, "stamp": _cell_stamp, "flag": _cell_flag,
    "number": _cell_number, "list": _cell_list, "ref": _cell_text, "refs": _cell_list, "ids": _cell_pairs,
    "pairs": _cell_pairs, "roles": _cell_none, "profiles": _cell_none, "json": _cell_none,
}  # fmt: skip
