"""Which rows each OneRoster path reads, and which scopes open it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from rollbook.practice.sis.model import KINDS, STATUS, Kind, Row
from rollbook.practice.sis.store import Store

Select = Callable[..., list[Row]]

_CORE = ("roster-core.readonly", "roster.readonly")
_FULL = ("roster.readonly",)
_BOOK_CORE = ("gradebook.readonly", "gradebook-core.readonly")
_BOOK = ("gradebook.readonly",)
_TERM_TYPES = ("term", "semester")


@dataclass(frozen=True)
class View:
    """One readable path.

    `select(store, *ids)` gives the rows. `single` paths end in the id of the record. `parents` names the
    kinds of the ids in the path whose absence is a 404; rostering paths have none (R12: an empty list).
    """

    template: str
    kind: Kind
    select: Select
    scopes: tuple[str, ...]
    single: bool = False
    parents: tuple[str, ...] = ()
    version: str = ""

    @property
    def service(self) -> str:
        return self.kind.service


def _users(store: Store, role: str, org: str | None = None) -> list[Row]:
    def index() -> dict[tuple[str, str | None], list[Row]]:
        found: dict[tuple[str, str | None], list[Row]] = defaultdict(list)
        position = KINDS["users"].at["roles"]
        for row in store.all("users"):
            for key in dict.fromkeys((r.role, o) for r in row[position] or () for o in (r.org, None)):
                found[key].append(row)
        return found

    return store.cached("people", index).get((role, org), [])


def _typed(store: Store, kind: str, *types: str) -> list[Row]:
    position = KINDS[kind].at["type"]

    def pick() -> list[Row]:
        return [row for row in store.all(kind) if row[position] in types]

    return store.cached((kind, types), pick)


def _terms(store: Store) -> list[Row]:
    return _typed(store, "academicSessions", *_TERM_TYPES)


def _all(kind: str) -> Select:
    return lambda store: store.all(kind)


def _ids(rows: list[Row], kind: str, field: str) -> dict[str, None]:
    position = KINDS[kind].at[field]
    cells = (row[position] for row in rows if row[STATUS] == "active")
    return dict.fromkeys(one for cell in cells for one in (cell if isinstance(cell, tuple) else (cell,)) if one)


def _rows(store: Store, kind: str, ids: dict[str, None]) -> list[Row]:
    return [row for own in ids if (row := store.get(kind, own)) is not None]


def _of_user(store: Store, user: str) -> list[Row]:
    return _rows(store, "classes", _ids(store.by("enrollments", "user", user), "enrollments", "class"))


def _of_role(role: str) -> Select:
    def select(store: Store, user: str) -> list[Row]:
        enrollments = [row for row in store.by("enrollments", "user", user) if row[_ROLE] == role]
        return _rows(store, "classes", _ids(enrollments, "enrollments", "class"))

    return select


_ROLE = KINDS["enrollments"].at["role"]


def _in_class(role: str) -> Select:
    def select(store: Store, *ids: str) -> list[Row]:
        enrollments = [row for row in _class_enrollments(store, *ids) if row[_ROLE] == role]
        return _rows(store, "users", _ids(enrollments, "enrollments", "user"))

    return select


def _class_enrollments(store: Store, *ids: str) -> list[Row]:
    """Enrollments of a class; with two ids, of a class in a school."""
    rows = store.by("enrollments", "class", ids[-1])
    school = KINDS["enrollments"].at["school"]
    return rows if len(ids) == 1 else [row for row in rows if row[school] == ids[0]]


def _school_courses(store: Store, school: str) -> list[Row]:
    """Courses of the school, and those of the district that have a class in it."""
    own = {row[0]: None for row in store.by("courses", "org", school)}
    return _rows(store, "courses", own | _ids(store.by("classes", "school", school), "classes", "course"))


def _school_terms(store: Store, school: str) -> list[Row]:
    """Sessions carry no school: a school's terms are those of its classes, or parents of their periods."""
    used = _ids(store.by("classes", "school", school), "classes", "terms")
    parents = {store.cell("academicSessions", own, "parent"): None for own in used}
    terms = {row[0] for row in _terms(store)}
    return _rows(store, "academicSessions", {own: None for own in {**used, **parents} if own in terms})


def _grading_periods(store: Store, term: str) -> list[Row]:
    kind = KINDS["academicSessions"].at["type"]
    return [row for row in store.by("academicSessions", "parent", term) if row[kind] == "gradingPeriod"]


def _by(kind: str, field: str) -> Select:
    return lambda store, own: store.by(kind, field, own)


def _class_results(store: Store, cls: str, item: str = "", student: str = "") -> list[Row]:
    at = KINDS["results"].at
    items = {row[0] for row in store.by("lineItems", "class", cls)}
    rows = store.by("results", "student", student) if student else store.all("results")
    return [row for row in rows if row[at["lineItem"]] in items and item in ("", row[at["lineItem"]])]


def _class_categories(store: Store, cls: str) -> list[Row]:
    """A category belongs to a class by `metadata.classId`; without it, to all."""
    return [row for row in store.all("categories") if (row[3] or {}).get("classId", cls) == cls]


def _school_scales(store: Store, school: str) -> list[Row]:
    at = KINDS["scoreScales"].at["class"]
    scales = store.all("scoreScales")
    return [row for row in scales if store.cell("classes", row[at], "school") == school]


def _linked(kind: str) -> Select:
    return lambda store, own: _rows(store, "resources", dict.fromkeys(store.cell(kind, own, "resources") or ()))


def _pair(name: str, kind: str, select: Select, scopes: tuple[str, ...], version: str = "") -> list[View]:
    """The collection and the single read of one name."""
    many = View(f"/{name}", KINDS[kind], select, scopes, version=version)
    return [many, View(f"/{name}/*", KINDS[kind], select, scopes, single=True, version=version)]


def _rostering() -> list[View]:
    views = [
        *_pair(
            "gradingPeriods",
            "academicSessions",
            lambda s: _typed(s, "academicSessions", "gradingPeriod"),
            _CORE,
        ),
        *_pair("terms", "academicSessions", _terms, _CORE),
        *_pair("schools", "orgs", lambda s: _typed(s, "orgs", "school"), _CORE),
        *_pair("students", "users", lambda s: _users(s, "student"), _CORE),
        *_pair("teachers", "users", lambda s: _users(s, "teacher"), _CORE),
        *_pair("demographics", "demographics", _all("demographics"), ("roster-demographics.readonly",)),
    ]
    for kind in ("academicSessions", "classes", "courses", "enrollments", "orgs", "users"):
        views += _pair(kind, kind, _all(kind), _CORE)
    under: list[tuple[str, str, Select]] = [
        ("/classes/*/students", "users", _in_class("student")),
        ("/classes/*/teachers", "users", _in_class("teacher")),
        ("/courses/*/classes", "classes", _by("classes", "course")),
        ("/schools/*/classes", "classes", _by("classes", "school")),
        ("/schools/*/courses", "courses", _school_courses),
        ("/schools/*/enrollments", "enrollments", _by("enrollments", "school")),
        ("/schools/*/students", "users", lambda s, org: _users(s, "student", org)),
        ("/schools/*/teachers", "users", lambda s, org: _users(s, "teacher", org)),
        ("/schools/*/terms", "academicSessions", _school_terms),
        ("/schools/*/classes/*/enrollments", "enrollments", _class_enrollments),
        ("/schools/*/classes/*/students", "users", _in_class("student")),
        ("/schools/*/classes/*/teachers", "users", _in_class("teacher")),
        ("/students/*/classes", "classes", _of_role("student")),
        ("/teachers/*/classes", "classes", _of_role("teacher")),
        ("/users/*/classes", "classes", _of_user),
        ("/terms/*/classes", "classes", _by("classes", "terms")),
        ("/terms/*/gradingPeriods", "academicSessions", _grading_periods),
    ]
    return views + [View(path, KINDS[kind], select, _FULL) for path, kind, select in under]


def _gradebook_and_resources() -> list[View]:
    views = [*_pair("resources", "resources", _all("resources"), ("resource.readonly", "resource-core.readonly"))]
    for kind in ("categories", "lineItems", "results"):
        views += _pair(kind, kind, _all(kind), _BOOK_CORE)
    views += _pair("scoreScales", "scoreScales", _all("scoreScales"), _BOOK_CORE, "1.2")
    for kind in ("assessmentLineItems", "assessmentResults"):
        views += _pair(kind, kind, _all(kind), ("assessment.readonly",), "1.2")
    under: list[tuple[str, str, Select, tuple[str, ...], str]] = [
        ("/classes/*/lineItems", "lineItems", _by("lineItems", "class"), ("classes",), ""),
        ("/classes/*/results", "results", _class_results, ("classes",), ""),
        ("/classes/*/lineItems/*/results", "results", _class_results, ("classes", "lineItems"), ""),
        ("/classes/*/students/*/results", "results", lambda s, c, u: _class_results(s, c, "", u),
         ("classes", "users"), ""),
        ("/classes/*/categories", "categories", _class_categories, ("classes",), "1.2"),
        ("/classes/*/scoreScales", "scoreScales", _by("scoreScales", "class"), ("classes",), "1.2"),
        ("/schools/*/scoreScales", "scoreScales", _school_scales, ("orgs",), "1.2"),
        ("/classes/*/resources", "resources", _linked("classes"), ("classes",), ""),
        ("/courses/*/resources", "resources", _linked("courses"), ("courses",), ""),
        ("/users/*/resources", "resources", _linked("users"), ("users",), "1.2"),
    ]  # fmt: skip
    for path, kind, select, parents, version in under:
        scopes = ("resource.readonly",) if kind == "resources" else _BOOK
        views.append(View(path, KINDS[kind], select, scopes, parents=parents, version=version))
    return views


VIEWS: tuple[View, ...] = (*_rostering(), *_gradebook_and_resources())


def views_of(version: str, service: str) -> dict[str, View]:
    """Readable paths (ids as `*`) of one service in one version."""
    return {v.template: v for v in VIEWS if v.service == service and v.version in ("", version)}
