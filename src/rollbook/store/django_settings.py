"""Django's settings; `rollbook.store.setup` points the database to a data folder."""

from __future__ import annotations

INSTALLED_APPS = ["rollbook.store.apps.StoreConfig"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
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
#: Until a data folder is opened.
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}


def configure() -> None:
    """Give Django these settings, unless it has settings already (of another program that uses the store)."""
    import django
    from django.conf import settings

    if not settings.configured:
        settings.configure(**{name: value for name, value in globals().items() if name.isupper()})
        django.setup()
