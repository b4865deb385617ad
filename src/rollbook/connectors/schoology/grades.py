"""Schoology's gradebooks: reads one section's at a time, whole or not at all. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Final, NamedTuple, TypeVar
from urllib.parse import quote

from rollbook.connectors.base import TEACHERS, Context, Report
from rollbook.connectors.gradebook import UserToken, UserTokens
from rollbook.connectors.kit import Denied
from rollbook.connectors.schoology import gradebook as words
from rollbook.connectors.schoology.client import SchoologyClient
from rollbook.connectors.schoology.codes import by_codes
from rollbook.connectors.schoology.lenient import Json, ident, items, mapping, optional
from rollbook.connectors.schoology.options import SchoologyOptions
from rollbook.connectors.schoology.sweep import Listing
from rollbook.errors import BadResponse, NotAllowed
from rollbook.roster.grades import Grade, Gradebook, GradedItem, GradingCategory, GradingScale, Member
from rollbook.roster.reasons import because

T = TypeVar("T")

#: `limit` holds for ordinary items and for final ones, each (Assignments).
_ITEMS: Final = Listing(path=("assignment",), lane="is_final")
_GRADES: Final = Listing(path=("grades", "grade"), name=words.grade_name, silent=True)
_CATEGORIES: Final = Listing(path=("grading_category",))
_SCALES: Final = Listing(path=("grading_scale",))
_MEMBERS: Final = Listing(path=("enrollment",))
#: Archived members too: without this they are left out.
_ALL_STATUSES: Final = {"enrollment_status": "1,2,3,4,5"}
#: So many courses are looked at for a section whose grades the test can read.
_TRIED: Final = 5


class _Nobody:
    """No permissions at all."""

    def of(self, accounts: Collection[str]) -> Sequence[UserToken]:
        return ()

    def refused(self, token: UserToken) -> None:
        return None


class _Graded(NamedTuple):
    """What is read of a gradebook with the rights of whoever may read it; not who its members are."""

    grades: tuple[Grade, ...]
    items: tuple[GradedItem, ...]
    categories: tuple[GradingCategory, ...]
    scales: tuple[GradingScale, ...]


class SchoologyGrades:
    """The gradebooks of one organization. Several threads may call it; they share one rate limiter."""

    def __init__(self, options: SchoologyOptions, context: Context) -> None:
        """Raises ConfigError for an address that must not be called; calls nothing yet."""
        self._client = SchoologyClient(options, context)
        self._by_permission = options.grades_as == TEACHERS
        self._tokens: UserTokens = context.tokens or _Nobody()

    def __repr__(self) -> str:
        return "SchoologyGrades()"

    def close(self) -> None:
        self._client.close()

    def test(self) -> Report:
        """Reads the grades of some section: a key that may do that belongs to an administrator. Where teachers are
        asked, nothing is read without them: the section's members are."""
        self._client.ask("users/me", "the key's own account").json()
        section = self._any_section()
        if section is None:
            return Report(ok=True, summary="Connected to Schoology; it has no section yet.", facts={"section": "none"})
        if self._by_permission:
            self._members(section)
            summary = "Connected to Schoology: gradebooks are read by permission of their teachers."
            return Report(ok=True, summary=summary, facts={"section": section})
        answer = self._client.ask(f"sections/{section}/grades", "grades", query={"limit": "1"})
        if items(answer.json(), *_GRADES.path) is None:
            raise answer.bad("no list 'grade'")
        return Report(ok=True, summary="Connected to Schoology: grades can be read.", facts={"section": section})

    def gradebook(self, code: str, lms_id: str | None) -> Gradebook:
        """Grades are read first and members last: what grades are about, and who has them, is then sure to be there.
        What has gone from the section meanwhile is left out with its grades."""
        section = self._section(code, lms_id)
        read = self._with_permission(section) if self._by_permission else self._graded(section, self._client)
        members = self._members(section)
        known, people = {each.id for each in read.items}, {each.id for each in members}
        return Gradebook(
            section=section,
            categories=read.categories,
            items=read.items,
            scales=read.scales,
            members=members,
            grades=tuple(each for each in read.grades if each.item in known and each.member in people),
        )

    def course_admins(self, code: str, lms_id: str | None) -> list[Member]:
        return [each for each in self._members(self._section(code, lms_id)) if each.admin and each.active]

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

    def _with_permission(self, section: str) -> _Graded:
        """With the first permission of a course admin that works; who is one, our own key reads. Raises NotAllowed,
        and AuthFailed where not the teacher is refused but the app."""
        admins = [each.user for each in self._members(section) if each.admin and each.active]
        if not admins:
            raise NotAllowed(because("no_course_admin"))
        reason = "not_allowed"
        for token in self._tokens.of(admins):
            try:
                return self._graded(section, self._client.acting_as(token))
            except Denied as error:
                reason = "may_not_read" if error.status == 403 else "allowed_no_more"
                if error.status == 401:
                    self._client.check_app()  # with a wrong secret of the app, everybody's would look refused
                    self._tokens.refused(token)
        raise NotAllowed(because(reason))

    def _graded(self, section: str, client: SchoologyClient) -> _Graded:
        return _Graded(
            grades=self._all(section, "grades", _GRADES, words.grade, client=client),
            items=self._all(section, "grade_items", _ITEMS, words.item, client=client),
            categories=self._all(section, "grading_categories", _CATEGORIES, words.category, client=client),
            scales=self._all(section, "grading_scales", _SCALES, words.scale, client=client),
        )

    def _members(self, section: str) -> tuple[Member, ...]:
        return self._all(section, "enrollments", _MEMBERS, words.member, query=_ALL_STATUSES)

    def _all(
        self,
        section: str,
        path: str,
        listing: Listing,
        read: Callable[[Json], T | None],
        *,
        query: dict[str, str] | None = None,
        client: SchoologyClient | None = None,
    ) -> tuple[T, ...]:
        """Everything in one of a section's lists. Raises BadResponse for a part of it."""
        what = path.replace("_", " ")
        asked = client or self._client
        rows = asked.whole(f"sections/{quote(section, safe='')}/{path}", listing, what, query=query)
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
