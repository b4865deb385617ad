"""What is told to those who follow runs: how far each one is, as fragments of their page. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from django.db.models import Q
from django.template.loader import render_to_string
from django.utils import translation

from rollbook.core.stored import COUNTS
from rollbook.roster.grades import ALL_KINDS
from rollbook.store.models import River, Run, RunState
from rollbook.store.runs import stored_result
from rollbook.store.summary import place_in_queue, places_in_queue
from rollbook.web.live import Subject, Told, Watcher
from rollbook.web.live_rights import still_may
from rollbook.web.plan_words import SEVERAL
from rollbook.web.run_words import ACTION_WORDS, GRADE_STAGES, STAGES, STATE_SIGNS, STATE_WORDS, run_title, stage_words

CURRENT: Final = (RunState.RUNNING, RunState.QUEUED)
#: Of an organization; more than these wait only where something goes wrong.
MOST: Final = 10
_HEAVY: Final = ("plan", "result")


def current_runs(organization: int) -> list[Run]:
    """An organization's runs that have not ended: the running one, then those in the queue."""
    mine = Run.objects.select_related("organization").defer(*_HEAVY).filter(organization=organization)
    found = list(mine.filter(state__in=CURRENT)[:MOST])
    return sorted(found, key=lambda run: run.state != RunState.RUNNING)


def told(subject: Subject, runs: Sequence[Run]) -> Told:
    """What there is to tell about a subject, from its organization's current runs."""
    return _told(subject, _of(subject, runs), places_in_queue(runs))


def _of(subject: Subject, runs: Sequence[Run]) -> list[Run]:
    if subject.run:
        return [run for run in runs if run.pk == subject.run]
    return sorted(runs[:MOST], key=lambda run: run.state != RunState.RUNNING)


def _told(subject: Subject, mine: Sequence[Run], places: Mapping[str, int]) -> Told:
    over = bool(subject.run) and not mine
    text = _ended(subject) if over else _message(mine, subject, places)
    return Told(text, frozenset(run.pk for run in mine), over)


class Looker:
    """Looks for a watcher: one query for all that are followed, and two more while one of them waits in the queue. What
    did not change since the last look is not written anew."""

    def __init__(self) -> None:
        self._last: dict[Subject, tuple[object, Told]] = {}

    def __call__(self, subjects: Collection[Subject]) -> Mapping[Subject, Told]:
        wanted = Q(organization__in={one.organization for one in subjects}, state__in=CURRENT)
        runs: dict[int, list[Run]] = {}
        for run in Run.objects.select_related("organization").defer(*_HEAVY).filter(wanted):
            runs.setdefault(run.organization_id, []).append(run)
        mine = {one: _of(one, runs.get(one.organization, [])) for one in subjects}
        places = places_in_queue({run.pk: run for each in mine.values() for run in each}.values())
        self._last = {one: self._look(one, mine[one], places) for one in subjects}
        return {one: found for one, (_, found) in self._last.items()}

    def _look(self, subject: Subject, mine: Sequence[Run], places: Mapping[str, int]) -> tuple[object, Told]:
        seen = [(run.pk, run.state, run.cancel_requested, run.progress, places.get(run.pk)) for run in mine]
        last = self._last.get(subject)
        return last if last is not None and last[0] == seen else (seen, _told(subject, mine, places))


#: The one of this process.
WATCHER: Final = Watcher(Looker(), rights=still_may)


def progress_of(run: Run, places: Mapping[str, int] | None = None) -> dict[str, Any]:
    """A run that has not ended, for the template `logs/progress.html`; `places` are those of the queue, if known."""
    now = run.progress or {}
    stage, done, total = now.get("stage", ""), now.get("done") or 0, now.get("total")
    return {
        "run": run,
        "title": run_title(run),
        "state": STATE_WORDS[run.state],
        "sign": STATE_SIGNS[run.state],
        "waits": run.state == RunState.QUEUED,
        "place": place_in_queue(run) if places is None else places.get(run.pk),
        "stopping": run.cancel_requested and run.state == RunState.RUNNING,
        "stages": _stages(run, stage),
        "stage": stage_words(stage),
        "note": _note(stage, now.get("note") or ""),
        "done": done,
        "total": total if total and total >= done else None,
        "counts": _counts(run.pk) if _is_planned(stage) else None,
    }


def _stages(run: Run, now: str) -> list[dict[str, Any]]:
    """The stages of a run; an undo and the sending of a plan have fewer."""
    names = list(GRADE_STAGES if run.river == River.GRADES else STAGES)
    if run.applies_id or run.undo_of_id:
        names = [name for name in names if name in ("plan", "apply", "settle")]
    if run.dry_run:
        names = [name for name in names if name not in ("apply", "settle")]
    place = names.index(now) if now in names else -1
    return [
        {"words": stage_words(name), "state": "done" if at < place else "now" if at == place else "ahead"}
        for at, name in enumerate(names)
    ]


def _note(stage: str, note: str) -> str:
    """Of the notes, those that people understand: names of collections and kinds."""
    return note.replace("_", " ") if stage in ("extract", "stage", "match", "plan", "apply") else ""


def _is_planned(stage: str) -> bool:
    return stage in ("apply", "settle")


@lru_cache(maxsize=256)
def _counts(run: str) -> dict[str, Any] | None:
    """The counts of a plan that is being sent; they do not change any more."""
    found = Run.objects.filter(pk=run, result__isnull=False).defer("plan").first()
    return None if found is None else counts_table(stored_result(found).kinds, before=True)


def counts_table(kinds: Mapping[str, Mapping[str, int]], *, before: bool = False) -> dict[str, Any]:
    """A line a kind, a column for whatever is not 0 everywhere; `before` leaves out what became of the changes."""
    after = ("done", "refused", "unknown")
    names = [name for name in COUNTS if not (before and name in after)]
    columns = [name for name in names if any(counts.get(name) for counts in kinds.values())]
    lines = [(SEVERAL[kind], [kinds[kind].get(name, 0) for name in columns]) for kind in ALL_KINDS if kind in kinds]
    return {"columns": [ACTION_WORDS[name] for name in columns], "lines": lines}


def _message(runs: Sequence[Run], subject: Subject, places: Mapping[str, int]) -> bytes:
    """One server-sent event with what stands in the page's live part."""
    now = [progress_of(run, places) for run in runs]
    context = {"slug": runs[0].organization.slug if runs else "", "may_cancel": subject.may_cancel}
    with translation.override(subject.language):
        if subject.run:
            html = render_to_string("logs/progress.html", {**context, "now": now[0]})
        else:
            html = render_to_string("logs/now.html", {**context, "current": now})
    return _event(html)


def _ended(subject: Subject) -> bytes:
    """What stands there until the page has come anew; empty for a run that is not there."""
    run = Run.objects.defer(*_HEAVY).filter(pk=subject.run, organization=subject.organization).first()
    if run is None:
        return b""
    context = {"run": run, "state": STATE_WORDS[run.state], "sign": STATE_SIGNS[run.state]}
    with translation.override(subject.language):
        return _event(render_to_string("logs/ended.html", context))


def _event(html: str) -> bytes:
    lines = [line.strip() for line in html.splitlines()]
    return b"".join(b"data: %s\n" % line.encode() for line in lines if line) + b"\n"
