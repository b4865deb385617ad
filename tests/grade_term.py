"""A seeded term of grading in a practice LMS, week by week, and what both gradebooks then hold: read by bare clients
that share no code with what is tested."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from tests.cli.kit import Command
from tests.grade_town import ORG, BareSis, Teacher

_ZONE: Final = ZoneInfo("America/New_York")
#: What the LMS's exceptions become in the SIS (OneRoster 1.1 has no flags): status, whether a score goes along, words.
_STATES: Final[Mapping[int, tuple[str, bool, str]]] = {
    0: ("fully graded", True, ""),
    1: ("exempt", False, ""),
    2: ("partially graded", False, "Incomplete"),
    3: ("not submitted", False, "Missing"),
    4: ("fully graded", True, "Late"),
}
_EXCUSED, _MISSING, _LATE = 1, 3, 4

#: Of a line item: title, points, due moment. Of a result: status, score, comment.
ItemFields = tuple[str, float, str]
ResultFields = tuple[str, float | None, str]


@dataclass
class Book:
    """A gradebook: line items by a name, and results by that name and the student."""

    items: dict[str, ItemFields] = field(default_factory=dict)
    results: dict[tuple[str, str], ResultFields] = field(default_factory=dict)

    def by_title(self) -> Book:
        """Named by titles, as the SIS's ids say nothing about the LMS's."""
        title = {own: fields[0] for own, fields in self.items.items()}
        return Book(
            items={title[own]: fields for own, fields in self.items.items()},
            results={(title[own], student): fields for (own, student), fields in self.results.items()},
        )

    def changes_since(self, before: Book) -> int:
        """How many line items and results are new, different or gone."""
        return _differing(self.items, before.items) + _differing(self.results, before.results)


def _differing(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> int:
    return sum(one.get(key) != other.get(key) for key in one.keys() | other.keys())


class Course:
    """One section in a term: its teacher does something every week. `holds` is what the SIS holds after the last sync
    that went well, `chosen` what becomes of items that are deleted in the LMS."""

    def __init__(self, teacher: Teacher, dice: random.Random) -> None:
        self.teacher, self._dice = teacher, dice
        self._categories = [teacher.category("Homework"), teacher.category("Quizzes")]
        self._number = 0
        self._items: list[int] = []
        self.holds = Book()
        self.chosen: dict[str, str] = {}

    def week(self, acts: int) -> None:
        """A new item or two, graded at once, and so many changes of mind."""
        for _ in range(self._dice.randint(1, 2)):
            self._new_item()
        self.change(acts)
        if len(self._items) > 3 and self._dice.random() < 0.4:
            gone = self._items.pop(self._dice.randrange(len(self._items) - 1))
            self.teacher.delete(gone)

    def change(self, acts: int) -> None:
        """So many changes of mind about what is there."""
        choices = (self._regrade, self._regrade, self._clear, self._excuse, self._late, self._edit)
        for _ in range(acts):
            self._dice.choice(choices)()

    def choose(self) -> dict[str, str]:
        """Decide about deleted items that the SIS holds."""
        there = self.book().items
        open_ = [own for own in self.holds.items if own not in there and own not in self.chosen]
        fresh = {own: self._dice.choice(("remove", "keep")) for own in open_}
        self.chosen |= fresh
        return fresh

    def wanted(self) -> Book:
        """What the SIS shall hold, by the LMS's ids of items: the LMS's gradebook, and what is deleted there unless
        somebody chose to take it away."""
        found = self.book()
        for own in self.holds.items.keys() - found.items.keys():
            if self.chosen.get(own) != "remove":
                found.items[own] = self.holds.items[own]
                found.results |= {place: one for place, one in self.holds.results.items() if place[0] == own}
        return found

    def book(self) -> Book:
        """What the LMS's gradebook holds, in the SIS's words."""
        own, found = f"sections/{self.teacher.section}", Book()
        for one in self._all(f"{own}/assignments", "assignment"):
            due = datetime.fromisoformat(one["due"]).replace(tzinfo=_ZONE).astimezone(UTC)
            found.items[str(one["id"])] = (one["title"], float(one["max_points"]), f"{due:%Y-%m-%dT%H:%M}")
        students = {str(member): student for student, member in self.teacher.members.items()}
        for one in self._all(f"{own}/grades", "grades", "grade"):
            exception, empty = int(one["exception"] or 0), one["grade"] in (None, "")
            status, scored, words = _STATES[exception]
            if empty and not exception:
                continue
            place = (str(one["assignment_id"]), students[str(one["enrollment_id"])])
            found.results[place] = (status, float(one["grade"]) if scored else None, words)
        return found

    def _all(self, path: str, *keys: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            page: Any = self.teacher.call("GET", f"{path}?limit=200&start={len(found)}")
            for key in keys:
                page = page[key]
            found += page
            if len(page) < 200:
                return found

    # --- what a teacher does ----------------------------------------------------------------------------------------

    def _new_item(self) -> None:
        self._number += 1
        day, hour = self._dice.randint(1, 28), self._dice.choice(["08:00:00", "23:59:00"])
        due = f"2026-{self._dice.choice(['09', '10', '11'])}-{day:02} {hour}"
        category = self._dice.choice(self._categories)
        made = self.teacher.item(f"Item {self._number}", max_points=20, due=due, grading_category=category)
        self._items.append(made)
        students = self._dice.sample(sorted(self.teacher.members), len(self.teacher.members) * 3 // 4)
        self.teacher.grade([(made, student, self._score(), 0) for student in students])

    def _regrade(self) -> None:
        self._put(self._score(), 0)

    def _clear(self) -> None:
        self._put("", 0)

    def _excuse(self) -> None:
        self._put("", self._dice.choice((_EXCUSED, _MISSING)))

    def _late(self) -> None:
        self._put(self._score(), _LATE)

    def _edit(self) -> None:
        self._number += 1
        self.teacher.change(self._dice.choice(self._items), title=f"Item {self._number}", max_points=25)

    def _put(self, grade: Any, exception: int) -> None:
        student = self._dice.choice(sorted(self.teacher.members))
        self.teacher.grade([(self._dice.choice(self._items), student, grade, exception)])

    def _score(self) -> float:
        return self._dice.choice((0, 0.5, 7, 12.25, 20))


def sis_book(sis: BareSis, code: str) -> tuple[Book, int]:
    """What the SIS holds of a class, by the titles of its line items; and how many line items or results are there more
    than once."""
    found, titles, doubled = Book(), {}, 0
    for one in sis.records(f"/classes/{code}/lineItems", "lineItems"):
        titles[one["sourcedId"]] = title = one["title"]
        doubled += title in found.items
        found.items[title] = (title, float(one["resultValueMax"]), one["dueDate"][:16])
    for one in sis.records(f"/classes/{code}/results", "results"):
        place = (titles[one["lineItem"]["sourcedId"]], one["student"]["sourcedId"])
        doubled += place in found.results
        status = one["scoreStatus"]
        score = float(one["score"]) if status == "fully graded" else None  # 1.1 says 0 where none was given
        found.results[place] = (status, score, one.get("comment") or "")
    return found, doubled


#: Faults that pass, or end a run in words; `%` is a number of calls that are left alone first.
SIS_FAULTS: Final[Sequence[str]] = (
    "drop_answer:times=3,every=5,after=%,method=PUT", "server_error:times=2,after=%", "throttle:times=2,after=%",
    "expire_token:uses=9", "html:times=1,after=%,method=GET", "slow:seconds=0.03,method=PUT",
    "half_page:times=1,after=%", "server_error:times=9,after=%,method=PUT", "drop_answer:times=2,method=DELETE",
    "forbidden:after=%", "unauthorized:after=%",
)  # fmt: skip
LMS_FAULTS: Final[Sequence[str]] = (
    "throttle:times=1,after=%", "server_error:times=2,after=%", "half_page:times=1", "drop_answer:times=1,after=%",
    "truncate:times=1,after=%", "wrong_total:times=1,path=/v1/sections",
    "forbidden:after=%",
)  # fmt: skip
_SLOW: Final = "slow:seconds=1,after=%"


@dataclass
class Told:
    """What a term came to. `changes`: line items and results that changed between two syncs, as the LMS's gradebook
    shows it; `writes`: calls that the SIS was sent for them, `again`: by one more sync at the end."""

    runs: int = 0
    kills: int = 0
    broken: int = 0  # runs that faults ended
    changes: int = 0
    writes: int = 0
    differences: int = 0
    doubled: int = 0
    again: int = 0


class Term:
    """Some sections of one organization, whose roster is in the LMS and whose SIS takes grades. `rollbook` is the
    command on its data folder. A seed gives the same term each time, whatever becomes of its runs."""

    def __init__(
        self, seed: int, rollbook: Command, sis: BareSis, lms: str, codes: Sequence[str], *, always: Sequence[str] = ()
    ) -> None:
        """`always` are ways of the SIS that are no trouble."""
        self._always = list(always)
        self._rollbook, self._sis, self._lms = rollbook, sis, lms
        self._dice = random.Random(f"{seed} trouble")
        self._sections = [part for code in codes for part in ("--section", code)]
        self.told = Told()
        self.courses = [Course(Teacher(lms, sis.http, code), random.Random(f"{seed} {code}")) for code in codes]
        self.faults()
        self._decide_categories()

    def week(self, acts: int, *, trouble: bool = False, kill: bool = False) -> None:
        """Teachers grade; with `trouble` the first run of the week meets faults, or dies; then teachers change their
        minds, and a run without trouble ends the week. What was deleted is decided about."""
        self._sis.control("reset-counters")
        for course in self.courses:
            course.week(acts)
        if trouble:
            self._trouble(kill=kill)
        for course in self.courses:
            course.change(acts // 2)
        self.sync()
        chosen = {course.teacher.code: fresh for course in self.courses if (fresh := course.choose())}
        for code, fresh in chosen.items():
            said = [part for item, choice in fresh.items() for part in (f"--{choice}", item)]
            self._rollbook("grades", "items", ORG, "--section", code, *said, schema="grades-items")
        if chosen:
            self.sync()

    def sync(self) -> None:
        """A run that meets no trouble; both gradebooks are compared afterwards."""
        wanted = [course.wanted() for course in self.courses]
        changes = [each.changes_since(course.holds) for course, each in zip(self.courses, wanted, strict=True)]
        writes = self._sis.writes()
        run = self._rollbook("grades", "sync", ORG, *self._sections)
        assert run["state"] == "done", run
        self.told.runs += 1
        self.told.changes += sum(changes)
        self.told.writes += self._sis.writes() - writes
        for course, each in zip(self.courses, wanted, strict=True):
            course.holds = each
            there, doubled = sis_book(self._sis, course.teacher.code)
            self.told.differences += each.by_title().changes_since(there)
            self.told.doubled += doubled

    def sync_again(self) -> None:
        """One more sync: it has nothing to send."""
        writes = self._sis.writes()
        self.sync()
        self.told.again += self._sis.writes() - writes

    def arrive(self, day: Path) -> None:
        """The SIS has another day: students who came late are in their classes, and then in the LMS."""
        self._sis.control("load", directory=str(day))
        self._rollbook("sync", ORG)
        for course in self.courses:
            course.teacher.meet()

    # --- trouble ----------------------------------------------------------------------------------------------------

    def _some(self, known: Sequence[str], most: int) -> list[str]:
        chosen = self._dice.sample(known, self._dice.randint(0, most))
        return [one.replace("%", str(self._dice.randint(0, 12))) for one in chosen]

    def faults(self, sis: Sequence[str] = (), lms: Sequence[str] = ()) -> None:
        """These faults, and no others."""
        self._sis.control("faults", clear=True, on=[*self._always, *sis])
        body = {"clear": True, "on": list(lms)}
        self._sis.http.post(f"{self._lms}/_practice/faults", json=body).raise_for_status()

    def start(self, *sections: str) -> subprocess.Popen[bytes]:
        """A sync as a process of its own."""
        command = [sys.executable, "-m", "rollbook.cli", "grades", "sync", ORG, *sections]
        where = {**os.environ, "ROLLBOOK_DATA": str(self._rollbook.data), "ROLLBOOK_ALLOW_PRIVATE_HOSTS": "1"}
        return subprocess.Popen(command, env=where, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def _trouble(self, *, kill: bool) -> None:
        changes = sum(course.wanted().changes_since(course.holds) for course in self.courses)
        calls = self._dice.randint(1, changes + 8 * len(self.courses))
        slow = [_SLOW.replace("%", str(calls))] if kill else []  # it does not end before it is killed
        self.faults([*self._some(SIS_FAULTS, 2), *slow], self._some(LMS_FAULTS, 1))
        self.told.runs += 1
        if kill:
            self._kill_after(calls)
        else:
            answer = self._rollbook.text("grades", "sync", ORG, *self._sections, "--json")
            self.told.broken += answer.code != 0
        self.faults()

    def _kill_after(self, calls: int) -> None:
        """A process that dies after so many calls to the SIS, or ends before."""
        least = self._calls() + calls
        process = self.start(*self._sections)
        while process.poll() is None and self._calls() < least:
            time.sleep(0.01)
        self.told.kills += process.poll() is None
        process.kill()
        process.wait()

    def _calls(self) -> int:
        asked = self._sis.http.get(f"{self._sis.url}/_practice/requests").raise_for_status()
        return int(asked.json()["total"])

    def _decide_categories(self) -> None:
        self._rollbook("grades", "plan", ORG, *self._sections)
        for course in self.courses:
            maps = ("--set", "Homework=hw", "--set", "Quizzes=te")
            self._rollbook("grades", "map", ORG, "--section", course.teacher.code, *maps, schema="grades-map")
