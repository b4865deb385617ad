"""Rule 13, when things go wrong or back: lost answers, refusals, other LMSs, undo, ledgers of before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import duckdb
import pytest

from rollbook.errors import Unavailable
from tests.districts import District, Organization, small
from tests.integration.leaving import AFTER, Make, active, left, settled

pytestmark = pytest.mark.rule(13)


@pytest.mark.parametrize("lost", ["lose_before", "lose_after"])
def test_a_lost_answer_is_asked_for_again(organization: Make, lost: str) -> None:
    org = left(organization)
    org.target._target.apply, apply = _losing(org, lost), org.target._target.apply
    with pytest.raises(Unavailable):
        org.run()
    org.finish()
    assert [row["deactivated"] for row in org.ledger("user") if row["key"] == "sam"] == ["unknown"]
    org.target._target.apply = apply
    back = org.branch(org.world.folder / "other")
    org.next_day().run()
    assert not active(org)
    back.district.student("sam")
    back.next_day().run()
    assert active(back), "it may be inactive by our hand"


def _losing(org: Organization, lost: str) -> Any:
    apply = org.target._target.apply

    def losing(batch: Any) -> Any:
        org.lms.faults.next_calls(lost)
        return apply(batch)

    return losing


def test_a_refused_revival_keeps_what_hangs_on_it_waiting(organization: Make) -> None:
    org = left(organization)
    org.run()
    org.district.student("sam", givenName="Samuel").enroll("k1", "sam")
    org.lms.faults.refuse["sam"] = "not today"
    result = org.next_day().run()
    assert org.sent == [("user", "revive", "sam")]
    assert result.kinds["user"]["refused"] == 1
    assert result.kinds["enrollment"]["waiting"] == 1
    org.lms.faults.refuse.clear()
    org.next_day().run()
    assert (active(org), org.user("sam")["first_name"], org.roster["k1|sam"]) == (True, "Samuel", "member")


def test_an_lms_that_cannot_is_named_once(organization: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    org = organization(users=AFTER)
    traits = replace(org.target.traits, deactivates=False)
    monkeypatch.setattr(type(org.target._target), "traits", traits)
    settled(org).next_day(9)
    result = org.run()
    assert org.sent == []
    assert len(org.findings(result, "DEACTIVATION_UNSUPPORTED")) == 1


@pytest.mark.rule(28)
def test_undo_revives_and_is_not_undone_by_the_next_sync(organization: Make) -> None:
    org = left(organization)
    org.run()
    plan = org.plan
    result = org.undo(plan)
    assert org.sent == [("user", "revive", "sam")]
    assert active(org)
    assert result.conflicts == {}
    result = org.next_day(5).run()
    assert active(org)
    assert org.found(result, "UNDO_PIN") == ["sam"]
    org.next_day(31).run()  # the pin is over; the days are counted anew
    org.next_day(3).run()
    assert not active(org)


@pytest.mark.rule(28)
def test_undo_of_a_revival_deactivates_and_keeps_it_so(organization: Make) -> None:
    org = left(organization)
    org.run()
    org.district.student("sam").enroll("k1", "sam")
    org.next_day().run()
    plan = org.plan
    org.undo(plan)
    assert org.sent == [("enrollment", "remove", "k1|sam"), ("user", "deactivate", "sam")]
    result = org.next_day().run()
    assert not active(org)
    assert org.found(result, "UNDO_PIN")
    org.next_day(31).run()
    assert active(org)


@pytest.mark.rule(28)
def test_undo_of_what_is_back_already_does_nothing(organization: Make) -> None:
    org = left(organization)
    org.run()
    plan = org.plan
    org.district.student("sam")
    org.next_day().run()
    result = org.undo(plan)
    assert org.sent == []
    assert result.conflicts == {}


def test_a_ledger_of_before_knows_no_deactivated_accounts(organization: Make) -> None:
    """Files that an earlier release wrote lack the column."""
    org = settled(organization(users=AFTER))
    path = org.world.blobs.get(org.world.ledger.version.files["user"])
    with duckdb.connect() as db:
        db.execute(f"CREATE TABLE old AS SELECT * EXCLUDE deactivated FROM read_parquet('{path}')")
        db.execute(f"COPY old TO '{path}' (FORMAT parquet)")
    org.world.blobs._sums.clear()
    org.next_day(3).run()
    assert not active(org)


def families() -> District:
    return small().put("users", "sam", agentSourcedIds="gina").user("gina", "guardian", "A")


@pytest.mark.rule(15)
def test_guardians_leave_as_others_do(organization: Make) -> None:
    org = organization(families(), users=AFTER)
    settled(org, "gina").next_day(3).run()
    assert not active(org, "gina")
    assert active(org)
