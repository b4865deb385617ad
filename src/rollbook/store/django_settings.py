"""Django's settings for processes without pages; `rollbook.store.setup` points the database to a data folder.

The web side has more of them, `rollbook.web.django_settings`; whichever is imported first counts."""

from __future__ import annotations

from typing import Any

INSTALLED_APPS = ["rollbook.store.apps.StoreConfig"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "store.Account"
USE_TZ = True
TIME_ZONE = "UTC"
DEBUG = False
LOGGING_CONFIG = None
ROOT_URLCONF = "rollbook.web.urls"
#: Nothing is made from the Host header; who may be asked by which name is the proxy's business.
ALLOWED_HOSTS = ["*"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
X_FRAME_OPTIONS = "DENY"

#: A writer takes its lock when the transaction begins, waits 30 s for another one, and survives a power cut: the
#: database holds initial passwords.
SQLITE_OPTIONS: dict[str, Any] = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 30,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
}
#: Until a data folder is opened.
DATABASES: dict[str, dict[str, Any]] = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:", "OPTIONS": SQLITE_OPTIONS}
}


def configure() -> None:
    """Give Django these settings, unless it has settings already (of another program that uses the store)."""
    from django.apps import apps
    from django.conf import settings

    if not settings.configured:
        settings.configure(**{name: value for name, value in globals().items() if name.isupper()})
        # What `django.setup` does besides is for pages: a prefix of addresses, and logging, which we set up ourselves.
        apps.populate(settings.INSTALLED_APPS)
