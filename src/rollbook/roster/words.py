"""Sentences for people that are made below the pages: English here, and with what they are made of, so that the pages
can say them in another language. Knows no language but English.

`script/lib/messages.py` collects the first argument of every `say(…)` for translators.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TypeAlias


@dataclass(frozen=True)
class Moment:
    """A moment of somebody's wall clock, said with its weekday; without its year when that is plain."""

    at: datetime
    year: bool = True


#: What stands in a sentence. Dates and times of day are said as the language does; texts are data, said as they are.
Value: TypeAlias = "str | int | date | time | Moment | Words | Joined"


@dataclass(frozen=True)
class Words:
    """A sentence or a part of one. `text` is the English original with places such as `%(name)s`."""

    text: str
    values: Mapping[str, Value]

    def __str__(self) -> str:
        return filled(self, str, english)


@dataclass(frozen=True)
class Joined:
    """Sentences one after another."""

    parts: tuple[Words, ...]

    def __str__(self) -> str:
        return " ".join(str(one) for one in self.parts)


def say(text: str, /, **values: Value) -> Words:
    """Words whose `text` translators get to see."""
    return Words(text, values)


def join(parts: Iterable[Words]) -> Joined:
    return Joined(tuple(parts))


def filled(words: Words, translate: Callable[[str], str], value: Callable[[Value], str]) -> str:
    """The sentence, with every place filled in."""
    if not words.values:
        return translate(words.text)
    return translate(words.text) % {name: value(one) for name, one in words.values.items()}


def english(value: Value) -> str:
    """A value as the command line says it."""
    if isinstance(value, Moment):
        year = f" {value.at.year}" if value.year else ""
        return f"{value.at:%A}, {value.at.day} {value.at:%B}{year} at {english(value.at.time())}"
    if isinstance(value, time):
        return f"{value.hour % 12 or 12}:{value.minute:02} {'am' if value.hour < 12 else 'pm'}"
    if isinstance(value, date):
        return f"{value:%A}, {value.day} {value:%B} {value.year}"
    return str(value)
