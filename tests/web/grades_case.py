"""A district that has synced once, and sections of a teacher whose gradebooks are in memory, for tests of the pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from rollbook.connectors.memory.space import Space
from rollbook.engine.waiting import work_until_ended
from rollbook.roster.grades import Grade, Gradebook, GradedItem, GradingCategory, SisCategory
from rollbook.store.folder import DataFolder
from rollbook.store.models import Account, GradeItem, GradeSection, Membership, River, Run, RunState
from rollbook.web.opening import open_pages
from tests.cli.once import once
from tests.web.people import Person, make_person, session_of, signed_in_again
from tests.web.world import run_now

HERE = "/o/maple/grades"


@dataclass
class Case:
    """`mine` are the sections of the teacher, `other` one of somebody else."""

    folder: DataFolder
    world: Space
    teacher: Person
    person: str
    mine: list[str]
    other: str

    @property
    def code(self) -> str:
        return self.mine[0]

    def book(self, code: str = "", **fields: Any) -> Gradebook:
        """The LMS's gradebook of a section, with these parts replaced."""
        code = code or self.code
        self.world.gradebooks[code] = msgspec.structs.replace(self.world.gradebooks[code], **fields)
        return self.world.gradebooks[code]

    def item(self, id: str, **fields: Any) -> None:
        """Change an item of the first section."""
        items = tuple(
            msgspec.structs.replace(each, **fields) if each.id == id else each
            for each in self.world.gradebooks[self.code].items
        )
        self.book(items=items)

    def work(self) -> Run:
        """Work all runs of grades that wait, oldest first; the last of them."""
        waiting = Run.objects.filter(river=River.GRADES, state=RunState.QUEUED).order_by("created_at", "pk")
        runs = [work_until_ended(self.folder, one.pk) for one in list(waiting)]
        assert runs, "no run of grades waits"
        return runs[-1]

    def do(self, what: str, code: str = "", who: Person | None = None, **more: str) -> Any:
        return (who or self.teacher).post(f"{HERE}/sync/{code or self.code}/", do=what, **more)

    def digest(self, code: str = "") -> str:
        from rollbook.actions.grade_pages import map_digest

        return map_digest(GradeSection.objects.get(code=code or self.code))

    def save_map(self, code: str = "", seen: str = "", **chosen: str) -> Any:
        """`_1="hw"` maps category 1."""
        fields = {f"to-{name.lstrip('_')}": value for name, value in chosen.items()}
        address = f"{HERE}/configuration/{code or self.code}/"
        return self.teacher.post(address, seen=seen or self.digest(code), **fields)

    def mapped(self) -> None:
        """Looked at, mapped, and looked at again."""
        self.do("look")
        self.work()
        assert self.save_map(_1="hw", _2="te").status_code == 302
        self.work()

    def row(self, item: str, code: str = "") -> GradeItem:
        return GradeItem.objects.get(section__code=code or self.code, item=item)


def grades_case(folder: DataFolder, world: Space) -> Case:
    """Two sections of one teacher with two items each, and one of another."""
    run_now(folder)
    taught: dict[str, list[str]] = {}
    filled = {row["classSourcedId"] for row in world.rows["enrollments"] if row["role"] == "student"}
    for row in world.rows["enrollments"]:
        if row["role"] == "teacher" and row["classSourcedId"] in filled:
            taught.setdefault(row["userSourcedId"], []).append(row["classSourcedId"])
    given = {each.code for each in world.all("section")}
    known = {person: sorted({one for one in codes if one in given}) for person, codes in taught.items()}
    person = max(sorted(known), key=lambda one: len(known[one]))
    other = next(
        codes[0] for one, codes in sorted(known.items()) if one != person and codes and codes[0] not in known[person]
    )
    world.sis_book.categories = [SisCategory(id="hw", title="Homework"), SisCategory(id="te", title="Tests")]
    for code in (*known[person], other):
        _grade(world, code)
    teacher = make_person("Tina Teacher", org="maple", role="teacher")
    Membership.objects.filter(account=teacher.account).update(unique_id=person)
    return Case(folder=folder, world=world, teacher=teacher, person=person, mine=known[person], other=other)


def mapped_case(folder: DataFolder, world: Space, *asked: str) -> Case:
    """The same, mapped, and after runs that the teacher asked for one after the other. Made once in a process."""
    assert not Account.objects.exists(), "people come after what was made once"

    def make() -> tuple[tuple[int, str], str, list[str], str]:
        case = grades_case(folder, world)
        case.mapped()
        for what in asked:
            case.do(what)
            case.work()
        return session_of(case.teacher), case.person, case.mine, case.other

    teacher, person, mine, other = once(folder.path, world, ("mapped", *asked), make)
    open_pages(folder)
    tina = signed_in_again(teacher)
    return Case(folder=folder, world=world, teacher=tina, person=person, mine=mine, other=other)


def _grade(world: Space, code: str) -> None:
    found = world.find("section", code)
    assert found is not None
    members = [each for each in world.all("enrollment") if each.fields["section"] == found.lms_id]
    world.gradebooks[code] = Gradebook(
        section=found.lms_id,
        categories=(GradingCategory(id="1", title="Homework"), GradingCategory(id="2", title="Quizzes")),
        items=(
            GradedItem(id="10", title="Essay", points=20, category="1", due="2026-10-05"),
            GradedItem(id="11", title="Quiz", points=10, category="2", due="2026-10-06 23:59:00"),
        ),
        grades=tuple(Grade(item="11", member=each.lms_id, score=7) for each in members if not each.fields["admin"]),
    )
