"""What the bench `pages` asks for: many addresses of each page, as people get to them. Of the prepared world only."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote as part
from urllib.parse import urlencode

from rollbook.core.duck import connect, quote
from tests.bench.pages_world import ORG

#: An organization that has only been made.
EMPTY = "other-0"
#: Addresses that answer no page to who only looks, with the reason.
NOT_ASKED = {
    "": "leads on to the only organization of a person",
    "o/<slug:slug>/configuration/year/read/": "leads back to Configuration: it takes a form",
    "o/<slug:slug>/configuration/year/preview/": "leads back to the page of the year: it takes a form",
    "o/<slug:slug>/configuration/sis/": "leads back to Configuration: it takes a form",
    "o/<slug:slug>/configuration/sis/test/": "leads back to Configuration: it takes a form",
    "o/<slug:slug>/configuration/lms/": "leads back to Configuration: it takes a form",
    "o/<slug:slug>/configuration/lms/test/": "leads back to Configuration: it takes a form",
    "o/<slug:slug>/configuration/lms/choose/": "leads back to Configuration: it takes a form",
    "o/<slug:slug>/configuration/schedule/": "leads back to Configuration: it takes a form",
    "o/<slug:slug>/configuration/schedule/grades/": "leads back to Configuration: it takes a form",
    "o/<slug:slug>/configuration/schedule/preview/": "leads back to Configuration: it takes a form",
    "o/<slug:slug>/manage-users/passwords/": "leads back to Manage Users: it takes a form, after signing in again",
    "o/<slug:slug>/manage-users/passwords.csv": "leads back to Manage Users: it takes a form, after signing in again",
    "o/<slug:slug>/platforms/<int:number>/remove/": "no LMS is registered for launches in the prepared world",
    "launch/app-center/<str:key>/": "takes what an LMS signs",
    "launched/<str:code>/": "takes the code of a launch",
    "permission/<str:code>/": "takes the answer of an LMS that was asked",
    "lti/<str:org>/login/": "leads on to an LMS",
    "lti/register/<str:code>/": "takes the code of a registration, and asks the LMS",
    "lti/keys/": "no page: keys, for an LMS",
}
_HERE = "o/<slug:slug>/"
_API = "api/v1/o/<slug:slug>"
#: Rows, entries or lines that must be in what is answered, so that an empty page does not count.
LEAST_ROWS = {
    "organizations/": 20,
    f"{_HERE}": 20,
    f"{_HERE}schools/": 15,  # few are not mapped
    f"{_HERE}terms/": 20,
    f"{_HERE}data-prep/": 10,
    f"{_HERE}users/": 20,
    f"{_HERE}courses/": 20,
    f"{_HERE}sections/": 20,
    f"{_HERE}grades/": 20,
    f"{_HERE}grades/items/<path:section>/": 10,
    f"{_HERE}grades/item/<path:section>/": 3,
    f"{_HERE}grades/teachers/": 4,
    f"{_HERE}plan/": 10,
    f"{_HERE}plan/<run>/": 10,
    f"{_HERE}plan/pins/": 20,
    f"{_HERE}logs/": 10,
    f"{_HERE}logs/<run>/": 10,
    f"{_HERE}manage-users/": 20,
    f"{_HERE}people/": 20,
    f"{_HERE}audit/": 20,
    f"{_API}/runs": 10,
    f"{_API}/notices": 10,
}


class Some:
    """A few of everything in the prepared world, spread over it."""

    def __init__(self, folder: Any) -> None:
        from rollbook.store.models import Account, HoldRow, River, Run

        runs = Run.objects.filter(plan__isnull=False, river=River.ROSTER)
        mine = list(runs.filter(intents__isnull=False).distinct().order_by("-pk").values_list("pk", flat=True))
        #: The newest runs, each with files of its own, and the first one, whose plan has everything.
        self.first, self.runs = mine[-1], mine[:-1]
        self.holds = [*HoldRow.objects.filter(run=self.runs[0]).values_list("hold", flat=True)[:60]]
        self.members = list(
            Account.objects.filter(memberships__organization__slug=ORG).values_list("pk", flat=True)[:50]
        )
        self.people, self.sections, self.schools = _of_the_ledger(
            folder, Run.objects.get(pk=self.first).organization_id
        )

    def plain(self, pattern: str) -> str:
        """The one address of a page without parts of its own."""
        return self.at(pattern)

    def at(self, pattern: str, query: dict[str, Any] | None = None, **parts: Any) -> str:
        given = {"slug": ORG, "org": ORG, **parts}
        path = "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: part(str(given[found[1]])), pattern)
        return f"{path}?{urlencode(query)}" if query else path


def people_blob_of() -> Any:
    from django.db.models import Q

    return Q(result__people_blob__isnull=False) & ~Q(result__people_blob=None)


def _of_the_ledger(folder: Any, organization: int) -> tuple[list[Any], list[Any], list[str]]:
    from rollbook.store.blobs import open_blobs
    from rollbook.store.ledger import current_version

    files, blobs = current_version(organization).files, open_blobs(folder)
    found: dict[str, list[Any]] = {}
    with connect() as db:
        for kind, chosen in (("user", "key, lms_id, first_name, last_name, username, email, school"),
                             ("section", "key, title, school"), ("building", "school")):  # fmt: skip
            path = quote(blobs.get(files[kind]))
            every = max(1, db.execute(f"SELECT count(*) FROM read_parquet({path})").fetchall()[0][0] // 60)
            found[kind] = db.execute(
                f"SELECT {chosen} FROM read_parquet({path}, file_row_number = true) WHERE file_row_number % {every} = 0"
            ).fetchall()
    return found["user"], found["section"], [row[0] for row in found["building"] if row[0]]


def addresses(some: Some) -> dict[str, list[str]]:
    """Of the pages with parts, filters or pages; the others have one address."""
    parts = (_set_up, _plans, _logs, _lookings, _grades, _others, _api)
    return {pattern: asked for part_of in parts for pattern, asked in part_of(some).items()}


def _pages(some: Some, pattern: str, queries: Iterable[dict[str, Any]]) -> list[str]:
    return [some.at(pattern, query) for query in queries]


def _set_up(some: Some) -> dict[str, list[str]]:
    lists = [{}, *({"page": number} for number in range(2, 14)), {"q": "High"}, {"q": "Elementary"},
             {"show": "unmapped"}, {"show": "mapped"}, {"q": "a", "page": 3}]  # fmt: skip
    states = [
        {"show": state, "page": page}
        for page in (1, 2, 7, 40, 900, 20000)
        for state in ("conflict", "sis", "lms", "both")
    ]
    one = [{"org": school} for school in some.schools[:30]]
    return {
        f"{_HERE}select-sis/confirm/": [f"/o/{EMPTY}/select-sis/confirm/?sis=csv"],
        f"{_HERE}select-sis/": _pages(some, f"{_HERE}select-sis/", [{}, {"q": "power"}, {"q": "csv"}]),
        f"{_HERE}configuration/year/": _pages(some, f"{_HERE}configuration/year/", [{"year": "2028"}]),
        f"{_HERE}schools/": _pages(some, f"{_HERE}schools/", lists),
        f"{_HERE}terms/": _pages(some, f"{_HERE}terms/", lists),
        f"{_HERE}terms/school/<path:org>/": [some.at(f"{_HERE}terms/school/<path:org>/", **parts) for parts in one],
        f"{_HERE}terms/copy/<path:org>/": [some.at(f"{_HERE}terms/copy/<path:org>/", **parts) for parts in one],
        f"{_HERE}data-prep/": _pages(some, f"{_HERE}data-prep/", states),
        f"{_HERE}data-prep/people.csv": _pages(some, f"{_HERE}data-prep/people.csv", [{}, {"show": "both"}]),
        **{
            f"{_HERE}{name}/": _pages(some, f"{_HERE}{name}/", [{}, {"page": 2}, {"page": 9}, {"q": "High"}])
            for name in ("users", "courses", "sections")
        },
    }  # fmt: skip


def _plans(some: Some) -> dict[str, list[str]]:
    school, hold = some.schools[len(some.schools) // 2], some.holds[0]
    filters: list[dict[str, Any]] = [
        {}, {"after": 40_000}, {"kind": "enrollment"}, {"kind": "user", "action": "update"}, {"school": school},
        {"outcome": "refused"}, {"outcome": "held"}, {"outcome": "done"}, {"outcome": "unsent"}, {"hold": hold},
        {"school": school, "outcome": "refused"}, {"kind": "enrollment", "school": school}, {"schools": 3},
        {"before": 60_000}, {"action": "remove"}, {"outcome": "waiting"},
    ]  # fmt: skip
    of_one = f"{_HERE}plan/<run>/"
    #: In turns the first run, with a plan of everything, and one after the other of those that are small.
    asked = [some.at(of_one, filters[turn % 16], run=some.runs[turn % len(some.runs)]) for turn in range(32)]
    large = [some.at(of_one, filters[turn], run=some.first) for turn in range(16)]
    return {
        f"{_HERE}plan/": _pages(some, f"{_HERE}plan/", [{}, {"older": 2}, {"older": 17}, {"older": 50}]),
        f"{_HERE}plan/working/": _pages(some, f"{_HERE}plan/working/", [{}, {"seen": some.first}]),
        f"{_HERE}plan/holds/": _pages(some, f"{_HERE}plan/holds/", [{}, {"page": 2}, {"decided": 30}]),
        f"{_HERE}plan/holds/<hold>/": [some.at(f"{_HERE}plan/holds/<hold>/", hold=one) for one in some.holds],
        f"{_HERE}plan/pins/": _pages(some, f"{_HERE}plan/pins/", [{}, {"after": 200}, {"undo": some.runs[-1]}]),
        of_one: [one for two in zip(asked[:16], large, strict=True) for one in two] + asked[16:],
        f"{of_one}rows.csv": [some.at(f"{of_one}rows.csv", run=one) for one in (*some.runs[:20], some.first)],
        f"{of_one}undo/": [some.at(f"{of_one}undo/", run=one) for one in (some.first, *some.runs[:30])],
    }


def _logs(some: Some) -> dict[str, list[str]]:
    some_schools = [{"school": one} for one in some.schools[:5]]
    lists = [{}, {"page": 2}, {"page": 20}, {"page": 40}, {"type": "users"}, {"type": "sections", "state": "held"},
             {"state": "failed"}, {"state": "cancelled", "page": 2}, {"type": "setup"}, *some_schools]  # fmt: skip
    one = f"{_HERE}logs/<run>/"
    shown = [
        some.at(one, query, run=run)
        for place, run in enumerate((some.first, *some.runs[:20]))
        for query in ({}, {"school": some.schools[place % len(some.schools)]} if place % 2 else {"type": "users"})
    ]
    every = (some.first, *some.runs[:20])
    return {
        f"{_HERE}logs/": _pages(some, f"{_HERE}logs/", lists),
        one: shown,
        **{f"{one}{name}": [some.at(f"{one}{name}", run=run) for run in every]
           for name in ("live/", "findings.csv", "changes.csv", "refusals.csv")},
    }  # fmt: skip


def _lookings(some: Some) -> dict[str, list[str]]:
    by_lms, by_sis = f"{_HERE}search/person/lms/<path:number>/", f"{_HERE}search/person/sis/<path:number>/"
    section, people, classes = f"{_HERE}search/section/<path:number>/", some.people, some.sections
    found = {by_lms: [], by_sis: [], section: []}
    for place, (key, lms_id, *_rest, school) in enumerate(people):
        other = classes[place % len(classes)]  # mostly one of another school
        for pattern, number in ((by_lms, lms_id), (by_sis, key)):
            query = [{}, {"at": school}, {"section": other[0]}][place % 3]
            found[pattern].append(some.at(pattern, query, number=number))
    for place, (key, _title, school) in enumerate(classes):
        found[section].append(some.at(section, [{}, {"at": school}, {"from": 50}][place % 3], number=key))
    return found


def _grades(some: Some) -> dict[str, list[str]]:
    lists = [{}, *({"page": number} for number in (2, 3, 40, 100)), {"find": "Math"}, {"find": "a"},
             {"state": "help"}, {"state": "successful"},
             {"state": "not yet synced", "page": 7}, *({"school": one} for one in some.schools[:5])]  # fmt: skip
    books, items = _gradebooks(), f"{_HERE}grades/item/<path:section>/"
    classes = [row[0] for row in some.sections[:15]] + [code for code, _items in books[:25]]
    return {
        f"{_HERE}grades/": _pages(some, f"{_HERE}grades/", lists),
        f"{_HERE}grades/teachers/": _pages(some, f"{_HERE}grades/teachers/", [{}, {"page": 2}, {"page": 9}]),
        f"{_HERE}grades/items/<path:section>/": [
            some.at(f"{_HERE}grades/items/<path:section>/", section=code) for code, _items in books
        ],
        items: [some.at(items, {"item": one}, section=code) for code, of_it in books for one in of_it],
        **{
            f"{_HERE}grades/{name}/<path:section>/": [
                some.at(f"{_HERE}grades/{name}/<path:section>/", section=code) for code in classes
            ]
            for name in ("configuration", "status", "now")
        },
    }


def _gradebooks() -> list[tuple[str, list[str]]]:
    """Sections whose category map is whole and whose grades went in a run, with some of their items."""
    from rollbook.store.models import GradeSection

    synced = GradeSection.objects.filter(syncs__run__plan__isnull=False).exclude(status="category undecided").distinct()
    found = [(one.code, list(one.items.values_list("item", flat=True)[:3])) for one in synced.order_by("pk")[:40]]
    assert found, "no section has grades"
    return found


def _others(some: Some) -> dict[str, list[str]]:
    from rollbook.actions.accounts import token_digest
    from rollbook.store.models import AuditRow, Invitation, SettingsVersion

    Invitation.objects.filter(email="asked0@example.org").update(digest=token_digest("known"))
    last = AuditRow.objects.order_by("pk").values_list("pk", flat=True).last() or 1
    one, saved = f"{_HERE}people/<int:number>/", f"{_HERE}audit/settings/<int:number>/"
    versions = (
        SettingsVersion.objects.filter(organization__slug=ORG).order_by("-number").values_list("number", flat=True)
    )
    return {
        saved: [some.at(saved, number=number) for number in versions],
        "invitation/<str:token>/": [some.at("invitation/<str:token>/", token="known")],
        f"{_HERE}platforms/new/<slug:lms>/": [
            some.at(f"{_HERE}platforms/new/<slug:lms>/", lms=lms)
            for lms in ("schoology", "moodle", "other", "other-sis")
        ],
        "organizations/": ["/organizations/", "/organizations/?after=other-120"],
        f"{_HERE}manage-users/": _pages(some, f"{_HERE}manage-users/", ({"page": n} for n in (1, 2, 3, 40, 500, 1000))),
        f"{_HERE}people/": _pages(some, f"{_HERE}people/", [{}, {"page": 2}, {"page": 15}, {"role": "viewer"}]),
        f"{_HERE}audit/": _pages(some, f"{_HERE}audit/", [{}, *({"before": last * n // 20} for n in range(1, 20))]),
        **{f"{one}{name}": [some.at(f"{one}{name}", number=number) for number in some.members[:25]]
           for name in ("", "remove/", "hand-over/")},
    }  # fmt: skip


def _api(some: Some) -> dict[str, list[str]]:
    runs = (some.first, *some.runs[:20])
    changes: list[dict[str, Any]] = [
        {}, {"kind": "enrollment"}, {"after": 40_000}, {"outcome": "refused"}, {"school": some.schools[-1]},
        {"kind": "user", "action": "update"}, {"hold": some.holds[0]},
    ]  # fmt: skip
    one = f"{_API}/runs/<str:run>"
    names = ("sis.orgs", "sis.academicSessions", "sis.roles", "lms.building", "lms.grading_period", "lms.roles")
    return {
        f"{_API}/directory": _pages(some, f"{_API}/directory", ({"name": name} for name in names)),
        f"{_API}/runs": _pages(
            some, f"{_API}/runs", [{}, {"limit": 100}, {"state": "held"}, {"before": some.runs[-1]}]
        ),
        f"{_API}/holds": _pages(some, f"{_API}/holds", [{}, {"all": "true", "limit": 1000}]),
        one: [some.at(one, run=run) for run in runs],
        f"{one}/changes": [some.at(f"{one}/changes", changes[turn % 7], run=run) for turn, run in enumerate(runs)]
        + [some.at(f"{one}/changes", query, run=some.first) for query in changes],
        f"{one}/findings": [some.at(f"{one}/findings", run=run) for run in runs],
    }


def searches(some: Some) -> dict[str, list[tuple[str, dict[str, str]]]]:
    """What is typed, which travels as a form."""
    typed: list[str] = []
    for place, (key, lms_id, first, last, username, email, _school) in enumerate(some.people[:40]):
        typed.append([last, f"{first} {last}", key, lms_id, username, email, str(last)[:3]][place % 7])
    typed += [some.sections[place][place % 2] for place in range(10)]
    search, manage = some.at(f"{_HERE}search/"), some.at(f"{_HERE}manage-users/")
    person = f"{_HERE}search/person/sis/<path:number>/"
    return {
        f"{_HERE}search/ (somebody typed)": [(search, {"text": text}) for text in typed],
        f"{_HERE}manage-users/ (somebody typed)": [(manage, {"text": text}) for text in typed[:40]],
        f"{person} (a section typed)": [
            (some.at(person, number=row[0]), {"text": some.sections[place % 20][1]})
            for place, row in enumerate(some.people[:30])
        ],
    }
