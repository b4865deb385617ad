"""SIS Connect Active Year: a list from the SIS, a page that says what will happen, then saved (rule 3)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from rollbook.connectors.memory.space import Space
from rollbook.engine.directory import known
from rollbook.store.models import Organization, Run, ScheduleRow
from rollbook.web.years import year_words
from tests.web.elm import html, number, settings
from tests.web.people import Person, words

AT = "/o/maple/configuration/"
YEAR = f"{AT}year/"


def test_years_in_the_guides_words() -> None:
    assert year_words("2027") == "2026-2027"
    assert year_words("2000") == "1999-2000"


def test_years_around_today_until_the_sis_was_asked(ann: Person) -> None:
    text = words(ann.get(AT))
    assert "The Active Year is 2026-2027" in text
    assert "The SIS was not asked yet" in text
    answer: Any = ann.client.post(f"{YEAR}read/", follow=True)
    assert "The years were read from the SIS." in words(answer)
    assert "The years of your SIS, as read on" in words(answer)
    rows = known(Organization.objects.get(slug="maple"), "sis.academicSessions").rows
    assert {row["year"] for row in rows} == {"2026", "2027"}
    page = html(answer)
    assert '<option value="2027" selected>2026-2027</option>' in page
    assert '<option value="2026">2025-2026</option>' in page


def test_a_sis_that_cannot_be_read(ann: Person, world: Space) -> None:
    world.key = "another"
    answer: Any = ann.client.post(f"{YEAR}read/", follow=True)
    assert "The SIS could not be read" in words(answer)
    assert "refused the key." in words(answer)
    assert "The SIS was not asked yet" in words(answer)


def test_the_sis_is_not_asked_without_end(ann: Person) -> None:
    answers: list[Any] = [ann.client.post(f"{YEAR}read/", follow=True) for _ in range(6)]
    assert "Wait a minute" in words(answers[-1])


@pytest.mark.rule(3)
def test_a_page_says_what_will_happen(ann: Person) -> None:
    ann.post(f"{YEAR}read/")
    text = words(ann.get(YEAR, year="2026"))
    for said in (
        "From 2026-2027 to 2025-2026", "removes nothing and starts nothing", "become dormant", "set the year back",
        "Term maps are kept", "of them are mapped now", "Yes, make 2025-2026 the Active Year",
    ):  # fmt: skip
        assert said in text, said
    assert settings("maple").active_year == "2027"


@pytest.mark.rule(3)
def test_saving_starts_nothing(ann: Person) -> None:
    ann.post(f"{YEAR}read/")
    since = ScheduleRow.objects.get(organization__slug="maple").since
    before = settings("maple")
    answer = ann.post(YEAR, year="2026", seen=number("maple"))
    assert (answer.status_code, answer["Location"]) == (302, f"{AT}#year")
    found = settings("maple")
    assert found.active_year == "2026"
    assert found.terms == before.terms
    assert not Run.objects.exists()
    assert ScheduleRow.objects.get(organization__slug="maple").since == since
    assert ann.post(YEAR, year="2027", seen=number("maple")).status_code == 302  # it can be set back
    assert settings("maple") == before


def test_a_year_without_terms_is_said(ann: Person) -> None:
    page = html(ann.get(AT)).partition('id="id_year"')[2]
    year = next(one for one in re.findall(r'<option value="(\d+)"', page) if one != "2027")
    assert f"No terms of {year_words(year)} are known yet" in words(ann.get(YEAR, year=year))


@pytest.mark.parametrize("year", ["", "1950", "abc", "20270", "2027; drop"])
def test_only_years_of_the_list(ann: Person, year: str) -> None:
    answer: Any = ann.client.post(YEAR, {"year": year, "seen": number("maple")}, follow=True)
    assert "Choose a year from the list." in words(answer)
    assert ann.get(YEAR, year=year).status_code == 302
    assert settings("maple").active_year == "2027"


def test_the_same_year_needs_no_page(ann: Person) -> None:
    answer: Any = ann.client.get(YEAR, {"year": "2027"}, follow=True)
    assert "2026-2027 is the Active Year already." in words(answer)


def test_two_tabs(ann: Person) -> None:
    ann.post(f"{YEAR}read/")
    seen = number("maple")
    assert ann.post(YEAR, year="2026", seen=seen).status_code == 302
    answer: Any = ann.client.post(YEAR, {"year": "2027", "seen": seen}, follow=True)
    assert "in another tab" in words(answer)
    assert settings("maple").active_year == "2026"


def test_only_the_acting_user(bob: Person, vic: Person) -> None:
    for person in (bob, vic):
        assert "The Active Year is 2026-2027" in words(person.get(AT))
        assert person.get(YEAR, year="2026").status_code == 403
        assert person.post(YEAR, year="2026", seen=number("maple")).status_code == 403
        assert person.post(f"{YEAR}read/").status_code == 403
    assert settings("maple").active_year == "2027"
