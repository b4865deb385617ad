"""Rule 28: undo."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.districts import Organization, differing, reasons, small

Make = Callable[..., Organization]


@pytest.mark.rule(28)
def test_undo_puts_fields_and_enrollments_back(organization: Make) -> None:
    org = organization(small().student("x1"))
    org.run()
    before = org.snapshot()
    org.district.put("users", "sam", givenName="Samuel").put("classes", "k1", title="Renamed")
    org.district.drop("enrollments", "k1-sue-student").enroll("k1", "x1").put("orgs", "A", name="Renamed")
    org.next_day().run()
    assert differing(before, org.snapshot())
    result = org.undo(org.plan)
    assert org.snapshot() == before
    assert result.conflicts == {}


@pytest.mark.rule(28)
def test_what_moved_on_is_a_conflict_and_stays(organization: Make) -> None:
    org = organization()
    org.run()
    org.district.put("users", "sam", givenName="Samuel").put("users", "sue", givenName="Susan")
    org.next_day().run()
    plan = org.plan
    org.district.put("users", "sam", givenName="Sammy")
    org.next_day().run()
    result = org.undo(plan)
    assert (org.user("sam")["first_name"], org.user("sue")["first_name"]) == ("Sammy", "Sue")
    assert result.conflicts == {"users that have changed since": 1}


@pytest.mark.rule(28)
def test_a_field_goes_back_although_another_field_moved_on(organization: Make) -> None:
    org = organization()
    org.run()
    org.district.put("users", "sam", givenName="Samuel", familyName="Other")
    org.next_day().run()
    plan = org.plan
    org.district.put("users", "sam", familyName="Third")
    org.next_day().run()
    result = org.undo(plan)
    assert (org.user("sam")["first_name"], org.user("sam")["last_name"]) == ("Sam", "Third")
    assert result.conflicts == {"users that have changed since": 1}


@pytest.mark.rule(28)
def test_what_was_made_stays_and_what_was_refused_is_not_undone(organization: Make) -> None:
    org = organization()
    org.lms.faults.refuse["sam"] = "no such luck"
    org.run()
    org.lms.faults.refuse.clear()
    result = org.undo(org.plan)
    assert org.users == {"tina", "sue"}
    assert org.sections == {"k1"}
    assert org.roster == {}, "enrollments are what can be taken away"
    assert result.conflicts["users that the run created, for Rollbook deletes none"] == 2


@pytest.mark.rule(28)
def test_a_dry_undo_sends_nothing_and_an_undone_rename_goes_back(organization: Make) -> None:
    district = small()
    for name in ("tina", "sam", "sue"):
        district.put("users", name, identifier=f"i-{name}")
    org = organization(district)
    org.run()
    org.settings["users"] = {"unique_id": "identifier"}
    held = org.next_day().run()
    assert ("rekey", "user") in reasons(held)
    org.approve(held, "rekey")
    org.next_day().run()
    assert org.users == {"i-tina", "i-sam", "i-sue"}
    org.undo(org.plan, dry_run=True)
    assert org.sent == []
    renamed = org.plan
    held = org.undo(renamed)
    assert reasons(held) == {("rekey", "user")}, "what always waits for a person waits in an undo too"
    assert org.sent == []
    org.approve(held, "rekey")
    org.undo(renamed)
    assert org.users == {"tina", "sam", "sue"}
    assert {row["user"] for row in org.ledger("enrollment")} == org.users
