"""Rows of webhooks, whose secrets are kept apart by the row's number: removing a row moves those of later ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from django import forms
from django.forms.formsets import formset_factory
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from rollbook.actions.secret_texts import webhook_place
from rollbook.roster.settings import Webhook
from rollbook.web.addresses import address_problem
from rollbook.web.fields import Hidden, Rows, dress

_SHORTEST: Final = 16
_MOST_ROWS: Final = 100


class WebhookForm(forms.Form):
    """One webhook; a row without an address is none. `old` is the number it is saved under, one of the `known` first
    numbers. `private`: private addresses are allowed."""

    private, known = False, 0
    old = forms.IntegerField(required=False, min_value=0, max_value=_MOST_ROWS, widget=forms.HiddenInput)
    url = forms.CharField(
        label=gettext_lazy("Webhook address"),
        required=False,
        max_length=1000,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    secret = forms.CharField(
        label=gettext_lazy("Its secret"), required=False, max_length=500, widget=Hidden(), strip=False
    )

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        url, secret = found.get("url"), found.get("secret") or ""
        if not url:
            if secret:
                self.add_error("url", _("A secret needs the address it is for."))
            return found
        problem = (
            address_problem(url, private=self.private) if url.startswith("http") else _("Must begin with https://.")
        )
        if problem:
            self.add_error("url", problem)
        if secret and len(secret) < _SHORTEST:
            self.add_error("secret", _("Must have at least %s letters.") % _SHORTEST)
        old = found.get("old")
        if not secret and (old is None or old >= self.known):
            self.add_error("secret", _("A new webhook needs a secret, by which its receiver knows us."))
        return found


_WebhookRows = formset_factory(WebhookForm, formset=Rows, extra=1, max_num=_MOST_ROWS, absolute_max=_MOST_ROWS)


class Webhooks:
    """All rows. `shy`: only the hosts are shown, as an address may itself be a secret."""

    def __init__(
        self,
        webhooks: tuple[Webhook, ...],
        data: Mapping[str, Any] | None = None,
        *,
        private: bool,
        disabled: bool = False,
        shy: bool = False,
    ) -> None:
        initial = [{"old": n, "url": host_of(one.url) if shy else one.url} for n, one in enumerate(webhooks)]
        self._count = len(webhooks)
        self.rows = _WebhookRows(data, prefix="webhooks", initial=initial)
        for row in self.rows:
            row.private, row.known = private, len(webhooks)
            dress(row, disabled=disabled)

    def is_valid(self) -> bool:
        return self.rows.is_valid()

    def document(self) -> list[dict[str, Any]]:
        """As the settings have it."""
        return [{"url": row.cleaned_data["url"]} for row in self._kept()]

    def secrets(self, saved: Mapping[str, str]) -> dict[str, str | None]:
        """By place, with None for places that are not used any more. `saved` are all secrets of the organization."""
        found: dict[str, str | None] = {}
        for number, row in enumerate(self._kept()):
            typed, old = row.cleaned_data["secret"], row.cleaned_data["old"]
            found[webhook_place(number)] = typed or saved.get(webhook_place(old if old is not None else number))
        for number in range(len(found), self._count):
            found[webhook_place(number)] = None
        return found

    def _kept(self) -> list[WebhookForm]:
        return [row for row in self.rows if row.cleaned_data.get("url")]


def host_of(url: str) -> str:
    return f"https://{urlsplit(url).hostname}/…"
