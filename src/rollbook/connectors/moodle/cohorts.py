"""Puts people into a site cohort of each of their buildings, where an organization wants that, and takes them out of
those of buildings that they have left. Touches no other cohort."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from rollbook.connectors.moodle.client import MoodleClient, MoodleError
from rollbook.connectors.moodle.functions import COHORTS_LEFT
from rollbook.connectors.moodle.lenient import ident, listing, mapping, optional, text
from rollbook.connectors.moodle.outcomes import cut_short, done, said
from rollbook.connectors.moodle.reading import Reader
from rollbook.connectors.moodle.sending import Sizes, send_all
from rollbook.errors import AuthFailed, BadResponse, ConfigError, Unavailable
from rollbook.roster.changes import DONE, Change, Outcome
from rollbook.roster.lms import CREATE, UPDATE

#: Form fields of somebody who is put in, and of somebody who is taken out.
FIELDS: Final = 4
_LEFT_FIELDS: Final = 2
#: The warning of somebody who is in a cohort already (add_cohort_members).
_IN: Final = "3"
_GONE: Final = "the account or the cohort is not there any more"
_WHERE: Final = ("building", "additional_buildings")

#: A change with the user's id and the ID number of a cohort.
Place = tuple[Change, str, str]


class Cohorts:
    """Cohorts of one site, known by the ids of their buildings' categories. Several threads may use it."""

    def __init__(self, client: MoodleClient, reader: Reader, sizes: Sizes) -> None:
        self._client, self._reader, self._sizes = client, reader, sizes
        self._lock = threading.Lock()
        self._made: set[str] = set()
        #: Moodle's own ids of cohorts by ID number.
        self._ids: dict[str, str] | None = None

    def put(self, changes: Sequence[Change], outcomes: Sequence[Outcome]) -> list[Outcome]:
        """The outcomes of accounts that were written, after their people were put into cohorts too, and taken out of
        those of buildings that they have left. One of whom that could not be done is not done: the next run writes the
        account once more."""
        entered = self._each(changes, outcomes, _entered, self._enter)
        return self._each(changes, entered, _left, self._leave)

    def _each(
        self,
        changes: Sequence[Change],
        outcomes: Sequence[Outcome],
        places_of: Callable[[Change, str], Iterator[Place]],
        send: Callable[[Sequence[Place]], list[Outcome]],
    ) -> list[Outcome]:
        places = [
            place
            for change, outcome in zip(changes, outcomes, strict=True)
            if outcome.status == DONE and outcome.lms_id is not None
            for place in places_of(change, outcome.lms_id)
        ]
        if not places:
            return list(outcomes)
        try:
            sent = send(places)
        except (AuthFailed, ConfigError, Unavailable, BadResponse) as error:  # the accounts are written by now
            sent = [cut_short(error)] * len(places)
        failed = {place[1]: each for place, each in zip(places, sent, strict=True) if each.status != DONE}
        return [failed.get(outcome.lms_id or "", outcome) for outcome in outcomes]

    # --- in -----------------------------------------------------------------------------------------------------------

    def _enter(self, places: Sequence[Place]) -> list[Outcome]:
        self._make([cohort for _, _, cohort in places])
        return send_all(places, self._sizes, FIELDS, self._add, _alone, begun=True)

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
        """Whoever is in a cohort already is a warning, and done. Any other says that account or cohort is gone: of
        whom, only its words tell, so the call is split, and what was done is done again."""
        members = [
            {"cohorttype": {"type": "idnumber", "value": cohort}, "usertype": {"type": "id", "value": user}}
            for _, user, cohort in part
        ]
        answer = self._client.write("core_cohort_add_cohort_members", "writing cohorts", members=members)
        warned = [each for each in listing(mapping(answer).get("warnings")) if text(each.get("warningcode")) != _IN]
        if warned:
            raise MoodleError("Moodle did not put everybody into a cohort", code="notincohort", words=_GONE)
        return [done(user) for _, user, _ in part]

    # --- out ----------------------------------------------------------------------------------------------------------

    def _leave(self, places: Sequence[Place]) -> list[Outcome]:
        ids = self._cohort_ids() if self._may_take_out() else {}
        there = [place for place in places if place[2] in ids]

        def take(part: Sequence[Place]) -> list[Outcome]:
            """All of them or none; who is not in is no trouble, and nobody is in a cohort that is not there."""
            members = [{"cohortid": ids[cohort], "userid": user} for _, user, cohort in part]
            self._client.write("core_cohort_delete_cohort_members", "writing cohorts", members=members)
            return [done(user) for _, user, _ in part]

        sent = iter(send_all(there, self._sizes, _LEFT_FIELDS, take, _alone, begun=True))
        return [next(sent) if place[2] in ids else done(place[1]) for place in places]

    def _cohort_ids(self) -> Mapping[str, str]:
        """As they were when somebody first left a building in this run: whoever leaves was put in before."""
        with self._lock:
            if self._ids is None:
                rows: Any = self._client.read("core_cohort_get_cohorts", "cohorts")
                if not isinstance(rows, list):
                    raise BadResponse("Moodle did not answer with a list of cohorts")
                found = ((optional(each.get("idnumber")), ident(each.get("id"))) for each in listing(rows))
                self._ids = {code: own for code, own in found if code and own}
            return self._ids

    def _may_take_out(self) -> bool:
        """A service from before has not the functions for it; the connection test names them."""
        have = {text(each.get("name")) for each in listing(self._reader.site().get("functions"))}
        return not have or have.issuperset(COHORTS_LEFT)


def _entered(change: Change, user: str) -> Iterator[Place]:
    """The cohorts of the buildings that somebody has now."""
    if change.action == CREATE or _moved(change):
        yield from ((change, user, each) for each in _cohorts(change, ""))


def _left(change: Change, user: str) -> Iterator[Place]:
    """The cohorts of the buildings that the ledger had somebody in, and that they have no more."""
    if _moved(change):
        now = set(_cohorts(change, ""))
        yield from ((change, user, each) for each in _cohorts(change, "before.") if each not in now)


def _moved(change: Change) -> bool:
    return change.action == UPDATE and bool(change.before.keys() & set(_WHERE))


def _cohorts(change: Change, when: str) -> Iterator[str]:
    main, others = (change.refs.get(f"{when}{name}") for name in _WHERE)
    found = [main, *(others or ())]
    return (_cohort(own) for own in dict.fromkeys(each for each in map(ident, found) if each))


def _cohort(category: str) -> str:
    return f"rollbook-{category}"


def _alone(place: Place, error: MoodleError) -> Outcome:
    return said(error, place[0])
