"""An LMS in which people may give themselves any unique id: what Rollbook knows of an account counts, not what it
says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rollbook.connectors.base import TargetTraits
from rollbook.core.protocols import LINK, Decision
from tests.districts import Organization, Watched, small

Make = Callable[..., Organization]

pytestmark = pytest.mark.rule(10)


class Unproven(Watched):
    """The LMS in memory, in which codes are no proof."""

    @property
    def traits(self) -> TargetTraits:
        traits: TargetTraits = self._target.traits
        return replace(traits, users_by_id=True, codes_proven=False)


@pytest.fixture
def org(organization: Make) -> Organization:
    made = organization()
    made.target = Unproven(made.target._target)
    return made


def account(org: Organization, code: str, **fields: Any) -> str:
    own = {"first_name": "Sam", "last_name": "Quimby", "email": "else@x.example", "role": "Student"}
    return org.lms.add("user", code, own | {"additional_buildings": []} | fields).lms_id


def refs(org: Organization) -> dict[str, str]:
    """Accounts that enrollments named, by key."""
    return {
        change.key: change.refs["user"] for batch in org.target.batches if batch.kind == "enrollment"
        for change in batch.changes
    }  # fmt: skip


def test_an_account_with_id_and_username_is_linked(org: Organization) -> None:
    lms_id = account(org, "sam", username="SAM")
    result = org.run()
    assert ("user", "create", "sam") not in org.sent
    assert org.found(result, "ACCOUNT_CONFLICT") == []
    assert org.stored("user", "sam").lms_id == lms_id
    assert refs(org)["k1|sam"] == lms_id


def test_one_with_the_id_alone_waits_for_a_person(org: Organization) -> None:
    lms_id = account(org, "sam", username="somebody")
    result = org.run()
    assert org.found(result, "ACCOUNT_CONFLICT") == ["sam"]
    assert "k1|sam" not in org.roster, "nobody is put into Sam's class"
    assert org.user("sam")["username"] == "somebody", "nor given Sam's name"
    org.world.decisions = [Decision("sam", LINK, (lms_id,))]
    org.next_day().run()
    assert org.user("sam")["username"] == "sam"
    assert org.roster["k1|sam"] == "member"
    assert refs(org)["k1|sam"] == lms_id
    org.next_day().run()
    assert org.sent == []


def test_where_codes_prove_it_is_linked_by_id(organization: Make) -> None:
    made = organization()
    lms_id = account(made, "sam", username="somebody")
    made.run()
    assert made.stored("user", "sam").lms_id == lms_id
    assert made.user("sam")["username"] == "sam"


def test_a_look_at_the_list_says_why(org: Organization) -> None:
    account(org, "sam", username="somebody")
    org.run(dry_run=True, compare_live=True)
    result = org.run()
    assert "LMS account" in str(org.findings(result, "ACCOUNT_CONFLICT"))


def test_members_are_told_by_their_accounts(org: Organization) -> None:
    """Sam and Sue swap their ids; both stay where they are, and neither is an extra member."""
    org.run()
    before = org.roster
    sam, sue = org.stored("user", "sam"), org.stored("user", "sue")
    sam.code, sue.code = "sue", "nobody"
    org.lms._by_code["user"] = {stored.code: stored for stored in org.lms.all("user")}
    for _ in range(2):
        result = org.next_day().run(compare_live=True)
        assert [row for row in org.sent if row[0] == "enrollment"] == []
        for code in ("EXTRA_MEMBER", "ENROLLMENT_GONE"):
            assert org.found(result, code) == []
    assert len(org.roster) == len(before)


def test_an_extra_member_is_taken_out_by_the_account_that_was_seen(organization: Make) -> None:
    made = organization(enrollments={"members": "sis"}, district=small().student("eve"))
    made.target = Unproven(made.target._target)
    made.run()
    section, eve = made.stored("section", "k1"), made.stored("user", "eve")
    extra = made.lms.add("enrollment", f"{section.lms_id}|{eve.lms_id}", {
        "section": section.lms_id, "user": eve.lms_id, "admin": False,
    })  # fmt: skip
    result = made.next_day().run(compare_live=True)
    for reason in {hold.reason for hold in result.holds}:
        made.approve(result, reason)
        made.next_day().run(compare_live=True)
    (change,) = (
        each for batch in made.target.batches if (batch.kind, batch.action) == ("enrollment", "remove")
        for each in batch.changes
    )  # fmt: skip
    assert change.lms_id == extra.lms_id
    assert "k1|eve" not in made.roster
