"""Moodle's grade report to our words. Pure and total: odd values become "not set", never zero.

Facts: gradereport_user_get_grade_items (one list of grade items for each student), core_grades_get_gradeitems,
core_enrol_get_enrolled_users. Due dates: due_dates.py.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from rollbook.connectors.moodle.dropped import DROPPED, TOTALS, judged
from rollbook.connectors.moodle.lenient import Json, decimal, flag, ident, listing, number, optional, text
from rollbook.connectors.moodle.live import is_admin
from rollbook.connectors.moodle.options import MoodleOptions
from rollbook.roster.grades import EXCUSED, Grade, GradedItem, GradingCategory, Member

#: Totals that Moodle calculates.
#: What items outside of every category of the teacher are in: their real one has the course's name.
UNCATEGORIZED: Final = "Uncategorized"
#: Fields that belong to columns of the report, and what shows the column.
_COLUMNS: Final = {"graderaw": "Show grades: Show", "rangeformatted": "Show ranges: Show"}
#: Formats of feedback that are no HTML: plain text.
_PLAIN: Final = "2"
_BREAK, _TAG = re.compile(r"<br\s*/?>|</p>|</div>|</li>", re.IGNORECASE), re.compile(r"<[^<>]*>")
_LANGUAGE: Final = re.compile(
    r"""<span(?:\s+lang="[\w-]+"|\s+class="multilang"){2}\s*>(.*?)</span>""", re.IGNORECASE | re.DOTALL
)
_LANGUAGES: Final = re.compile(rf"(?:{_LANGUAGE.pattern}\s*)+(?<!\s)".replace("(.*?)", ".*?"), _LANGUAGE.flags)
_UNKNOWN_MOST: Final = 40
_KEPT_BACK: Final = "hidden"
_UNCLEAR: Final = "dropped (excluded, or by a rule)"
NOT_WORKED_OUT: Final = (
    "Moodle has not worked out the grades of this section, or could not; if the next run says so, too, a teacher opens "
    "the grader report there, and mends the formula that Moodle names"
)
#: What a report that shows ranges in whole numbers may have rounded away.
_ROUNDED: Final = 0.51

#: The kind of an activity (assign, quiz …) and its id among its like.
Activity = tuple[str, str]


@dataclass(frozen=True)
class Report:
    """The grade report of one course: rows by student (Moodle's user id). `due` has the Unix seconds of activities,
    `titles` maps ids of grade items to the title of their category."""

    rows: Mapping[str, Sequence[Json]] = field(repr=False)
    due: Mapping[Activity, int] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)


def rows_by_student(answer: Any) -> dict[str, list[Json]]:
    """The rows of each student; whose they are must be told."""
    return {own: listing(each.get("gradeitems")) for each in listing(answer) if (own := ident(each.get("userid")))}


def items(report: Report, zone: ZoneInfo) -> tuple[GradedItem, ...]:
    """What can be graded, without totals. An item all of whose grades are hidden counts as not published; one that is
    graded in words has no points."""
    found: dict[str, GradedItem] = {}
    hidden, points = _hidden(report), _points(report)
    for row in _rows(report):
        own = ident(row.get("id"))
        if own is None or own in found or text(row.get("itemtype")) in TOTALS:
            continue
        due = report.due.get((text(row.get("itemmodule")), text(row.get("iteminstance"))))
        found[own] = GradedItem(
            id=own,
            title=one_language(text(row.get("itemname"))),
            due=_local(due, zone),
            points=None if in_words(row) else points.get(own),
            category=ident(row.get("categoryid")),
            published=own not in hidden,
        )
    return tuple(found.values())


def categories(report: Report) -> tuple[GradingCategory, ...]:
    """Categories that have items. Moodle's weights are those of one student's total, so none are told."""
    top = {ident(row.get("iteminstance")) for row in _rows(report) if text(row.get("itemtype")) == "course"}
    titles: dict[str, str] = {}
    for row in _rows(report):
        place = ident(row.get("categoryid"))
        if place is not None and text(row.get("itemtype")) not in TOTALS:
            titles[place] = titles.get(place) or report.titles.get(text(row.get("id")), "")
    return tuple(
        GradingCategory(id=own, title=UNCATEGORIZED if own in top else title or f"Category {own}")
        for own, title in titles.items()
    )


def grades(report: Report) -> Iterator[Grade]:
    """What students got. Of a hidden grade only that it is there: its teacher has not given it out, and what was sent
    before is not to read as taken away."""
    hidden, (excluded, by_rule), points = _hidden(report), judged(report.rows), _points(report)
    for student, rows in report.rows.items():
        for row in rows:
            own = ident(row.get("id"))
            if own is None or text(row.get("itemtype")) in TOTALS:
                continue
            if own not in hidden and (flag(row.get("gradeishidden")) or flag(row.get("gradehiddenbydate"))):
                if decimal(row.get("graderaw")) is not None or number(row.get("gradedategraded")):
                    yield Grade(item=own, member=student, unknown_exception=_KEPT_BACK)
                continue
            place = student, own
            unclear = _UNCLEAR if text(row.get("status")) == DROPPED and place not in excluded | by_rule else ""
            most = decimal(row.get("grademax"))
            if not unclear and most != points.get(own):
                unclear = f"a grade out of {most or 0:g} points"
            found = _grade(own, student, row, excused=place in excluded, unclear=unclear)
            if found is not None:
                yield found


def _grade(item: str, student: str, row: Json, *, excused: bool, unclear: str) -> Grade | None:
    """None where nothing was given. A word of a scale is no number and passed on as unknown, and so is a grade that is
    `unclear` in these words: perhaps excluded, or out of other points than the item has."""
    raw, word = decimal(row.get("graderaw")), ""
    if raw is not None and unclear:
        raw, word = None, unclear[:_UNKNOWN_MOST]
    elif raw is not None and in_words(row):
        raw, word = None, (plain(row.get("gradeformatted"), "") or "a word of a scale")[:_UNKNOWN_MOST]
    comment = plain(row.get("feedback"), text(row.get("feedbackformat")))
    if raw is None and not (excused or word or comment):
        return None
    return Grade(
        item=item,
        member=student,
        score=None if excused else raw,
        exception=EXCUSED if excused else "",
        unknown_exception="" if excused else word,
        comment=comment,
        at=number(row.get("gradedategraded")),
    )


def in_words(row: Json) -> bool:
    """Is a grade of this item the place of a word in a scale? No field says so: `scaleid` has the outcome's id, and the
    bounds are places, too. But `rangeformatted` has the first and the last word where others have their numbers
    (grade_item::get_formatted_range)."""
    shown = html.unescape(text(row.get("rangeformatted"))).split("–")
    bounds = [decimal(row.get(name)) for name in ("grademin", "grademax")]
    numbers = [decimal(each.strip().replace(",", ".")) for each in shown]
    return len(numbers) != len(bounds) or any(
        told is None or bound is None or abs(told - bound) > _ROUNDED
        for told, bound in zip(numbers, bounds, strict=True)
    )


def unreadable(report: Mapping[str, Sequence[Json]]) -> str | None:
    """Why these rows would read as if nobody had a grade, and who must act; None where they can be read. Teachers may
    switch columns off for the whole course, and their fields are then missing; a grade that the account must not see
    has no row, where the others' have one (fill_table_recursive)."""
    if len({frozenset(text(row.get("id")) for row in rows) for rows in report.values()}) > 1:
        return "Moodle keeps hidden grades of this section back; the token's role needs moodle/grade:viewhidden"
    for row in (row for rows in report.values() for row in rows if text(row.get("itemtype")) not in TOTALS):
        if flag(row.get("gradeneedsupdate")):
            return NOT_WORKED_OUT
        for field_, column in _COLUMNS.items():
            if field_ not in row:
                return (
                    f"the user report of this section hides a column; a teacher chooses {column} in Moodle "
                    "(Grades → Course grade settings → User report)"
                )
    return None


def member(raw: Json, active: bool, options: MoodleOptions) -> Member | None:
    """None for one whose roles make neither student nor teacher."""
    own, admin = ident(raw.get("id")), is_admin(raw, options)
    if own is None or admin is None:
        return None
    return Member(id=own, user=own, unique_id=optional(raw.get("idnumber")), admin=admin, active=active)


def plain(value: Any, form: str) -> str:
    """Feedback as plain text."""
    given = text(value)
    if form == _PLAIN:
        return given
    bare = html.unescape(_TAG.sub("", _BREAK.sub("\n", given)))
    return "\n".join(line for each in bare.splitlines() if (line := " ".join(each.split())))


def one_language(name: str) -> str:
    """A name in several languages, which Moodle gives with markup, in the first of them (filter/multilang)."""
    return _LANGUAGES.sub(lambda found: next(iter(_LANGUAGE.findall(found[0])), found[0]), name)


def _points(report: Report) -> dict[str, float]:
    """What each item is out of. Old grades may be out of what it was when they were given (minmaxtouse): rows without a
    grade have the item's own."""
    found: dict[str, float] = {}
    sure: set[str] = set()
    for row in _rows(report):
        own, most = text(row.get("id")), decimal(row.get("grademax"))
        if most is not None and own not in sure:
            found.setdefault(own, most)
            if decimal(row.get("graderaw")) is None:
                found[own] = most
                sure.add(own)
    return found


def _hidden(report: Report) -> frozenset[str]:
    """Items of which no grade is to be seen."""
    shown: dict[str, bool] = {}
    for row in _rows(report):
        own = text(row.get("id"))
        shown[own] = shown.get(own, False) or not flag(row.get("gradeishidden"))
    return frozenset(own for own, seen in shown.items() if not seen)


def _rows(report: Report) -> Iterator[Json]:
    return (row for rows in report.rows.values() for row in rows)


def _local(seconds: int | None, zone: ZoneInfo) -> str | None:
    try:
        return datetime.fromtimestamp(seconds, zone).strftime("%Y-%m-%d %H:%M:%S") if seconds else None
    except (ValueError, OverflowError, OSError):
        return None
