"""What the page says of a launch that is not accepted, and who can do what about it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from django.utils.translation import gettext_lazy as _

from rollbook.web.launches.refusals import Refusal
from rollbook.web.launches.saml.refusal import Why

_AGAIN: Final = _("Go back to your course and open Rollbook from there again.")
_REGISTERED: Final = _(
    "Ask your system administrator to compare the app in the App Center with its registration in Rollbook, "
    "and tell them the code below."
)

NOT_ACCEPTED: Final[Mapping[str, Refusal]] = MappingProxyType(
    {
        Why.MISSING: Refusal(
            _("This address is for launches from a course of the LMS, and nothing came with yours."), _AGAIN, 400
        ),
        Why.NO_ADDRESS: Refusal(
            _("Rollbook does not know its own address, so it cannot tell whether this launch is meant for it."),
            _("Ask whoever runs Rollbook to set ROLLBOOK_URL, and tell them the code below."),
            503,
        ),
        Why.UNREADABLE: Refusal(_("Rollbook cannot read what the LMS sent along."), _REGISTERED, 400),
        Why.FORGED: Refusal(
            _("What came along does not bear the signature of your LMS, so nobody was let in."), _REGISTERED
        ),
        Why.EXPIRED: Refusal(_("This launch is too old. A launch holds for a few minutes."), _AGAIN),
        Why.EARLY: Refusal(
            _("This launch begins in the future: the clock of Rollbook or of the LMS is wrong."),
            _("Ask whoever runs Rollbook to set its clock, and tell them the code below."),
        ),
        Why.ELSEWHERE: Refusal(_("This launch is not meant for this app: it names another one, or none."), _REGISTERED),
        Why.USED: Refusal(_("This launch was used already. Each one lets somebody in once."), _AGAIN, 410),
        Why.STRANGE_SCHOOL: Refusal(
            _("You come from another school or address of the LMS than registered."), _REGISTERED
        ),
        Why.NO_SECTION: Refusal(
            _("Rollbook sends the grades of a course section, and you opened it somewhere else."),
            _("Open it from within one of your course sections."),
        ),
    }
)
