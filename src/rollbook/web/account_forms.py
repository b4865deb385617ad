"""Forms about accounts, invitations and organizations. What they mean is checked by the actions."""

from __future__ import annotations

from functools import cache
from typing import Any, Final
from zoneinfo import available_timezones

from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from rollbook.store.models import Account, Invitation, Role
from rollbook.web.choices import set_choices
from rollbook.web.fields import LongSelect

ROLE_WORDS: Final = {
    Role.ADMINISTRATOR: _("System administrator"),
    Role.VIEWER: _("Viewer"),
    Role.TEACHER: _("Teacher"),
}
_ROLES: Final = [
    (Role.ADMINISTRATOR.value, _("System administrator: sees everything")),
    (Role.VIEWER.value, _("Viewer: may only look")),
    (Role.TEACHER.value, _("Teacher: own sections only")),
]
#: Zones at the top of the list, for those who do not know how theirs is called.
_COMMON: Final = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Phoenix",
    "America/Los_Angeles",
    "America/Anchorage",
    "Pacific/Honolulu",
    "America/Puerto_Rico",
    "UTC",
)


@cache
def _zones() -> tuple[tuple[str, str], ...]:
    """Value and label; looked for in the machine's files once in a process."""
    rest = sorted(one for one in available_timezones() if "/" in one and one not in _COMMON)
    return tuple((one, one.replace("_", " ")) for one in (*_COMMON, *rest))


def _one_line(text: str) -> None:
    """Names stand in mails and lists: no line breaks, no invisible signs."""
    if not text.isprintable():
        raise ValidationError(_("Only letters, digits and signs that can be seen."))


class NewAccountForm(forms.Form):
    """What an invited person says of themselves; `invitation` may fix the e-mail address."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=150,
        validators=[_one_line],
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = forms.EmailField(
        label=_("E-mail address"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=_("The same password again"),
        strip=False,
        max_length=1000,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, invitation: Invitation, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._invitation = invitation
        self.fields["name"].initial = invitation.name
        self.fields["password"].help_text = " ".join(password_validators_help_texts())
        if invitation.email:
            del self.fields["email"]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        password = found.get("password")
        if password is not None:
            person = Account(email=self._invitation.email or found.get("email", ""), name=found.get("name", ""))
            try:
                validate_password(password, person)
            except ValidationError as error:
                self.add_error("password", error)
            if "again" in found and found["again"] != password:
                self.add_error("again", _("These are two different passwords."))
        return found


class InviteForm(forms.Form):
    """Whom to invite into an organization, and as what."""

    email = forms.EmailField(
        label=_("E-mail address"),
        required=False,
        max_length=254,
        help_text=_("The invitation is for this address only. Leave it empty and whoever has the link can use it."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=150,
        validators=[_one_line],
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    role = forms.ChoiceField(label=_("Role"), choices=_ROLES, initial=Role.ADMINISTRATOR.value)
    mail = forms.BooleanField(label=_("Send the link by mail"), required=False)

    def __init__(self, *args: Any, mails: bool, roles: bool = True, **kwargs: Any) -> None:
        """`mails`: can this installation send any? `roles`: is there a choice?"""
        super().__init__(*args, **kwargs)
        if not mails:
            del self.fields["mail"]
        if not roles:
            del self.fields["role"]

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if found.get("mail") and not found.get("email") and "email" not in self.errors:
            self.add_error("email", _("To send it by mail, type the address."))
        return found


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=_("Role"), choices=_ROLES)


class PersonForm(forms.Form):
    """Who a member is in the SIS."""

    unique_id = forms.CharField(
        label=_("Unique ID in the SIS"),
        required=False,
        max_length=200,
        validators=[_one_line],
        help_text=_("What names the person in the LMS, as Search shows it. Empty: they have no sections here."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )


class NewOrganizationForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=200,
        validators=[_one_line],
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    slug = forms.CharField(
        label=_("Short name"),
        max_length=63,
        help_text=_("Small letters, digits and hyphens, such as maple-valley. It can never change."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    timezone = forms.ChoiceField(
        label=_("Time zone"),
        help_text=_("The clock of its schedule and of the times in its pages."),
        widget=LongSelect,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_choices(self, "timezone", _zones())
