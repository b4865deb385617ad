"""A teacher's path from a course of the LMS, in a frame: the LMS registers itself, first use, the map, an error and its
repair; and the window that opens where the browser keeps no cookies in frames."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.browser.conftest import AXE, violations
from tests.browser.installation import Installation
from tests.browser.test_grades import CATEGORIES, _page, _taught
from tests.cli.test_grades_http import Lms


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A district that has synced once, and whose SIS has two categories of grades."""
    found = Installation(tmp_path_factory.mktemp("launch"), files={"categories.csv": CATEGORIES})
    try:
        found.mapped()
        yield found
    finally:
        found.stop()


@pytest.fixture(scope="module")
def ann(browser: Browser, school: Installation) -> Iterator[Page]:
    """The acting user."""
    page = _page(browser, school, "Ann", "--acting")
    yield page
    page.context.close()


def _framed(page: Page) -> FrameLocator:
    return page.frame_locator("iframe")


def _open(course: Page, lms: str, section: str, who: str) -> FrameLocator:
    """Rollbook, opened from the section by somebody who is enrolled there as `who`."""
    course.goto(f"{lms}/sections/{section}/tools")
    course.locator("tr", has_text=who).get_by_role("link", name="Rollbook").first.click()
    return _framed(course)


def test_from_a_course_to_successful(ann: Page, course: Page, school: Installation) -> None:
    _registers_itself(ann, course, school)
    person, code = _taught(school)
    book = Lms(school.lms["url"], code)
    homework = book.category("Homework")
    essay = book.item("Essay", max_points=20, due="2028-10-05 23:59:00", grading_category=homework, published=1)
    for student in book.members:
        book.grade(essay, student, 12)
    _is_refused(course, school, book.section)

    rollbook = _open(course, school.lms["url"], str(book.section), "course admin")
    expect(rollbook.get_by_role("link", name="Configuration")).to_have_attribute("aria-current", "page")
    assert violations_in(course, "first") == []
    rollbook.get_by_role("button", name="Read both gradebooks").click()
    rollbook.get_by_label("Homework").select_option("Homework", timeout=60_000)
    rollbook.get_by_role("button", name="Save Changes").click()

    expect(rollbook.get_by_text("lies in none of the class's grading periods")).to_be_visible(timeout=60_000)
    assert violations_in(course, "error") == []
    book.change(essay, due="2026-10-05 23:59:00")
    book.close()
    rollbook.get_by_role("button", name="Sync Changes").click()
    expect(rollbook.locator(".rb-state", has_text="Successful")).to_have_count(1, timeout=60_000)

    ann.goto("/o/maple/audit/")
    expect(ann.locator("tbody tr", has_text="Opened Rollbook from a course").first).to_contain_text(code)
    assert person not in {frame.url for frame in course.frames}
    rollbook.get_by_role("button", name="Leave").click()
    expect(rollbook.get_by_text("open Rollbook from your course again")).to_be_visible()


def _registers_itself(ann: Page, course: Page, school: Installation) -> None:
    ann.goto("/o/maple/platforms/")
    assert violations(ann) == []
    ann.get_by_role("button", name="Make a registration address").click()
    address = ann.get_by_label("Registration address").input_value()
    course.goto(f"{school.lms['url']}/tools")
    course.get_by_label("Registration address").fill(address)
    course.get_by_role("button", name="Register").click()
    _framed(course).get_by_role("button", name="Register this LMS").click()
    expect(course.get_by_text("The tool says that it is done.")).to_be_visible()
    ann.goto("/o/maple/platforms/")
    expect(ann.locator("tbody tr").first).to_contain_text("127.0.0.1")  # by name
    assert violations(ann) == []


def _is_refused(course: Page, school: Installation, section: int) -> None:
    """A student of the section."""
    refused = _open(course, school.lms["url"], str(section), "member")
    expect(refused.get_by_text("You are not a course admin of this section")).to_be_visible()
    expect(refused.get_by_text("NOT_COURSE_ADMIN")).to_be_visible()


def test_without_cookies_a_window_opens(ann: Page, course: Page, school: Installation) -> None:
    """`localhost` is another site than 127.0.0.1, and without TLS a browser keeps no cookies in its frames."""
    lms = school.lms["url"].replace("127.0.0.1", "localhost")
    _registered_by_hand(ann, school, lms)
    _, code = _taught(school)
    book = Lms(school.lms["url"], code)
    course.goto(f"{lms}/sections/{book.section}/tools")
    book.close()
    row = course.locator("tr", has_text="course admin").first
    row.get_by_role("link", name="By hand").click()
    rollbook = _framed(course)
    rollbook.get_by_role("button", name="Continue to Rollbook").click()
    expect(rollbook.get_by_text("Your browser keeps no cookies for Rollbook inside this page")).to_be_visible()
    with course.context.expect_page() as opened:
        rollbook.get_by_role("button", name="Open Rollbook in a new window").click()
    window = opened.value
    window.wait_for_url("**/grades/**")
    expect(window.get_by_role("button", name="Leave")).to_be_visible()
    assert violations(window) == []


def _registered_by_hand(ann: Page, school: Installation, lms: str) -> None:
    ann.goto("/o/maple/platforms/")
    ann.get_by_role("link", name="Another LMS", exact=True).click()
    shown = [one.inner_text() for one in ann.locator("dl code").all()]
    tool = ann.request.post(
        f"{lms}/_practice/tools",
        data={"name": "By hand", "login_url": shown[0], "redirect_url": shown[1]},
    ).json()
    ann.get_by_label("Name", exact=True).fill("Localhost")
    for label, value in (
        ("Issuer (platform ID)", tool["issuer"]),
        ("Client ID", tool["client_id"]),
        ("Deployment IDs", tool["deployment_id"]),
        ("Authentication request URL", tool["login_url"]),
        ("Public keyset URL (JWKS)", tool["keys_url"]),
    ):
        ann.get_by_label(label).fill(value)
    assert violations(ann) == []
    ann.get_by_role("button", name="Register", exact=True).click()
    expect(ann.get_by_text("Localhost may launch Rollbook now.")).to_be_visible()


def violations_in(course: Page, name: str) -> list[str]:
    """What axe-core finds in the frame; a picture is kept where ROLLBOOK_PICTURES says."""
    if folder := os.environ.get("ROLLBOOK_PICTURES"):
        course.screenshot(path=str(Path(folder) / f"launch-{name}.png"), full_page=True)
    [frame] = [one for one in course.frames if "/o/maple/" in one.url]
    frame.evaluate(AXE)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = frame.evaluate("tags => axe.run({runOnly: {type: 'tag', values: tags}})", tags)
    return [f"{one['id']}: {node['html'][:160]}" for one in found["violations"] for node in one["nodes"]]
