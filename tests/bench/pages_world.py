"""The world of the bench `pages`: one big organization, made by three real runs, and a thousand past ones.

A child process. Day 1 is synced into an LMS in this process that refuses a few; a dry run of day 2 looks at both
systems; then day 2 is synced under tight limits, so that some of it is held. The past runs are rows in the shape of
those: one in ten has files and a journal of its own, the others share them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any
from zlib import crc32

from rollbook.connectors.base import Batch
from rollbook.core.duck import connect, quote
from rollbook.roster.changes import REFUSED, Change, LiveRecord, Outcome
from rollbook.roster.lms import CREATE, KINDS
from rollbook.roster.settings import ANY
from tests.bench.river import YesTarget

ORG = "bench"
SETTINGS = """
organization: {{slug: bench, name: Bench, timezone: America/New_York}}
sis: {{connector: oneroster_csv, options: {{path: {day}}}}}
lms: {{connector: memory, options: {{space: bench, key: memory}}}}
active_year: "2027"
schools: {schools}
terms: {terms}
roles: {roles}
users: {{passwords: {passwords}}}
live: {{compare: never}}
schedule: {{mode: scheduled, every: daily, window: "01:00-03:00"}}
limits:
  remove: {{percent: {percent}, from: {least}}}
  update: {{percent: {percent}, from: {least}}}
  create: {{percent: {percent}, from: {least}}}
"""
_MAPPED = {
    "schools": "create",
    "terms": {"*": "create"},
    "roles": {"student": "Student", "teacher": "Teacher", "guardian": "Parent", "parent": "Parent", "*": "skip"},
}
#: Of so many new records the LMS refuses one, and of a tenth as many others.
_REFUSED_OF = 1009


def main(data: str, days: Sequence[str], runs: int, least: int) -> dict[str, Any]:
    import_module("rollbook.web")  # the settings of the pages come first
    from rollbook.store.setup import setup
    from tests.bench.pages_past import fill

    folder = setup(Path(data))
    states = _sync(folder, days, least)
    return {"states": states, **fill(folder, runs)}


def _sync(folder: Any, days: Sequence[str], least: int) -> list[str]:
    """The three real runs, and what the pages choose from. The last one holds `least` changes of a school and more."""
    from rollbook.actions.matching import LOOKED, finish_data_prep
    from rollbook.actions.runs import Wanted
    from rollbook.engine.directory import look
    from rollbook.engine.world import Doors
    from rollbook.store.models import Organization

    target = SomeTarget(folder)
    doors: Any = Doors  # of this process alone
    doors.target = lambda _doors: target
    first, second = days
    whole = {"percent": 100, "least": 1}
    _save(folder, day=first, passwords="none", **whole)
    states = [_run(folder, Wanted())]
    _save(folder, day=second, passwords="none", **whole)
    organization = Organization.objects.get()
    for side in ("sis", "lms"):
        look(folder, organization, side, by="bench")
    target.newcomers = _newcomers(first, second)
    states.append(_run(folder, Wanted(dry_run=True, compare_live=True)))
    finish_data_prep(org=ORG, by="bench", how=LOOKED)
    target.newcomers = []
    _save(folder, day=second, passwords="none", percent=1, least=least)
    states.append(_run(folder, Wanted()))
    _save(folder, day=second, passwords="generate", **whole, **_maps(organization))
    return states


def _save(folder: Any, **given: Any) -> None:
    from rollbook.actions.secret_texts import Surroundings
    from rollbook.actions.settings import import_settings

    text = SETTINGS.format(**({name: json.dumps({ANY: value}) for name, value in _MAPPED.items()} | given))
    import_settings(text, name=ORG, around=Surroundings({}, folder.path), by="bench")


def _maps(organization: Any) -> dict[str, str]:
    """Every school by name with maps of its own, as people save them; and a year to which the SIS will come."""
    from rollbook.store.models import DirectoryRow

    lists = DirectoryRow.objects.filter(organization=organization)
    schools = [row["id"] for row in lists.get(name="sis.orgs").rows]
    sessions = lists.get(name="sis.academicSessions")
    terms = {row["id"]: "create" for row in sessions.rows if row["type"] != "schoolYear"}
    sessions.rows.append({**sessions.rows[0], "id": "next-year", "title": "2027-2028", "year": "2028"})
    sessions.save()
    mapped = _MAPPED | {"terms": terms}
    return {name: json.dumps({ANY: _MAPPED[name]} | dict.fromkeys(schools, value)) for name, value in mapped.items()}


def _run(folder: Any, wanted: Any) -> str:
    from rollbook.actions.runs import request_run
    from rollbook.engine.waiting import work_until_ended

    run = work_until_ended(folder, request_run(org=ORG, wanted=wanted, by="bench").pk)
    assert run.state in ("done", "held", "planned"), (run.state, run.error)
    return str(run.state)


def _newcomers(first: str, second: str) -> list[LiveRecord]:
    """Accounts of the LMS that may be those of people who are new on the second day, and as many of nobody known."""
    named = '"givenName", "familyName", "username", "email"'
    with connect() as db:
        rows = db.execute(
            f"""SELECT {named} FROM read_csv({quote(Path(second) / "users.csv")}, all_varchar = true)
                WHERE "sourcedId" NOT IN (SELECT "sourcedId"
                                          FROM read_csv({quote(Path(first) / "users.csv")}, all_varchar = true))
                AND "username" IS NOT NULL ORDER BY "sourcedId" LIMIT 4000"""
        ).fetchall()
    found = []
    for place, (given, family, username, email) in enumerate(rows):
        fields = {"first_name": given, "last_name": family, "username": username, "email": email, "role": "Student"}
        if place % 2:
            fields |= {"username": f"other.{place}", "email": f"other.{place}@example.org"}
        found.append(LiveRecord(kind="user", lms_id=f"9000{place}", code=f"old-{place}", fields=fields))
    return found


class SomeTarget(YesTarget):
    """As YesTarget, but it refuses some and shows what it holds: what the ledger knows, and newcomers. Its slices are
    as small as those of a real LMS, so that the journal has as many rows."""

    traits = replace(YesTarget.traits, slice_size=1000)

    def __init__(self, folder: Any) -> None:
        super().__init__()
        self._folder = folder
        self.newcomers: list[LiveRecord] = []

    def apply(self, batch: Batch) -> Sequence[Outcome]:
        return [self._answer(change) for change in batch.changes]

    def _answer(self, change: Change) -> Outcome:
        small = change.kind in ("building", "grading_period", "course")
        mark = crc32(change.key.encode())
        if small or mark % (_REFUSED_OF if change.action == CREATE else _REFUSED_OF // 10):
            return self._apply(change)
        said = f"{change.kind.replace('_', ' ')}: a value is not allowed ({mark % 20})"
        return Outcome(status=REFUSED, message=said, code=400)

    def read(self, kind: str, *, within: Sequence[str] = ()) -> Iterator[LiveRecord]:
        if kind in ("building", "grading_period"):
            yield from super().read(kind)
        elif kind in ("user", "course", "section"):
            yield from self._held(kind)
            yield from self.newcomers if kind == "user" else ()

    def _held(self, kind: str) -> Iterator[LiveRecord]:
        """What the ledger says; parents are named by their LMS ids."""
        from rollbook.store.blobs import open_blobs
        from rollbook.store.ledger import current_version
        from rollbook.store.models import Organization

        files, blobs = current_version(Organization.objects.get().pk).files, open_blobs(self._folder)
        if kind not in files:
            return
        names = [name for name in KINDS[kind].fields if name not in KINDS[kind].parents]
        with connect() as db:
            chosen = ", ".join(f'"{name}"' for name in names)
            cursor = db.execute(
                f"SELECT lms_id, key, {chosen} FROM read_parquet({quote(blobs.get(files[kind]))}) WHERE lms_id NOT NULL"
            )
            while rows := cursor.fetchmany(5000):
                for lms_id, key, *values in rows:
                    fields = dict(zip(names, values, strict=True))
                    yield LiveRecord(kind=kind, lms_id=lms_id, code=key, fields=fields)


if __name__ == "__main__":
    print(json.dumps(main(**json.loads(sys.argv[1]))))
