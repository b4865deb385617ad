"""`moodle`: a first sync into a Moodle and one without changes, against what the calls themselves take.

10,000 users, 400 courses and 50,000 enrollments by the Moodle connector into the practice Moodle, where a call takes
5 ms, each user it writes 6 ms and each enrollment 3 ms, one call at a time per connection. What counts is how long
no call was under way while the run went on, planning and settling included. Once more with two calls worked at at once,
as on a server with two cores, and with rows of people locked until a call ends: that is 105 s of work at the least.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.bench.measure import Watched, about, figure, serving, watch

STUDENTS = 9_600
#: For so many students there is a course, and each is in five, every sixth in six.
_PER_COURSE, _EACH_IN, _SCHOOLS = 24, 5, 8
_SLOW = {"call_seconds": 0.005, "user_seconds": 0.006, "enrolment_seconds": 0.003}


def run(students: int | None, work: Path) -> dict[str, Any]:
    number = students or STUDENTS
    day = district(work / "district", number)
    free, (first, again) = sync(work / "free", day, runs=2)
    narrow, (crowded,) = sync(work / "narrow", day, site={"workers": 2, "faults": ["deadlocks"]})
    whole = students is None
    return {
        "students": number,
        "about": about(__doc__),
        "figures": [
            figure("users", first["done"]["user"], "", at_least=10_000 if whole else None),
            figure("courses of Moodle", first["done"]["section"], "", at_least=400 if whole else None),
            figure("enrollments", first["done"]["enrollment"], "", at_least=50_000 if whole else None),
            figure("first sync", first["wall"], "s", at_most=120.0 if whole else None),
            figure("first sync: calls", first["calls"], ""),
            figure("first sync: no call under way", first["idle"], "%", at_most=0.1 if whole else None),
            figure("sync without changes", again["wall"], "s", at_most=5.0 if whole else None),
            figure("sync without changes: writes", again["writes"], "", at_most=0),
            figure("first sync, two calls worked at at once", crowded["wall"], "s", at_most=120.0 if whole else None),
            figure("the same: no call under way", crowded["idle"], "%", at_most=0.1 if whole else None),
            figure("the same: enrollments", crowded["done"]["enrollment"], "", at_least=50_000 if whole else None),
            figure("the same: calls undone in a deadlock", crowded["undone"], "", at_most=0),
        ],
        "details": {"runs": [first, again], "two workers": [crowded], **free.row(), "narrow": narrow.row()},
    }


def sync(
    work: Path, day: Path, *, runs: int = 1, site: dict[str, Any] | None = None, options: dict[str, Any] | None = None
) -> tuple[Watched, list[dict[str, Any]]]:
    """So many runs into a site of its own, with these settings and options of the connection."""
    work.mkdir(parents=True)
    with serving(kind="moodle", **{**_SLOW, **(site or {})}) as url:
        watched = watch("moodle_child", url=url, day=str(day), work=str(work), runs=runs, options=options or {})
    return watched, watched.answer["runs"]


def district(folder: Path, students: int) -> Path:
    """OneRoster files of a district with so many students, a course for every 24 of them, and a teacher each."""
    folder.mkdir(parents=True, exist_ok=True)
    classes = max(1, students // _PER_COURSE)
    schools = [f"school-{n}" for n in range(min(_SCHOOLS, classes))]
    school_of = [schools[n % len(schools)] for n in range(classes)]
    _file(folder, "orgs", "sourcedId,name,type,identifier", [(s, s.title(), "school", s.upper()) for s in schools])
    _file(folder, "academicSessions", "sourcedId,title,type,startDate,endDate,schoolYear",
          [("year", "2026-2027", "schoolYear", "2026-08-10", "2027-05-28", "2027")])  # fmt: skip
    _file(folder, "courses", "sourcedId,title,courseCode,orgSourcedId",
          [(f"crs-{n}", f"Course {n}", f"C{n}", school_of[n]) for n in range(classes)])  # fmt: skip
    _file(
        folder,
        "classes",
        "sourcedId,title,courseSourcedId,classType,schoolSourcedId,termSourcedIds",
        [(f"cls-{n}", f"Course {n}", f"crs-{n}", "scheduled", school, "year") for n, school in enumerate(school_of)],
    )
    people = [_person("t", n, "teacher", school_of[n]) for n in range(classes)]
    people += [_person("s", n, "student", school_of[n % classes]) for n in range(students)]
    _file(folder, "users", "sourcedId,enabledUser,orgSourcedIds,role,username,givenName,familyName,email", people)
    given = [(f"cls-{n}", f"t-{n}", "teacher", school_of[n]) for n in range(classes)]
    for n in range(students):
        chosen = dict.fromkeys((n + k * max(1, len(schools))) % classes for k in range(_EACH_IN + (n % 6 == 0)))
        given += [(f"cls-{c}", f"s-{n}", "student", school_of[c]) for c in chosen]
    _file(folder, "enrollments", "sourcedId,classSourcedId,userSourcedId,role,schoolSourcedId",
          [(f"e-{n}", *each) for n, each in enumerate(given)])  # fmt: skip
    properties = [("manifest.version", "1.0"), ("oneroster.version", "1.1")]
    names = ("orgs", "academicSessions", "courses", "classes", "users", "enrollments")
    _file(folder, "manifest", "propertyName,value", [*properties, *((f"file.{name}", "bulk") for name in names)])
    return folder


def _person(letter: str, n: int, role: str, school: str) -> tuple[str, ...]:
    key = f"{letter}-{n}"
    return (key, "true", school, role, key, "Ana", f"Diaz {n}", f"{key}@district.example")


def _file(folder: Path, name: str, header: str, rows: Iterable[Sequence[str]]) -> None:
    with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header.split(","))
        writer.writerows(rows)
