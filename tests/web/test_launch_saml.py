"""Launches of the App Center: signed ones lead to the section's grades, all others are refused in words (rule 31)."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from rollbook.connectors.memory.space import Space
from rollbook.practice.lms.saml import SigningKey, Wanted, signed_response
from rollbook.store.folder import DataFolder
from rollbook.store.models import Account, AuditRow, LaunchPlatform, Membership, Role, SamlPlatform, UsedAssertion
from rollbook.web import opening
from tests.unit import saml_kit
from tests.web.grades_case import HERE, Case, grades_case
from tests.web.people import Person, make_person, words
from tests.web.world import import_maple

pytestmark = pytest.mark.rule(31)
ROLLBOOK = "https://rollbook.example"
KEY = SigningKey()
FORM = {"domains": "maple.schoology.com", "schools": "4711", "audience": "app-key"}
PLATFORMS = "/o/maple/platforms/"
PAGE = f"{PLATFORMS}app-center/"


@dataclass
class Center:
    """The App Center of a district, and what it sends of a teacher in one of their sections."""

    case: Case
    address: str
    section: str
    user: str
    browser: Client = field(default_factory=Client)

    def signed(self, *, flaw: str = "", signed: str = "response", at: datetime | None = None, **said: str) -> str:
        attributes = {**saml_kit.ATTRIBUTES, "uid": self.user, **said}
        wanted = Wanted(
            recipient=ROLLBOOK + self.address, audience="app-key", attributes=attributes, signed=signed, flaw=flaw
        )
        return signed_response(wanted, KEY, at or datetime.now(UTC))

    def relay(self, realm: str = "section", own: str = "") -> str:
        return f"https://rollbook.example/somewhere?realm={realm}&realm_id={own or self.section}"

    def post(self, response: str, relay: str | None = None, query: str = "") -> Any:
        sent = {"SAMLResponse": response, "RelayState": self.relay() if relay is None else relay}
        return self.browser.post(self.address + query, sent)

    def go_on(self, offered: Any) -> Any:
        """From the page that says who comes to where it leads."""
        found = re.search(r'name="code" value="([^"]+)"', offered.content.decode())
        assert found is not None, words(offered)
        opened = self.browser.post("/launched/open/", {"code": found[1]})
        return self.browser.get(opened["Location"])


@pytest.fixture
def case(pages: DataFolder, world: Space, monkeypatch: pytest.MonkeyPatch) -> Case:
    monkeypatch.setenv("ROLLBOOK_URL", ROLLBOOK)
    found = grades_case(pages, world)
    found.teacher.account.delete()  # nobody has signed in yet
    return found


@pytest.fixture
def admin(case: Case) -> Person:
    return make_person("Ann Acting", org="maple", acting=True)


@pytest.fixture
def center(case: Case, admin: Person) -> Center:
    assert admin.post(PAGE + "save/", **FORM, certificates=KEY.public_pem()).status_code == 302
    app = SamlPlatform.objects.get()
    section = case.world.find("section", case.code)
    person = next(one for one in case.world.all("user") if one.code == case.person)
    assert section is not None
    assert section.lms_id is not None
    assert person.lms_id is not None
    return Center(case, f"/launch/app-center/{app.key}/", section.lms_id, person.lms_id)


def refused(center: Center, answer: Any, code: str, says: str, *, status: int = 403, audited: bool = True) -> None:
    """In words, in the frame; nobody is signed in, nothing of the person is told."""
    assert answer.status_code == status, words(answer)
    text = words(answer)
    assert code in text
    assert says in text
    for private in ("Tina", center.case.person):
        assert private not in text
    assert not center.browser.cookies
    assert not Membership.objects.filter(role=Role.TEACHER).exists()
    assert AuditRow.objects.filter(action="launch").count() == 0
    assert list(AuditRow.objects.filter(action="refuse launch").values_list("subject", flat=True)) == [code] * audited
    assert "frame-ancestors https://maple.schoology.com" in answer["Content-Security-Policy"]
    assert "X-Frame-Options" not in answer
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("signed", ["response", "assertion", "both"])
def test_a_teacher_comes_to_the_grades_of_the_section(center: Center, signed: str) -> None:
    offered = center.post(center.signed(signed=signed))
    assert offered.status_code == 200
    member = Membership.objects.get(unique_id=center.case.person)
    assert f"You come as {member.account.name}" in words(offered)
    assert "frame-ancestors https://maple.schoology.com" in offered["Content-Security-Policy"]
    landed = center.go_on(offered)
    assert landed["Location"] == f"{HERE}/items/{center.case.code}/"
    assert center.browser.get(f"{HERE}/configuration/{center.case.code}/").status_code == 200
    assert member.role == Role.TEACHER
    assert AuditRow.objects.get(action="launch").subject == center.case.code


@pytest.mark.parametrize("where", ["relay", "query", "course"])
def test_the_section_is_hinted_at_in_several_ways(center: Center, where: str) -> None:
    if where == "query":
        answer = center.post(center.signed(), relay="", query=f"?realm=section&realm_id={center.section}")
    else:
        answer = center.post(center.signed(), relay=center.relay("course" if where == "course" else "section"))
    assert answer.status_code == 200


# --- forged, replayed, expired, for somebody else ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flaw", "code", "says", "audited"),
    [
        ("expired", "SAML_TOO_OLD", "too old", False),
        ("early", "SAML_TOO_EARLY", "set its clock", False),
        ("unsigned", "SAML_SIGNATURE", "does not bear the signature", False),
        ("other_key", "SAML_SIGNATURE", "nobody was let in", False),
        ("changed", "SAML_SIGNATURE", "compare the app in the App Center", False),
        ("other_app", "SAML_ELSEWHERE", "names another one, or none", False),
        ("no_app", "SAML_ELSEWHERE", "names another one, or none", False),
        ("other_address", "SAML_ELSEWHERE", "not meant for this app", False),
        ("other_issuer", "SAML_ELSEWHERE", "not meant for this app", False),
        ("other_school", "SAML_OTHER_SCHOOL", "another school", True),
        ("other_domain", "SAML_OTHER_SCHOOL", "another school", True),
    ],
)
def test_what_the_app_center_did_not_sign_for_us_is_refused(
    center: Center, flaw: str, code: str, says: str, audited: bool
) -> None:
    refused(center, center.post(center.signed(flaw=flaw)), code, says, audited=audited)


def test_a_launch_lets_in_once(center: Center) -> None:
    response = center.signed()
    assert center.post(response).status_code == 200
    Membership.objects.filter(role=Role.TEACHER).delete()
    AuditRow.objects.filter(action="launch").delete()
    center.browser = Client()
    refused(center, center.post(response), "SAML_USED", "used already", status=410, audited=False)
    respelled = "\n".join(response[start : start + 76] for start in range(0, len(response), 76))
    assert center.post(respelled).status_code == 410, "spelt differently it is the same"
    assert UsedAssertion.objects.count() == 1


@pytest.mark.parametrize("flaw", ["other_school", "other_domain"])
def test_a_refusal_that_is_audited_cannot_be_repeated(center: Center, flaw: str) -> None:
    response = center.signed(flaw=flaw)
    refused(center, center.post(response), "SAML_OTHER_SCHOOL", "another school")
    for _ in range(3):
        assert center.post(response).status_code == 410
    assert AuditRow.objects.filter(action="refuse launch").count() == 1


def test_what_the_browser_calls_us_is_not_our_address(
    center: Center, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a launch of another app would be taken from whoever brings it under that app's name."""
    monkeypatch.delenv("ROLLBOOK_URL")
    here = Client(headers={"host": "rollbook.example"})
    sent = {"SAMLResponse": center.signed(), "RelayState": center.relay()}
    answer = here.post(center.address, sent, secure=True)
    refused(center, answer, "SAML_NO_ADDRESS", "set ROLLBOOK_URL", status=503, audited=False)
    page = admin.get(PAGE)
    assert "every launch is refused" in words(page)
    assert center.address not in page.content.decode()
    monkeypatch.setattr(opening, "_served", [ROLLBOOK])
    assert here.post(center.address, sent, secure=True).status_code == 200, "where this process serves the pages counts"


def test_used_launches_are_remembered_until_they_are_too_old(center: Center) -> None:
    center.post(center.signed())
    [first] = UsedAssertion.objects.all()
    now = datetime.now(UTC)
    assert now + timedelta(minutes=5) < first.expires_at < now + timedelta(minutes=10)
    UsedAssertion.objects.update(expires_at=now - timedelta(seconds=1))
    center.post(center.signed())
    assert first not in UsedAssertion.objects.all()


@pytest.mark.parametrize("make", saml_kit.WRAPPED.values(), ids=saml_kit.WRAPPED)
def test_wrapped_signatures_let_nobody_in(
    center: Center, admin: Person, make: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Good in every other way: now, for this address, of the registered key; about another person than was signed."""
    monkeypatch.setattr(saml_kit, "NOW", datetime.now(UTC))
    monkeypatch.setattr(saml_kit, "ADDRESS", ROLLBOOK + center.address)
    monkeypatch.setattr(saml_kit, "EVIL", center.user)
    vendor = saml_kit.pem("vendor")
    assert admin.post(PAGE + "save/", **FORM, certificates=vendor).status_code == 302
    AuditRow.objects.all().delete()
    answer = center.post(saml_kit.posted(make()))
    refused(center, answer, "SAML_SIGNATURE", "does not bear the signature", audited=False)
    good = saml_kit.sign(saml_kit.response(uid=center.user))
    assert center.post(saml_kit.posted(good)).status_code == 200, "what is not wrapped is let in"


@pytest.mark.parametrize("response", ["", "x", "PHg+", "A" * 500_000, "\x00", "PCFET0NUWVBFIHg+PHgvPg=="])
def test_what_is_no_launch_is_refused(center: Center, response: str) -> None:
    code = "SAML_UNREADABLE" if response else "SAML_MISSING"
    refused(center, center.post(response), code, "", status=400, audited=False)


def test_opened_in_a_browser_it_says_what_it_is_for(center: Center) -> None:
    answer = center.browser.get(center.address)
    refused(center, answer, "SAML_MISSING", "for launches from a course", status=400, audited=False)
    answer = center.browser.get(center.address, {"SAMLResponse": center.signed(), "RelayState": center.relay()})
    assert answer.status_code == 400, "no launch in an address, where logs would keep it"


@pytest.mark.parametrize(
    "relay",
    [
        "",
        "https://evil.example/",
        "?realm=group&realm_id=1",
        "?realm=user&realm_id=1",
        "?realm=school&realm_id=1",
        "?realm=section&realm_id=",
        "?realm=section&realm_id=x",
        "?realm=section&realm_id=1%20OR%201",
        "?realm=section&realm_id=" + "1" * 30,
        "http://[x?realm=section&realm_id=1",
    ],
)
def test_anywhere_but_in_a_section_it_says_where_to_open_it(center: Center, relay: str) -> None:
    answer = center.post(center.signed(), relay=relay)
    refused(center, answer, "SAML_NO_SECTION", "from within one of your course sections")


def test_only_course_admins_of_that_section_come_in(center: Center) -> None:
    other = center.case.world.find("section", center.case.other)
    assert other is not None
    answer = center.post(center.signed(), relay=center.relay(own=str(other.lms_id)))
    refused(center, answer, "NOT_COURSE_ADMIN", "make you a course admin")
    members = [each for each in center.case.world.all("enrollment") if each.fields["section"] == center.section]
    student = next(each for each in members if not each.fields["admin"])
    center.user = student.fields["user"]
    AuditRow.objects.all().delete()
    refused(center, center.post(center.signed()), "NOT_COURSE_ADMIN", "make you a course admin")


@pytest.mark.parametrize(
    ("user", "section", "code"), [("99999", "", "PERSON_UNKNOWN"), ("", "99999", "SECTION_UNKNOWN")]
)
def test_whom_and_what_rollbook_does_not_know_it_refuses(center: Center, user: str, section: str, code: str) -> None:
    center.user = user or center.user
    refused(
        center,
        center.post(center.signed(), relay=center.relay(own=section)),
        code,
        "ask your system administrator" if section else "Ask",
    )


def test_another_organizations_launch_is_refused(center: Center, case: Case) -> None:
    import_maple(case.world.name, slug="other")
    bea = make_person("Bea", org="other", acting=True)
    sent = {**FORM, "schools": "4712", "certificates": KEY.public_pem()}
    assert bea.post("/o/other/platforms/app-center/save/", **sent).status_code == 302
    theirs = SamlPlatform.objects.get(platform__organization__slug="other")
    mine = center.signed(flaw="")
    center.address = f"/launch/app-center/{theirs.key}/"
    answer = center.post(mine)
    assert (answer.status_code, "SAML_ELSEWHERE" in words(answer)) == (403, True), "it was meant for another address"


def test_an_address_that_nobody_registered_is_not_there(center: Center) -> None:
    answer = center.browser.post("/launch/app-center/nothing/", {"SAMLResponse": center.signed()})
    assert answer.status_code == 404
    assert "Maple" not in words(answer)


def test_logs_say_which_check_failed_and_nothing_of_the_person(
    center: Center, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    center.post(center.signed(flaw="other_app"))
    center.post(center.signed(flaw="other_key"))
    assert "SAML_ELSEWHERE: the audience" in caplog.text
    assert "SAML_SIGNATURE: the signature does not fit" in caplog.text
    for private in ("Tina", center.case.person):
        assert private not in caplog.text


def test_a_launch_does_not_touch_who_is_signed_in(center: Center, admin: Person) -> None:
    center.browser = admin.client
    assert center.post(center.signed()).status_code == 200
    assert admin.get("/o/maple/").status_code == 200
    center.post(center.signed(flaw="other_key"))
    assert admin.get("/o/maple/").status_code == 200
    assert Account.objects.filter(name="Ann Acting").exists()


# --- registration -----------------------------------------------------------------------------------------------------


def test_the_page_shows_what_to_type_into_the_app_center(center: Center, admin: Person) -> None:
    page = admin.get(PAGE)
    assert ROLLBOOK + center.address in page.content.decode()
    assert "2048 bits" in words(page)
    [platform] = LaunchPlatform.objects.all()
    assert platform.origins == ["https://maple.schoology.com"]
    assert AuditRow.objects.filter(action="register platform").count() == 1


def test_saving_again_keeps_the_address_and_several_keys_count(center: Center, admin: Person) -> None:
    both = saml_kit.pem("next") + KEY.public_pem()
    sent = {**FORM, "domains": "Maple.Schoology.com\napp.schoology.com, localhost:8002", "certificates": both}
    assert admin.post(PAGE + "save/", **sent).status_code == 302
    assert SamlPlatform.objects.get().key in center.address
    assert LaunchPlatform.objects.get().origins == [
        "https://maple.schoology.com", "https://app.schoology.com", "http://localhost:8002",
    ]  # fmt: skip
    assert center.post(center.signed(domain="app.schoology.com")).status_code == 200


def test_the_vendors_old_certificate_is_taken_with_remarks(admin: Person) -> None:
    short = saml_kit.pem("short")
    assert admin.post(PAGE + "save/", **FORM, certificates=short).status_code == 302
    text = words(admin.get(PAGE))
    assert "1024 bits" in text
    assert "The key is short" in text
    assert "Rollbook trusts the key, not the dates" in text


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"certificates": "hello"}, "paste the certificate"),
        ({"certificates": ""}, "This field is required"),
        ({"certificates": KEY.pem().decode()}, "private key"),
        ({"domains": "https://maple.schoology.com/x"}, "Only the domain"),
        ({"domains": "ma ple!"}, "domain looks like"),
        ({"domains": "-x.example"}, "domain looks like"),
        ({"domains": ", ,"}, "looks like"),
        ({"schools": "maple"}, "is a number"),
        ({"schools": ";"}, "is a number"),
    ],
)
def test_what_cannot_be_right_is_said_beside_the_field(admin: Person, change: dict[str, str], says: str) -> None:
    sent = {**FORM, "certificates": KEY.public_pem(), **change}
    answer = admin.post(PAGE + "save/", **sent)
    assert answer.status_code == 422
    assert says.casefold() in words(answer).casefold()
    assert not SamlPlatform.objects.exists()
    assert "PRIVATE" not in answer.content.decode(), "a key that was pasted by mistake is not shown again"


def test_only_the_acting_user_registers(center: Center, admin: Person) -> None:
    bob = make_person("Bob", org="maple")
    assert bob.get(PAGE).status_code == 200
    assert "Save Changes" not in words(bob.get(PAGE))
    assert bob.post(PAGE + "save/", **FORM).status_code == 403
    teacher = make_person("Tea", org="maple", role=Role.TEACHER)
    assert teacher.get(PAGE).status_code == 403
    assert center.post(center.signed()).status_code == 200


def test_removed_nobody_comes_in_and_who_came_is_out(center: Center, admin: Person) -> None:
    center.go_on(center.post(center.signed()))
    assert center.browser.get(f"{HERE}/mine/").status_code == 200
    assert "Schoology App Center" in words(admin.get(PLATFORMS))
    removal = re.search(r'href="([^"]+/remove/)"', admin.get(PAGE).content.decode())
    assert removal is not None
    assert admin.post(removal[1]).status_code == 302
    assert center.browser.get(f"{HERE}/mine/").status_code == 302
    assert center.post(center.signed()).status_code == 404
    assert "launch address that the App Center needs" in words(admin.get(PAGE))
