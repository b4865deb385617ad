"""The promises of a grade source as tests. An author subclasses `GradeSourceContract` and overrides its fixtures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest

from rollbook.connectors.gradebook import GradeSource
from rollbook.errors import AuthFailed, BadResponse, RollbookError, Throttled, Unavailable
from rollbook.roster.grades import Gradebook
from rollbook.testing.grade_samples import SAMPLE, translated
from rollbook.testing.watch import CountingContext, Watched

SetFault = Callable[[str], None]

#: The code of the section that holds the sample.
CODE = "suite-section"


class GradeSourceContract(Watched):
    """What every LMS connector promises about gradebooks.

    Override `grades`, `ids` and `fault`. Name in `lacks` the faults that the other side does not have, with the reason.
    Let pages be small: the sample's grades then come in several.
    """

    #: Faults that this kind of system does not have, and why; their tests are skipped with these words.
    lacks: Mapping[str, str] = {}

    @pytest.fixture
    def grades(self, context: CountingContext) -> GradeSource:
        """A grade source, made from `context`, of an LMS in which the section CODE holds the sample."""
        raise NotImplementedError

    @pytest.fixture
    def sample(self) -> Gradebook:
        """What the section holds. Leave out of it what this LMS does not know."""
        return SAMPLE

    @pytest.fixture
    def ids(self) -> Mapping[str, str]:
        """The LMS's id for each name in the sample, told by the other side."""
        raise NotImplementedError

    @pytest.fixture
    def fault(self) -> SetFault:
        """Makes the other side faulty from now on: `half_read` (reading grades breaks off midway), `half_page` (a page
        of grades lacks some), `html` (answers are web pages), `throttle` (asks for a long wait), `cut` (no connection),
        `wrong_key`."""
        raise NotImplementedError

    @pytest.fixture
    def expected(self, sample: Gradebook, ids: Mapping[str, str]) -> Gradebook:
        return translated(sample, ids)

    def test_nothing_is_asked_before_it_is_wanted(self, grades: GradeSource, context: CountingContext) -> None:
        assert context.requests == 0

    def test_the_whole_gradebook_is_read(self, grades: GradeSource, expected: Gradebook) -> None:
        found = _plain(grades.gradebook(CODE, None))
        for name in ("section", "categories", "items", "members", "grades"):
            assert getattr(found, name) == getattr(_plain(expected), name), name

    def test_the_code_counts_and_the_id_is_a_hint(self, grades: GradeSource, expected: Gradebook) -> None:
        for hint in (expected.section, "987654321", ""):
            assert _plain(grades.gradebook(CODE, hint)).grades == _plain(expected).grades

    def test_reading_again_gives_the_same(self, grades: GradeSource) -> None:
        assert grades.gradebook(CODE, None) == grades.gradebook(CODE, None)

    def test_no_score_is_never_a_score_of_zero(self, grades: GradeSource, sample: Gradebook) -> None:
        wanted = sorted(str(each.score) for each in sample.grades)
        assert {"0.0", "None"} <= set(wanted), "the sample has both"
        assert sorted(str(each.score) for each in grades.gradebook(CODE, None).grades) == wanted

    def test_grades_are_about_members_and_items(self, grades: GradeSource) -> None:
        book = grades.gradebook(CODE, None)
        assert {each.item for each in book.grades} <= {each.id for each in book.items}
        assert {each.member for each in book.grades} <= {each.id for each in book.members}
        assert {each.category for each in book.items} <= {None, *(each.id for each in book.categories)}
        assert {each.scale for each in book.items} <= {None, *(each.id for each in book.scales)}

    def test_scales_come_from_the_highest_level_down(self, grades: GradeSource) -> None:
        for scale in grades.gradebook(CODE, None).scales:
            assert scale.kind in ("numeric", "percent", "points")
            cutoffs = [level.cutoff for level in scale.levels]
            assert cutoffs == sorted(cutoffs, reverse=True)
            assert bool(cutoffs) == (scale.kind != "numeric")

    def test_course_admins_are_the_active_ones(self, grades: GradeSource, sample: Gradebook) -> None:
        wanted = {each.unique_id for each in sample.members if each.admin and each.active}
        found = grades.course_admins(CODE, None)
        assert {each.unique_id for each in found} == wanted
        accounts = {each.unique_id: each.user for each in grades.gradebook(CODE, None).members}
        assert {each.unique_id: each.user for each in found} == {name: accounts[name] for name in wanted}

    def test_the_sections_of_a_person_are_those_they_are_in(self, grades: GradeSource, expected: Gradebook) -> None:
        for each in expected.members:
            if each.unique_id and each.active:
                for hint in (each.user, None):
                    assert grades.sections_of(each.unique_id, hint) == {CODE}, "as admin and as member"
            elif each.unique_id:
                assert CODE not in grades.sections_of(each.unique_id, each.user), "they have left"
        assert grades.sections_of("nobody-at-all", None) == frozenset()

    def test_a_section_that_is_not_there_is_said(self, grades: GradeSource) -> None:
        for code in ("no-such-section", "", "a,b", f"{CODE}-2"):
            with self.raises(BadResponse):
                grades.gradebook(code, None)
            with self.raises(BadResponse):
                grades.course_admins(code, "987654321")

    @pytest.mark.parametrize("name", ["half_read", "half_page", "html"])
    def test_a_part_never_passes_for_the_whole(self, grades: GradeSource, fault: SetFault, name: str) -> None:
        self._set(fault, name)
        with self.raises(RollbookError):
            grades.gradebook(CODE, None)

    def test_being_throttled_surfaces(self, grades: GradeSource, fault: SetFault) -> None:
        self._set(fault, "throttle")
        with self.raises(Throttled) as raised:
            grades.gradebook(CODE, None)
        assert isinstance(raised[0], Throttled)
        assert raised[0].retry_after > 0

    def test_without_a_connection_it_is_unavailable(self, grades: GradeSource, fault: SetFault) -> None:
        for ask in (
            grades.test,
            lambda: grades.gradebook(CODE, None),
            lambda: grades.course_admins(CODE, None),
            lambda: grades.sections_of("t-1", None),
        ):
            self._set(fault, "cut")
            with self.raises(Unavailable):
                ask()

    def test_a_wrong_key_is_auth_failed(self, grades: GradeSource, fault: SetFault) -> None:
        for ask in (grades.test, lambda: grades.gradebook(CODE, None)):
            self._set(fault, "wrong_key")
            with self.raises(AuthFailed):
                ask()

    def test_the_report_says_ok_and_nothing_private(self, grades: GradeSource) -> None:
        report = grades.test()
        assert report.ok
        assert report.summary
        self.assert_quiet(f"{report!r}", "the report")

    def test_reprs_tell_nothing_private(self, grades: GradeSource) -> None:
        book = grades.gradebook(CODE, None)
        self.assert_quiet(f"{grades!r} {book!r} {book.grades!r} {book.members!r}", "a repr")

    def test_closing_twice_is_fine(self, grades: GradeSource) -> None:
        grades.close()
        grades.close()

    def _set(self, fault: SetFault, name: str) -> None:
        if name in self.lacks:
            pytest.skip(self.lacks[name])
        fault(name)


def _plain(book: Gradebook) -> Gradebook:
    """In one order, without descriptions (lists may leave them out), times of change and scales."""

    def ordered(parts: Any) -> tuple[Any, ...]:
        return tuple(sorted(parts, key=lambda part: str(msgspec.structs.astuple(part))))

    return Gradebook(
        section=book.section,
        categories=ordered(book.categories),
        items=ordered(msgspec.structs.replace(each, description="") for each in book.items),
        members=ordered(book.members),
        grades=ordered(msgspec.structs.replace(each, at=None) for each in book.grades),
    )
