"""Sends one mail over SMTP with TLS. Logs nothing; no error names an address, a password or the server's own words."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from rollbook.engine.not_sent import NotSent
from rollbook.errors import ConfigError

_TIMEOUT: Final = 20.0
_PORTS: Final = {"starttls": 587, "implicit": 465, "none": 25}
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, kw_only=True)
class MailServer:
    """`tls`: starttls | implicit | none."""

    host: str
    port: int
    tls: str
    sender: str
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)


def mail_server(environment: Mapping[str, str]) -> MailServer:
    """The server that ROLLBOOK_SMTP_URL names: `smtp://USER:PASSWORD@HOST:PORT` (with STARTTLS; `?tls=none` turns that
    off) or `smtps://…`. Raises ConfigError, which never repeats the URL."""
    url, sender = environment.get("ROLLBOOK_SMTP_URL", ""), environment.get("ROLLBOOK_MAIL_FROM", "")
    if not url:
        raise ConfigError("no mail server is set: ROLLBOOK_SMTP_URL")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if not host or parts.scheme not in ("smtp", "smtps"):
        raise ConfigError("ROLLBOOK_SMTP_URL must look like smtp://USER:PASSWORD@HOST:587 or smtps://…")
    tls = "implicit" if parts.scheme == "smtps" else parse_qs(parts.query).get("tls", ["starttls"])[0]
    if tls not in _PORTS:
        raise ConfigError("in ROLLBOOK_SMTP_URL, tls is starttls or none")
    if tls == "none" and parts.password and host not in _LOCAL:
        raise ConfigError("ROLLBOOK_SMTP_URL would send a password without TLS")
    if sender.count("@") != 1 or not sender.isprintable() or " " in sender:
        raise ConfigError("ROLLBOOK_MAIL_FROM must be the address that mails come from")
    return MailServer(
        host=host,
        port=port or _PORTS[tls],
        tls=tls,
        sender=sender,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


def compose(server: MailServer, *, to: str, subject: str, text: str, notice: str) -> EmailMessage:
    """A plain mail; its id is the notice's, so that a mail program can drop one that comes twice. In the subject, which
    may name an organization, line breaks are spaces: they would end the header."""
    subject = " ".join("".join(letter if letter.isprintable() else " " for letter in subject).split())
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = server.sender, to, subject
    mail["Date"] = formatdate()
    mail["Message-ID"] = f"<{notice}@{server.sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text)
    return mail


def send_mail(server: MailServer, mail: EmailMessage) -> None:
    """Returns once the server has taken the mail. Raises NotSent."""
    try:
        smtp = _connect(server)
        try:
            if server.user:
                smtp.login(server.user, server.password)
            smtp.send_message(mail)
        finally:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                smtp.quit()  # the mail is taken or refused by now; how the talk ends changes nothing
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise _not_sent(error) from None


def _connect(server: MailServer) -> smtplib.SMTP:
    context = ssl.create_default_context()
    name = socket.gethostname() or "localhost"
    if server.tls == "implicit":
        return smtplib.SMTP_SSL(server.host, server.port, name, timeout=_TIMEOUT, context=context)
    smtp = smtplib.SMTP(server.host, server.port, name, timeout=_TIMEOUT)
    try:
        if server.tls == "starttls":
            smtp.starttls(context=context)
    except BaseException:
        smtp.close()
        raise
    return smtp


def _not_sent(error: Exception) -> NotSent:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code = max((int(code) for code, _ in error.recipients.values()), default=0)
        return NotSent(f"the mail server refuses this address ({code})", for_good=code >= 500)
    if isinstance(error, smtplib.SMTPAuthenticationError):
        words = f"the mail server refuses user name or password ({error.smtp_code})"
    elif isinstance(error, smtplib.SMTPSenderRefused):
        words = f"the mail server refuses the sender ({error.smtp_code}); see ROLLBOOK_MAIL_FROM"
    elif isinstance(error, smtplib.SMTPResponseException):
        words = f"the mail server refuses the mail ({error.smtp_code})"
    elif isinstance(error, smtplib.SMTPNotSupportedError):
        words = "the mail server cannot do what is asked of it: TLS, signing in, or addresses with accents"
    elif isinstance(error, ssl.SSLCertVerificationError):
        words = "the TLS certificate of the mail server cannot be verified"
    elif isinstance(error, ssl.SSLError):
        words = "the mail server does not speak TLS there; check smtp or smtps and the port"
    else:
        words = "the mail server cannot be reached, or the connection broke"
    return NotSent(words, route_down=True)
