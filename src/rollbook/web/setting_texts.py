"""What the pages say about settings: labels, sentences and the meaning of choices, from setting_texts.toml."""

from __future__ import annotations

import functools
import re
import tomllib
from pathlib import Path
from typing import Any, Final

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

_LINK: Final = re.compile(r"\[([^\]]*)\]\([^)]*\)")
#: Brackets that hold nothing but links, which the pages do not follow.
_ASIDE: Final = re.compile(r"\s*\((?:\[[^\]]*\]\([^)]*\)(?:, )?)+\)")
_CODE: Final = re.compile(r"`([^`]*)`")


@functools.cache
def texts() -> dict[str, Any]:
    """The tables of the file: settings, labels, groups, choices."""
    return tomllib.loads((Path(__file__).parent / "setting_texts.toml").read_text(encoding="utf-8"))


def every_text() -> list[str]:
    """All that the pages show, for translators: of settings, those that have a field."""
    found = [texts()["settings"][name] for name in texts()["labels"]]
    found += [*texts()["labels"].values(), *texts()["groups"].values()]
    return found + [text for group in texts()["choices"].values() for one in group.values() for text in one.values()]


def label(name: str) -> str:
    """The label of a setting such as `users.unique_id`."""
    return gettext(texts()["labels"][name])


def sentence(name: str) -> SafeString:
    """What a setting means, as HTML: code is marked, links of the docs become plain words."""
    return as_html(gettext(texts()["settings"][name]))


def choice(name: str, value: str) -> str:
    """What a choice of a setting means."""
    group, _, own = name.partition(".")
    return gettext(texts()["choices"][group][own][value])


def as_html(markdown: str) -> SafeString:
    """One line of our own Markdown."""
    plain = escape(_LINK.sub(r"\1", _ASIDE.sub("", markdown)))
    return mark_safe(_CODE.sub(r"<code>\1</code>", plain))  # escaped above
