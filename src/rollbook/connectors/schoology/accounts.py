"""Deactivates and revives accounts: the only writes that carry no fields, and the only DELETE that is ever sent.

Nothing is lost and nobody is mailed: `SchoologyClient.deactivate` knows no other way. What is so already is done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from rollbook.connectors.base import Batch
from rollbook.connectors.kit import Answer, LostAnswer
from rollbook.connectors.schoology.batches import BULK_MOST
from rollbook.connectors.schoology.client import SchoologyClient
from rollbook.connectors.schoology.lenient import Json, ident
from rollbook.connectors.schoology.outcomes import account_outcomes, refused, unknown
from rollbook.connectors.schoology.reading import Reader
from rollbook.connectors.schoology.singles import refusal_words
from rollbook.errors import BadResponse, BatchRefused, Bug
from rollbook.roster.changes import DONE, REFUSED, Change, LiveRecord, Outcome
from rollbook.roster.lms import DEACTIVATE, REVIVE

ACTIONS = (DEACTIVATE, REVIVE)


class Accounts:
    """Changes the state of accounts, by their LMS ids."""

    def __init__(self, client: SchoologyClient, reader: Reader) -> None:
        self._client, self._reader = client, reader

    def apply(self, batch: Batch) -> list[Outcome]:
        """Raises Bug for other kinds, and for more than a call can hold."""
        if batch.kind != "user" or batch.action not in ACTIONS:
            raise Bug(f"the Schoology connector does not {batch.action} objects of kind {batch.kind!r}")
        if len(batch.changes) > BULK_MOST:
            raise Bug(f"a batch of {len(batch.changes)} changes, where at most {BULK_MOST} fit in one call")
        active = self._active(batch.changes)
        settled = {place: self._known(each, active) for place, each in enumerate(batch.changes)}
        outcomes = {place: found for place, found in settled.items() if found is not None}
        asked = [place for place, found in settled.items() if found is None]
        if asked:
            answers = self._send(batch.action, [batch.changes[place] for place in asked])
            outcomes.update(zip(asked, answers, strict=True))
        return [outcomes[place] for place in range(len(batch.changes))]

    def _active(self, changes: Sequence[Change]) -> Mapping[str, LiveRecord]:
        """The active ones of these accounts by LMS id, as they are now: a plan may be hours old."""
        return {record.lms_id: record for record in self._reader.read("user", [change.key for change in changes])}

    def _known(self, change: Change, active: Mapping[str, LiveRecord]) -> Outcome | None:
        """The outcome of a change that needs no call, or must not be sent."""
        lms_id = ident(change.lms_id)
        if lms_id is None:
            return refused("its LMS id is not known")
        live = active.get(lms_id)
        if change.action == REVIVE:
            return Outcome(status=DONE, lms_id=lms_id) if live is not None else None
        if live is None:
            inactive = self._client.find(f"users/inactive/{quote(lms_id, safe='')}", "a deactivated user")
            if inactive is None:
                return refused("there is no such account under this unique id")
            return Outcome(status=DONE, lms_id=lms_id)
        return refused("the account is an administrator's or owns the key") if live.protected else None

    def _send(self, action: str, changes: Sequence[Change]) -> list[Outcome]:
        ids = [str(ident(change.lms_id)) for change in changes]
        try:
            answer = self._client.deactivate(ids) if action == DEACTIVATE else self._client.revive(ids)
        except LostAnswer as lost:
            return [unknown(str(lost), lost.status)] * len(changes)
        return self._read(action, changes, answer)

    def _read(self, action: str, changes: Sequence[Change], answer: Answer) -> list[Outcome]:
        if not answer.ok:
            said = refusal_words(answer)
            words = f": {said}" if said else ""
            raise BatchRefused(f"{answer.who} refused a whole call with {answer.status}{words}", answer.status)
        name = "id" if action == DEACTIVATE else "uid"
        sent: list[tuple[Change, Json]] = [(change, {name: change.lms_id}) for change in changes]
        try:
            outcomes = account_outcomes(answer.json(), sent, name)
        except BadResponse as error:
            return [unknown(str(error), answer.status)] * len(changes)
        return [self._seen(one, change) for one, change in zip(outcomes, changes, strict=True)]

    def _seen(self, outcome: Outcome, change: Change) -> Outcome:
        """An account that is not where a call expects it may be as wanted by now: somebody was faster."""
        if outcome.status != REFUSED or outcome.code not in (404, 410):
            return outcome
        found = self._known(change, self._active([change]))
        return found or outcome
