"""Sentences made below the pages: English as ever, and what they were made of is found again."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

import pytest

from rollbook.roster.reasons import DETAILS, LISTS, REASONS, because, recognized
from rollbook.roster.words import Moment, Words, join, say


def test_sentences_in_english() -> None:
    inner = say("%(day)s, %(time)s", day=date(2026, 11, 25), time=time(0, 5))
    told = say("It begins (%(inner)s) on %(moment)s.", inner=inner, moment=Moment(datetime(2026, 11, 25, 13)))
    assert str(told) == ("It begins (Wednesday, 25 November 2026, 12:05 am) on Wednesday, 25 November 2026 at 1:00 pm.")
    assert str(join([told, say("100 % sure.")])).endswith("1:00 pm. 100 % sure.")
    assert str(Moment(datetime(2026, 11, 25, 13), year=False)) != ""
    assert str(say("%(why)s", why="50 % off, %(x)s")) == "50 % off, %(x)s"


def _values(text: str) -> dict[str, Any]:
    names = {name.partition(")")[0] for name in text.split("%(")[1:]}
    return {name: "users" if name == "list" else f"7{name}" for name in names}


@pytest.mark.parametrize("name", REASONS)
def test_a_reason_is_found_again(name: str) -> None:
    """What a run keeps in English tells which sentence it was, and of what."""
    values = _values(REASONS[name])
    found = recognized(because(name, **values))
    assert isinstance(found, Words)
    assert str(found) == because(name, **values)
    assert found.text == REASONS[name]


@pytest.mark.parametrize("text", DETAILS)
def test_a_detail_is_found_again(text: str) -> None:
    found = recognized(text % _values(text))
    assert isinstance(found, Words)
    assert str(found) == text % _values(text)


def test_reasons_within_reasons_are_found_too() -> None:
    found = recognized(f"reason: {because('cut', list='users', why=because('cut_endless'))}")
    assert isinstance(found, Words)
    within = found.values["why"]
    assert isinstance(within, Words)
    assert within.text == REASONS["cut"]
    assert within.values["list"] == Words("users", {})
    assert within.values["why"] == Words(REASONS["cut_endless"], {})


@pytest.mark.parametrize("sentence", ["", "the SIS says: 500 Internal Server Error", "x" * 5000, "student"])
def test_what_others_said_stays_as_it_is(sentence: str) -> None:
    assert recognized(sentence) == sentence


def test_lists_are_named_as_the_sis_and_the_lms_have_them() -> None:
    assert {"academicSessions", "enrollments", "grading periods"} <= set(LISTS)
