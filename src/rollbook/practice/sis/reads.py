"""Answers reads: collections page by page, and single records; keeps pre-rendered pages for benchmarks."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from rollbook.practice.sis.answers import Refused, json_answer, unknown
from rollbook.practice.sis.deviate import DATA_DEVIATIONS, deviate
from rollbook.practice.sis.filters import compile_filter
from rollbook.practice.sis.model import KINDS, STATUS, Kind, Row
from rollbook.practice.sis.narrow import narrowed
from rollbook.practice.sis.paging import Drift, Page, cut_page, page_headers
from rollbook.practice.sis.query import Ask, chosen, ordered, read_ask
from rollbook.practice.sis.render import Renderer
from rollbook.practice.sis.store import Store, collector_resting
from rollbook.practice.sis.views import View, views_of

_VIEWS_KEPT = 64


class Reads:
    """Reads of one practice SIS.

    `prerender` is (kind, page size): all pages of that collection, in order of sourcedId, are rendered once
    and then served as they are; other ways to ask for it are rendered once per way.
    """

    def __init__(self, store: Store, version: str, *, page_cap: int | None, prerender: tuple[str, int] | None) -> None:
        self.store = store
        self.version = version
        self.page_cap = page_cap
        self.prerender = prerender
        self.drift = Drift()
        self._renderers: dict[str, Renderer] = {}
        self._rows: OrderedDict[Any, list[Row]] = OrderedDict()
        self._pages: dict[Any, list[bytes]] = {}
        self._seen_version = -1
        self._views = {
            (service, path): view
            for service in ("rostering", "gradebook", "resources")
            for path, view in views_of(version, service).items()
        }

    def find(self, services: Sequence[str], path: str) -> View | None:
        """The view for a path with its ids as `*`."""
        return next((v for s in services if (v := self._views.get((s, path))) is not None), None)

    def renderer(self, request: Request) -> Renderer:
        origin = f"{request.url.scheme}://{request.headers.get('host', '')}"
        return self._renderers.setdefault(origin, Renderer(self.store, self.version, origin))

    def answer(self, request: Request, view: View, ids: tuple[str, ...], struck: Mapping[str, Any]) -> Response:
        """Raises Refused for what cannot be read."""
        self._forget_old()
        ask = read_ask(request.query_params.multi_items(), view.kind, self.version)
        _refuse(view, ask, struck)
        for kind, own in zip(view.parents, ids, strict=False):
            if self.store.get(kind, own) is None:
                raise unknown(f"{KINDS[kind].name} {own}")
        renderer = self.renderer(request)
        if view.single:
            return self._single(renderer, view, ids[0], ask, struck)
        return self._collection(request, renderer, view, ids, ask=ask, struck=struck)

    def _single(self, renderer: Renderer, view: View, own: str, ask: Ask, struck: Mapping[str, Any]) -> Response:
        row = self.store.get(view.kind.plural, own)
        if row is None or not self._belongs(view, row):
            raise unknown(f"{view.kind.name} {own}")
        record = deviate(renderer.record(view.kind, row), view.kind, struck)
        body: dict[str, Any] = {view.kind.name: chosen(record, ask.fields)}
        if ask.warnings:
            body["statusInfoSet"] = ask.warnings
        return json_answer(body)

    def _belongs(self, view: View, row: Row) -> bool:
        return row in self.store.cached(("set", view.template), lambda: _IdSet(view.select(self.store)))

    def _collection(
        self, request: Request, renderer: Renderer, view: View, ids: tuple[str, ...], *, ask: Ask,
        struck: Mapping[str, Any],
    ) -> Response:  # fmt: skip
        cap = struck.get("page_cap", {}).get("size") or self.page_cap
        ask = ask.at(ask.offset, min(ask.limit, cap)) if cap else ask
        if not struck and self.prerender and view.template == f"/{self.prerender[0]}":
            return self._prepared(request, renderer, view, ask)
        rows = self._view_rows(renderer, view, ids, ask, struck)
        rows = narrowed(self.store, view.kind, rows, struck)
        rows = self.drift.view((view.template, ids, ask.filter), rows, struck)
        page = cut_page(rows, ask, struck)
        body = self._body(renderer, view.kind, page, ask, struck)
        return json_answer(body, headers=page_headers(request, ask, page, struck))

    def _body(self, renderer: Renderer, kind: Kind, page: Page, ask: Ask, struck: Mapping[str, Any]) -> dict[str, Any]:
        bend = not DATA_DEVIATIONS.isdisjoint(struck)
        fields = () if "fields_ignored" in struck else ask.fields
        with collector_resting():
            records = [renderer.record(kind, row) for row in page.rows]
            if bend:
                records = [deviate(record, kind, struck) for record in records]
            if fields:
                records = [chosen(record, fields) for record in records]
        body: dict[str, Any] = {"data" if "no_envelope" in struck else kind.plural: records}
        if ask.warnings:
            body["statusInfoSet"] = ask.warnings
        return body

    def _view_rows(
        self, renderer: Renderer, view: View, ids: tuple[str, ...], ask: Ask, struck: Mapping[str, Any]
    ) -> list[Row]:
        """The rows of the whole list in the order asked for; kept, since pages are asked one by one."""
        odd = frozenset(struck) & _ROW_DEVIATIONS
        key = (view.template, ids, ask.view(), odd)
        if key not in self._rows:
            self._rows[key] = self._fresh_rows(renderer, view, ids, ask, odd)
        elif ask.sort and self.version == "1.1":
            ordered([], ask, view.kind, renderer)  # repeats the warning about an unknown field
        self._rows.move_to_end(key)
        while len(self._rows) > _VIEWS_KEPT:
            self._rows.popitem(last=False)
        return self._rows[key]

    def _fresh_rows(
        self, renderer: Renderer, view: View, ids: tuple[str, ...], ask: Ask, odd: frozenset[str]
    ) -> list[Row]:
        rows = view.select(self.store, *ids)
        if "teachers_in_students" in odd and view.template == "/students":
            rows = rows + self._views["rostering", "/teachers"].select(self.store)
        if "loose_class_lists" in odd and view.kind.plural == "users" and "/classes/*/" in view.template:
            school = self.store.cell("classes", ids[-1], "school")
            people = self._views["rostering", f"/schools/*/{view.template.rsplit('/', 1)[1]}"]
            rows = people.select(self.store, school)
        if "silent_removal" in odd:
            rows = [row for row in rows if row[STATUS] == "active"]
        if ask.filter:
            test = compile_filter(ask.filter, view.kind, renderer)
            rows = rows if "filter_ignored" in odd else [row for row in rows if test(row)]
        return rows if "sort_ignored" in odd else ordered(rows, ask, view.kind, renderer)

    def _prepared(self, request: Request, renderer: Renderer, view: View, ask: Ask) -> Response:
        """A page out of those rendered before; one that starts off their borders is rendered alone."""
        ask = ask if ask.sort else _sorted(ask)
        rows = self._view_rows(renderer, view, (), ask, {})
        page = cut_page(rows, ask, {})
        if ask.offset % ask.limit or ask.limit < _SMALL or ask.warnings:
            body = msgspec.json.encode(self._body(renderer, view.kind, page, ask, {}))
        else:
            pages = self._pages_of(renderer, view, ask)
            number = ask.offset // ask.limit
            body = pages[number] if number < len(pages) else msgspec.json.encode({view.kind.plural: []})
        return Response(body, 200, page_headers(request, ask, page, {}), "application/json")

    def _pages_of(self, renderer: Renderer, view: View, ask: Ask) -> list[bytes]:
        rows = self._view_rows(renderer, view, (), ask, {})
        whole = len(rows) == len(view.select(self.store))
        shown = ("sourcedId", False, "") if whole and ask.view()[:2] == ("sourcedId", False) else ask.view()
        key = (renderer.origin, view.template, shown, ask.limit, ask.fields)
        if key not in self._pages:
            self._pages[key] = [
                msgspec.json.encode(
                    self._body(renderer, view.kind, cut_page(rows, ask.at(start, ask.limit), {}), ask, {})
                )
                for start in range(0, len(rows), ask.limit)
            ]
        return self._pages[key]

    def warm(self, request: Request) -> None:
        """Render the pages of `prerender`, unless that was done for this address."""
        self._forget_old()
        if self.prerender:
            kind, size = self.prerender
            view = self._views[KINDS[kind].service, f"/{kind}"]
            self._pages_of(self.renderer(request), view, _sorted(Ask(limit=min(size, self.page_cap or size))))

    def _forget_old(self) -> None:
        if self._seen_version != self.store.version:
            self._seen_version = self.store.version
            self._rows.clear()
            self._pages.clear()


_SMALL = 100  # pages of fewer records are not worth keeping
_ROW_DEVIATIONS = frozenset(
    {"teachers_in_students", "loose_class_lists", "silent_removal", "filter_ignored", "sort_ignored"}
)


class _IdSet:
    """Which records a list holds, by sourcedId."""

    def __init__(self, rows: list[Row]) -> None:
        self.ids = {row[0] for row in rows}

    def __contains__(self, row: Row) -> bool:
        return row[0] in self.ids


def _sorted(ask: Ask) -> Ask:
    return Ask(ask.limit, ask.offset, "sourcedId", ask.descending, ask.filter, ask.fields, ask.warnings)


def _refuse(view: View, ask: Ask, struck: Mapping[str, Any]) -> None:
    if ask.sort and "sort_refused" in struck:
        raise Refused(400, "invalid_sort_field", "sorting is not supported")
    school_list = view.template.startswith("/schools/*/") and "no_school_lists" in struck
    if school_list or (view.kind.plural == "demographics" and "no_demographics" in struck):
        raise unknown("this address")
