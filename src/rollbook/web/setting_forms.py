"""Makes the forms of More settings from the typed settings, group by group, with the texts of setting_texts.toml."""

from __future__ import annotations

import functools
import re
import types
import zoneinfo
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext as _

from rollbook.roster.settings import Settings
from rollbook.roster.shapes import learned
from rollbook.web.fields import Lines, LongSelect, Number, dress
from rollbook.web.setting_texts import choice, label, sentence, texts

#: What other pages and cards change, and what cannot be changed at all.
_ELSEWHERE: Final = (
    "organization.slug",
    "sis.",
    "lms.",
    "active_year",
    "schools",
    "terms",
    "roles",
    "schedule.",
    "grades.schedule.",
)
#: Their form is made by hand.
_BY_HAND: Final = frozenset({"notices.webhooks"})
_PLACE: Final = re.compile(r"`\$\.([A-Za-z0-9_.]+)")


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """One setting: its dotted name, and its type without `Annotated`; `optional` ones may be left empty."""

    name: str
    hint: Any
    optional: bool

    @property
    def field(self) -> str:
        """Its name in forms."""
        return self.name.replace(".", "-")


@functools.cache
def leaves() -> tuple[Leaf, ...]:
    """Every setting of the page, in declared order."""
    return tuple(leaf for leaf in _walk("", Settings) if not leaf.name.startswith(_ELSEWHERE))


def groups() -> list[str]:
    """First parts of the names, in order."""
    return list(dict.fromkeys(leaf.name.partition(".")[0] for leaf in leaves()))


class GroupForm(forms.Form):
    """The settings of one group. After `is_valid()`, `apply` puts them into a document."""

    def __init__(
        self,
        group: str,
        document: Mapping[str, Any],
        data: Mapping[str, Any] | None = None,
        *,
        disabled: bool = False,
        locked: Mapping[str, str] | None = None,
    ) -> None:
        """`document` is the plain form of all settings; `locked` maps names that cannot be changed to the reason."""
        super().__init__(data, prefix=group)
        self.group, self.title, self._document = group, _(texts()["groups"][group]), document
        self._locked = dict(locked or {})
        self.leaves = [one for one in leaves() if one.name.partition(".")[0] == group and one.name not in _BY_HAND]
        self.fields = {one.field: _field(one, _get(document, one.name)) for one in self.leaves}
        dress(self, disabled=disabled)
        for name, reason in self._locked.items():
            if name.replace(".", "-") in self.fields:
                field = self.fields[name.replace(".", "-")]
                field.help_text, field.required = format_html("{} {}", field.help_text, reason), False
                field.widget.attrs["disabled"] = True

    def clean(self) -> dict[str, Any]:
        """Judges the values as the settings would. Errors land at their fields."""
        found = super().clean() or {}
        for name, reason in self._locked.items():
            field = name.replace(".", "-")
            sent = self.data.get(self.add_prefix(field))
            if field in self.fields and sent not in (None, _get(self._document, name)):
                self.add_error(field, reason)
        if not self.errors:
            self._judge()
        return found

    def apply(self, document: dict[str, Any]) -> None:
        """Put the values of this form into a document of settings."""
        for leaf in self.leaves:
            if leaf.name in self._locked:
                continue
            place = document
            *parents, last = leaf.name.split(".")
            for parent in parents:
                place = place.setdefault(parent, {})
            place[last] = _plain(leaf, self.cleaned_data[leaf.field])

    def _judge(self) -> None:
        changed = msgspec.json.decode(msgspec.json.encode(self._document))
        self.apply(changed)
        try:
            msgspec.convert(changed, learned(Settings))
        except msgspec.ValidationError as error:
            words = str(error)
            place = _PLACE.search(words)
            field = place[1].rstrip(".").replace(".", "-") if place else ""
            self.add_error(field if field in self.fields else None, _words(words))


def _words(words: str) -> str:
    """What is wrong, without the value."""
    bound = re.search(r"Expected `(?:int|float)` (>=|<=) ([\d.]+)", words)
    if bound:
        text = _("Must be at least %s.") if bound[1] == ">=" else _("Must be at most %s.")
        return text % bound[2].removesuffix(".0")
    if "got `float`" in words:
        return _("Must be a whole number.")
    if "matching regex" in words:
        return _("One of the lines is not written as it should be.")
    return _("This is not valid here.")


def _walk(prefix: str, struct: type[msgspec.Struct]) -> Iterator[Leaf]:
    hints = get_type_hints(struct, include_extras=True)
    for field in msgspec.structs.fields(struct):
        name, (hint, optional) = prefix + field.encode_name, _bare(hints[field.name])
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            yield from _walk(f"{name}.", hint)
        else:
            yield Leaf(name=name, hint=hint, optional=optional)


def _bare(hint: Any) -> tuple[Any, bool]:
    """The type without `Annotated` and None; may it be None?"""
    optional = False
    while get_origin(hint) in (Annotated, Union, types.UnionType):
        inner = get_args(hint)
        if get_origin(hint) is Annotated:
            hint = inner[0]
            continue
        optional = type(None) in inner
        hint = next(one for one in inner if one is not type(None))
    return hint, optional


def _field(leaf: Leaf, value: Any) -> forms.Field:
    common: dict[str, Any] = {
        "label": label(leaf.name), "help_text": sentence(leaf.name), "initial": "" if value is None else value,
        "required": not leaf.optional,
    }  # fmt: skip
    origin = get_origin(leaf.hint)
    if leaf.name == "organization.timezone":
        zones = sorted({*_zones(), str(value)})
        choices = [(zone, zone.replace("_", " ")) for zone in zones]
        return forms.ChoiceField(**common, choices=choices, widget=LongSelect)
    if origin is Literal:
        return forms.ChoiceField(**common, choices=_choices(leaf, get_args(leaf.hint)))
    if origin is tuple:
        return _list_field(leaf, common)
    if leaf.hint is bool:
        return forms.BooleanField(**common | {"required": False})
    if leaf.hint in (int, float):
        return Number(**common, widget=forms.NumberInput(attrs={"min": 0, "step": "any" if leaf.hint is float else 1}))
    return forms.CharField(**common, max_length=500)


def _list_field(leaf: Leaf, common: dict[str, Any]) -> forms.Field:
    inner = get_args(leaf.hint)[0]
    common["required"] = False
    if get_origin(inner) is Literal:
        choices = [(one, choice(leaf.name, one)) for one in get_args(inner)]
        return forms.MultipleChoiceField(**common, choices=choices, widget=forms.CheckboxSelectMultiple)
    common["help_text"] = format_html("{} {}", common["help_text"], _("One a line."))
    return Lines(**common)


def _choices(leaf: Leaf, values: tuple[str, ...]) -> list[tuple[str, str]]:
    found = [(one, _named(choice(leaf.name, one), one)) for one in values]
    return [("", _("As the SIS means it")), *found] if leaf.optional else found


def _named(words: str, value: str) -> str:
    """With the name that a settings file and the explanation use."""
    return words if words == value else f"{words} ({value})"


def _plain(leaf: Leaf, value: Any) -> Any:
    return None if leaf.optional and value in ("", None) else value


def _get(document: Mapping[str, Any], name: str) -> Any:
    found: Any = document
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


@functools.cache
def _zones() -> frozenset[str]:
    """Names that people know: those of a continent or ocean, and UTC."""
    known = zoneinfo.available_timezones()
    return frozenset(zone for zone in known if "/" in zone and not zone.startswith(("Etc/", "SystemV/"))) | {"UTC"}
