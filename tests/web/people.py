"""Signed-in people of tests: the pages are asked through Django's own client, without a server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any, TypeAlias

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client
from django.utils import timezone

from rollbook.store.models import Account, Membership, Organization, Role

PASSWORD = "a long enough passphrase"
#: What Django's client gives: a response with more to it, for which the stubs have a private class of no use here.
Answer: TypeAlias = Any


@dataclass
class Person:
    """An account and its browser."""

    account: Account
    client: Client = field(default_factory=Client)

    def get(self, path: str, **data: Any) -> Answer:
        return self.client.get(path, data)

    def post(self, path: str, **data: Any) -> Answer:
        return self.client.post(path, data)


def make_person(
    name: str, *, org: str | None = None, role: str = Role.ADMINISTRATOR, acting: bool = False, operator: bool = False
) -> Person:
    """An account, a member of an organization if one is named; signed in."""
    account = Account.objects.create(
        email=f"{name.lower().replace(' ', '.')}@example.org", name=name, is_operator=operator, password="!",
        last_login=timezone.now(),
    )  # fmt: skip
    if org is not None:
        organization = Organization.objects.get(slug=org)
        Membership.objects.create(account=account, organization=organization, role=role)
        if acting:
            Organization.objects.filter(pk=organization.pk).update(acting=account)
    person = Person(account)
    _sign_in(person)
    return person


def signed_in_again(kept: tuple[int, str]) -> Person:
    """Somebody whose account and session were kept in a database; see `session_of`."""
    person = Person(Account.objects.get(pk=kept[0]))
    person.client.cookies[settings.SESSION_COOKIE_NAME] = kept[1]
    return person


def session_of(person: Person) -> tuple[int, str]:
    return person.account.pk, person.client.cookies[settings.SESSION_COOKIE_NAME].value


def _sign_in(person: Person) -> None:
    """As Django's client does it, which makes a session, moves it, and saves it three times."""
    session = SessionStore()
    session[SESSION_KEY] = str(person.account.pk)
    session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
    session[HASH_SESSION_KEY] = person.account.get_session_auth_hash()
    session.create()
    person.client.cookies[settings.SESSION_COOKIE_NAME] = str(session.session_key)


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


def words(answer: Answer) -> str:
    """What a person reads of a page, with single spaces."""
    found = _Text()
    found.feed(answer.content.decode())
    return " ".join(" ".join(found.parts).split())


MakePerson = Callable[..., Person]
