"""What stands in a row of the audit, in words: its details, and for saved settings which values became which.

Documents of settings hold no secrets; what might be one is not shown all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from django.utils.translation import gettext as _

from rollbook.connectors.kit.options import describe
from rollbook.connectors.registry import CONNECTORS, connector
from rollbook.store.models import AuditRow, Organization, SettingsVersion
from rollbook.web.kept_forms import is_secret
from rollbook.web.said import stored_said
from rollbook.web.setting_texts import texts

#: Other acts that leave a new version of the settings; all that begin with "save " do.
_SAVING: Final = frozenset(
    {"import settings", "put settings", "patch mappings", "select SIS", "confirm host key", "read uploaded files"}
)
_ROLE: Final = re.compile(r"\b(administrator|viewer|teacher)\b")
#: Changes shown of one version; the rest is counted.
MOST: Final = 500


@dataclass(frozen=True)
class Changed:
    """A setting and its values; None: it was not there."""

    name: str
    before: str | None
    after: str | None


def details_words(row: AuditRow) -> str:
    """The details of a row; what a person wrote as it is."""
    if row.action in ("approve hold", "reject hold", "lift pins"):
        return row.details
    if row.action in ("invite", "change role", "remove member", "revoke invitation"):
        words = {"administrator": _("administrator"), "viewer": _("viewer"), "teacher": _("teacher")}
        return _ROLE.sub(lambda found: words[found[0]], row.details)
    return ", ".join(stored_said(part) for part in row.details.split(", "))


def settings_number(row: AuditRow) -> int:
    """The version of the settings that an act left; 0 where it left none."""
    saved = row.action.startswith("save ") or row.action in _SAVING
    return int(row.subject) if saved and row.subject.isascii() and row.subject.isdigit() else 0


def changes_of(organization: Organization, number: int) -> tuple[SettingsVersion, list[Changed], int] | None:
    """A version, the first MOST things in which it differs from the one before it, and how many more there are; None
    when there is no such version."""
    versions = SettingsVersion.objects.filter(organization=organization)
    found = versions.filter(number=number).first()
    if found is None:
        return None
    before = versions.filter(number__lt=number).order_by("-number").first()
    found_all = _differences(before.document if before is not None else {}, found.document)
    shown = [_changed(*one) for one in islice(found_all, MOST)]
    return found, shown, sum(1 for _ in found_all)


def _differences(old: Any, new: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Every value that is not the same in both, by its path; lists are values. What is empty is as if it were not
    there. Parts that are equal are not gone through: a district's maps have ten thousands of values."""
    old, new = (None if value in (None, "", [], {}) else value for value in (old, new))
    if old == new:
        return
    within, beside = isinstance(old, Mapping), isinstance(new, Mapping)
    if not within and not beside:
        yield path, old, new
        return
    if not (within or old is None) or not (beside or new is None):  # a value became a group, or the other way round
        yield path, None if within else old, None if beside else new
    first, second = old if within else {}, new if beside else {}
    for name in dict.fromkeys([*first, *second]):
        yield from _differences(first.get(name), second.get(name), (*path, str(name)))


def _changed(path: tuple[str, ...], before: Any, after: Any) -> Changed:
    hidden = is_secret(path[-1])
    return Changed(_name(path), _shown(before, hidden), _shown(after, hidden))


def _name(path: tuple[str, ...]) -> str:
    label = texts()["labels"].get(".".join(path))
    if label:
        return _(label)
    first, *rest = path
    if path[:2] in (("sis", "options"), ("lms", "options")):
        first, *rest = first.upper(), *(_option(one) for one in rest[1:])
        return ": ".join([first, *rest])
    words = {
        "schools": _("Schools"), "terms": _("Terms"), "roles": _("Roles"), "schedule": _("Schedule"),
        "active_year": _("Active year"), "sis": _("SIS"), "lms": _("LMS"),
    }  # fmt: skip
    group = texts()["groups"].get(first)
    parts = [
        words.get(first) or (_(group) if group else first),
        *(_("all others") if one == "*" else one for one in rest),
    ]
    return ": ".join(parts)


def _option(name: str) -> str:
    for one in CONNECTORS:
        for option in describe(connector(one).options):
            if option.name == name:
                return _(option.label)
    return name


def _shown(value: Any, hidden: bool) -> str | None:
    if value is None:
        return None
    if hidden:
        return _("(secret)")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(_shown(one, hidden) or "" for one in value)
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {_shown(one, hidden or is_secret(name))}" for name, one in value.items())
    return str(value)
