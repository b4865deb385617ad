"""Fields and widgets of forms that are made from declarations: lists and tables as lines, secrets never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.formsets import BaseFormSet
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    _AnyRows = BaseFormSet[Any]
else:
    _AnyRows = BaseFormSet  # has no parameter at run time

MOST_LINES = 2000


class Lines(forms.CharField):
    """A list of texts, one a line. Doubles are left out."""

    widget = forms.Textarea(attrs={"rows": 3})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(str(one) for one in value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> Any:
        lines = [line.strip() for line in _clean(value).splitlines()]
        found = list(dict.fromkeys(line for line in lines if line))
        if len(found) > MOST_LINES:
            raise ValidationError(_("These are too many lines; at most %(most)s.") % {"most": MOST_LINES})
        return found


class Table(forms.CharField):
    """Names and texts, one pair a line with a colon between."""

    widget = forms.Textarea(attrs={"rows": 3})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(f"{name}: {text}" for name, text in value.items()) if isinstance(value, dict) else value

    def to_python(self, value: Any) -> Any:
        found: dict[str, str] = {}
        for number, line in enumerate(_clean(value).splitlines(), 1):
            name, colon, text = line.partition(":")
            if line.strip() and (not colon or not name.strip()):
                raise ValidationError(_("Line %(number)s needs a name, a colon and a text.") % {"number": number})
            if line.strip():
                found[name.strip()] = text.strip()
        return found


class Number(forms.FloatField):
    """A whole number stays one, so that a setting saved twice is the same."""

    def prepare_value(self, value: Any) -> Any:
        return int(value) if isinstance(value, float) and value.is_integer() else value

    def to_python(self, value: Any) -> Any:
        found = super().to_python(value)
        return int(found) if found is not None and found.is_integer() else found


class Hidden(forms.PasswordInput):
    """A secret: what was typed is not sent back."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"autocomplete": "new-password", "spellcheck": "false", **(attrs or {})}, render_value=False)


class HiddenTable(forms.Textarea):
    """As `Hidden`, of several lines."""

    def __init__(self) -> None:
        super().__init__({"rows": 3, "autocomplete": "off", "spellcheck": "false"})

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        return super().get_context(name, "", attrs)


class Rows(_AnyRows):
    """Rows of a table. None is ever required, and each is judged: one that is as it was is no empty one."""

    def get_form_kwargs(self, index: int | None) -> dict[str, Any]:
        more = {"use_required_attribute": False, "empty_permitted": False}
        return {**super().get_form_kwargs(index), **more}


def dress(form: forms.Form, *, disabled: bool) -> None:
    """Give the widgets of a form their look; for people who may not save, switch them off."""
    for field in form.fields.values():
        widget = field.widget
        if isinstance(widget, forms.CheckboxInput | forms.RadioSelect | forms.CheckboxSelectMultiple):
            look = "form-check-input"
        else:
            look = "form-select" if isinstance(widget, forms.Select) else "form-control"
        widget.attrs["class"] = look
        if isinstance(field, forms.ChoiceField):  # Django's own words repeat what was sent
            field.error_messages = {**field.error_messages, "invalid_choice": _("Select a valid choice.")}
        if disabled:
            widget.attrs["disabled"] = True


def _clean(value: Any) -> str:
    return str(value or "").replace("\x00", "")
