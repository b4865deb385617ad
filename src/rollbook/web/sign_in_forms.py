"""The library's forms for people who are not signed in, with the words that the other pages have."""

from __future__ import annotations

from typing import Any

from allauth.account import forms
from django.utils.translation import gettext_lazy as _


class LoginForm(forms.LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _call_it_e_mail(self, "login")


class ResetPasswordForm(forms.ResetPasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _call_it_e_mail(self, "email")


def _call_it_e_mail(form: Any, name: str) -> None:
    form.fields[name].label = _("E-mail address")
    form.fields[name].widget.attrs.pop("placeholder", None)  # it would say the same in other words
