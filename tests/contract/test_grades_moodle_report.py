"""What Moodle's grade report does not say outright, and what reads like no grades, before the practice Moodle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rollbook.connectors.base import Context
from rollbook.connectors.moodle import MoodleOptions
from rollbook.connectors.moodle.grades import MoodleGrades
from rollbook.errors import BadResponse
from rollbook.roster.grades import Grade, Gradebook, Member
from rollbook.testing.grade_samples import SAMPLE
from rollbook.testing.grade_source_contract import CODE
from tests.contract.test_grades_moodle import as_moodle_knows_it, plant
from tests.integration.moodle_world import TOKEN, Going, Switch, switched


@pytest.fixture(scope="module")
def switch() -> Iterator[Switch]:
    with switched() as running:
        yield running


class TestWithoutStudents:
    """After the last day nobody is active; what is in the gradebook stays."""

    @pytest.fixture
    def book(self, switch: Switch, tmp_path: Path) -> Callable[[str], Gradebook]:
        context = Context(work=tmp_path, cancel=Going(), count=lambda attempts=1, /: None, allow_private_hosts=True)
        site = switch.put_on()
        plant(site, as_moodle_knows_it())
        student = next(each.unique_id for each in SAMPLE.members if not each.admin and each.active)
        body = {
            "course": CODE,
            "items": [{"name": "Essay", "max": 20}],
            "grades": [{"item": "Essay", "user": student, "grade": 9}],
        }
        httpx2.post(f"{switch.url}/_practice/gradebook", json=body).raise_for_status()

        def after(sql: str) -> Gradebook:
            site.store.run(sql)
            with closing(MoodleGrades(MoodleOptions(base_url=switch.url, token=TOKEN), context)) as grades:
                return grades.gradebook(CODE, None)

        return after

    @pytest.mark.parametrize("sql", ["UPDATE enrolments SET status = 1", "DELETE FROM enrolments"])
    def test_items_do_not_read_as_deleted(self, book: Callable[[str], Gradebook], sql: str) -> None:
        read = book(sql)
        assert [(each.title, each.points, each.published) for each in read.items] == [("Essay", 20, True)]
        assert (read.grades, [each for each in read.members if each.active]) == ((), [])


class TestDropped:
    """Excluded grades and those that a rule leaves out have the same status: only the others' grades tell."""

    ITEMS = ("One", "Two", "Three")

    @pytest.fixture
    def told(self, switch: Switch, tmp_path: Path) -> Callable[..., dict[str, list[str]]]:
        """Of each student what is passed on of each item; a list is what they got, with "!" where it is excluded."""
        context = Context(work=tmp_path, cancel=Going(), count=lambda attempts=1, /: None, allow_private_hosts=True)

        def read(*students: str, droplow: int = 0) -> dict[str, list[str]]:
            site = switch.put_on()
            members = tuple(Member(id=f"m{n}", user=f"u{n}", unique_id=f"s{n}") for n in range(len(students)))
            ids = plant(site, Gradebook(section="section", members=members))
            body = {
                "course": CODE,
                "categories": [{"name": "Tests", "droplow": droplow}],
                "items": [{"name": name, "max": 10, "category": "Tests"} for name in self.ITEMS],
                "grades": [
                    {"item": name, "user": f"s{n}", "grade": int(got.strip("!")), "excluded": int("!" in got)}
                    for n, each in enumerate(students) for name, got in zip(self.ITEMS, each.split(), strict=True)
                    if got != "-"
                ],
            }  # fmt: skip
            httpx2.post(f"{switch.url}/_practice/gradebook", json=body).raise_for_status()
            with closing(MoodleGrades(MoodleOptions(base_url=switch.url, token=TOKEN), context)) as grades:
                book = grades.gradebook(CODE, None)
            names = {each.id: each.title for each in book.items}
            found = {(each.member, names[each.item]): each for each in book.grades}
            return {
                f"s{n}": [_said(found.get((ids[f"u{n}"], name))) for name in self.ITEMS] for n in range(len(students))
            }

        return read

    def test_excluded_where_another_one_has_no_such_grade_dropped(
        self, told: Callable[..., dict[str, list[str]]]
    ) -> None:
        assert told("4 5! 6", "7 3 9") == {"s0": ["4", "excused", "6"], "s1": ["7", "3", "9"]}

    @pytest.mark.parametrize("others", [(), ("7! 3 9",), ("- 3 9",)])
    def test_unclear_where_nobody_shows_it(
        self, told: Callable[..., dict[str, list[str]]], others: tuple[str, ...]
    ) -> None:
        assert told("4 5! 6", *others)["s0"] == ["4", "dropped", "6"]

    def test_the_lowest_that_a_rule_leaves_out_are_grades(self, told: Callable[..., dict[str, list[str]]]) -> None:
        found = told("4 5 6", "7 3 9", "8 8 8", "2 - -", droplow=1)
        assert found == {"s0": ["4", "5", "6"], "s1": ["7", "3", "9"], "s2": ["8", "8", "8"], "s3": ["2", "", ""]}

    def test_a_rule_and_an_excluded_grade_are_unclear(self, told: Callable[..., dict[str, list[str]]]) -> None:
        found = told("4 5 6!", "7 3 9", "9 8 1", droplow=1)
        assert found["s0"] == ["dropped", "5", "dropped"]


def _said(grade: Grade | None) -> str:
    if grade is None:
        return ""
    return grade.unknown_exception[:7] or grade.exception or f"{grade.score:g}"


class TestWhatReadsLikeNoGrades:
    """Places of words are no points, and a report that does not show its grades is no report of none."""

    @pytest.fixture
    def book(self, switch: Switch, tmp_path: Path) -> Callable[..., Gradebook]:
        context = Context(work=tmp_path, cancel=Going(), count=lambda attempts=1, /: None, allow_private_hosts=True)

        def read(*items: dict[str, Any], **site: Any) -> Gradebook:
            plant(switch.put_on(**site), as_moodle_knows_it())
            student = next(each.unique_id for each in SAMPLE.members if not each.admin and each.active)
            grades = [
                {"item": each["name"], "user": student, "grade": each.pop("grade"), "rawmax": each.pop("rawmax", None)}
                for each in items
            ]
            body = {"course": CODE, "items": items, "grades": grades}
            httpx2.post(f"{switch.url}/_practice/gradebook", json=body).raise_for_status()
            return again()

        def again() -> Gradebook:
            with closing(MoodleGrades(MoodleOptions(base_url=switch.url, token=TOKEN), context)) as grades_of:
                return grades_of.gradebook(CODE, None)

        self.again = again
        return read

    @pytest.mark.parametrize(
        ("scale", "place", "word"),
        [
            (["poor", "fair", "good"], 3, "good"),
            (["0", "1", "2", "3"], 4, "3"),
            (["1", "2", "3", "5"], 4, "5"),
            (["A–B", "C"], 1, "A–B"),
        ],
    )
    def test_a_place_of_a_word_is_never_a_score(
        self, book: Callable[..., Gradebook], scale: list[str], place: int, word: str
    ) -> None:
        read = book({"name": "Oral", "module": "", "scale": scale, "grade": place})
        (item,), (grade,) = read.items, read.grades
        assert (item.points, grade.score, grade.unknown_exception) == (None, None, word)

    @pytest.mark.parametrize(
        ("name", "title"),
        [
            (
                '<span lang="en" class="multilang">Essay</span> <span class="multilang" lang="es">Ensayo</span> 1',
                "Essay 1",
            ),
            ("Essay <1> & <span>more</span>", "Essay <1> & <span>more</span>"),
        ],
    )
    def test_a_name_in_several_languages_is_told_in_one(
        self, book: Callable[..., Gradebook], name: str, title: str
    ) -> None:
        assert [each.title for each in book({"name": name, "grade": 1}).items] == [title]

    def test_a_category_is_called_as_its_teacher_called_it(
        self, book: Callable[..., Gradebook], switch: Switch
    ) -> None:
        book({"name": "Essay", "grade": 1})
        body = {
            "course": CODE, "categories": [{"name": "Q & A"}], "items": [{"name": "Essay", "category": "Q & A"}],
        }  # fmt: skip
        httpx2.post(f"{switch.url}/_practice/gradebook", json=body).raise_for_status()
        assert [each.title for each in self.again().categories] == ["Q & A"]

    def test_a_grade_out_of_other_points_is_no_score(self, book: Callable[..., Gradebook]) -> None:
        read = book({"name": "Essay", "max": 20, "grade": 8, "rawmax": 10})
        assert [each.points for each in read.items] == [20]
        assert [(each.score, each.unknown_exception) for each in read.grades] == [(None, "a grade out of 10 points")]

    @pytest.mark.parametrize(("most", "least"), [(100, 0), (10.5, 0), (3, 1), (7.25, -2)])
    def test_points_are_points_however_they_are_rounded(
        self, book: Callable[..., Gradebook], most: float, least: float
    ) -> None:
        read = book({"name": "Essay", "min": least, "max": most, "grade": 2.5})
        assert [(each.title, each.points) for each in read.items] == [("Essay", most)]
        assert [(each.score, each.unknown_exception) for each in read.grades] == [(2.5, "")]

    @pytest.mark.parametrize(("column", "words"), [("grade", "Show grades"), ("range", "Show ranges")])
    def test_a_report_that_hides_a_column_is_an_error(
        self, book: Callable[..., Gradebook], column: str, words: str
    ) -> None:
        with pytest.raises(BadResponse, match=f"a teacher chooses {words}"):
            book({"name": "Essay", "grade": 50}, report_hides=frozenset({column}))

    def test_grades_that_cannot_be_worked_out_are_an_error(self, book: Callable[..., Gradebook]) -> None:
        with pytest.raises(BadResponse, match="has not worked out"):
            book({"name": "Essay", "grade": 50, "needs_update": 1})

    def test_one_section_that_cannot_be_read_does_not_fail_the_connection(
        self, book: Callable[..., Gradebook], switch: Switch, tmp_path: Path
    ) -> None:
        with pytest.raises(BadResponse):
            book({"name": "Essay", "grade": 50, "needs_update": 1})
        context = Context(work=tmp_path, cancel=Going(), count=lambda attempts=1, /: None, allow_private_hosts=True)
        with closing(MoodleGrades(MoodleOptions(base_url=switch.url, token=TOKEN), context)) as grades:
            assert grades.test().ok

    @pytest.mark.parametrize("right", ["gradereport/user:view", "moodle/grade:viewall"])
    def test_a_report_that_is_refused_names_the_right(self, book: Callable[..., Gradebook], right: str) -> None:
        with pytest.raises(BadResponse, match=rf"the token's role needs .*{right}"):
            book({"name": "Essay", "grade": 50}, denied=frozenset({right}))

    def test_students_without_a_graded_role_are_an_error(self, book: Callable[..., Gradebook]) -> None:
        with pytest.raises(BadResponse, match="one of the graded roles"):
            book({"name": "Essay", "grade": 50}, graded_roles=frozenset({"teacher"}))

    def test_a_hidden_grade_is_not_one_that_was_taken_away(
        self, book: Callable[..., Gradebook], switch: Switch
    ) -> None:
        book({"name": "Essay", "grade": 50})
        student = next(each.unique_id for each in SAMPLE.members if not each.admin and each.active)
        body = {
            "course": CODE, "grades": [
                {"item": "Essay", "user": student, "grade": 50, "hidden": 1, "feedback": "Not yet"},
            ],
        }  # fmt: skip
        httpx2.post(f"{switch.url}/_practice/gradebook", json=body).raise_for_status()
        read = self.again()
        assert [each.published for each in read.items] == [True]
        assert [(each.score, each.unknown_exception, each.comment) for each in read.grades] == [(None, "hidden", "")]

    @pytest.mark.parametrize("hidden", [1, 4_000_000_000])
    def test_hidden_grades_that_the_token_may_not_see(
        self, book: Callable[..., Gradebook], switch: Switch, hidden: int
    ) -> None:
        """Without the right, one that is hidden for good has no row, and one that is hidden until a day no number."""
        book({"name": "Essay", "grade": 50}, denied=frozenset({"moodle/grade:viewhidden"}))
        student = next(each.unique_id for each in SAMPLE.members if not each.admin and each.active)
        body = {"course": CODE, "grades": [{"item": "Essay", "user": student, "grade": 50, "hidden": hidden}]}
        httpx2.post(f"{switch.url}/_practice/gradebook", json=body).raise_for_status()
        if hidden == 1:
            with pytest.raises(BadResponse, match="moodle/grade:viewhidden"):
                self.again()
        else:
            assert [each.unknown_exception for each in self.again().grades] == ["hidden"]

    def test_other_columns_may_be_hidden(self, book: Callable[..., Gradebook]) -> None:
        hides = frozenset({"weight", "percentage", "feedback"})
        assert [each.score for each in book({"name": "Essay", "grade": 50}, report_hides=hides).grades] == [50]

    @pytest.mark.parametrize("how", [{"visible": 0}, {"restricted": 1}])
    def test_activities_that_students_do_not_see_yet_are_there(
        self, book: Callable[..., Gradebook], how: dict[str, int]
    ) -> None:
        assert [each.title for each in book({"name": "Essay", "grade": 50, **how}).items] == ["Essay"]
        lacking = "viewhiddenactivities" if "visible" in how else "ignoreavailabilityrestrictions"
        denied = frozenset({f"moodle/course:{lacking}"})
        assert book({"name": "Essay", "grade": 50, **how}, denied=denied).items == ()
