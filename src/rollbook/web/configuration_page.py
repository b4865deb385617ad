"""Puts the page Configuration together: each card with what is saved, or with what somebody typed and what is wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from rollbook.actions.schedule import show_schedule
from rollbook.connectors.registry import connector
from rollbook.engine.world import private_hosts_allowed
from rollbook.roster.settings import Settings
from rollbook.store.models import Secret
from rollbook.web.access import Place
from rollbook.web.connection_tests import Outcome
from rollbook.web.lists import lms_title
from rollbook.web.lms_list import lms_choice
from rollbook.web.option_forms import OptionForm
from rollbook.web.partner_list import find_sis, sis_title
from rollbook.web.schedule_form import GradeScheduleForm, ScheduleForms, next_words
from rollbook.web.steps import Steps, steps
from rollbook.web.years import known_years, year_words

#: A page with errors is no success to whatever asks, and is shown all the same.
WRONG: Final = 422


@dataclass(kw_only=True)
class Typed:
    """What somebody sent, and what came of it; cards without it show what is saved."""

    sis: OptionForm | None = None
    lms: OptionForm | None = None
    sis_outcome: Outcome | None = None
    lms_outcome: Outcome | None = None
    choice_error: str = ""
    schedule: ScheduleForms | None = None
    grade_schedule: GradeScheduleForm | None = None
    preview: str = ""


def option_form(place: Place, found: Steps, side: str, data: Mapping[str, Any] | None = None) -> OptionForm:
    """The form of the connection of a side, for this person. The SIS must be chosen."""
    assert found.settings is not None
    places = Secret.objects.filter(organization=place.organization, place__startswith=f"{side}.")
    return OptionForm(
        side,
        getattr(found.settings, side),
        saved=[one.partition(".")[2] for one in places.values_list("place", flat=True)],
        private=private_hosts_allowed(),
        data=data,
        disabled=not place.is_acting,
        server=place.account.is_operator,
    )


def render_configuration(
    request: HttpRequest, place: Place, *, typed: Typed | None = None, status: int = 200
) -> HttpResponse:
    """The whole page."""
    found, typed = steps(place.organization), typed or Typed()
    if found.settings is None:
        return render(request, "configuration.html", {"number": 0})
    settings = found.settings
    context = {
        "number": found.number,
        "settings": settings,
        "lms_title": lms_title(settings),
        "connections": [_card(place, found, "sis", typed), _card(place, found, "lms", typed)],
        "schedule": typed.schedule or ScheduleForms(settings, disabled=not place.is_acting),
        "grade_schedule": typed.grade_schedule or GradeScheduleForm(settings, disabled=not place.is_acting),
        "preview": typed.preview,
        "choice_error": typed.choice_error,
        **_next(place),
        "acting": place.organization.acting,
        **_years(place, settings),
    }
    return render(request, "configuration.html", context, status=status)


def _card(place: Place, found: Steps, side: str, typed: Typed) -> dict[str, Any]:
    assert found.settings is not None
    connection = getattr(found.settings, side)
    form = getattr(typed, side) or option_form(place, found, side)
    lms = lms_title(found.settings)
    names = {"sis": (_("SIS API"), sis_title(connection)), "lms": (_("LMS connection"), lms)}
    title, system = names[side]
    where = connector(connection.connector).credentials if side == "lms" else ""
    partner = find_sis(connection.partner or "") if side == "sis" else None
    return {
        "side": side,
        "title": title,
        "system": system,
        "form": form,
        "done": getattr(found, side),
        "outcome": getattr(typed, f"{side}_outcome"),
        "quirks": partner.quirks if partner else (),
        "credentials": _(where) if where else "",
        "lms": lms_choice(place.organization, connection) if side == "lms" else None,
        "save_url": f"configuration_{side}",
        "test_url": f"configuration_test_{side}",
        "button": _("Save API Credentials") if side == "sis" else _("Save LMS Credentials"),
    }


def _next(place: Place) -> dict[str, str]:
    shown = show_schedule(org=place.organization.slug)
    return {
        "next_words": next_words(shown.clock, shown.outlook),
        "next_grades": next_words(shown.grades_clock, shown.grades),
    }


def _years(place: Place, settings: Settings) -> dict[str, Any]:
    years = known_years(place.organization, settings, timezone.localdate())
    return {
        "years": [(year, year_words(year)) for year in years.choices],
        "year_saved": settings.active_year or "",
        "year_words": year_words(settings.active_year or ""),
        "year_read_at": years.read_at,
    }
