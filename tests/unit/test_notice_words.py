"""The words of mails: every event says what it means and who must act; nothing breaks a mail's header."""

from __future__ import annotations

import re
from typing import Any, get_args

import pytest

from rollbook.engine.mail import MailServer, compose
from rollbook.roster.settings import Event
from rollbook.store import held, languages, notice_advice, notice_words
from rollbook.store.grade_digest import GradeDay
from rollbook.store.held import UNREAD
from rollbook.store.models import HoldRow

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
    assert sorted(notice_advice.ADVICE) == sorted(EVENTS)


@pytest.mark.parametrize("about", [*notice_advice.ABOUT])
def test_what_needs_no_approval_is_told_so(about: str) -> None:
    content = _content("held", what=[{"event": "held", "about": about, "words": "So it is."}])
    text = notice_words.mail(content)
    assert "So it is." in text
    assert "What it means: There is nothing to approve" in text
    assert "Who must act: " in text
    assert not [word for word in ("{", "hold approve", "hold list") if word in text]
    assert notice_words.subject(content) == f"[Rollbook] Maple: {notice_advice.ABOUT[about].title}"


def test_holds_and_what_was_not_read_whole_are_told_apart() -> None:
    what = [
        {"event": "held", "about": "", "words": "3 changes wait."},
        {"event": "held", "about": held.UNREAD, "words": "Not read whole: users."},
    ]
    first, second = notice_words.mail(_content("held", what=what)).split("THE SIS WAS NOT READ WHOLE")
    assert "3 changes wait." in first
    assert "hold approve" in first
    assert "Not read whole: users." in second
    assert "hold approve" not in second


def test_what_is_told_apart_has_its_words() -> None:
    names = {held.UNREAD, held.UNREAD_FILES, held.SHRANK, held.SHRANK_FILES, held.SHRANK_LMS, held.UNCLEAR}
    assert set(notice_advice.ABOUT) == names


def test_a_failed_run_names_who_must_act() -> None:
    text = notice_words.mail(_content("failed", who="the vendor of the other system"))
    assert "Who must act: the vendor of the other system." in text


@pytest.mark.parametrize("name", ["Maple\r\nBcc: everybody@evil.example", "Maple\u2028Valley", "\x00Maple"])
def test_a_name_cannot_break_the_header(name: str) -> None:
    subject = notice_words.subject(_content("held", name=name))
    assert subject.isprintable()
    assert len(subject.splitlines()) == 1


def test_no_subject_breaks_a_mail() -> None:
    server = MailServer(host="mail.example", port=25, tls="none", sender="rollbook@example.org")
    subject = "[Rollbook] Invitation to Maple\r\nBcc: x@example.org\u2028."
    mail = compose(server, to="ann@example.org", subject=subject, text="x", notice="n1")
    assert mail["Subject"] == "[Rollbook] Invitation to Maple Bcc: x@example.org ."
    assert mail["Bcc"] is None


@pytest.mark.parametrize(
    ("event", "about", "path"),
    [
        ("failed", "", "/o/maple/logs/r1/"),
        ("failed", "grades", "/o/maple/logs/r1/"),
        ("held", "", "/o/maple/plan/holds/"),
        ("held", "grades", "/o/maple/plan/holds/"),
        ("held", UNREAD, "/o/maple/logs/r1/"),
        ("errors", "", "/o/maple/logs/r1/"),
        ("errors", "grades", "/o/maple/grades/?state=help"),
        ("recovered", "grades", "/o/maple/logs/r1/"),
    ],
)
def test_each_notice_names_its_page(event: str, about: str, path: str) -> None:
    content = {
        "name": "Maple", "slug": "maple", "run": "r1", "at": "now",
        "what": [{"event": event, "words": "It happened.", "about": about}],
    }  # fmt: skip
    assert f"\nPage: https://rollbook.example{path}\n" in notice_words.mail(content, "https://rollbook.example") + "\n"
    assert "Page:" not in notice_words.mail(content), "where nobody knows the address"


def test_a_digest_tells_of_grades() -> None:
    content = {"name": "Maple", "slug": "maple", "run": "r1", "at": "now", "what": [{"event": "failed", "words": "x"}]}
    day = GradeDay(syncs=12, failed=1, done=340, refused=5, unknown=0, help=3)
    text = notice_words.digest([content], "https://rollbook.example", day)
    assert "Syncs that ended: 12, 1 of them failed." in text
    assert "Items and grades that the SIS took: 340; that it refused: 5; without an answer: 0." in text
    assert "Sections that ask for a person now: 3." in text
    assert "Page: https://rollbook.example/o/maple/grades/?state=help" in text
    assert "GRADES IN" not in notice_words.digest([content])


@pytest.mark.parametrize(
    ("event", "about"),
    [*((event, "") for event in notice_advice.ADVICE), *((event, "grades") for event in notice_advice.GRADE_ADVICE)]
    + [("held", about) for about in notice_advice.ABOUT],
)
def test_each_event_is_told_in_spanish(event: str, about: str) -> None:
    what = [{"event": event, "about": about, "words": "So it is.", "told": "Así es."}]
    content = _content(event, language="es", who="the admin, who renews the credentials", what=what)
    text = notice_words.mail(content, "https://rollbook.example")
    prose = "\n".join(line for line in text.splitlines() if not line.startswith("  rollbook "))
    assert "Así es." in prose
    assert "Quién debe actuar: " in prose
    assert not re.search(r"\b(the|is|was|and|who|what|not|nobody|must|ended)\b", prose, re.IGNORECASE), prose
    assert "the admin" not in notice_words.subject(content)
    assert notice_words.subject(content) != notice_words.subject(content | {"language": "en"})


def test_a_digest_in_spanish() -> None:
    content = _content("failed", language="es")
    day = GradeDay(syncs=12, failed=1, done=340, refused=5, unknown=0, help=3)
    text = notice_words.digest([content], "https://rollbook.example", day)
    assert "Sincronizaciones terminadas: 12; fallidas: 1." in text
    assert "CALIFICACIONES EN LAS ÚLTIMAS 24 HORAS" in text
    assert notice_words.digest_subject(content, 1) == "[Rollbook] Maple: 1 aviso desde el último resumen"
    assert notice_words.digest_subject(content, 2) == "[Rollbook] Maple: 2 avisos desde el último resumen"
    assert notice_words.digest_subject(_content("failed"), 2) == "[Rollbook] Maple: 2 notices since the last digest"


def test_a_notice_of_before_languages_is_told_in_english() -> None:
    assert "What it means: " in notice_words.mail(_content("failed"))
    assert "What it means: " in notice_words.mail(_content("failed", language="xx")), "nobody has translated to that"


def test_one_held_record_is_no_several() -> None:
    [total, one] = held.hold_words([HoldRow(kind="user", action="update", count=1, of=9, reason="staff_role")])
    assert str(total) == "1 change waits for approval. Everything else went on."
    assert str(one).startswith("Of the whole organization: update 1 user. ")
    [_, limit] = held.hold_words([HoldRow(kind="user", action="update", count=1, of=9, reason="limit")])
    assert str(limit).startswith("Of the whole organization: update 1 of 9 users. ")
    told = languages.told(one, languages.translator("es"))
    assert told.startswith("De toda la organización: actualizar 1 usuario. ")
