"""Moodle keeps every promise of a grade source, before the practice Moodle."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from rollbook.connectors.base import Context
from rollbook.connectors.gradebook import GradeSource
from rollbook.connectors.moodle import MoodleOptions
from rollbook.connectors.moodle.gradebook import UNCATEGORIZED
from rollbook.connectors.moodle.grades import MoodleGrades
from rollbook.errors import BadResponse
from rollbook.practice.moodle.functions import FUNCTIONS
from rollbook.roster.grades import EXCUSED, INCOMPLETE, Gradebook, GradingCategory
from rollbook.testing import CountingContext
from rollbook.testing.grade_samples import SAMPLE
from rollbook.testing.grade_source_contract import CODE, GradeSourceContract
from tests.integration.moodle_world import TOKEN, Going, Switch, switched

FAULTS: dict[str, dict[str, Any]] = {
    "half_read": {"name": "server_error", "path": "core_enrol_get_enrolled_users"},
    "html": {"name": "html"},
    "throttle": {"name": "throttle", "retry_after": 3600},
    "cut": {"name": "cut"},
    "wrong_key": {"name": "invalid_token"},
}
#: 5 October 2026, 23:59 in the site's zone, and so on.
DUE = {"2026-10-05 23:59:00": 1_791_259_140, "2026-11-02 08:00:00": 1_793_624_400}


def as_moodle_knows_it(book: Gradebook = SAMPLE) -> Gradebook:
    """Without what Moodle has no words for: scales of letters, factors, weights, grading periods, finals, and of
    exceptions all but excused, which is told only where somebody else's grades show it. Every item has a category
    there."""
    top = GradingCategory(id="top", title=UNCATEGORIZED)
    items = [
        msgspec.structs.replace(
            each, grading_period=None, scale=None, counted=True, final=False, factor=1.0,
            category=each.category or "top",
        )
        for each in book.items
    ]  # fmt: skip
    known = [msgspec.structs.replace(each, score=3.0) if each.exception == INCOMPLETE else each for each in book.grades]
    grades = [each for each in known if each.score is not None or each.exception == EXCUSED or each.comment]
    members = [msgspec.structs.replace(each, id=each.user) for each in book.members]
    people = {each.id: each.user for each in book.members}
    return Gradebook(
        section=book.section,
        categories=(*(GradingCategory(id=each.id, title=each.title) for each in book.categories), top),
        items=tuple(items),
        members=tuple(members),
        grades=tuple(
            msgspec.structs.replace(
                each, member=people[each.member], exception=each.exception if each.exception == EXCUSED else ""
            )
            for each in grades
        ),
    )


def plant(site: Any, book: Gradebook) -> dict[str, str]:
    """Put a gradebook into the practice Moodle; its id for each name."""
    store = site.store
    course = store.insert("courses", category=1, fullname="Algebra", shortname="alg", idnumber=CODE, manual=1,
                          timecreated=1, timemodified=1)  # fmt: skip
    ids = {"section": str(course)}
    for each in book.members:
        name = each.unique_id or ""
        own = store.insert("users", username=name, idnumber=name, firstname="A", lastname="B", email=f"{name}@b.org",
                           email_key=name, timecreated=1, timemodified=1)  # fmt: skip
        ids[each.user] = str(own)
        store.run("INSERT INTO enrolments VALUES (?, ?, 'manual', ?, 0, 0)", course, own, int(not each.active))
        store.run("INSERT INTO role_assignments VALUES (?, ?, ?)", course, own, 3 if each.admin else 5)
    return ids


@pytest.fixture(scope="module")
def switch() -> Iterator[Switch]:
    with switched() as running:
        yield running


class TestMoodleGrades(GradeSourceContract):
    secrets = (TOKEN,)
    lacks = {"half_page": "all grades come in one answer"}  # noqa: RUF012 - never changed

    @pytest.fixture
    def sample(self) -> Gradebook:
        return as_moodle_knows_it()

    @pytest.fixture
    def site(self, switch: Switch) -> Any:
        return switch.put_on()

    @pytest.fixture
    def ids(self, site: Any, switch: Switch, sample: Gradebook) -> Mapping[str, str]:
        ids = plant(site, sample)
        people = {each.id: each.unique_id for each in sample.members}
        body = {
            "course": CODE,
            "categories": [
                {"name": each.title}
                for each in sample.categories if each.id != "top"
            ],
            "items": [
                {
                    "name": each.title, "max": each.points, "due": DUE.get(each.due or "", 0),
                    "hidden": int(not each.published),
                    "category": next((c.title for c in sample.categories if c.id == each.category != "top"), None),
                }
                for each in sample.items
            ],
            "grades": [
                {
                    "item": next(item.title for item in sample.items if item.id == each.item),
                    "user": people[each.member],
                    "grade": 5 if each.exception == EXCUSED else each.score, "excluded": int(each.exception == EXCUSED),
                    "feedback": f"<p>{each.comment}</p>" if each.comment else "",
                }
                for each in sample.grades
            ],
        }  # fmt: skip
        answer = httpx2.post(f"{switch.url}/_practice/gradebook", json=body).raise_for_status().json()
        ids |= {each.id: str(answer["items"][each.title]) for each in sample.items}
        names = {**answer["categories"], UNCATEGORIZED: answer["categories"]["?"]}
        return ids | {each.id: str(names[each.title]) for each in sample.categories}

    @pytest.fixture
    def grades(self, context: CountingContext, switch: Switch, ids: Mapping[str, str]) -> Iterator[GradeSource]:
        options = MoodleOptions(base_url=switch.url, token=TOKEN, time_zone="America/New_York")
        made = MoodleGrades(options, context)
        yield made
        made.close()

    @pytest.fixture
    def fault(self, switch: Switch) -> Callable[[str], None]:
        def tell(name: str) -> None:
            body = {"clear": True, "on": [FAULTS[name]]}
            httpx2.post(f"{switch.url}/_practice/faults", json=body).raise_for_status()

        return tell


class TestSeparateGroups:
    """A token without `moodle/site:accessallgroups` is shown nobody where groups are separate, and not told so."""

    @pytest.fixture
    def grades(self, tmp_path: Path, switch: Switch) -> Iterator[MoodleGrades]:
        context = Context(work=tmp_path, cancel=Going(), count=lambda attempts=1, /: None, allow_private_hosts=True)
        site = switch.put_on(denied=frozenset({"moodle/site:accessallgroups"}))
        plant(site, as_moodle_knows_it())
        site.store.run("""UPDATE courses SET fields = '{"groupmode": 1}' WHERE idnumber = ?""", CODE)
        made = MoodleGrades(MoodleOptions(base_url=switch.url, token=TOKEN, time_zone="America/New_York"), context)
        yield made
        made.close()

    def test_nobody_is_not_taken_for_everybody(self, grades: MoodleGrades) -> None:
        for ask in (grades.gradebook, grades.course_admins):
            with pytest.raises(BadResponse, match="accessallgroups"):
                ask(CODE, None)

    def test_one_visible_group_is_not_taken_for_everybody(self, grades: MoodleGrades, switch: Switch) -> None:
        """Of visible groups a token is shown everybody who is enrolled, but the report of the first group alone."""
        store = switch._app.state.moodle.store
        member = store.one("SELECT user FROM role_assignments WHERE role = 5")["user"]
        store.run("UPDATE courses SET fields = ? WHERE idnumber = ?", f'{{"groupmode": 2, "group": [{member}]}}', CODE)
        with pytest.raises(BadResponse, match=r"lacks students of this section.*accessallgroups"):
            grades.gradebook(CODE, None)


class TestDueDates:
    """Of an assignment, of other activities, and of what the token may not call."""

    ITEMS = (
        {"name": "Essay", "module": "assign", "due": DUE["2026-10-05 23:59:00"]},
        {"name": "Test", "module": "quiz", "open": 1, "due": DUE["2026-11-02 08:00:00"]},
        {"name": "Debate", "module": "forum", "due": DUE["2026-10-05 23:59:00"]},
        {"name": "Game", "module": "scorm", "due": DUE["2026-11-02 08:00:00"]},
        {"name": "Paper", "module": "", "due": 1},
        {"name": "Open", "module": "quiz"},
    )  # fmt: skip

    @pytest.fixture
    def due(self, switch: Switch, tmp_path: Path) -> Callable[..., dict[str, str | None]]:
        context = Context(work=tmp_path, cancel=Going(), count=lambda attempts=1, /: None, allow_private_hosts=True)

        def ask(*without: str, **site: Any) -> dict[str, str | None]:
            functions = frozenset(FUNCTIONS) - set(without) if without else None
            plant(switch.put_on(functions=functions, **site), as_moodle_knows_it())
            body = {"course": CODE, "items": self.ITEMS}
            httpx2.post(f"{switch.url}/_practice/gradebook", json=body).raise_for_status()
            options = MoodleOptions(base_url=switch.url, token=TOKEN, time_zone="America/New_York")
            with closing(MoodleGrades(options, context)) as grades:
                found = {each.title: each.due for each in grades.gradebook(CODE, None).items}
                self.told = grades.test().facts["due dates"]
            return found

        return ask

    @pytest.mark.parametrize("release", ["4.1", "5.0"])
    def test_are_those_of_all_activities(self, due: Callable[..., dict[str, str | None]], release: str) -> None:
        assert due(moodle=release) == {
            "Essay": "2026-10-05 23:59:00", "Test": "2026-11-02 08:00:00", "Debate": "2026-10-05 23:59:00",
            "Game": "2026-11-02 08:00:00", "Paper": None, "Open": None,
        }  # fmt: skip
        assert self.told == "yes"

    def test_else_of_assignments(self, due: Callable[..., dict[str, str | None]]) -> None:
        found = due("core_course_get_contents")
        assert {title for title, at in found.items() if at} == {"Essay"}
        assert self.told == "of assignments"

    def test_else_there_are_none(self, due: Callable[..., dict[str, str | None]]) -> None:
        assert set(due("core_course_get_contents", "mod_assign_get_assignments").values()) == {None}
        assert self.told == "no"

    def test_a_course_that_the_token_may_not_see_is_an_error(self, due: Callable[..., dict[str, str | None]]) -> None:
        with pytest.raises(BadResponse, match="core_course_get_contents"):
            due(denied=frozenset({"moodle/course:view"}))
