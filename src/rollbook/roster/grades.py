"""Words of grades. What an LMS's gradebook of one section holds (LMS words), and what goes to a SIS (OneRoster words).
Plain data; knows no particular LMS or SIS. Facts: OneRoster gradebook service, 1.1 and 1.2."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from rollbook.roster.lms import FLAG, KINDS, TEXT, Kind

NUMBER: Final = "DOUBLE"

# --- what the LMS holds -----------------------------------------------------------------------------------------------

#: What a teacher may have noted instead of, or beside, a score.
EXCUSED, INCOMPLETE, MISSING, LATE = "excused", "incomplete", "missing", "late"


class GradingCategory(msgspec.Struct, frozen=True, kw_only=True):
    """A grading category of a section; `weight` in percent where the LMS weighs."""

    id: str
    title: str
    weight: float | None = None


class ScaleLevel(msgspec.Struct, frozen=True, kw_only=True):
    """`letter` is given from this `cutoff` (percent, or points of a scale of points) upwards."""

    letter: str
    cutoff: float


class GradingScale(msgspec.Struct, frozen=True, kw_only=True):
    """`kind`: numeric (no levels), percent or points. Levels come from the highest cutoff down."""

    id: str
    title: str
    kind: str
    levels: tuple[ScaleLevel, ...] = ()


class GradedItem(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is graded. `due` is local time of the organization, "YYYY-MM-DD HH:MM:SS" or a date alone, None
    without one; `grading_period` is the LMS's id, None where the item lies in no period; `category` None: ungraded.
    `factor` multiplies its points in the LMS's averages. `final`: a midterm or final."""

    id: str
    title: str
    description: str = ""
    due: str | None = None
    points: float | None = None
    category: str | None = None
    grading_period: str | None = None
    scale: str | None = None
    published: bool = True
    counted: bool = True
    final: bool = False
    factor: float = 1.0


class Grade(msgspec.Struct, frozen=True, kw_only=True):
    """What one member got for one item. `score` None is no score, never zero. `exception` is EXCUSED, INCOMPLETE,
    MISSING or LATE, "" for none; `unknown_exception` is a code of the LMS that nobody has explained. `at` is when it
    last changed, in Unix seconds of the LMS's clock."""

    item: str
    member: str
    score: float | None = None
    exception: str = ""
    unknown_exception: str = ""
    comment: str = ""
    at: int | None = None

    def __repr__(self) -> str:  # personal data: never let it slip into a log line
        return f"Grade(item={self.item!r})"


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody in a section: the id of the membership, the LMS's id of the person, and the unique id, None for somebody
    who has none there."""

    id: str
    user: str
    unique_id: str | None
    admin: bool = False
    active: bool = True

    def __repr__(self) -> str:
        return f"Member(id={self.id!r}, admin={self.admin!r})"


class Gradebook(msgspec.Struct, frozen=True, kw_only=True):
    """The whole gradebook of one section, as read; a part is never passed off as the whole."""

    section: str
    categories: tuple[GradingCategory, ...] = ()
    items: tuple[GradedItem, ...] = ()
    scales: tuple[GradingScale, ...] = ()
    members: tuple[Member, ...] = ()
    grades: tuple[Grade, ...] = ()

    def __repr__(self) -> str:
        return f"Gradebook(section={self.section!r}, items={len(self.items)}, grades={len(self.grades)})"


# --- what the SIS says of a class -------------------------------------------------------------------------------------


class SisCategory(msgspec.Struct, frozen=True, kw_only=True):
    """A category of the SIS. `class_id` None: of all classes. `weight` as the SIS gives it, its scale is not stated."""

    id: str
    title: str
    class_id: str | None = None
    weight: float | None = None


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """An academic session that a class may be graded in; dates "YYYY-MM-DD", `end` as the SIS means it. `type` is
    OneRoster's: gradingPeriod, term, semester, schoolYear."""

    id: str
    title: str
    type: str
    start: str
    end: str
    parent: str | None = None


class ClassFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a SIS says of one class now: its school, its grading periods and terms, the sourcedIds of the students who
    are enrolled. `students` None: it cannot be asked."""

    id: str
    school: str | None
    sessions: tuple[Session, ...] = ()
    students: frozenset[str] | None = None

    def __repr__(self) -> str:
        return f"ClassFacts(id={self.id!r})"


class SinkLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What a SIS refuses, as far as it is known; checked before anything is sent. `title`: the most letters of a line
    item's title. `unique_titles`: within a class. `letters`: it takes textScore. `makes_categories`: it takes new ones.
    `deletes`: it takes DELETE. `above_maximum`: it takes scores above the maximum. `flags`: it knows late, missing,
    incomplete (1.2)."""

    title: int | None = None
    unique_titles: bool = False
    letters: bool = False
    flags: bool = False
    makes_categories: bool = False
    deletes: bool = True
    above_maximum: bool = True


# --- what is sent -----------------------------------------------------------------------------------------------------

#: OneRoster's words for what became of a result (spec: they have spaces).
EXEMPT, FULLY, PARTIALLY = "exempt", "fully graded", "partially graded"
SUBMITTED, NOT_SUBMITTED = "submitted", "not submitted"


def _kind(name: str, fields: dict[str, str], parents: dict[str, str]) -> Kind:
    return Kind(name, MappingProxyType(fields), MappingProxyType(parents), removable=True)


_KINDS = (
    # key: the sourcedId that we give it
    _kind("category", {"title": TEXT}, {}),
    # key: the sourcedId that we give it; the SIS's own, where it makes one, is the change's `lms_id`. Dates are UTC,
    # "YYYY-MM-DDTHH:MM:SS.000Z"; class, school, category, grading_period and academic_session are sourcedIds
    _kind(
        "line_item",
        {
            "title": TEXT,
            "description": TEXT,
            "assign_date": TEXT,
            "due_date": TEXT,
            "class": TEXT,
            "school": TEXT,
            "category": TEXT,
            "grading_period": TEXT,
            "academic_session": TEXT,
            "minimum": NUMBER,
            "maximum": NUMBER,
        },
        {"category": "category"},
    ),
    # key: the sourcedId that we give it; `line_item` is the line item's key, `student` a sourcedId; `status` is one of
    # OneRoster's words, `date` "YYYY-MM-DD"; late, missing, incomplete and text_score only reach a SIS that takes them
    _kind(
        "result",
        {
            "line_item": TEXT,
            "student": TEXT,
            "class": TEXT,
            "status": TEXT,
            "score": NUMBER,
            "text_score": TEXT,
            "date": TEXT,
            "comment": TEXT,
            "late": FLAG,
            "missing": FLAG,
            "incomplete": FLAG,
        },
        {"line_item": "line_item"},
    ),
)

#: By name, in the order in which they are sent: a line item before its results. Removals go the other way round.
GRADE_KINDS: Final[Mapping[str, Kind]] = MappingProxyType({kind.name: kind for kind in _KINDS})

#: Of both rivers.
ALL_KINDS: Final[Mapping[str, Kind]] = MappingProxyType({**KINDS, **GRADE_KINDS})
