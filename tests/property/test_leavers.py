"""The law of leavers: an account is active unless its person has been gone, at whole reads only, for long enough."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.districts import District, Organization
from tests.property.strategies import examples

COME_AND_GO = ("ann", "bob")
#: Always there, so that no read looks as if it had shrunk.
STAY = tuple(f"stay{number}" for number in range(4))

#: How many days later, who of those who come and go is listed, and whether the read is whole.
Night = tuple[int, frozenset[str], bool]
nights = st.lists(
    st.tuples(
        st.integers(1, 3), st.frozensets(st.sampled_from(COME_AND_GO)), st.sampled_from((True, True, True, False))
    ),
    min_size=2,
    max_size=6,
)


def district(listed: frozenset[str]) -> District:
    made = District().school("A").term("fall").course("c1").clazz("k1")
    for person in (*STAY, *sorted(listed)):
        made.student(person)
    return made


@pytest.mark.rule(13)
@given(st.integers(1, 4), nights)
@examples(6)
def test_accounts_follow_the_days_that_people_are_gone(days: int, plan: Sequence[Night]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        org = Organization(Path(folder), district(frozenset(COME_AND_GO)), users={"deactivate_after": days})
        org.run()
        model = Model(days)
        for later, listed, whole in plan:
            org.next_day(later).district = district(listed)
            org.lms.faults.break_read_at = {} if whole else {"classes": 0}
            if not whole:  # a second page that never comes; the first has what matters
                org.district.rows["classes"] *= 120
                org.lms.faults.break_read_at = {"classes": 1}
            org.run()
            model.night(org.now.date(), listed, whole=whole)
            accounts = {stored.code: stored.active for stored in org.lms.all("user")}
            assert accounts == dict.fromkeys(STAY, True) | model.active
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
