"""Runs of an organization for its Logs page: which ones the address asks for, and what the list tells of each."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.http import Http404, HttpRequest
from django.utils.http import urlencode

from rollbook.core.stored import RunFigures
from rollbook.errors import BlobLost
from rollbook.roster.lms import RUN_KINDS
from rollbook.store.blobs import KeptBlobs, open_blobs
from rollbook.store.models import HoldRow, HoldState, Run, RunState
from rollbook.store.results import figures_text, part
from rollbook.store.school_names import SchoolNames, school_names
from rollbook.store.setup import opened
from rollbook.web.access import Place
from rollbook.web.live_runs import CURRENT
from rollbook.web.run_words import STATE_SIGNS, STATE_WORDS, SYNC_TYPES, duration_words, run_title

A_PAGE: Final = 25
_ENDED: Final = tuple(state for state in RunState.values if state not in CURRENT)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Filters of the address; empty where there is none. `sync` is a name of SYNC_TYPES."""

    school: str = ""
    sync: str = ""
    state: str = ""
    page: int = 1

    def query(self, **other: Any) -> str:
        """The address's part that asks for this, with other values."""
        given = {"school": self.school, "type": self.sync, "state": self.state, **other}
        return urlencode({name: value for name, value in given.items() if value})


def asked(request: HttpRequest) -> Asked:
    """What the address asks for; what it cannot ask for is left out."""
    sync, state, page = (request.GET.get(name, "") for name in ("type", "state", "page"))
    return Asked(
        school=request.GET.get("school", "").replace("\x00", "")[:200],
        sync=sync if sync in SYNC_TYPES else "",
        state=state if state in _ENDED else "",
        page=int(page) if page.isascii() and page.isdigit() and 0 < len(page) < 6 and int(page) else 1,
    )


def find_run(place: Place, run_id: str) -> Run:
    """A run of the place's organization; else there is no such page."""
    mine = Run.objects.select_related("organization", "applies", "undo_of", "settings")
    mine = mine.defer("result", "applies__result", "undo_of__result", "settings__document")  # they are large
    found = mine.filter(organization=place.organization, pk=run_id).first() if "\x00" not in run_id else None
    if found is None:
        raise Http404
    return found


def stored_files() -> KeptBlobs:
    return open_blobs(opened())


def names_of(place: Place) -> SchoolNames:
    """What the schools are called, by their ids in the SIS; nothing when the file that knows it is lost, of which these
    pages have to tell."""
    try:
        return school_names(place.organization.pk, stored_files())
    except BlobLost:
        return SchoolNames()


def filters(place: Place, names: SchoolNames, wanted: Asked, *, states: bool) -> dict[str, Any]:
    """The drop-down menus; `states` is for lists of runs."""
    schools = names.by_name
    if wanted.school and wanted.school not in names:
        schools = [*schools, (wanted.school, wanted.school)]
    return {
        "asked": wanted,
        "schools": schools,
        "types": [(name, one.words) for name, one in SYNC_TYPES.items()],
        "states": [(name, STATE_WORDS[name]) for name in _ENDED] if states else [],
    }


def past_runs(place: Place, wanted: Asked) -> tuple[list[dict[str, Any]], bool]:
    """A page of ended runs, newest first, and whether there are more."""
    found = (
        _chosen(place, wanted)
        .select_related("organization")
        .defer("plan", "result", "figures")
        .order_by("-created_at", "-pk")
    )
    found = found.annotate(result_text=figures_text())
    start = (wanted.page - 1) * A_PAGE
    runs = list(found[start : start + A_PAGE + 1])
    return _lines(runs[:A_PAGE]), len(runs) > A_PAGE


def _chosen(place: Place, wanted: Asked) -> QuerySet[Run]:
    found = Run.objects.filter(organization=place.organization, state__in=[wanted.state] if wanted.state else _ENDED)
    if wanted.sync == "setup":
        found = found.filter(kinds=list(RUN_KINDS["setup"]))
    elif wanted.sync:
        kind = json.dumps(SYNC_TYPES[wanted.sync].kinds[0])  # a run that covers one of them covers all
        found = found.annotate(kinds_text=Cast("kinds", TextField())).filter(kinds_text__contains=kind)
    if wanted.school:
        # SQLite keeps other letters than ASCII as \u…, PostgreSQL as they are. No schools are all schools.
        texts = {json.dumps(wanted.school), json.dumps(wanted.school, ensure_ascii=False)}
        of_it = Q(schools=[])
        for text in texts:
            of_it |= Q(schools_text__contains=text)
        found = found.annotate(schools_text=Cast("schools", TextField())).filter(of_it)
    return found


def _lines(runs: Sequence[Run]) -> list[dict[str, Any]]:
    waiting = HoldRow.objects.filter(organization__in={run.organization_id for run in runs}, state=HoldState.WAITING)
    holds = dict(waiting.order_by().values_list("run").annotate(Count("pk")))
    return [_line(run, part(vars(run)["result_text"], RunFigures), holds.get(run.pk, 0)) for run in runs]


def _line(run: Run, told: RunFigures, holds: int) -> dict[str, Any]:
    return {
        "run": run,
        "title": run_title(run),
        "state": STATE_WORDS[run.state],
        "sign": STATE_SIGNS[run.state],
        "took": duration_words(run.started_at, run.ended_at),
        "sent": sum(counts.get("done", 0) for counts in told.kinds.values()),
        "refused": sum(counts.get("refused", 0) for counts in told.kinds.values()),
        "findings": sum(told.findings.values()),
        "holds": holds,
    }
