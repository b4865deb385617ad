"""How a district of N students splits into school areas, schools and grades. Pure arithmetic, no output."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

DISTRICT = "district-0100"
_AREA_SIZE = 6_000
_LEVELS = (("elementary", range(6), 460), ("middle", range(6, 9), 650), ("high", range(9, 13), 1_000))
_GRADE_WEIGHTS = (95, 97, 98, 99, 99, 100, 100, 101, 101, 108, 104, 100, 98)
_FIRSTS = (
    "Maple Oak Cedar Willow Birch Elm Pine Spruce Aspen Juniper Lincoln Washington Jefferson Roosevelt"
    " Franklin Douglass Tubman Chavez Parks Curie Einstein Carver Kennedy Anzaldúa Peña Río Mountain"
    " River Lake Prairie Harbor Canyon Sunset Meadow Valley Summit Heritage Liberty Pioneer Eagle"
)
_SECONDS = (
    "Ridge Grove Hill Park View Creek Springs Heights Point Bend Crossing Hollow Landing Glen Field"
    " Run Terrace Woods Bluff Shore Bay Falls Gate Square Trail Knoll Mesa Vista Brook Pond"
)
_FIRST, _SECOND = (words.split() for words in (_FIRSTS, _SECONDS))


class School(NamedTuple):
    """One school: `number` is its place in the district, from 1; `grades`: 0 (KG) … 12 → pupils."""

    number: int
    level: str
    name: str
    grades: dict[int, int]

    @property
    def id(self) -> str:
        """The org's sourcedId."""
        return f"school-{self.number:04d}"


class Area(NamedTuple):
    """A feeder pattern: schools of all levels between which people move. Areas are independent."""

    number: int
    schools: tuple[School, ...]


def grade_code(grade: int) -> str:
    """`KG`, `01` … `12`."""
    return "KG" if grade == 0 else f"{grade:02d}"


def areas(students: int, seed: int) -> list[Area]:
    """The district's areas; their grades add up to exactly `students`."""
    rng = Random(f"{seed}|areas")
    count = max(1, round(students / _AREA_SIZE))
    sizes = _share(students, [rng.randint(85, 115) for _ in range(count)])
    found: list[Area] = []
    number = 0
    for place, size in enumerate(sizes):
        grades = _share(size, [weight + rng.randint(-3, 3) for weight in _GRADE_WEIGHTS])
        schools: list[School] = []
        for level, levels, usual in _LEVELS:
            total = sum(grades[grade] for grade in levels)
            wanted = max(1, round(total / usual)) if total else 0
            weights = [rng.randint(75, 125) for _ in range(wanted)]
            split = {grade: _share(grades[grade], weights) for grade in levels} if wanted else {}
            for place_in_level in range(wanted):
                pupils = {grade: split[grade][place_in_level] for grade in levels}
                number += 1
                schools.append(School(number, level, _school_name(number, level), pupils))
        found.append(Area(place, tuple(schools)))
    return found


def _share(total: int, weights: list[int]) -> list[int]:
    """Split a whole number by weights; the parts add up exactly."""
    whole, done, parts = sum(weights), 0, []
    reached = 0
    for weight in weights:
        reached += weight
        upto = total * reached // whole
        parts.append(upto - done)
        done = upto
    return parts


def _school_name(number: int, level: str) -> str:
    first = _FIRST[number % len(_FIRST)]
    second = _SECOND[(number * 7 + number // len(_FIRST)) % len(_SECOND)]
    turn = number // (len(_FIRST) * len(_SECOND))
    return f"{first} {second}{f' {turn + 1}' if turn else ''} {level.title()} School"


def town(area: Area) -> str:
    """The town an area lies in."""
    return f"{_FIRST[area.number % len(_FIRST)]} {('Valley', 'Falls', 'Heights', 'Beach')[area.number % 4]}"
