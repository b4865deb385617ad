"""An area's state as CSV text, one piece per file. It writes no file and changes no state."""

from __future__ import annotations

from .area import GUARDIAN, STAFF, AreaState, Person
from .catalog import Course, homeroom
from .ids import digest, identifier
from .layout import DISTRICT, grade_code
from .names import Name, pick_name
from .sections import OWN_SLOTS, Section, Stint, section_title
from .tables import quote

_ROLES_1_1 = {
    "principal": "administrator",
    "siteAdministrator": "administrator",
    "districtAdministrator": "administrator",
}
_HOSTS = ("example.com", "example.org", "example.net")


def course_row(course: Course) -> str:
    """A line of courses.csv."""
    grades = quote(",".join(grade_code(grade) for grade in course.grades))
    return (
        f"{course.id},,,sy-2027,{quote(course.title)},{course.code},{grades},{course.org},"
        f"{course.subject},{course.subject_code}\n"
    )


class AreaRows:
    """Turns one area into text: file name without suffix → lines."""

    def __init__(self, state: AreaState, version: str) -> None:
        self.state, self.version = state, version
        self._org_ids = [school.id for school in state.area.schools]
        self._ids: dict[int, str] = {}

    def files(self) -> dict[str, str]:
        """All of the area's rows. Users are told apart from their enrollments only by file."""
        users: list[str] = []
        roles: list[str] = []
        enrollments: list[str] = []
        for pupil in self.state.present():
            user = identifier(pupil.digits)
            self._person(pupil, user, users, roles)
            self._pupil_enrollments(pupil, user, enrollments)
        for person in [*self.state.staff, *self.state.parents]:
            if not person.gone:
                self._person(person, self._id(person), users, roles)
        classes = []
        for section in self.state.sections.values():
            classes.append(self._class_row(section))
            self._staff_enrollments(section, enrollments)
        courses = [course_row(homeroom(school)) for school in self.state.area.schools]
        found = {"courses": courses, "classes": classes, "users": users, "enrollments": enrollments}
        if self.version != "1.1":
            found["roles"] = roles
        return {name: "".join(lines) for name, lines in found.items()}

    def _id(self, person: Person) -> str:
        if person.serial not in self._ids:
            self._ids[person.serial] = identifier(person.digits)
        return self._ids[person.serial]

    def _org(self, place: int) -> str:
        return DISTRICT if place < 0 else self._org_ids[place]

    def _name(self, person: Person) -> Name:
        own, home = int(person.digits[:12], 16), int(person.digits[12:24], 16)
        if person.family >= 0:
            home = int(digest(self.state.seed, f"f{self.state.base + person.family}")[:12], 16)
        return pick_name(own, home, person.renamed)

    def _person(self, person: Person, user: str, users: list[str], roles: list[str]) -> None:
        name, first = self._name(person), None
        if person.renamed:
            renamed, person.renamed = person.renamed, 0
            first, person.renamed = self._name(person), renamed
        number = self.state.base + person.serial
        username = f"{(first or name).stem}{number}"
        email = f"{name.stem}{number}@{self._host(person, number)}"
        own = int(person.digits[24:32], 16)
        phone, year = f"+1-555-{own % 900 + 100}-{own % 9973:04d}", ""
        if person.grade >= 0:
            phone, year = "", str(2039 - person.grade)
        start = f"{user},,,true,"
        grade = grade_code(person.grade) if person.grade >= 0 else ""
        names = f"{name.given},{name.family},{name.middle}"
        shared = f"{username},{{LDAP:{username}}},{names},{number},{email},,{phone},{self._agents(person)},{grade},"
        if self.version == "1.1":
            orgs = quote(",".join([self._org(place) for place in person.schools]))
            role = _ROLES_1_1.get(person.role, person.role)
            users.append(f"{start}{orgs},{role},{shared},{name.language},{year}\n")
            return
        preferred = pick_name(own, own).given if own % 12 == 0 else ""
        pronouns = ("she/her", "he/him", "they/them")[own % 3] if own % 16 == 1 else ""
        users.append(
            f"{start}{shared},M{number},{preferred},,,{self._org(person.schools[0])},{pronouns},"
            f"{name.language},{year}\n"
        )
        for place in person.schools:
            org = self._org(place)
            roles.append(f"{user}.{org},,,{user},primary,{person.role},,{person.left.get(place, '')},{org},\n")

    def _host(self, person: Person, number: int) -> str:
        if person.role == "student":
            return "students.district.example"
        return _HOSTS[number % 3] if person.family >= 0 else "district.example"

    def _agents(self, person: Person) -> str:
        if person.family < 0:
            return ""
        state, family = self.state, self.state.families[person.family]
        if person.role == "student":
            agents = [self._id(state.parents[serial - GUARDIAN]) for serial in family.parents]
        else:
            agents = [self._id(state.students[serial]) for serial in family.children]
        return quote(",".join(agents))

    def _pupil_enrollments(self, pupil: Person, user: str, rows: list[str]) -> None:
        digits = pupil.digits
        stints = self.state.stints.get(pupil.serial)
        if stints is not None:
            rows += [self._pupil_row(pupil, user, stint) for stint in stints]
            return
        a = 32
        for section in self.state.tables[pupil.schools[0]].attends(pupil.grade, pupil.place):
            # `identifier`, spelled out: this line runs once for each of millions of enrollments
            own = f"{digits[a : a + 8]}-{digits[a + 8 : a + 12]}-4{digits[a + 13 : a + 16]}"
            rest = f"a{digits[a + 17 : a + 20]}-{digits[a + 20 : a + 32]}"
            rows.append(f"{own}-{rest}{section.head}{user}{section.tail}")
            a += 32

    def _pupil_row(self, pupil: Person, user: str, stint: Stint) -> str:
        section = stint.section
        if stint.place < OWN_SLOTS:
            own = identifier(pupil.digits, stint.place + 1)
        else:
            own = identifier(digest(self.state.seed, f"e{self.state.base + pupil.serial}.{stint.place}"))
        return f"{own}{section.head}{user},student,,{stint.begin or section.begin},{stint.end or section.end}\n"

    def _staff_enrollments(self, section: Section, rows: list[str]) -> None:
        for stint in section.teachers:
            own = identifier(digest(self.state.seed, f"t{section.id}.{stint.place}"))
            user = self._id(self.state.staff[stint.person - STAFF])
            primary = "true" if stint.primary else "false"
            if stint.role != "teacher":
                primary = ""
            rows.append(
                f"{own}{section.head}{user},{stint.role},{primary},{stint.begin or section.begin},"
                f"{stint.end or section.end}\n"
            )

    def _class_row(self, section: Section) -> str:
        course = section.course
        kind = "homeroom" if course.code.startswith("HR") else "scheduled"
        grades = quote(",".join(grade_code(grade) for grade in section.grades))
        period = section.period or ""
        title = quote(section_title(section))
        return (
            f"{section.id},,,{title},{grades},{course.id},{course.code}-{section.number},{kind},"
            f"Room {section.room},{section.school},{quote(section.terms)},{course.subject},"
            f"{course.subject_code},{period}\n"
        )
