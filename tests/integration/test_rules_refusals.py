"""Rule 27: what the LMS refuses."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.districts import District, Organization, counts, small

Make = Callable[..., Organization]


@pytest.mark.rule(27)
def test_a_refused_record_is_retried_on_three_runs_then_weekly(organization: Make) -> None:
    org = organization()
    org.lms.faults.refuse["sam"] = "no such luck"
    sent = []
    for _ in range(12):
        result = org.run()
        sent.append(("user", "create", "sam") in org.sent)
        org.next_day()
    assert sent == [True] * 3 + [False] * 6 + [True] + [False] * 2
    assert org.found(result, "REFUSED_BEFORE") == ["sam"]
    assert result.state == "done"


@pytest.mark.rule(27)
@pytest.mark.parametrize("how", ["change", "demand"])
def test_or_on_change_or_on_demand(organization: Make, how: str) -> None:
    org = organization()
    org.lms.faults.refuse["sam"] = "no such luck"
    for _ in range(4):
        org.run()
        org.next_day()
    assert org.sent == []
    org.lms.faults.refuse.clear()
    if how == "change":
        org.district.put("users", "sam", givenName="Samuel")
    org.run(retry_refused=how == "demand")
    assert "sam" in org.users
    assert "k1|sam" in org.roster
    result = org.next_day().run()
    assert "REFUSED_BEFORE" not in result.findings


@pytest.mark.rule(27)
def test_a_refused_update_is_retried_too(organization: Make) -> None:
    org = organization()
    org.run()
    org.lms.faults.refuse["sam"] = "no such luck"
    org.district.put("users", "sam", givenName="Samuel")
    result = org.next_day().run()
    assert counts(result, "user") == {"update": 1, "refused": 1}
    org.lms.faults.refuse.clear()
    org.next_day().run()
    assert org.user("sam")["first_name"] == "Samuel"


@pytest.mark.rule(27)
def test_children_of_a_refused_parent_wait_and_are_not_sent(organization: Make) -> None:
    org = organization()
    org.lms.faults.refuse |= {"sam": "no such luck", "A-c1": "no such luck"}
    result = org.run()
    assert ("section", "create", "k1") not in org.sent
    assert not any(kind == "enrollment" for kind, _, _ in org.sent)
    assert counts(result, "section") == {"create": 1, "waiting": 1}
    assert counts(result, "enrollment")["waiting"] == 3
    del org.lms.faults.refuse["A-c1"]
    result = org.next_day().run()
    assert set(org.roster) == {"k1|tina", "k1|sue"}
    assert counts(result, "enrollment")["waiting"] == 1


@pytest.mark.rule(27)
def test_children_of_a_paused_parent_wait_as_well(organization: Make) -> None:
    org = organization()
    org.lms.faults.refuse["sam"] = "no such luck"
    for _ in range(4):
        result = org.run()
        org.next_day()
    assert counts(result, "enrollment") == {"waiting": 1}
    assert org.sent == []


def many(number: int) -> District:
    district = small()
    for place in range(number):
        district.student(f"s{place:03}").enroll("k1", f"s{place:03}")
    return district


@pytest.mark.rule(27)
def test_a_hundred_refusals_in_a_row_with_one_message_stop_that_kind(organization: Make) -> None:
    org = organization(many(400))
    org.lms.faults.refuse |= {f"s{place:03}": "the licence has run out" for place in range(400)}
    result = org.run()
    numbers = counts(result, "user")
    assert numbers["refused"] >= 100
    assert numbers["waiting"] > 0
    assert numbers["refused"] + numbers["waiting"] + len(org.users) == 403
    assert org.sections == {"k1"}, "other kinds go on"


@pytest.mark.rule(27)
def test_other_messages_or_a_success_between_do_not_stop_it(organization: Make) -> None:
    org = organization(many(400))
    org.lms.faults.refuse |= {f"s{place:03}": f"message {place % 2}" for place in range(400) if place % 90}
    result = org.run()
    assert counts(result, "user").get("waiting", 0) == 0
    assert counts(result, "user")["refused"] == 395
