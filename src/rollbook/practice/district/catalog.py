"""The course catalogue: district courses that schools share, and each school's own homeroom course."""

from __future__ import annotations

from typing import NamedTuple

from .calendar import FALL, FULL_YEAR, SPRING
from .layout import DISTRICT, School, grade_code


class Course(NamedTuple):
    """One course. `code` is unique in the district's catalogue, `org` owns it."""

    id: str
    title: str
    code: str
    grades: tuple[int, ...]
    org: str
    subject: str
    subject_code: str


_PRIMARY = (
    ("READ", "Reading, Writing and Spelling", "51029"),
    ("MATH", "Mathematics", "52029"),
    ("SCI", "Science", "53229"),
    ("SOC", "Social Studies", "54429"),
    ("ART", "Visual Arts", "55179"),
    ("PE", "Physical Education", "58029"),
)
_CORE = (
    (
        "ENG",
        "01001",
        {
            6: "English 6",
            7: "English 7",
            8: "English 8",
            9: "English I",
            10: "English II",
            11: "English III",
            12: "English IV",
        },
    ),
    (
        "MATH",
        "02052",
        {
            6: "Math 6",
            7: "Math 7",
            8: "Pre-Algebra",
            9: "Algebra I",
            10: "Geometry",
            11: "Algebra II",
            12: "Precalculus & Statistics",
        },
    ),
    (
        "SCI",
        "03051",
        {
            6: "Earth Science",
            7: "Life Science",
            8: "Physical Science",
            9: "Biology",
            10: "Chemistry",
            11: "Physics",
            12: "Environmental Science",
        },
    ),
    (
        "SOC",
        "04051",
        {
            6: "World Geography",
            7: "State History",
            8: "U.S. History to 1877",
            9: "World History",
            10: "U.S. History",
            11: "Government, Law and Economics",
            12: "Psychology",
        },
    ),
    (
        "WL",
        "24052",
        {
            6: "Español 6",
            7: "Español 7",
            8: "Français 8",
            9: "Spanish I",
            10: "Spanish II",
            11: "Français III",
            12: 'Heritage Speakers "Nuestra Lengua"',
        },
    ),
)
_ELECTIVES = {
    "middle": ("Band", "Choir", "Drama", "Coding", "Studio Art", "Health", "Robotics", "Orchestra"),
    "high": (
        "Jazz Band",
        "Concert Choir",
        "Theater",
        "Computer Science",
        "Ceramics",
        "Photography",
        "Culinary Arts",
        "Auto Technology",
        "Creative Writing",
        "Weight Training",
        "Journalism",
        "Marketing",
    ),
}
_ELECTIVE_GRADES = {"middle": (6, 7, 8), "high": (9, 10, 11, 12)}
YEAR_IN_HALVES = f"{FALL},{SPRING}"
LEVEL_TERMS = {"elementary": FULL_YEAR, "middle": YEAR_IN_HALVES, "high": YEAR_IN_HALVES}


def homeroom(school: School) -> Course:
    """The school's own homeroom course."""
    grades = tuple(school.grades)
    return Course(f"crs-{school.id}-HR", "Homeroom", f"HR-{school.number}", grades, school.id, "Homeroom", "22106")


def core_courses(grade: int) -> list[Course]:
    """The year-long district courses of a grade."""
    code = grade_code(grade)
    if grade < 6:
        return [
            _district(f"{key}-{code}", f"{title} {code}", (grade,), title, number) for key, title, number in _PRIMARY
        ]
    return [_district(f"{key}-{code}", titles[grade], (grade,), titles[grade], number) for key, number, titles in _CORE]


def electives(level: str) -> list[Course]:
    """The semester courses of a level; none in elementary schools."""
    names = _ELECTIVES.get(level, ())
    return [
        _district(f"EL-{level[0].upper()}{place:02d}", name, _ELECTIVE_GRADES[level], "Electives", "22999")
        for place, name in enumerate(names, 1)
    ]


def district_courses() -> list[Course]:
    """All courses that the district owns, whichever school uses them."""
    found = [course for grade in range(13) for course in core_courses(grade)]
    return [*found, *electives("middle"), *electives("high")]


def _district(code: str, title: str, grades: tuple[int, ...], subject: str, number: str) -> Course:
    return Course(f"crs-{code}", title, code, grades, DISTRICT, subject.replace(",", " -"), number)
