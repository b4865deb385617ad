"""Manage Users: passwords that the school issued, brought as CSV, checked, kept, and sent when somebody says so."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from rollbook.actions.accounts import account_by
from rollbook.actions.organizations import latest_version
from rollbook.actions.passwords import PASSWORDS_SENT, ask_to_send, keep_passwords
from rollbook.errors import BlobLost, ConfigError
from rollbook.roster.settings import parse as parse_settings
from rollbook.store.accounts_given import Account, Accounts
from rollbook.store.blobs import open_blobs
from rollbook.store.models import FactRow, Organization, PasswordRow
from rollbook.store.passwords import REFUSED, SENT, UNCLEAR
from rollbook.store.secrets import KeyRing
from rollbook.store.setup import opened
from rollbook.web.access import Place, Who, page
from rollbook.web.csv_in import Line, read_csv
from rollbook.web.error_words import error_said

#: Letters of a password: Schoology takes no shorter one.
LEAST: Final = 12
MOST: Final = 128
_MOST_ROWS: Final = 10_000
_VALID: Final = 3600.0
_SHOWN: Final = 50


@dataclass
class _Read:
    """What a file says: passwords by unique id, and what is wrong with which line."""

    passwords: dict[str, str] = field(default_factory=dict, repr=False)
    problems: list[tuple[int, str]] = field(default_factory=list)


def state(organization: Organization) -> dict[str, Any]:
    """How many imported passwords wait, are under way, and what became of the last ones."""
    fact = FactRow.objects.filter(organization=organization, name=PASSWORDS_SENT).first()
    sent = fact.value if fact is not None else {}
    return {
        "waiting": sent.get("waiting", 0),
        "under_way": sent.get("under_way", 0),
        "sent": sent | {"done": sent.get(SENT, 0), "refused": sent.get(REFUSED, 0), "unclear": sent.get(UNCLEAR, 0)},
    }


@page(write=Who.ACTING)
def bring(request: HttpRequest, place: Place) -> HttpResponse:
    """A file: checked and counted, without showing a password. With `confirmed` (what we encrypted): kept."""
    version = latest_version(place.organization)
    if version is None or parse_settings(version.document).users.passwords == "none":
        return redirect("manage_users", place.organization.slug)
    if request.POST.get("confirmed"):
        return _keep(request, place)
    try:
        lines = read_csv(request.FILES.get("file"), ["password"], most=_MOST_ROWS)
        found = _read(lines, place.organization)
    except (ConfigError, BlobLost) as error:
        messages.error(request, error_said(error))
        return redirect("manage_users", place.organization.slug)
    context = {
        "number": len(found.passwords),
        "replaced": _replaced(place.organization, list(found.passwords)),
        "problems": found.problems[:_SHOWN],
        "more_problems": max(0, len(found.problems) - _SHOWN),
        "confirmed": _sealed(place, found.passwords) if found.passwords else "",
    }
    answer = render(request, "manage_users/preview.html", context)
    answer["Cache-Control"] = "no-store"
    return answer


@page(write=Who.ACTING)
def send(request: HttpRequest, place: Place) -> HttpResponse:
    try:
        number = ask_to_send(org=place.organization.slug, by=account_by(place.account))
    except ConfigError as error:
        messages.error(request, error_said(error))
    else:
        words = ngettext("%(n)s password is sent to the LMS now.", "%(n)s passwords are sent to the LMS now.", number)
        messages.success(request, words % {"n": number})
    return redirect("manage_users", place.organization.slug)


def _keep(request: HttpRequest, place: Place) -> HttpResponse:
    passwords = _opened(place, request.POST["confirmed"])
    if passwords is None:
        messages.error(request, _("This preview is too old. Choose the file again."))
        return redirect("manage_users", place.organization.slug)
    number = keep_passwords(org=place.organization.slug, by=account_by(place.account), passwords=passwords)
    words = ngettext("%(n)s password is kept, encrypted.", "%(n)s passwords are kept, encrypted.", number)
    messages.success(request, words % {"n": number} + " " + _("Nothing is sent yet."))
    return redirect("manage_users", place.organization.slug)


def _read(lines: list[Line], organization: Organization) -> _Read:
    if not any({"unique_id", "username"} & line.cells.keys() for line in lines):
        raise ConfigError(_("The file needs a column unique_id or username, beside password."))
    names = [name for line in lines for name in (line.get("unique_id"), line.get("username"))]
    known = Accounts(organization.pk, open_blobs(opened())).known(names)
    by_key = {one.key: one for one in known}
    by_name = {(one.username or "").lower(): one for one in known}
    protected = _protected(organization)
    found = _Read()
    for line in lines:
        key, name = line.get("unique_id"), line.get("username").lower()
        account = by_key.get(key) if key else by_name.get(name) if name else None
        problem = _problem(line, account, protected) or _doubled(account, found)
        if problem:
            found.problems.append((line.number, problem))
        elif account is not None:
            found.passwords[account.key] = line.cells["password"]
    return found


def _problem(line: Line, account: Account | None, protected: frozenset[str]) -> str:
    """What is wrong with a line, in words without the password; empty when nothing is."""
    password = line.cells.get("password", "")
    if account is None:
        return _("Rollbook knows no account with this unique id or username.")
    username = line.get("username").lower()
    if username and (account.username or "").lower() != username:
        return _("Unique id and username are not of the same person.")
    if account.key in protected:
        return _("This is an administrator's account, which Rollbook leaves alone.")
    if not LEAST <= len(password) <= MOST:
        return _("The password must have %(least)s to %(most)s characters.") % {"least": LEAST, "most": MOST}
    if password != password.strip() or not password.isprintable():
        return _("The password begins or ends with a space, or has characters that cannot be typed.")
    if password.lower() in {(account.username or "").lower(), account.key.lower(), (account.email or "").lower()}:
        return _("The password is the person's username, e-mail or unique id.")
    return ""


def _doubled(account: Account | None, found: _Read) -> str:
    there = account is not None and account.key in found.passwords
    return _("This person stands in the file twice; the first row counts.") if there else ""


def _protected(organization: Organization) -> frozenset[str]:
    """Accounts of administrators, as the last comparison with the LMS saw them."""
    fact = FactRow.objects.filter(organization=organization, name="set_aside").first()
    people = fact.value.get("user", {}) if fact is not None else {}
    return frozenset(key for key, flags in people.items() if flags[2])


def _replaced(organization: Organization, keys: list[str]) -> int:
    return PasswordRow.objects.filter(organization=organization, key__in=keys).count()


def _sealed(place: Place, passwords: Mapping[str, str]) -> str:
    """What the browser carries from the preview to the confirmation: nobody but this installation can read it."""
    plain = {"org": place.organization.slug, "who": place.account.pk, "at": time.time(), "passwords": dict(passwords)}
    with transaction.atomic():
        return KeyRing(opened().keys).encrypt(json.dumps(plain))


def _opened(place: Place, sealed: str) -> dict[str, str] | None:
    try:
        plain = json.loads(KeyRing(opened().keys).decrypt(sealed))
    except (ConfigError, ValueError):
        return None
    own = plain.get("org") == place.organization.slug and plain.get("who") == place.account.pk
    fresh = time.time() - float(plain.get("at", 0)) < _VALID
    return dict(plain["passwords"]) if own and fresh else None


urlpatterns = [
    path("manage-users/import/", bring, name="manage_users_import"),
    path("manage-users/send/", send, name="manage_users_send"),
]
