"""The reference connector keeps every promise about grades. Copy this file for a connector of your own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
import pytest

from rollbook.connectors.gradebook import GradeSink, GradeSource
from rollbook.connectors.memory.book_server import shown
from rollbook.connectors.memory.grades import MemoryGradeSink, MemoryGradeSource
from rollbook.connectors.memory.space import Space
from rollbook.connectors.memory.target import MemoryTarget
from rollbook.roster.changes import LiveRecord
from rollbook.roster.grades import GradingScale, ScaleLevel, SinkLimits, SisCategory
from rollbook.testing import CountingContext, Sender, ladder, make_context
from rollbook.testing.grade_samples import SAMPLE, Room
from rollbook.testing.grade_sink_contract import GradeSinkContract
from rollbook.testing.grade_source_contract import CODE, GradeSourceContract
from tests.contract import test_memory
from tests.contract.test_memory import KEY, options_of

own = test_memory.own
LETTERS = GradingScale(id="letters", title="Letters", kind="percent", levels=(ScaleLevel(letter="A", cutoff=90.0),))
BOOKS = {CODE: msgspec.structs.replace(SAMPLE, scales=(LETTERS,))}
ROOM = Room(
    id="class/1", school="school-1", category="cat-1", session="period-1", students=("s-1", "s-2"), stranger="s-3"
)
NO_WEB = "the memory space has no web server in front of it"


def fill(own: Space) -> None:
    """Classes, sessions and enrollments of the SIS, in the rows that rosters are read from."""
    own.rows = {
        "classes": [
            {"sourcedId": ROOM.id, "title": "Algebra", "schoolSourcedId": ROOM.school, "termSourcedIds": ["term-1"]},
            {"sourcedId": "class-2", "title": "Biology", "schoolSourcedId": ROOM.school, "termSourcedIds": "term-1"},
            {"sourcedId": "no-such-class", "status": "tobedeleted"},
        ],
        "academicSessions": [
            {"sourcedId": own_id, "title": own_id, "type": kind, "startDate": "2026-08-24", "endDate": end} | parent
            for own_id, kind, end, parent in (
                ("term-1", "term", "2027-01-23", {}),
                (ROOM.session, "gradingPeriod", "2026-10-31", {"parentSourcedId": "term-1"}),
            )
        ],
        "enrollments": [
            {"sourcedId": f"e-{student}", "classSourcedId": room, "userSourcedId": student, "role": role}
            for room, student, role in (
                (ROOM.id, "s-1", "student"), (ROOM.id, "s-2", "student"), ("class-2", "s-3", "student"),
                (ROOM.id, "t-1", "teacher"),
            )
        ],
    }  # fmt: skip
    own.sis_book.records["line_item"] = {
        "li-theirs": {"title": "By hand", "class": ROOM.id, "category": "cat-1"},
        "li-other": {"title": "By hand", "class": "class-2", "category": "cat-1"},
    }
    own.sis_book.categories = [
        SisCategory(id="cat-1", title="Homework"),
        SisCategory(id="cat-2", title="Tests", class_id=ROOM.id, weight=60.0),
        SisCategory(id="cat-3", title="Labs", class_id="class-2"),
    ]


class TestMemoryGradeSource(GradeSourceContract):
    secrets = (KEY,)
    lacks = {"html": NO_WEB, "half_page": NO_WEB}  # noqa: RUF012 - never changed

    @pytest.fixture
    def grades(self, context: CountingContext, own: Space) -> GradeSource:
        own.gradebooks = BOOKS
        return MemoryGradeSource(options_of(own), context)

    @pytest.fixture
    def ids(self) -> Mapping[str, str]:
        return {}

    @pytest.fixture
    def fault(self, own: Space) -> Callable[[str], None]:
        return striker(own, "grade")


class TestMemoryGradeSink(GradeSinkContract):
    secrets = (KEY,)
    lacks = {"html": NO_WEB}  # noqa: RUF012 - never changed
    limits = SinkLimits(letters=True, flags=True)

    @pytest.fixture
    def sink(self, context: CountingContext, own: Space) -> GradeSink:
        fill(own)
        own.sis_book.limits = self.limits
        return MemoryGradeSink(msgspec.structs.replace(options_of(own), page_size=1), context)

    @pytest.fixture
    def room(self) -> Room:
        return ROOM

    @pytest.fixture
    def peek(self, own: Space) -> Callable[[str], Sequence[LiveRecord]]:
        def look(kind: str) -> list[LiveRecord]:
            found = shown(own.sis_book, kind, ROOM.id)
            return [LiveRecord(kind=kind, lms_id=each, code=each, fields=dict(fields)) for each, fields in found]

        return look

    @pytest.fixture
    def fault(self, own: Space) -> Callable[[str], None]:
        return striker(own, "line_item")

    @pytest.fixture
    def own_ids(self, own: Space) -> Callable[[], None]:
        return lambda: setattr(own.sis_book, "makes_ids", True)


class TestMemoryGradeSinkWithCategories(TestMemoryGradeSink):
    """A SIS that takes new categories."""

    limits = SinkLimits(letters=True, flags=True, makes_categories=True)


def striker(own: Space, kind: str) -> Callable[[str], None]:
    """Faults of a space; `kind` is what reading breaks off at."""

    def strike(name: str) -> None:
        if name == "wrong_key":
            own.key = "another"
        elif name == "half_read":
            own.faults.break_read_at[kind] = 1
        else:
            own.faults.next_calls(name)

    return strike


def test_members_are_the_enrolled_ones_where_the_gradebook_names_none(own: Space, tmp_path: Path) -> None:
    context = make_context(tmp_path)
    target = MemoryTarget(options_of(own), context)
    Sender(target).send_all(ladder(target.roles()))
    book = MemoryGradeSource(options_of(own), context).gradebook("a-s", None)
    assert [(each.unique_id, each.admin) for each in book.members] == [(f"a-u{n}", n == 5) for n in range(1, 6)]
    admins = MemoryGradeSource(options_of(own), context).course_admins("a-s", book.section)
    assert [each.unique_id for each in admins] == ["a-u5"]
