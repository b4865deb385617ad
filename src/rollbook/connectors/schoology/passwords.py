"""Gives accounts another password, by their LMS ids, and changes nothing else of them (rule 14).

PUT users with id and password alone (Schoology REST API v1, Users: any subset of fields; `password` is write only).
"""

from __future__ import annotations

from collections.abc import Sequence

from rollbook.connectors.base import Batch
from rollbook.connectors.kit import LostAnswer
from rollbook.connectors.schoology.batches import BULK_MOST
from rollbook.connectors.schoology.client import SchoologyClient
from rollbook.connectors.schoology.lenient import Json, ident, number
from rollbook.connectors.schoology.outcomes import account_outcomes, refused, unknown
from rollbook.errors import BadResponse, BatchRefused, Bug
from rollbook.roster.changes import REFUSED, Change, Outcome
from rollbook.roster.lms import SET_PASSWORD

#: Said instead of the LMS's own words where those may quote the password.
_REFUSED = "the LMS refused this password"


def set_passwords(client: SchoologyClient, batch: Batch) -> list[Outcome]:
    """One bulk call. Raises Bug for other batches, BatchRefused when the call was refused whole."""
    if batch.kind != "user" or batch.action != SET_PASSWORD or len(batch.changes) > BULK_MOST:
        raise Bug(f"the Schoology connector does not {batch.action} {len(batch.changes)} objects of {batch.kind!r}")
    outcomes: dict[int, Outcome] = {}
    sent: list[tuple[Change, Json]] = []
    places: list[int] = []
    for place, change in enumerate(batch.changes):
        lms_id, password = ident(change.lms_id), batch.secrets.get(change.key)
        if lms_id is None or not password:
            outcomes[place] = refused("its LMS id or its password is not known")
            continue
        sent.append((change, {"id": number(lms_id) or lms_id, "password": password}))
        places.append(place)
    if sent:
        outcomes.update(zip(places, _send(client, sent), strict=True))
    return [outcomes[place] for place in range(len(batch.changes))]


def without_passwords(message: str, batch: Batch) -> str:
    """A message of the LMS about a batch, without any password that the batch brought (rule 14)."""
    for password in batch.secrets.values():
        message = message.replace(password, "[password]") if password else message
    return message


def _send(client: SchoologyClient, sent: Sequence[tuple[Change, Json]]) -> list[Outcome]:
    body = {"users": {"user": [item for _, item in sent]}}
    try:
        answer = client.write("PUT", "users", body, "setting passwords")
    except LostAnswer as lost:
        return [unknown(str(lost), lost.status)] * len(sent)
    if not answer.ok:
        raise BatchRefused(f"{answer.who} refused a whole call with {answer.status}", answer.status)
    try:
        outcomes = account_outcomes(answer.json(), sent, "id")
    except BadResponse as error:
        return [unknown(str(error), answer.status)] * len(sent)
    return [_without_password(one, item["password"]) for one, (_, item) in zip(outcomes, sent, strict=True)]


def _without_password(outcome: Outcome, password: str) -> Outcome:
    if outcome.status == REFUSED and password in outcome.message:
        return refused(_REFUSED, outcome.code)
    return outcome
