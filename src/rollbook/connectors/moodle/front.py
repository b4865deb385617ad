"""What a web server or a firewall in front of Moodle, or Moodle before it reads a call, answers instead of carrying it
out. Shows nothing of a body, and of an address only where the site is."""

from __future__ import annotations

from typing import Final
from urllib.parse import urljoin, urlsplit

from rollbook.connectors.kit import Answer
from rollbook.errors import AuthFailed, ConfigError, RollbookError, Unavailable

PATH: Final = "webservice/rest/server.php"
#: Followed, these would become a GET without the call in it.
MOVED: Final = frozenset({301, 302, 303})
#: Firewalls say so of calls that they do not like: for who calls, or for what is in a call.
KEPT_OUT: Final = frozenset({403, 406})
#: How many seconds Moodle asks to be left alone while it is in maintenance. Others (Varnish, say) ask for a moment of
#: their own after a call that they gave up, and which may be carried out nevertheless.
_LEAVE_ALONE: Final = "300"
BLOCKED_WORDS: Final = "a firewall in front of Moodle lets other calls through, but none with this record"


def moved(answer: Answer) -> RollbookError:
    """The error for a redirect. Nothing of the call was done: Moodle's server of web services sends nobody elsewhere,
    whoever does so comes before it (lib/setup.php, or a web server)."""
    target = urljoin(answer.url, answer.headers.get("location") or "")
    site = _site(target)
    if site and site != _site(answer.url):
        return ConfigError(f"{answer.who} is at {site}; enter that as the site address")
    return Unavailable(
        f"{answer.who} sends calls to another page ({answer.status}): it is being upgraded, or something in front of "
        "it asks for a sign-in"
    )


def kept_out(answer: Answer) -> AuthFailed:
    """The error for a call that nobody let through to Moodle, or that Moodle did not read (webservice/rest/server.php,
    which says so without a word)."""
    if not answer.body:
        return AuthFailed(
            f"{answer.who} answered {answer.status}: web services or their REST protocol are switched off; enable both"
        )
    return AuthFailed(
        f"{answer.who} answered {answer.status}: a firewall in front of it lets no calls through; its administrator "
        "allows those of this server"
    )


def in_maintenance(answer: Answer) -> bool:
    """Whether a 503 is Moodle's own, said before it does anything (lib/setup.php, print_maintenance_message)."""
    return "x-moodle-maintenance" in answer.headers or (answer.headers.get("retry-after") or "").strip() == _LEAVE_ALONE


def _site(url: str) -> str:
    """The site of an address of its web services, "" for another one."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname or not parts.path.endswith(f"/{PATH}"):
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}{parts.path.removesuffix(PATH).rstrip('/')}"
