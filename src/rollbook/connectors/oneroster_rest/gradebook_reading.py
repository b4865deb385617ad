"""What a SIS says of one class: categories, sessions, students, line items, results. Whole or not at all."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from rollbook.connectors.base import ReadRequest, Row
from rollbook.connectors.gradebook import is_over
from rollbook.connectors.kit import BadStatus
from rollbook.connectors.oneroster_rest import translate
from rollbook.connectors.oneroster_rest.client import Api, Fetched, Next, Place
from rollbook.connectors.oneroster_rest.gradebook_setup import GradeSetup
from rollbook.connectors.oneroster_rest.gradebook_tables import WIRES, deleted, from_wire, number
from rollbook.connectors.oneroster_rest.ids import records_of
from rollbook.connectors.oneroster_rest.options import Setup
from rollbook.connectors.oneroster_rest.reading import OneRosterReading, Pages
from rollbook.connectors.oneroster_rest.translate import text
from rollbook.errors import BadResponse
from rollbook.roster.changes import LiveRecord
from rollbook.roster.grades import ClassFacts, Session, SisCategory

_SESSION_TYPES: Final = {word.lower(): word for word in ("gradingPeriod", "term", "semester", "schoolYear")}
#: Answers that mean that a list is not offered, or not to this key.
_NOT_OFFERED: Final = (403, 404)


class ClassReader:
    """Reads the gradebook; keeps the academic sessions once they are read, as all classes share them."""

    def __init__(self, api: Api, setup: GradeSetup) -> None:
        self._api, self._setup = api, setup
        self._version = setup.setup.version
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] | None = None

    def categories(self, class_id: str) -> list[SisCategory]:
        """1.2 lists them per class; in 1.1 `metadata.classId` may say which class one is for (Canvas notes)."""
        everywhere = Place(path=f"{self._setup.base_url}/categories", key="categories", name="categories")
        own = self._list("categories", class_id, "categories of a class", missing=(404,))
        try:
            records = list(self._all(own if self._version.class_categories else everywhere))
        except BadStatus as error:
            if error.status != 404 or not self._version.class_categories:
                raise
            records = list(self._all(everywhere))
        found = (_category(one) for one in records if not deleted(one))
        return [one for one in found if one is not None and one.class_id in (None, class_id)]

    def records(self, kind: str, class_id: str) -> Iterator[LiveRecord]:
        """Line items or results of a class. A SIS that does not really narrow its lists is narrowed here."""
        wire = WIRES[kind]
        for record in self._all(self._list(wire.plural, class_id, f"{wire.plural} of a class")):
            own, fields = text(record.get("sourcedId")), from_wire(kind, record, version=self._version.name)
            if own is not None and not deleted(record) and fields.get("class", class_id) == class_id:
                yield LiveRecord(kind=kind, lms_id=own, code=own, fields=fields)

    def record(self, kind: str, own: str) -> LiveRecord | None:
        """One object, None where it is not there (any more)."""
        wire = WIRES[kind]
        found = self._api.find(self._setup.address(wire.plural, own), wire.single, f"one of the {wire.plural}")
        if found is None or deleted(found):
            return None
        fields = from_wire(kind, found, version=self._version.name)
        return LiveRecord(kind=kind, lms_id=own, code=own, fields=fields)

    def class_facts(self, class_id: str) -> ClassFacts:
        """Raises BadResponse where the SIS knows no such class."""
        raw = self._api.find(self._setup.address("classes", class_id), "class", "a class")
        if raw is None or deleted(raw):
            raise BadResponse("the SIS knows no such class (any more); sync Sections first")
        terms = (translate.items(raw.get("terms") or raw.get("term")) or "").split(",")
        sessions, school = self._below([term for term in terms if term]), text(raw.get("school"))
        last = max((each.end for each in sessions), default="")
        students = self._students(class_id, school, last)
        return ClassFacts(id=class_id, school=school, sessions=sessions, students=students)

    def _below(self, terms: list[str]) -> tuple[Session, ...]:
        """These sessions and all below them: the grading periods of a term, of a semester, of a whole year."""
        known, found = self._all_sessions(), dict.fromkeys(terms)
        while more := [each.id for each in known.values() if each.parent in found and each.id not in found]:
            found.update(dict.fromkeys(more))
        return tuple(known[own] for own in found if own in known)

    def _all_sessions(self) -> dict[str, Session]:
        with self._lock:
            if self._sessions is None:
                rows = self._rows(self._api, "academicSessions")
                self._sessions = {own: _session(own, row) for row in rows if (own := row["sourcedId"])}
            return self._sessions

    def _students(self, class_id: str, school: str | None, last: str) -> frozenset[str] | None:
        """Out of the enrollments, which say what they are about; else the list of students, which some SISs do not
        narrow to the class. None where neither is offered."""
        found: set[str] | None = None
        if school is not None:
            path = self._setup.address("schools", school, "classes", class_id, "enrollments")
            place = Place(path=path, key="enrollments", name="enrollments of a class", missing=_NOT_OFFERED)
            rows = self._offered(place)
            found = None if rows is None else {own for row in rows if (own := _enrolled(row, class_id, last))}
        if not found:  # nothing but ids is needed of people
            place = self._list("students", class_id, "students of a class", missing=_NOT_OFFERED)
            place = replace(place, key="users", fields=("sourcedId", "status"))
            rows = self._offered(place)
            found = found if rows is None else {own for row in rows if (own := row["sourcedId"]) and _live(row)}
        return None if found is None else frozenset(found)

    def _list(self, name: str, class_id: str, words: str, *, missing: tuple[int, ...] = ()) -> Place:
        return Place(path=self._setup.address("classes", class_id, name), key=name, name=words, missing=missing)

    def _offered(self, place: Place) -> list[Row] | None:
        """The rows of a list of rosters, None where it is not offered."""
        try:
            return list(self._rows(_OneList(self._api, place), place.key))
        except BadStatus as error:
            if error.status not in place.missing:
                raise
            return None

    def _rows(self, pages: Pages, collection: str) -> Iterator[Row]:
        for body in _bodies(pages, collection):
            yield from (row for _, row in translate.rows(collection, body, nested_roles=False))

    def _all(self, place: Place) -> Iterator[Mapping[str, Any]]:
        for body in _bodies(_OneList(self._api, place), place.key):
            yield from (one for one in records_of(place.key, body) if isinstance(one, dict))


class _OneList:
    """One list, as a reading asks for it."""

    def __init__(self, api: Api, place: Place) -> None:
        self._api, self._place = api, place

    @property
    def setup(self) -> Setup:
        return self._api.setup

    def page(
        self, collection: str, offset: int, *, limit: int = 0, since: datetime | None = None, link: Next | None = None
    ) -> Fetched:
        return self._api.page_of(self._place, offset, limit=limit, since=since, link=link)


def _bodies(pages: Pages, collection: str) -> Iterator[bytes]:
    """All pages of a list. Raises BadResponse at its end where it was not the whole."""
    reading = OneRosterReading(pages, ReadRequest(collection=collection), None)
    for page in reading:
        yield page.body or b""
    if not reading.verdict.complete:
        raise BadResponse(f"{reading.verdict.reason}; nothing is concluded from a part")


def _category(record: Mapping[str, Any]) -> SisCategory | None:
    own, metadata = text(record.get("sourcedId")), record.get("metadata")
    if own is None:
        return None
    class_id = text(metadata.get("classId")) if isinstance(metadata, Mapping) else None
    weight = number(record.get("weight"))
    return SisCategory(id=own, title=text(record.get("title")) or "", class_id=class_id, weight=weight)


def _session(own: str, row: Row) -> Session:
    kind = row["type"] or ""
    return Session(
        id=own, title=row["title"] or "", type=_SESSION_TYPES.get(kind.lower(), kind), start=row["startDate"] or "",
        end=row["endDate"] or "", parent=row["parentSourcedId"],
    )  # fmt: skip


def _live(row: Row) -> bool:
    return (row["status"] or "").lower() not in {"tobedeleted", "inactive"}


def _enrolled(row: Row, class_id: str, last: str) -> str | None:
    """The student of an enrollment in the class, None for other people. One that ended before the class did is over;
    when the class is over, its students still have grades."""
    over = is_over(row["endDate"] or "", last, datetime.now(UTC).date().isoformat())
    student = (row["role"] or "").lower() == "student" and row["classSourcedId"] in (None, class_id)
    return row["userSourcedId"] if student and _live(row) and not over else None
