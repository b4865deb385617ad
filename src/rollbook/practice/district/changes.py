"""What happens in an area from one day to the next: the same for the same seed, area and day."""

from __future__ import annotations

from random import Random

from .area import GUARDIAN, STAFF, AreaState, Person, assign
from .calendar import day_date
from .sections import PERIODS, Section, Stint

# how often each kind happens per pupil, section or member of staff, in parts of `change`;
# chosen so that over all rows about `change` of them differ
_PUPIL = {"leave": 0.30, "join": 0.30, "rename": 0.36, "transfer": 0.03, "reschedule": 1.35}
_SECTION = {"room": 0.85, "teacher": 0.15, "open": 0.12}
_STAFF = {"rename": 0.5, "replace": 0.4}


class DayChanges:
    """One day's events in one area, applied to its state."""

    def __init__(self, state: AreaState, day: int, change: float) -> None:
        self.state, self.change, self.today = state, change, day_date(day)
        self.rng = Random(f"{state.seed}|area{state.area.number}|day{day}")

    def apply(self) -> None:
        """Let the day happen; nothing at all when `change` is 0."""
        if self.change <= 0:
            return
        pupils = list(self.state.present())
        sections = list(self.state.sections.values())
        for kind, share in _PUPIL.items():
            for _ in range(self._times(share * len(pupils))):
                pupil = self.rng.choice(pupils)
                if not pupil.gone:
                    getattr(self, f"_{kind}")(pupil)
        for kind, share in _SECTION.items():
            for _ in range(self._times(share * len(sections))):
                getattr(self, f"_{kind}")(self.rng.choice(sections))
        people = [person for person in self.state.staff if not person.gone]
        for _ in range(self._times(_STAFF["rename"] * len(people))):
            self.rng.choice(people).renamed += 1
        for _ in range(self._times(_STAFF["replace"] * len(people))):
            self._replace(self.rng.choice(people))
        guardians = [person for person in self.state.parents if not person.gone]
        for _ in range(self._times(len(guardians) * 0.5)):
            self.rng.choice(guardians).renamed += 1

    def _times(self, expected: float) -> int:
        return int(expected * self.change + self.rng.random())

    def _leave(self, pupil: Person) -> None:
        pupil.gone = True
        self.state.stints.pop(pupil.serial, None)
        if pupil.family >= 0:
            self.state.families[pupil.family].children.remove(pupil.serial)
            self._refresh_family(pupil.family)

    def _join(self, like: Person) -> None:
        pupil = self.state.new_student(like.schools[0], like.grade)
        self.state.stints[pupil.serial] = [
            stint for stint in self.state.own_stints(pupil) if stint.section.end > self.today
        ]
        for stint in self.state.stints[pupil.serial]:
            stint.begin = self._from_today(stint.section)
        if self.rng.random() < self.state.guardians:
            self.state.new_family([pupil], 1)

    def _rename(self, pupil: Person) -> None:
        pupil.renamed += 1

    def _transfer(self, pupil: Person) -> None:
        here = pupil.schools[0]
        others = self.state.like_schools(pupil)
        if not others or len(pupil.schools) > 1:
            return
        for stint in list(self.state.own_stints(pupil)):
            self._end(pupil, stint)
        there = self.rng.choice(others)
        pupil.schools, pupil.left = [there, here], {here: self.today}
        pupil.place = self.state.take_place(there, pupil.grade)
        for section in self.state.tables[there].attends(pupil.grade, pupil.place):
            if section.end > self.today:
                self.state.add_stint(pupil, section, begin=self._from_today(section))
        if pupil.family >= 0:
            self._refresh_family(pupil.family)

    def _reschedule(self, pupil: Person) -> None:
        stints = list(self.state.own_stints(pupil))
        self.rng.shuffle(stints)
        for stint in stints:
            if stint.end or stint.section.end <= self.today:
                continue
            others = self.state.siblings(stint.section)
            if others:
                self._switch(pupil, stint, self.rng.choice(others))
                return

    def _switch(self, pupil: Person, stint: Stint, section: Section) -> None:
        self._end(pupil, stint)
        self.state.add_stint(pupil, section, begin=self._from_today(section))

    def _end(self, pupil: Person, stint: Stint) -> None:
        """Close a stint today; one that has not begun is taken out."""
        if (stint.begin or stint.section.begin) >= self.today:
            self.state.own_stints(pupil).remove(stint)
        elif not stint.end and stint.section.end > self.today:
            stint.end = self.today

    def _from_today(self, section: Section) -> str:
        return self.today if section.begin < self.today else ""

    def _refresh_family(self, number: int) -> None:
        family = self.state.families[number]
        schools = list(dict.fromkeys(self.state.students[child].schools[0] for child in family.children))
        for serial in family.parents:
            parent = self.state.parents[serial - GUARDIAN]
            parent.gone = not schools
            parent.schools = schools or parent.schools

    def _room(self, section: Section) -> None:
        section.room = 100 + (section.room - 100 + self.rng.randrange(1, 239)) % 240
        if section.period and self.rng.random() < 0.3:
            section.period = section.period % PERIODS + 1

    def _teacher(self, section: Section) -> None:
        table = next(n for n, t in enumerate(self.state.tables) if t.school.id == section.school)
        busy = {stint.person for stint in section.teachers}
        free = [
            person
            for person in self.state.staff
            if person.role == "teacher" and person.schools[0] == table and not person.gone and person.serial not in busy
        ]
        leading = [stint for stint in section.teachers if stint.primary and not stint.end]
        if not free or not leading or section.end <= self.today or leading[0].begin == self.today:
            return
        if section.begin >= self.today:
            section.teachers.remove(leading[0])
        else:
            leading[0].end = self.today
        assign(section, self.rng.choice(free), primary=True, begin=self._from_today(section))

    def _open(self, like: Section) -> None:
        """Open a parallel section and move up to a third of the pupils there."""
        table = next(t for t in self.state.tables if t.school.id == like.school)
        leading = [stint for stint in like.teachers if stint.primary and not stint.end]
        if like not in table.core or not leading or like.end <= self.today:
            return
        section = table.add(like, 600 + len(table.added))
        self.state.sections[section.id] = section
        teacher = self.state.staff[leading[0].person - STAFF]
        assign(section, teacher, primary=True, begin=self._from_today(section))
        moved = 0
        for pupil in self.state.present():
            if pupil.grade not in like.grades or self.state.tables[pupil.schools[0]] is not table or moved > 6:
                continue
            live = [s for s in self.state.stints.get(pupil.serial, ()) if s.section is like and not s.end]
            if pupil.serial not in self.state.stints and like in table.attends(pupil.grade, pupil.place):
                live = [s for s in self.state.own_stints(pupil) if s.section is like]
            if live:
                self._switch(pupil, live[0], section)
                moved += 1

    def _replace(self, old: Person) -> None:
        """A member of staff goes, a new one takes over at once."""
        if old.gone:
            return
        old.gone = True
        new = self.state.new_staff(old.schools[0], old.role)
        new.schools = list(old.schools)
        for section in self.state.sections.values():
            for stint in [stint for stint in section.teachers if stint.person == old.serial]:
                section.teachers.remove(stint)
                if not stint.end:
                    begin = "" if section.end <= self.today else self._from_today(section)
                    assign(section, new, primary=stint.primary, role=stint.role, begin=begin)
