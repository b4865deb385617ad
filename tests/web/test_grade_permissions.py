"""A teacher lets Rollbook read their gradebooks: the way to the LMS and back, and all that can go wrong on it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from rollbook.connectors.memory.space import Space
from rollbook.store.folder import DataFolder
from rollbook.store.models import AuditRow, Membership, PermissionRequest, TeacherPermission
from rollbook.store.secrets import KeyRing
from rollbook.web.launches.enter import Arrival
from tests.web.launching import arrive, platform_of
from tests.web.people import Answer, Person, make_person, words
from tests.web.permission_case import HERE, Case, permission_case, use_lms

BUTTON = "Allow Rollbook to read my gradebooks"
THANKS = "Rollbook may read your gradebooks now."


@pytest.fixture
def case(folder: DataFolder, world: Space, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    monkeypatch.setenv("ROLLBOOK_ALLOW_PRIVATE_HOSTS", "1")
    with permission_case(folder, world, tmp_path) as found:
        yield found


def acts() -> list[str]:
    return list(AuditRow.objects.filter(organization="maple").order_by("pk").values_list("action", flat=True))


def shown(case: Case, who: Person | None = None, section: str = "") -> str:
    return words((who or case.tina).client.get(f"{HERE}/status/{section or case.mine}/"))


def test_a_teacher_allows_it_and_takes_it_back(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for page in (shown(case), words(case.tina.get(f"{HERE}/mine/"))):
        assert BUTTON in page
    asked = case.ask()
    assert asked.status_code == 302
    there = asked["Location"]
    assert there.startswith(f"{case.url}/oauth/authorize?oauth_token=")
    assert case.ids["tina"] not in there
    page = case.tina.get(f"{HERE}/status/{case.mine}/")
    assert f"form-action 'self' {case.url}" in page["Content-Security-Policy"], "the form ends at the LMS"
    back = case.tina.get(case.agree(there))
    assert back["Location"] == f"{HERE}/items/{case.mine}/"
    assert back["Cache-Control"] == "no-store"
    assert THANKS in shown(case)
    assert "You allowed Rollbook to read your gradebooks" in shown(case)
    row = TeacherPermission.objects.get()
    assert (row.person, row.lms_account) == (case.ids["tina"], case.lms_id(case.ids["tina"]))
    opened = KeyRing(case.folder.keys).decrypt(row.ciphertext)
    assert not PermissionRequest.objects.exists()
    for secret in opened.strip('[]"').split('","'):
        assert len(secret) > 20
        assert secret not in row.ciphertext
        assert secret not in caplog.text
        assert all(secret not in f"{each.subject}{each.details}" for each in AuditRow.objects.all())
    assert case.tina.post(f"{HERE}/permission/back/", section=case.mine).status_code == 302
    assert not TeacherPermission.objects.exists()
    assert BUTTON in shown(case)
    assert acts()[-2:] == ["allow gradebooks", "take permission back"]


def test_where_nobody_is_asked_nothing_is_shown(case: Case) -> None:
    case.import_settings("admin")
    assert BUTTON not in shown(case)
    answer = case.ask()
    assert answer["Location"] == f"{HERE}/items/{case.mine}/"
    assert "gradebooks are read without it" in shown(case)
    policy = case.tina.get(f"{HERE}/status/{case.mine}/")["Content-Security-Policy"]
    assert "form-action 'self'" in [part.strip() for part in policy.split(";")]


def test_the_teacher_says_no(case: Case) -> None:
    back = case.tina.get(case.agree(case.ask()["Location"], do="deny"))
    assert back.status_code == 302
    assert "Nothing was allowed" in shown(case)
    assert not TeacherPermission.objects.exists()
    assert not PermissionRequest.objects.exists()


def test_somebody_who_skips_the_lms_gets_nothing(case: Case) -> None:
    """The token is in the address; without approval it opens nothing."""
    there = case.ask()["Location"]
    token = there.partition("oauth_token=")[2].partition("&")[0]
    state = there.partition("permission%2F")[2].partition("%2F")[0]
    case.tina.get(f"/permission/{state}/?oauth_token={token}")
    assert "Nothing was allowed" in shown(case)
    assert not TeacherPermission.objects.exists()


def test_a_way_back_is_good_once_and_for_its_own_request(case: Case) -> None:
    back = case.agree(case.ask()["Location"])
    forged = case.tina.get(back.partition("oauth_token=")[0] + "oauth_token=another")
    assert forged.status_code == 403
    assert "something else than was asked" in words(forged)
    assert not TeacherPermission.objects.exists()
    assert case.tina.get(back).status_code == 302
    again = case.tina.get(back)
    assert again.status_code == 410
    assert "answered already" in words(again)
    assert TeacherPermission.objects.count() == 1
    assert case.tina.get("/permission/nothing/?oauth_token=x").status_code == 410


def test_another_session_cannot_bring_it_home(case: Case) -> None:
    """Not somebody else's, not another browser of the same person, and nobody's who is not signed in."""
    back = case.agree(case.ask()["Location"])
    other = Client()
    other.force_login(case.tina.account, backend="allauth.account.auth_backends.AuthenticationBackend")
    for client in (case.tom.client, other, Client()):
        answer = client.get(back)
        assert answer.status_code == 403
        assert "by somebody else, or in another browser" in words(answer)
        assert client is other or "Tina" not in answer.content.decode()
    assert not TeacherPermission.objects.exists()
    assert case.tina.get(back).status_code == 302, "the one who began is not disturbed"
    assert TeacherPermission.objects.count() == 1


@pytest.mark.rule(31)
def test_the_permission_of_somebody_else_is_not_kept(case: Case) -> None:
    """Tina sends the LMS's page to Tom, or a colleague is still signed in there."""
    case.allow(person=case.ids["tom"])
    page = shown(case)
    assert "somebody else agreed, not you" in page
    assert case.ids["tom"] not in page
    assert not TeacherPermission.objects.exists()
    assert acts()[-1] == "refuse permission"


def test_a_request_grows_old(case: Case) -> None:
    from django.utils import timezone

    back = case.agree(case.ask()["Location"])
    PermissionRequest.objects.update(expires_at=timezone.now())
    assert case.tina.get(back).status_code == 410
    assert not TeacherPermission.objects.exists()


def test_a_request_that_grew_old_in_the_lms(case: Case) -> None:
    back = case.agree(case.ask()["Location"])
    case.fault("unauthorized:path=/v1/oauth/access_token")
    case.tina.get(back)
    assert "Nothing was allowed" in shown(case)


@pytest.mark.parametrize("when", ["request_token", "access_token"])
def test_an_lms_that_is_down_is_said_and_nothing_is_kept(
    case: Case, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rollbook.engine.permissions.DEADLINE_S", 0.5)
    if when == "request_token":
        case.fault("cut:path=/v1/oauth/request_token")
        assert case.ask()["Location"] == f"{HERE}/items/{case.mine}/"
    else:
        back = case.agree(case.ask()["Location"])
        case.fault("cut:path=/v1/oauth/access_token")
        assert case.tina.get(back).status_code == 302
    assert "could not be asked" in shown(case)
    assert not TeacherPermission.objects.exists()
    case.fault()
    monkeypatch.undo()
    monkeypatch.setenv("ROLLBOOK_ALLOW_PRIVATE_HOSTS", "1")
    case.allow()
    assert TeacherPermission.objects.count() == 1


def test_a_wrong_key_is_for_the_admin(case: Case) -> None:
    case.fault("unauthorized:path=/v1/oauth/request_token")
    case.ask()
    assert "renew key and secret" in shown(case)


def test_nobody_allows_for_somebody_else(case: Case, bob: Person, ann: Person) -> None:
    """Administrators see who is missing; the button is for teachers of the section."""
    for admin in (bob, ann):
        page = shown(case, admin)
        assert BUTTON not in page
        assert "No teacher of this section has allowed Rollbook to read its gradebook yet." in page
        admin.post(f"{HERE}/permission/", section=case.mine)
        assert "Nobody has said yet who you are in the SIS" in shown(case, admin)
    assert case.ask(case.tom, case.mine).status_code == 302
    assert PermissionRequest.objects.get().section == "", "another's section is no place to go back to"
    case.tom.post(f"{HERE}/permission/back/", section=case.mine)
    case.allow()
    assert case.tom.post(f"{HERE}/permission/back/").status_code == 302
    assert TeacherPermission.objects.get().membership.account == case.tina.account
    assert "has allowed Rollbook to read its gradebook yet" not in shown(case, bob)


def test_the_acting_user_sees_who_is_still_to_be_asked(case: Case, ann: Person) -> None:
    before = words(ann.get(f"{HERE}/permissions/"))
    assert case.ids["tina"] in before
    assert case.ids["tom"] in before
    assert "have not allowed Rollbook to read their gradebooks yet" in words(ann.get(f"{HERE}/teachers/"))
    case.allow()
    after = ann.get(f"{HERE}/permissions/").content.decode()
    assert f">{case.ids['tom']}<" in after
    assert f">{case.ids['tina']}<" not in after
    case.import_settings("admin")
    assert "Nobody is asked" in words(ann.get(f"{HERE}/permissions/"))
    assert "allowed Rollbook to read" not in words(ann.get(f"{HERE}/teachers/"))


def test_who_they_are_or_that_they_belong_ends_it(case: Case, ann: Person) -> None:
    from rollbook.actions.members import bind_person, remove_member

    case.allow()
    bind_person(org="maple", account=case.tina.account.pk, unique_id="", by="test")
    assert not TeacherPermission.objects.exists()
    bind_person(org="maple", account=case.tina.account.pk, unique_id=case.ids["tina"], by="test")
    back = case.agree(case.ask()["Location"])
    Membership.objects.filter(account=case.tina.account).update(unique_id=case.ids["tom"] + "x")
    case.tina.get(back)
    assert not TeacherPermission.objects.exists(), "on the way they became somebody else"
    Membership.objects.filter(account=case.tina.account).update(unique_id=case.ids["tina"])
    case.allow()
    assert TeacherPermission.objects.count() == 1
    remove_member(org="maple", account=case.tina.account.pk, by="test")
    assert not TeacherPermission.objects.exists()


def test_another_organization_shares_nothing(case: Case) -> None:
    from tests.web.world import import_maple

    case.allow()
    import_maple(case.world.name, slug="other")
    other = make_person("Otto", org="other", role="teacher")
    Membership.objects.filter(account=other.account).update(unique_id=case.ids["tina"])
    from rollbook.actions.organizations import current_settings
    from rollbook.store.models import Organization
    from rollbook.store.permissions import StoredTokens, people_who_allow, place_of

    theirs, ours = Organization.objects.get(slug="other"), Organization.objects.get(slug="maple")
    ring = KeyRing(case.folder.keys)
    account = case.lms_id(case.ids["tina"])
    assert people_who_allow(theirs.pk) == set()
    place = place_of(current_settings(ours)[1])
    assert StoredTokens(theirs, ring, place).of([account]) == []
    assert [each.account for each in StoredTokens(ours, ring, place).of([account])] == [account]
    assert case.tina.post("/o/other/grades/permission/back/").status_code == 404
    assert other.post("/o/maple/grades/permission/back/").status_code == 404
    assert TeacherPermission.objects.count() == 1


@pytest.mark.parametrize("what", ["nobody is asked", "another LMS"])
def test_another_connection_gets_no_permission(case: Case, what: str) -> None:
    case.allow()
    case.ask(case.tom, case.his)
    case.import_settings()
    assert TeacherPermission.objects.count() == 1, "the same settings ask with the same key"
    if what == "nobody is asked":
        case.import_settings("admin")
    else:
        use_lms(case.world, "http://127.0.0.1:9")
    assert not TeacherPermission.objects.exists()
    assert not PermissionRequest.objects.exists()
    assert "forget permissions" in acts()


def test_secrets_are_encrypted_anew(case: Case) -> None:
    case.allow()
    case.ask(case.tom, case.his)
    ring = KeyRing(case.folder.keys)
    before = (TeacherPermission.objects.get().ciphertext, PermissionRequest.objects.get().ciphertext)
    ring.rotate()
    after = (TeacherPermission.objects.get().ciphertext, PermissionRequest.objects.get().ciphertext)
    assert set(before).isdisjoint(after)
    assert [ring.decrypt(each) for each in after]


# --- from a course, in a frame ----------------------------------------------------------------------------------------


@pytest.fixture
def framed(case: Case) -> Client:
    """Tina, who came from her course."""
    browser = Client()
    arrival = Arrival(
        platform=platform_of(), section_code=case.mine, unique_id=case.ids["tina"], same_browser=True
    )  # fmt: skip
    assert browser.get(arrive(browser, arrival)["Location"]).status_code == 302
    return browser


def _state(answer: Answer) -> str:
    return str(answer.content.decode()).partition('name="state" value="')[2].partition('"')[0]


def test_in_a_frame_the_lms_opens_in_another_window(case: Case, framed: Client) -> None:
    page = framed.post(f"{HERE}/permission/", {"section": case.mine})
    assert page.status_code == 200
    text = page.content.decode()
    assert 'target="_blank"' in text
    there = text.partition(f'href="{case.url}')[2].partition('"')[0].replace("&amp;", "&")
    state = _state(page)
    early = framed.post(f"{HERE}/permission/finish/", {"state": state})
    assert "has not sent you back yet" in words(early)
    window = Client()  # its cookies are of another place
    back = window.get(case.agree(f"{case.url}{there}"))
    assert "go on in the one with Rollbook" in words(back)
    assert not TeacherPermission.objects.exists(), "the window alone keeps nothing"
    done = framed.post(f"{HERE}/permission/finish/", {"state": state})
    assert done["Location"] == f"{HERE}/items/{case.mine}/"
    assert THANKS in words(framed.get(f"{HERE}/status/{case.mine}/"))
    assert TeacherPermission.objects.get().person == case.ids["tina"]


def test_in_a_frame_another_session_finishes_nothing(case: Case, framed: Client) -> None:
    page = framed.post(f"{HERE}/permission/", {"section": case.mine})
    state = _state(page)
    there = page.content.decode().partition(f'href="{case.url}')[2].partition('"')[0].replace("&amp;", "&")
    refused = Client().get(case.agree(f"{case.url}{there}", do="deny"))
    assert "Nothing was allowed" in words(refused)
    for person in (case.tina, case.tom):
        person.post(f"{HERE}/permission/finish/", state=state)
        assert "answered already, or is too old" in words(person.get(f"{HERE}/mine/"))
    assert not TeacherPermission.objects.exists()
    assert "has not sent you back yet" in words(framed.post(f"{HERE}/permission/finish/", {"state": state}))
