"""Writes manual enrolments. Who leaves is suspended, or unenrolled where the organization wants that; other ways of
enrolling are never touched."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from rollbook.connectors.base import Batch
from rollbook.connectors.moodle.client import MoodleClient, MoodleError
from rollbook.connectors.moodle.lenient import Json, flag, optional
from rollbook.connectors.moodle.options import MoodleOptions
from rollbook.connectors.moodle.outcomes import done, refused, said
from rollbook.connectors.moodle.reading import Reader
from rollbook.connectors.moodle.sending import Sizes, send_all
from rollbook.roster.changes import Change, Outcome
from rollbook.roster.lms import REKEY, REMOVE, UPDATE

FIELDS: Final = 3
_SUSPENDED_FIELDS, _ROLE_FIELDS = 4, 4

#: A change with the ids of its section's course and of its user.
Placed = tuple[Change, str, str]


class Enrollments:
    """Who is in which course of one site. Several threads may use it."""

    def __init__(self, client: MoodleClient, reader: Reader, options: MoodleOptions, sizes: Sizes) -> None:
        self._client, self._reader, self._options, self._sizes = client, reader, options, sizes

    def apply(self, batch: Batch) -> list[Outcome]:
        if batch.action == REKEY:  # they consist of the ids of section and user
            return [done(change.lms_id) for change in batch.changes]
        sections = self._reader.course_ids(_named(batch.changes, "section"))
        users = self._reader.user_ids(_named(batch.changes, "user"))
        settled: dict[int, Outcome] = {}
        placed: list[tuple[int, Placed]] = []
        for place, change in enumerate(batch.changes):
            section, user = (optional(change.after.get(name)) or "" for name in ("section", "user"))
            if section in sections and user in users:
                placed.append((place, (change, sections[section], users[user])))
            else:
                settled[place] = self._without_ends(batch.action, section in sections)
        sent = [each for _, each in placed]
        settled.update(zip((place for place, _ in placed), self._send(batch.action, sent), strict=True))
        return [settled[place] for place in range(len(batch.changes))]

    def _without_ends(self, action: str, section_there: bool) -> Outcome:
        """Nobody is in a section that is not there, nor is anybody who is not there."""
        if action == REMOVE:
            return done(None)
        return refused("the LMS has no " + ("account with this ID number" if section_there else "such section"))

    def _send(self, action: str, sent: Sequence[Placed]) -> list[Outcome]:
        if action == REMOVE and self._options.leavers == "unenrol":
            return send_all(sent, self._sizes, FIELDS, self._unenrol, _alone)
        fields = _SUSPENDED_FIELDS if action == REMOVE else FIELDS
        outcomes = send_all(sent, self._sizes, fields, partial(self._enrol, suspend=action == REMOVE), _alone)
        if action != UPDATE:
            return outcomes
        # Moodle adds a role to those that somebody has: the other one is taken away once the new one is given.
        given = [each for each, outcome in zip(sent, outcomes, strict=True) if outcome.status == "done"]
        taken = iter(send_all(given, self._sizes, _ROLE_FIELDS, self._take_role, _alone))
        return [next(taken) if outcome.status == "done" else outcome for outcome in outcomes]

    def _enrol(self, part: Sequence[Placed], *, suspend: bool) -> list[Outcome]:
        more = {"suspend": 1} if suspend else {}
        items = [
            {"roleid": self._role(change), "userid": user, "courseid": section, **more}
            for change, section, user in part
        ]
        return self._done("enrol_manual_enrol_users", part, enrolments=items)

    def _unenrol(self, part: Sequence[Placed]) -> list[Outcome]:
        items = [{"userid": user, "courseid": section} for _, section, user in part]
        return self._done("enrol_manual_unenrol_users", part, enrolments=items)

    def _take_role(self, part: Sequence[Placed]) -> list[Outcome]:
        items = [
            {"roleid": self._role(change, other=True), "userid": user, "contextlevel": "course", "instanceid": section}
            for change, section, user in part
        ]
        return self._done("core_role_unassign_roles", part, unassignments=items)

    def _done(self, function: str, part: Sequence[Placed], **items: list[Json]) -> list[Outcome]:
        """These functions return nothing: what they do not refuse is done."""
        self._client.write(function, "writing enrolments", **items)
        return [done(f"{section}|{user}") for _, section, user in part]

    def _role(self, change: Change, *, other: bool = False) -> int:
        admin = flag(change.after.get("admin")) != other
        return self._options.teacher_role_id if admin else self._options.student_role_id


def _named(changes: Sequence[Change], name: str) -> list[str]:
    return [code for change in changes if (code := optional(change.after.get(name)))]


def _alone(each: Placed, error: MoodleError) -> Outcome:
    return said(error, each[0])
