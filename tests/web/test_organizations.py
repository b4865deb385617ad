"""Organizations: the operator makes them and invites their first administrators, and has no right within them."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from rollbook.store.folder import DataFolder
from rollbook.store.models import AuditRow, Invitation, Organization, Run
from tests.web.accounts import good_page
from tests.web.people import Person, make_person, words
from tests.web.world import run_now

ALL = "/organizations/"
NEW = {"name": "Oak Hill", "slug": "oak-hill", "timezone": "America/Chicago"}


@pytest.fixture
def olga(pages: DataFolder) -> Person:
    return make_person("Olga Operator", operator=True)


def test_the_list_with_the_last_runs(olga: Person, ann: Person, pages: DataFolder) -> None:
    run = run_now(pages)
    Run.objects.create(id="older", organization=run.organization, state="failed", requested_by="x")
    Run.objects.filter(pk="older").update(created_at="2020-01-01T00:00Z")
    Organization.objects.create(slug="quiet", name="Quiet School")
    text = " ".join(good_page(olga.get(ALL)).split())
    assert "Maple Valley" in text
    assert "Ann Acting" in text
    assert re.search(r'data-label="State">Done(, with something held)?</td>', text)
    assert "Quiet School" in text
    assert "nobody" in text


def test_others_learn_nothing(ann: Person) -> None:
    for path in (ALL, f"{ALL}maple/"):
        assert ann.get(path).status_code == 404
        assert ann.post(path, **NEW).status_code == 404
        assert Client().get(path).status_code == 302
    assert Organization.objects.count() == 1


def test_an_operator_has_no_right_within(olga: Person, ann: Person) -> None:
    assert olga.get("/o/maple/").status_code == 404
    assert "Open Maple Valley" not in words(olga.get(ALL))


def test_making_one_and_inviting_its_first_administrator(olga: Person) -> None:
    assert olga.post(ALL, **NEW)["Location"] == f"{ALL}oak-hill/"
    made = Organization.objects.get(slug="oak-hill")
    assert (made.name, made.timezone, made.acting) == ("Oak Hill", "America/Chicago", None)
    assert AuditRow.objects.filter(action="make organization", organization="oak-hill").exists()
    good_page(olga.get(f"{ALL}oak-hill/"))
    assert olga.post(f"{ALL}oak-hill/", email="first@example.org")["Location"] == f"{ALL}oak-hill/"
    [link] = re.findall(r"http://testserver(/invitation/[\w-]+/)", good_page(olga.get(f"{ALL}oak-hill/")))
    assert "/invitation/" not in olga.get(f"{ALL}oak-hill/").content.decode()
    invitation = Invitation.objects.get()
    assert (invitation.role, invitation.acting, invitation.operator) == ("administrator", True, False)
    browser = Client()
    sent = {"name": "First", "password": "a fine long password", "again": "a fine long password"}
    browser.post(link, sent)
    made.refresh_from_db()
    assert made.acting is not None
    assert made.acting.email == "first@example.org"
    assert browser.get("/")["Location"] == "/o/oak-hill/"


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("slug", "Oak Hill", "small letters"),
        ("slug", "-oak", "small letters"),
        ("slug", "maple", "already"),
        ("slug", "x" * 64, "63"),
        ("slug", "../etc", "small letters"),
        ("name", "", "required"),
        ("name", "a\x00b", "Null"),
        ("timezone", "Mars/Olympus", "valid choice"),
    ],
)
def test_mistakes_are_told_and_the_rest_stays(olga: Person, ann: Person, field: str, value: str, told: str) -> None:
    text = good_page(olga.post(ALL, **{**NEW, field: value}), 422)
    assert told in text
    assert f'id="id_{field}_error"' in text
    if field != "name":
        assert 'value="Oak Hill"' in text
    assert Organization.objects.count() == 1


def test_a_second_press_of_the_button_makes_no_second_one(olga: Person) -> None:
    olga.post(ALL, **NEW)
    assert "already" in good_page(olga.post(ALL, **NEW), 422)
    assert Organization.objects.filter(slug="oak-hill").count() == 1


def test_a_wrong_address_is_told(olga: Person, ann: Person) -> None:
    assert 'id="id_email_error"' in good_page(olga.post(f"{ALL}maple/", email="no address"), 422)
    assert not Invitation.objects.exists()


def test_a_hundred_a_page_with_as_many_queries_as_one(olga: Person) -> None:
    Organization.objects.create(slug="a", name="A")
    olga.get(ALL)
    with CaptureQueriesContext(connection) as few:
        olga.get(ALL)
    Organization.objects.bulk_create([Organization(slug=f"o{n:03}", name=f"Org {n:03}") for n in range(150)])
    with CaptureQueriesContext(connection) as many:
        first = olga.get(ALL).content.decode()
    assert len(many) == len(few) < 12
    assert "Org 098" in first
    assert "Org 099" not in first
    [after] = re.findall(r'href="\?after=([\w-]+)"', first)
    assert "Org 099" in olga.get(ALL, after=after).content.decode()


def test_the_menu_leads_there(olga: Person, ann: Person) -> None:
    assert "All organizations" in words(olga.get("/accounts/2fa/"))
    assert "All organizations" not in words(ann.get("/accounts/2fa/"))
