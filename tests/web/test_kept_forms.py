"""A sign-in that expires in the middle of a form: what was typed is there again for the same person alone."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from rollbook.store.folder import DataFolder
from rollbook.store.models import Account, KeptForm, Organization
from rollbook.web.kept_forms import is_secret
from tests.web.elm import html, number, settings
from tests.web.people import Person, make_person, words

AT = "/o/maple/configuration/"
SAVE = f"{AT}sis/"
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
TYPED = {"sis-space": "typed by hand", "sis-key": "not for keeping", "sis-secret": "s3cret!", "seen": "1"}
SAID = "What you typed is in the form again"


def _expire(person: Person) -> None:
    """The person has the page open; then the sign-in expires."""
    assert person.get(AT).status_code == 200
    Session.objects.all().delete()


def _send(person: Person, path: str = SAVE, page: str = AT, **more: Any) -> Any:
    return person.client.post(path, {**TYPED, **more}, headers={"Referer": f"http://testserver{page}"})


def _back(client: Client, who: Account, page: str = AT) -> Any:
    client.force_login(who, backend=BACKEND)
    return client.get(page)


def _kept(answer: Any) -> dict[str, Any] | None:
    found = re.search(r'<script id="rb-typed" type="application/json">(.*?)</script>', html(answer))
    return json.loads(found[1]) if found else None


def test_what_was_typed_is_back_after_signing_in(ann: Person) -> None:
    before = settings("maple")
    _expire(ann)
    answer = _send(ann)
    assert answer.status_code == 302
    assert answer["Location"] == f"/accounts/login/?next={AT.replace('/', '%2F')}"
    assert "nothing was saved yet" in words(ann.get(answer["Location"]))
    page = _back(ann.client, ann.account)
    assert "Nothing was saved yet." in words(page)
    found = _kept(page)
    assert found is not None
    assert found["action"] == SAVE
    assert ["sis-space", "typed by hand"] in found["fields"]
    assert settings("maple") == before
    again = ann.get(AT)
    assert SAID not in words(again)
    assert _kept(again) is None
    assert not KeptForm.objects.exists()


def test_secrets_are_not_kept(ann: Person) -> None:
    _expire(ann)
    _send(ann, password="hunter2", **{"webhook-0-secret": "sixteen letters!", "confirmed": "sealed"})
    [row] = KeptForm.objects.all()
    assert "typed by hand" not in row.fields  # nobody can read the database's copy
    text = html(_back(ann.client, ann.account))
    assert "typed by hand" in text
    for secret in ("s3cret!", "hunter2", "sixteen letters!", "sealed"):
        assert secret not in text, secret


@pytest.mark.parametrize("path", ["configuration/", "configuration/more/", "manage-users/", "files/", "people/"])
def test_no_page_has_a_field_of_secrets_that_we_do_not_know(ann: Person, pages: DataFolder, path: str) -> None:
    fields = re.findall(r"<input[^>]*>", html(ann.get(f"/o/maple/{path}")))
    hidden = [re.search(r'name="([^"]+)"', one) for one in fields if 'type="password"' in one]
    for one in hidden:
        assert one is not None
        assert is_secret(one[1]) or one[1].endswith("-key"), one[1]  # the memory connector's key is for tests


@pytest.mark.parametrize(
    "name", ["sis-secret", "lms-secret", "sis-private_key", "sis-headers", "sis-password", "token"]
)
def test_fields_that_hold_secrets(name: str) -> None:
    assert is_secret(name)


def test_another_person_sees_nothing_of_it(ann: Person, bob: Person) -> None:
    _expire(ann)
    _send(ann)
    page = _back(ann.client, bob.account)  # in the same browser
    assert SAID not in words(page)
    assert "typed by hand" not in html(page)
    assert KeptForm.objects.filter(account=ann.account).exists()  # it still waits for its owner
    page = _back(bob.client, ann.account)  # the same person, in another browser
    assert "typed by hand" not in html(page)


def test_it_comes_back_only_where_it_was_typed(ann: Person) -> None:
    _expire(ann)
    _send(ann)
    assert SAID not in words(_back(ann.client, ann.account, "/o/maple/"))
    assert SAID in words(ann.get(AT))


def test_it_does_not_wait_for_ever(ann: Person) -> None:
    _expire(ann)
    _send(ann)
    KeptForm.objects.update(created_at=timezone.now() - timedelta(minutes=31))
    assert SAID not in words(_back(ann.client, ann.account))


def test_whoever_signed_out_leaves_nothing(ann: Person) -> None:
    ann.get(AT)
    ann.client.post(reverse("account_logout"))
    _send(ann)
    assert not KeptForm.objects.exists()


def test_strangers_fill_no_table(pages: DataFolder) -> None:
    Organization.objects.create(slug="maple", name="Maple")
    client = Client()
    for cookie in ("", "1", "forged:signature"):
        client.cookies["rollbook_who"] = cookie
        assert client.post(SAVE, TYPED).status_code == 302
    assert not KeptForm.objects.exists()


def test_it_is_bounded(ann: Person) -> None:
    _expire(ann)
    for each in range(8):
        _send(ann, **{"sis-space": f"try {each}"})
    assert KeptForm.objects.count() <= 5
    KeptForm.objects.all().delete()
    _send(ann, **{"sis-space": "x" * 300_000})
    assert not KeptForm.objects.exists()
    assert "too much to keep" in words(ann.get("/accounts/login/"))


def test_what_others_saved_meanwhile_is_not_overwritten(ann: Person) -> None:
    """The number of the settings that the person saw comes back with the rest."""
    seen = number("maple")
    _expire(ann)
    _send(ann, seen=str(seen))
    found = _kept(_back(ann.client, ann.account))
    assert found is not None
    assert ["seen", str(seen)] in found["fields"]


def test_a_page_that_cannot_be_opened_again_leads_home(ann: Person) -> None:
    _expire(ann)
    answer = _send(ann, "/o/maple/data-prep/decisions/", "/o/maple/data-prep/decisions/")
    assert answer["Location"] == "/accounts/login/?next=%2Fo%2Fmaple%2F"


def test_parts_of_pages_that_are_sent_lead_to_the_sign_in_too(ann: Person) -> None:
    _expire(ann)
    answer = ann.client.post(f"{SAVE}test/", TYPED, headers={"Referer": f"http://testserver{AT}", "HX-Request": "true"})
    assert (answer.status_code, answer["HX-Redirect"][:16]) == (401, "/accounts/login/")
    assert SAID in words(_back(ann.client, ann.account))


def test_operators_too(pages: DataFolder) -> None:
    person = make_person("Opa Operator", operator=True)
    assert person.get("/organizations/").status_code == 200
    Session.objects.all().delete()
    page = "/organizations/"
    person.client.post(page, {"name": "New District"}, headers={"Referer": f"http://testserver{page}"})
    assert "New District" in html(_back(person.client, person.account, page))


# --- parts of pages that ask by themselves ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["plan/working/?seen=", "files/working", "data-prep/state/", "logs/live/?shown=", "logs/?page=1"]
)
def test_a_part_that_asks_by_itself_leads_nowhere_when_the_sign_in_has_expired(ann: Person, path: str) -> None:
    """What is typed on its page would be lost."""
    _expire(ann)
    answer = ann.client.get(f"/o/maple/{path}", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.content) == (401, b"")
    assert not {"HX-Redirect", "HX-Refresh", "Rollbook-Ended", "Location"} & set(answer.headers)


def test_pages_can_say_that_the_sign_in_is_over(ann: Person) -> None:
    page = html(ann.get(AT))
    [line] = re.findall(r'<p class="[^"]*" id="rb-signed-out" hidden>.*?</p>', page)
    assert 'href="/accounts/login/?next=/o/maple/configuration/"' in line
    assert 'target="_blank"' in line
    assert "rb-signed-out" not in html(Client().get("/accounts/login/"))


# --- a form that is older than the sign-in ----------------------------------------------------------------------------


def _old_form(person: Person) -> Client:
    """A browser that checks forms, in which the person has signed in again since a page with a form was opened."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(person.account, backend=BACKEND)
    client.get(AT)
    return client


def _send_old(client: Client, path: str = SAVE, **headers: str) -> Any:
    given = {"Referer": f"http://testserver{AT}", **headers}
    return client.post(path, {**TYPED, "csrfmiddlewaretoken": "a" * 64}, headers=given)


def test_what_was_typed_is_back_when_the_form_is_too_old(ann: Person) -> None:
    before = settings("maple")
    client = _old_form(ann)
    answer = _send_old(client)
    assert (answer.status_code, answer["Location"]) == (302, AT)
    page = client.get(AT)
    assert SAID in words(page)
    found = _kept(page)
    assert found is not None
    assert ["sis-space", "typed by hand"] in found["fields"]
    assert "s3cret!" not in html(page)
    assert settings("maple") == before
    assert _kept(client.get(AT)) is None


def test_parts_of_pages_too(ann: Person) -> None:
    client = _old_form(ann)
    answer = _send_old(client, f"{SAVE}test/", **{"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Redirect"]) == (403, AT)
    assert SAID in words(client.get(AT))


@pytest.mark.parametrize("came", ["https://evil.example/", "", "http://testserver.evil.example/o/maple/configuration/"])
def test_what_others_send_is_not_kept(ann: Person, came: str) -> None:
    """Else it would stand in the form as if the person had typed it."""
    client = _old_form(ann)
    answer = _send_old(client, Referer=came)
    assert answer.status_code == 403
    assert "This form is too old" in words(answer)
    assert not KeptForm.objects.exists()


def test_signing_in_by_an_old_form_is_asked_again(ann: Person) -> None:
    client = _old_form(ann)
    answer = client.post("/accounts/login/", {"login": "x@example.org"}, headers={"Referer": "http://testserver/"})
    assert answer.status_code == 403
    assert not KeptForm.objects.exists()
