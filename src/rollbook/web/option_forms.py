"""Makes the form of a connection from the options that its connector declares, for SIS and LMS alike."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from rollbook.actions.secret_texts import table_text
from rollbook.connectors.kit.hosts import origin
from rollbook.connectors.kit.options import Option, describe, parse
from rollbook.connectors.oneroster_csv.options import FILES_OPTIONS
from rollbook.connectors.registry import connector
from rollbook.errors import ConfigError
from rollbook.roster.settings import Connection
from rollbook.web.addresses import address_problem, completed
from rollbook.web.fields import Hidden, HiddenTable, Lines, Number, Table, dress
from rollbook.web.partner_list import CSV, asked_first, example, fixed_options
from rollbook.web.said import stored_said

#: The guide's words for what the OneRoster connector calls otherwise.
_GUIDE: Final = {
    ("oneroster_rest", "base_url"): gettext_noop("SIS Connect Domain"),
    ("oneroster_rest", "key"): gettext_noop("Consumer Key"),
    ("oneroster_rest", "secret"): gettext_noop("Consumer Secret"),
    ("schoology", "key"): gettext_noop("Consumer Key"),
    ("schoology", "secret"): gettext_noop("Consumer Secret"),
}
_FIRST: Final = frozenset({"base_url", "key", "secret"})
_PLACE: Final = re.compile(r"`\$\.([A-Za-z0-9_]+)")
_BOUND: Final = re.compile(r"Expected `(?:int|float|str)` (?:of length )?(>=|<=|>|<) ([\d.]+)")
#: Stands for every secret while a form is judged, so that none can get into a message.
_SAVED: Final = "a secret that is saved"
_REMOVE: Final = "-remove"


class OptionForm(forms.Form):
    """Options of one connection. `saved` are the names of secrets that are stored: left empty, those stay.

    After `is_valid()`: `options` are all of the connection's options without secrets, `secrets` maps names to what was
    typed (None: remove it), `expires` and `delta` are those of the connection.
    """

    def __init__(
        self,
        side: str,
        connection: Connection,
        *,
        saved: Collection[str],
        private: bool,
        data: Mapping[str, Any] | None = None,
        disabled: bool = False,
        server: bool = False,
    ) -> None:
        """`private`: private addresses are allowed. `server`: the person may name files of the server."""
        super().__init__(data, prefix=side)
        self.side, self.connection, self._private = side, connection, private
        self._saved = frozenset(saved)
        # Where files come from, the page Files says with checks of its own; here only the operator.
        hidden = fixed_options(connection) | (FILES_OPTIONS if connection.connector == CSV and not server else set())
        self._declared = [one for one in _every(connection) if one.name not in hidden]
        self.fields = {**self._option_fields(), **self._own_fields()}
        self.options: dict[str, Any] = {}
        self.secrets: dict[str, str | None] = {}
        self.files_elsewhere = connection.connector == CSV and not server
        dress(self, disabled=disabled)

    @property
    def main(self) -> list[forms.BoundField]:
        """What everybody fills in."""
        first = {one.name for one in self._declared if _is_main(one, self.connection)}
        first = first or {one.name for one in self._declared}
        return [self[name] for name in self.fields if name in first or name == "expires"]

    @property
    def more(self) -> list[forms.BoundField]:
        """What most people leave as it is."""
        main = {field.name for field in self.main}
        return [self[name] for name in self.fields if name not in main]

    @property
    def more_is_wrong(self) -> bool:
        return any(field.errors for field in self.more)

    @property
    def lacks_files(self) -> bool:
        """Is it up to the operator, or to an upload, which files of the server are read, and not said yet?"""
        return self.files_elsewhere and "path" not in self.connection.options

    def clean(self) -> dict[str, Any]:
        """Judges all options together, as a run would. Errors land at their fields."""
        found = super().clean() or {}
        names = {one.name for one in self._declared}
        self.options = {key: value for key, value in self.connection.options.items() if key not in names}
        for one in self._declared:
            if one.name not in self.errors:
                self._take(one, found)
        self._ask_secrets_again()
        self._judge()
        return found

    def place_error(self, error: ConfigError) -> None:
        """Put what a connector says about its options at the option that it names; never a text in quotes."""
        words = re.sub(r"'[^']*'", "'…'", str(error)).removeprefix(f"{self.side}: ")
        found = {one.name: re.search(rf"\b{re.escape(one.name)}\b", words) for one in self._declared}
        named = sorted((match.start(), name) for name, match in found.items() if match)
        name = named[0][1] if named else None
        if name == "token_url":
            words = _("This is needed: your SIS shows it beside key and secret.")
        self.add_error(name, stored_said(words))

    def _option_fields(self) -> dict[str, forms.Field]:
        found: dict[str, forms.Field] = {}
        for one in self._declared:
            found[one.name] = self._field(one)
            if one.secret and not one.required and one.name in self._saved:
                found[one.name + _REMOVE] = forms.BooleanField(
                    required=False, label=_("Remove what is saved for %s") % found[one.name].label
                )
        return found

    def _own_fields(self) -> dict[str, forms.Field]:
        expires = forms.DateField(
            required=False,
            initial=self.connection.expires,
            input_formats=["%Y-%m-%d"],
            widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            label=_("Last day of the credentials"),
            help_text=_("Notices remind you before this day. Leave it empty if they do not expire."),
        )
        if self.side == "lms":
            return {"expires": expires}
        delta = forms.BooleanField(
            required=False,
            initial=self.connection.delta,
            label=_("Read only what changed"),
            help_text=_("Between full reads, which still follow weekly. Only for a SIS that tells changes reliably."),
        )
        return {"expires": expires, "delta": delta}

    def _field(self, one: Option) -> forms.Field:
        label = _(_GUIDE.get((self.connection.connector, one.name), one.label))
        value = self.connection.options.get(one.name)
        common: dict[str, Any] = {"label": label, "help_text": _(one.help), "required": one.required}
        if one.secret:
            return self._secret_field(one, common)
        if one.kind == "flag":
            return forms.BooleanField(**common | {"required": False}, initial=one.default if value is None else value)
        if one.kind == "choice":
            choices = [(choice, choice) for choice in one.choices]
            return forms.ChoiceField(**common, choices=choices, initial=one.default if value is None else value)
        if one.kind in ("list", "table"):
            lines = Lines if one.kind == "list" else Table
            rule = _("One a line.") if one.kind == "list" else _("One a line, as name: text.")
            common["help_text"] = f"{_(one.help)} {rule}"
            return lines(**common | {"required": False}, initial=one.default if value is None else value)
        hint = example(self.connection, one.name) or ("" if one.default in (None, "", 0) else f"{one.default}")
        if one.kind == "number":
            return Number(**common, initial=value, widget=forms.NumberInput(attrs={"placeholder": hint, "step": "any"}))
        attrs = {"placeholder": hint, "autocomplete": "off", "spellcheck": "false", "maxlength": "2000"}
        return forms.CharField(**common, initial=value, max_length=2000, widget=forms.TextInput(attrs=attrs))

    def _secret_field(self, one: Option, common: dict[str, Any]) -> forms.Field:
        saved = one.name in self._saved
        common["required"] = one.required and not saved
        if saved:
            words = _("A secret is saved; it is never shown. Type a new one to replace it.")
            common["help_text"] = f"{common['help_text']} {words}"
        hint = {"placeholder": _("saved – type to replace")} if saved else {}
        if one.kind == "table":
            return Table(**common, widget=HiddenTable())
        return forms.CharField(**common, max_length=2000, widget=Hidden(hint))

    def _take(self, one: Option, found: Mapping[str, Any]) -> None:
        """One cleaned value into `options` or `secrets`; what is as the connector has it anyway is left out."""
        value = found.get(one.name)
        if one.secret:
            if found.get(one.name + _REMOVE):
                self.secrets[one.name] = None
            elif value:
                self.secrets[one.name] = table_text(value) if one.kind == "table" else value
            return
        if one.name.endswith("url") and value:
            value = completed(value)
            problem = address_problem(value, private=self._private)
            if problem:
                self.add_error(one.name, problem)
        default = list(one.default) if isinstance(one.default, tuple) else one.default
        if value not in (None, "") and (value != default or one.name in self.connection.options):
            self.options[one.name] = value

    def _ask_secrets_again(self) -> None:
        """A saved secret goes nowhere but where it was meant for: whoever names another host types it again."""
        urls = [one for one in self._declared if one.name.endswith("url") or one.name == "host"]
        before = {origin(str(self.connection.options.get(one.name) or one.default or "")) for one in urls}
        after = {origin(str(self.options.get(one.name) or one.default or "")) for one in urls}
        if before == {origin("")} or after <= before | {origin("")}:
            return
        words = _("You changed the address. Type the secret again, so that it is sent nowhere by mistake.")
        for one in self._declared:
            if one.secret and one.name in self._saved and one.name not in self.secrets and one.name not in self.errors:
                self.add_error(one.name, words)

    def _judge(self) -> None:
        """By the connector's own declaration: every option that is wrong, each at its field."""
        struct = connector(self.connection.connector).options
        shapes = {one.name: one for one in describe(struct)}
        values: dict[str, Any] = {**({"path": "elsewhere"} if self.lacks_files else {}), **self.options}
        for name, one in shapes.items():
            if one.secret and (name in self.secrets or name in self._saved):
                values[name] = {} if one.kind == "table" else _SAVED
        for name, one in shapes.items():  # what is missing is said already, and the rest is judged all the same
            if one.required and name in self.errors:
                values[name] = _SAVED
        while True:
            try:
                parse(struct, values)
                return
            except ConfigError as error:
                words = str(error)
            place = _PLACE.search(words)
            name = place[1] if place else ""
            self.add_error(name if name in self.fields else None, _plain(words))
            if name not in values or shapes[name].required:
                return
            del values[name]


def _every(connection: Connection) -> tuple[Option, ...]:
    return describe(connector(connection.connector).options)


def _is_main(one: Option, connection: Connection) -> bool:
    return one.required or one.name in _FIRST or one.name in asked_first(connection)


def _plain(words: str) -> str:
    """What the reader of options says, without the value, which might be a secret in the wrong field."""
    bound = _BOUND.search(words)
    if bound and "length" not in words:
        sign, number = bound.groups()
        number = number.removesuffix(".0")
        if sign in (">=", ">"):
            return (_("Must be at least %s.") if sign == ">=" else _("Must be more than %s.")) % number
        return (_("Must be at most %s.") if sign == "<=" else _("Must be less than %s.")) % number
    if "got `float`" in words:
        return _("Must be a whole number.")
    return _("This is not valid here.")
