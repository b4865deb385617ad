"""Mails of the pages go out over the installation's mail server, ROLLBOOK_SMTP_URL."""

from __future__ import annotations

import logging
import os
import threading
import uuid
from collections.abc import Sequence

from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import EmailMessage

from rollbook.engine.mail import compose, mail_server, send_mail
from rollbook.engine.not_sent import NotSent
from rollbook.errors import ConfigError
from rollbook.web.opening import public_address

log = logging.getLogger(__name__)


class Backend(BaseEmailBackend):
    """Sends before it returns. Raises NotSent, or ConfigError when no mail server is set."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        server = mail_server(os.environ)
        for mail in email_messages:
            for to in mail.to:
                text = str(mail.body)
                send_mail(server, compose(server, to=to, subject=str(mail.subject), text=text, notice=uuid.uuid4().hex))
        return len(email_messages)


def can_mail() -> bool:
    """Is there a mail server, and an address to which a link in a mail would lead?"""
    try:
        mail_server(os.environ)
    except ConfigError:
        return False
    return bool(public_address())


def send_beside(mail: EmailMessage) -> None:
    """Send in a thread of its own: a page must not tell by its time whether there was anybody to write to. Trouble is
    logged, without names."""

    def send() -> None:
        try:
            mail.send()
        except (NotSent, ConfigError) as error:
            log.warning("a mail about signing in was not sent: %s", error)

    threading.Thread(target=send, name="mail", daemon=True).start()
