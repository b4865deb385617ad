"""What the Schools page shows: rows of a filtered, paged list, each with its drop-down. Saves nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from rollbook.roster.settings import ANY, CREATE, SKIP, Settings
from rollbook.store.models import Organization
from rollbook.web.lists import Listed, listed, lms_notes, lms_title
from rollbook.web.options import Options
from rollbook.web.paging import kept_query, piece
from rollbook.web.school_map import (
    MAPPED,
    MOVES,
    SKIPPED,
    UNMAPPED,
    Consequence,
    School,
    SchoolMap,
    building_label,
    is_open,
)
from rollbook.web.steps import steps

#: A school's drop-down is named so, followed by its sourcedId.
FIELD: Final = "school:"
KEPT: Final = ("q", "show", "page")
_MOST_PROPOSALS: Final = 500


@dataclass(frozen=True, kw_only=True)
class Line:
    """A row of the table. `wrong`: what was chosen is not to be had (any more)."""

    school: School
    field: str
    options: SafeString
    wrong: bool


class View:
    """The saved map, both lists, and the drop-downs of an organization."""

    def __init__(self, organization: Organization, settings: Settings, number: int) -> None:
        self.organization, self.settings, self.number = organization, settings, number
        self.sis: Listed = listed(organization, settings, "sis.orgs")
        self.lms: Listed = listed(organization, settings, "lms.building")
        self.lms_title, self.notes = lms_title(settings), lms_notes(settings, "building")
        self.map = SchoolMap(settings.schools, self.sis.rows, self.lms.rows)

    @cached_property
    def buildings(self) -> list[tuple[str, str]]:
        rows = sorted(self.lms.rows, key=lambda row: (row["title"].casefold(), row["id"]))
        return [(f"id:{row['id']}", building_label(row)) for row in rows]

    @cached_property
    def labels(self) -> dict[str, str]:
        """What choices that are no building are called."""
        return {SKIP: _("Do Not Sync"), CREATE: _("Create New Building")}

    def options(self, unlisted: str) -> Options:
        """Those of a school; `unlisted` is what it comes to when nothing is chosen."""
        nothing = _("Not mapped (Do Not Sync)")
        if unlisted != SKIP:
            nothing = _("As schools not listed here: %s") % self.goes(unlisted)
        return Options([("", [("", nothing), *self.labels.items()]), (_("Existing buildings"), self.buildings)])

    @cached_property
    def for_others(self) -> Options:
        return Options([("", self.labels.items()), (_("Existing buildings"), self.buildings)])

    def goes(self, value: str) -> str:
        """A choice in words."""
        if value in self.labels:
            return self.labels[value]
        if self.map.building(value) is None:
            return self.strange(value)
        return self.map.label(value)

    def strange(self, value: str) -> str:
        """A choice that is no building of the list, in words."""
        by, _colon, name = value.partition(":")
        what = _("the building with code %s") if by == "code" else _("the building with id %s")
        if by not in ("id", "code"):
            return _("Choose again")
        if self.lms.read_at is None:
            return what % name
        return _("%(building)s, which %(lms)s does not have any more") % {
            "building": what % name,
            "lms": self.lms_title,
        }

    def proposals(self, how: str) -> dict[str, Any]:
        """Context of the page that proposes choices."""
        found = self.map.proposals(how)
        shown = [
            {"school": school, "field": FIELD + school.org, "value": value, "goes": self.goes(value)}
            for school, value in found[:_MOST_PROPOSALS]
        ]
        return {"view": self, "proposals": shown, "unshown": len(found) - len(shown), "how": how}

    def confirmation(self, consequences: Sequence[Consequence], given: Mapping[str, Any]) -> dict[str, Any]:
        """Context of the page that asks whether these consequences are wanted. `given` comes again as hidden fields."""
        moves = [one for one in consequences if one.what == MOVES]
        freezes = [one.school for one in consequences if one.what != MOVES]
        fields = [(name, value) for name, value in given.items() if name not in ("csrfmiddlewaretoken", "confirmed")]
        own = {CREATE: _("a building of its own")}
        lines = [(one.school, *(own.get(way) or self.goes(way) for way in (one.before, one.after))) for one in moves]
        return {"view": self, "moves": lines, "freezes": freezes, "fields": fields}


def view_of(organization: Organization) -> View | None:
    """None while no SIS is chosen."""
    found = steps(organization)
    return View(organization, found.settings, found.number) if found.settings is not None else None


def address(slug: str, given: Mapping[str, Any]) -> str:
    """The page of the list from which a form was sent."""
    query = kept_query(given, KEPT)
    return reverse("schools", args=[slug]) + (f"?{urlencode(query)}" if query else "")


def shown_context(
    view: View,
    given: Mapping[str, Any],
    *,
    chosen: Mapping[str, str] | None = None,
    wrong: Sequence[str] = (),
    problem: str = "",
) -> dict[str, Any]:
    """Context of the page. With `chosen`, it shows exactly the schools that a person has chosen something for."""
    query = kept_query(given, KEPT)
    chosen = chosen or {}
    schools_listed, special = view.options(view.map.others), view.options(SKIP)
    rows = [school for school in view.map.schools if school.org in chosen] if chosen else _filtered(view.map, query)
    page = piece(rows, query, len(rows) + 1 if chosen else schools_listed.rows_per_page())
    others = chosen.get(ANY, view.map.others)

    def line(school: School) -> Line:
        options = schools_listed if school.is_school and not school.is_gone else special
        value = chosen.get(school.org, school.choice)
        html = options.html(value, view.strange(value))
        return Line(school=school, field=FIELD + school.org, options=html, wrong=school.org in wrong)

    return {
        "view": view,
        "query": query,
        "page": page,
        "lines": [line(school) for school in page.rows],
        "others": view.for_others.html(others, view.strange(others)),
        "others_wrong": ANY in wrong,
        "counts": _counts(view.map),
        "filters": [
            ("", _("All schools")), (UNMAPPED, _("Only unmapped")), (SKIPPED, _("Do Not Sync")), (MAPPED, _("Mapped")),
            ("look", _("Needs a look")),
        ],
        "problem": problem or (_("Some choices cannot be saved; they are marked below.") if wrong else ""),
        "filled": bool(chosen),
    }  # fmt: skip


def _filtered(found: SchoolMap, query: Mapping[str, str]) -> list[School]:
    show, wanted = query.get("show", ""), query.get("q", "").strip().casefold()
    rows = found.schools
    if show == "look":
        rows = [school for school in rows if school.needs_a_look]
    elif show == UNMAPPED:
        rows = [school for school in rows if is_open(school)]
    elif show:
        rows = [school for school in rows if school.state == show]
    if wanted:
        rows = [one for one in rows if any(wanted in text.casefold() for text in (one.name, one.code, one.org))]
    return rows


def _counts(found: SchoolMap) -> dict[str, int]:
    """How many schools are in each state."""
    return {
        MAPPED: sum(school.state == MAPPED for school in found.schools),
        UNMAPPED: sum(is_open(school) for school in found.schools),
        "look": sum(school.needs_a_look for school in found.schools),
    }
