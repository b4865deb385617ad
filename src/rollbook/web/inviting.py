"""Making an invitation from a page: its link is shown once, and sent by mail where that is wanted and possible."""

from __future__ import annotations

from django.contrib import messages
from django.core.mail import EmailMessage
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from rollbook.actions.accounts import INVITATION_DAYS, account_by, invite
from rollbook.engine.not_sent import NotSent
from rollbook.store.models import Role
from rollbook.web.access import account_of
from rollbook.web.account_forms import InviteForm
from rollbook.web.opening import public_address

_LINK = "invitation_link"


def invite_by_form(request: HttpRequest, form: InviteForm, org: str, *, acting: bool = False) -> None:
    """`form` is valid. The link waits for the next page that asks `shown_once`. Raises ConfigError."""
    wanted = form.cleaned_data
    invitation, token = invite(
        by=account_by(account_of(request)),
        org=org,
        email=wanted["email"],
        name=wanted["name"],
        role=wanted.get("role", Role.ADMINISTRATOR),
        acting=acting,
    )
    link = link_of(token, request)
    request.session[_LINK] = link
    if wanted.get("mail"):
        assert invitation.organization is not None
        _mail(request, invitation.email, link, invitation.organization.name)


def shown_once(request: HttpRequest) -> str:
    """The link of the invitation that was just made; empty when it was shown already."""
    return str(request.session.pop(_LINK, ""))


def link_of(token: str, request: HttpRequest | None = None) -> str:
    """The whole address of an invitation. Without ROLLBOOK_URL it begins as the browser's address does."""
    path = reverse("invitation", args=[token])
    if public_address() or request is None:
        return f"{public_address()}{path}"
    return request.build_absolute_uri(path)


def _mail(request: HttpRequest, to: str, link: str, organization: str) -> None:
    text = render_to_string(
        "mail/invitation.txt",
        {"link": link, "organization": organization, "by": account_of(request).name, "days": INVITATION_DAYS},
    )
    try:
        EmailMessage(_("[Rollbook] Invitation to %(name)s") % {"name": organization}, text, "", [to]).send()
    except NotSent as error:
        messages.warning(request, _("The mail was not sent: %(why)s. Give the link by hand.") % {"why": error})
    else:
        messages.success(request, _("The link was sent by mail."))
