"""What leaves this machine by mail, in the language of its readers. The catalogues are those of the pages, which stand
beside them; without the pages' part of the package everything is said in English."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from gettext import translation
from pathlib import Path
from typing import Final, TypeAlias

import rollbook
from rollbook.roster.words import Joined, Value, Words, english, filled

#: From an English text of ours to that of a language.
Translate: TypeAlias = Callable[[str], str]
ENGLISH: Final = "en"


@cache
def translator(language: str) -> Translate:
    """English for a language that nobody has translated to."""
    if language == ENGLISH:
        return str
    catalogues = Path(rollbook.__file__).parent / "web" / "locale"
    found = translation("django", localedir=str(catalogues), languages=[language], fallback=True)
    return lambda text: found.gettext(text) if text else ""  # the empty text is a catalogue's header


def told(value: Value, translate: Translate) -> str:
    """A sentence in a language; data as it is."""
    if isinstance(value, Words):
        return filled(value, translate, lambda one: told(one, translate))
    if isinstance(value, Joined):
        return " ".join(told(one, translate) for one in value.parts)
    return english(value)
