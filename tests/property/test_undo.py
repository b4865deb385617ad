"""The laws of undo: what a night's run did goes back, and stays so until the SIS says something else (rule 28)."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.districts import District, Organization
from tests.property.strategies import NO_LIMITS, Edit, districts, edits, examples


@pytest.mark.rule(28)
@given(districts(), st.lists(edits(), min_size=1, max_size=6), st.booleans())
@examples(5)
def test_an_undone_night_stays_undone(district: District, night: Sequence[Edit], live: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        org = Organization(Path(folder), district, limits=NO_LIMITS)
        org.run()
        before = org.snapshot()
        for edit in night:
            edit(org.district)
        org.next_day().run()
        assert org.undo(org.plan).state == "done"
        check_back(org, before)
        org.next_day().run(compare_live=live)
        assert org.sent == []
        check_back(org, before)
        org.next_day(40).run()
        assert org.world.pins.active(org.now) == []


def check_back(org: Organization, before: dict[str, dict[str, dict]]) -> None:
    """All that was there is as it was; made things stay, but nobody is enrolled or linked anew."""
    now = org.snapshot()
    for kind in ("enrollment", "guardian_link"):
        assert now[kind] == before[kind]
    for kind in ("building", "grading_period", "user", "course", "section"):
        assert {key: now[kind][key] for key in before[kind]} == before[kind]
