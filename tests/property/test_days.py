"""Days and nights of one organization: edits, runs, a flaky LMS, deaths, mappings, undoing, what people do by hand;
the laws hold after each of them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from rollbook.connectors.memory.space import FAULTS
from rollbook.errors import RollbookError
from tests.districts import District, Organization
from tests.property.laws import Killed, Mortal
from tests.property.strategies import NO_LIMITS, Edit, check_reached, districts, edits, examples, until_quiet


class Days(RuleBasedStateMachine):
    """The model is the district itself: whatever happened, a few quiet runs bring the LMS to what it says."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.by_hand: set[str] = set()
        self.people: set[str] = set()
        self.rosters: set[str] = set()

    @initialize(district=districts())
    def begin(self, district: District) -> None:
        self.org = Organization(self.folder, district, limits=NO_LIMITS)

    def teardown(self) -> None:
        try:
            check_quiet_days(self.org, self.by_hand)
        finally:
            shutil.rmtree(self.folder)

    @rule()
    def a_look_ahead(self) -> None:
        """From any day on, a few quiet ones lead to what the district says; the organization itself does not live
        them."""
        with tempfile.TemporaryDirectory() as folder:
            check_quiet_days(self.org.branch(Path(folder)), self.by_hand)

    @rule(edit=st.lists(edits(), min_size=1, max_size=4))
    def night(self, edit: Sequence[Edit]) -> None:
        for each in edit:
            each(self.org.district)

    @rule(
        faults=st.lists(st.sampled_from([*FAULTS, "none", "none", "none"]), max_size=20),
        live=st.booleans(),
        approved=st.booleans(),
    )
    def day(self, faults: Sequence[str], live: bool, approved: bool) -> None:
        """What is held that day is approved, or goes on waiting."""
        self.org.lms.faults.queue.extend(faults)
        try:
            result = self.org.next_day().run(compare_live=live)
        except RollbookError:
            if self.org.plan is not None:
                self.org.finish()
            return
        for reason in {hold.reason for hold in result.holds} if approved else ():
            self.org.approve(result, reason)

    @rule(collection=st.sampled_from(["orgs", "users", "classes", "enrollments"]))
    def a_day_of_half_a_picture(self, collection: str) -> None:
        """The SIS breaks off in the middle of a collection: nobody is taken out of anything (rule 20)."""
        before = self.org.snapshot()["enrollment"].keys()
        self.org.lms.faults.break_read_at[collection] = 0
        try:
            self.org.next_day().run()
        except RollbookError:
            if self.org.plan is not None:
                self.org.finish()
        finally:
            self.org.lms.faults.break_read_at.clear()
        assert before <= self.org.snapshot()["enrollment"].keys()
        assert not any(action == "remove" for _, action, _ in self.org.sent)

    @rule(step=st.integers(0, 12))
    def death(self, step: int) -> None:
        self.org.world.wrap = lambda journal: Mortal(journal, [step])
        try:
            self.org.next_day().run()
        except (Killed, RollbookError):
            self.org.world.wrap = None
            if self.org.plan is not None:
                self.org.finish()
        self.org.world.wrap = None

    @rule(refused=st.sets(st.sampled_from(["u0", "u1", "k0", "k1|u1"])))
    def refusals(self, refused: set[str]) -> None:
        self.org.lms.faults.refuse = dict.fromkeys(refused, "refused")

    @rule(mapped=st.sampled_from([["A", "B"], ["A"], ["B"]]))
    def mapping(self, mapped: Sequence[str]) -> None:
        self.org.settings["schools"] = dict.fromkeys(mapped, "create")

    @precondition(lambda self: self.org.sections and self.org.users)
    @rule(data=st.data())
    def by_hand_somebody_is_enrolled(self, data: st.DataObject) -> None:
        section = data.draw(st.sampled_from(sorted(self.org.sections)))
        user = data.draw(st.sampled_from(sorted(self.org.users)))
        named = {(row["classSourcedId"], row["userSourcedId"]) for row in self.org.district.rows["enrollments"]}
        given = {(row["section"], row["user"]) for row in self.org.ledger("enrollment")}
        if (section, user) not in named | given and f"{section}|{user}" not in self.org.roster:
            ends = {"section": self.org.stored("section", section).lms_id, "user": self.org.stored("user", user).lms_id}
            self.org.lms.add("enrollment", "|".join(ends.values()), ends | {"admin": False})
            self.by_hand.add(f"{section}|{user}")

    @precondition(lambda self: self.org.plan is not None)
    @rule()
    def undone(self) -> None:
        """What of it waits for a person goes on waiting; what was put back is pinned."""
        try:
            self.org.undo(self.org.plan)
        except RollbookError:
            if self.org.plan is not None:
                self.org.finish()

    @precondition(lambda self: self.org.users)
    @rule(data=st.data())
    def by_hand_somebody_is_renamed(self, data: st.DataObject) -> None:
        user = data.draw(st.sampled_from(sorted(self.org.users)))
        self.org.stored("user", user).fields["first_name"] = "By Hand"

    @precondition(lambda self: self.org.roster.keys() - self.by_hand)
    @rule(data=st.data())
    def by_hand_somebody_is_taken_out(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.org.roster.keys() - self.by_hand)))
        stored = next(each for each in self.org.lms.all("enrollment") if each.code == _code(self.org, key))
        self.org.lms.delete("enrollment", stored)

    @invariant()
    def nobody_and_nothing_is_doubled_or_deleted(self) -> None:
        if not hasattr(self, "org"):
            return
        now = self.org.snapshot()  # raises when something is there twice
        people = now["user"].keys() | now["section"].keys() | now["course"].keys() | now["building"].keys()
        assert people >= self.people
        self.people |= people
        assert self.org.target.doubled == []

    @invariant()
    def what_people_did_stays(self) -> None:
        if hasattr(self, "org"):
            given = {f"{row['section']}|{row['user']}" for row in self.org.ledger("enrollment")}
            self.by_hand -= given  # the SIS says so too by now: it is ours
            assert self.by_hand <= self.org.roster.keys()


def check_quiet_days(org: Organization, by_hand: set[str]) -> None:
    """Everything is mapped, the LMS answers, people lift the pins and approve: then it holds what the SIS says."""
    org.settings["schools"] = {"*": "create"}
    org.lms.faults.queue.clear()
    org.lms.faults.refuse = {}
    org.world.pins.pins.clear()
    org.settings["live"] = {"compare": "every", "sections_per_run": 100, "missing_enrollments": "give"}
    until_quiet(org, retry_refused=True)  # what was refused often would rest for a week (rule 27)
    check_reached_but(org, by_hand)


def check_reached_but(org: Organization, by_hand: set[str]) -> None:
    """As `check_reached`, less what people did by hand."""
    for key in by_hand:
        stored = next(s for s in org.lms.all("enrollment") if s.code == _code(org, key))
        org.lms.delete("enrollment", stored)
    check_reached(org)


def _code(org: Organization, key: str) -> str:
    section, user = key.split("|")
    return f"{org.stored('section', section).lms_id}|{org.stored('user', user).lms_id}"


TestDays = Days.TestCase
TestDays.settings = settings(examples(2), stateful_step_count=8)
