"""The words of mails: every event says what it means and who must act; nothing breaks a mail's header."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from rollbook.roster.settings import Event
from rollbook.store import notice_words

EVENTS = [*get_args(Event), "test"]


def _content(event: str, **more: Any) -> dict[str, Any]:
    usual = {"name": "Maple", "slug": "maple", "at": "2026-11-24 03:12 UTC", "run": "r1", "who": ""}
    return {**usual, "what": [{"event": event, "words": "So it is."}], **more}


@pytest.mark.parametrize("event", EVENTS)
def test_each_event_is_told_in_full(event: str) -> None:
    text = notice_words.mail(_content(event))
    assert "So it is." in text
    assert "What it means: " in text
    assert "Who must act: " in text
    assert "{" not in text
    assert notice_words.subject(_content(event)).startswith("[Rollbook] Maple: ")


def test_every_event_has_its_words() -> None:
    assert sorted(notice_words.ADVICE) == sorted(EVENTS)


def test_a_failed_run_names_who_must_act() -> None:
    text = notice_words.mail(_content("failed", who="the vendor of the other system"))
    assert "Who must act: the vendor of the other system." in text


@pytest.mark.parametrize("name", ["Maple\r\nBcc: everybody@evil.example", "Maple\u2028Valley", "\x00Maple"])
def test_a_name_cannot_break_the_header(name: str) -> None:
    subject = notice_words.subject(_content("held", name=name))
    assert subject.isprintable()
    assert len(subject.splitlines()) == 1
