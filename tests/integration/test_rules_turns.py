"""Rule 24: enrollments are sent blind, and each run reads those of some sections, in turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import pytest

from rollbook.connectors.base import Batch
from rollbook.connectors.kit import ServerError
from rollbook.errors import AuthFailed, BadResponse, RollbookError, RunCancelled, Throttled, Unavailable
from rollbook.pipeline import roster_run
from rollbook.roster.changes import LiveRecord, Outcome
from tests.districts import District, Organization, reasons, small

Make = Callable[..., Organization]
ALL = {f"k{number}" for number in range(1, 7)}


class Reader:
    """Stands before the LMS: writes down whose enrollments are read, and cannot read some. `take` gives what was read
    since the last look."""

    def __init__(self, org: Organization) -> None:
        self._org, self._reading = org, org.target._target.read
        self.asked: list[list[str]] = []
        self.bad: dict[str, RollbookError] = {}
        org.target.__dict__["read"] = self.read

    def read(self, kind: str, *, within: Sequence[str] = ()) -> Iterator[LiveRecord]:
        if kind == "enrollment":
            sections = {stored.lms_id: stored.code for stored in self._org.lms.all("section")}
            assert within, "never all of them"
            self.asked.append([sections[lms_id] for lms_id in within])
            for number, section in enumerate(self.asked[-1]):
                if section in self.bad:
                    yield from list(self._reading(kind, within=within))[:number]
                    raise self.bad[section]
        yield from self._reading(kind, within=within)

    def take(self) -> set[str]:
        found = {section for sections in self.asked for section in sections}
        self.asked.clear()
        return found


def six() -> District:
    """Sections k1 to k6, each with a teacher and at least one student."""
    district = small()
    for number in range(2, 7):
        district.clazz(f"k{number}").enroll(f"k{number}", "sam").enroll(f"k{number}", "tina", role="teacher")
    return district


def spoil(org: Organization, *sections: str) -> None:
    """Somebody turns members into course admins and back."""
    ids = {org.stored("section", section).lms_id for section in sections or org.sections}
    for stored in org.lms.all("enrollment"):
        if stored.fields["section"] in ids:
            stored.fields["admin"] = not stored.fields["admin"]


def mended(org: Organization) -> set[str]:
    """Sections whose enrollments the last run put right; it sent nothing else."""
    assert {(kind, action) for kind, action, _ in org.sent} <= {("enrollment", "update")}
    return {key.split("|")[0] for _, _, key in org.sent}


@pytest.mark.rule(24)
def test_enrollments_are_sent_without_being_read(organization: Make) -> None:
    org = organization()
    reader = Reader(org)
    org.run()
    assert not reader.asked
    assert {row["origin"] for row in org.ledger("enrollment")} == {"upserted"}


@pytest.mark.rule(24)
@pytest.mark.parametrize("live", [{"compare": "weekly"}, {"compare": "every"}], ids=["weekly", "every"])
def test_each_run_goes_on_where_the_last_one_ended(organization: Make, live: dict[str, Any]) -> None:
    org = organization(six(), live={"sections_per_run": 2} | live)
    org.run()
    reader = Reader(org)
    spoil(org)
    turns, put_right = [], []
    for run in range(6):
        if run != 1:  # the second one is on the same day
            org.next_day()
        assert org.run(compare_live=run == 2).state == "done"
        turns.append(reader.take())
        put_right.append(mended(org))
    assert [len(turn) for turn in turns] == [2] * 6
    assert set.union(*turns[:3]) == ALL, "every section has had its turn"
    assert turns[3:] == turns[:3], "and has it again"
    assert put_right == [*turns[:3], set(), set(), set()]
    assert {key for key, role in org.roster.items() if role == "admin"} == {f"k{n}|tina" for n in range(1, 7)}


@pytest.mark.rule(24)
def test_new_and_vanished_sections_do_not_move_the_others(organization: Make) -> None:
    org = organization(six(), live={"sections_per_run": 3})
    org.run()
    reader = Reader(org)
    org.next_day().run()
    first = reader.take()
    org.district.course("c7").clazz("k7", "c7").enroll("k7", "sue").enroll("k7", "tina", role="teacher")
    gone = min(first)
    org.district.drop("enrollments", *(row["sourcedId"] for row in org.district.rows["enrollments"]
                                       if row["classSourcedId"] == gone)).drop("classes", gone)  # fmt: skip
    org.next_day().run()
    second = reader.take()
    assert len(second) == 3
    assert not first & second
    for _ in range(2):
        org.next_day().run()
    assert reader.take() == ALL - {gone} | {"k7"}, "two turns are a round of the six there are now"


@pytest.mark.rule(24)
def test_a_run_that_only_reads_sends_nothing_and_makes_no_version(organization: Make) -> None:
    org = organization(six(), live={"sections_per_run": 4})
    org.run()
    reader = Reader(org)
    version = org.world.ledger.version
    for _ in range(4):
        result = org.next_day().run()
        assert len(reader.take()) == 4
        assert (result.state, org.sent, result.findings) == ("done", [], {})
        assert org.world.ledger.version == version


@pytest.mark.rule(24)
@pytest.mark.parametrize(
    ("live", "daily", "asked"),
    [({}, 6, 6), ({"sections_per_run": 0}, 0, 0), ({"compare": "never", "sections_per_run": 4}, 0, 4)],
    ids=["fifty", "none", "never"],
)
def test_how_many_is_a_setting(organization: Make, live: dict[str, Any], daily: int, asked: int) -> None:
    org = organization(six(), live=live)
    org.run()
    reader = Reader(org)
    org.next_day().run()
    assert len(reader.take()) == daily
    org.run(compare_live=True)
    assert len(reader.take()) == asked


@pytest.mark.rule(24)
def test_a_section_with_many_members_counts_as_several(organization: Make) -> None:
    """Reading one costs an LMS as much as reading several: 90 members fill a turn of three."""
    district = six()
    for number in range(90):
        district.student(f"x{number}").enroll("k4", f"x{number}")
    org = organization(district, live={"sections_per_run": 3})
    org.run()
    reader, turns = Reader(org), []
    for _ in range(6):
        org.next_day().run()
        turns.append([section for part in reader.asked for section in part])
        reader.take()
    assert set().union(*turns) == ALL, "every section has its turn"
    assert all(turn[-1] == "k4" for turn in turns if "k4" in turn), "none is read after it"
    assert all(len(turn) == 3 for turn in turns if "k4" not in turn)
    alone = organization(district, live={"sections_per_run": 1})
    assert alone.run().state == "done"
    reader = Reader(alone)
    alone.next_day().run()
    assert len(reader.take()) == 1, "even a big section has its turn"


@pytest.mark.rule(24)
def test_only_runs_that_end_well_move_the_turn_on(organization: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    org = organization(six(), live={"sections_per_run": 2})
    org.run()
    reader = Reader(org)
    org.next_day().run(dry_run=True)
    turn = reader.take()
    spoil(org)
    with monkeypatch.context() as patch:
        patch.setattr(org.target, "apply", stopped)
        with pytest.raises(RunCancelled):
            org.run()
    assert reader.take() == turn
    org.finish()
    org.run(kinds=("user",))
    assert reader.take() == set(), "no enrollments, no turn"
    planned = org.run(dry_run=True)
    assert reader.take() == turn
    org._river(partial(roster_run.apply_stored, facts=planned.facts), {}, None, planned.plan)
    assert mended(org) == turn, "the stored plan is carried out"
    org.run()
    assert len(reader.take() - turn) == 2, "and then the turn has moved on"


def stopped(batch: Batch) -> Sequence[Outcome]:
    raise RunCancelled("the run was cancelled")


@pytest.mark.rule(24)
def test_a_run_for_some_schools_takes_sections_of_these(organization: Make) -> None:
    district = six().school("B").student("bo", "B").teacher("tom", "B").course("c2", "B")
    for number in range(7, 11):
        district.clazz(f"k{number}", "c2", "B").enroll(f"k{number}", "bo").enroll(f"k{number}", "tom", role="teacher")
    org = organization(district, live={"sections_per_run": 2})
    org.run()
    reader = Reader(org)
    spoil(org)
    of_b = []
    for _ in range(2):
        org.next_day().run(schools=("B",))
        of_b.append(reader.take())
        assert mended(org) == of_b[-1]
    assert set.union(*of_b) == {"k7", "k8", "k9", "k10"}
    for _ in range(5):
        org.next_day().run()
    assert reader.take() == ALL | set.union(*of_b), "the turn for all schools was not disturbed"
    assert {role for key, role in org.roster.items() if key.endswith(("|sam", "|bo"))} == {"member"}


ANSWERED = [
    BadResponse("never sent a whole list"),
    ServerError("it has trouble of its own", 500),
    AuthFailed("our credentials are not allowed to do this"),
]


@pytest.mark.rule(24)
@pytest.mark.parametrize("error", ANSWERED, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("members", ["ours", "sis"])
def test_a_section_that_cannot_be_read_keeps_nobody_from_theirs(
    organization: Make, error: RollbookError, members: str
) -> None:
    org = organization(
        six(), live={"sections_per_run": 6, "missing_enrollments": "give"}, enrollments={"members": members}
    )
    org.run()
    before = org.roster
    reader = Reader(org)
    reader.bad = {"k4": error}
    spoil(org)
    for run in range(3):
        result = org.next_day().run(compare_live=run == 1)
        assert result.state == "done"
        assert org.found(result, "MEMBERS_UNREAD") == ["k4"]
        assert mended(org) == (ALL - {"k4"} if run == 0 else set())
        assert org.roster.keys() == before.keys()
    reader.bad.clear()
    assert "MEMBERS_UNREAD" not in org.next_day().run().findings
    assert mended(org) == {"k4"}
    assert org.roster == before


@pytest.mark.rule(24)
@pytest.mark.parametrize("error", [Unavailable("no answer"), Throttled("wait", 900)], ids=["silent", "throttled"])
def test_an_lms_that_does_not_answer_is_asked_no_further_in_this_turn(organization: Make, error: RollbookError) -> None:
    org = organization(six(), live={"sections_per_run": 3})
    org.run()
    before = org.roster
    reader = Reader(org)
    reader.bad = dict.fromkeys(ALL, error)
    result = org.next_day().run()
    assert len(reader.asked) == 1
    turn = reader.take()
    assert (result.state, org.sent) == ("done", [])
    assert org.found(result, "MEMBERS_UNREAD") == sorted(turn)
    assert org.roster == before
    org.next_day().run()
    assert reader.take() == ALL - turn, "one bad section does not stop the turns"


@pytest.mark.rule(24)
def test_trouble_with_many_sections_has_an_end(organization: Make) -> None:
    org = organization(six(), live={"sections_per_run": 6})
    org.run()
    reader = Reader(org)
    reader.bad = dict.fromkeys(ALL, BadResponse("never sent a whole list"))
    result = org.next_day().run()
    assert len(reader.asked) == 8
    assert org.found(result, "MEMBERS_UNREAD") == sorted(ALL)
    assert org.sent == []


@pytest.mark.rule(24)
@pytest.mark.parametrize("missing", ["list", "give"])
def test_of_a_section_that_people_deleted_nothing_is_concluded(organization: Make, missing: str) -> None:
    org = organization(six(), live={"sections_per_run": 6, "missing_enrollments": missing})
    org.run()
    for key in ("sam", "sue", "tina"):
        ids = (org.stored("section", "k1").lms_id, org.stored("user", key).lms_id)
        org.lms.delete("enrollment", next(one for one in org.lms.all("enrollment") if one.code == "|".join(ids)))
    org.lms.delete("section", org.stored("section", "k1"))
    reader = Reader(org)
    result = org.next_day().run()
    assert reader.take() == ALL - {"k1"}
    assert (result.state, org.sent, result.findings) == ("done", [], {})


@pytest.mark.rule(24)
def test_what_waits_for_a_person_is_read_again_until_it_is_decided(organization: Make) -> None:
    """An approval sends what a new plan finds again: the section must be read once more, whosever turn it is."""
    org = organization(six().student("x1"), enrollments={"members": "sis"}, live={"sections_per_run": 1})
    org.run(kinds=("building", "grading_period", "user", "guardian_link", "course"))
    course, building = org.lms.all("course")[0], org.lms.all("building")[0]
    periods = [org.lms.all("grading_period")[0].lms_id]
    own = {"title": "Class k3", "course": course.lms_id, "grading_periods": periods, "location": None}
    org.lms.add("section", "k3", own | {"building": building.lms_id})
    ids = (org.stored("section", "k3").lms_id, org.stored("user", "x1").lms_id)
    org.lms.add("enrollment", "|".join(ids), {"section": ids[0], "user": ids[1], "admin": False})
    org.run()
    reader = Reader(org)
    for _ in range(6):
        result = org.next_day().run()
        if ("extra", "enrollment") in reasons(result):
            break
    assert "k3" in reader.take()
    seen = set()
    for _ in range(3):
        result = org.next_day().run()
        assert ("extra", "enrollment") in reasons(result), "it goes on waiting"
        turn = reader.take()
        assert len(turn) == 2
        seen |= turn
    assert len(seen) == 4, "and the turns go on beside it"
    org.approve(result, "extra")
    org.next_day().run()
    assert "k3|x1" not in org.roster
    reader.take()
    org.next_day().run()
    assert len(reader.take()) == 1


@pytest.mark.rule(24)
def test_a_turn_that_is_not_believed_is_read_once_more(organization: Make) -> None:
    district = small()
    for number in range(12):
        district.student(f"s{number}").enroll("k1", f"s{number}")
    district.clazz("k2").enroll("k2", "sam").enroll("k2", "tina", role="teacher")
    org = organization(district, live={"sections_per_run": 1, "missing_enrollments": "give"})
    org.run()
    reader = Reader(org)
    org.next_day().run()
    if reader.take() == {"k1"}:
        org.next_day().run()
        assert reader.take() == {"k2"}
    hidden = [one for one in org.lms.all("enrollment") if one.fields["section"] == org.stored("section", "k1").lms_id]
    for stored in hidden[:-2]:
        org.lms.delete("enrollment", stored)
    for _ in range(3):
        result = org.next_day().run()
        assert reader.take() == {"k1"}
        assert (result.state, org.sent) == ("held", [])
        assert list(result.doubts) == ["enrollment"]
    org.next_day(7).run()
    assert reader.take() == {"k1"}
    assert len(org.sent) == len(hidden) - 2, "after a week it is believed"
    assert org.next_day().run().state == "done"
    assert reader.take() == {"k2"}
