"""Forgotten passwords: by mail where there is a mail server, else by the operator."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator

import pytest
from django.test import Client

from rollbook.store.models import Account
from tests.patience import LONG, until
from tests.post import Mailbox, mail_server
from tests.web.accounts import good_page, sign_in, with_password
from tests.web.people import Person, words

ASK = "/accounts/password/reset/"
NEW = "a brand new passphrase"


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    with mail_server() as found:
        monkeypatch.setenv("ROLLBOOK_SMTP_URL", f"smtp://127.0.0.1:{found.port}?tls=none")
        monkeypatch.setenv("ROLLBOOK_MAIL_FROM", "rollbook@maple.example")
        monkeypatch.setenv("ROLLBOOK_URL", "https://rollbook.maple.example")
        yield found
        for thread in threading.enumerate():
            if thread.name == "mail":  # mails that no test waited for
                thread.join(LONG)


def _mail(box: Mailbox, count: int = 1) -> str:
    """The last of so many mails; they are sent beside the page."""
    until(lambda: len(box.mails) >= count)
    return box.texts()[count - 1]


def _link(text: str) -> str:
    found = re.search(r"https://rollbook\.maple\.example(/accounts/password/reset/key/\S+)", text)
    assert found, text
    return found[1]


def test_a_link_by_mail_makes_a_new_password(ann: Person, box: Mailbox) -> None:
    with_password(ann)
    good_page(Client().get(ASK))
    browser = Client(headers={"host": "evil.example"})
    good_page(browser.post(ASK, {"email": "Ann.Acting@example.org"}, follow=True))
    text = _mail(box)
    assert "evil.example" not in text
    assert box.mails[0][0] == "ann.acting@example.org"
    assert box.mails[0][1]["Subject"] == "[Rollbook] Choose a new password"
    assert box.mails[0][1]["From"] == "rollbook@maple.example"
    browser = Client()
    form = browser.get(_link(text), follow=True)
    good_page(form)
    there = form.redirect_chain[-1][0]
    assert browser.post(there, {"password1": NEW, "password2": NEW}).status_code == 302
    good_page(browser.get("/accounts/password/reset/key/done/"))
    assert sign_in("ann.acting@example.org", NEW).status_code == 302
    assert ann.get("/o/maple/").status_code == 302, "other sessions have ended"
    assert "does not work any more" in words(Client().get(_link(text), follow=True))
    assert "password" in _mail(box, 2), "the person is told"


def test_two_different_passwords_are_told_beside_the_field(ann: Person, box: Mailbox) -> None:
    with_password(ann)
    Client().post(ASK, {"email": "ann.acting@example.org"})
    browser = Client()
    there = browser.get(_link(_mail(box)), follow=True).redirect_chain[-1][0]
    text = good_page(browser.post(there, {"password1": NEW, "password2": "something else here"}))
    assert 'id="id_password2_error"' in text


def test_nobody_learns_whether_there_is_an_account_and_strangers_get_no_mail(ann: Person, box: Mailbox) -> None:
    with_password(ann)
    known, unknown = (
        Client().post(ASK, {"email": email}, follow=True) for email in ("ann.acting@example.org", "no@example.org")
    )
    assert words(known) == words(unknown)
    _mail(box)
    until(lambda: not [one for one in threading.enumerate() if one.name == "mail"])
    assert [to for to, _ in box.mails] == ["ann.acting@example.org"]


def test_asking_again_and_again_is_stopped(ann: Person, box: Mailbox) -> None:
    answers = [Client().post(ASK, {"email": "ann.acting@example.org"}) for _ in range(7)]
    assert [one.status_code for one in answers[:5]] == [302] * 5
    assert answers[6].status_code == 429


def test_trouble_with_the_mail_server_is_not_the_persons(
    ann: Person, box: Mailbox, caplog: pytest.LogCaptureFixture
) -> None:
    with_password(ann)
    box.refuse["ann.acting@example.org"] = "550 no"
    assert Client().post(ASK, {"email": "ann.acting@example.org"}).status_code == 302
    until(lambda: "was not sent" in caplog.text)
    assert "ann" not in caplog.text


@pytest.mark.parametrize("missing", ["ROLLBOOK_SMTP_URL", "ROLLBOOK_URL", "ROLLBOOK_MAIL_FROM"])
def test_without_a_mail_server_the_page_says_whom_to_ask(
    ann: Person, box: Mailbox, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.delenv(missing)
    answer = Client().get(ASK)
    good_page(answer)
    assert "Ask the person who runs Rollbook" in words(answer)
    assert Client().post(ASK, {"email": "ann.acting@example.org"}).status_code == 409
    assert not box.mails


def test_the_operators_link_makes_a_new_password_once(ann: Person, pages: object) -> None:
    from rollbook.web.password_reset import reset_path

    with_password(ann)
    link, browser = reset_path(ann.account), Client()
    there = browser.get(link, follow=True).redirect_chain[-1][0]
    assert browser.post(there, {"password1": NEW, "password2": NEW}).status_code == 302
    assert Account.objects.get(pk=ann.account.pk).check_password(NEW)
    assert "does not work any more" in words(Client().get(link, follow=True))
