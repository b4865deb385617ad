"""Grades for the world of the bench `pages`: gradebooks of some sections, synced by two real runs, and many sections
and past runs in the shape of those. What later releases keep beside runs is made up for as well, so that a world which
was kept from an earlier time is completed and not built anew. A child process."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from zlib import crc32

from rollbook.connectors.base import Batch, Report, TargetTraits
from rollbook.core.duck import connect, quote
from rollbook.errors import BadResponse
from rollbook.roster.changes import DONE, REFUSED, Change, LiveRecord, Outcome
from rollbook.roster.grades import (
    GRADE_KINDS,
    ClassFacts,
    Grade,
    Gradebook,
    GradedItem,
    GradingCategory,
    Member,
    Session,
    SinkLimits,
    SisCategory,
)

_CATEGORIES = {"1": "Homework", "2": "Tests", "3": "Projects"}
_SIS = {"hw": "Homework", "te": "Tests", "pr": "Projects"}
_MAP = {"1": "hw", "2": "te", "3": "pr"}
#: The SIS refuses one result of so many, in one of so many sections.
_REFUSED_OF, _REFUSING_OF = 97, 3
#: Of the sections, one of so many has a category that nobody has decided about.
_OPEN_OF = 20
_FEWEST, _MOST = 10, 60
_PAST_RUNS = 40


def main(data: str, real: int, alike: int) -> dict[str, Any]:
    """`real` sections are synced, and `alike` more are rows."""
    import_module("rollbook.web")  # the settings of the pages come first
    from django.db import transaction

    from rollbook.store.models import GradeItem, GradeSection, Organization, Run, SectionLine
    from rollbook.store.setup import connect, migrate, setup

    connect(Path(data))
    migrate()  # the prepared organization may be kept from an earlier release
    folder = setup(Path(data))
    _keep_beside(folder)
    if not Run.objects.filter(pk=_past_run(0)).exists():
        organization = Organization.objects.get(slug="bench")
        books = Books(_members(folder, organization.pk, real))
        _sync(folder, organization, books)
        with transaction.atomic():
            _past(organization, books)
            _alike(organization, books, alike)
    tables = (SectionLine, GradeSection, GradeItem)
    return {table.__name__: table.objects.count() for table in tables}


def _keep_beside(folder: Any) -> None:
    """What is kept when a run ends."""
    from rollbook.engine.for_pages import prepare_lists
    from rollbook.store.blobs import open_blobs
    from rollbook.store.models import Run
    from rollbook.store.plan_counts import keep_counts
    from rollbook.store.runs import stored_plan

    prepare_lists(folder)
    mine = Run.objects.filter(plan__isnull=False, intents__isnull=False, plan_counts__isnull=True)
    for run in mine.distinct().defer("result"):
        plan = stored_plan(run)
        assert plan is not None
        keep_counts(run, plan, open_blobs(folder))


def _members(folder: Any, organization: int, number: int) -> dict[str, list[tuple[str, bool]]]:
    """Of sections spread over the ledger: their people, and whether each is a teacher."""
    from rollbook.store.blobs import open_blobs
    from rollbook.store.given_sections import given_sections
    from rollbook.store.ledger import current_version

    given = given_sections(organization, open_blobs(folder), None)
    codes = [one.code for one in given[:: max(1, len(given) // number)][:number]]
    path = open_blobs(folder).get(current_version(organization).files["enrollment"])
    found: dict[str, list[tuple[str, bool]]] = {code: [] for code in codes}
    with connect() as db:
        rows = db.execute(
            f"""SELECT section, "user", coalesce(admin, false) FROM read_parquet({quote(path)})
                WHERE section IN ({", ".join(map(quote, codes))}) ORDER BY ALL"""
        ).fetchall()
    for section, user, admin in rows:
        found[section].append((user, admin))
    return found


class Books:
    """The gradebooks of an LMS, and a SIS that takes most of what it is sent: both sides of the river of grades."""

    traits = TargetTraits(
        title="a SIS of this bench",
        kinds=frozenset({"line_item", "result"}),
        bulk={"line_item": 100, "result": 100},
        replay_safe=frozenset({"line_item", "result"}),
        removable=frozenset({"line_item", "result"}),
        parallel=1,
        slice_size=1000,
    )
    limits = SinkLimits(letters=True, flags=True)

    def __init__(self, members: dict[str, list[tuple[str, bool]]]) -> None:
        self.members = members
        self.day = 0
        self._there: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}

    def test(self) -> Report:
        return Report(ok=True, summary="Connected.", facts={})

    def close(self) -> None:
        pass

    # --- the LMS ------------------------------------------------------------------------------------------------------

    def gradebook(self, code: str, lms_id: str | None) -> Gradebook:
        people = self._people(code)
        items = [f"{crc32(code.encode())}-{place}" for place in range(number_of_items(code))]
        learners = [key for key, admin in people if not admin]
        categories = tuple(GradingCategory(id=own, title=title) for own, title in _CATEGORIES.items())
        return Gradebook(
            section=lms_id or code,
            categories=categories,
            items=tuple(
                GradedItem(
                    id=own, title=f"Assignment {place + 1}", points=20, category=str(1 + place % 3),
                    due=f"2026-{10 + place % 2}-{1 + place % 28:02}",
                )
                for place, own in enumerate(items)
            ),
            members=tuple(Member(id=key, user=key, unique_id=key, admin=admin) for key, admin in people),
            grades=tuple(
                Grade(item=item, member=key, score=float((crc32(f"{item}{key}".encode()) + self.day) % 21))
                for item in items
                for key in learners
            ),
        )  # fmt: skip

    def course_admins(self, code: str, lms_id: str | None) -> list[Member]:
        return [Member(id=key, user=key, unique_id=key, admin=True) for key, admin in self._people(code) if admin]

    def sections_of(self, unique_id: str, lms_id: str | None) -> frozenset[str]:
        return frozenset(code for code in self.members if unique_id in dict(self.members[code]))

    def _people(self, code: str) -> list[tuple[str, bool]]:
        if code not in self.members:
            raise BadResponse("there is no such section")
        return self.members[code]

    # --- the SIS ------------------------------------------------------------------------------------------------------

    def categories(self, class_id: str) -> Sequence[SisCategory]:
        return [SisCategory(id=own, title=title) for own, title in _SIS.items()]

    def class_facts(self, class_id: str) -> ClassFacts:
        year = Session(id="year", title="2026-2027", type="gradingPeriod", start="2026-08-01", end="2027-07-01")
        students = frozenset(key for key, admin in self._people(class_id) if not admin)
        return ClassFacts(id=class_id, school="school", sessions=(year,), students=students)

    def read(self, kind: str, class_id: str) -> Iterator[LiveRecord]:
        for own, fields in self._there.get((kind, class_id), {}).items():
            yield LiveRecord(kind=kind, lms_id=own, code=own, fields=fields)

    def look_up(self, changes: Sequence[Change]) -> Sequence[LiveRecord | None]:
        return [None for _ in changes]

    def apply(self, batch: Batch) -> Sequence[Outcome]:
        return [self._answer(change) for change in batch.changes]

    def _answer(self, change: Change) -> Outcome:
        strict = not crc32(change.after["class"].encode()) % _REFUSING_OF
        if change.kind == "result" and strict and not crc32(change.key.encode()) % _REFUSED_OF:
            return Outcome(status=REFUSED, message="the student is not enrolled in the class", code=422)
        there = self._there.setdefault((change.kind, change.after["class"]), {})
        there[change.key] = {
            name: change.after[name] for name in GRADE_KINDS[change.kind].fields if change.after.get(name) is not None
        }
        return Outcome(status=DONE, lms_id=change.key, code=201)


def number_of_items(code: str) -> int:
    return _FEWEST + crc32(code.encode()) % (_MOST - _FEWEST + 1)


def _sync(folder: Any, organization: Any, books: Books) -> None:
    """Two runs of these sections: everything, then what teachers have changed since."""
    from rollbook.actions.grades import GradesWanted, request_grades
    from rollbook.engine.waiting import work_until_ended
    from rollbook.engine.world import Doors
    from rollbook.store.models import GradeSection

    doors: Any = Doors  # of this process alone
    doors.grade_source = doors.grade_sink = lambda _doors: books
    GradeSection.objects.bulk_create(
        GradeSection(organization=organization, code=code, categories=_map_of(place))
        for place, code in enumerate(books.members)
        if not GradeSection.objects.filter(organization=organization, code=code).exists()
    )
    for day in (0, 1):
        books.day = day
        wanted = GradesWanted(despite_blackout=True)
        run = request_grades(org=organization.slug, sections=list(books.members), by="bench", wanted=wanted)
        ended = work_until_ended(folder, run.pk)
        assert ended.state in ("done", "held"), (ended.state, ended.error)


def _map_of(place: int) -> dict[str, str]:
    return {own: to for own, to in _MAP.items() if own != "3" or place % _OPEN_OF}


def _past_run(place: int) -> str:
    return f"1past{place:04d}-grds"


def _past(organization: Any, books: Books) -> None:
    """Runs of each section on the days before."""
    from rollbook.store.models import GradeSection, GradeSync, Run

    newest = Run.objects.filter(river="grades").order_by("-created_at")[0]
    runs = [
        Run(
            id=_past_run(place), organization=organization, river="grades", state="done", settled=True,
            kinds=newest.kinds, sections=newest.sections, requested_by="bench", settings_id=newest.settings_id,
        )
        for place in range(_PAST_RUNS)
    ]  # fmt: skip
    Run.objects.bulk_create(runs, batch_size=50)
    for place, run in enumerate(runs):
        run.created_at = run.started_at = run.ended_at = newest.created_at - timedelta(days=place + 1)
    Run.objects.bulk_update(runs, ["created_at", "started_at", "ended_at"], batch_size=50)
    sections = GradeSection.objects.filter(code__in=list(books.members))
    GradeSync.objects.bulk_create(
        (GradeSync(section=section, run=run, done=40, failed=place % 3) for section in sections for place, run in
         enumerate(runs[:28])),
        batch_size=1000,
    )  # fmt: skip


def _alike(organization: Any, books: Books, number: int) -> None:
    """Rows of more sections in the shape of the synced ones; their grades are in no run."""
    from rollbook.store.grade_states import restate
    from rollbook.store.models import GradeItem, GradeLedgerRow, GradeSection, SectionAdmin, SectionLine

    like = list(GradeSection.objects.filter(code__in=list(books.members)).order_by("pk"))
    lines = SectionLine.objects.filter(organization=organization).exclude(code__in=list(books.members))
    codes = list(lines.order_by("pk").values_list("code", flat=True))
    codes = codes[:: max(1, len(codes) // max(1, number))][:number]
    items = {one.pk: list(one.items.all()) for one in like}
    ledgers = {one.pk: list(one.ledger.order_by("-number")[:1]) for one in like}
    admins = {one.pk: list(one.admins.all()) for one in like}
    copies = []
    for place, code in enumerate(codes):
        row = like[place % len(like)]
        copies.append(
            GradeSection(
                organization=organization, code=code, categories=row.categories, seen=row.seen, seen_at=row.seen_at,
                synced_at=row.synced_at, admins_at=row.admins_at,
            )
        )  # fmt: skip
    GradeSection.objects.bulk_create(copies, batch_size=100)
    for place, section in enumerate(copies):
        pk = like[place % len(like)].pk
        for rows, table in ((items[pk], GradeItem), (admins[pk], SectionAdmin), (ledgers[pk], GradeLedgerRow)):
            for one in rows:
                one.pk, one.section_id = None, section.pk
            table.objects.bulk_create(rows, batch_size=100)
    restate(GradeSection.objects.filter(pk__in=[one.pk for one in copies]))


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
