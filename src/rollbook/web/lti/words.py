"""Why an LTI launch was refused before anybody knew who came."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from django.utils.translation import gettext_lazy as _

from rollbook.web.launches.refusals import Refusal

_ADMIN: Final = _("Ask your system administrator, and tell them the code below.")
_AGAIN: Final = _("Go back to your course and open Rollbook from there again.")

LTI_REFUSALS: Final[Mapping[str, Refusal]] = MappingProxyType(
    {
        "LTI_PLATFORM_UNKNOWN": Refusal(
            _("This LMS is not registered with Rollbook."),
            _("The Acting User registers it under LMS Launch, with the values that the LMS shows."),
        ),
        "LTI_INCOMPLETE": Refusal(_("The LMS sent an incomplete launch."), _ADMIN, 400),
        "LTI_PLATFORM_ERROR": Refusal(_("The LMS broke the launch off."), _AGAIN),
        "LTI_STATE": Refusal(
            _("This launch was not begun here, was used already, or took longer than ten minutes."), _AGAIN
        ),
        "LTI_KEYS_UNREADABLE": Refusal(
            _("Rollbook could not read the keys of the LMS, so it cannot tell whether this launch is real."),
            _("Try again in a few minutes. If it happens again, ask your system administrator."),
            503,
        ),
        "LTI_SIGNATURE": Refusal(_("The signature of this launch is not one of the LMS's."), _ADMIN),
        "LTI_EXPIRED": Refusal(
            _("This launch is too old, or the clocks of the LMS and of Rollbook differ."),
            _(
                "Open Rollbook from your course again. If it happens again, ask your system administrator to compare "
                "the clocks."
            ),
        ),
        "LTI_ISSUER": Refusal(_("This launch says that it comes from another LMS."), _ADMIN),
        "LTI_AUDIENCE": Refusal(_("This launch is meant for another tool."), _ADMIN),
        "LTI_NONCE": Refusal(_("This launch answers another one than was begun."), _AGAIN),
        "LTI_DEPLOYMENT": Refusal(
            _("Rollbook does not know the place in the LMS from which this was launched."),
            _("The Acting User adds its deployment id under LMS Launch."),
        ),
        "LTI_TARGET": Refusal(_("This launch is meant for another address."), _ADMIN),
        "LTI_MESSAGE": Refusal(
            _("Rollbook can be opened from a course; the LMS asked for something else."),
            _("Add Rollbook as a link or a course app. It offers no content to choose from."),
        ),
        "LTI_TOKEN": Refusal(_("Rollbook cannot read what the LMS sent."), _ADMIN, 400),
    }
)
