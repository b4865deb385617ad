"""Buildings and grading periods: one call each, and looked for first, since the LMS cannot upsert them.
Deletes none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from urllib.parse import quote

from rollbook.connectors.base import Batch
from rollbook.connectors.kit import Answer, LostAnswer
from rollbook.connectors.schoology import translate
from rollbook.connectors.schoology.client import SchoologyClient
from rollbook.connectors.schoology.lenient import Json, ident, mapping, optional
from rollbook.connectors.schoology.outcomes import UNCLEAR, refused, scrubbed, unknown, words
from rollbook.connectors.schoology.reading import Reader
from rollbook.connectors.schoology.translate import Refusal
from rollbook.errors import BadResponse, Bug
from rollbook.roster.changes import DONE, Change, LiveRecord, Outcome
from rollbook.roster.lms import CREATE, REKEY, UPDATE

SINGLES = ("building", "grading_period")


class Singles:
    """Writes buildings and grading periods."""

    def __init__(self, client: SchoologyClient, reader: Reader) -> None:
        self._client, self._reader = client, reader

    def apply(self, batch: Batch) -> list[Outcome]:
        """Raises Bug for removals: neither kind is ever deleted."""
        if batch.action == REKEY:  # their keys live in Rollbook alone
            return [Outcome(status=DONE, lms_id=change.lms_id) for change in batch.changes]
        if batch.action not in {CREATE, UPDATE}:
            raise Bug(f"the Schoology connector does not {batch.action} objects of kind {batch.kind!r}")
        return [self._write(change) for change in batch.changes]

    def look_up(self, changes: Sequence[Change]) -> list[LiveRecord | None]:
        """Is each already there: by LMS id; else buildings by code, grading periods by title and dates."""
        records = {kind: list(self._reader.read(kind, ())) for kind in {change.kind for change in changes}}
        return [_find(change, records[change.kind]) for change in changes]

    def _write(self, change: Change) -> Outcome:
        building = change.kind == "building"
        item = translate.building_item(change) if building else translate.period_item(change)
        if isinstance(item, Refusal):
            return refused(item.message)
        lms_id = ident(change.lms_id) if change.action == UPDATE else None
        if lms_id is None:
            there = self.look_up([change])[0]
            if there is not None and _is_as_wanted(change, there):
                return Outcome(status=DONE, lms_id=there.lms_id)
            lms_id = there.lms_id if there is not None else None
        if lms_id is None and change.action == UPDATE:
            return refused("its LMS id is not known")
        path = "schools" if building else "gradingperiods"
        if lms_id is not None:
            return self._send("PUT", f"{path}/{quote(lms_id, safe='')}", item, change, lms_id)
        return self._send("POST", f"schools/{self._reader.school_id()}/buildings" if building else path, item, change)

    def _send(
        self, method: Literal["POST", "PUT"], path: str, item: Json, change: Change, own: str | None = None
    ) -> Outcome:
        """`own` is the id of what is updated; the answer to a create says the new one."""
        what = f"writing a {change.kind.replace('_', ' ')}"
        try:
            answer = self._client.write(method, path, item, what)
        except LostAnswer as lost:
            return unknown(str(lost), lost.status)
        if not answer.ok:
            said = scrubbed(refusal_words(answer), change)
            return refused(said or f"refused with status {answer.status}", answer.status)
        lms_id = own or _new_id(answer)
        if lms_id is None:
            return unknown("the LMS did not say which id the new object has", UNCLEAR)
        return Outcome(status=DONE, lms_id=lms_id, code=answer.status)


def _find(change: Change, records: Sequence[LiveRecord]) -> LiveRecord | None:
    own = ident(change.lms_id)
    if own is not None and change.action != CREATE:
        return next((record for record in records if record.lms_id == own), None)
    return next((record for record in records if _is_same(change, record)), None)


def _is_same(change: Change, record: LiveRecord) -> bool:
    wanted, there = change.after, record.fields
    if change.kind == "building":
        code = optional(wanted.get("code"))
        if code is not None:
            return there.get("code") == code
        return there.get("code") is None and there.get("title") == optional(wanted.get("title"))
    return all(there.get(name) == optional(wanted.get(name)) for name in ("title", "start", "end"))


def _is_as_wanted(change: Change, record: LiveRecord) -> bool:
    return all(
        record.fields.get(name) == optional(value) for name, value in change.after.items() if name in record.fields
    )


def _new_id(answer: Answer) -> str | None:
    try:
        return ident(mapping(answer.json()).get("id"))
    except BadResponse:
        return None


def refusal_words(answer: Answer) -> str:
    """What a refused call says: a plain text, a JSON string, an object, nothing; a web page says nothing."""
    if answer.content_type == "text/html" or answer.body[:1] == b"<":
        return ""
    try:
        return words(answer.json())
    except BadResponse:
        return words(answer.body[:2000].decode("utf-8", "replace"))
