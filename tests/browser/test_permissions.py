"""A teacher allows Rollbook to read their gradebooks, in a real browser: to the LMS's page and back, and on to synced
grades; and from a frame, in which the LMS's page opens in a window of its own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import violations
from tests.browser.installation import MAPPED, Installation
from tests.browser.test_grades import CATEGORIES, _graded, _looks_well, _page, _rows, _taught
from tests.browser.test_launch import _framed, _registers_itself, violations_in
from tests.cli.test_grades_http import Lms

BUTTON = "Allow Rollbook to read my gradebooks"


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A district that has synced once, and then asks its teachers."""
    found = Installation(tmp_path_factory.mktemp("allow"), files={"categories.csv": CATEGORIES})
    try:
        found.mapped()
        site = f'lms: {{connector: schoology, options: {{grades_as: teachers, site: "{found.lms["url"]}",'
        plain = "lms: {connector: schoology, options: {"
        found.organization("maple", "Maple Valley", MAPPED)
        file = found.folder / "maple.yaml"
        file.write_text(file.read_text().replace(plain, f"{site} "))
        found.rollbook("config", "import", str(file))
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="module")
def ann(browser: Browser, school: Installation) -> Iterator[Page]:
    page = _page(browser, school, "Ann", "--acting")
    yield page
    page.context.close()


def _says_who_she_is(ann: Page, person: str) -> None:
    ann.goto("/o/maple/people/")
    ann.get_by_role("link", name="Change Tina").click()
    ann.get_by_label("Unique ID in the SIS").fill(person)
    ann.get_by_role("button", name="Save the unique ID").click()
    expect(ann.get_by_text("Saved who Tina is in the SIS.")).to_be_visible()


def _taught_by_another(school: Installation) -> tuple[str, str]:
    """A teacher who is alone in a section, and that section; not the one of the other test."""
    teachers = [(row["classSourcedId"], row["userSourcedId"]) for row in _rows(school, "enrollments")
                if row["role"] == "teacher"]  # fmt: skip
    alone = Counter(code for code, _ in teachers)
    first, _ = _taught(school)
    return next((person, code) for code, person in teachers if alone[code] == 1 and person != first)


def _approves(page: Page, person: str) -> None:
    """On the LMS's page: who it is, and Approve."""
    page.get_by_role("searchbox").fill(person)
    page.get_by_role("button", name="Search").click()
    page.get_by_role("row", name=person).get_by_role("link").click()
    page.get_by_role("button", name="Approve").click()


def test_from_allowing_to_synced_grades(browser: Browser, ann: Page, school: Installation) -> None:
    person, code = _taught(school)
    _graded(school, code)
    tina = _page(browser, school, "Tina", "--role", "teacher")
    _says_who_she_is(ann, person)
    tina.goto(f"/o/maple/grades/configuration/{code}/")
    tina.get_by_role("button", name="Read both gradebooks").click()
    expect(tina.get_by_text("A teacher of this section must allow Rollbook")).to_be_visible(timeout=60_000)
    _looks_well(tina, "to-allow")
    ann.goto("/o/maple/grades/permissions/")
    expect(ann.locator("tbody tr", has_text=person)).to_have_count(1)
    _looks_well(ann, "to-ask")

    tina.get_by_role("button", name=BUTTON).click()
    expect(tina).to_have_url(re.compile(re.escape(school.lms["url"])))  # the form may end there
    _approves(tina, person)
    expect(tina.get_by_text("Thank you. Rollbook may read your gradebooks now.")).to_be_visible()
    assert "oauth_token" not in tina.url
    tina.get_by_role("button", name="Read both gradebooks").click()
    tina.get_by_label("Homework").select_option("Homework", timeout=60_000)
    tina.get_by_label("Quizzes").select_option("Tests")
    tina.get_by_role("button", name="Save Changes").click()
    expect(tina.get_by_text("2 items have something to send.")).to_be_visible(timeout=60_000)
    _looks_well(tina, "allowed")
    tina.get_by_role("button", name="Sync Changes").click()
    expect(tina.locator(".rb-state", has_text="Successful")).to_have_count(2, timeout=60_000)
    ann.goto("/o/maple/grades/permissions/")
    expect(ann.locator("tbody tr", has_text=person)).to_have_count(0)
    tina.get_by_text("You allowed Rollbook to read your gradebooks").click()
    tina.get_by_role("button", name="Take the permission back").click()
    expect(tina.get_by_role("button", name=BUTTON)).to_be_visible()
    tina.context.close()


def test_from_a_frame_in_another_window(ann: Page, course: Page, school: Installation) -> None:
    _registers_itself(ann, course, school)
    person, code = _taught_by_another(school)
    book = Lms(school.lms["url"], code)
    course.goto(f"{school.lms['url']}/sections/{book.section}/tools")
    book.close()
    course.locator("tr", has_text="course admin").get_by_role("link", name="Rollbook").first.click()
    rollbook = _framed(course)
    rollbook.get_by_role("button", name=BUTTON).click()
    link = rollbook.get_by_role("link", name="Open the LMS's page in a new window")
    expect(link).to_be_visible()
    assert violations_in(course, "apart") == []
    with course.context.expect_page() as opened:
        link.click()
    window = opened.value
    _approves(window, person)
    expect(window.get_by_text("go on in the one with Rollbook")).to_be_visible()
    assert violations(window) == []
    window.close()
    rollbook.get_by_role("button", name="I have allowed it: go on").click()
    expect(rollbook.get_by_text("Thank you. Rollbook may read your gradebooks now.")).to_be_visible()
