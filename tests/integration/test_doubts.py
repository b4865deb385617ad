"""What was read without an error and is far less than before: looked at by a person, and believed after a while."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.districts import District, Organization, small

Make = Callable[..., Organization]


def two_schools() -> District:
    district = small().school("B").course("c2", "B").clazz("k2", "c2", "B")
    district.student("bo", "B").student("both", "B", "A").teacher("tom", "B")
    return district.enroll("k2", "bo", "both").enroll("k2", "tom", role="teacher")


def hide(district: District) -> None:
    """School B is out of the key's sight."""
    district.drop("orgs", "B").drop("courses", "c2").drop("classes", "k2").drop("users", "bo", "tom")
    district.drop("enrollments", "k2-bo-student", "k2-both-student", "k2-tom-teacher")


@pytest.mark.rule(12, 20)
def test_a_school_that_is_not_shown_any_more_moves_and_removes_nobody(organization: Make) -> None:
    org = organization(two_schools())
    org.run()
    before = org.snapshot()
    hide(org.district)
    org.district.drop("enrollments", "k1-sam-student")
    result = org.next_day().run()
    assert result.state == "held"
    assert "1 of the synced schools is not shown any more" in result.verdicts["orgs"]
    assert org.found(result, "SOURCE_INCOMPLETE") == ["B"]
    assert org.snapshot() == before
    org.settings["schools"] = {"*": "create", "B": "skip"}
    result = org.next_day().run()
    assert (result.state, result.verdicts) == ("done", {})
    assert "k1|sam" not in org.roster
    assert "k2|bo" in org.roster, "what is not mapped any more is frozen"


@pytest.mark.rule(20)
def test_a_school_that_says_that_it_is_gone_is_no_doubt(organization: Make) -> None:
    org = organization(two_schools())
    org.run()
    org.district.put("orgs", "B", status="tobedeleted")
    assert org.next_day().run().verdicts == {}


@pytest.mark.rule(25)
def test_a_collection_that_stays_small_is_believed_after_a_week(organization: Make) -> None:
    district = small()
    for number in range(2, 14):
        district.course(f"c{number}")
    org = organization(district)
    org.run()
    org.district.drop("courses", *[f"c{number}" for number in range(2, 10)])
    for _ in range(2):
        result = org.next_day().run()
        assert (result.state, result.doubts) == ("held", {"courses": "the SIS shows 5 courses where 13 were"})
        assert org.found(result, "SOURCE_SHRANK") == [None]
    result = org.next_day(7).run()
    assert (result.state, result.doubts) == ("done", {})
    assert org.next_day().run().state == "done"


def test_more_than_half_is_no_doubt(organization: Make) -> None:
    district = small()
    for number in range(2, 13):
        district.course(f"c{number}")
    org = organization(district)
    org.run()
    org.district.drop("courses", *[f"c{number}" for number in range(2, 8)])
    assert org.next_day().run().state == "done"


@pytest.mark.rule(23)
def test_an_lms_that_shows_little_is_not_believed_for_a_week(organization: Make) -> None:
    district = small()
    names = [f"s{number}" for number in range(12)]
    for name in names:
        district.student(name)
    org = organization(district.enroll("k1", *names))
    org.run()
    for name in names:
        org.lms.delete("user", org.stored("user", name))
    result = org.next_day().run(compare_live=True)
    assert result.state == "held"
    assert result.doubts["user"].endswith("shows 3 users where 15 are known")
    assert "OBJECT_GONE" not in result.findings
    org.next_day()
    assert org.run().state == "held", "the next run compares again, unasked"
    result = org.next_day(7).run()
    assert "user" not in result.doubts
    assert org.found(result, "OBJECT_GONE") == sorted(names)


@pytest.mark.rule(3, 23)
def test_a_comparison_takes_dormant_sections_for_what_they_are(organization: Make) -> None:
    district = small().put("academicSessions", "old", title="old", type="term", startDate="2025-08-20",
                           endDate="2026-06-10", schoolYear="2026")  # fmt: skip
    district.clazz("k9", terms="old").enroll("k9", "sam")
    org = organization(district, active_year="2026")
    org.run()
    org.settings["active_year"] = "2027"
    assert "OBJECT_GONE" not in org.next_day().run(compare_live=True).findings
    org.settings["active_year"] = "2026"
    org.district.clazz("k9", terms="old", title="Renamed")
    org.run()
    assert org.all("section")["k9"]["title"] == "Renamed"
