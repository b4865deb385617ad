"""Course admins whom people added by hand in the LMS (rule 31): found without anybody typing a code, lost when the LMS
says so, and never more than it says."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from rollbook.actions.teachers import claim_look, forget_old_looks
from rollbook.actions.upkeep import collect_garbage
from rollbook.connectors.memory.space import Space
from rollbook.engine.teachers import look_for_teachers
from rollbook.errors import Unavailable
from rollbook.roster.grades import Member
from rollbook.store.folder import DataFolder
from rollbook.store.models import GradeSection, Membership, SectionAdmin, TeacherLook
from rollbook.web.launches.enter import Arrival
from tests.web.grades_case import HERE, Case, grades_case
from tests.web.launching import arrive, platform_of
from tests.web.people import Person, make_person, words

pytestmark = pytest.mark.rule(31)
MINE = f"{HERE}/mine/"


@pytest.fixture
def case(pages: DataFolder, world: Space) -> Case:
    return grades_case(pages, world)


def _by_hand(case: Case, *people: str) -> None:
    """The LMS's course admins of the other teacher's section."""
    members = (Member(id=f"m{n}", user=f"u{n}", unique_id=one, admin=True) for n, one in enumerate(people))
    case.book(case.other, members=tuple(members))


def _later(**by: int) -> None:
    """Everything that is remembered is so much older."""
    for row in TeacherLook.objects.all():
        TeacherLook.objects.filter(pk=row.pk).update(looked_at=timezone.now() - timedelta(**by))
    GradeSection.objects.filter(admins_at__isnull=False).update(admins_at=timezone.now() - timedelta(**by))


def _shown(case: Case, page: Any) -> set[str]:
    return {code for code in (*case.mine, case.other) if f"/items/{code}/" in page.content.decode()}


def _look(case: Case) -> str:
    """The page of the teacher's sections after the worker has asked the LMS."""
    case.teacher.get(MINE)
    look_for_teachers(case.folder)
    return case.teacher.get(MINE).content.decode()


@pytest.mark.usefixtures("database")
def test_my_sections_find_what_somebody_gave_me_by_hand(case: Case) -> None:
    _by_hand(case, case.person)
    first = case.teacher.get(MINE)
    assert case.other not in first.content.decode()
    assert "The LMS is being asked in which sections you are a course admin" in words(first)
    assert "Rollbook-Ended" not in case.teacher.get(f"{MINE}now/")
    assert look_for_teachers(case.folder) == 1
    assert case.teacher.get(f"{MINE}now/")["Rollbook-Ended"] == "true"
    then = case.teacher.get(MINE)
    assert case.other in then.content.decode()
    assert _shown(case, then) == _shown(case, first) | {case.other}
    assert "is being asked" not in words(then), "it was asked a moment ago"
    assert look_for_teachers(case.folder) == 0
    assert case.teacher.get(f"{HERE}/configuration/{case.other}/").status_code == 200


def test_whoever_loses_the_role_loses_the_section(case: Case) -> None:
    _by_hand(case, case.person, "somebody-else")
    assert case.other in _look(case)
    _by_hand(case, "somebody-else")
    case.teacher.get(MINE)
    assert case.teacher.get(f"{HERE}/configuration/{case.other}/").status_code == 200, "nobody has asked yet"
    _later(minutes=20)
    assert case.other not in _look(case)
    assert case.teacher.get(f"{HERE}/configuration/{case.other}/").status_code == 404


def test_a_member_is_no_course_admin(case: Case) -> None:
    members = (Member(id="m", user="u", unique_id=case.person, admin=False),)
    case.book(case.other, members=members)
    assert case.other not in _look(case)


def test_a_teacher_of_the_roster_who_left_the_section_loses_it(case: Case) -> None:
    assert case.code in _look(case)
    case.book(members=(Member(id="m", user="u", unique_id="somebody-else", admin=True),))
    _later(minutes=20)
    assert case.code not in _look(case)


def test_a_section_that_is_gone_takes_nothing_else_along(case: Case) -> None:
    roster = _shown(case, case.teacher.get(MINE))
    _by_hand(case, case.person)
    assert case.other in _look(case)
    del case.world.gradebooks[case.other]
    section = case.world.find("section", case.other)
    assert section is not None
    case.world.delete("section", section)
    _later(minutes=20)
    assert "could not say" not in _look(case)
    assert _shown(case, case.teacher.get(MINE)) == roster


def test_what_the_lms_said_by_hand_does_not_count_for_ever(case: Case) -> None:
    """Then the way goes over the page that asks again, and back."""
    _by_hand(case, case.person)
    assert case.other in _look(case)
    _later(hours=25)
    there = case.teacher.get(f"{HERE}/status/{case.other}/")
    assert (there.status_code, there["Location"]) == (302, f"{MINE}?section={case.other}")
    assert case.teacher.get(f"{HERE}/configuration/{case.code}/").status_code == 200, "the roster has that one"
    asking = words(case.teacher.get(there["Location"]))
    assert "is being asked" in asking
    assert "any more" not in asking
    look_for_teachers(case.folder)
    assert case.teacher.get(there["Location"])["Location"] == f"{HERE}/items/{case.other}/"
    _by_hand(case)
    _later(hours=25)
    case.teacher.get(there["Location"])
    look_for_teachers(case.folder)
    assert "You are not a course admin of this section in the LMS any more" in words(
        case.teacher.get(there["Location"])
    )
    assert case.teacher.get(f"{HERE}/status/{case.other}/").status_code == 404


def test_a_silent_lms_is_told_and_asked_again_soon(case: Case) -> None:
    _by_hand(case, case.person)
    case.teacher.get(MINE)
    case.world.faults.next_calls(*["cut"] * 50)
    look_for_teachers(case.folder)
    told = words(case.teacher.get(MINE))
    assert "The LMS could not say just now in which sections you are a course admin" in told
    case.world.faults.queue.clear()
    _later(minutes=2)
    assert case.other in _look(case)
    assert "could not say" not in _look(case)


def test_nobody_is_asked_about_who_is_nobody(case: Case) -> None:
    stranger = make_person("Nora New", org="maple", role="teacher")
    stranger.get(MINE)
    assert not TeacherLook.objects.exists()
    Membership.objects.filter(account=stranger.account).update(unique_id="nobody-has-this")
    stranger.get(MINE)
    look_for_teachers(case.folder)
    assert not TeacherLook.objects.get().failed
    assert not SectionAdmin.objects.exists()


@pytest.mark.usefixtures("database")
def test_of_two_workers_one_asks_and_a_dead_one_is_followed(case: Case) -> None:
    case.teacher.get(MINE)
    assert claim_look() is not None
    assert claim_look() is None
    TeacherLook.objects.update(claimed_at=timezone.now() - timedelta(minutes=6))
    assert look_for_teachers(case.folder) == 1


def _launch(case: Case, teaches: bool | None, monkeypatch: pytest.MonkeyPatch) -> tuple[Client, Any]:
    """A launch into the other teacher's section while the LMS's API is silent."""

    def silent(*_asked: Any) -> Any:
        raise Unavailable("the LMS does not answer")

    monkeypatch.setattr("rollbook.web.launches.enter.look_for_admins", silent)
    section = case.world.find("section", case.other)
    assert section is not None
    arrival = Arrival(platform=platform_of(), section_lms_id=section.lms_id, unique_id=case.person, same_browser=True)
    browser = Client()
    return browser, arrive(browser, replace(arrival, teaches=teaches))


def test_while_the_lms_is_silent_a_launch_says_who_teaches(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, way_in = _launch(case, True, monkeypatch)
    assert browser.get(way_in["Location"])["Location"] == f"{HERE}/items/{case.other}/"
    assert browser.get(f"{HERE}/configuration/{case.other}/").status_code == 200
    assert case.other in browser.get(MINE).content.decode()
    case.do("look", case.other)
    assert not GradeSection.objects.get(code=case.other).syncs.exists(), "before anything starts, the LMS is asked"
    assert browser.get(f"{HERE}/configuration/{case.other}/").status_code == 404, "it has said no meanwhile"


def test_what_a_launch_says_counts_for_hours(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, _way_in = _launch(case, True, monkeypatch)
    assert browser.get(f"{HERE}/configuration/{case.other}/").status_code == 200
    SectionAdmin.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert browser.get(f"{HERE}/configuration/{case.other}/").status_code == 302
    forget_old_looks()
    assert browser.get(f"{HERE}/configuration/{case.other}/").status_code == 302
    SectionAdmin.objects.update(until=timezone.now() - timedelta(days=31))
    forget_old_looks()
    assert browser.get(f"{HERE}/configuration/{case.other}/").status_code == 404


def test_a_launch_takes_nothing_from_what_the_lms_said_before(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """The LMS is silent for a day: when the launch counts no more, it is asked again as if nobody had come."""
    _by_hand(case, case.person)
    assert case.other in _look(case)
    _later(hours=25)
    browser, way_in = _launch(case, True, monkeypatch)
    assert browser.get(way_in["Location"])["Location"] == f"{HERE}/items/{case.other}/"
    assert browser.get(f"{HERE}/configuration/{case.other}/").status_code == 200
    SectionAdmin.objects.filter(until__isnull=False).update(until=timezone.now() - timedelta(seconds=1))
    forget_old_looks()
    there = case.teacher.get(f"{HERE}/status/{case.other}/")
    assert (there.status_code, there["Location"]) == (302, f"{MINE}?section={case.other}")
    case.teacher.get(there["Location"])
    look_for_teachers(case.folder)
    assert case.teacher.get(there["Location"])["Location"] == f"{HERE}/items/{case.other}/"


def test_what_the_lms_says_later_counts_more_than_a_launch(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, _way_in = _launch(case, True, monkeypatch)
    _by_hand(case, case.person)
    _look(case)
    SectionAdmin.objects.filter(until__isnull=False).update(until=timezone.now() - timedelta(seconds=1))
    assert browser.get(f"{HERE}/configuration/{case.other}/").status_code == 200, "the LMS itself said so"


@pytest.mark.parametrize(("teaches", "status"), [(None, 503), (False, 403)])
def test_a_launch_that_names_no_teacher_gives_nothing(
    case: Case, teaches: bool | None, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _browser, answer = _launch(case, teaches, monkeypatch)
    assert answer.status_code == status
    assert not SectionAdmin.objects.exists()


def test_old_looks_are_forgotten(case: Case, ann: Person) -> None:
    _look(case)
    collect_garbage(by="test", days=30)
    assert TeacherLook.objects.exists()
    _later(days=31)
    collect_garbage(by="test", days=30)
    assert not TeacherLook.objects.exists()
