"""An area on the first day: who is there, who teaches what, and irregular cases. Later days: changes.py."""

from __future__ import annotations

from random import Random

from .area import AreaState, Person, assign
from .calendar import school_day
from .layout import Area
from .sections import Stint


def build(area: Area, seed: int, guardians: float) -> AreaState:
    """The area on day 1. `guardians` is the share of pupils with guardians, 0 to 1."""
    state = AreaState(area, seed, guardians)
    rng = Random(f"{seed}|area{area.number}")
    for school_place, school in enumerate(area.schools):
        for grade, pupils in school.grades.items():
            for _ in range(pupils):
                state.new_student(school_place, grade)
    _hire(state, rng)
    _families(state, rng)
    _irregular(state, rng)
    return state


def _hire(state: AreaState, rng: Random) -> None:
    if state.area.number == 0:
        for _ in range(2):
            state.new_staff(-1, "districtAdministrator")
    for place, table in enumerate(state.tables):
        pupils = sum(table.school.grades.values())
        state.new_staff(place, "principal")
        if pupils > 300:
            state.new_staff(place, "siteAdministrator")
        aides = [state.new_staff(place, "aide") for _ in range(max(1, round(pupils / 120)))]
        count = max(1, round(pupils / 15.5))
        teachers = [state.new_staff(place, "teacher") for _ in range(count)]
        for sections in (table.homerooms, table.core, table.electives):
            for turn, section in enumerate(sections):
                chosen = turn * count // len(sections)
                assign(section, teachers[chosen], primary=True)
                if rng.random() < 0.08 and count > 1:
                    helper = (chosen + 1 + rng.randrange(count - 1)) % count
                    assign(section, teachers[helper], primary=False)
        for aide in aides:
            if table.homerooms and rng.random() < 0.5:
                assign(rng.choice(table.homerooms), aide, primary=False, role="proctor")
        _travel(state, place, teachers[-1])


def _travel(state: AreaState, place: int, teacher: Person) -> None:
    """Let a teacher teach at the next school of the area as well."""
    following = (place + 1) % len(state.tables)
    if following == place:
        return
    teacher.schools.append(following)
    table = state.tables[following]
    assign((table.electives or table.core)[-1], teacher, primary=False)


def _families(state: AreaState, rng: Random) -> None:
    threshold = int(state.guardians * 65536)
    chosen = [pupil for pupil in state.students if int(pupil.digits[:4], 16) < threshold]
    rng.shuffle(chosen)
    done = 0
    while done < len(chosen):
        size = rng.choice((1, 1, 1, 2, 2, 3))
        state.new_family(chosen[done : done + size], 1 if rng.random() < 0.55 else 2)
        done += size


def _irregular(state: AreaState, rng: Random) -> None:
    """Late starters, people who left and came back, changed courses, moved, or attend two schools."""
    for pupil in state.students:
        draw = rng.random()
        if draw > 0.08:
            continue
        stints = state.own_stints(pupil)
        if draw < 0.040:
            _start_late(stints, school_day(rng.randrange(3, 95)))
        elif draw < 0.055:
            _come_back(state, pupil, rng)
        elif draw < 0.070:
            _change_course(state, pupil, rng)
        elif draw < 0.075:
            _move_in(state, pupil, rng)
        elif pupil.grade == 8:
            _visit_high_school(state, pupil)


def _start_late(stints: list[Stint], day: str) -> None:
    for stint in stints:
        stint.begin = day if stint.section.begin < day < stint.section.end else ""


def _come_back(state: AreaState, pupil: Person, rng: Random) -> None:
    stint = rng.choice(state.own_stints(pupil)[:6])
    left = rng.randrange(14, 60)
    stint.end = school_day(left)
    state.add_stint(pupil, stint.section, begin=school_day(left + rng.randrange(5, 30)))


def _change_course(state: AreaState, pupil: Person, rng: Random) -> None:
    stint = rng.choice(state.own_stints(pupil)[:6])
    others = state.siblings(stint.section)
    if others:
        day = school_day(rng.randrange(7, 90))
        stint.begin = day
        state.add_stint(pupil, rng.choice(others), end=day)


def _move_in(state: AreaState, pupil: Person, rng: Random) -> None:
    others = state.like_schools(pupil)
    if not others:
        return
    day = school_day(rng.randrange(10, 90))
    _start_late(state.own_stints(pupil), day)
    before = rng.choice(others)
    pupil.schools.append(before)
    pupil.left[before] = day
    for section in state.tables[before].attends(pupil.grade, pupil.place):
        if section.begin < day < section.end:
            state.add_stint(pupil, section, end=day)


def _visit_high_school(state: AreaState, pupil: Person) -> None:
    for place, table in enumerate(state.tables):
        if table.school.level == "high" and table.electives:
            pupil.schools.append(place)
            state.add_stint(pupil, table.electives[pupil.place % (len(table.electives) // 2)])
            return
