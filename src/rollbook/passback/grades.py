"""A section's gradebook → the results that the SIS shall hold, and words for the grades that it cannot. Pure.

The table of states is that of OneRoster (spec 8.3). Null is never zero; a SIS that knows no flags gets words instead.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from rollbook.passback.categories import undecided
from rollbook.passback.dates import day_at, day_of
from rollbook.passback.grade_types import READY, Desired, Found, SectionRead
from rollbook.passback.items import Items, made_id
from rollbook.roster.changes import Fields
from rollbook.roster.grades import (
    EXCUSED,
    EXEMPT,
    FULLY,
    INCOMPLETE,
    LATE,
    MISSING,
    NOT_SUBMITTED,
    PARTIALLY,
    SUBMITTED,
    Grade,
    GradedItem,
    GradingScale,
    Member,
)

GRADE: Final = "grade"
_WORDS: Final = {MISSING: "Missing", LATE: "Late", INCOMPLETE: "Incomplete"}


def desired(read: SectionRead) -> Desired:
    """What the SIS shall hold of this section. The order of items, members and grades does not matter."""
    found = Desired()
    gaps = undecided(read.book, read.wish)
    Items(read, undecided=frozenset(each.id for each in gaps)).judge(found)
    if gaps:
        titles = ", ".join(each.title for each in gaps)
        found.findings.append(
            Found(code="CATEGORIES_UNDECIDED", collection="section", id=read.wish.code, detail=titles)
        )
        found.open = True
        found.line_items.clear()
        found.categories.clear()
        return found
    _Grades(read, found).judge()
    return found


def result_key(line_item: str, student: str) -> str:
    """The sourcedId that we give to a student's result; the line item's key names organization, class and item."""
    return made_id(line_item, "result", student)


@dataclass(frozen=True)
class _Place:
    """An item that is sent: itself, the key of its line item, its scale."""

    item: GradedItem
    key: str
    scale: GradingScale | None


class _Grades:
    """Judges the grades of one section."""

    def __init__(self, read: SectionRead, found: Desired) -> None:
        self.read, self.found = read, found
        scales = {each.id: each for each in read.book.scales}
        items = {each.id: each for each in read.book.items}
        ready = [note for note in found.notes if note.state == READY and note.key in found.line_items]
        self._places = {
            note.item: _Place(items[note.item], note.key, scales.get(items[note.item].scale or "")) for note in ready
        }
        self._people: dict[str, str] = {}

    def judge(self) -> None:
        """Fill in results, what was cleared, and the findings."""
        self._people, absent = self._who()
        left_out: Counter[tuple[str, str]] = Counter()
        mute: set[str] = set()
        for grade in _latest(self.read.book.grades, self._people):
            place = self._places.get(grade.item)
            if place is None or not _says_anything(grade):
                continue
            student = self._people.get(grade.member)
            if student is None:
                code, person = absent.get(grade.member, ("GRADE_MEMBER_LEFT", grade.member))
                left_out[code, person] += bool(code)
                continue
            key = result_key(place.key, student)
            problem = self._problem(grade, place)
            if problem:
                code, detail = problem
                self._tell(code, person=student, detail=f"{place.item.title}: {detail}")
                mute.add(key)
                continue
            self.found.results[key] = self._fields(grade, place, student)
        for (code, person), number in sorted(left_out.items()):
            if code:
                self.found.findings.append(Found(code=code, collection=GRADE, id=person, dependants=number))
                self.found.blocked["result"] += number
        self._clear(mute)

    def _who(self) -> tuple[dict[str, str], dict[str, tuple[str, str]]]:
        """Memberships whose grades are sent, with the student's sourcedId; of the others the finding's code ("" for
        course admins, whose trial grades nobody misses) and how the person is called."""
        sent: dict[str, str] = {}
        absent: dict[str, tuple[str, str]] = {}
        shared = self._shared()
        for member in self.read.book.members:
            student = self._student(member)
            if student is not None and student in shared:  # also where one of them is an admin or has left
                absent[member.id] = ("GRADE_STUDENT_TWICE", student)
            elif member.admin:
                absent[member.id] = ("", "")
            elif not member.active:
                absent[member.id] = ("GRADE_MEMBER_LEFT", member.unique_id or member.user)
            elif member.id in self.read.strangers:
                absent[member.id] = ("GRADE_ACCOUNT_OTHER", self.read.strangers[member.id])
            elif student is None:
                absent[member.id] = ("GRADE_MEMBER_UNKNOWN", member.unique_id or member.user)
            elif self.read.facts.students is not None and student not in self.read.facts.students:
                absent[member.id] = ("GRADE_NOT_ENROLLED", student)
            else:
                sent[member.id] = student
        return sent, absent

    def _shared(self) -> frozenset[str]:
        """Students for whom several accounts of the LMS stand: an LMS may let people give themselves any id, so whose
        grades are whose is not guessed."""
        accounts: dict[str, set[str]] = {}
        for member in self.read.book.members:
            if student := self._student(member):
                accounts.setdefault(student, set()).add(member.user)
        return frozenset(student for student, users in accounts.items() if len(users) > 1)

    def _student(self, member: Member) -> str | None:
        people = self.read.people
        return (member.unique_id if people is None else people.get(member.unique_id or "")) or None

    def _problem(self, grade: Grade, place: _Place) -> tuple[str, str] | None:
        """What keeps a grade from being sent: a finding's code and detail."""
        if grade.unknown_exception:
            return "GRADE_STATE_UNKNOWN", f"the LMS says {grade.unknown_exception!r}"
        score, most = grade.score, place.item.points
        if score is not None and not math.isfinite(score):
            return "GRADE_STATE_UNKNOWN", "the score is no number"
        if score is not None and most is not None and score > most and not self.read.limits.above_maximum:
            return "GRADE_ABOVE_MAXIMUM", f"{score:g} of {most:g}"
        if grade.exception == LATE and score is None and not self.read.limits.flags:
            return "GRADE_LATE_ONLY", "late, and no score yet"
        return None

    def _fields(self, grade: Grade, place: _Place, student: str) -> Fields:
        flags = self.read.limits.flags
        score = None if grade.exception == EXCUSED else grade.score
        letter = _letter(score, place) if self.read.limits.letters else None
        return {
            "line_item": place.key,
            "student": student,
            "class": self.read.wish.code,
            "status": _status(grade),
            "score": None if score is None else float(score),
            "text_score": letter,
            "date": self._date(grade, place).isoformat(),
            "comment": self._comment(grade),
            "late": grade.exception == LATE if flags else None,
            "missing": grade.exception == MISSING if flags else None,
            "incomplete": grade.exception == INCOMPLETE if flags else None,
        }

    def _comment(self, grade: Grade) -> str | None:
        """What a SIS without flags is told in words, and the teacher's own comment where the settings send it."""
        word = "" if self.read.limits.flags else _WORDS.get(grade.exception, "")
        said = grade.comment.strip() if self.read.comments else ""
        return ". ".join(part for part in (word, said) if part) or None

    def _date(self, grade: Grade, place: _Place) -> date:
        """When the grade was given; where the LMS does not say, the due day, as far as it is over."""
        given = day_at(grade.at, self.read.zone) if grade.at is not None else None
        due = day_of(place.item.due)
        return given or (due if due and due <= self.read.today else self.read.today)

    def _clear(self, mute: set[str]) -> None:
        """Results that were sent and whose grade is empty now: they go, or say that nothing was handed in where the SIS
        takes nothing away. Those of people who left, and of items that are not sent any more, stay."""
        keys, students = {place.key for place in self._places.values()}, set(self._people.values())
        for key, entry in self.read.had["result"].items():
            fields = entry.fields
            known = fields.get("line_item") in keys and fields.get("student") in students
            if not known or key in self.found.results or key in mute:
                continue
            if self.read.limits.deletes:
                self.found.cleared.add(key)
            else:
                self.found.results[key] = emptied(fields)

    def _tell(self, code: str, *, person: str, detail: str) -> None:
        self.found.findings.append(Found(code=code, collection=GRADE, id=person, detail=detail))
        self.found.blocked["result"] += 1


def _latest(grades: Iterable[Grade], people: Mapping[str, str]) -> list[Grade]:
    """One grade for each item and person: of two memberships the one that was graded last."""
    found: dict[tuple[str, str], Grade] = {}
    for grade in sorted(grades, key=lambda each: (_says_anything(each), each.at or 0, each.member, str(each.score))):
        found[grade.item, people.get(grade.member, f"member {grade.member}")] = grade
    return [found[place] for place in sorted(found)]


def _says_anything(grade: Grade) -> bool:
    """A comment alone is no grade."""
    return grade.score is not None or bool(grade.exception or grade.unknown_exception)


def _status(grade: Grade) -> str:
    if grade.exception == EXCUSED:
        return EXEMPT
    if grade.exception == MISSING:
        return NOT_SUBMITTED
    if grade.exception == INCOMPLETE:
        return PARTIALLY
    return SUBMITTED if grade.score is None else FULLY


def _letter(score: float | None, place: _Place) -> str | None:
    """The letter of the item's scale: levels come from the highest cutoff down."""
    scale, points = place.scale, place.item.points
    if score is None or scale is None or not scale.levels or (scale.kind == "percent" and not points):
        return None
    reached = score * 100 / points if scale.kind == "percent" and points else score
    reached = round(reached, 9)  # 8.7 of 10 points are 86.99999999999999 percent to a computer
    return next((level.letter for level in scale.levels if reached >= level.cutoff), None)


def emptied(fields: Fields) -> Fields:
    """A result that says that nothing was handed in."""
    flags = {name: False for name in ("late", "missing", "incomplete") if fields.get(name) is not None}
    return {**fields, "status": NOT_SUBMITTED, "score": None, "text_score": None, "comment": None, **flags}
