"""“Why is she (not) in this class?”, each cause with its own words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.utils.formats import date_format

from rollbook.connectors.memory.space import Space
from rollbook.store.folder import DataFolder
from tests.web.people import Person, words
from tests.web.search_case import Case, change, make_case

NO_LIMITS = {name: {"percent": 100, "from": 100_000} for name in ("remove", "update", "create")}
ALL_HELD = {name: {"percent": 0, "from": 1} for name in ("remove", "update", "create")}


#: A day on which the practice district has school.
TODAY = datetime(2026, 11, 26, 15, tzinfo=UTC)
#: One for all tests, so that runs which begin alike are worked once (see `relived`).
CLOCK = SimpleNamespace(now=lambda: TODAY)


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rollbook.engine.worker.timezone", CLOCK)
    monkeypatch.setattr("rollbook.store.one_record.timezone", CLOCK)


@pytest.fixture
def case(world: Space, folder: DataFolder) -> Case:
    return make_case(world, folder)


def test_enrolled(case: Case, ann: Person) -> None:
    run = case.sync()
    answer = case.why(ann)
    assert "Yes, enrolled." in answer
    assert "Enrolled as member: the SIS lists the person in this class, and Rollbook enrolled them." in answer
    assert f"As of run {run.pk}" in answer


def test_a_space_in_the_username(case: Case, vic: Person) -> None:
    """Rule 9: blocked and reported; found by name all the same."""
    case.student["username"] = "ada lovelace"
    case.sync()
    page = vic.post("/o/maple/search/", text="ada lovelace").content.decode()
    link = f"/o/maple/search/person/sis/{case.student['sourcedId']}/"
    assert f'href="{link}"' in page
    person = words(vic.get(link))
    assert "Not in the LMS." in person
    assert "The username contains a space, which the LMS refuses." in person
    assert "Change the username in the SIS" in person
    answer = case.why(vic)
    assert "No, not enrolled." in answer
    assert "The username contains a space" in answer


def test_an_account_that_has_a_space_now_is_frozen(case: Case, ann: Person) -> None:
    case.sync()
    case.student["username"] = "ada lovelace"
    case.sync()
    answer = case.why(ann)
    assert "Yes, enrolled." in answer
    assert "It stays as it is (frozen). The person's record in the SIS has a fault that blocks it." in answer


def test_the_enrollment_is_held(case: Case, ann: Person) -> None:
    case.drop()
    case.sync()
    change(limits=ALL_HELD)
    case.world.rows["enrollments"] = [*case.world.rows["enrollments"], case.row]
    case.sync()
    answer = case.why(ann)
    assert "No, not enrolled." in answer
    assert "The enrollment waits for approval. That is more at once than the limits in the settings allow." in answer
    assert "Decide about it on the Plan page." in answer


def test_the_removal_is_held(case: Case, ann: Person) -> None:
    case.sync()
    change(limits=ALL_HELD)
    case.drop()
    case.sync()
    answer = case.why(ann)
    assert "Yes, enrolled." in answer
    assert "taking them out waits for approval: That is more at once" in answer


def test_refused_by_the_lms(case: Case, ann: Person) -> None:
    case.world.faults.refuse[case.key] = "This section is full"
    for _ in range(3):
        case.sync()
    answer = case.why(ann)
    assert "The LMS refused the enrollment and said: “This section is full”" in answer
    assert "in 3 runs" in answer
    assert "Tried again from" in answer
    case.sync()  # it waits for the weekly try now
    answer = case.why(ann)
    assert "the LMS refused it several times; it is tried weekly" in answer
    assert "in 3 runs" in answer


def test_removed(case: Case, ann: Person) -> None:
    change(limits=NO_LIMITS)
    case.sync()
    case.drop()
    run = case.sync()
    answer = case.why(ann)
    assert "No, not enrolled." in answer
    assert f"Run {run.pk} took the person out on" in answer
    page = words(ann.get(f"/o/maple/search/person/lms/{case.lms_id}/"))
    assert "Take out of a section" in page
    case.sync(kinds=("users",))
    assert f"Run {run.pk} took the person out on" in case.why(ann)


def test_never_in_the_sis(case: Case, ann: Person) -> None:
    case.drop()
    run = case.sync()
    answer = case.why(ann)
    assert f"The SIS did not list the person in this class in run {run.pk}." in answer
    assert "Enroll the person in the SIS" in answer


def test_given_later(case: Case, ann: Person) -> None:
    """Rule 19: it is given 14 days before it begins."""
    day = TODAY.date() + timedelta(days=20)
    case.row["beginDate"] = day.isoformat()
    case.sync()
    answer = case.why(ann)
    assert "No, not enrolled." in answer
    assert f"the enrollment is given on {date_format(day - timedelta(days=14))}." in answer


def test_ended(case: Case, ann: Person) -> None:
    case.row["beginDate"], case.row["endDate"] = "2026-08-10", "2026-09-01"
    case.sync()
    assert "The SIS says that the enrollment ended: its last date is Sept. 1, 2026." in case.why(ann)


def test_a_fault_of_the_enrollment(case: Case, ann: Person) -> None:
    case.row["beginDate"], case.row["endDate"] = "2026-11-10", "2026-09-01"
    case.sync()
    answer = case.why(ann)
    assert "The enrollment's record in the SIS has a fault that blocks it." in answer
    assert "The enrollment ends before it begins." in answer
    assert "Correct its dates in the SIS." in answer


def _unmap_terms(case: Case) -> None:
    change(terms={"*": {"*": "skip"}})


def _unmap_school(case: Case) -> None:
    change(schools={"*": "create", case.class_["schoolSourcedId"]: "skip"})


def _exclude_course(case: Case) -> None:
    change(exclude={"courses": [case.class_["courseSourcedId"]]})


def _without_course(case: Case) -> None:
    case.class_["courseSourcedId"] = "nowhere"


def _other_year(case: Case) -> None:
    case.class_["termSourcedIds"] = "s1-2026"


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (_unmap_terms, "None of the section's terms is mapped to a grading period."),
        (_unmap_school, "The section's school is not mapped."),
        (_exclude_course, "The settings exclude the section."),
        (_without_course, "The class refers to a course that is not there."),
        (_other_year, "None of the section's terms is in the active year."),
    ],
)
def test_the_section_is_left_out(spoil: Callable[[Case], None], sentence: str, case: Case, ann: Person) -> None:
    spoil(case)
    case.sync()
    answer = case.why(ann)
    assert "No, not enrolled." in answer
    assert sentence in answer
    section = words(ann.get(f"/o/maple/search/section/{case.class_['sourcedId']}/"))
    assert "Not in the LMS." in section
    assert sentence in section


def test_a_term_that_is_unmapped_later_freezes(case: Case, ann: Person) -> None:
    """Rule 1: unmapping freezes."""
    case.sync()
    _unmap_terms(case)
    case.sync()
    answer = case.why(ann)
    assert "Yes, enrolled." in answer
    assert "It stays as it is (frozen). None of the section's terms is mapped" in answer


def _do_not_sync(case: Case) -> None:
    change(roles={"*": {"teacher": "Teacher", "*": "skip"}})


def _no_roles(case: Case) -> None:
    change(roles={})


def _disable(case: Case) -> None:
    case.student["enabledUser"] = "false"


def _exclude(case: Case) -> None:
    change(exclude={"people": [case.student["sourcedId"]]})


def _gone(case: Case) -> None:
    case.world.rows["users"] = [row for row in case.world.rows["users"] if row is not case.student]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (_do_not_sync, "The person's role is mapped to Do Not Sync."),
        (_no_roles, "The person's school has no role map."),
        (_disable, "The SIS has the person as not enabled."),
        (_exclude, "The settings exclude the person."),
        (_gone, "The SIS does not list the person any more."),
    ],
)
def test_the_person_is_left_out(spoil: Callable[[Case], None], sentence: str, case: Case, ann: Person) -> None:
    case.sync()
    spoil(case)
    case.sync()
    person = words(ann.get(f"/o/maple/search/person/lms/{case.lms_id}/"))
    assert sentence in person


def test_who_was_never_synced_is_kept_without_a_name(case: Case, ann: Person) -> None:
    """Nothing personal is kept of people whom the organization does not want in the LMS."""
    _do_not_sync(case)
    case.sync()
    assert "/search/person/" not in ann.post("/o/maple/search/", text=case.student["username"]).content.decode()
    page = words(ann.get(f"/o/maple/search/person/sis/{case.student['sourcedId']}/"))
    assert case.student["familyName"] not in page
    assert "The person's role is mapped to Do Not Sync." in page
    assert "The person's role is mapped to Do Not Sync." in case.why(ann)


def test_the_account_was_refused(case: Case, ann: Person) -> None:
    case.world.faults.refuse[case.student["sourcedId"]] = "This username is taken"
    case.sync()
    answer = case.why(ann)
    assert "No, not enrolled." in answer
    assert "This username is taken" in answer
    page = words(ann.get(f"/o/maple/search/person/sis/{case.student['sourcedId']}/"))
    assert "refused by the LMS: “This username is taken”" in page


def test_only_a_preview_was_made(case: Case, ann: Person) -> None:
    case.sync(dry_run=True)
    answer = case.why(ann)
    assert "The last preview wants to enroll the person." in answer
    assert "Sync Sections/Enrollments." in answer


def test_users_were_not_synced_before_sections(case: Case, ann: Person) -> None:
    """Rule 5: a missing account is never made on the side."""
    case.sync(kinds=("courses",))
    case.sync(kinds=("sections",))
    assert "the person's account is not in the LMS yet" in case.why(ann)


def test_sections_were_never_read(case: Case, ann: Person) -> None:
    case.sync(kinds=("users",))
    assert "That is not known." in case.why(ann)


def test_an_incomplete_read_is_said(case: Case, ann: Person) -> None:
    case.sync()
    case.drop()
    case.world.faults.break_read_at["enrollments"] = 1
    case.sync()
    answer = case.why(ann)
    assert "Yes, enrolled." in answer
    assert "The SIS was not read whole in the last run" in answer


def test_taken_out_by_hand(case: Case, ann: Person) -> None:
    """Rule 23: what people deleted by hand is listed, not given again."""
    case.sync()
    section = case.world.find("section", case.class_["sourcedId"])
    assert section is not None
    gone = case.world.find("enrollment", f"{section.lms_id}|{case.lms_id}")
    assert gone is not None
    case.world.delete("enrollment", gone)
    change(live={"sections_per_run": 100_000})
    case.sync(compare_live=True)
    answer = case.why(ann)
    assert "No, not enrolled." in answer
    assert "Somebody took this person out of the section by hand" in answer


def test_an_undo_keeps_it(case: Case, ann: Person) -> None:
    """Rule 28: what was undone is pinned."""
    from rollbook.actions.runs import request_undo
    from rollbook.engine.waiting import work_until_ended

    change(limits=NO_LIMITS)
    case.sync()
    case.drop()
    removed = case.sync()
    undo = request_undo(run_id=removed.pk, by="test")
    work_until_ended(case.folder, undo.pk)
    case.sync()
    answer = case.why(ann)
    assert "Yes, enrolled." in answer
    assert f"An undo (run {undo.pk}) put this as it is" in answer
    assert "stays as it is until" in words(ann.get(f"/o/maple/search/person/lms/{case.lms_id}/"))
