"""A teacher opens Rollbook as an app of the App Center: registered, in a frame, in the grades of the section."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.browser.conftest import AXE, violations
from tests.browser.installation import Installation
from tests.browser.test_grades import _page, _taught
from tests.cli.test_grades_http import Lms


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    found = Installation(tmp_path_factory.mktemp("app-center"))
    try:
        found.mapped()
        yield found
    finally:
        found.stop()


@pytest.fixture
def ann(browser: Browser, school: Installation) -> Iterator[Page]:
    """The acting user."""
    page = _page(browser, school, "Ann", "--acting")
    yield page
    page.context.close()


def _apps(school: Installation, **sent: Any) -> Any:
    """What the practice LMS says of its App Center, after a change."""
    body = json.dumps(sent).encode() if sent else None
    with urlopen(Request(f"{school.lms['url']}/_practice/apps", data=body), timeout=60) as answer:
        return json.load(answer)


def _register(ann: Page, course: Page, school: Installation) -> int:
    """Both sides by their pages; the app's id."""
    course.goto(f"{school.lms['url']}/apps")
    course.get_by_label("Name").fill("Rollbook")
    course.get_by_label("Launch address").fill(f"{school.address}/")
    course.get_by_role("button", name="Add").click()
    expect(course.locator("table")).to_contain_text("Rollbook")
    known = _apps(school)
    [app] = known["apps"]
    ann.goto("/o/maple/platforms/")
    ann.get_by_role("link", name="Schoology App Center (SAML)").click()
    assert violations(ann) == []
    ann.get_by_label("Domains of your Schoology").fill(known["domain"])
    ann.get_by_label("School id in Schoology").fill(known["school_nid"])
    ann.get_by_label("Consumer key of the app").fill(app["audience"])
    ann.get_by_label("Certificate of the App Center").fill(known["certificate"])
    ann.get_by_role("button", name="Save Changes").click()
    address = ann.get_by_label("Launch address").input_value()
    assert violations(ann) == []
    _apps(school, id=app["id"], url=address, login_url=address)
    return int(app["id"])


def _open(course: Page, school: Installation, section: int, who: str) -> FrameLocator:
    course.goto(f"{school.lms['url']}/sections/{section}")
    course.get_by_role("link", name="Rollbook").click()
    course.locator("tr", has_text=who).get_by_role("link").first.click()
    return course.frame_locator("iframe")


def test_from_a_course_to_the_grades_of_the_section(ann: Page, course: Page, school: Installation) -> None:
    app = _register(ann, course, school)
    _, code = _taught(school)
    book = Lms(school.lms["url"], code)
    section = book.section
    book.close()

    refused = _open(course, school, section, "member")
    expect(refused.get_by_text("NOT_COURSE_ADMIN")).to_be_visible()
    _apps(school, id=app, flaw="other_key")
    refused = _open(course, school, section, "course admin")
    expect(refused.get_by_text("does not bear the signature of your LMS")).to_be_visible()
    _apps(school, id=app, flaw="")

    rollbook = _open(course, school, section, "course admin")
    expect(rollbook.get_by_text("You come as")).to_be_visible()
    rollbook.get_by_role("button", name="Continue to Rollbook").click()
    expect(rollbook.get_by_role("link", name="Configuration")).to_have_attribute("aria-current", "page")
    [frame] = [one for one in course.frames if "/o/maple/" in one.url]
    assert code in frame.url
    assert frame.url.startswith(school.address)
    frame.evaluate(AXE)
    found = frame.evaluate("axe.run({runOnly: {type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa']}})")
    assert found["violations"] == []

    ann.goto("/o/maple/audit/")
    expect(ann.locator("tbody tr", has_text="Opened Rollbook from a course").first).to_contain_text(code)
    rollbook.get_by_role("button", name="Leave").click()
    expect(rollbook.get_by_text("open Rollbook from your course again")).to_be_visible()
