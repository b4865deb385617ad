"""Puts people into a site cohort of each of their buildings, where an organization wants that. Takes nobody out."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Final

from rollbook.connectors.moodle.client import MoodleClient, MoodleError
from rollbook.connectors.moodle.lenient import ident
from rollbook.connectors.moodle.outcomes import cut_short, done, said
from rollbook.connectors.moodle.reading import Reader
from rollbook.connectors.moodle.sending import Sizes, send_all
from rollbook.errors import AuthFailed, BadResponse, Unavailable
from rollbook.roster.changes import DONE, Change, Outcome
from rollbook.roster.lms import CREATE, UPDATE

FIELDS: Final = 4
_WHERE: Final = ("building", "additional_buildings")

#: A change with the user's id and the ID number of a cohort.
Place = tuple[Change, str, str]


class Cohorts:
    """Cohorts of one site, known by the ids of their buildings' categories. Several threads may use it."""

    def __init__(self, client: MoodleClient, reader: Reader, sizes: Sizes) -> None:
        self._client, self._reader, self._sizes = client, reader, sizes
        self._lock = threading.Lock()
        self._made: set[str] = set()

    def put(self, changes: Sequence[Change], outcomes: Sequence[Outcome]) -> list[Outcome]:
        """The outcomes of accounts that were written, after their people were put into cohorts too. One that could not
        be is not done: the next run writes the account once more."""
        places = [
            place for change, outcome in zip(changes, outcomes, strict=True) for place in _places(change, outcome)
        ]
        if not places:
            return list(outcomes)
        try:
            self._make([cohort for _, _, cohort in places])
        except (AuthFailed, Unavailable, BadResponse) as error:  # the accounts are written by now
            added = [cut_short(error)] * len(places)
        else:
            added = send_all(
                places, self._sizes, FIELDS, self._add, lambda place, error: said(error, place[0]), begun=True
            )
        failed = {place[1]: each for place, each in zip(places, added, strict=True) if each.status != DONE}
        return [failed.get(outcome.lms_id or "", outcome) for outcome in outcomes]

    def _make(self, wanted: Sequence[str]) -> None:
        """Cohorts that are not known to be there; Moodle refuses those that are."""
        with self._lock:
            fresh = [each for each in dict.fromkeys(wanted) if each not in self._made]
            titles = (
                {_cohort(each.lms_id): each.fields["title"] for each in self._reader.read("building", ())}
                if fresh
                else {}
            )
            for each in fresh:
                cohort = {
                    "categorytype": {"type": "system", "value": ""},
                    "name": titles.get(each, each),
                    "idnumber": each,
                }
                try:
                    self._client.write("core_cohort_create_cohorts", "writing cohorts", cohorts=[cohort])
                except MoodleError as error:
                    if error.code != "invalidparameter":
                        raise
                self._made.add(each)

    def _add(self, part: Sequence[Place]) -> list[Outcome]:
        """Whoever is in a cohort already is a warning, and done."""
        members = [
            {"cohorttype": {"type": "idnumber", "value": cohort}, "usertype": {"type": "id", "value": user}}
            for _, user, cohort in part
        ]
        self._client.write("core_cohort_add_cohort_members", "writing cohorts", members=members)
        return [done(user) for _, user, _ in part]


def _places(change: Change, outcome: Outcome) -> Iterator[Place]:
    moved = change.action == CREATE or (change.action == UPDATE and bool(change.before.keys() & set(_WHERE)))
    if outcome.status != DONE or outcome.lms_id is None or not moved:
        return
    found = [change.refs.get("building"), *(change.refs.get("additional_buildings") or ())]
    for own in dict.fromkeys(each for each in map(ident, found) if each):
        yield change, outcome.lms_id, _cohort(own)


def _cohort(category: str) -> str:
    return f"rollbook-{category}"
