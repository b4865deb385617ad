"""Writes course categories: buildings, and courses below them where an organization wants these. Deletes none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rollbook.connectors.base import Batch
from rollbook.connectors.moodle import translate
from rollbook.connectors.moodle.client import MoodleClient, MoodleError
from rollbook.connectors.moodle.lenient import Json, ident, listing, text
from rollbook.connectors.moodle.options import MoodleOptions
from rollbook.connectors.moodle.outcomes import done, refused, said, unclear
from rollbook.connectors.moodle.reading import Reader
from rollbook.connectors.moodle.sending import Sizes, send_all
from rollbook.connectors.moodle.translate import Refusal
from rollbook.roster.changes import Change, LiveRecord, Outcome
from rollbook.roster.lms import CREATE, REKEY

FIELDS: Final = 4
_OURS: Final = {"title": "name", "code": "idnumber", "building": "parent"}

Said = tuple[Change, Json]


class Places:
    """Categories of one site. Several threads may use it."""

    def __init__(self, client: MoodleClient, reader: Reader, options: MoodleOptions, sizes: Sizes) -> None:
        self._client, self._reader, self._options, self._sizes = client, reader, options, sizes

    def apply(self, batch: Batch) -> list[Outcome]:
        """What is there already is brought up to date instead of being made twice: names need not be unique."""
        if batch.action == REKEY:  # their keys live in Rollbook alone
            return [done(change.lms_id) for change in batch.changes]
        look = batch.action == CREATE or any(ident(change.lms_id) is None for change in batch.changes)
        there = list(self._reader.read(batch.kind, ())) if look else []
        settled: dict[int, Outcome] = {}
        new: list[tuple[int, Said]] = []
        old: list[tuple[int, Said]] = []
        for place, change in enumerate(batch.changes):
            item = translate.category(change, self._options)
            if isinstance(item, Refusal):
                settled[place] = refused(item.message)
                continue
            found = find(change, there) if look else None
            lms_id = (ident(change.lms_id) if batch.action != CREATE else None) or (found.lms_id if found else None)
            if lms_id is None and batch.action != CREATE:
                settled[place] = refused("its LMS id is not known")
            elif lms_id is None:
                new.append((place, (change, item)))
            elif changed := _changed(change, item, every=batch.action == CREATE):
                old.append((place, (change, {"id": lms_id, **changed})))
            else:
                settled[place] = done(lms_id)
        for sent, call in ((new, self._create), (old, self._update)):
            pairs = [pair for _, pair in sent]
            outcomes = send_all(pairs, self._sizes, FIELDS, call, _alone, begun=bool(new) and sent is old)
            settled.update(zip((place for place, _ in sent), outcomes, strict=True))
        return [settled[place] for place in range(len(batch.changes))]

    def look_up(self, changes: Sequence[Change]) -> list[LiveRecord | None]:
        """Is each already there: by its code, else a building by its name."""
        there = {kind: list(self._reader.read(kind, ())) for kind in {change.kind for change in changes}}
        return [find(change, there[change.kind]) for change in changes]

    def _create(self, part: Sequence[Said]) -> list[Outcome]:
        items = [{name: value for name, value in item.items() if value != ""} for _, item in part]
        answer = self._client.write("core_course_create_categories", "writing course categories", categories=items)
        ids = [ident(each.get("id")) for each in listing(answer)]
        if len(ids) != len(part):
            return [unclear("Moodle did not say which ids the new categories have")] * len(part)
        return [done(lms_id) if lms_id else unclear("Moodle gave the new category no id") for lms_id in ids]

    def _update(self, part: Sequence[Said]) -> list[Outcome]:
        items = [item for _, item in part]
        self._client.write("core_course_update_categories", "writing course categories", categories=items)
        return [done(text(item["id"])) for item in items]


def find(change: Change, there: Sequence[LiveRecord]) -> LiveRecord | None:
    """The category that a change is about."""
    own = ident(change.lms_id)
    if own is not None and change.action != CREATE:
        return next((record for record in there if record.lms_id == own), None)
    code = text(change.after.get("code"))
    if code:
        return next((record for record in there if record.code == code), None)
    title = text(change.after.get("title"))
    return next((record for record in there if record.code is None and record.fields.get("title") == title), None)


def _changed(change: Change, item: Json, *, every: bool) -> Json:
    return item if every else {theirs: item[theirs] for ours, theirs in _OURS.items() if ours in change.before}


def _alone(pair: Said, error: MoodleError) -> Outcome:
    return said(error, pair[0])
