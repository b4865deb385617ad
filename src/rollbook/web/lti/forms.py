"""The form with which the acting user registers an LMS by hand."""

from __future__ import annotations

from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from rollbook.actions.lti import PlatformValues
from rollbook.errors import ConfigError
from rollbook.web.addresses import address_problem
from rollbook.web.error_words import error_said
from rollbook.web.lti.profiles import Profile
from rollbook.web.lti.registration import origins

_PLAIN: Final = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}


def _text(label: Any, *, required: bool = True, help_text: Any = "", lines: int = 0) -> forms.CharField:
    widget = forms.Textarea(attrs={**_PLAIN, "rows": lines}) if lines else forms.TextInput(attrs=dict(_PLAIN))
    return forms.CharField(label=label, max_length=2000, required=required, help_text=help_text, widget=widget)


class PlatformForm(forms.Form):
    """The values that an LMS shows for a tool. `private`: may its addresses be of the own network?"""

    name = forms.CharField(
        label=_("Name"),
        max_length=150,
        help_text=_("How people here call this LMS."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    issuer = _text(_("Issuer (platform ID)"))
    client_id = _text(_("Client ID"))
    deployments = _text(_("Deployment IDs"), lines=2, help_text=_("One a line. Launches from others are refused."))
    login_url = _text(_("Authentication request URL"))
    keys_url = _text(_("Public keyset URL (JWKS)"))
    token_url = _text(_("Access token URL"), required=False, help_text=_("May stay empty."))
    origins = _text(
        _("Sites that may show Rollbook in a frame"),
        required=False,
        lines=2,
        help_text=_(
            "One a line, such as https://lms.district.example. The site of the authentication request is allowed "
            "anyway. Nobody else can put these pages in a frame."
        ),
    )

    def __init__(self, *args: Any, profile: str, known: Profile, private: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._profile, self._private = profile, private
        for name in ("issuer", "login_url", "keys_url", "token_url"):
            self.fields[name].initial = getattr(known, name)
        self.fields["name"].initial = known.name if known.issuer else ""
        self.fields["origins"].initial = "\n".join(known.origins)

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        for name in ("login_url", "keys_url", "token_url"):
            problem = address_problem(found[name], private=self._private) if found.get(name) else ""
            if problem:
                self.add_error(name, problem)
        try:
            found["sites"] = origins(found.get("login_url", ""), profile=self._profile, more=found.get("origins", ""))
        except ConfigError as error:
            self.add_error("origins", error_said(error))
        return found

    def values(self) -> PlatformValues:
        """Of a valid form."""
        found = self.cleaned_data
        return PlatformValues(
            name=found["name"],
            issuer=found["issuer"],
            client_id=found["client_id"],
            deployments=[line.strip() for line in found["deployments"].splitlines() if line.strip()],
            login_url=found["login_url"],
            keys_url=found["keys_url"],
            token_url=found["token_url"],
            profile=self._profile,
            origins=found["sites"],
        )
