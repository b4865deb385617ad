"""The form that registers the app of the App Center."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from rollbook.actions.saml_launches import AppFacts, is_domain, is_school_id, read_certificates
from rollbook.errors import ConfigError
from rollbook.store.models import SamlPlatform
from rollbook.web.launches.frames import origin_of

_BOX = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
_LOCAL = re.compile(r"(localhost|127\.0\.0\.1)(:\d+)?\Z")


class AppForm(forms.Form):
    """Lists are separated by spaces, commas or lines."""

    domains = forms.CharField(
        label=_("Domains of your Schoology"),
        max_length=2000,
        help_text=_(
            "Where your people sign in, such as app.schoology.com or maple.schoology.com; one a line. "
            "Only pages of these may show Rollbook in a frame."
        ),
        widget=forms.Textarea(attrs={**_BOX, "rows": 2}),
    )
    schools = forms.CharField(
        label=_("School id in Schoology"),
        max_length=500,
        help_text=_("The number that launches name as school_nid. A launch of any other school is refused."),
        widget=forms.TextInput(attrs={**_BOX, "inputmode": "numeric"}),
    )
    audience = forms.CharField(
        label=_("Consumer key of the app"),
        required=False,
        max_length=200,
        help_text=_("The App Center shows it with the app. A launch that names another app is refused."),
        widget=forms.TextInput(attrs=_BOX),
    )
    certificates = forms.CharField(
        label=_("Certificate of the App Center"),
        max_length=40_000,
        help_text=_(
            "With its lines BEGIN CERTIFICATE and END CERTIFICATE. "
            "When the vendor announces a new one, paste it below the old one."
        ),
        widget=forms.Textarea(attrs={**_BOX, "rows": 8, "class": "font-monospace"}),
    )

    @classmethod
    def of(cls, app: SamlPlatform | None) -> AppForm:
        """As it is registered, else empty."""
        if app is None:
            return cls()
        return cls(
            initial={
                "domains": "\n".join(app.domains),
                "schools": ", ".join(app.schools),
                "audience": app.audience,
                "certificates": app.certificates,
            }
        )

    def clean_domains(self) -> list[str]:
        found = _list(self.cleaned_data["domains"].casefold())
        if any("/" in one or "@" in one for one in found):
            raise ValidationError(_("Only the domain, without https:// and without what follows."))
        if not found or not all(is_domain(one) for one in found):
            raise ValidationError(_("A domain looks like maple.schoology.com."))
        return found

    def clean_schools(self) -> list[str]:
        found = _list(self.cleaned_data["schools"])
        if not found or not all(is_school_id(one) for one in found):
            raise ValidationError(_("The school id is a number."))
        return found

    def clean_certificates(self) -> str:
        text = str(self.cleaned_data["certificates"])
        if "PRIVATE KEY" in text:
            self.data = {name: self.data.get(name, "") for name in self.fields} | {
                "certificates": ""
            }  # it is not shown again
            raise ValidationError(_("This held a private key. Paste only the certificate, and give the key to nobody."))
        try:
            read_certificates(text)
        except ConfigError:
            raise ValidationError(
                _(
                    "Paste the certificate with its lines -----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----. "
                    "Its key must be an RSA key of at least 1024 bits."
                )
            ) from None
        return text

    def facts(self) -> AppFacts:
        """Of a valid form. Raises ConfigError for a domain that is none."""
        data: dict[str, Any] = self.cleaned_data
        return AppFacts(
            certificates=data["certificates"],
            audience=data["audience"],
            schools=data["schools"],
            domains=data["domains"],
            origins=[origin_of(f"{_scheme(one)}://{one}") for one in data["domains"]],
        )


def _list(text: str) -> list[str]:
    return list(dict.fromkeys(one for one in re.split(r"[\s,;]+", text) if one))


def _scheme(domain: str) -> str:
    """A practice LMS on this machine has no TLS."""
    return "http" if _LOCAL.match(domain) else "https"
