"""Rules 14 and 15: initial passwords, and guardians."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.districts import District, Organization, small

Make = Callable[..., Organization]


@pytest.mark.rule(14)
def test_a_new_account_gets_a_stored_password_and_a_replay_sends_the_same(organization: Make) -> None:
    org = organization()
    org.lms.faults.refuse["sam"] = "not today"
    org.run()
    first = org.world.passwords.given["sam"]
    org.lms.faults.refuse.clear()
    org.next_day().run()
    given = {code: org.lms.passwords[org.stored("user", code).lms_id] for code in ("tina", "sam", "sue")}
    assert given == org.world.passwords.given
    assert given["sam"] == first


@pytest.mark.rule(14)
def test_updates_and_adopted_accounts_never_carry_a_password(organization: Make) -> None:
    org = organization()
    org.lms.add("user", "sam", {"username": "sam", "first_name": "Old", "additional_buildings": []})
    org.run()
    assert set(org.world.passwords.given) == {"tina", "sue"}
    org.district.put("users", "sue", givenName="Susan")
    org.next_day().run()
    assert org.sent == [("user", "update", "sue")]
    assert [batch.secrets for batch in org.target.batches] == [{}]


@pytest.mark.rule(14)
def test_passwords_none_sends_none(organization: Make) -> None:
    org = organization(users={"passwords": "none"})
    org.run()
    assert org.lms.passwords == org.world.passwords.given == {}


@pytest.mark.rule(14)
def test_a_password_is_in_no_plan_outcome_or_ledger(organization: Make) -> None:
    org = organization()
    org.run()
    password = org.world.passwords.given["sam"].encode()
    files = [path for path in org.world.folder.rglob("*") if path.is_file()]
    assert files
    assert not any(password in path.read_bytes() for path in files)
    journals = repr([journal.outcomes for journal in org.world.journals.values()])
    assert password.decode() not in journals
    assert password.decode() not in repr(org.target.batches)


def family() -> District:
    """Sam's guardian gina, and gerd, whose child is at a school that is not mapped."""
    district = small().school("B").put("users", "sam", agentSourcedIds="gina")
    district.user("gina", "guardian", "A").student("ben", "B", agentSourcedIds="gerd").user("gerd", "guardian", "A")
    return district


@pytest.mark.rule(15)
def test_guardians_sync_only_with_a_synced_student_and_take_their_building(organization: Make) -> None:
    org = organization(family().put("users", "gina", orgSourcedIds="B"), schools={"A": "create"})
    org.run()
    assert "gerd" not in org.users
    assert (org.user("gina")["role"], org.user("gina")["building"]) == ("Parent", "A")
    assert set(org.all("guardian_link")) == {"sam|gina"}


@pytest.mark.rule(15)
def test_a_guardian_of_students_in_two_schools_has_both_buildings(organization: Make) -> None:
    org = organization(family().put("users", "ben", agentSourcedIds="gina"))
    org.run()
    assert {org.user("gina")["building"], *org.user("gina")["additional_buildings"]} == {"A", "B"}
    assert set(org.all("guardian_link")) == {"sam|gina", "ben|gina"}


@pytest.mark.rule(15)
def test_only_links_that_rollbook_made_are_removed(organization: Make) -> None:
    org = organization(family())
    org.run()
    gina, sue = org.stored("user", "gina").lms_id, org.stored("user", "sue").lms_id
    org.lms.add("guardian_link", f"{sue}|{gina}", {"student": sue, "guardian": gina})
    org.district.put("users", "sam", agentSourcedIds="")
    org.next_day().run()
    assert set(org.all("guardian_link")) == {"sue|gina", "ben|gerd"}
    assert {"gina", "sam"} <= org.users


@pytest.mark.rule(15)
def test_guardians_off_means_no_guardians(organization: Make) -> None:
    org = organization(family(), users={"guardians": False})
    org.run()
    assert "gina" not in org.users
    assert org.all("guardian_link") == {}
    org.settings["users"] = {}
    org.next_day().run()
    assert org.all("guardian_link")
    before = org.snapshot()
    org.settings["users"] = {"guardians": False}
    org.next_day().run()
    assert org.snapshot() == before, "switching the kind off freezes, as every unmapping does (rule 1)"
