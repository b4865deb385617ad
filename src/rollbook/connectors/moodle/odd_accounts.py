"""Reads accounts around those that Moodle cannot show. One with a value that is not valid any more (a sign-in plugin
that was uninstalled, a username by older rules) makes the whole answer an error. Finds out which ones those are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from typing import Final

from rollbook.connectors.kit.side_by_side import side_by_side
from rollbook.connectors.moodle.client import MoodleError
from rollbook.connectors.moodle.lenient import Json, number, text
from rollbook.errors import BadResponse

#: Said of an answer that holds a value which is not valid (external_api::clean_returnvalue).
INVALID: Final = "invalidresponse"
UNREADABLE: Final = (
    "Moodle cannot show the account that is there already, as one of its values is not valid any more, such as its "
    "sign-in plugin or its username; an administrator corrects it in Moodle"
)
#: Names of each of these lengths are asked for by themselves, longer ones all at once.
_LENGTHS: Final = range(1, 25)
_PATTERNS: Final = ["_" * length for length in _LENGTHS] + ["_" * _LENGTHS.stop + "%"]
#: Ids of one look-up.
_IDS: Final = 500

#: What people who are looked for have: patterns of names (SQL), or an id.
Criteria = Mapping[str, str]


def is_odd(raw: Json) -> bool:
    """Could Moodle not show it? The full name is shown of everybody else."""
    return "fullname" not in raw


def by_halves(ask: Callable[[Sequence[str]], list[Json]], field: str, values: Sequence[str]) -> list[Json]:
    """What `ask` finds of these values. Of an account that Moodle cannot show there is nothing but the value by which
    it was asked for."""
    try:
        return ask(values)
    except MoodleError as error:
        if error.code != INVALID:
            raise
    if len(values) == 1:
        return [{field: values[0]}]
    middle = len(values) // 2
    return [*by_halves(ask, field, values[:middle]), *by_halves(ask, field, values[middle:])]


class AroundOdd:
    """All accounts of a site; those that Moodle cannot show have nothing but an id.

    People whose first and last name have as many letters are asked for together: all such are found by name but those
    who share this with an odd one. They are found by their ids, which end at most one look-up after the last id that is
    known. Raises BadResponse where an answer is still an error because of nobody who was found."""

    def __init__(
        self, by_criteria: Callable[[Criteria], list[Json]], by_id: Callable[[Sequence[str]], list[Json]], at_once: int
    ) -> None:
        self._by_criteria, self._by_id, self._at_once = by_criteria, by_id, at_once
        self._failing: list[Criteria] = []

    def read(self) -> list[Json]:
        found = self._by_name([{"lastname": last} for last in _PATTERNS])
        spoiled, self._failing = self._failing, []
        found += self._by_name([{**each, "firstname": first} for each in spoiled for first in _PATTERNS])
        found += self._by_ids({number(raw.get("id")) or 0 for raw in found})
        self._check([text(raw.get("id")) for raw in found if is_odd(raw)])
        return found

    def _by_name(self, criteria: Sequence[Criteria]) -> list[Json]:
        """Nobody of an answer that holds an odd one; `_failing` has its criteria."""
        found: list[Json] = []
        asked = {str(at): each for at, each in enumerate(criteria)}
        for rows in side_by_side(lambda at: self._shown(asked[at]), asked, at_once=self._at_once):
            found += rows
        return found

    def _shown(self, criteria: Criteria) -> list[Json]:
        try:
            return self._by_criteria(criteria)
        except MoodleError as error:
            if error.code != INVALID:
                raise
            self._failing.append(criteria)
            return []

    def _by_ids(self, seen: Set[int]) -> list[Json]:
        found: list[Json] = []
        last = max(seen, default=0)
        missing = [str(each) for each in range(1, last) if each not in seen]
        parts = [",".join(missing[at : at + _IDS]) for at in range(0, len(missing), _IDS)]
        for rows in side_by_side(lambda part: self._by_id(part.split(",")), parts, at_once=self._at_once):
            found += rows
        while rows := self._by_id([str(each) for each in range(last + 1, last + 1 + _IDS)]):
            found += rows
            last += _IDS
        return found

    def _check(self, odd: Sequence[str]) -> None:
        for criteria in self._failing:
            if not any(self._fails({**criteria, "id": each}) for each in odd):
                raise BadResponse(f"Moodle does not show all accounts ({INVALID}): {UNREADABLE}")

    def _fails(self, criteria: Criteria) -> bool:
        try:
            self._by_criteria(criteria)
        except MoodleError as error:
            return error.code == INVALID
        return False
