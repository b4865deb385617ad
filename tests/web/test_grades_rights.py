"""Rule 31 on the pages: a teacher sees and starts sections where they are a course admin, and no others; the map."""

from __future__ import annotations

import pytest

from rollbook.actions.grades import GradesWanted, request_grades
from rollbook.connectors.memory.space import Space
from rollbook.roster.grades import Member
from rollbook.store.folder import DataFolder
from rollbook.store.models import AuditRow, GradeSection, Membership, Run
from tests.web.grades_case import HERE, Case, grades_case
from tests.web.people import Person, make_person, words

PAGES = ("items", "item", "now", "configuration", "status")
POSTS = ("sync", "configuration", "fill", "copy")


@pytest.fixture
def case(folder: DataFolder, world: Space) -> Case:
    return grades_case(folder, world)


@pytest.mark.rule(31)
def test_a_section_of_another_teacher_is_not_there(case: Case) -> None:
    runs = Run.objects.count()
    for code in (case.other, "nowhere"):
        for name in PAGES:
            answer = case.teacher.get(f"{HERE}/{name}/{code}/")
            assert answer.status_code == 404
            assert code not in words(answer)
        for name in POSTS:
            assert case.teacher.post(f"{HERE}/{name}/{code}/", do="changes").status_code == 404
    assert Run.objects.count() == runs
    shown = words(case.teacher.get(f"{HERE}/mine/"))
    assert case.other not in shown


@pytest.mark.rule(30)
def test_who_only_reads_reads(case: Case, vic: Person, bob: Person) -> None:
    case.mapped()
    for person in (vic, bob):
        page = person.get(f"{HERE}/items/{case.code}/")
        assert page.status_code == 200
        assert "Sync Changes" not in words(page)
        assert case.do("changes", who=person).status_code == 403
        assert person.post(f"{HERE}/send/", do="sync", every="1").status_code == 403


def test_an_administrator_who_teaches_acts_as_a_teacher(case: Case, bob: Person) -> None:
    case.mapped()
    Membership.objects.filter(account=case.teacher.account).update(unique_id="")
    Membership.objects.filter(account=bob.account).update(unique_id=case.person)
    assert case.do("changes", who=bob).status_code == 302
    assert Run.objects.latest("created_at").requested_by.startswith("Bob")
    assert case.do("changes", case.other, who=bob).status_code == 403


def test_a_teacher_of_whom_nobody_said_who_they_are(case: Case) -> None:
    stranger = make_person("Nora New", org="maple", role="teacher")
    shown = words(stranger.get(f"{HERE}/mine/"))
    assert "Nobody has said yet who you are in the SIS" in shown
    assert stranger.get(f"{HERE}/items/{case.code}/").status_code == 404
    asked = stranger.post(f"{HERE}/mine/find/", code=case.code)
    assert "There is no such section" in words(stranger.get(asked["Location"]))


def test_a_teacher_without_sections_gets_a_friendly_page(case: Case) -> None:
    Membership.objects.filter(account=case.teacher.account).update(unique_id="somebody-else")
    assert "You have no sections here yet" in words(case.teacher.get(f"{HERE}/mine/"))


@pytest.mark.rule(31)
def test_a_course_admin_added_by_hand_is_found_in_the_lms(case: Case) -> None:
    told = []
    for code in (case.other, "nowhere"):
        answer = case.teacher.post(f"{HERE}/mine/find/", code=code)
        told.append(words(case.teacher.get(answer["Location"])))
    assert told[0] == told[1], "what is not theirs looks like what is not there"
    case.book(case.other, members=(Member(id="m1", user="u1", unique_id=case.person, admin=True),))
    found = case.teacher.post(f"{HERE}/mine/find/", code=case.other)
    assert found["Location"] == f"{HERE}/items/{case.other}/"
    assert case.teacher.get(f"{HERE}/configuration/{case.other}/").status_code == 200
    assert case.other in case.teacher.get(f"{HERE}/mine/").content.decode()
    case.book(case.other, members=())
    assert case.do("look", case.other).status_code == 302
    assert not Run.objects.filter(river="grades").exists(), "the LMS is asked again before anything starts"
    assert case.teacher.get(f"{HERE}/items/{case.other}/").status_code == 404


@pytest.mark.rule(31)
def test_whoever_was_taken_out_by_hand_is_refused(case: Case) -> None:
    case.mapped()
    case.book(members=(Member(id="m1", user="u1", unique_id="somebody-else", admin=True),))
    case.do("changes")
    assert not Run.objects.filter(river="grades", state="queued").exists()
    assert case.teacher.get(f"{HERE}/items/{case.code}/").status_code == 404, "it is not theirs any more"


def test_the_acting_user_says_who_a_teacher_is(case: Case, ann: Person) -> None:
    account = case.teacher.account.pk
    Membership.objects.filter(account=account).update(unique_id="")
    bind = f"/o/maple/people/{account}/bind/"
    assert "synced nobody with this unique id" in words(ann.post(bind, unique_id="nobody-has-this"))
    assert ann.post(bind, unique_id=case.person).status_code == 302
    assert case.teacher.get(f"{HERE}/configuration/{case.code}/").status_code == 200
    second = make_person("Twin Teacher", org="maple", role="teacher")
    again = ann.post(f"/o/maple/people/{second.account.pk}/bind/", unique_id=case.person)
    assert "another member has this unique id already" in words(again).casefold()
    assert AuditRow.objects.filter(action="bind person").count() == 1


def test_of_two_tabs_the_second_is_told(case: Case) -> None:
    case.do("look")
    case.work()
    seen = case.digest()
    case.save_map(_1="hw", seen=seen)
    late = case.save_map(_1="te", _2="te", seen=seen)
    assert late.status_code == 400
    assert "Somebody else saved this map since you opened the page" in words(late)
    assert 'value="te" selected' in late.content.decode(), "what was chosen stands there still"
    assert GradeSection.objects.get(code=case.code).categories == {"1": "hw"}


def test_a_map_takes_only_categories_that_are_there(case: Case) -> None:
    case.do("look")
    case.work()
    for chosen in ({"_1": "nonsense"}, {"_99": "hw"}, {"_1": "*"}):
        assert case.save_map(**chosen).status_code == 400
    assert GradeSection.objects.get(code=case.code).categories == {}


def test_not_sending_a_category_is_a_decision(case: Case) -> None:
    case.do("look")
    case.work()
    case.save_map(_1="-", _2="te")
    case.work()
    shown = words(case.teacher.get(f"{HERE}/items/{case.code}/"))
    assert "Not Sent" in shown


def test_a_category_that_is_gone_from_the_sis_is_asked_for_again(case: Case) -> None:
    case.mapped()
    case.world.sis_book.categories = [each for each in case.world.sis_book.categories if each.id != "hw"]
    case.do("look")
    case.work()
    assert "is not there any more" in words(case.teacher.get(f"{HERE}/items/{case.code}/"))
    assert "The SIS has the chosen category no more" in words(case.teacher.get(f"{HERE}/configuration/{case.code}/"))


@pytest.mark.rule(31)
@pytest.mark.parametrize("act", ["save", "fill", "copy"])
def test_whoever_was_taken_out_by_hand_changes_no_map(case: Case, act: str) -> None:
    case.mapped()
    for code in case.mine[:2]:
        request_grades(org="maple", sections=[code], by="test", wanted=GradesWanted(dry_run=True))
        case.work()
        case.book(code, members=(Member(id="m1", user="u1", unique_id="somebody-else", admin=True),))
    GradeSection.objects.filter(code=case.mine[1]).update(categories={})
    here, there = case.mine[0], case.mine[1]
    before = GradeSection.objects.get(code=here).categories
    if act == "save":
        typed = case.save_map(_1="-", _2="-")
        assert "You are not a course admin of this section in the LMS any more" in words(typed)
    elif act == "fill":
        case.teacher.post(f"{HERE}/fill/{there}/")
    else:
        case.teacher.post(f"{HERE}/copy/{here}/", to=there)
    assert GradeSection.objects.get(code=here).categories == before
    assert GradeSection.objects.get(code=there).categories == {}


def test_a_map_is_copied_to_my_other_sections_alone(case: Case) -> None:
    if len(case.mine) < 2:
        pytest.skip("the district has no teacher with two sections")
    case.mapped()
    second = case.mine[1]
    early = case.teacher.post(f"{HERE}/copy/{case.code}/", to=second)
    assert "was not read yet" in words(case.teacher.get(early["Location"]))
    for code in (second, case.other):
        request_grades(org="maple", sections=[code], by="test", wanted=GradesWanted(dry_run=True))
        case.work()
    case.teacher.post(f"{HERE}/copy/{case.code}/", to=[second, case.other])
    assert GradeSection.objects.get(code=second).categories == {"1": "hw", "2": "te"}
    assert GradeSection.objects.get(code=case.other).categories == {}
    GradeSection.objects.filter(code=second).update(categories={})
    filled = case.teacher.post(f"{HERE}/fill/{second}/")
    assert "2 categories were filled in" in words(case.teacher.get(filled["Location"]))
