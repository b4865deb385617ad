"""LTI 1.3 over HTTP, the practice LMS as the platform: true launches come in, all others end in a refusal (rule 31)."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core import signing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from rollbook.actions.lti import PlatformValues, begin_login, register_platform, use_login
from rollbook.connectors.memory.space import Space
from rollbook.errors import Unavailable
from rollbook.practice.lms import create_lms
from rollbook.practice.server import serve
from rollbook.store.folder import DataFolder
from rollbook.store.models import Account, AuditRow, LtiPlatform, Membership
from rollbook.web.launches.refusals import LaunchRefused
from rollbook.web.lti.keys import platform_key
from rollbook.web.lti.profiles import PROFILES, teaches_there
from tests.web.asking import Site
from tests.web.grades_case import HERE, Case, grades_case
from tests.web.lti_lms import Browser, Lms
from tests.web.world import import_maple

pytestmark = pytest.mark.rule(31)


@pytest.fixture
def case(pages: DataFolder, world: Space) -> Case:
    found = grades_case(pages, world)
    found.teacher.account.delete()
    return found


@pytest.fixture
def lms(case: Case, site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lms]:
    monkeypatch.setenv("ROLLBOOK_ALLOW_PRIVATE_HOSTS", "1")
    with serve(create_lms()) as running:
        found = Lms(running.url, site.address)
        found.add_tool()
        found.register()
        yield found


@pytest.fixture
def browser() -> Iterator[Browser]:
    found = Browser()
    yield found
    found.close()


@pytest.fixture
def teacher(case: Case) -> tuple[str, str]:
    """The teacher's and the section's ids in the LMS."""
    section = case.world.find("section", case.code)
    assert section is not None
    return next(one for one in case.world.all("user") if one.code == case.person).lms_id, section.lms_id


def test_a_true_launch_comes_in(lms: Lms, browser: Browser, teacher: tuple[str, str], case: Case) -> None:
    landed = browser.launch(lms.begin(*teacher))
    assert landed.status_code == 200, landed.text
    assert str(landed.url).startswith(f"{lms.site}{HERE}/configuration/{case.code}/")
    assert "rollbook_launched" in browser.names()
    assert "rollbook_session" not in browser.names()
    told = landed.headers["content-security-policy"]
    assert f"frame-ancestors {lms.url}" in told
    for secret in (*teacher, case.person):
        # As a whole part: a short id may well be among the letters of a code.
        assert not [one for one in browser.seen if secret in re.split("[/?&=]", one)], "nothing personal in an address"


@pytest.mark.parametrize(
    ("tamper", "code"),
    [
        ("forged", "LTI_SIGNATURE"),
        ("unknown key", "LTI_SIGNATURE"),
        ("unsigned", "LTI_SIGNATURE"),
        ("confused", "LTI_SIGNATURE"),
        ("altered", "LTI_SIGNATURE"),
        ("expired", "LTI_EXPIRED"),
        ("from the future", "LTI_EXPIRED"),
        ("no expiry", "LTI_TOKEN"),
        ("audience", "LTI_AUDIENCE"),
        ("several audiences", "LTI_AUDIENCE"),
        ("party", "LTI_AUDIENCE"),
        ("issuer", "LTI_ISSUER"),
        ("deployment", "LTI_DEPLOYMENT"),
        ("nonce", "LTI_NONCE"),
        ("no nonce", "LTI_TOKEN"),
        ("state", "LTI_STATE"),
        ("target", "LTI_TARGET"),
        ("message", "LTI_MESSAGE"),
        ("version", "LTI_MESSAGE"),
        ("nobody", "PERSON_MISSING"),
        ("error", "LTI_PLATFORM_ERROR"),
    ],
)
def test_what_is_not_a_true_launch_is_refused(
    lms: Lms, browser: Browser, teacher: tuple[str, str], tamper: str, code: str
) -> None:
    landed = browser.launch(lms.begin(*teacher, tamper))
    _refused(landed, browser, code)
    told = list(AuditRow.objects.filter(action="refuse launch").values_list("subject", flat=True))
    proven = ("LTI_DEPLOYMENT", "LTI_TARGET", "LTI_MESSAGE", "PERSON_MISSING")
    assert told == ([code] if code in proven else []), "what anybody can send, or send again, fills no audit"


@pytest.mark.parametrize(("tamper", "code"), [("replay", "LTI_STATE"), ("old token", "LTI_NONCE")])
def test_a_launch_is_good_once(lms: Lms, browser: Browser, teacher: tuple[str, str], tamper: str, code: str) -> None:
    assert browser.launch(lms.begin(*teacher)).status_code == 200
    thief = Browser()
    _refused(thief.launch(lms.begin(*teacher, tamper)), thief, code)
    thief.close()


@pytest.mark.parametrize(
    "token",
    ["", "a.b.c", "x" * 70_000, "W1tb" * 10_000 + ".e30.e30", "e30.e30.", "\0"],
    ids=["empty", "letters", "long", "deep", "no header", "nul"],
)
def test_garbage_is_refused(lms: Lms, browser: Browser, teacher: tuple[str, str], token: str) -> None:
    there, fields = browser.to_form(lms.begin(*teacher))
    answer = browser.send(there, {**fields, "id_token": token})
    assert answer.status_code in (400, 403), answer.status_code
    assert re.search("<code>LTI_(TOKEN|SIGNATURE)</code>", answer.text)


def test_a_launch_that_took_too_long_is_refused(
    lms: Lms, browser: Browser, teacher: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    form = browser.to_form(lms.begin(*teacher))
    monkeypatch.setattr("rollbook.actions.lti.LOGIN_LASTS", timedelta(seconds=-1))
    _refused(browser.send(*form), browser, "LTI_STATE")


def test_a_state_of_somebody_elses_making_is_refused(lms: Lms, browser: Browser, teacher: tuple[str, str]) -> None:
    there, fields = browser.to_form(lms.begin(*teacher))
    for state in (fields["state"][:-1], fields["state"] + "x", signing.dumps([1, "", ""], salt="another"), "é:\0:\0"):
        _refused(browser.send(there, {**fields, "state": state}), browser, "LTI_STATE")
    assert browser.send(there, fields).status_code == 200


@pytest.mark.usefixtures("database")
def test_whoever_only_begins_writes_nothing(case: Case) -> None:
    _registered()
    asked = {"iss": "https://lms.example", "login_hint": "1", "client_id": "17", "target_link_uri": "x"}
    with CaptureQueriesContext(connection) as asked_for:
        assert Client().get("/lti/maple/login/", asked).status_code == 302
    assert asked_for.captured_queries
    assert not [one["sql"] for one in asked_for.captured_queries if not one["sql"].startswith("SELECT")]


@pytest.mark.usefixtures("database")
def test_of_two_launches_at_once_one_arrives(case: Case) -> None:
    state, _nonce = begin_login(_registered())

    def arrive(_number: int) -> bool:
        try:
            return use_login("maple", state) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as both:
        assert sorted(both.map(arrive, range(2))) == [False, True]


def test_a_launch_in_another_browser_waits_for_a_yes(lms: Lms, browser: Browser, teacher: tuple[str, str]) -> None:
    form = browser.to_form(lms.begin(*teacher))
    victim = Browser()
    asked = victim.send(*form)
    assert asked.status_code == 200
    assert "You come as" in asked.text
    assert not victim.names(), "nobody is signed in before they say yes"
    victim.close()


def test_a_launch_of_one_organization_does_not_open_another(
    lms: Lms, browser: Browser, teacher: tuple[str, str], case: Case
) -> None:
    import_maple(case.world.name, slug="other")
    there, fields = browser.to_form(lms.begin(*teacher))
    _refused(browser.send(there.replace("/maple/", "/other/"), fields), browser, "LTI_STATE")


def test_section_and_person_are_looked_up_in_the_ledger(lms: Lms, browser: Browser, teacher: tuple[str, str]) -> None:
    user, section = teacher
    _refused(browser.launch(lms.begin(user, "4711")), browser, "SECTION_UNKNOWN")
    _refused(browser.launch(lms.begin("4711", section)), browser, "PERSON_UNKNOWN")


def test_the_launch_says_who_teaches_while_the_lms_is_silent(
    lms: Lms, browser: Browser, teacher: tuple[str, str], case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_asked: Any) -> Any:
        raise Unavailable("the LMS does not answer")

    monkeypatch.setattr("rollbook.web.launches.enter.look_for_admins", silent)
    other = case.world.find("section", case.other)
    assert other is not None
    landed = browser.launch(lms.begin(teacher[0], other.lms_id))
    assert str(landed.url).startswith(f"{lms.site}{HERE}/configuration/{case.other}/"), landed.text


_LTI = "https://purl.imsglobal.org/spec/lti/claim/"
_HERE = "http://purl.imsglobal.org/vocab/lis/v2/membership#"


@pytest.mark.parametrize(
    ("profile", "roles", "wanted"),
    [
        ("schoology", [_HERE + "Instructor"], True),
        ("moodle", ["Instructor"], True),
        ("moodle", [_HERE + "Learner", "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Faculty"], False),
        ("moodle", ["http://purl.imsglobal.org/vocab/lis/v2/institution/person#Instructor"], None),
        ("moodle", ["http://purl.imsglobal.org/vocab/lis/v2/membership/Instructor#TeachingAssistant"], None),
        ("moodle", [], None),
        ("moodle", "Instructor", None),
        ("moodle", [7, None], None),
        ("other", [_HERE + "Instructor"], None),
    ],
)
def test_roles_count_where_the_section_is_sure(profile: str, roles: Any, wanted: bool | None) -> None:
    """`other` is named by an id that somebody may have edited: a role of one section must not open another."""
    claims = {
        _LTI + "context": {"id": "17"}, _LTI + "lis": {"course_section_sourcedid": "4711"}, _LTI + "roles": roles,
    }  # fmt: skip
    assert teaches_there(PROFILES[profile].section, claims) is wanted


def test_who_is_no_course_admin_there_is_refused(
    lms: Lms, browser: Browser, teacher: tuple[str, str], case: Case
) -> None:
    other = case.world.find("section", case.other)
    assert other is not None
    _refused(browser.launch(lms.begin(teacher[0], other.lms_id)), browser, "NOT_COURSE_ADMIN")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"iss": "https://another.example"}, "LTI_PLATFORM_UNKNOWN"),
        ({"client_id": "another"}, "LTI_PLATFORM_UNKNOWN"),
        ({"iss": ""}, "LTI_INCOMPLETE"),
        ({"login_hint": ""}, "LTI_INCOMPLETE"),
        ({"login_hint": "x" * 9000}, "LTI_INCOMPLETE"),
        ({"iss": "https://lms\0.example"}, "LTI_INCOMPLETE"),
        ({"lti_deployment_id": "\0"}, "LTI_INCOMPLETE"),
        ({"lti_deployment_id": "x" * 256}, "LTI_INCOMPLETE"),
    ],
)
def test_a_login_of_nobody_leads_nowhere(lms: Lms, browser: Browser, change: dict[str, str], code: str) -> None:
    asked = {"iss": lms.url, "login_hint": "1", "client_id": lms.tool["client_id"], "target_link_uri": "x", **change}
    answer = browser.http.post(f"{lms.site}/lti/maple/login/", data=asked)
    assert answer.status_code in (400, 403)
    assert code in answer.text
    assert "location" not in answer.headers


def test_an_organization_without_the_lms_answers_like_one_that_is_not_there(lms: Lms, browser: Browser) -> None:
    asked = {"iss": lms.url, "login_hint": "1", "client_id": lms.tool["client_id"]}
    answers = [browser.http.post(f"{lms.site}/lti/{org}/login/", data=asked) for org in ("nowhere", "nothing")]
    assert answers[0].text.replace("nowhere", "") == answers[1].text.replace("nothing", "")
    assert answers[0].status_code == 403


def test_the_deployment_named_at_the_login_must_launch(lms: Lms, browser: Browser, teacher: tuple[str, str]) -> None:
    LtiPlatform.objects.update(deployments=["elsewhere", lms.tool["deployment_id"]])
    begun = lms.begin(*teacher).replace(lms.tool["deployment_id"], "elsewhere")
    _refused(browser.launch(begun), browser, "LTI_DEPLOYMENT")


def test_keys_are_read_once_and_anew_for_a_key_that_is_not_known(
    lms: Lms, browser: Browser, teacher: tuple[str, str]
) -> None:
    import httpx2

    for _launch in range(3):
        assert browser.launch(lms.begin(*teacher)).status_code == 200
    for _launch in range(3):
        browser.launch(lms.begin(*teacher, "unknown key"))
    counted = httpx2.get(f"{lms.url}/_practice/requests", trust_env=False).json()["attempts"]
    assert counted["GET /lti/keys"] == 1, "a minute has not passed"


@pytest.mark.usefixtures("pages")
def test_one_request_at_a_time_reads_the_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others wait a while for what it reads, and not for a platform that never answers."""
    begun, may_end, reads = threading.Event(), threading.Event(), []

    def slow(url: str) -> dict[str, Any]:
        reads.append(url)
        begun.set()
        may_end.wait(60)
        return {"keys": []}

    def ask() -> str:
        try:
            platform_key("https://lms.example/keys", "k")
        except LaunchRefused as refused:
            return refused.code
        finally:
            connection.close()
        return ""

    monkeypatch.setattr("rollbook.web.lti.keys.fetch_document", slow)
    monkeypatch.setattr("rollbook.web.lti.keys._WAIT_S", 0.3)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(ask)
        assert begun.wait(60)
        assert ask() == "LTI_KEYS_UNREADABLE"
        monkeypatch.setattr("rollbook.web.lti.keys._WAIT_S", 20)
        waits = pool.submit(ask)
        may_end.set()
        assert (first.result(60), waits.result(60)) == ("LTI_SIGNATURE", "LTI_SIGNATURE"), "read, and not among them"
    assert len(reads) == 1


def test_keys_that_cannot_be_read_let_nobody_in(lms: Lms, browser: Browser, teacher: tuple[str, str]) -> None:
    for address in (f"{lms.url}/users", f"{lms.url}/nothing", "http://127.0.0.1:9/keys", "http://169.254.169.254/keys"):
        LtiPlatform.objects.update(keys_url=address)
        _refused(browser.launch(lms.begin(*teacher)), browser, "LTI_KEYS_UNREADABLE")


def test_our_keys_are_public_ones(lms: Lms, browser: Browser) -> None:
    [key] = browser.http.get(f"{lms.site}/lti/keys/").json()["keys"]
    assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS256", "sig")
    assert not set(key) & {"d", "p", "q", "dp", "dq", "qi"}
    assert browser.http.get(f"{lms.site}/lti/keys/").json()["keys"] == [key]


def test_logs_hold_no_token_and_no_state(
    lms: Lms, browser: Browser, teacher: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    there, fields = browser.to_form(lms.begin(*teacher))
    browser.send(there, fields)
    browser.launch(lms.begin(*teacher, "forged"))
    ours = [one.getMessage() for one in caplog.records if not one.name.startswith(("httpx", "httpcore"))]
    assert not [one for one in ours if fields["state"] in one or fields["id_token"][:60] in one]


def _registered() -> LtiPlatform:
    """A platform that nobody asks anything."""
    there = "https://lms.example"
    values = PlatformValues(
        name="LMS", issuer=there, client_id="17", deployments=["1"], login_url=f"{there}/auth", keys_url=f"{there}/keys"
    )
    return register_platform(org="maple", values=values, by="test")


def _refused(answer: Any, browser: Browser, code: str) -> None:
    assert answer.status_code in (400, 403, 503), answer.text
    assert re.search(rf"<code>{code}</code>", answer.text), answer.text
    assert not {"rollbook_session", "rollbook_launched"} & browser.names()
    assert not Account.objects.exists() or Membership.objects.count() == 1
