"""Writes sections: each is a course of Moodle, found again by its ID number. Deletes none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rollbook.connectors.base import Batch
from rollbook.connectors.kit import LostAnswer
from rollbook.connectors.moodle import translate
from rollbook.connectors.moodle.client import MoodleClient, MoodleError
from rollbook.connectors.moodle.lenient import Json, ident, listing, text
from rollbook.connectors.moodle.options import MoodleOptions
from rollbook.connectors.moodle.outcomes import done, refused, said, too_early, unclear, with_warnings
from rollbook.connectors.moodle.reading import Reader
from rollbook.connectors.moodle.sending import Sizes, send_all
from rollbook.connectors.moodle.translate import Refusal
from rollbook.roster.changes import Change, Outcome
from rollbook.roster.lms import CREATE, REKEY

FIELDS: Final = 6
#: Courses of one call: they are made in one transaction, which shall end before the call's time is up.
MOST: Final = 20
#: The status of a call that has ended in trouble; what a proxy says (502 to 504 and more) tells nothing of the call.
_OVER: Final = 500

#: A short name of ours has the class's id in it, so it is hardly anybody else's course.
_TAKEN: Final = (
    "another course of the LMS has its short name; if that is the course of this class, give it the class's id as ID "
    "number there, else another short name"
)

Said = tuple[Change, Json]


class Sections:
    """Moodle's courses of one site. Several threads may use it."""

    def __init__(self, client: MoodleClient, reader: Reader, options: MoodleOptions, sizes: Sizes) -> None:
        self._client, self._reader, self._options, self._sizes = client, reader, options, sizes
        self._zone = options.zone()
        #: Codes of sections whose create Moodle may still be at, as no answer of it came. It makes a call's courses in
        #: one transaction, and sees no twin in another's: so these are not sent again by this run.
        self._adrift: set[str] = set()

    def apply(self, batch: Batch) -> list[Outcome]:
        settled: dict[int, Outcome] = {}
        said_: list[tuple[int, Said]] = []
        missing = [change.key for change in batch.changes if ident(change.lms_id) is None]
        known = self._reader.course_ids(missing) if missing and batch.action != CREATE else {}
        for place, change in enumerate(batch.changes):
            item = self._item(change, known)
            if isinstance(item, Outcome):
                settled[place] = item
            else:
                said_.append((place, (change, item)))
        sent = [pair for _, pair in said_]
        outcomes = self._create_all(sent) if batch.action == CREATE else self._update(sent)
        settled.update(zip((place for place, _ in said_), outcomes, strict=True))
        return [settled[place] for place in range(len(batch.changes))]

    def _item(self, change: Change, known: dict[str, str]) -> Json | Outcome:
        """What to send of a change; an outcome where nothing is to be sent."""
        if change.action == CREATE:
            if change.key in self._adrift:
                return too_early()
            item = translate.new_course(change, self._options, self._zone)
            return refused(item.message) if isinstance(item, Refusal) else item
        lms_id = ident(change.lms_id) or known.get(change.key)
        if lms_id is None:
            return refused("its LMS id is not known")
        fields: Json | Refusal = {}
        if change.action != REKEY:
            fields = translate.course_fields(change, self._options, self._zone, every=False)
        if isinstance(fields, Refusal):
            return refused(fields.message)
        if change.new_key:
            if len(change.new_key) > 100:
                return refused("its new code is longer than the 100 letters that Moodle takes")
            fields["idnumber"] = change.new_key
        return {"id": lms_id, **fields} if fields else done(lms_id)

    def _update(self, sent: Sequence[Said]) -> list[Outcome]:
        outcomes = send_all(sent, self._sizes, FIELDS, self._update_some, _alone)
        for (change, item), outcome in zip(sent, outcomes, strict=True):
            if outcome.status == "done":
                self._reader.learn_course(change.new_key or change.key, text(item["id"]))
        return outcomes

    def _update_some(self, part: Sequence[Said]) -> list[Outcome]:
        answer = self._client.write("core_course_update_courses", "writing courses", courses=[item for _, item in part])
        return with_warnings(answer, [(change, text(item["id"])) for change, item in part], {})

    def _create_all(self, sent: Sequence[Said]) -> list[Outcome]:
        looked_up: set[str] = set()

        def call(part: Sequence[Said]) -> list[Outcome]:
            try:
                return self._create(part)
            except MoodleError:
                fresh = [change.key for change, _ in part if change.key not in looked_up]
                looked_up.update(fresh)
                there = self._reader.course_ids(fresh)
                if not there:
                    raise
            # There already, most often because an answer was lost: brought up to date.
            old = [self._whole(change, there[change.key]) for change, _ in part if change.key in there]
            rest = [pair for pair in part if pair[0].key not in there]
            updated = iter(self._update(old))
            made = iter(send_all(rest, self._sizes, FIELDS, call, _alone, begun=True))
            return [next(updated) if change.key in there else next(made) for change, _ in part]

        return send_all(sent, self._sizes, FIELDS, call, _alone)

    def _create(self, part: Sequence[Said]) -> list[Outcome]:
        items = [item for _, item in part]
        try:
            answer = self._client.write("core_course_create_courses", "writing courses", courses=items)
        except LostAnswer as lost:
            if lost.status is None or lost.status > _OVER:
                self._adrift.update(change.key for change, _ in part)
            raise
        ids = [ident(each.get("id")) for each in listing(answer)]
        if len(ids) != len(part):
            return [unclear("Moodle did not say which ids the new courses have")] * len(part)
        outcomes: list[Outcome] = []
        for (change, _), lms_id in zip(part, ids, strict=True):
            if lms_id is not None:
                self._reader.learn_course(change.key, lms_id)
            outcomes.append(done(lms_id) if lms_id else unclear("Moodle gave the new course no id"))
        return outcomes

    def _whole(self, change: Change, lms_id: str) -> Said:
        fields: Any = translate.course_fields(change, self._options, self._zone, every=True)
        return change, {"id": lms_id, **fields}


def _alone(pair: Said, error: MoodleError) -> Outcome:
    if error.code == "shortnametaken":
        return refused(_TAKEN)
    return said(error, pair[0])
