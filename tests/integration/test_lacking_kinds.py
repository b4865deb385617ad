"""An LMS without grading periods, courses or guardian links: what it lacks stays in the ledger, and is never sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from rollbook.connectors.base import Batch, TargetTraits
from rollbook.pipeline import roster_run
from rollbook.roster.changes import DONE, Change, LiveRecord, Outcome
from tests.districts import District, Organization, small

HAS = frozenset({"building", "user", "section", "enrollment"})


class Plain:
    """Says yes to everything it has, and fails for what it lacks."""

    def __init__(self) -> None:
        self.sent: list[Change] = []
        self.buildings: list[LiveRecord] = []

    @property
    def traits(self) -> TargetTraits:
        bulk, removable = dict.fromkeys(HAS, 50), frozenset({"enrollment"})
        nowhere = {
            "user": frozenset({"role", "graduation_year"}),
            "section": frozenset({"location", "grading_periods"}),
        }
        return TargetTraits(
            kinds=HAS, bulk=bulk, replay_safe=HAS, removable=removable, lower_usernames=True, nowhere=nowhere
        )

    def roles(self) -> Mapping[str, bool]:
        return {"Student": False, "Parent": False, "Teacher": True}

    def read(self, kind: str, *, within: Sequence[str] = ()) -> Iterator[LiveRecord]:
        assert kind in HAS
        return iter(self.buildings if kind == "building" else ())

    def look_up(self, changes: Sequence[Change]) -> Sequence[LiveRecord | None]:
        return [None for _ in changes]

    def apply(self, batch: Batch) -> Sequence[Outcome]:
        assert batch.kind in HAS
        self.sent += batch.changes
        if batch.kind == "building":
            self.buildings += [
                LiveRecord(kind="building", lms_id=f"building {each.key}", code=each.after["code"], fields=each.after)
                for each in batch.changes
            ]
        return [Outcome(status=DONE, lms_id=f"{batch.kind} {change.key}") for change in batch.changes]


@pytest.fixture
def org(tmp_path: Path) -> Organization:
    made = Organization(tmp_path, _district(), live={"compare": "never"})
    made.target = Plain()  # type: ignore[assignment] # a stand-in for the memory target
    return made


def _district() -> District:
    return small().term("spring", "2027-01-11", "2027-05-28").put("classes", "k1", termSourcedIds="fall,spring")


def _plain(org: Organization) -> Plain:
    return cast(Plain, org.target)


def _run(org: Organization) -> list[Change]:
    org.lms.rows, _plain(org).sent = org.district.rows, []
    result: Any = org._river(roster_run.roster_run, {})
    assert result.state == "done"
    return _plain(org).sent


def test_sections_say_their_days_and_where_they_lie(org: Organization) -> None:
    sent = _run(org)
    (section,) = (change for change in sent if change.kind == "section")
    first, last = section.after["start"], section.after["end"]
    assert first < "2027-01-11" < "2027-05-28" == last
    assert section.refs["course"] is None
    assert section.refs["course.building"] == "building org:A"
    assert section.parent_fields["course"]["title"]
    assert {change.kind for change in sent} == HAS
    assert _run(org) == [], "the ledger has what the LMS lacks"


def test_a_term_that_moves_moves_its_sections(org: Organization) -> None:
    _run(org)
    org.district.put("academicSessions", "spring", endDate="2027-06-11")
    (moved,) = _run(org)
    assert (moved.kind, moved.action, moved.before) == ("section", "update", {"end": "2027-05-28"})
    assert moved.after["end"] == "2027-06-11"


def test_what_the_lms_has_no_place_for_makes_no_update(org: Organization) -> None:
    """But what Rollbook goes by does: the ledger has to know somebody's role."""
    _run(org)
    org.district.put("classes", "k1", location="Room 7")
    assert _run(org) == []
    org.district.put("classes", "k1", title="Algebra, advanced")
    (renamed,) = _run(org)
    assert "title" in renamed.before
    org.district.put("users", "tina", role="student")
    (change,) = _run(org)
    assert (change.key, change.before) == ("tina", {"role": "Teacher"})


def test_other_terms_wait_for_nobody_where_there_are_no_grading_periods(org: Organization) -> None:
    _run(org)
    org.district.put("classes", "k1", termSourcedIds="fall")
    (shorter,) = _run(org)
    assert shorter.before["end"] == "2027-05-28"
    _plain(org).sent = []
    result: Any = org._river(roster_run.undo_run, {}, *(org.plan or ()))
    assert result.state == "done"
    (back,) = _plain(org).sent
    assert back.after["end"] == "2027-05-28"


def test_usernames_are_wanted_in_lower_case(org: Organization) -> None:
    org.district.put("users", "sam", username="Sam.Smith")
    names = {change.key: change.after["username"] for change in _run(org) if change.kind == "user"}
    assert names["sam"] == "sam.smith"


def test_guardians_are_not_wanted_where_nobody_can_link_them(org: Organization) -> None:
    org.district.user("gus", "guardian", "A", agentSourcedIds="sam")
    sent = _run(org)
    assert "gus" not in {change.key for change in sent if change.kind == "user"}
    assert not [change for change in sent if change.kind == "guardian_link"]
