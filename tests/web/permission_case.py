"""A district that has synced once into a practice LMS whose gradebooks are read by permission of their teachers, and
two of these teachers, for tests of the pages and of whole runs."""

from __future__ import annotations

import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2

from rollbook.actions.actors import OPERATOR
from rollbook.actions.grades import GradesWanted, request_grades
from rollbook.actions.secret_texts import Surroundings
from rollbook.actions.settings import import_settings
from rollbook.connectors.memory.space import Space
from rollbook.engine.waiting import work_until_ended
from rollbook.practice.lms import create_lms
from rollbook.practice.server import serve
from rollbook.roster.grades import SisCategory
from rollbook.store.folder import DataFolder
from rollbook.store.models import Account, GradeSection, Membership, Run
from rollbook.web.opening import open_pages
from tests.cli.kit import SETTINGS
from tests.cli.once import once
from tests.cli.test_grades_http import Lms
from tests.verification.lms_client import plaintext
from tests.web.people import Answer, Person, make_person, session_of, signed_in_again
from tests.web.world import run_now

HERE = "/o/maple/grades"
LMS = "lms: {connector: memory, options: {space: SPACE, key: memory}}"
SCHOOLOGY = """lms: {{connector: schoology, options: {{base_url: "{url}/v1", key: practice, secret: practice,
      credits: 1000, window: 0.001, grades_as: {grades_as}, site: "{url}", timeout: 5}}}}"""


@dataclass
class Case:
    """`tina` teaches the section `mine` (and maybe more), `tom` another one, `his`; each is `ids` in the SIS."""

    folder: DataFolder
    world: Space
    url: str
    tina: Person
    tom: Person
    mine: str
    his: str
    ids: dict[str, str]

    def ask(self, who: Person | None = None, section: str = "") -> Answer:
        """The button."""
        return (who or self.tina).post(f"{HERE}/permission/", section=section or self.mine)

    def agree(self, there: str, person: str = "", do: str = "approve") -> str:
        """What somebody presses on the LMS's page (by default Tina); the way back, as our own path."""
        parts = urlsplit(there)
        asked = dict(parse_qsl(parts.query))
        form = {**asked, "as": self.lms_id(person or self.ids["tina"]), "do": do}
        answer = httpx2.post(f"{self.url}{parts.path}", data=form)
        assert answer.status_code == 303, answer.text
        back = urlsplit(answer.headers["location"])
        assert back.netloc == "testserver"
        return f"{back.path}?{back.query}" if back.query else back.path

    def allow(self, who: Person | None = None, person: str = "", section: str = "") -> Answer:
        """All of it; the last answer."""
        asked = self.ask(who, section)
        assert asked.status_code == 302, asked.content
        return (who or self.tina).get(self.agree(asked["Location"], person))

    def lms_id(self, person: str) -> str:
        answer = httpx2.get(f"{self.url}/v1/users?limit=200", headers={"Authorization": plaintext()})
        people = {one["school_uid"]: str(one["uid"]) for one in answer.raise_for_status().json()["user"]}
        return people[person]

    def revoke(self, person: str = "") -> None:
        code = person or self.ids["tina"]
        httpx2.post(f"{self.url}/_practice/user-tokens", json={"revoke": code}).raise_for_status()

    def fault(self, *faults: str) -> None:
        httpx2.post(f"{self.url}/_practice/faults", json={"clear": True, "on": list(faults)}).raise_for_status()

    def calls(self) -> dict[str, int]:
        found = httpx2.get(f"{self.url}/_practice/requests").json()["attempts"]
        return {str(name): int(number) for name, number in found.items()}

    def import_settings(self, grades_as: str = "teachers") -> None:
        use_lms(self.world, self.url, grades_as)

    def sync(self, *sections: str, dry_run: bool = False) -> Run:
        """A run of grades, worked to its end."""
        wanted = GradesWanted(dry_run=dry_run)
        run = request_grades(org="maple", sections=list(sections), by=OPERATOR, wanted=wanted)
        return work_until_ended(self.folder, run.pk)

    def grade(self, code: str) -> int:
        """An item in the section's gradebook, graded for everybody; how many they are."""
        book = Lms(self.url, code)
        essay = book.item(
            "Essay", max_points=20, due="2026-10-05 23:59:00", grading_category=book.category("Homework"), published=1
        )
        for place, student in enumerate(book.members):
            book.grade(essay, student, 5 + place)
        book.close()
        return len(book.members)

    def map(self, *codes: str) -> None:
        """Their category goes to the SIS's Homework."""
        for code in codes:
            row = GradeSection.objects.get(code=code)
            row.categories = {each["id"]: "hw" for each in row.seen["lms"]}
            row.save()


def use_lms(world: Space, url: str, grades_as: str = "teachers") -> None:
    """Settings of maple with this practice LMS."""
    text = SETTINGS.replace(LMS, SCHOOLOGY.format(url=url, grades_as=grades_as)).replace("SPACE", world.name)
    import_settings(text, name="test", around=Surroundings({}, Path()), by=OPERATOR)


@contextmanager
def permission_case(folder: DataFolder, world: Space, scratch: Path) -> Iterator[Case]:
    """Synced, graded in both sections, nobody allowed: made once in a process, as long as the port of the practice LMS
    can be had again, which is in the settings."""
    assert not Account.objects.exists(), "people come after what was made once"
    postgres = "DATABASE_URL" in os.environ
    number, port, kept = _lms.get(postgres, (0, 0, b""))
    file = scratch / "lms.sqlite3"
    file.write_bytes(kept)
    try:
        running = serve(create_lms(file), port)
    except OSError:
        file = scratch / "another.sqlite3"
        running = serve(create_lms(file))
    number += running.port != port

    def make() -> tuple[Any, ...]:
        case = _permission_case(folder, world, running.url)
        with closing(sqlite3.connect(file)) as database:
            _lms[postgres] = number, running.port, database.serialize()
        return session_of(case.tina), session_of(case.tom), case.mine, case.his, case.ids

    with running:
        tina, tom, mine, his, ids = once(folder.path, world, ("permissions", number), make)
        open_pages(folder)
        teachers = signed_in_again(tina), signed_in_again(tom)
        yield Case(folder, world, running.url, *teachers, mine=mine, his=his, ids=ids)


#: By whether it is PostgreSQL: how often it was made, then port and database of the LMS.
_lms: dict[bool, tuple[int, int, bytes]] = {}


def _permission_case(folder: DataFolder, world: Space, url: str) -> Case:
    use_lms(world, url)
    run_now(folder)
    one, mine, two, his = _two_teachers(world)
    world.sis_book.categories = [SisCategory(id="hw", title="Homework")]
    tina, tom = _teacher("Tina", one), _teacher("Tom", two)
    ids = {"tina": one, "tom": two}
    found = Case(folder=folder, world=world, url=url, tina=tina, tom=tom, mine=mine, his=his, ids=ids)
    for code in (mine, his):
        found.grade(code)
    return found


def _teacher(name: str, person: str) -> Person:
    made = make_person(f"{name} Teacher", org="maple", role="teacher")
    Membership.objects.filter(account=made.account).update(unique_id=person)
    return made


def _two_teachers(world: Space) -> tuple[str, str, str, str]:
    """Two teachers with a section each, in which nobody else teaches, and its students."""
    students: Counter[str] = Counter()
    teachers: dict[str, list[str]] = {}
    for row in world.rows["enrollments"]:
        if row["role"] == "student":
            students[str(row["classSourcedId"])] += 1
        elif row["role"] == "teacher":
            teachers.setdefault(str(row["classSourcedId"]), []).append(str(row["userSourcedId"]))
    alone = [(people[0], code) for code, people in sorted(teachers.items()) if len(people) == 1 and students[code] > 1]
    (one, mine), (two, his) = alone[0], next(each for each in alone if each[0] != alone[0][0])
    return one, mine, two, his


def told(run: Run) -> dict[str, Any]:
    """Findings and counts of a run."""
    from rollbook.store.runs import stored_result

    result = stored_result(run)
    return {"findings": result.findings, "kinds": result.kinds, "state": run.state}
