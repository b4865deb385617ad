"""Rule 23: the live LMS."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rollbook.connectors.memory.space import Stored
from tests.districts import Organization, counts, small

Make = Callable[..., Organization]


def spoil(org: Organization) -> None:
    """People change what is synced, by hand."""
    org.stored("user", "sam").fields["first_name"] = "Changed"
    org.stored("course", "A-c1").fields["title"] = "Changed"
    org.stored("section", "k1").fields["title"] = "Changed"


def spoiled(org: Organization) -> bool:
    values = [org.user("sam")["first_name"], org.all("course")["A-c1"]["title"], org.all("section")["k1"]["title"]]
    assert len({value == "Changed" for value in values}) == 1, "all or none"
    return values[0] == "Changed"


@pytest.mark.rule(23)
@pytest.mark.parametrize(("compare", "back_after"), [("weekly", 7), ("every", 1), ("never", None)])
def test_synced_fields_go_back_to_the_values_of_the_sis(
    organization: Make, compare: str, back_after: int | None
) -> None:
    org = organization(live={"compare": compare})
    org.run()
    spoil(org)
    for day in (1, 6, 7):
        org.next_day(1 if day in (1, 7) else 5).run()
        assert spoiled(org) == (back_after is None or day < back_after)


@pytest.mark.rule(23)
def test_a_comparison_that_finds_nothing_sends_nothing(organization: Make) -> None:
    district = small().school("B").student("bo", "B", "A").user("gina", "guardian", "A")
    org = organization(district.put("users", "sam", agentSourcedIds="gina"), live={"compare": "every"})
    org.run()
    version = org.world.ledger.version.number
    org.next_day().run()
    assert org.sent == []
    assert org.world.ledger.version.number == version


@pytest.mark.rule(23)
@pytest.mark.parametrize(("kind", "code"), [("user", "sam"), ("course", "A-c1"), ("section", "k1")])
def test_what_people_deleted_is_listed_and_not_made_again(organization: Make, kind: str, code: str) -> None:
    org = organization()
    org.run()
    org.lms.delete(kind, org.stored(kind, code))
    for compare in (True, False, True):
        result = org.next_day().run(compare_live=compare)
        assert org.lms.find(kind, code) is None
        assert result.findings["OBJECT_GONE"] == 1
        assert (kind, "create") not in {(sent, action) for sent, action, _ in org.sent}
        assert counts(result, kind).get("refused", 0) == 0


@pytest.mark.rule(23)
def test_an_enrollment_that_people_took_away_is_listed_and_not_given_again(organization: Make) -> None:
    org = organization()
    org.run()
    org.lms.delete("enrollment", enrollment(org, "sam"))
    for compare in (True, False, True):
        result = org.next_day().run(compare_live=compare)
        assert org.sent == []
        assert set(org.roster) == {"k1|tina", "k1|sue"}
        assert org.found(result, "ENROLLMENT_GONE") == ["k1|sam"]
    org.district.drop("enrollments", "k1-sam-student")
    org.next_day().run()
    org.district.enroll("k1", "sam")
    result = org.next_day().run(compare_live=True)
    assert "k1|sam" in org.roster, "a record that returns is revived"
    assert "ENROLLMENT_GONE" not in result.findings


@pytest.mark.rule(23)
def test_it_is_given_again_where_the_organization_wants_that(organization: Make) -> None:
    org = organization(live={"missing_enrollments": "give"})
    org.run()
    org.lms.delete("enrollment", enrollment(org, "sam"))
    result = org.next_day().run(compare_live=True)
    assert "k1|sam" in org.roster
    assert "ENROLLMENT_GONE" not in result.findings


@pytest.mark.rule(23)
def test_it_is_given_again_when_the_sis_says_something_new(organization: Make) -> None:
    org = organization()
    org.run()
    org.lms.delete("enrollment", enrollment(org, "sam"))
    org.district.enroll("k1", "sam", role="teacher")
    org.next_day().run(compare_live=True)
    assert org.roster["k1|sam"] == "admin"


@pytest.mark.rule(23)
@pytest.mark.parametrize("kind", ["user", "section"])
def test_what_went_with_its_person_or_section_is_not_listed_apart(organization: Make, kind: str) -> None:
    org = organization()
    org.run()
    for key in ("sam", "sue", "tina") if kind == "section" else ("sam",):
        org.lms.delete("enrollment", enrollment(org, key))
    org.lms.delete(kind, org.stored(kind, "k1" if kind == "section" else "sam"))
    result = org.next_day().run(compare_live=True)
    assert result.findings["OBJECT_GONE"] == 1
    assert "ENROLLMENT_GONE" not in result.findings


def enrollment(org: Organization, user: str) -> Stored:
    """Somebody's place in k1."""
    ids = (org.stored("section", "k1").lms_id, org.stored("user", user).lms_id)
    return next(stored for stored in org.lms.all("enrollment") if stored.code == "|".join(ids))
