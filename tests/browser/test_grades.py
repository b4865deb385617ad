"""A teacher's path in a real browser, on the practice systems: first use, the map, Grades, Sync Changes, Successful."""

from __future__ import annotations

import csv
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import WAIT, violations
from tests.browser.installation import Installation
from tests.cli.test_grades_http import Lms

CATEGORIES = "sourcedId,status,dateLastModified,title\nhw,,,Homework\nte,,,Tests\n"
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A district that has synced once, and whose SIS has two categories of grades."""
    found = Installation(tmp_path_factory.mktemp("grades"), files={"categories.csv": CATEGORIES})
    try:
        found.mapped()
        yield found
    finally:
        found.stop()


def _rows(school: Installation, name: str) -> list[dict[str, str]]:
    [file] = (school.folder / "sis").rglob(f"{name}.csv")
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


def _taught(school: Installation) -> tuple[str, str]:
    """A teacher, and a class of theirs with students."""
    rows = _rows(school, "enrollments")
    students = Counter(row["classSourcedId"] for row in rows if row["role"] == "student")
    return next(
        (row["userSourcedId"], row["classSourcedId"])
        for row in rows
        if row["role"] == "teacher" and students[row["classSourcedId"]] > 1
    )


def _page(browser: Browser, school: Installation, name: str, *invitation: str) -> Page:
    context = browser.new_context(base_url=school.address, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(WAIT)
    page = context.new_page()
    school.sign_in(page, name, "--org", "maple", *invitation)
    return page


def _looks_well(page: Page, name: str) -> None:
    """Accessible on a desktop and, in the dark, on a phone; pictures are kept where ROLLBOOK_PICTURES says."""
    for look, size, scheme in (("desktop", None, "light"), ("phone", PHONE, "dark")):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(size or {"width": 1280, "height": 900})
        page.reload()
        assert violations(page) == [], (name, look)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{name} scrolls sideways on a {look}"
        if folder := os.environ.get("ROLLBOOK_PICTURES"):
            page.screenshot(path=str(Path(folder) / f"grades-{name}-{look}.png"), full_page=True)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})


@pytest.fixture(scope="module")
def people(browser: Browser, school: Installation) -> Iterator[tuple[Page, Page]]:
    """Ann, the acting user, and Tina, a teacher of whom nobody has said yet who she is in the SIS."""
    ann = _page(browser, school, "Ann", "--acting")
    tina = _page(browser, school, "Tina", "--role", "teacher")
    yield ann, tina
    for page in (ann, tina):
        page.context.close()


def _graded(school: Installation, code: str) -> int:
    """Two items in a section's gradebook of the LMS; how many students have a grade for one of them."""
    lms = Lms(school.lms["url"], code)
    homework, quizzes = lms.category("Homework"), lms.category("Quizzes")
    lms.item("Essay", max_points=20, due="2026-10-05 23:59:00", grading_category=homework, published=1)
    quiz = lms.item("Quiz", max_points=10, due="2026-10-06 23:59:00", grading_category=quizzes, published=1)
    for place, student in enumerate(lms.members):
        lms.grade(quiz, student, 5 + place % 5)
    lms.close()
    return len(lms.members)


def test_from_the_first_use_to_successful(people: tuple[Page, Page], school: Installation) -> None:
    ann, tina = people
    person, code = _taught(school)
    students = _graded(school, code)
    _says_who_she_is(ann, tina, person)
    _maps(tina, code)
    _looks_and_syncs(tina)
    shown = school.rollbook("runs", "maple")
    assert shown["runs"][0]["kinds"]["result"]["done"] == students
    ann.goto("/o/maple/grades/?state=successful")  # what is well comes last of all
    expect(ann.locator("tbody tr", has=ann.locator(f"a[href$='/{code}/']"))).to_contain_text("Successful")
    for name, address in (("admin", "/o/maple/grades/"), ("teachers", "/o/maple/grades/teachers/")):
        ann.goto(address)
        _looks_well(ann, name)


def _says_who_she_is(ann: Page, tina: Page, person: str) -> None:
    expect(tina.get_by_role("heading", level=2).first).to_have_text("Nobody has said yet who you are in the SIS")
    _looks_well(tina, "nobody")
    ann.goto("/o/maple/people/")
    ann.get_by_role("link", name="Change Tina").click()
    ann.get_by_label("Unique ID in the SIS").fill(person)
    ann.get_by_role("button", name="Save the unique ID").click()
    expect(ann.get_by_text("Saved who Tina is in the SIS.")).to_be_visible()


def _maps(tina: Page, code: str) -> None:
    tina.goto("/")
    _looks_well(tina, "mine")
    tina.locator(f"main a[href$='/{code}/']").click()
    expect(tina.get_by_role("link", name="Configuration")).to_have_attribute("aria-current", "page")
    tina.get_by_role("button", name="Read both gradebooks").click()
    expect(tina.get_by_label("Homework")).to_be_visible(timeout=60_000)  # the page renews itself
    _looks_well(tina, "map")
    tina.get_by_label("Homework").select_option("Homework")
    tina.get_by_label("Quizzes").select_option("Tests")
    tina.get_by_role("button", name="Save Changes").click()


def _looks_and_syncs(tina: Page) -> None:
    expect(tina.get_by_text("2 items have something to send.")).to_be_visible(timeout=60_000)
    expect(tina.locator(".rb-state", has_text="Not Yet Synced")).to_have_count(2)
    _looks_well(tina, "before")
    tina.get_by_role("link", name="Quiz", exact=True).click()
    expect(tina.get_by_text("What would be sent")).to_be_visible()
    _looks_well(tina, "item")
    tina.get_by_role("link", name="Grades", exact=True).click()
    tina.get_by_role("button", name="Sync Changes").click()
    expect(tina.locator(".rb-state", has_text="Successful")).to_have_count(2, timeout=60_000)
    _looks_well(tina, "after")
    tina.get_by_role("link", name="Status").click()
    expect(tina.get_by_text(re.compile("All is well"))).to_be_visible()
    _looks_well(tina, "status")
