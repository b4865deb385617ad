"""New passwords and second factors leave rows in the audit of the person's organizations, without any secret."""

from __future__ import annotations

import re

from django.contrib.auth.hashers import make_password
from django.test import Client

from rollbook.store.folder import DataFolder
from rollbook.store.models import Account, AuditRow, Membership, Organization
from rollbook.web.password_reset import reset_path
from tests.web.accounts import reauthenticate, with_password
from tests.web.people import PASSWORD, Person, make_person, words
from tests.web.test_accounts_factors import with_app

NEW = "another long passphrase"


def _rows(person: Person) -> list[tuple[str, str, str]]:
    mine = AuditRow.objects.filter(by=f"{person.account.name} ({person.account.email})").order_by("pk")
    return list(mine.values_list("organization", "action", "details"))


def _no_secret(*secrets: str) -> None:
    everything = " ".join(str(row) for row in AuditRow.objects.values_list("by", "action", "subject", "details"))
    for secret in (PASSWORD, NEW, *secrets):
        assert secret not in everything


def test_a_changed_password(ann: Person, bob: Person) -> None:
    reauthenticate(with_password(ann))
    given = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    assert ann.post("/accounts/password/change/", **given).status_code == 302
    assert _rows(ann) == [("maple", "change password", "")]
    assert "Changed their own password" in words(bob.get("/o/maple/audit/"))
    _no_secret()


def test_a_reset_password_in_every_organization_of_the_person(ann: Person) -> None:
    elm = Organization.objects.create(slug="elm", name="Elm")
    Membership.objects.create(account=ann.account, organization=elm, role="viewer")
    with_password(ann)
    browser = Client()
    there = browser.get(reset_path(Account.objects.get(pk=ann.account.pk)), follow=True).redirect_chain[-1][0]
    assert browser.post(there, {"password1": NEW, "password2": NEW}).status_code == 302
    assert _rows(ann) == [("maple", "reset password", ""), ("elm", "reset password", "")]
    _no_secret(there)


def test_second_factors(ann: Person) -> None:
    secret = with_app(ann)
    assert _rows(ann) == [
        ("maple", "add second factor", "authenticator app"),
        ("maple", "add second factor", "recovery codes"),
    ]
    assert ann.post("/accounts/2fa/recovery-codes/generate/").status_code == 302
    codes = re.findall(r"\b[0-9a-f]{8}\b", ann.get("/accounts/2fa/recovery-codes/").content.decode())
    assert ann.post("/accounts/2fa/totp/deactivate/").status_code == 302
    rest = [row[1:] for row in _rows(ann)][2:]
    assert rest[0] == ("renew second factor", "recovery codes")
    assert ("remove second factor", "authenticator app") in rest
    _no_secret(secret, *codes)


def test_somebody_of_no_organization(pages: DataFolder) -> None:
    person = make_person("Opa Operator", operator=True)
    Account.objects.filter(pk=person.account.pk).update(password=make_password(PASSWORD))
    reauthenticate(with_password(person))
    person.post("/accounts/password/change/", oldpassword=PASSWORD, password1=NEW, password2=NEW)
    assert _rows(person) == [("", "change password", "")]
