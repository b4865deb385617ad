"""Mess in rows about classes, enrollments, orgs and sessions, and in how values are written."""

from __future__ import annotations

from pathlib import Path

from .mess_kit import COLUMNS, ROWS, Kinds, Mess, Row, data_files, edit, read, set_some, some

KINDS = Kinds()
_ENUMS = {"role": str.title, "roleType": str.title, "type": str.upper, "classType": str.title}
_LISTS = ("orgSourcedIds", "agentSourcedIds", "termSourcedIds", "grades", "userIds")
_DATES = ("startDate", "endDate", "beginDate")


@KINDS.add("dangling-enrollments", "A few enrollments name a user that does not exist.", ROWS)
def _dangling(folder: Path, mess: Mess) -> None:
    set_some(folder, "enrollments", lambda row: {"userSourcedId": "nobody-" + row["userSourcedId"][:8]})


@KINDS.add("dangling-classes", "A few classes name a course that does not exist.", ROWS)
def _no_course(folder: Path, mess: Mess) -> None:
    set_some(folder, "classes", lambda row: {"courseSourcedId": "no-" + row["courseSourcedId"]})


@KINDS.add("class-without-term", "A few classes have no term.", ROWS)
def _no_term(folder: Path, mess: Mess) -> None:
    set_some(folder, "classes", lambda row: {"termSourcedIds": ""})


def _drop_role(folder: Path, role: str) -> None:
    chosen = {row["sourcedId"] for number, row in enumerate(read(folder, "classes"), 1) if some(number)}

    def change(row: Row, number: int) -> list[Row] | None:
        return [] if row["classSourcedId"] in chosen and row["role"] == role else None

    edit(folder, "enrollments", change)


@KINDS.add("class-without-teacher", "A few classes have no teacher.", ROWS)
def _no_teacher(folder: Path, mess: Mess) -> None:
    _drop_role(folder, "teacher")


@KINDS.add("class-without-student", "A few classes have no pupil.", ROWS)
def _no_student(folder: Path, mess: Mess) -> None:
    _drop_role(folder, "student")


@KINDS.add("wrong-org-type", "One school in ten is called a department, yet classes are held there.", ROWS)
def _org_type(folder: Path, mess: Mess) -> None:
    set_some(folder, "orgs", lambda row: {"type": "department"}, 10)


@KINDS.add("wrong-session-type", "A few classes name a school year or a grading period as their term.", ROWS)
def _session_type(folder: Path, mess: Mess) -> None:
    set_some(folder, "classes", lambda row: {"termSourcedIds": "q1-2027"}, 50)
    set_some(folder, "classes", lambda row: {"termSourcedIds": "sy-2027"}, 70)


@KINDS.add("enrollment-outside-dates", "A few enrollments begin before and end after their class's terms.", ROWS)
def _outside(folder: Path, mess: Mess) -> None:
    set_some(folder, "enrollments", lambda row: {"beginDate": "2024-01-15", "endDate": "2028-12-31"})


@KINDS.add("swapped-dates", "A few enrollments and one grading period end before they begin.", ROWS)
def _swapped(folder: Path, mess: Mess) -> None:
    set_some(folder, "enrollments", lambda row: {"beginDate": row["endDate"], "endDate": row["beginDate"]})

    def change(row: Row, number: int) -> None:
        if row["sourcedId"] == "q3-2027":
            row["startDate"], row["endDate"] = row["endDate"], row["startDate"]

    edit(folder, "academicSessions", change)


def _edit_all(folder: Path, columns: tuple[str, ...], write: dict[str, object]) -> None:
    """Rewrite the named columns in every file that has one; `write` maps column → function of the text."""
    for path in data_files(folder):
        with path.open(encoding="utf-8") as file:
            found = [column for column in file.readline().strip().split(",") if column in columns]

        def change(row: Row, number: int, found: list[str] = found) -> None:
            for column in found:
                make = write[column]
                if row[column] and callable(make):
                    row[column] = make(row[column])

        if found:
            edit(folder, path.stem, change)


@KINDS.add("uppercase-booleans", "true and false are written TRUE and FALSE.", ROWS)
def _booleans(folder: Path, mess: Mess) -> None:
    _edit_all(folder, ("enabledUser", "primary"), {"enabledUser": str.upper, "primary": str.upper})


@KINDS.add("mixed-case-enums", "Roles and types have capitals: Student, SCHOOL, Scheduled.", ROWS)
def _enums(folder: Path, mess: Mess) -> None:
    _edit_all(folder, tuple(_ENUMS), dict(_ENUMS))


def _us(text: str) -> str:
    year, month, day = text.split("-")
    return f"{int(month)}/{day}/{year}"


@KINDS.add("us-dates", "Dates are written like 1/05/2023.", ROWS)
def _us_dates(folder: Path, mess: Mess) -> None:
    _edit_all(folder, _DATES, dict.fromkeys(_DATES, _us))


@KINDS.add("spaces-after-commas", "Lists have a space after each comma.", ROWS)
def _spaces(folder: Path, mess: Mess) -> None:
    _edit_all(folder, _LISTS, dict.fromkeys(_LISTS, lambda text: text.replace(",", ", ")))


@KINDS.add("unknown-columns", "Users and classes have columns that no version knows, in the middle.", COLUMNS)
def _unknown(folder: Path, mess: Mess) -> None:
    def change(row: Row, number: int) -> None:
        row["lockerNumber"] = str(1000 + number % 9000)

    for name in ("users", "classes"):
        edit(folder, name, change, lambda header: [*header[:5], "lockerNumber", *header[5:]])


@KINDS.add("missing-columns", "Users lack the columns enabledUser and email, classes lack classType.", COLUMNS)
def _missing(folder: Path, mess: Mess) -> None:
    for name in ("users", "classes"):
        edit(
            folder,
            name,
            lambda row, number: None,
            lambda header: [c for c in header if c not in ("enabledUser", "email", "classType")],
        )
