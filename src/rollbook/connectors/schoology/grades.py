"""Schoology's gradebooks: reads one section's at a time, whole or not at all. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, TypeVar
from urllib.parse import quote

from rollbook.connectors.base import Context, Report
from rollbook.connectors.schoology import gradebook as words
from rollbook.connectors.schoology.client import SchoologyClient
from rollbook.connectors.schoology.codes import by_codes
from rollbook.connectors.schoology.lenient import Json, ident, items, mapping, optional
from rollbook.connectors.schoology.options import SchoologyOptions
from rollbook.connectors.schoology.sweep import Listing
from rollbook.errors import BadResponse
from rollbook.roster.grades import Gradebook, Member

T = TypeVar("T")

#: `limit` holds for ordinary items and for final ones, each (Assignments).
_ITEMS: Final = Listing(path=("assignment",), lane="is_final")
_GRADES: Final = Listing(path=("grades", "grade"), name=words.grade_name, silent=True)
#: Archived members too: without this they are left out.
_ALL_STATUSES: Final = {"enrollment_status": "1,2,3,4,5"}
#: So many courses are looked at for a section whose grades the test can read.
_TRIED: Final = 5


class SchoologyGrades:
    """The gradebooks of one organization. Several threads may call it; they share one rate limiter."""

    def __init__(self, options: SchoologyOptions, context: Context) -> None:
        """Raises ConfigError for an address that must not be called; calls nothing yet."""
        self._client = SchoologyClient(options, context)

    def __repr__(self) -> str:
        return "SchoologyGrades()"

    def close(self) -> None:
        self._client.close()

    def test(self) -> Report:
        """Reads the grades of some section: a key that may do that belongs to an administrator."""
        self._client.ask("users/me", "the key's own account").json()
        section = self._any_section()
        if section is None:
            return Report(ok=True, summary="Connected to Schoology; it has no section yet.", facts={"section": "none"})
        answer = self._client.ask(f"sections/{section}/grades", "grades", query={"limit": "1"})
        if items(answer.json(), *_GRADES.path) is None:
            raise answer.bad("no list 'grade'")
        return Report(ok=True, summary="Connected to Schoology: grades can be read.", facts={"section": section})

    def gradebook(self, code: str, lms_id: str | None) -> Gradebook:
        """Grades are read first: what they are about, and who has them, is then sure to be there. What has gone from
        the section meanwhile is left out with its grades."""
        section = self._section(code, lms_id)
        grades = self._all(section, "grades", _GRADES, words.grade)
        found = self._all(section, "grade_items", _ITEMS, words.item)
        members = self._members(section)
        known, people = {each.id for each in found}, {each.id for each in members}
        return Gradebook(
            section=section,
            categories=self._all(section, "grading_categories", Listing(path=("grading_category",)), words.category),
            items=found,
            scales=self._all(section, "grading_scales", Listing(path=("grading_scale",)), words.scale),
            members=members,
            grades=tuple(each for each in grades if each.item in known and each.member in people),
        )

    def course_admins(self, code: str, lms_id: str | None) -> frozenset[str]:
        members = self._members(self._section(code, lms_id))
        return frozenset(each.unique_id for each in members if each.admin and each.active and each.unique_id)

    def sections_of(self, unique_id: str, lms_id: str | None) -> frozenset[str]:
        """The list says nothing about roles: its `admin` is that of whoever asks (Courses)."""
        user = ident(lms_id) or self._user(unique_id)
        if user is None:
            return frozenset()
        path, query = f"users/{quote(user, safe='')}/sections", {"include_past": "1"}
        rows = self._client.whole(path, "section", "a person's sections", query=query, may_be_gone=True)
        return frozenset(code for raw in rows if (code := optional(raw.get("section_school_code"))))

    def _user(self, unique_id: str) -> str | None:
        raw = self._client.find(f"users/ext/{quote(unique_id, safe='')}", "a person") if unique_id.strip() else None
        return ident(raw.get("id")) if raw is not None else None

    def _members(self, section: str) -> tuple[Member, ...]:
        return self._all(section, "enrollments", Listing(path=("enrollment",)), words.member, query=_ALL_STATUSES)

    def _all(
        self,
        section: str,
        path: str,
        listing: Listing,
        read: Callable[[Json], T | None],
        *,
        query: dict[str, str] | None = None,
    ) -> tuple[T, ...]:
        """Everything in one of a section's lists. Raises BadResponse for a part of it."""
        what = path.replace("_", " ")
        rows = self._client.whole(f"sections/{quote(section, safe='')}/{path}", listing, what, query=query)
        return tuple(found for row in rows if (found := read(row)) is not None)

    def _section(self, code: str, lms_id: str | None) -> str:
        """The LMS id of the section with this code; one that is known counts as long as it has this code. Raises
        BadResponse where there is none."""
        own = ident(lms_id)
        if own is not None:
            raw = self._client.find(f"sections/{quote(own, safe='')}", "a section")
            if raw is not None and optional(raw.get("section_school_code")) == code:
                return own
        for raw in by_codes(self._client, "sections", "section", "section_school_codes", [code]):
            found = ident(raw.get("id"))
            if found is not None and optional(raw.get("section_school_code")) == code:
                return found
        raise BadResponse("Schoology has no section of this code (any more); sync Sections first")

    def _any_section(self) -> str | None:
        return next(self._some_sections(), None)

    def _some_sections(self) -> Iterator[str]:
        for course in self._some("courses", "course"):
            yield from self._some(f"courses/{course}/sections", "section")

    def _some(self, path: str, key: str) -> list[str]:
        """LMS ids of the first objects of a list."""
        query = {"limit": str(_TRIED), "include_past": "1"}
        answer = self._client.ask(path, f"some {key}s", query=query)
        found = items(answer.json(), key)
        if found is None:
            raise answer.bad(f"no list {key!r}")
        return [own for each in found if (own := ident(mapping(each).get("id")))]
