"""The laws themselves, for every LMS: what holds for each district and each night. The files `test_laws*.py` say on
which LMS, and with how many examples."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import date, timedelta
from typing import Any, Protocol

from hypothesis import strategies as st

from rollbook.core.protocols import Attempt, Journal
from rollbook.roster.changes import Outcome
from tests.districts import District, Organization
from tests.property.strategies import Edit, edits, until_quiet, wanted_roster

nights = st.lists(edits(), min_size=1, max_size=6)


class Tenant(Protocol):
    """An organization, and a look at its LMS that asks no connector."""

    org: Organization

    def roster(self) -> dict[str, str]:
        """`class|user` → member or admin, of everybody who is active there."""

    def accounts(self) -> dict[str, bool]:
        """Which accounts of people are active, by unique id."""

    def holds(self) -> Any:
        """Everything the LMS holds, without its own ids."""

    def building(self, school: str) -> Any:
        """What the LMS holds of this school's building itself."""

    def enroll_by_hand(self, most: int) -> set[str]:
        """People put people into sections; returns the new `class|user`."""

    def check_reached(self) -> None:
        """Does the LMS hold what the SIS says? What is of earlier days may be there as well."""

    def check_back(self, before: Any) -> None:
        """Is all that `holds` told before as it was? Made things stay, but nobody is enrolled anew."""

    def check_left_alone(self, before: Any, school: str) -> None:
        """What `holds` told before is not taken out of the building of a school that nobody maps any more."""


Make = Callable[[District], AbstractContextManager[Tenant]]


def reaches_and_rests(tenant: Tenant, night: Sequence[Edit]) -> None:
    """Applying a plan reaches the desired state, and a second plan is empty."""
    org = tenant.org
    assert org.run().state == "done"
    tenant.check_reached()
    _happens(org, night)
    until_quiet(org)
    tenant.check_reached()
    version = org.world.ledger.version
    result = org.run()
    assert org.sent == []
    assert org.world.ledger.version == version
    assert result.plan is not None
    assert result.plan.groups == []


def order_is_nothing(make: Make, district: District, night: Sequence[Edit], dice: random.Random) -> None:
    """The order of the SIS's rows does not matter."""
    ends = []
    for shuffled in (False, True):
        with make(district.copy()) as tenant:
            org = tenant.org
            for days, events in ((0, ()), (1, night)):
                _happens(org, events)
                for rows in org.district.rows.values() if shuffled else ():
                    dice.shuffle(rows)
                org.next_day(days).run()
            ends.append(tenant.holds())
    assert ends[0] == ends[1]


def unmapped_is_untouched(tenant: Tenant, night: Sequence[Edit], school: str) -> None:
    """What belongs to a school that nobody maps any more stays as it is (rule 1)."""
    org = tenant.org
    org.run()
    before, building = tenant.holds(), tenant.building(school)
    theirs = {
        kind: {key_of(kind, row) for row in org.ledger(kind) if row["school"] == school}
        for kind in ("user", "section", "enrollment", "course")
    }
    homes = {row["sourcedId"]: set(row["orgSourcedIds"].split(",")) for row in org.district.rows["users"]}
    theirs["user"] = {key for key in theirs["user"] if homes[key] == {school}}
    _happens(org, night)
    other = ({"A", "B"} - {school}).pop()
    org.settings["schools"] = {other: "create"}
    org.next_day().run()
    now_here = {row["sourcedId"] for row in org.district.rows["users"] if other in row["orgSourcedIds"].split(",")}
    touched = {(kind, key) for kind, _, key in org.sent}
    for kind, keys in theirs.items():
        for key in keys - now_here if kind == "user" else keys:
            assert (kind, key) not in touched
    assert tenant.building(school) == building
    tenant.check_left_alone(before, school)


def only_ours_is_removed(tenant: Tenant, night: Sequence[Edit], extra: int) -> None:
    """Nothing is removed without an entry in the ledger, and whom people enrolled stays."""
    org = tenant.org
    org.run()
    by_hand = tenant.enroll_by_hand(extra)
    _happens(org, night)
    given_before = {key_of("enrollment", row) for row in org.ledger("enrollment")}
    for _ in range(2):
        result = org.next_day().run(compare_live=True)
        assert {key for kind, action, key in org.sent if action == "remove"} <= given_before
        for reason in {hold.reason for hold in result.holds}:
            org.approve(result, reason)
    now, wanted = tenant.roster(), wanted_roster(org.district)
    assert by_hand - wanted.keys() <= now.keys()
    assert {pair: now.get(pair) for pair in wanted} == wanted


def survives_death(tenant: Tenant, night: Sequence[Edit], step: int, *, first_day: bool) -> None:
    """Killed before or after any slice's calls, and run again: the same end, and nothing twice."""
    org = tenant.org
    if not first_day:
        org.run()
        _happens(org, night)
    org.world.wrap = lambda journal: Mortal(journal, [step])
    try:
        org.next_day().run()
    except Killed:
        org.world.wrap = None
        org.finish()
    org.world.wrap = None
    until_quiet(org)
    tenant.check_reached()
    assert org.target.doubled == []


def stays_undone(tenant: Tenant, night: Sequence[Edit], *, live: bool) -> None:
    """What a night's run did goes back, and stays so until the SIS says something else (rule 28)."""
    org = tenant.org
    org.run()
    before = tenant.holds()
    _happens(org, night)
    org.next_day().run()
    assert org.undo(org.plan).state == "done"
    tenant.check_back(before)
    org.next_day().run(compare_live=live)
    assert org.sent == []
    tenant.check_back(before)
    org.next_day(40).run()
    assert org.world.pins.active(org.now) == []


# --- leavers ----------------------------------------------------------------------------------------------------------

COME_AND_GO = ("ann", "bob")
#: Always there, so that no read looks as if it had shrunk.
STAY = tuple(f"stay{number}" for number in range(4))

#: How many days later, who of those who come and go is listed, and whether the read is whole.
Leaving = tuple[int, frozenset[str], bool]
leavings = st.lists(
    st.tuples(
        st.integers(1, 3), st.frozensets(st.sampled_from(COME_AND_GO)), st.sampled_from((True, True, True, False))
    ),
    min_size=2,
    max_size=6,
)


def school_of(listed: frozenset[str]) -> District:
    """A district of those who stay and of those who are listed."""
    made = District().school("A").term("fall").course("c1").clazz("k1")
    for person in (*STAY, *sorted(listed)):
        made.student(person)
    return made


def accounts_follow_their_people(tenant: Tenant, days: int, plan: Sequence[Leaving]) -> None:
    """An account is active unless its person has been gone, at whole reads only, for so many days (rule 13)."""
    org = tenant.org
    org.run()
    model = Model(days)
    for later, listed, whole in plan:
        org.next_day(later).district = school_of(listed)
        org.lms.faults.break_read_at = {}
        if not whole:  # a second page that never comes; the first has what matters
            org.district.rows["classes"] *= 120
            org.lms.faults.break_read_at = {"classes": 1}
        org.run()
        model.night(org.now.date(), listed, whole=whole)
        assert tenant.accounts() == dict.fromkeys(STAY, True) | model.active
        assert {"deactivate", "revive"} >= {action for kind, action, _ in org.sent if kind == "user"}


class Model:
    """What rule 13 says, in a few lines."""

    def __init__(self, days: int) -> None:
        self.days = timedelta(days=days)
        self.since: dict[str, date] = {}
        self.active = dict.fromkeys(COME_AND_GO, True)

    def night(self, today: date, listed: frozenset[str], *, whole: bool) -> None:
        for person in COME_AND_GO:
            if person in listed:
                self.since.pop(person, None)
                self.active[person] = True
            elif whole:
                since = self.since.setdefault(person, today)
                if today - since >= self.days:
                    self.active[person] = False


# --- deaths -----------------------------------------------------------------------------------------------------------


class Killed(Exception):
    """The process died here."""


class Mortal:
    """A journal whose process dies after so many steps."""

    def __init__(self, journal: Journal, steps: list[int]) -> None:
        self._journal, self._steps = journal, steps

    def _step(self) -> None:
        self._steps[0] -= 1
        if self._steps[0] < 0:
            raise Killed

    def intend(self, number: int, first_seq: int, last_seq: int) -> None:
        self._step()
        self._journal.intend(number, first_seq, last_seq)
        self._step()

    def record(self, number: int, outcomes: Sequence[Outcome]) -> None:
        self._step()
        self._journal.record(number, outcomes)
        self._step()

    def done(self) -> frozenset[int]:
        return self._journal.done()

    def attempts(self) -> Iterator[Attempt]:
        return self._journal.attempts()


def key_of(kind: str, row: dict[str, str]) -> str:
    """The key of a ledger's row."""
    return f"{row['section']}|{row['user']}" if kind == "enrollment" else row["key"]


def _happens(org: Organization, events: Sequence[Edit]) -> None:
    for edit in events:
        edit(org.district)
