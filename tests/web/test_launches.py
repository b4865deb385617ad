"""What all launches have in common: who is let in, where to, with which rights, and in whose frames (rule 31)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from rollbook.actions.launches import use_launch_code
from rollbook.actions.members import bind_person, deactivate_account, remove_member
from rollbook.connectors.memory.space import Space
from rollbook.errors import Unavailable
from rollbook.store.folder import DataFolder
from rollbook.store.models import Account, AuditRow, GradeSection, LaunchCode, LaunchPlatform, Membership, Role
from rollbook.web.launches.enter import Arrival
from tests.web.grades_case import HERE, Case, grades_case
from tests.web.launching import LMS, arrive, platform_of
from tests.web.people import make_person, words

pytestmark = pytest.mark.rule(31)


@pytest.fixture
def case(pages: DataFolder, world: Space) -> Case:
    found = grades_case(pages, world)
    found.teacher.account.delete()  # nobody has signed in yet
    return found


@pytest.fixture
def arrival(case: Case) -> Arrival:
    section = case.world.find("section", case.code)
    person = next(one for one in case.world.all("user") if one.code == case.person)
    assert section is not None
    return Arrival(
        platform=platform_of(), section_lms_id=section.lms_id, person_lms_id=person.lms_id, same_browser=True
    )


def _enter(client: Client, arrival: Arrival) -> Any:
    """As far as the section's page."""
    way_in = arrive(client, arrival)
    assert way_in.status_code == 302, words(way_in)
    return client.get(way_in["Location"])


def _policy(answer: Any) -> str:
    found = re.search(r"frame-ancestors ([^;]+)", answer["Content-Security-Policy"])
    assert found is not None
    return found[1]


@pytest.mark.usefixtures("database")
def test_a_teacher_comes_in_and_gets_an_account_without_a_password(case: Case, arrival: Arrival) -> None:
    browser = Client()
    landed = _enter(browser, arrival)
    assert landed.status_code == 302
    assert landed["Location"] == f"{HERE}/items/{case.code}/"
    page = browser.get(f"{HERE}/configuration/{case.code}/")
    assert page.status_code == 200
    member = Membership.objects.get(unique_id=case.person)
    assert member.role == Role.TEACHER
    assert not member.account.has_usable_password()
    assert member.account.name
    assert member.account.name in words(page)
    told = AuditRow.objects.get(action="launch")
    assert (told.subject, told.by) == (case.code, f"{member.account.name} (from a course, account {member.account.pk})")
    people = words(make_person("Ann", org="maple", acting=True).get("/o/maple/people/"))
    assert "comes from a course" in people
    assert "launched.invalid" not in people
    assert arrival.person_lms_id not in landed["Location"]


@pytest.mark.usefixtures("database")
def test_an_account_with_the_same_unique_id_is_used(case: Case, arrival: Arrival) -> None:
    known = make_person("Tina", org="maple", role=Role.TEACHER)
    Membership.objects.filter(account=known.account).update(unique_id=case.person)
    for _again in range(2):
        _enter(Client(), arrival)
    assert Membership.objects.get(unique_id=case.person).account == known.account
    assert Account.objects.count() == 1


def test_a_launched_administrator_is_a_teacher_only(case: Case, arrival: Arrival) -> None:
    known = make_person("Ada Admin", org="maple", acting=True, operator=True)
    Membership.objects.filter(account=known.account).update(unique_id=case.person)
    browser = Client()
    _enter(browser, arrival)
    assert browser.get(f"{HERE}/mine/").status_code == 200
    assert browser.get(f"{HERE}/items/{case.other}/").status_code == 404, "as an administrator they may read it"
    for there in ("/", "/organizations/", "/o/maple/", "/o/maple/grades/", "/accounts/password/set/", "/accounts/2fa/"):
        answer = browser.get(there)
        assert answer.status_code == 302, there
        assert answer["Location"].startswith("/accounts/"), there
    assert browser.post("/language/", {"language": "es"}).status_code == 302
    assert Account.objects.get(pk=known.account.pk).language == ""


def test_a_launch_is_good_for_one_organization(case: Case, arrival: Arrival) -> None:
    from tests.web.world import import_maple

    import_maple(case.world.name, slug="other")
    browser = Client()
    _enter(browser, arrival)
    Membership.objects.create(
        account=Membership.objects.get(unique_id=case.person).account,
        organization=platform_of("other").organization,
        role=Role.TEACHER,
        unique_id=case.person,
    )
    assert browser.get("/o/other/grades/mine/")["Location"].startswith("/accounts/login/")


def test_both_sessions_live_beside_each_other(case: Case, arrival: Arrival) -> None:
    ann = make_person("Ann", org="maple", acting=True)
    _enter(ann.client, arrival)
    assert ann.get("/o/maple/").status_code == 200, "she is signed in still"
    assert "Ann" not in words(ann.get(f"{HERE}/mine/")), "there the launched teacher is"
    assert words(ann.post("/launched/leave/")).startswith("You have left")
    assert "Ann" in words(ann.get(f"{HERE}/mine/"))
    assert "rollbook_launched" not in {name for name, one in ann.client.cookies.items() if one.value}


def test_whoever_signs_in_ends_the_last_ones_launch(case: Case, arrival: Arrival) -> None:
    browser = Client()
    _enter(browser, arrival)
    bob = make_person("Bob", org="maple", role=Role.TEACHER)
    bob.account.set_password("a long enough passphrase")
    bob.account.save()
    browser.post("/accounts/login/", {"login": bob.account.email, "password": "a long enough passphrase"})
    assert "Bob" in words(browser.get(f"{HERE}/mine/"))


@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        ({"section_lms_id": "424242"}, "SECTION_UNKNOWN", "ask your system administrator whether it was synced"),
        ({"section_lms_id": ""}, "SECTION_MISSING", "from within a course section"),
        ({"section_code": "another"}, "SECTION_UNKNOWN", "did not make this course section"),
        ({"person_lms_id": "424242"}, "PERSON_UNKNOWN", "whether your account was synced"),
        ({"person_lms_id": ""}, "PERSON_MISSING", "did not say who you are"),
        ({"unique_id": "somebody else"}, "PERSON_UNKNOWN", "does not know your account"),
    ],
)
def test_whom_rollbook_does_not_know_it_refuses_in_words(
    arrival: Arrival, change: dict[str, str], code: str, says: str
) -> None:
    browser = Client()
    answer = arrive(browser, replace(arrival, **change))
    assert answer.status_code == 403
    assert code in words(answer)
    assert says in words(answer)
    assert not browser.cookies
    assert not Account.objects.exists()
    assert AuditRow.objects.get(action="refuse launch").subject == code


def test_only_course_admins_come_in(case: Case, arrival: Arrival) -> None:
    other = case.world.find("section", case.other)
    assert other is not None
    answer = arrive(Client(), replace(arrival, section_lms_id=other.lms_id))
    assert answer.status_code == 403
    assert "NOT_COURSE_ADMIN" in words(answer)
    assert not Account.objects.exists()


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("closed", [True, False], ids=["account closed", "membership ended"])
def test_whom_somebody_removed_does_not_come_back_by_launching(case: Case, arrival: Arrival, closed: bool) -> None:
    _enter(Client(), arrival)
    account = Account.objects.get()
    if closed:
        deactivate_account(account=account, by="test")
    else:
        remove_member(org="maple", account=account.pk, by="test")
    refused = arrive(Client(), arrival)
    assert (refused.status_code, "ACCOUNT_CLOSED" in words(refused)) == (403, True)
    assert Account.objects.get() == account
    back = make_person("Tina", org="maple", role=Role.TEACHER)
    bind_person(org="maple", account=back.account.pk, unique_id=case.person, by="test")
    _enter(Client(), arrival)
    assert Membership.objects.get(unique_id=case.person).account == back.account


def test_a_silent_lms_lets_in_whom_it_named_before(
    case: Case, arrival: Arrival, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_asked: Any) -> Any:
        raise Unavailable("the LMS does not answer")

    monkeypatch.setattr("rollbook.web.launches.enter.look_for_admins", silent)
    assert arrive(Client(), arrival).status_code == 302
    other = case.world.find("section", case.other)
    assert other is not None
    refused = arrive(Client(), replace(arrival, section_lms_id=other.lms_id))
    assert (refused.status_code, "LMS_SILENT" in words(refused)) == (503, True)


def test_frames_are_for_the_registered_sites_and_teachers_pages_only(case: Case, arrival: Arrival) -> None:
    platform_of(origins=("https://second.example:8443",))
    browser = Client()
    landed = _enter(browser, arrival)
    page = browser.get(f"{HERE}/mine/")
    for framed in (landed, page, arrive(Client(), replace(arrival, section_lms_id="1"))):
        if "Content-Security-Policy" in framed:
            assert _policy(framed) == f"{LMS} https://second.example:8443"
        assert "X-Frame-Options" not in framed
    for forbidden in (browser.get("/o/maple/grades/"), browser.get("/accounts/login/"), Client().get(f"{HERE}/mine/")):
        assert _policy(forbidden) == "'none'"
        assert forbidden["X-Frame-Options"] == "DENY"
    signed_in = make_person("Tea", org="maple", role=Role.TEACHER)
    assert _policy(signed_in.get(f"{HERE}/mine/")) == "'none'", "a session of signing in is never framed"


def test_over_tls_the_cookie_comes_back_from_a_frame(arrival: Arrival, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SESSION_COOKIE_SECURE", True)
    cookie = arrive(Client(), arrival).cookies["rollbook_launched"].output(header="")
    for word in ("Secure", "HttpOnly", "SameSite=None", "Partitioned", "Path=/"):
        assert word in cookie


@pytest.mark.usefixtures("database")
def test_where_no_cookie_comes_back_a_window_opens_once(case: Case, arrival: Arrival) -> None:
    way_in = arrive(Client(), arrival)["Location"]
    frame, window = Client(), Client()
    offered = frame.get(way_in)
    assert offered.status_code == 200
    assert 'target="_blank"' in offered.content.decode()
    assert offered["Content-Security-Policy"].count(LMS)
    code = way_in.rstrip("/").rsplit("/", 1)[1]
    opened = window.post("/launched/open/", {"code": code})
    landed = window.get(opened["Location"])
    assert landed["Location"] == f"{HERE}/items/{case.code}/"
    assert window.get(f"{HERE}/mine/").status_code == 200
    again = Client().post("/launched/open/", {"code": code})
    assert (again.status_code, "LAUNCH_OVER" in words(again)) == (410, True)
    assert frame.get(way_in).status_code == 410


@pytest.mark.usefixtures("database")
def test_a_code_is_used_up_by_one_table_alone(arrival: Arrival) -> None:
    """Over a join PostgreSQL would let two in who come at once."""
    code = arrive(Client(), arrival)["Location"].rstrip("/").rsplit("/", 1)[1]
    with CaptureQueriesContext(connection) as asked:
        assert use_launch_code(code) is not None
    [written] = [one["sql"] for one in asked.captured_queries if one["sql"].startswith("UPDATE")]
    assert "SELECT" not in written
    assert "used_at" in written.split("WHERE")[1]
    assert use_launch_code(code) is None


@pytest.mark.parametrize(
    "sender",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "http://testserver:8080"},
        {"Origin": "https://testserver"},
        {"Origin": "null"},
        {"Origin": "http://[evil"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://testserver"},
        {"Sec-Fetch-Site": "none"},
    ],
    ids=str,
)
def test_another_site_signs_nobody_in(arrival: Arrival, sender: dict[str, str]) -> None:
    code = arrive(Client(), arrival)["Location"].rstrip("/").rsplit("/", 1)[1]
    victim = Client()
    answer = victim.post("/launched/open/", {"code": code}, headers=sender)
    assert (answer.status_code, "LAUNCH_FOREIGN" in words(answer)) == (403, True)
    assert not victim.cookies
    ours = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
    assert victim.post("/launched/open/", {"code": code}, headers=ours).status_code == 302, "the code is still good"


def test_behind_a_proxy_our_own_address_is_ours(arrival: Arrival, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLBOOK_URL", "https://Rollbook.example:443/")
    code = arrive(Client(), arrival)["Location"].rstrip("/").rsplit("/", 1)[1]
    opened = Client().post("/launched/open/", {"code": code}, headers={"Origin": "https://rollbook.example"})
    assert opened.status_code == 302


def test_a_launch_forgets_what_can_open_nothing(arrival: Arrival) -> None:
    arrive(Client(), arrival)
    LaunchCode.objects.update(expires_at="2020-01-01T00:00:00Z")
    arrive(Client(), arrival)
    assert LaunchCode.objects.count() == 1


def test_a_launch_of_unknown_origin_says_who_comes_and_waits(case: Case, arrival: Arrival) -> None:
    browser = Client()
    asked = arrive(browser, replace(arrival, same_browser=False))
    name = Membership.objects.get(unique_id=case.person).account.name
    assert f"You come as {name}" in words(asked)
    assert not browser.cookies, "nobody is signed in before they go on"
    found = re.search(r'name="code" value="([^"]+)"', asked.content.decode())
    assert found is not None
    opened = browser.post("/launched/open/", {"code": found[1]})
    assert browser.get(opened["Location"])["Location"] == f"{HERE}/items/{case.code}/"


def test_codes_are_kept_as_digests_and_end(arrival: Arrival) -> None:
    way_in = arrive(Client(), arrival)["Location"]
    code = way_in.rstrip("/").rsplit("/", 1)[1]
    kept = LaunchCode.objects.get()
    assert kept.digest != code
    LaunchCode.objects.update(expires_at="2020-01-01T00:00:00Z")
    assert Client().post("/launched/open/", {"code": code}).status_code == 410


@pytest.mark.parametrize("gone", ["platform", "member", "account", "time"])
def test_a_session_ends_with_what_it_stands_on(
    case: Case, arrival: Arrival, gone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Client()
    _enter(browser, arrival)
    if gone == "platform":
        LaunchPlatform.objects.all().delete()
    elif gone == "member":
        Membership.objects.all().delete()
    elif gone == "account":
        Account.objects.update(is_active=False)
    else:
        monkeypatch.setattr("rollbook.web.launches.session.time.time", lambda: 4e9)
    assert browser.get(f"{HERE}/mine/")["Location"].startswith("/accounts/login/")


def test_in_a_frame_an_ended_session_says_so(case: Case, arrival: Arrival) -> None:
    browser = Client()
    _enter(browser, arrival)
    Membership.objects.all().delete()
    answer = browser.get(f"{HERE}/mine/", headers={"Sec-Fetch-Dest": "iframe"})
    assert answer.status_code == 401
    assert "Open it from your course again" in words(answer)
    assert _policy(answer) == LMS
    stranger = Client().get(f"{HERE}/mine/", headers={"Sec-Fetch-Dest": "iframe"})
    assert stranger["Location"].startswith("/accounts/login/"), "who never came learns nothing"


def test_forms_work_and_strangers_forms_do_not(case: Case, arrival: Arrival) -> None:
    browser = Client(enforce_csrf_checks=True)
    _enter(browser, arrival)
    page = browser.get(f"{HERE}/configuration/{case.code}/")
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.content.decode())
    assert found is not None
    there = f"{HERE}/sync/{case.code}/"
    assert browser.post(there, {"do": "look"}).status_code == 403
    done = browser.post(there, {"do": "look", "csrfmiddlewaretoken": found[1]})
    assert done.status_code == 302
    case.work()
    assert GradeSection.objects.get(code=case.code).seen
    shown = browser.get(f"{HERE}/configuration/{case.code}/")
    assert "Rollbook looks into both gradebooks" in words(shown), "what was said waits in the launched session"
    assert set(browser.cookies) == {"rollbook_launched"}, "nothing of the launch is kept beside its own cookie"


def test_a_tampered_cookie_is_nobody(case: Case, arrival: Arrival) -> None:
    browser = Client()
    _enter(browser, arrival)
    value = browser.cookies["rollbook_launched"].value
    browser.cookies["rollbook_launched"] = value[:-3] + "abc"
    assert browser.get(f"{HERE}/mine/")["Location"].startswith("/accounts/login/")
    browser.cookies.clear()
    browser.cookies[settings.SESSION_COOKIE_NAME] = value.split(":")[0]
    assert browser.get("/")["Location"].startswith("/accounts/login/")
