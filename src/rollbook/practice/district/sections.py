"""The sections (OneRoster classes) of one school and which of them a pupil attends. No people, no output."""

from __future__ import annotations

from dataclasses import dataclass, field

from .calendar import BEGIN, END, FALL, SPRING
from .catalog import LEVEL_TERMS, Course, core_courses, electives, homeroom
from .layout import School, grade_code

_GROUP = 17.5
_CLASS = 15.4
_ELECTIVE = 15.8
PERIODS = 6
OWN_SLOTS = 8


@dataclass(slots=True)
class Stint:
    """A person's time in a section. Blank dates stand for the section's own; `place` makes the sourcedId."""

    place: int
    section: Section
    begin: str = ""
    end: str = ""
    person: int = -1
    role: str = "student"
    primary: bool = False


@dataclass(slots=True, eq=False)
class Section:
    """One class; `room` and `period` may change from day to day. `teachers` holds staff, proctors too.

    `head` and `tail` are a pupil's row of enrollments.csv around the user, made once: millions need them.
    """

    id: str
    school: str
    course: Course
    grades: tuple[int, ...]
    terms: str
    number: int
    period: int
    room: int
    teachers: list[Stint] = field(default_factory=list)
    next_place: int = 0
    head: str = ""
    tail: str = ""

    def __post_init__(self) -> None:
        self.head = f",,,{self.id},{self.school},"
        self.tail = f",student,,{self.begin},{self.end}\n"

    @property
    def begin(self) -> str:
        """First day of the section's terms."""
        return BEGIN[self.terms.split(",", maxsplit=1)[0]]

    @property
    def end(self) -> str:
        """Last day of the section's terms."""
        return END[self.terms.rsplit(",", maxsplit=1)[-1]]


class Timetable:
    """All sections of a school, and per grade the sections a pupil in n-th place attends."""

    def __init__(self, school: School) -> None:
        self.school = school
        self.homerooms: list[Section] = []
        self.core: list[Section] = []
        self.electives: list[Section] = []
        self.added: list[Section] = []
        self._slots: dict[int, list[list[Section]]] = {}
        self._elementary = school.level == "elementary"
        for grade, pupils in school.grades.items():
            if pupils:
                self._plan_grade(grade, pupils)
        self._halves: list[list[Section]] = []
        if not self._elementary:
            self._plan_electives(sum(school.grades.values()))

    def all(self) -> list[Section]:
        """Every section, in the order in which they are written."""
        return [*self.homerooms, *self.core, *self.electives, *self.added]

    def attends(self, grade: int, place: int) -> list[Section]:
        """The sections of the pupil who is `place`-th (from 0) of a grade; empty for a grade without any."""
        slots = self._slots.get(grade)
        if not slots:
            return []
        if self._elementary:
            return [options[place % len(options)] for options in slots]
        found = [_turn(options, place, salt) for salt, options in enumerate(slots)]
        for half, options in enumerate(self._halves):
            found.append(_turn(options, place, 3 * grade + 5 * half))
        return found

    def add(self, like: Section, number: int) -> Section:
        """Open one more section of the same course."""
        new = self._section(like.course, like.grades, like.terms, number, like.period)
        self.added.append(new)
        return new

    def _plan_grade(self, grade: int, pupils: int) -> None:
        terms = LEVEL_TERMS[self.school.level]
        size = _GROUP if self._elementary else _CLASS
        count = max(1, round(pupils / size))
        own = homeroom(self.school)
        rooms = [self._section(own, (grade,), terms, grade * 100 + n, 0) for n in range(1, count + 1)]
        self.homerooms += rooms
        slots = [rooms]
        for turn, course in enumerate(core_courses(grade)):
            options = [
                self._section(course, (grade,), terms, n, (turn + (n - 1) % PERIODS) % PERIODS + 1)
                for n in range(1, count + 1)
            ]
            self.core += options
            slots.append(options)
        self._slots[grade] = slots

    def _plan_electives(self, pupils: int) -> None:
        courses = electives(self.school.level)
        count = max(1, round(pupils / _ELECTIVE)) if pupils else 0
        for half, term in enumerate((FALL, SPRING)):
            options = []
            for n in range(count):
                course = courses[(n + half * 3) % len(courses)]
                number = half * 1000 + n + 1
                period = (5 + n % PERIODS) % PERIODS + 1
                options.append(self._section(course, course.grades, term, number, period))
            self.electives += options
            if options:
                self._halves.append(options)

    def _section(self, course: Course, grades: tuple[int, ...], terms: str, number: int, period: int) -> Section:
        key = course.code if course.org != self.school.id else "HR"
        room = 100 + (number * 37 + period * 11 + len(key) * 13 + grades[0] * 29) % 240
        return Section(
            f"cls-27-{self.school.number:04d}-{key}-{number}",
            self.school.id,
            course,
            grades,
            terms,
            number,
            period,
            room,
        )


def _turn(options: list[Section], place: int, salt: int) -> Section:
    """Spread pupils evenly; a pupil's turn of the day decides the period, so that periods do not clash."""
    turns = min(PERIODS, len(options))
    turn, rest = place % turns, place // turns
    open_then = (len(options) - turn + turns - 1) // turns
    return options[turn + turns * ((rest + rest // open_then * salt + salt) % open_then)]


def section_title(section: Section) -> str:
    """The title as shown to people."""
    if section.course.code.startswith("HR"):
        return f"Homeroom {grade_code(section.grades[0])}-{section.number % 100}"
    return f"{section.course.title} - {section.number % 1000}"
