"""Rule 10, Data Prep: who is in which system, and what people decided about accounts of which it is unclear whose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rollbook.core.duck import parquet_reader
from rollbook.core.protocols import ASK, LEAVE, LINK, Decision
from rollbook.core.stored import RunResult
from tests.districts import Organization, counts, reasons, small

Make = Callable[..., Organization]

pytestmark = pytest.mark.rule(10)


def live_user(org: Organization, code: str, **fields: Any) -> str:
    own = {"first_name": "Sam", "last_name": "Quimby", "username": "sam", "email": "sam@x.example", "role": "Student"}
    return org.lms.add("user", code, own | {"additional_buildings": []} | fields).lms_id


def decide(org: Organization, key: str, choice: str, *lms_ids: str) -> None:
    org.world.decisions = [one for one in org.world.decisions if one.key != key] + [Decision(key, choice, lms_ids)]


def everybody(org: Organization, result: RunResult) -> list[dict[str, Any]]:
    """The list that Data Prep shows."""
    assert result.people_blob is not None
    with parquet_reader() as db:
        cursor = db.execute("SELECT * FROM read_parquet(?)", [str(org.world.blobs.get(result.people_blob))])
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


# --- linking ----------------------------------------------------------------------------------------------------------


def test_a_link_gives_the_account_our_unique_id_and_our_values(organization: Make) -> None:
    org = organization()
    lms_id = live_user(org, "by-hand", username="else", first_name="Sammy")
    org.run()
    assert org.users == {"tina", "sue", "by-hand"}
    decide(org, "sam", LINK, lms_id)
    result = org.next_day().run()
    assert org.users == {"tina", "sue", "sam"}
    assert org.stored("user", "sam").lms_id == lms_id, "the same account, not another one"
    assert org.user("sam")["first_name"] == "Sam"
    assert org.user("sam")["username"] == "sam"
    assert org.roster["k1|sam"] == "member", "and the person is in class"
    assert org.found(result, "ACCOUNT_CONFLICT") == []
    assert {row["key"]: row["origin"] for row in org.ledger("user")}["sam"] == "adopted"
    assert org.next_day().run().state == "done"
    assert org.sent == []


def test_an_account_without_unique_id_can_be_linked(organization: Make) -> None:
    org = organization()
    lms_id = live_user(org, "", username="else")
    decide(org, "sam", LINK, lms_id)
    org.run()
    assert org.stored("user", "sam").lms_id == lms_id
    assert ("user", "create", "sam") not in org.sent


def test_a_link_sends_no_password_and_merges_nothing(organization: Make) -> None:
    org = organization()
    decide(org, "sam", LINK, live_user(org, "by-hand"))
    org.run()
    assert "sam" not in org.world.passwords.given
    assert {batch.action for batch in org.target.batches if any(c.key.startswith("id:") for c in batch.changes)} == {
        "rekey"
    }
    assert len(org.users) == 3


def test_an_account_that_is_somebody_elses_is_not_linked(organization: Make) -> None:
    org = organization()
    org.run()
    org.district.student("sammy")
    sue = org.stored("user", "sue").lms_id
    decide(org, "sammy", LINK, sue)
    result = org.next_day().run()
    assert org.stored("user", "sue").lms_id == sue
    assert "sammy" not in org.users, "neither merged nor made"
    assert org.found(result, "ACCOUNT_CONFLICT") == ["sammy"]


def test_an_account_with_the_unique_id_of_another_person_is_not_linked(organization: Make) -> None:
    org = organization()
    lms_id = live_user(org, "sue", username="sam", email="sam@x.example")
    decide(org, "sam", LINK, lms_id)
    result = org.run()
    assert org.stored("user", "sue").lms_id == lms_id
    assert "sam" not in org.users
    assert org.found(result, "ACCOUNT_CONFLICT") == ["sam"]


def test_one_account_for_two_people_is_nobodys(organization: Make) -> None:
    org = organization()
    lms_id = live_user(org, "by-hand")
    decide(org, "sam", LINK, lms_id)
    decide(org, "sue", LINK, lms_id)
    result = org.run()
    assert org.users == {"tina", "by-hand"}
    assert org.found(result, "ACCOUNT_CONFLICT") == ["sam", "sue"]


def test_an_account_that_is_gone_is_asked_about(organization: Make) -> None:
    org = organization()
    decide(org, "sam", LINK, "999")
    result = org.run()
    assert "sam" not in org.users
    [finding] = org.findings(result, "ACCOUNT_CONFLICT")
    assert "999" in finding["detail"]


def test_a_refused_link_leaves_everything_and_is_tried_again(organization: Make) -> None:
    org = organization()
    lms_id = live_user(org, "by-hand")
    decide(org, "sam", LINK, lms_id)
    org.lms.faults.refuse["sam"] = "no"
    org.run()
    assert org.users == {"tina", "sue", "by-hand"}
    assert "sam" not in {row["key"] for row in org.ledger("user")}
    assert not [key for kind, _, key in org.sent if kind == "enrollment" and key.endswith("|sam")]
    org.lms.faults.refuse.clear()
    org.next_day().run()
    assert org.stored("user", "sam").lms_id == lms_id


def test_a_lost_answer_to_a_link_is_found_out(organization: Make) -> None:
    org = organization()
    lms_id = live_user(org, "by-hand")
    decide(org, "sam", LINK, lms_id)
    org.run(kinds=("building",))
    org.lms.faults.next_calls()
    result = org.run()
    assert counts(result, "user")["rekey"] == 1
    assert org.next_day().run().state == "done"
    assert org.stored("user", "sam").lms_id == lms_id


def test_linking_a_students_account_to_staff_waits_for_a_person(organization: Make) -> None:
    org = organization()
    lms_id = live_user(org, "by-hand", username="tina", email="tina@x.example", role="Student")
    decide(org, "tina", LINK, lms_id)
    result = org.run()
    assert ("staff_role", "user") in reasons(result)
    assert org.user("tina")["role"] == "Student"


def test_an_undo_leaves_a_link_and_says_so(organization: Make) -> None:
    org = organization()
    lms_id = live_user(org, "by-hand", first_name="Sammy")
    decide(org, "sam", LINK, lms_id)
    org.run()
    result = org.next_day().undo(org.plan)
    assert org.stored("user", "sam").lms_id == lms_id
    assert any("goes on looking after" in words for words in result.conflicts)


# --- leaving alone, asking again --------------------------------------------------------------------------------------


def test_an_account_left_alone_is_quiet_and_nobody_is_made(organization: Make) -> None:
    org = organization()
    lms_id = live_user(org, "by-hand")
    org.run()
    decide(org, "sam", LEAVE, lms_id)
    result = org.next_day().run()
    assert org.users == {"tina", "sue", "by-hand"}
    assert org.found(result, "ACCOUNT_CONFLICT") == []
    assert org.found(result, "ACCOUNT_LEFT") == ["sam"]
    assert "conflicts" not in org.world.memory.stored, "so the accounts are not read for it any more"
    result = org.next_day().run()
    assert org.users == {"tina", "sue", "by-hand"}, "nor when the accounts are not read"
    assert org.found(result, "ACCOUNT_LEFT") == ["sam"]


def test_another_account_is_another_question(organization: Make) -> None:
    org = organization()
    decide(org, "sam", LEAVE, live_user(org, "by-hand", email="else@x.example"))
    live_user(org, "second", username="else")
    result = org.run()
    assert org.found(result, "ACCOUNT_CONFLICT") == ["sam"]
    assert org.found(result, "ACCOUNT_LEFT") == []


def test_who_was_left_alone_is_made_once_the_sis_is_corrected(organization: Make) -> None:
    org = organization()
    decide(org, "sam", LEAVE, live_user(org, "by-hand"))
    org.run()
    org.district.put("users", "sam", username="sam.quimby", email="sam.quimby@x.example")
    org.next_day().run()
    assert "sam" not in org.users, "not before the accounts were looked at"
    org.next_day().run(compare_live=True)
    assert org.users == {"tina", "sue", "sam", "by-hand"}


def test_a_withdrawn_decision_is_asked_again_and_makes_nobody(organization: Make) -> None:
    org = organization()
    decide(org, "sam", LEAVE, live_user(org, "by-hand"))
    org.run()
    decide(org, "sam", ASK)
    result = org.next_day().run()
    assert org.users == {"tina", "sue", "by-hand"}
    assert org.found(result, "ACCOUNT_CONFLICT") == ["sam"]


def test_a_withdrawn_decision_without_a_conflict_is_over(organization: Make) -> None:
    org = organization()
    decide(org, "sam", ASK)
    org.run()
    assert "sam" in org.users


# --- the list ---------------------------------------------------------------------------------------------------------


def test_everybody_is_in_the_list_once(organization: Make) -> None:
    district = small().student("una", "X", username="una 1")
    org = organization(district)
    both, unclear = live_user(org, "sue", username="sue", email="sue@x.example"), live_user(org, "by-hand")
    alone = live_user(org, "", username="zoe", email="zoe@x.example", first_name="Zoe")
    result = org.run(dry_run=True, compare_live=True)
    rows = {(row["state"], row["key"], row["lms_id"]) for row in everybody(org, result)}
    assert rows == {
        ("both", "sue", both), ("conflict", "sam", unclear), ("lms", None, alone),
        ("sis", "tina", None), ("sis", "una", None),
    }  # fmt: skip
    assert result.people == {"conflict": 1, "sis": 2, "lms": 1, "both": 1}
    [sam] = [row for row in everybody(org, result) if row["key"] == "sam"]
    assert sam["alike"] == "username and e-mail"
    assert (sam["username"], sam["lms_username"], sam["lms_code"]) == ("sam", "sam", "by-hand")
    assert result.sanity["usernames_with_spaces"] == 1


def test_two_accounts_for_one_person_share_a_place(organization: Make) -> None:
    org = organization()
    live_user(org, "one", email="else@x.example")
    live_user(org, "two", username="else")
    result = org.run(dry_run=True, compare_live=True)
    rows = [row for row in everybody(org, result) if row["state"] == "conflict"]
    assert [(row["key"], row["place"]) for row in rows] == [("sam", 0), ("sam", 0)]
    assert sorted(row["alike"] for row in rows) == ["e-mail", "username"]
    assert result.people["conflict"] == 1


def test_a_linked_account_is_in_both(organization: Make) -> None:
    org = organization()
    lms_id = live_user(org, "by-hand")
    decide(org, "sam", LINK, lms_id)
    result = org.run(dry_run=True, compare_live=True)
    [sam] = [row for row in everybody(org, result) if row["key"] == "sam"]
    assert (sam["state"], sam["alike"], sam["lms_id"]) == ("both", "decided", lms_id)


@pytest.mark.parametrize("request_", [{}, {"dry_run": True}, {"compare_live": True}])
def test_other_runs_do_not_pay_for_the_list(organization: Make, request_: dict[str, bool]) -> None:
    result = organization().run(**request_)
    assert result.people_blob is None
    assert result.people == {}


def test_the_eight_counts(organization: Make) -> None:
    district = small().clazz("k2", terms="nowhere").clazz("k3").student("una", username="")
    district.student("uno", username="u n o").student("dos", username="due").student("tre", username="due")
    district.school("Z").student("far", "Z").enroll("k1", "una", beginDate="2020-01-01", endDate="2020-02-01")
    result = organization(district, schools={"A": "create"}).run(dry_run=True, compare_live=True)
    assert result.sanity == {
        "users_without_username": 1,
        "usernames_with_spaces": 1,
        "doubled_logins": 2,
        "users_without_mapped_school": 1,
        "classes_without_term": 1,
        "classes_without_teacher": 2,
        "classes_without_student": 2,
        "enrollments_outside_dates": 1,
    }
