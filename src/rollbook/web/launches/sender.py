"""Whether one of our own pages sent a form that carries no CSRF token, as the browser tells: without that, another site
could send somebody's code from a stranger's browser, who would then work as that somebody."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from django.http import HttpRequest

from rollbook.web.opening import public_address

_PORTS: Final = {"https": 443, "http": 80}
_Origin = tuple[str, str, int | None]


def sent_by_us(request: HttpRequest) -> bool:
    """False where the browser names another sender, or hides it (`Origin: null`). What no browser sent names none."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None and site != "same-origin":
        return False
    if origin is None:
        return True
    here = f"{request.scheme}://{request.get_host()}"
    sender = _origin(origin)
    return sender is not None and sender in (_origin(here), _origin(public_address(here)))


def _origin(address: str) -> _Origin | None:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    return (parts.scheme, host, port or _PORTS.get(parts.scheme)) if parts.scheme and host else None
