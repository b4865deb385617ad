"""The school calendar: this year's sessions and the last year's. It never asks the clock."""

from __future__ import annotations

from datetime import date, timedelta

FIRST_DAY = date(2026, 11, 23)
YEAR = "sy-2027"
FULL_YEAR = "fy-2027"
FALL = "s1-2027"
SPRING = "s2-2027"

BEGIN = {FULL_YEAR: "2026-08-10", FALL: "2026-08-10", SPRING: "2027-01-05", YEAR: "2026-08-10"}
END = {FULL_YEAR: "2027-05-28", FALL: "2026-12-19", SPRING: "2027-05-28", YEAR: "2027-05-28"}


def day_date(day: int) -> str:
    """ISO date on which the roster of day 1, 2, … is taken."""
    return (FIRST_DAY + timedelta(days=day - 1)).isoformat()


def school_day(offset: int) -> str:
    """ISO date this many days after the first day of school."""
    return (date.fromisoformat(BEGIN[YEAR]) + timedelta(days=offset)).isoformat()


def session_rows() -> list[tuple[str, ...]]:
    """Rows of academicSessions.csv after the two delta columns: id, title, type, start, end, parent, year."""
    return [
        ("sy-2026", "2025-2026", "schoolYear", "2025-08-11", "2026-05-29", "", "2026"),
        ("s1-2026", "Semester 1 2025-2026", "semester", "2025-08-11", "2025-12-20", "sy-2026", "2026"),
        ("s2-2026", "Semester 2 2025-2026", "semester", "2026-01-06", "2026-05-29", "sy-2026", "2026"),
        ("q4-2026", "Quarter 4 2025-2026", "gradingPeriod", "2026-03-16", "2026-05-29", "s2-2026", "2026"),
        (YEAR, "2026-2027", "schoolYear", BEGIN[YEAR], END[YEAR], "", "2027"),
        (FULL_YEAR, "Full Year", "term", BEGIN[YEAR], END[YEAR], YEAR, "2027"),
        (FALL, "Semester 1", "semester", BEGIN[FALL], END[FALL], YEAR, "2027"),
        (SPRING, "Semester 2", "semester", BEGIN[SPRING], END[SPRING], YEAR, "2027"),
        ("q1-2027", "Quarter 1", "gradingPeriod", "2026-08-10", "2026-10-10", FALL, "2027"),
        ("q2-2027", "Quarter 2", "gradingPeriod", "2026-10-12", "2026-12-19", FALL, "2027"),
        ("q3-2027", "Quarter 3", "gradingPeriod", "2027-01-05", "2027-03-13", SPRING, "2027"),
        ("q4-2027", "Quarter 4", "gradingPeriod", "2027-03-15", "2027-05-28", SPRING, "2027"),
    ]
