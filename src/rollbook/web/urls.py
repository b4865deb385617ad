"""Which address leads to which view. Every module of `rollbook.web.pages` brings its own list."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from django.urls import URLPattern, URLResolver, include, path

from rollbook.web.health import healthz, readyz
from rollbook.web.metrics import metrics

#: Pages of one organization, below /o/<slug>/.
ORGANIZATION_PAGES: Final = (
    "home",
    "select_sis",
    "configuration",
    "configuration_schedule",
    "configuration_year",
    "configuration_more",
    "schools",
    "terms",
    "data_prep",
    "syncs",
    "plan",
    "holds",
    "pins",
    "plan_run",
    "undo",
    "logs",
    "logs_run",
    "search",
    "manage_users",
    "grade_settings",
    "grades",
    "grades_mine",
    "grades_section",
    "grades_map",
    "grades_status",
    "grades_permission",
    "reading",
    "files",
    "people",
    "tokens",
    "lti_platforms",
    "app_center",
    "audit",
)
#: Pages of the installation.
PAGES: Final = (
    "start",
    "language",
    "invitations",
    "organizations",
    "api",
    "launched",
    "lti",
    "lti_register",
    "launch_saml",
    "permission_back",
)


def _pages(name: str) -> list[URLPattern | URLResolver]:
    return list(import_module(f"rollbook.web.pages.{name}").urlpatterns)


urlpatterns = [
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
    path("accounts/", include("rollbook.web.sign_in_urls")),
    *(one for name in PAGES for one in _pages(name)),
    path("o/<slug:slug>/", include([one for name in ORGANIZATION_PAGES for one in _pages(name)])),
]
handler404 = "rollbook.web.failures.not_found"
handler500 = "rollbook.web.failures.broken"
