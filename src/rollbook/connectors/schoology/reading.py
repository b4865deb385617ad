"""Reads the live organization, kind by kind. Never passes a part off as the whole: it raises instead."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar
from urllib.parse import quote

from rollbook.connectors.kit.side_by_side import side_by_side
from rollbook.connectors.schoology import live
from rollbook.connectors.schoology.client import SchoologyClient
from rollbook.connectors.schoology.codes import by_codes
from rollbook.connectors.schoology.lenient import Json, flag, ident, items, mapping, optional, text
from rollbook.connectors.schoology.live import Organization
from rollbook.connectors.schoology.options import SchoologyOptions
from rollbook.errors import BadResponse, Bug
from rollbook.roster.changes import LiveRecord

T = TypeVar("T")


class Reader:
    """What is in the LMS, and the few facts about the organization that reading and writing need (read
    once)."""

    def __init__(self, client: SchoologyClient, options: SchoologyOptions) -> None:
        self._client, self._options = client, options
        self._lock = threading.Lock()
        self._roles: dict[str, tuple[str, bool]] | None = None
        self._school: Json | None = None
        self._own_id: str | None = None
        self._section_codes: dict[str, str | None] = {}

    def roles(self) -> dict[str, tuple[str, bool]]:
        """Role titles with their id and whether they are staff (`faculty`). Roles cannot be written."""
        with self._lock:
            if self._roles is None:
                answer = self._client.ask("roles", "roles")
                body = answer.json()
                listed = items(body, "role")
                if listed is None:
                    raise answer.bad("no list 'role'")
                found: dict[str, tuple[str, bool]] = {}
                for each in [*listed, *(items(mapping(body).get("building_role"), "building_role") or [])]:
                    role = mapping(each)
                    if (own := ident(role.get("id"))) and (title := text(role.get("title"))):
                        found.setdefault(title, (own, flag(role.get("faculty"))))
                self._roles = found
            return self._roles

    def school(self) -> Json:
        """The organization itself: the first of `schools`. Buildings hang below it."""
        with self._lock:
            if self._school is None:
                answer = self._client.ask("schools", "schools")
                listed = items(answer.json(), "school")
                school = mapping(listed[0]) if listed else {}
                if ident(school.get("id")) is None:
                    raise answer.bad("no school")
                self._school = school
            return self._school

    def school_id(self) -> str:
        return text(self.school().get("id"))

    def own_id(self) -> str:
        """The LMS id of the account whose key is used."""
        with self._lock:
            if self._own_id is None:
                answer = self._client.ask("users/me", "the key's own account")
                me = mapping(answer.json())
                found = ident(me.get("id")) or ident(me.get("uid"))
                if found is None:
                    raise answer.bad("no id for the key's own account")
                self._own_id = found
            return self._own_id

    def organization(self) -> Organization:
        titles = {own: title for title, (own, _) in self.roles().items()}
        return Organization(titles, self.own_id(), frozenset(self._options.admin_roles))

    def read(self, kind: str, within: Sequence[str]) -> Iterator[LiveRecord]:
        """All objects of a kind. `within` narrows: enrollments to sections (LMS ids), users and sections to
        their external ids, 50 a call; deactivated accounts are only in the whole list."""
        readers: dict[str, Callable[[Sequence[str]], Iterator[LiveRecord | None]]] = {
            "building": self._buildings,
            "grading_period": self._grading_periods,
            "user": self._users,
            "guardian_link": self._guardian_links,
            "course": self._courses,
            "section": self._sections,
            "enrollment": self._enrollments,
        }
        if kind not in readers:
            raise Bug(f"the Schoology connector does not know objects of kind {kind!r}")
        for record in readers[kind](within):
            if record is not None:
                yield record

    def _buildings(self, _: Sequence[str] = ()) -> Iterator[LiveRecord | None]:
        path = f"schools/{self.school_id()}/buildings"
        return map(live.building, self._client.whole(path, "building", "buildings"))

    def _grading_periods(self, _: Sequence[str] = ()) -> Iterator[LiveRecord | None]:
        rows = self._client.whole("gradingperiods", "gradingperiods", "grading periods")
        return map(live.grading_period, rows)

    def _users(self, within: Sequence[str]) -> Iterator[LiveRecord | None]:
        organization = self.organization()
        if within:
            for raw in by_codes(self._client, "users", "user", "school_uids", within):
                yield live.user(raw, organization)
            return
        for raw in self._client.whole("users", "user", "users"):
            yield live.user(raw, organization)
        for raw in self._client.whole("users/inactive", "user", "deactivated users"):
            yield live.inactive_user(raw, organization)

    def _guardian_links(self, _: Sequence[str]) -> Iterator[LiveRecord | None]:
        codes: dict[str, str | None] = {}
        pairs: dict[tuple[str, str], None] = {}
        shown = False
        for raw in self._client.whole("users", "user", "users"):
            codes[ident(raw.get("id")) or text(raw.get("uid"))] = optional(raw.get("school_uid"))
            pairs.update(dict.fromkeys(live.link_ends(raw)))
            shown |= any(name in raw for name in live.LINK_FIELDS)
        if codes and not shown:
            raise BadResponse("Schoology does not show who is a parent of whom; its role may lack a permission")
        for pair in pairs:
            yield live.guardian_link(pair, codes)

    def _courses(self, _: Sequence[str] = ()) -> Iterator[LiveRecord | None]:
        return map(live.course, self._client.whole("courses", "course", "courses"))

    def _sections(self, within: Sequence[str]) -> Iterator[LiveRecord | None]:
        """Concluded sections included: they are what a first match would otherwise make a second time."""
        for raw in self._raw_sections(within):
            record = live.section(raw)
            if record is not None:
                self._section_codes[record.lms_id] = record.code
            yield record

    def _raw_sections(self, within: Sequence[str]) -> Iterator[Json]:
        if within:
            yield from by_codes(self._client, "sections", "section", "section_school_codes", within)
            return
        courses = (ident(raw.get("id")) for raw in self._client.whole("courses", "course", "courses"))
        known = (own for own in courses if own)
        for found in side_by_side(self._sections_of, known, at_once=self._options.parallel):
            yield from found

    def _sections_of(self, course_id: str) -> list[Json]:
        path, query = f"courses/{course_id}/sections", {"include_past": "1"}
        return list(self._client.whole(path, "section", "sections", query=query, may_be_gone=True))

    def _enrollments(self, within: Sequence[str]) -> Iterator[LiveRecord | None]:
        sections: Iterable[str] = within or (each.lms_id for each in self._sections(()) if each is not None)
        for found in side_by_side(self._enrollments_of, sections, at_once=self._options.parallel):
            yield from found

    def _enrollments_of(self, section_id: str) -> list[LiveRecord | None]:
        path = f"sections/{quote(section_id, safe='')}"
        if section_id not in self._section_codes:
            section = self._client.find(path, "a section")
            self._section_codes[section_id] = optional((section or {}).get("section_school_code"))
        code = self._section_codes[section_id]
        rows = self._client.whole(f"{path}/enrollments", "enrollment", "enrollments", may_be_gone=True)
        return [live.enrollment(raw, section_id, code) for raw in rows]
