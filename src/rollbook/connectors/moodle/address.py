"""The address and the token as people copy them. Pure; says what is wrong instead of guessing."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from rollbook.errors import ConfigError

#: Folders of Moodle whose pages people have before them when they copy the address.
_FOLDERS: Final = frozenset(
    ("admin", "calendar", "course", "grade", "lib", "local", "login", "message", "mod", "my", "report", "theme", "user")
)
#: Where the web services are, of whatever protocol.
_SERVICES: Final = "webservice"
_TOKEN: Final = re.compile(r"[0-9A-Za-z._-]+")


def site_address(typed: str) -> str:
    """Where the site is: of an address of one of its pages, or of its web services, the part before. Without a scheme
    it is https. What is no address otherwise stays as it is, and is refused by the kit. Raises ConfigError for one with
    blanks."""
    given = typed.strip()
    if re.search(r"\s", given):
        raise ConfigError("the site address has blanks in it; enter it as https://moodle.example.org")
    if given and "://" not in given:
        given = f"https://{given}"
    try:
        parts = urlsplit(given)
    except ValueError:
        return given
    kept: list[str] = []
    steps = [step for step in parts.path.split("/") if step]
    for place, step in enumerate(steps):
        page = step.endswith(".php") or (step in _FOLDERS and (step == "my" or _ends_in_page(steps[place + 1 :])))
        if page or step == _SERVICES:
            break
        kept.append(step)
    return urlunsplit((parts.scheme, parts.netloc, "/".join(["", *kept]), "", ""))


def _ends_in_page(steps: list[str]) -> bool:
    return bool(steps) and steps[-1].endswith(".php")


def token(typed: str) -> str:
    """Raises ConfigError for what cannot be a token: it may have been copied with something else."""
    given = typed.strip()
    if not _TOKEN.fullmatch(given):
        raise ConfigError("the token has blanks or other signs in it; copy it again from Moodle's page Manage tokens")
    return given
