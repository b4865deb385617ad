"""One area of the district in memory: pupils, staff, families. It does not decide who comes or goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .ids import digest
from .layout import Area
from .sections import OWN_SLOTS, Section, Stint, Timetable

_AREA_NUMBERS = 1_000_000
STUDENT, STAFF, GUARDIAN = 0, 600_000, 700_000


@dataclass(slots=True)
class Person:
    """A pupil, member of staff or guardian. `serial` is unique in the area and never used again."""

    serial: int
    role: str
    schools: list[int]
    digits: str
    grade: int = -1
    place: int = -1
    family: int = -1
    renamed: int = 0
    gone: bool = False
    left: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class Family:
    """Who belongs together: serials of children and parents, in the area."""

    children: list[int]
    parents: list[int]


class AreaState:
    """An area in memory. `stints` holds only pupils off the timetable; schools are list places."""

    def __init__(self, area: Area, seed: int, guardians: float) -> None:
        self.area, self.seed, self.guardians = area, seed, guardians
        self.base = (area.number + 1) * _AREA_NUMBERS
        self.tables = [Timetable(school) for school in area.schools]
        self.students: list[Person] = []
        self.staff: list[Person] = []
        self.parents: list[Person] = []
        self.families: list[Family] = []
        self.stints: dict[int, list[Stint]] = {}
        self.next_place: dict[int, int] = {}
        self._places: dict[tuple[int, int], int] = {}
        self.sections: dict[str, Section] = {}
        for table in self.tables:
            self.sections.update((section.id, section) for section in table.all())

    def new_student(self, school: int, grade: int) -> Person:
        """Add a pupil at the end of a grade."""
        serial = STUDENT + len(self.students)
        digits = digest(self.seed, f"p{self.base + serial}", OWN_SLOTS + 1)
        pupil = Person(serial, "student", [school], digits, grade, self.take_place(school, grade))
        self.students.append(pupil)
        return pupil

    def take_place(self, school: int, grade: int) -> int:
        """The next free place of a grade."""
        place = self._places.get((school, grade), 0)
        self._places[school, grade] = place + 1
        return place

    def new_staff(self, school: int, role: str) -> Person:
        """Add a member of staff; school -1 is the district's office."""
        serial = STAFF + len(self.staff)
        person = Person(serial, role, [school], digest(self.seed, f"p{self.base + serial}", 2))
        self.staff.append(person)
        return person

    def new_family(self, children: list[Person], parents: int) -> None:
        """Make a household with new guardians of these children."""
        number = len(self.families)
        family = Family([child.serial for child in children], [])
        schools = list(dict.fromkeys(child.schools[0] for child in children))
        for child in children:
            child.family = number
        for turn in range(parents):
            serial = GUARDIAN + len(self.parents)
            role = ("guardian", "parent", "parent", "relative")[(number + turn) % 4]
            digits = digest(self.seed, f"p{self.base + serial}", 2)
            self.parents.append(Person(serial, role, schools, digits, family=number))
            family.parents.append(serial)
        self.families.append(family)

    def own_stints(self, pupil: Person) -> list[Stint]:
        """The pupil's stints as a list that may be changed; from now on it is kept."""
        if pupil.serial not in self.stints:
            sections = self.tables[pupil.schools[0]].attends(pupil.grade, pupil.place)
            self.stints[pupil.serial] = [Stint(n, section) for n, section in enumerate(sections)]
        return self.stints[pupil.serial]

    def add_stint(self, pupil: Person, section: Section, begin: str = "", end: str = "") -> Stint:
        """Enroll a pupil in one more section, under a new sourcedId."""
        place = self.next_place.get(pupil.serial, OWN_SLOTS)
        self.next_place[pupil.serial] = place + 1
        stint = Stint(place, section, begin, end)
        self.own_stints(pupil).append(stint)
        return stint

    def siblings(self, section: Section) -> list[Section]:
        """Other sections of the same course, term and school."""
        table = next(t for t in self.tables if t.school.id == section.school)
        return [
            other
            for other in table.all()
            if other.course.id == section.course.id
            and other.terms == section.terms
            and other.grades == section.grades
            and other is not section
        ]

    def like_schools(self, pupil: Person) -> list[int]:
        """Places of the other schools of the area which have the pupil's grade."""
        here = pupil.schools[0]
        schools = enumerate(self.area.schools)
        return [place for place, school in schools if place != here and school.grades.get(pupil.grade)]

    def present(self) -> Iterator[Person]:
        """Pupils who are there."""
        return (pupil for pupil in self.students if not pupil.gone)


def assign(section: Section, person: Person, *, primary: bool, role: str = "teacher", begin: str = "") -> None:
    """Put a member of staff in charge of a section (or in it as proctor)."""
    section.teachers.append(Stint(section.next_place, section, begin, "", person.serial, role, primary))
    section.next_place += 1
