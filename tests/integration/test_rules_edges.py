"""Where rules meet: one school of several, accounts set aside, unique ids lost, schools that shrank."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.districts import Organization, reasons, small

Make = Callable[..., Organization]


@pytest.mark.rule(13)
def test_an_inactive_account_of_the_first_match_is_never_made(organization: Make) -> None:
    org = organization()
    org.run(kinds=("building", "user"))
    org.stored("user", "sam").active = False
    fresh = organization()
    fresh.lms.__dict__.update(org.lms.__dict__)
    fresh.run()
    for _ in range(2):
        result = fresh.next_day().run()
        assert fresh.sent == []
        assert fresh.found(result, "ACCOUNT_INACTIVE") == ["sam"]
    assert not fresh.stored("user", "sam").active


@pytest.mark.rule(5)
@pytest.mark.rule(6)
def test_one_school_gets_the_buildings_and_periods_it_needs(organization: Make) -> None:
    district = small().school("B").clazz("k2", school="B").student("bob", "B", "A").enroll("k2", "bob")
    org = organization(district)
    org.run(schools=("B",))
    assert org.users == {"bob"}
    assert org.user("bob")["additional_buildings"] == ["A"]
    assert org.sections == {"k2"}
    assert org.roster == {"k2|bob": "member"}


@pytest.mark.rule(20)
def test_a_person_without_a_unique_id_is_blocked_and_not_gone(organization: Make) -> None:
    district = small()
    for person in ("tina", "sam", "sue"):
        district.put("users", person, identifier=f"I{person}")
    org = organization(district, users={"unique_id": "identifier"})
    org.run()
    district.put("users", "sam", identifier="")
    org.next_day().run()
    assert "k1|Isam" in org.roster
    district.drop("enrollments", "k1-sam-student")
    org.next_day().run()
    assert "k1|Isam" not in org.roster


@pytest.mark.rule(1)
def test_unmapping_the_main_school_takes_no_building_away(organization: Make) -> None:
    org = organization(small().school("B").student("bob", "A", "B"))
    org.run()
    assert org.user("bob")["building"] == "A"
    org.settings["schools"] = {"A": "skip", "*": "create"}
    org.next_day().run()
    bob = org.user("bob")
    assert {bob["building"], *bob["additional_buildings"]} == {"A", "B"}


@pytest.mark.rule(25)
@pytest.mark.parametrize("request_", [{"kinds": ("building", "user")}, {"schools": ("B",)}])
def test_a_school_that_shrank_is_remembered_by_runs_that_do_not_ask(
    organization: Make, request_: dict[str, tuple[str, ...]]
) -> None:
    names = [f"s{number}" for number in range(10)]
    district = small().school("B")
    for name in names:
        district.student(name)
    org = organization(district.enroll("k1", *names))
    org.run()
    district.drop("enrollments", *[f"k1-{name}-student" for name in names])
    org.next_day().run(**request_)
    assert ("shrank", "enrollment") in reasons(org.next_day().run())
    assert len(org.roster) == 13


@pytest.mark.rule(20)
def test_nobody_loses_a_class_while_their_rename_waits(organization: Make) -> None:
    org = organization()
    org.run()
    before = org.roster
    district = org.district.drop("users", "sam").student("S9", username="sam", givenName="Sam", email="sam@x.example")
    district.drop("enrollments", "k1-sam-student").drop("classes", "k1").clazz("K9", title="Another").enroll("K9", "S9")
    result = org.next_day().run()
    assert ("rekey", "user") in reasons(result)
    assert org.roster["k1|sam"] == before["k1|sam"]
