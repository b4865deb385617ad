"""What the Terms pages show: mapped schools, and for one of them (or all others) sessions with drop-downs. Saves
nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from rollbook.roster.settings import ANY, CREATE, SKIP, Settings
from rollbook.store.models import Organization
from rollbook.web.lists import Listed, listed, lms_has, lms_title
from rollbook.web.options import Options
from rollbook.web.paging import kept_query, piece
from rollbook.web.said import short_day
from rollbook.web.school_map import MAPPED, School, SchoolMap
from rollbook.web.steps import steps
from rollbook.web.term_map import NOT_SYNCED, Choice, Consequence, TermMap, tree

#: A session's drop-downs are named so, followed by its sourcedId; "*" is for all other terms.
FIELD: Final = "term:"
KEPT: Final = ("q", "years", "page")
_DEEPEST_SHOWN: Final = 4
#: The place before a capital letter: `gradingPeriod` is shown as `grading period`.
_CAPITAL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, kw_only=True)
class Line:
    """A row of the table: a session (`row` is None for one that is gone) and its drop-downs."""

    session: str
    title: str
    facts: str
    depth: int
    field: str
    first: SafeString
    more: Sequence[SafeString]
    has_more: bool
    wrong: bool
    is_gone: bool
    is_lost: bool


class View:
    """The saved terms, the lists they are made of, and the words for them."""

    def __init__(self, organization: Organization, settings: Settings, number: int) -> None:
        self.organization, self.settings, self.number = organization, settings, number
        self.lms_title = lms_title(settings)
        self.has_periods = lms_has(settings, "grading_period")
        self.year = settings.active_year or ""

    @cached_property
    def sis(self) -> Listed:
        return listed(self.organization, self.settings, "sis.academicSessions")

    @cached_property
    def lms(self) -> Listed:
        return listed(self.organization, self.settings, "lms.grading_period")

    def ages(self) -> dict[str, Listed]:
        """When both lists were read; the list of schools needs no more of them."""
        names = {"sis": "sis.academicSessions", "lms": "lms.grading_period"}
        return {side: listed(self.organization, self.settings, name, with_rows=False) for side, name in names.items()}

    @property
    def year_words(self) -> str:
        """2027 → `2026-2027` (rule 3)."""
        return f"{int(self.year) - 1}-{self.year}" if self.year else ""

    @cached_property
    def schools(self) -> list[School]:
        """Those that are mapped to a building, by name."""
        orgs, buildings = (listed(self.organization, self.settings, name) for name in ("sis.orgs", "lms.building"))
        found = SchoolMap(self.settings.schools, orgs.rows, buildings.rows)
        return [school for school in found.schools if school.state == MAPPED]

    def school_name(self, org: str) -> str | None:
        """A school's name; None when it is neither mapped nor has terms of its own."""
        if org == ANY:
            return _("All other schools")
        found = next((school.name for school in self.schools if school.org == org), None)
        return found or (org if org in self.settings.terms else None)

    def terms_at(self, org: str) -> TermMap:
        return TermMap(self.settings.terms, org, self.sis.rows, self.lms.rows)

    @cached_property
    def options(self) -> Options:
        """Every choice but the empty one; the periods of the active year come first."""
        labels = [(SKIP, _("Do Not Sync")), (CREATE, self._create)]
        now, other = self._periods
        return Options([("", labels), (_("In this school year"), now), (_("Other grading periods"), other)])

    @cached_property
    def more_options(self) -> Options:
        """For a second grading period and more."""
        now, other = self._periods
        again = [(CREATE, self._create)]
        return Options([("", again), (_("In this school year"), now), (_("Other grading periods"), other)])

    def words(self, choice: Choice) -> str:
        return ", ".join(self.word(one) for one in choice)

    def word(self, value: str) -> str:
        """One choice in words."""
        if value in self.options.labels:
            return self.options.labels[value]
        by, _colon, name = value.partition(":")
        if by not in ("id", "title"):
            return _("Choose again")
        what = _("the grading period %s") if by == "title" else _("the grading period with id %s")
        if self.lms.read_at is None:
            return what % name
        names = {"period": what % name, "lms": self.lms_title}
        return _("%(period)s, which %(lms)s does not have any more") % names

    @property
    def _create(self) -> str:
        return _("Create new grading period") if self.has_periods else _("Sync")

    @cached_property
    def _periods(self) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        rows = [row for row in self.sis.rows if row["year"] == self.year and row["start"] and row["end"]]
        first, last = min((row["start"] for row in rows), default=""), max((row["end"] for row in rows), default="")
        now: list[tuple[str, str]] = []
        other: list[tuple[str, str]] = []
        for row in self.lms.rows:
            is_now = bool(row["start"] and row["end"]) and row["start"] <= last and row["end"] >= first
            dates = days(row["start"], row["end"])
            label = f"{row['title']} ({dates})" if dates else row["title"]
            (now if is_now else other).append((f"id:{row['id']}", label))
        return now, other[::-1]


def view_of(organization: Organization) -> View | None:
    """None while no SIS is chosen."""
    found = steps(organization)
    return View(organization, found.settings, found.number) if found.settings is not None else None


def days(start: str, end: str) -> str:
    """`Aug. 10, 2026 – Dec. 19, 2026`, as the language writes it; empty without dates."""
    shown = []
    for day in (start, end):
        try:
            shown.append(short_day(day))
        except ValueError:
            shown.append(_("no date"))
    return " – ".join(shown) if start or end else ""


def school_list(view: View, given: Mapping[str, Any]) -> dict[str, Any]:
    """Context of the list of mapped schools."""
    query = kept_query(given, ("q", "page"))
    page = piece(searched(view.schools, query), query, 100)
    rows = [(school, _own(view, school.org)) for school in page.rows]
    return {"view": view, "query": query, "page": page, "rows": rows, "others": _own(view, ANY), **view.ages()}


def school_context(
    view: View,
    org: str,
    given: Mapping[str, Any],
    *,
    chosen: Mapping[str, Choice] | None = None,
    wrong: Sequence[str] = (),
    problem: str = "",
) -> dict[str, Any]:
    """Context of one school's page. With `chosen`, it shows exactly the sessions that something was chosen for."""
    query = kept_query(given, KEPT)
    terms, chosen = view.terms_at(org), chosen or {}
    rows = list(_sessions(view, terms, query, chosen))
    size = view.options.rows_per_page() // 2
    page = piece(rows, query, len(rows) + 1 if chosen else size)
    lines = [_line(view, terms, one, chosen, wrong) for one in page.rows]
    years = {row["year"] for row in view.sis.rows} - {view.year}
    return {
        "view": view,
        "org": org,
        "is_others": org == ANY,
        "school": view.school_name(org),
        "query": query,
        "page": page,
        "lines": lines,
        "others": _line(view, terms, (ANY, None, 0), chosen, wrong),
        "has_other_years": bool(view.year) and bool(years or terms.gone()),
        "gone": len(terms.gone()),
        "all_years": query.get("years") == "all",
        "problem": problem or (_("Some choices cannot be saved; they are marked below.") if wrong else ""),
        "filled": bool(chosen),
        "can_copy": org != ANY and bool(view.settings.terms.get(org)),
    }


def confirmation(
    view: View, consequences: Sequence[Consequence], schools: Sequence[str], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Context of the page that asks whether these consequences are wanted at these schools (names)."""
    sessions = {row["id"]: row for row in view.sis.rows}

    def title(one: Consequence) -> str:
        return sessions[one.session]["title"] if one.session in sessions else one.session

    moves = [(title(one), view.words(one.before), view.words(one.after)) for one in consequences if not one.freezes]
    freezes = [title(one) for one in consequences if one.freezes]
    return {"view": view, "moves": moves, "freezes": freezes, "schools": schools, "fields": _fields(given)}


def _fields(given: Mapping[str, Any]) -> list[tuple[str, str]]:
    lists = given.lists() if hasattr(given, "lists") else [(name, [value]) for name, value in given.items()]
    left_out = ("csrfmiddlewaretoken", "confirmed")
    return [(name, value) for name, values in lists if name not in left_out for value in values]


def searched(schools: Sequence[School], query: Mapping[str, str]) -> list[School]:
    """Those whose name, code or sourcedId holds what `q` asks for."""
    wanted = query.get("q", "").strip().casefold()
    return [one for one in schools if any(wanted in text.casefold() for text in (one.name, one.code, one.org))]


def _own(view: View, org: str) -> int:
    """How many choices are saved for a school itself."""
    return len(view.settings.terms.get(org, {}))


Placed = tuple[str, Mapping[str, Any] | None, int]


def _sessions(view: View, terms: TermMap, query: Mapping[str, str], chosen: Mapping[str, Choice]) -> list[Placed]:
    """(session, its row, depth): of the active year or of all years, those that are gone last. Without an active year
    there is nothing to choose by: they are those of all years."""
    is_all = query.get("years") == "all" or not view.year
    if chosen:
        return [(key, terms.sessions.get(key), 0) for key in chosen if key != ANY]
    rows = [row for row in terms.sessions.values() if is_all or row["year"] == view.year]
    wanted = query.get("q", "").strip().casefold()
    found: list[Placed] = [
        (row["id"], row, depth)
        for row, depth in tree(rows)
        if not wanted or wanted in row["title"].casefold() or wanted in row["id"].casefold()
    ]
    return found + ([(key, None, 0) for key in terms.gone()] if is_all else [])


def _line(view: View, terms: TermMap, placed: Placed, chosen: Mapping[str, Choice], wrong: Sequence[str]) -> Line:
    session, row, depth = placed
    choice = chosen.get(session, terms.choice(session))
    nothing = _nothing(view, terms, session)
    first, *others = choice or ("",)
    empty = _("No further grading period")
    more = [view.more_options.html(one, view.word(one), empty) for one in others]
    return Line(
        session=session,
        title=row["title"] if row else session,
        facts=_facts(terms, row, everything=view.year != (row["year"] if row else "")),
        depth=min(depth, _DEEPEST_SHOWN),
        field=FIELD + session,
        first=view.options.html(first, view.word(first) if first else "", nothing),
        more=[*more, view.more_options.html("", "", empty)],
        has_more=bool(others),
        wrong=session in wrong,
        is_gone=row is None and session != ANY,
        is_lost=any(one not in (SKIP, CREATE) and terms.period(one) is None for one in terms.choice(session)),
    )


def _nothing(view: View, terms: TermMap, session: str) -> str:
    """What the empty choice means here."""
    inherited = terms.inherited(session)
    if inherited == NOT_SYNCED:
        return _("Not mapped (Do Not Sync)")
    return _("As all others: %s") % view.words(inherited)


def _facts(terms: TermMap, row: Mapping[str, Any] | None, *, everything: bool) -> str:
    if row is None:
        return ""
    parent = terms.sessions.get(row["parent"])
    year = _("school year ending %s") % row["year"] if everything and row["year"] else ""
    part = _("part of %s") % parent["title"] if parent else ""
    kind = _CAPITAL.sub(" ", row["type"]).lower()
    return " · ".join(text for text in (kind, days(row["start"], row["end"]), part, year) if text)
