"""`rollbook admin`: the operator decides who may sign in."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client

from rollbook.actions.accounts import accept
from rollbook.connectors.memory.space import Space
from rollbook.store.models import Account, AuditRow, Invitation, Membership, Organization
from rollbook.store.setup import setup
from rollbook.web.opening import open_pages
from tests.cli.kit import Command


def _account(rollbook: Command, email: str, *options: str) -> Account:
    """Somebody who accepted an invitation of the command's."""
    link = rollbook("admin", "invite", *options, schema="admin-invite")["link"]
    setup(rollbook.data)
    return accept(token=link.split("/")[-2], email=email, name=email.split("@")[0].title(), password="a long password")


def test_an_invitation_and_its_account(rollbook: Command, world: Space) -> None:
    said = rollbook("admin", "invite", "--org", "maple", "--acting", "--email", "Ann@x.org", schema="admin-invite")
    assert re.fullmatch(r"http://127\.0\.0\.1:8000/invitation/[\w-]{43}/", said["link"])
    setup(rollbook.data)
    made = Invitation.objects.get()
    assert (made.email, made.role, made.acting, made.operator) == ("ann@x.org", "administrator", True, False)
    assert AuditRow.objects.get(action="invite").by == "operator"
    accept(token=said["link"].split("/")[-2], name="Ann", password="a long password")
    [ann] = rollbook("admin", "list", schema="admin-list")["accounts"]
    assert ann["memberships"] == [{"org": "maple", "role": "administrator", "acting": True}]
    assert ann["last_sign_in"] is None
    assert "acting user" in rollbook.text("admin", "list").out


def test_a_person_is_added_by_address(rollbook: Command, world: Space) -> None:
    """`user add` is an invitation that no other address can use."""
    said = rollbook("user", "add", "Ann@x.org", "--org", "maple", "--acting", schema="admin-invite")
    setup(rollbook.data)
    assert Invitation.objects.get().email == "ann@x.org"
    ann = accept(token=said["link"].split("/")[-2], email="eve@x.org", name="Ann", password="a long password")
    assert ann.email == "ann@x.org"
    assert Organization.objects.get().acting == ann
    rollbook("user", "add", "olga@x.org", schema="admin-invite")
    setup(rollbook.data)
    assert Invitation.objects.get(email="olga@x.org").operator


@pytest.mark.parametrize("wrong", [("ann",), (), ("ann@x.org", "--acting"), ("ann@x.org", "--org", "nowhere")])
def test_a_person_who_cannot_be_added(rollbook: Command, world: Space, wrong: tuple[str, ...]) -> None:
    rollbook("user", "add", *wrong, schema="error", code=2)
    setup(rollbook.data)
    assert not Invitation.objects.exists()


def test_links_begin_with_the_public_address(rollbook: Command, world: Space, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLBOOK_URL", "https://rollbook.maple.example/")
    answer = rollbook.text("admin", "invite", "--org", "maple", "--role", "viewer")
    assert "https://rollbook.maple.example/invitation/" in answer.out
    assert "seven days" in answer.out


def test_without_an_organization_it_is_an_operators(rollbook: Command) -> None:
    olga = _account(rollbook, "olga@x.org")
    assert olga.is_operator
    assert not olga.memberships.exists()
    assert "operator" in rollbook.text("admin", "list").out


@pytest.mark.parametrize(
    "wrong",
    [
        ("--org", "nowhere"),
        ("--org", "maple", "--role", "king"),
        ("--acting",),
        ("--org", "maple", "--role", "viewer", "--acting"),
    ],
)
def test_a_wrong_invitation_is_refused(rollbook: Command, world: Space, wrong: tuple[str, ...]) -> None:
    rollbook("admin", "invite", *wrong, schema="error", code=2)
    setup(rollbook.data)
    assert not Invitation.objects.exists()


def test_the_operator_names_the_acting_user(rollbook: Command, world: Space) -> None:
    _account(rollbook, "ann@x.org", "--org", "maple", "--acting")
    _account(rollbook, "bob@x.org", "--org", "maple")
    _account(rollbook, "vic@x.org", "--org", "maple", "--role", "viewer")
    said = rollbook("admin", "acting", "maple", "BOB@x.org", schema="admin-acting")
    assert said == {"org": "maple", "acting": "bob@x.org"}
    setup(rollbook.data)
    assert Organization.objects.get().acting == Account.objects.get(email="bob@x.org")
    assert AuditRow.objects.get(action="hand over").by == "operator"
    for org, email in (("maple", "vic@x.org"), ("maple", "nobody@x.org"), ("nowhere", "bob@x.org")):
        rollbook("admin", "acting", org, email, schema="error", code=2)


def test_a_member_is_removed_and_the_acting_user_too(rollbook: Command, world: Space) -> None:
    _account(rollbook, "ann@x.org", "--org", "maple", "--acting")
    rollbook("admin", "remove", "ann@x.org", "--org", "maple", schema="admin-remove")
    setup(rollbook.data)
    assert Organization.objects.get().acting is None
    assert Account.objects.get().is_active
    assert not Membership.objects.exists()
    rollbook("admin", "remove", "ann@x.org", "--org", "maple", schema="error", code=2)


def test_an_account_is_closed(rollbook: Command, world: Space) -> None:
    ann = _account(rollbook, "ann@x.org", "--org", "maple", "--acting", "--operator")
    open_pages(setup(rollbook.data))
    browser = Client()
    browser.force_login(ann, backend="allauth.account.auth_backends.AuthenticationBackend")
    rollbook("admin", "remove", "ann@x.org", schema="admin-remove")
    setup(rollbook.data)
    ann.refresh_from_db()
    assert (ann.is_active, ann.is_operator, ann.memberships.count()) == (False, False, 0)
    assert browser.get("/").status_code == 302, "its sessions have ended"
    assert "closed" in rollbook.text("admin", "list").out


def test_a_link_for_a_new_password(rollbook: Command, world: Space) -> None:
    _account(rollbook, "ann@x.org", "--org", "maple")
    link = rollbook("admin", "password", "ann@x.org", schema="admin-password")["link"]
    setup(rollbook.data)
    browser = Client()
    page = browser.get(link.removeprefix("http://127.0.0.1:8000"), follow=True)
    assert "Choose a new password" in page.content.decode()
    new = {"password1": "another fine password", "password2": "another fine password"}
    assert browser.post(page.redirect_chain[-1][0], new).status_code == 302
    assert Account.objects.get().check_password("another fine password")
    assert AuditRow.objects.get(action="make password link").subject == "Ann (ann@x.org)"
    assert "ann@x.org" not in link


def test_lost_second_factors_are_removed_with_it(rollbook: Command, world: Space) -> None:
    from allauth.mfa.models import Authenticator

    ann = _account(rollbook, "ann@x.org", "--org", "maple")
    Authenticator.objects.create(user=ann, type="totp", data={})
    rollbook("admin", "password", "ann@x.org", schema="admin-password")
    setup(rollbook.data)
    assert Authenticator.objects.exists()
    rollbook("admin", "password", "ann@x.org", "--without-factors", schema="admin-password")
    setup(rollbook.data)
    assert not Authenticator.objects.exists()


def test_nobody_yet(rollbook: Command) -> None:
    assert rollbook("admin", "list", schema="admin-list") == {"accounts": []}
    assert "rollbook admin invite --operator" in rollbook.text("admin", "list").out


def test_no_password_is_ever_shown(rollbook: Command, world: Space) -> None:
    _account(rollbook, "ann@x.org", "--org", "maple")
    assert "argon2" not in json.dumps(rollbook("admin", "list", schema="admin-list"))
