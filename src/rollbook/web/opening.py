"""Makes the pages ready to serve an opened data folder: the key that signs sessions, and what the environment says."""

from __future__ import annotations

import atexit
import gc
import os
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import get_resolver

from rollbook.errors import ConfigError
from rollbook.store.folder import DataFolder
from rollbook.store.secrets import KeyRing, installation_secret

#: The address at which people reach the pages, such as https://rollbook.district.example
ADDRESS: Final = "ROLLBOOK_URL"
#: Of Python's garbage collector. By its own (700, 10, 10) every twentieth page waited for it to look through everything
#: that the process keeps.
_THRESHOLDS: Final = (5_000, 20, 20)
_served: Final[list[str]] = []
_settled: Final[list[bool]] = []
_OIDC: Final = {
    "server": "ROLLBOOK_OIDC_SERVER",
    "client": "ROLLBOOK_OIDC_CLIENT",
    "secret": "ROLLBOOK_OIDC_SECRET",
    "name": "ROLLBOOK_OIDC_NAME",
}


def open_pages(folder: DataFolder) -> None:
    """Call it before the first request. Raises ConfigError when the environment names no usable address."""
    settings.SECRET_KEY = installation_secret("sessions", KeyRing(folder.keys))
    _use_address(os.environ.get(ADDRESS, ""))
    settings.SOCIALACCOUNT_PROVIDERS = _single_sign_on()


def settle_memory() -> None:
    """What a serving process has loaded for good is not looked through for garbage any more: that halted a request for
    a tenth of a second now and then. For the start of a process; again, it does nothing."""
    if not _settled:
        _settled.append(True)
        list(get_resolver().url_patterns)  # brings all pages
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_THRESHOLDS)
        atexit.register(gc.unfreeze)  # else libraries complain at the end of what is left


def public_address(fallback: str = "") -> str:
    """Where people reach the pages, without a slash at the end; never what a browser says. Without ROLLBOOK_URL, where
    this process serves them to its own machine, else `fallback`."""
    return (os.environ.get(ADDRESS) or "".join(_served) or fallback).rstrip("/")


def serves_at(address: str) -> None:
    """This process answers there. An address that means every interface is no place to send people to."""
    usable = urlsplit(address).hostname not in ("0.0.0.0", "::")
    _served[:] = [address] if usable else []


def _use_address(address: str) -> None:
    parts = urlsplit(address)
    if address and (parts.scheme not in ("http", "https") or not parts.netloc):
        raise ConfigError(f"{ADDRESS} must look like https://rollbook.district.example")
    secure = parts.scheme == "https"
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = secure
    settings.SECURE_HSTS_SECONDS = 365 * 24 * 3600 if secure else 0
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if secure else None
    settings.CSRF_TRUSTED_ORIGINS = [f"{parts.scheme}://{parts.netloc}"] if address else []


def _single_sign_on() -> dict[str, Any]:
    given = {key: os.environ.get(name, "") for key, name in _OIDC.items()}
    if not given["server"]:
        return {}
    missing = [_OIDC[key] for key in ("client", "secret") if not given[key]]
    if missing:
        raise ConfigError(f"{_OIDC['server']} is set, but not {' and '.join(missing)}")
    app = {
        "provider_id": "oidc",
        "name": given["name"] or "Single sign-on",
        "client_id": given["client"],
        "secret": given["secret"],
        "settings": {"server_url": given["server"]},
    }
    return {"openid_connect": {"APPS": [app]}}
