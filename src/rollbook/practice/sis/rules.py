"""What the gradebook demands beyond the shape of a record: ranges, classes, enrollment, vendor limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rollbook.practice.sis.answers import invalid
from rollbook.practice.sis.model import KINDS, STATUS, Kind, Row
from rollbook.practice.sis.store import Store


def complete(store: Store, kind: Kind, row: Row) -> Row:
    """The row with what follows from its references: a line item's school and session, a result's class."""
    cells = list(row)
    if kind.plural == "lineItems":
        at = kind.at
        cells[at["school"]] = row[at["school"]] or store.cell("classes", row[at["class"]], "school")
        cells[at["academicSession"]] = row[at["academicSession"]] or row[at["gradingPeriod"]]
        low, high = row[at["resultValueMin"]], row[at["resultValueMax"]]
        if low is not None and high is not None and low > high:
            raise invalid("resultValueMin is greater than resultValueMax")
        if row[at["dueDate"]] and row[at["dueDate"]] < row[at["assignDate"]]:
            raise invalid("dueDate is before assignDate")
    elif kind.plural == "results":
        at = kind.at
        owner = store.cell("lineItems", row[at["lineItem"]], "class")
        cells[at["class"]] = row[at["class"]] or owner
    return tuple(cells)


def check_result(store: Store, row: Row) -> None:
    """The class is the line item's, and the student is enrolled in it. Raises Refused (422)."""
    at = KINDS["results"].at
    owner = store.cell("lineItems", row[at["lineItem"]], "class")
    if row[at["class"]] != owner:
        raise invalid("class is not the class of the line item")
    enrolled = KINDS["enrollments"].at
    found = store.by("enrollments", "user", row[at["student"]])
    if not any(one[enrolled["class"]] == owner and one[enrolled["role"]] == "student" for one in found):
        raise invalid("the student is not enrolled in the class")


def _refuse_item(store: Store, row: Row, struck: Mapping[str, Any]) -> None:
    at = KINDS["lineItems"].at
    title = row[at["title"]]
    if "title_limit" in struck:
        most = struck["title_limit"]["characters"]
        if len(title) > most:
            raise invalid(f"title is longer than {most} characters")
    if "unique_titles" in struck:
        others = [one for one in store.by("lineItems", "class", row[at["class"]]) if one[0] != row[0]]
        if any(one[at["title"]] == title and one[STATUS] == "active" for one in others):
            raise invalid("another line item of the class has this title")
    if "session_dates" in struck:
        session = row[at["gradingPeriod"]] or row[at["academicSession"]]
        begin, end = (store.cell("academicSessions", session, name) for name in ("startDate", "endDate"))
        due = (row[at["dueDate"]] or "")[:10]
        if begin is None or not begin <= due <= end:
            raise invalid("dueDate is outside the grading period")


def refuse_by_deviation(store: Store, kind: Kind, row: Row, struck: Mapping[str, Any]) -> None:
    """Limits of some SISs, when they are switched on. Raises Refused (422)."""
    at = kind.at
    if "window_closed" in struck and kind.plural in ("lineItems", "results"):
        raise invalid("the grading window is closed")
    if kind.plural == "lineItems":
        _refuse_item(store, row, struck)
    if "score_demanded" in struck and kind.plural == "results" and row[at["score"]] is None:
        raise invalid("score is missing")
    if "score_range" in struck and kind.plural == "results":
        low = store.cell("lineItems", row[at["lineItem"]], "resultValueMin")
        high = store.cell("lineItems", row[at["lineItem"]], "resultValueMax")
        score = row[at["score"]]
        if score is not None and not (low or 0) <= score <= (high if high is not None else score):
            raise invalid("score is outside the range of the line item")
