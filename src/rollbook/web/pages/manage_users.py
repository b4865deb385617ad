"""Manage Users: accounts that Rollbook made, and their first passwords (rule 14)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path

from rollbook.actions.accounts import account_by
from rollbook.actions.passwords import Passwords, export_passwords, look_at_passwords
from rollbook.connectors.registry import connector
from rollbook.errors import BlobLost, ConfigError
from rollbook.store.accounts_given import Account, Accounts
from rollbook.store.blobs import open_blobs
from rollbook.store.models import Organization, PasswordRow
from rollbook.store.newest_settings import newest_settings
from rollbook.store.passwords import ASKED, INITIAL, KEPT_FOR, REFUSED, SCHOOL, SENDING, SENT, UNCLEAR
from rollbook.store.setup import opened
from rollbook.web.access import Place, Who, page
from rollbook.web.again import after_signing_in_again
from rollbook.web.csv import csv_answer
from rollbook.web.error_words import error_said
from rollbook.web.pages import manage_users_import
from rollbook.web.password_words import label_words

PER_PAGE: Final = 50
#: Columns where nothing is known of a user import that the LMS has of its own, and the labels of a file of each kind.
_COLUMNS: Final = ("First Name", "Last Name", "Username", "E-mail", "User Unique ID", "Password")
_ISSUED: Final = (SCHOOL, ASKED, SENDING, SENT, REFUSED, UNCLEAR)
_FILES: Final = {"initial": (INITIAL,), "school": _ISSUED}
_LONGEST: Final = 200
#: Nobody leafs further; a search finds the others.
_DEEPEST: Final = 1000
_AT_ONCE: Final = 500


@page(read=Who.READER, write=Who.READER)
def show(request: HttpRequest, place: Place) -> HttpResponse:
    """The list; a search comes as a POST, so that no name stands in an address."""
    text = request.POST.get("text", "").strip()[:_LONGEST]
    number = _number(request.POST.get("page") or request.GET.get("page"))
    context = {"text": text, "page": number, "days": KEPT_FOR.days, "waiting": None}
    try:
        found = _accounts(place.organization).page(start=(number - 1) * PER_PAGE, most=PER_PAGE + 1, text=text)
    except BlobLost as error:
        messages.error(request, error_said(error))
        found = []
    shown = found[:PER_PAGE]
    given = has_passwords(place.organization)
    context |= {"accounts": shown, "has_next": len(found) > PER_PAGE and number < _DEEPEST, "given": given}
    context["set_up"] = newest_settings(place.organization.pk) is not None
    if given:
        context["importable"] = bool(_import_columns(place.organization))
        context |= {"labels": _labels(place.organization, shown)} | manage_users_import.state(place.organization)
    answer = render(request, "manage_users.html", context)
    answer["Cache-Control"] = "no-store"
    return answer


@page(read=Who.READER, write=Who.ACTING)
def look(request: HttpRequest, place: Place) -> HttpResponseBase:
    if request.method != "POST":
        return redirect("manage_users", place.organization.slug)
    return _look(request, place)


@page(read=Who.READER, write=Who.ACTING)
def export(request: HttpRequest, place: Place) -> HttpResponseBase:
    if request.method != "POST":
        return redirect("manage_users", place.organization.slug)
    return _export(request, place)


@after_signing_in_again
def _look(request: HttpRequest, place: Place) -> HttpResponseBase:
    keys = list(dict.fromkeys(request.POST.getlist("key")))[:PER_PAGE]
    if not keys or not has_passwords(place.organization):
        return redirect("manage_users", place.organization.slug)
    found = look_at_passwords(org=place.organization.slug, by=account_by(place.account), keys=keys)
    try:
        known = _accounts(place.organization).by_key(list(found))
    except BlobLost:
        known = {}
    rows = [(key, known.get(key), one, label_words(one.label)) for key, one in sorted(found.items())]
    return render(request, "manage_users/passwords.html", {"rows": rows, "asked": len(keys)})


@after_signing_in_again
def _export(request: HttpRequest, place: Place) -> HttpResponseBase:
    what = request.POST.get("what", "")
    if what not in _FILES or not has_passwords(place.organization):
        return redirect("manage_users", place.organization.slug)
    try:
        accounts = _accounts(place.organization).every()
        some = export_passwords(org=place.organization.slug, by=account_by(place.account), labels=_FILES[what])
    except (BlobLost, ConfigError) as error:
        messages.error(request, error_said(error))
        return redirect("manage_users", place.organization.slug)
    columns = _import_columns(place.organization) or _COLUMNS
    return csv_answer(f"passwords-{what}-{place.organization.slug}.csv", columns, _lines(accounts, some))


def _import_columns(organization: Organization) -> tuple[str, ...]:
    """What the LMS's own user import calls the columns; nothing where it is not known to have one."""
    newest = newest_settings(organization.pk)
    return connector(newest[1].lms.connector).user_import if newest is not None else ()


def has_passwords(organization: Organization) -> bool:
    """`passwords: none` hides all of it (single sign-on)."""
    newest = newest_settings(organization.pk)
    return newest is not None and newest[1].users.passwords != "none"


def _lines(accounts: Iterator[Account], some: Passwords) -> Iterator[list[Any]]:
    while people := list(islice(accounts, _AT_ONCE)):
        found = some([one.key for one in people])
        for one in people:
            if one.key in found:
                password = found[one.key].password
                yield [one.first_name, one.last_name, one.username, one.email, one.key, password]


def _accounts(organization: Organization) -> Accounts:
    return Accounts(organization.pk, open_blobs(opened()))


def _labels(organization: Organization, accounts: list[Account]) -> dict[str, Any]:
    """What kind of password is kept of whom, without any password."""
    rows = PasswordRow.objects.filter(organization=organization, key__in=[one.key for one in accounts])
    return {key: (label_words(label), made) for key, label, made in rows.values_list("key", "label", "created_at")}


def _number(text: str | None) -> int:
    return min(_DEEPEST, max(1, int(text))) if text and text.isascii() and text.isdecimal() and len(text) < 8 else 1


urlpatterns = [
    path("manage-users/", show, name="manage_users"),
    path("manage-users/passwords/", look, name="manage_users_look"),
    path("manage-users/passwords.csv", export, name="manage_users_export"),
    *manage_users_import.urlpatterns,
]
