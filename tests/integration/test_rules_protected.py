"""Rules 11, 13 and 23 where they are easily forgotten: in an undo, after a rename, while nobody reads the LMS."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.districts import ROLES, District, Organization, reasons

Make = Callable[..., Organization]
ADMIN = "System Admin"


def make_admin(org: Organization, key: str) -> None:
    """People make an account an administrator's, and the next comparison sees it."""
    org.stored("user", key).protected = True
    org.stored("user", key).fields["role"] = ADMIN
    org.next_day().run(compare_live=True)


def rename(district: District, old: str, new: str, role: str) -> None:
    """The same person under a new id."""
    district.drop("users", old).drop("enrollments", f"k1-{old}-{role}")
    district.user(new, role, "A", username=old, givenName=old.title(), email=f"{old}@x.example")
    district.enroll("k1", new, role=role)


@pytest.mark.rule(11)
def test_an_administrator_keeps_the_role_when_something_else_changes(organization: Make) -> None:
    org = organization()
    org.run()
    make_admin(org, "tina")
    org.district.put("users", "tina", givenName="Tinka")
    org.next_day().run()
    assert (org.user("tina")["first_name"], org.user("tina")["role"]) == ("Tinka", ADMIN)


@pytest.mark.rule(11)
@pytest.mark.parametrize("compare", [True, False])
def test_an_administrator_keeps_the_role_under_a_new_id(organization: Make, compare: bool) -> None:
    org = organization()
    org.run()
    make_admin(org, "tina")
    rename(org.district, "tina", "T9", "teacher")
    held = org.next_day().run(compare_live=compare)
    assert ("rekey", "user") in reasons(held)
    org.approve(held, "rekey")
    org.next_day().run()
    org.district.put("users", "T9", givenName="Tinka")
    org.next_day().run()
    assert (org.user("T9")["first_name"], org.user("T9")["role"]) == ("Tinka", ADMIN)


@pytest.mark.rule(13)
def test_an_account_that_was_deactivated_by_hand_stays_so_under_a_new_id(organization: Make) -> None:
    org = organization()
    org.run()
    org.stored("user", "sam").active = False
    org.next_day().run(compare_live=True)
    rename(org.district, "sam", "S9", "student")
    for _ in range(2):
        org.next_day().run()
        assert not [row for row in org.sent if row[0] == "user"]
    assert org.users == {"tina", "sam", "sue"}


@pytest.mark.rule(11)
def test_a_role_that_nobody_knows_is_not_raised_unseen(organization: Make) -> None:
    org = organization(live={"compare": "every"})
    org.run()
    org.stored("user", "sam").fields["role"] = None
    org.district.put("users", "sam", role="teacher")
    assert reasons(org.next_day().run()) == {("staff_role", "user")}
    assert org.user("sam")["role"] is None


@pytest.mark.rule(11)
@pytest.mark.rule(28)
def test_an_undo_leaves_an_administrators_role_alone(organization: Make) -> None:
    org = organization()
    org.lms.roles["Coach"] = True
    org.run()
    org.settings["roles"] = {"*": ROLES | {"teacher": "Coach"}}
    org.district.put("users", "tina", givenName="Tinka")
    org.next_day().run()
    plan = org.plan
    make_admin(org, "tina")
    result = org.undo(plan)
    assert (org.user("tina")["first_name"], org.user("tina")["role"]) == ("Tina", ADMIN)
    [found] = org.findings(result, "UNDO_CONFLICT")
    assert (found["id"], found["detail"]) == ("tina", "role")


@pytest.mark.rule(13)
@pytest.mark.rule(23)
@pytest.mark.rule(28)
@pytest.mark.parametrize(("what", "why"), [("inactive", "deactivated by hand"), ("deleted", "not there any more")])
def test_an_undo_leaves_alone_what_people_took_away(organization: Make, what: str, why: str) -> None:
    org = organization()
    org.run()
    org.district.put("users", "sam", givenName="Samuel")
    org.next_day().run()
    plan = org.plan
    if what == "inactive":
        org.stored("user", "sam").active = False
    else:
        org.lms.delete("user", org.stored("user", "sam"))
    org.next_day().run(compare_live=True)
    result = org.undo(plan)
    assert org.sent == []
    assert [(row["id"], row["detail"]) for row in org.findings(result, "UNDO_CONFLICT")] == [("sam", why)]
