"""From a course of a practice Moodle, synced over its web services, to the grades of the section (LTI 1.3, rule 31)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rollbook.practice.district import generate
from rollbook.practice.moodle import create_moodle
from rollbook.practice.server import serve
from rollbook.store.models import Membership
from tests.cli.kit import Command, place_tables
from tests.cli.test_grades_http import V12, serve_sis
from tests.cli.test_moodle import MoodleDistrict
from tests.web.asking import Site
from tests.web.grades_case import HERE
from tests.web.lti_lms import Browser, Lms

pytestmark = pytest.mark.rule(31)
TEACHER, STUDENT = 3, 5


@dataclass
class Moodle:
    """A practice Moodle after a sync. Whoever is in a course is named by their own id and that of the course."""

    url: str
    store: Any

    def someone(self, role: int) -> tuple[str, str, str, str]:
        """Unique id, account, course, and the class's sourcedId."""
        (found, *_) = self.store.all(
            """
            SELECT u.idnumber AS person, u.id AS account, c.id AS course, c.idnumber AS class
            FROM role_assignments r JOIN users u ON u.id = r.user JOIN courses c ON c.id = r.course
            WHERE r.role = ? ORDER BY u.id, c.id""",
            role,
        )
        return found["person"], str(found["account"]), str(found["course"]), found["class"]


@pytest.fixture
def moodle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Moodle]:
    """Before the pages are opened, as the sync opens the same data folder."""
    monkeypatch.setenv("ROLLBOOK_ALLOW_PRIVATE_HOSTS", "1")
    place_tables(tmp_path / "data")
    [day] = generate(tmp_path / "days", students=40, seed=3, days=1)
    app = create_moodle()
    with serve(app) as lms, serve_sis(day, "1.2") as sis:
        district = MoodleDistrict(Command(tmp_path / "data"), tmp_path, lms.url)
        district.asks(sis.url, version="1.2", **V12 | {"base_url": f"{sis.url}{V12['base_url']}"})
        district.sync()
        yield Moodle(lms.url, app.state.moodle.store)


@pytest.fixture
def lms(moodle: Moodle, site: Site) -> Lms:
    found = Lms(moodle.url, site.address)
    found.add_tool()
    found.register(name="Practice Moodle", profile="moodle")
    return found


@pytest.fixture
def browser() -> Iterator[Browser]:
    found = Browser()
    yield found
    found.close()


def test_a_teacher_comes_from_the_course_to_its_grades(moodle: Moodle, lms: Lms, browser: Browser) -> None:
    person, account, course, code = moodle.someone(TEACHER)
    landed = browser.launch(lms.begin(account, course))
    assert landed.status_code == 200, landed.text
    assert str(landed.url).startswith(f"{lms.site}{HERE}/configuration/{code}/")
    assert f"frame-ancestors {moodle.url}" in landed.headers["content-security-policy"]
    assert Membership.objects.get().unique_id == person
    assert not [one for one in browser.seen if person in one], "nothing personal in an address"


def test_who_does_not_teach_there_is_refused(moodle: Moodle, lms: Lms, browser: Browser) -> None:
    _, student, course, _ = moodle.someone(STUDENT)
    _refused(browser.launch(lms.begin(student, course)), "NOT_COURSE_ADMIN")
    _, teacher, _, _ = moodle.someone(TEACHER)
    _refused(browser.launch(lms.begin(teacher, "4711")), "SECTION_UNKNOWN")
    assert not Membership.objects.exists()


def test_an_id_number_that_somebody_gave_themselves_opens_nothing(moodle: Moodle, lms: Lms, browser: Browser) -> None:
    """A launch is told by Moodle's own id of the account, not by a number that people may write (decision 39)."""
    person, teacher, course, _ = moodle.someone(TEACHER)
    _, student, _, _ = moodle.someone(STUDENT)
    moodle.store.run("UPDATE users SET idnumber = '' WHERE id = ?", teacher)
    moodle.store.run("UPDATE users SET idnumber = ? WHERE id = ?", person, student)
    _refused(browser.launch(lms.begin(student, course)), "NOT_COURSE_ADMIN")
    assert not Membership.objects.exists()


def test_a_teacher_whose_own_id_number_changed_comes_in(moodle: Moodle, lms: Lms, browser: Browser) -> None:
    person, account, course, _ = moodle.someone(TEACHER)
    moodle.store.run("UPDATE users SET idnumber = 'my-own' WHERE id = ?", account)
    assert browser.launch(lms.begin(account, course)).status_code == 200
    assert Membership.objects.get().unique_id == person


def test_a_course_admin_lets_nobody_else_in_by_their_number(moodle: Moodle, lms: Lms, browser: Browser) -> None:
    _, teacher, course, _ = moodle.someone(TEACHER)
    person, student, _, _ = moodle.someone(STUDENT)
    moodle.store.run("UPDATE users SET idnumber = ? WHERE id = ?", person, teacher)
    _refused(browser.launch(lms.begin(student, course)), "NOT_COURSE_ADMIN")
    assert browser.launch(lms.begin(teacher, course)).status_code == 200


def test_a_number_is_not_believed_either_where_somebody_registered_it_so(
    moodle: Moodle, site: Site, browser: Browser
) -> None:
    """Whatever the profile: with Moodle as the organization's LMS, ID numbers prove nothing."""
    found = Lms(moodle.url, site.address)
    found.add_tool()
    found.register(name="Practice Moodle", profile="other-sis")
    person, teacher, course, _ = moodle.someone(TEACHER)
    _, student, _, _ = moodle.someone(STUDENT)
    moodle.store.run("UPDATE users SET idnumber = '' WHERE id = ?", teacher)
    moodle.store.run("UPDATE users SET idnumber = ? WHERE id = ?", person, student)
    _refused(browser.launch(found.begin(student, course)), "NOT_COURSE_ADMIN")
    assert browser.launch(found.begin(teacher, course)).status_code == 200


def _refused(landed: Any, code: str) -> None:
    assert landed.status_code == 403
    assert f"<code>{code}</code>" in landed.text
