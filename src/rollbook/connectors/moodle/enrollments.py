"""Writes manual enrolments. Who leaves is suspended, or unenrolled where the organization wants that; other ways of
enrolling are never touched."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from rollbook.connectors.base import Batch
from rollbook.connectors.moodle.client import MoodleClient, MoodleError
from rollbook.connectors.moodle.lenient import Json, flag, ident, optional
from rollbook.connectors.moodle.options import MoodleOptions
from rollbook.connectors.moodle.outcomes import NOT_ONE, done, refused, said
from rollbook.connectors.moodle.reading import Reader
from rollbook.connectors.moodle.sending import Sizes, send_all
from rollbook.roster.changes import Change, Outcome
from rollbook.roster.lms import CREATE, REKEY, REMOVE, UPDATE

FIELDS: Final = 3
_SUSPENDED_FIELDS = 4
#: Of each of the roles that are taken away, two at most.
_ROLE_FIELDS = 2 * 4

_NOBODY: Final = "the LMS has no account with this ID number"
#: Whose an ID number is, people may have chosen themselves.
_UNPROVEN: Final = "it is not known which account of the LMS is this person's; sync Users first"

#: A change with the ids of its section's course and of its user.
Placed = tuple[Change, str, str]


class Enrollments:
    """Who is in which course of one site. Several threads may use it."""

    def __init__(self, client: MoodleClient, reader: Reader, options: MoodleOptions, sizes: Sizes) -> None:
        self._client, self._reader, self._options, self._sizes = client, reader, options, sizes

    def apply(self, batch: Batch) -> list[Outcome]:
        if batch.action == REKEY:  # they consist of the ids of section and user
            return [done(change.lms_id) for change in batch.changes]
        ends = self._ends(batch)
        settled = {place: each for place, each in enumerate(ends) if isinstance(each, Outcome)}
        placed = [(place, each) for place, each in enumerate(ends) if not isinstance(each, Outcome)]
        placed.sort(key=_rows_in_order)
        sent = [each for _, each in placed]
        settled.update(zip((place for place, _ in placed), self._send(batch.action, sent), strict=True))
        return [settled[place] for place in range(len(batch.changes))]

    def _ends(self, batch: Batch) -> list[Placed | Outcome]:
        """The course and the user of each change. Of an enrollment that was given, they are those to whom it was given:
        people may change their own ID number, and would then keep it, or have another's taken away."""
        given = {} if batch.action == CREATE else {c.seq: own for c in batch.changes if (own := _given(c.lms_id))}
        others = [change for change in batch.changes if change.seq not in given]
        sections = self._reader.course_ids(_named(others, "section"))
        users = self._accounts(others)
        courses = self._reader.courses_there([section for section, _ in given.values()])
        people = self._reader.users_there([user for _, user in given.values()])
        found: list[Placed | Outcome] = []
        for change in batch.changes:
            if change.seq in given:
                section, user = given[change.seq]
                there = section in courses and user in people
                # Who is not there by an id that Moodle gave is in no section.
                found.append(
                    (change, section, user) if there else _gone(batch.action, section_there=section in courses)
                )
                continue
            code, person = (optional(change.after.get(name)) or "" for name in ("section", "user"))
            if code in sections and person in users:
                found.append((change, sections[code], users[person]))
            elif code in sections and ident(change.refs.get("user")):
                found.append(_gone(batch.action, section_there=True))
            elif code in sections:  # also at a removal: whoever it was may have another ID number by now
                found.append(refused(self._unknown(person)))
            else:
                found.append(_gone(batch.action, section_there=False))
        return found

    def _accounts(self, changes: Sequence[Change]) -> dict[str, str]:
        """LMS ids by unique id: those that the ledger has, as far as they are there; else what is known for sure."""
        told: dict[str, str] = {}
        rest: list[str] = []
        for change in changes:
            person, own = optional(change.after.get("user")) or "", ident(change.refs.get("user"))
            if own:
                told[person] = own
            elif person:
                rest.append(person)
        there = self._reader.users_there(told.values())
        return self._reader.proven_ids(rest) | {person: own for person, own in told.items() if own in there}

    def _unknown(self, person: str) -> str:
        if person in self._reader.doubled:
            return NOT_ONE
        return _NOBODY if self._options.id_numbers == "locked" else _UNPROVEN

    def _send(self, action: str, sent: Sequence[Placed]) -> list[Outcome]:
        if action == REMOVE and self._options.leavers == "unenrol":
            return send_all(sent, self._sizes, FIELDS, self._unenrol, _alone)
        fields = _SUSPENDED_FIELDS if action == REMOVE else FIELDS
        outcomes = send_all(sent, self._sizes, fields, partial(self._enrol, suspend=action == REMOVE), _alone)
        if action != UPDATE:
            return outcomes
        # Moodle adds a role to those that somebody has: the other one is taken away once the new one is given.
        given = [each for each, outcome in zip(sent, outcomes, strict=True) if outcome.status == "done"]
        taken = iter(send_all(given, self._sizes, _ROLE_FIELDS, self._take_role, _alone, begun=True))
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
            {"roleid": role, "userid": user, "contextlevel": "course", "instanceid": section}
            for change, section, user in part
            for role in self._other_roles(change)
        ]
        return self._done("core_role_unassign_roles", part, unassignments=items)

    def _done(self, function: str, part: Sequence[Placed], **items: list[Json]) -> list[Outcome]:
        """These functions return nothing: what they do not refuse is done."""
        self._client.write(function, "writing enrolments", **items)
        return [done(f"{section}|{user}") for _, section, user in part]

    def _role(self, change: Change) -> int:
        options = self._options
        if not flag(change.after.get("admin")):
            return options.student_role_id
        assists = options.assistant_role and change.refs.get("user.role") == options.assistant_role
        return options.assistant_role_id if assists else options.teacher_role_id

    def _other_roles(self, change: Change) -> list[int]:
        """What somebody is not any more; who is not it anyway is no error."""
        options = self._options
        if flag(change.after.get("admin")):
            return [options.student_role_id]
        return [options.teacher_role_id, options.assistant_role_id]


def _rows_in_order(placed: tuple[int, Placed]) -> tuple[int, int]:
    """By account, then course: calls that change rows in one order wait for each other, and never both at once."""
    _, (_, section, user) = placed
    return int(user), int(section)


def _given(lms_id: str | None) -> tuple[str, str] | None:
    """The ids of section and user in an enrollment's own."""
    section, _, user = (lms_id or "").partition("|")
    return (section, user) if ident(section) and ident(user) else None


def _gone(action: str, *, section_there: bool) -> Outcome:
    """Nobody is in a section that is not there, nor is anybody who is not there."""
    return done(None) if action == REMOVE else refused(_NOBODY if section_there else "the LMS has no such section")


def _named(changes: Sequence[Change], name: str) -> list[str]:
    return [code for change in changes if (code := optional(change.after.get(name)))]


def _alone(each: Placed, error: MoodleError) -> Outcome:
    return said(error, each[0])
