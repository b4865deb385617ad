"""A small gradebook, and changes for a SIS's, that the suites of grade connectors share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from rollbook.connectors.base import Batch
from rollbook.connectors.gradebook import GradeSink
from rollbook.roster.changes import DONE, Change, Outcome
from rollbook.roster.grades import (
    EXCUSED,
    FULLY,
    GRADE_KINDS,
    INCOMPLETE,
    LATE,
    MISSING,
    Grade,
    Gradebook,
    GradedItem,
    GradingCategory,
    Member,
)
from rollbook.roster.lms import CREATE, REMOVE

#: A comment about a person, and so nothing that may show in a log.
COMMENT: Final = "Zebulon Quimbleton was away"

#: Ids are names of ours: the author of a suite says which id the LMS gave to each. "period" is a grading period and
#: "letters" a scale of letters that the author's LMS has.
SAMPLE: Final = Gradebook(
    section="section",
    categories=(
        GradingCategory(id="homework", title="Homework", weight=40.0),
        GradingCategory(id="tests", title="Tests", weight=60.0),
    ),
    items=(
        GradedItem(
            id="essay", title="Essay <1> & “more”", due="2026-10-05 23:59:00", points=20.0, category="homework",
            grading_period="period",
        ),
        GradedItem(id="quiz", title="Quiz", points=12.5, category="tests", scale="letters", factor=2.0),
        GradedItem(
            id="draft", title="Draft", due="2026-11-02 08:00:00", points=10.0, category="tests", published=False,
        ),
        GradedItem(id="loose", title="Without a category", points=5.0, counted=False),
        GradedItem(id="midterm", title="Midterm", points=100.0, category="tests", final=True),
    ),
    members=(
        Member(id="m-teacher", user="u-teacher", unique_id="t-1", admin=True),
        Member(id="m-1", user="u-1", unique_id="s-1"),
        Member(id="m-2", user="u-2", unique_id="s-2"),
        Member(id="m-gone", user="u-gone", unique_id="s-gone", active=False),
    ),
    grades=(
        Grade(item="essay", member="m-1", score=17.5, comment=COMMENT),
        Grade(item="essay", member="m-2", score=0.0),
        Grade(item="quiz", member="m-1", exception=EXCUSED),
        Grade(item="quiz", member="m-2", exception=INCOMPLETE),
        Grade(item="midterm", member="m-1", exception=MISSING),
        Grade(item="midterm", member="m-2", score=110.0, exception=LATE),
        Grade(item="loose", member="m-1", comment="No score yet"),
    ),
)  # fmt: skip


def translated(sample: Gradebook, ids: Mapping[str, str]) -> Gradebook:
    """The sample under the ids of an LMS."""

    def of(name: str | None) -> str | None:
        return None if name is None else ids.get(name, name)

    def put(one: Any, *names: str) -> Any:
        return msgspec.structs.replace(one, **{name: of(getattr(one, name)) for name in names})

    return Gradebook(
        section=ids.get(sample.section, sample.section),
        categories=tuple(put(each, "id") for each in sample.categories),
        items=tuple(put(each, "id", "category", "grading_period", "scale") for each in sample.items),
        members=tuple(put(each, "id", "user") for each in sample.members),
        grades=tuple(put(each, "item", "member") for each in sample.grades),
    )


@dataclass(frozen=True, kw_only=True)
class Room:
    """A class of a SIS in which the suite may work: its sourcedId, its school's, a category, a grading period, two
    students who are enrolled, and somebody who is not."""

    id: str
    school: str
    category: str
    session: str
    students: tuple[str, str]
    stranger: str


def line_item(room: Room, key: str = "li-suite", **more: Any) -> Change:
    """A create of a line item in the room."""
    after = {
        "title": f"Suite {key}", "description": "Read to the end", "assign_date": "2026-09-14T04:00:00.000Z",
        "due_date": "2026-09-22T03:59:00.000Z", "class": room.id, "school": room.school, "category": room.category,
        "grading_period": room.session, "academic_session": room.session, "minimum": 0.0, "maximum": 20.0,
    }  # fmt: skip
    return grade_change("line_item", key, {**after, **more})


def result(room: Room, item: str, student: str, **more: Any) -> Change:
    """A create of a result; `item` is the key of its line item."""
    after = {
        "line_item": item, "student": student, "class": room.id, "status": FULLY, "score": 17.5, "date": "2026-09-23",
        "comment": COMMENT, "late": False, "missing": False, "incomplete": False,
    }  # fmt: skip
    return grade_change("result", f"re-{item}-{student}", {**after, **more})


def grade_change(kind: str, key: str, after: Mapping[str, Any], action: str = CREATE, **more: Any) -> Change:
    """A change with every field of its kind, absent ones None."""
    fields = dict.fromkeys(GRADE_KINDS[kind].fields) | dict(after)
    return Change(seq=more.pop("seq", 0), kind=kind, action=action, key=key, after=fields, **more)


class GradeSender:
    """Sends changes as core does: fills in ids that the SIS made, cuts to the bulk size, learns from outcomes."""

    def __init__(self, sink: GradeSink) -> None:
        self.sink = sink
        self.ids: dict[str, str] = {}

    def send(self, changes: Sequence[Change]) -> list[Outcome]:
        """Send changes of one kind and action; one outcome each. Raises what the sink raises."""
        outcomes: list[Outcome] = []
        for batch in self.batches(changes):
            answers = self.sink.apply(batch)
            assert len(answers) == len(batch.changes), "one outcome per change"
            for each, outcome in zip(batch.changes, answers, strict=True):
                if outcome.status == DONE and outcome.lms_id and each.action != REMOVE:
                    self.ids[each.key] = outcome.lms_id
            outcomes += answers
        return outcomes

    def batches(self, changes: Sequence[Change]) -> list[Batch]:
        """The calls that these changes make."""
        if not changes:
            return []
        kind, size = changes[0].kind, self.sink.traits.bulk[changes[0].kind]
        parts = [changes[start : start + size] for start in range(0, len(changes), size)]
        return [
            Batch(kind=kind, action=changes[0].action, changes=[self.complete(each) for each in part]) for part in parts
        ]

    def complete(self, change: Change) -> Change:
        """The change with the ids of the SIS, as far as they are known."""
        item = self.ids.get(str(change.after.get("line_item")))
        refs = {"line_item": item} if change.kind == "result" and item else {}
        return msgspec.structs.replace(change, refs=refs, lms_id=change.lms_id or self.ids.get(change.key))
