"""Form fields as every page shows them: label, input, help and errors, bound together for screen readers."""

from __future__ import annotations

from typing import Any

from django import forms, template
from django.forms.boundfield import BoundField
from django.utils.safestring import SafeString

register = template.Library()

#: The class that Tabler wants for a widget; the first that fits.
_CLASSES: tuple[tuple[type[forms.Widget], str], ...] = (
    (forms.RadioSelect, ""),
    (forms.CheckboxInput, "form-check-input"),
    (forms.Select, "form-select"),
    (forms.Widget, "form-control"),
)


@register.filter
def styled(field: BoundField) -> SafeString:
    """`{{ field|styled }}`: the input in our look, marked where it has errors."""
    name = next(name for kind, name in _CLASSES if isinstance(field.field.widget, kind))
    own = str(field.field.widget.attrs.get("class", ""))
    found = " ".join(one for one in (own, name, "is-invalid" if field.errors else "") if one)
    return field.as_widget(attrs={"class": found} if found else {})


@register.filter
def is_box(field: BoundField) -> bool:
    """Is it one box to tick, whose label stands after it?"""
    return isinstance(field.field.widget, forms.CheckboxInput)


@register.inclusion_tag("parts/fields.html")
def form_fields(form: Any) -> dict[str, Any]:
    """`{% form_fields form %}`: all fields of a form, with what is wrong as a whole before them."""
    return {"form": form}


@register.inclusion_tag("parts/field.html")
def form_field(field: BoundField) -> dict[str, Any]:
    """`{% form_field form.email %}`: one of them."""
    return {"field": field}
