"""Tests of connections that people ask for: how often, with which settings, and the outcome without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import msgspec
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rollbook.actions.accounts import account_by
from rollbook.connectors.registry import connector
from rollbook.engine.try_connection import check_connection, scrubbed, try_connection
from rollbook.errors import AuthFailed, BadResponse, ConfigError, RollbookError, Throttled, Unavailable
from rollbook.roster.settings import Connection, Settings
from rollbook.store.audit import audit
from rollbook.store.models import Organization
from rollbook.store.secrets import KeyRing, secrets_of
from rollbook.store.setup import opened
from rollbook.store.turns import Turns
from rollbook.web.access import Place
from rollbook.web.error_words import error_said
from rollbook.web.option_forms import OptionForm
from rollbook.web.partner_list import CSV
from rollbook.web.said import stored_said

_MOST_A_MINUTE: Final = 5
_FACTS: Final = {
    "version": gettext_lazy("OneRoster version"),
    "address": gettext_lazy("Address"),
    "orgs": gettext_lazy("Schools and districts"),
    "academicSessions": gettext_lazy("Academic sessions"),
    "courses": gettext_lazy("Courses"),
    "classes": gettext_lazy("Classes"),
    "users": gettext_lazy("Users"),
    "enrollments": gettext_lazy("Enrollments"),
    "scopes": gettext_lazy("Scopes granted"),
    "clock": gettext_lazy("Clock"),
    "clock skew": gettext_lazy("Clock"),
    "school": gettext_lazy("Organization"),
    "buildings": gettext_lazy("Buildings"),
    "roles": gettext_lazy("Roles"),
    "own account": gettext_lazy("Account of the key"),
    "site": gettext_lazy("Site"),
    "release": gettext_lazy("Release"),
    "service account": gettext_lazy("Account of the service"),
    "welcome messages": gettext_lazy("Welcome messages"),
    "files": gettext_lazy("Files"),
    "system": gettext_lazy("System"),
    "section": gettext_lazy("Section"),
    "categories": gettext_lazy("Grading categories"),
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A test for people. `good` None: it was not made. `who` says who must act."""

    good: bool | None
    summary: str
    who: str = ""
    facts: tuple[tuple[str, str], ...] = ()


#: So many tests a minute has each organization.
TURNS: Final = Turns("test", _MOST_A_MINUTE, at_once=1)


def try_typed(place: Place, settings: Settings, form: OptionForm) -> Outcome:
    """Try the connection as the valid form has it; secrets that were not typed are the saved ones."""
    if TURNS.take(place.organization.pk):
        return Outcome(good=None, summary=_("That were many tests. Wait a minute, then test again."))
    typed, secrets = as_typed(place.organization, settings, form)
    with transaction.atomic():
        audit(
            by=account_by(place.account),
            action="test connection",
            organization=place.organization.slug,
            subject=form.side,
        )
    tried = try_connection(opened(), typed, secrets, form.side)
    if isinstance(tried.error, ConfigError) and form.lacks_files:
        return Outcome(good=None, summary=_("There are no files yet. Bring them on the page Files, then test again."))
    if tried.error is not None:
        return _told(tried.error, form, secrets)
    assert tried.report is not None
    report = tried.report
    facts = tuple(
        (str(_FACTS.get(name, name)), scrubbed(stored_said(text), secrets)) for name, text in report.facts.items()
    )
    return Outcome(good=report.ok, summary=scrubbed(stored_said(report.summary), secrets), facts=facts)


def check_typed(organization: Organization, settings: Settings, form: OptionForm) -> None:
    """Do the options of a valid form fit together? What does not lands in the form's errors. Calls nobody."""
    if form.connection.connector == CSV:
        return  # opening it would fetch the files
    typed, secrets = as_typed(organization, settings, form)
    try:
        check_connection(opened(), typed, secrets, form.side)
    except ConfigError as error:
        form.place_error(error)


def as_typed(organization: Organization, settings: Settings, form: OptionForm) -> tuple[Settings, dict[str, str]]:
    """The settings with this form's connection, and all secrets by place."""
    connection: Connection = msgspec.structs.replace(getattr(settings, form.side), options=form.options)
    secrets = secrets_of(organization.pk, KeyRing(opened().keys))
    for name, text in form.secrets.items():
        secrets.pop(f"{form.side}.{name}", None)
        if text is not None:
            secrets[f"{form.side}.{name}"] = text
    return msgspec.structs.replace(settings, **{form.side: connection}), secrets


def _told(error: RollbookError, form: OptionForm, secrets: Mapping[str, str]) -> Outcome:
    return Outcome(good=False, summary=scrubbed(error_said(error), secrets), who=_who(error, form))


def _who(error: RollbookError, form: OptionForm) -> str:
    """Who must act, for somebody who has just typed an address and a key."""
    if isinstance(error, AuthFailed) and form.side == "sis":
        return _(
            "You: check Consumer Key and Consumer Secret. If they are right, ask your SIS representative whether they "
            "are still valid and may read rosters."
        )
    if isinstance(error, AuthFailed):
        where = connector(form.connection.connector).credentials
        check = _("You: check the credentials, and what they may do in the LMS.")
        return f"{check} {_(where)}" if where else check
    if isinstance(error, ConfigError):
        return _("You: correct the field that the message names.")
    if isinstance(error, Throttled):
        return _("Nobody: the other side is busy. Test again in some minutes.")
    if isinstance(error, Unavailable):
        return _(
            "You: check the address. If it is right, the other side is down, or cannot be reached from this server: "
            "try again later, or ask the operator."
        )
    if isinstance(error, BadResponse):
        return _(
            "You: check the address, which may lead to a sign-in page. If it is right, ask the vendor of the other "
            "system."
        )
    return _("The operator of this server: %s.") % _(error.who)
