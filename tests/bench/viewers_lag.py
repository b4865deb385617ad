"""How far behind a run its viewers were: from the worker's own notes and what each viewer was told when."""

from __future__ import annotations

import html
import itertools
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

#: As the pages say it (English, `web/run_words.py`).
_STAGES: Final = {
    "extract": "Read the SIS",
    "stage": "Sort what was read",
    "check": "Check the records",
    "resolve": "Apply the mappings",
    "match": "Look into the LMS",
    "plan": "Plan the changes",
    "apply": "Send the changes",
    "settle": "Write down what was sent",
}
_NOTED: Final = ("extract", "stage", "match", "plan", "apply")
_SHOWN: Final = re.compile(r'rb-stage" role="status">([^<]*)<.*?rb-progress-count">([^<]*)<', re.DOTALL)


class Truth:
    """What was true of a run when: one entry each time that what a viewer should see changed."""

    def __init__(self, steps: Sequence[Sequence[Any]]) -> None:
        self.times: list[float] = [0.0]
        self.words: list[str] = ["Starting"]
        for _, at, _, *step in steps:
            words = _should_show(*step)
            if words != self.words[-1]:
                self.times.append(at)
                self.words.append(words)

    def wrong_since(self, words: str, told: float, until: float) -> float | None:
        """Of words that a viewer was shown from `told` to `until`: since when they were not true any more at `until`;
        None when they still were. Raises ValueError when they never had been."""
        place = bisect_right(self.times, told) - 1
        while place >= 0 and self.words[place] != words:
            place -= 1
        if place < 0:
            raise ValueError(words)
        if place + 1 >= len(self.times) or self.times[place + 1] > until:
            return None
        return self.times[place + 1]


@dataclass(frozen=True)
class Behind:
    """Of all that viewers were shown, how long (seconds) it was out of date when the next came; and how often it had
    never been true."""

    seconds: list[float]
    untrue: int


def behind(steps: Sequence[Sequence[Any]], seen: dict[str, Any]) -> Behind:
    truth, found, untrue = Truth(steps), [], 0
    for told in seen["told"]:
        shown = _shown([(at, seen["texts"][number]) for at, number in told])
        for (at, words), (until, _) in itertools.pairwise(shown):
            try:
                since = truth.wrong_since(words, at, until)
            except ValueError:
                untrue += 1
                continue
            if since is not None:
                found.append(until - since)
    return Behind(found, untrue)


def _should_show(stage: str, done: int, total: int | None, note: str) -> str:
    count = f"{done:,} of {total:,}" if total and total >= done else f"{done:,}" if done else ""
    return _one_line(f"{_STAGES[stage]} {count} {note.replace('_', ' ') if stage in _NOTED else ''}")


def _shown(pieces: Sequence[tuple[float, str]]) -> Iterator[tuple[float, str]]:
    """What a viewer was shown, each with the moment from which on; other events as empty words."""
    rest = ""
    for at, piece in pieces:
        *whole, rest = (rest + piece).split("\n\n")
        for event in whole:
            found = _SHOWN.search(event)
            if found or "rb-run-ended" in event or "event: refresh" in event:
                yield at, _one_line(html.unescape(f"{found[1]} {found[2]}")) if found else ""


def _one_line(words: str) -> str:
    return " ".join(words.split())
