"""What every page's frame shows: the organization, its tabs, who the person is. One query a page at most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from rollbook.store.models import Role


@dataclass(frozen=True)
class Tab:
    """`name` is the URL's name; the tab is lit on every page whose URL name begins with it."""

    name: str
    label: Any


#: Left to right as in the guide.
TABS: Final = (
    Tab("home", _("Home")),
    Tab("select_sis", _("Select SIS")),
    Tab("configuration", _("Configuration")),
    Tab("schools", _("Schools")),
    Tab("terms", _("Terms")),
    Tab("data_prep", _("Data Prep")),
    Tab("users", _("Users")),
    Tab("courses", _("Courses")),
    Tab("sections", _("Sections")),
    Tab("grades", _("Grades")),
    Tab("plan", _("Plan")),
    Tab("logs", _("Logs")),
)
MORE: Final = (
    Tab("search", _("Search")),
    Tab("manage_users", _("Manage Users")),
    Tab("grade_settings", _("Grade Settings")),
    Tab("what_moves", _("What moves")),
    Tab("field_map", _("Field map")),
    Tab("files", _("Files")),
    Tab("people", _("People")),
    Tab("lti_platforms", _("LMS Launch")),
    Tab("api_tokens", _("API")),
    Tab("audit", _("Audit")),
)


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context of every template: `place`, `tabs`, `more_tabs`; without a place none of them. `kept_form` is what
    somebody had typed when their sign-in expired."""
    kept = getattr(request, "kept_form", None)
    typed = {"kept_form": kept} if kept else {}
    place = getattr(request, "place", None)
    if place is None:
        return typed
    if place.role == Role.TEACHER:
        return {"place": place, **typed}
    slug = place.organization.slug
    here = request.resolver_match.url_name or "" if request.resolver_match else ""
    return {"place": place, "tabs": _shown(TABS, slug, here), "more_tabs": _shown(MORE, slug, here), **typed}


def _shown(tabs: Sequence[Tab], slug: str, here: str) -> list[dict[str, Any]]:
    return [
        {"url": reverse(tab.name, args=[slug]), "label": tab.label, "lit": here.startswith(tab.name)} for tab in tabs
    ]
