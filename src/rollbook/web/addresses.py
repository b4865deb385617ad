"""Addresses that people type: completed, judged as runs judge them, compared. No message repeats what was typed."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from rollbook.connectors.kit.hosts import check_url
from rollbook.errors import ConfigError

_HOST: Final = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(:\d+)?(/.*)?")


def completed(typed: str) -> str:
    """With https:// before what is only a host name, as the guide's word "domain" suggests."""
    return f"https://{typed}" if _HOST.fullmatch(typed) else typed


def address_problem(url: str, *, private: bool) -> str:
    """What is wrong with an address that Rollbook is to call; empty when nothing is. `private`: private addresses and
    plain http are allowed."""
    try:
        parts = urlsplit(url)
        host, scheme, person = parts.hostname, parts.scheme, parts.username or parts.password
        check_url(url, allow_private_hosts=private)
    except ValueError:
        return _("This is not an address.")
    except ConfigError:
        pass
    else:
        return "" if url.isprintable() and " " not in url else _("An address has no spaces.")
    if scheme not in ("http", "https") or not host:
        return _("Must begin with https:// and name a host, such as https://sis.example/ims/oneroster/v1p1.")
    if person:
        return _("Must not carry a user name or password; there are fields for key and secret.")
    if scheme == "http" and not private:
        return _("Must begin with https://, so that nobody on the way can read it.")
    return _(
        "This address is private or never called. If your SIS is inside your network, the operator of this server can "
        "allow private addresses with ROLLBOOK_ALLOW_PRIVATE_HOSTS=1."
    )
