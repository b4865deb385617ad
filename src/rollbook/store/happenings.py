"""Judges an ended run: what of it is worth a notice, compared with the runs of the same sort before it. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import median
from typing import Final

import msgspec

from rollbook.core.stored import RunResult
from rollbook.roster.lms import ACTIONS, plural
from rollbook.roster.reasons import recognized
from rollbook.roster.shapes import learned
from rollbook.roster.words import Words, say
from rollbook.store.held import doubt_words, doubted, hold_words
from rollbook.store.models import HoldState, NoticeRow, River, Run, RunState

FAILED, HELD, ERRORS, RECOVERED = "failed", "held", "errors", "recovered"
DEVIATION, EXPIRING, TEST = "deviation", "expiring", "test"
#: What is told is about a run of grades: its advice is another one.
GRADES: Final = "grades"

#: How many runs of the same sort a run is compared with; with fewer than the second number, with none.
LAST, LEAST = 10, 3
#: What waits or fails as it did the last time is told again after so long.
AGAIN: Final = timedelta(days=7)
#: Counts of a kind that make a run one "with errors".
TROUBLE: Final = ("refused", "unknown", "blocked")


@dataclass(frozen=True)
class Happening:
    """One thing to tell: its event, what happened in words without personal data, and what it is `about` where the
    event's advice does not fit."""

    event: str
    words: Words
    about: str = ""


@dataclass(frozen=True)
class Figures:
    """What runs are compared by."""

    read: Mapping[str, int]
    changes: int
    findings: int
    seconds: float

    @property
    def share(self) -> float:
        """Findings for each record read."""
        return self.findings / max(1, sum(self.read.values()))


def happenings(run: Run) -> list[Happening]:
    """What there is to tell about a run that has just ended, worst first; nothing about dry and cancelled ones."""
    if run.dry_run or run.state not in (RunState.DONE, RunState.HELD, RunState.FAILED):
        return []
    grades = run.river == River.GRADES
    found = _found(run)
    return [replace(one, about=GRADES) for one in found] if grades else found


def _found(run: Run) -> list[Happening]:
    before = _before(run)
    last = before[0] if before else None
    if run.state == RunState.FAILED:
        why = recognized(run.error.rstrip(".")) or say("the reason was not written down")
        return [Happening(FAILED, say("The run failed: %(why)s.", why=why))]
    found = [*_held(run, last), *_not_whole(run, last), *_errors(run, last)]
    if last is not None and _level(run) < _level(last) and (_level(run) == 0 or _level(last) > 1):
        found.append(Happening(RECOVERED, _WENT_WELL[_level(last)]))
    good = [figures(one) for one in before if one.state != RunState.FAILED]
    if len(good) >= LEAST:
        found += [Happening(DEVIATION, words) for words in deviations(figures(run), good)]
    return found


_WENT_WELL: Final = {
    1: say("This run went well; the one before it left errors."),
    2: say("This run went well; the one before it was held."),
    3: say("This run went well; the one before it failed."),
}


def _level(run: Run) -> int:
    """0 good, 1 with errors, 2 held, 3 failed."""
    if run.state == RunState.FAILED:
        return 3
    if _is_held(run):
        return 2
    return 1 if any(_trouble(result_of(run)).values()) else 0


def _is_held(run: Run) -> bool:
    """Holds that a person rejected wait for nobody; what was not read whole waits for the next run."""
    return run.holds.exclude(state=HoldState.REJECTED).exists() or bool(doubted(result_of(run)))


def _before(run: Run) -> list[Run]:
    """Ended runs of the same sort, latest first; none for the sending of a plan and for an undo."""
    if run.applies_id is not None or run.undo_of_id is not None:
        return []
    same = Run.objects.filter(
        organization=run.organization_id,
        kinds=run.kinds,
        river=run.river,
        schools=run.schools,
        sections=run.sections,
        items=run.items,
        only_mapped=run.only_mapped,
        dry_run=False,
        applies__isnull=True,
        undo_of__isnull=True,
        state__in=[RunState.DONE, RunState.HELD, RunState.FAILED],
        ended_at__isnull=False,
    )
    return list(same.exclude(pk=run.pk).order_by("-ended_at")[:LAST])


def _held(run: Run, last: Run | None) -> list[Happening]:
    waiting = list(run.holds.filter(state=HoldState.WAITING))
    if not waiting:
        return []
    known = set(last.holds.exclude(state=HoldState.REJECTED).values_list("hold", flat=True)) if last else set()
    if {one.hold for one in waiting} <= known and _told_lately(run, HELD):
        return []
    return [Happening(HELD, words) for words in hold_words(waiting)]


def _not_whole(run: Run, last: Run | None) -> list[Happening]:
    result = result_of(run)
    known = doubted(result_of(last)) if last is not None else []
    if doubted(result) == known and _told_lately(run, HELD):
        return []
    return [Happening(HELD, words, about) for about, words in doubt_words(run, result)]


def _errors(run: Run, last: Run | None) -> list[Happening]:
    now = _trouble(result_of(run))
    total = {word: sum(number for (_, name), number in now.items() if name == word) for word in TROUBLE}
    if not any(total.values()):
        return []
    then = _trouble(result_of(last)) if last else {}
    if all(number <= then.get(place, 0) for place, number in now.items()) and _told_lately(run, ERRORS):
        return []
    says = _GRADES_SAY if run.river == River.GRADES else _SAY
    parts = {word: _many(number, *says[word]) for word, number in total.items() if number}
    trouble = Words("; ".join(f"%({word})s" for word in parts), parts)
    return [Happening(ERRORS, say("The run is done, but %(trouble)s.", trouble=trouble))]


_SAY: Final = {
    "refused": (say("1 change was refused by the LMS"), say("%(number)s changes were refused by the LMS")),
    "unknown": (say("1 change got no answer"), say("%(number)s changes got no answer")),
    "blocked": (
        say("1 record of the SIS was held back as faulty"),
        say("%(number)s records of the SIS were held back as faulty"),
    ),
}
_GRADES_SAY: Final = {
    "refused": (say("1 change was refused by the SIS"), say("%(number)s changes were refused by the SIS")),
    "unknown": _SAY["unknown"],
    "blocked": (
        say("1 item or grade of the LMS was held back"),
        say("%(number)s items or grades of the LMS were held back"),
    ),
}


def _many(number: int, one: Words, several: Words) -> Words:
    return one if number == 1 else Words(several.text, {"number": number})


def _trouble(result: RunResult) -> dict[tuple[str, str], int]:
    return {(kind, word): counts.get(word, 0) for kind, counts in result.kinds.items() for word in TROUBLE}


def _told_lately(run: Run, event: str) -> bool:
    since = (run.ended_at or run.created_at) - AGAIN
    told = NoticeRow.objects.filter(organization=run.organization_id, events__contains=event, created_at__gt=since)
    return told.exists()


def result_of(run: Run) -> RunResult:
    """The result of a run; empty counts when it has none. (`store.runs` is above this module.)"""
    return RunResult() if run.result is None else msgspec.convert(run.result, learned(RunResult))


def figures(run: Run) -> Figures:
    """The figures of an ended run."""
    result = result_of(run)
    return Figures(
        read={kind: counts.get("read", 0) for kind, counts in result.kinds.items()},
        changes=sum(counts.get(action, 0) for counts in result.kinds.values() for action in ACTIONS),
        findings=sum(result.findings.values()),
        seconds=_seconds(run.started_at, run.ended_at),
    )


def _seconds(start: datetime | None, end: datetime | None) -> float:
    return (end - start).total_seconds() if start and end else 0.0


def deviations(now: Figures, before: Sequence[Figures]) -> list[Words]:
    """Where a run is unlike the median of the runs before it, in words."""
    runs = len(before)
    found = []
    for kind, number in now.read.items():
        usual = median(one.read.get(kind, 0) for one in before)
        if abs(number - usual) > max(0.2 * usual, 19):
            read = say("%(list)s read: %(number)s", list=Words(plural(kind), {}), number=number)
            found.append(_unlike(read, f"{usual:g}", runs))
    usual = median(one.changes for one in before)
    if now.changes > max(3 * usual, usual + 99):
        found.append(_unlike(say("Changes: %(number)s", number=now.changes), f"{usual:g}", runs))
    usual = median(one.share for one in before)
    if now.share > 2 * usual and now.findings - usual * sum(now.read.values()) >= 20:
        share, usually = f"{1000 * now.share:.1f}", f"{1000 * usual:.1f}"
        found.append(_unlike(say("Findings for 1,000 records: %(number)s", number=share), usually, runs))
    usual = median(one.seconds for one in before)
    if now.seconds > max(2 * usual, usual + 299):
        found.append(_unlike(say("Duration: %(number)s s", number=round(now.seconds)), f"{usual:.0f} s", runs))
    return found


def _unlike(figure: Words, usual: str, runs: int) -> Words:
    return say("%(figure)s; the last %(runs)s runs had %(usual)s (median).", figure=figure, runs=runs, usual=usual)
