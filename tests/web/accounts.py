"""What the tests of signing in share: accounts with passwords, and a look at pages as the strict policy sees them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.contrib.auth.hashers import make_password
from django.core.cache import cache
from django.test import Client

from rollbook.store.models import Account
from tests.web.people import PASSWORD, Answer, Person

LOGIN = "/accounts/login/"
#: Inline scripts (data blocks are none), inline styles and handlers, all of which the policy would block.
_FORBIDDEN = re.compile(
    r"""<script(?![^>]*\ssrc=)(?![^>]*type="application/json")[^>]*>|<style|\sstyle=|\son[a-z]+=|hx-on|javascript:""",
    re.IGNORECASE,
)


def with_password(person: Person, password: str = PASSWORD) -> Person:
    """The person's account gets a password; the browser stays signed in."""
    Account.objects.filter(pk=person.account.pk).update(password=make_password(password))
    person.account.refresh_from_db()
    person.client.force_login(person.account, backend="allauth.account.auth_backends.AuthenticationBackend")
    return person


def sign_in(email: str, password: str = PASSWORD, client: Client | None = None, **more: Any) -> Answer:
    """Send the sign-in form."""
    return (client or Client()).post(LOGIN, {"login": email, "password": password, **more})


def reauthenticate(person: Person, password: str = PASSWORD) -> None:
    answer = person.post("/accounts/reauthenticate/", password=password)
    assert answer.status_code == 302, answer.content


def forget_attempts() -> None:
    """Rate limits of earlier tests in this process."""
    cache.clear()


def good_page(answer: Answer, status: int = 200) -> str:
    """The page's text, once it is sure that it is ours, whole and allowed by the policy."""
    text = answer.content.decode()
    assert answer.status_code == status, text[:2000]
    assert "rollbook.css" in text
    assert not _FORBIDDEN.findall(text)
    assert len(re.findall(r"<h1[ >]", text)) == 1
    assert not re.search(r"<h1[^>]*>\s*</h1>", text)
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    unlabelled = [
        one
        for one in re.findall(r"<(?:input|select|textarea)\b[^>]*>", text)
        if 'type="hidden"' not in one and not _labelled(one, text)
    ]
    assert not unlabelled
    return text


def _labelled(tag: str, text: str) -> bool:
    found = re.search(r'\sid="([^"]+)"', tag)
    if found and f'for="{found[1]}"' in text:
        return True
    return bool(re.search(r"<label[^>]*>\s*" + re.escape(tag), text)) or "aria-label=" in tag


def query(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
