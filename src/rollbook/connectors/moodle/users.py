"""Writes accounts: created in bulk, found again by their ID number, never deleted, and no call has Moodle send mail."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

from rollbook.connectors.base import Batch
from rollbook.connectors.moodle import translate
from rollbook.connectors.moodle.client import AnswerRefused, MoodleClient, MoodleError
from rollbook.connectors.moodle.cohorts import Cohorts
from rollbook.connectors.moodle.lenient import Json, flag, ident, optional, text
from rollbook.connectors.moodle.new_users import CREATE_FIELDS, NewUsers, Said
from rollbook.connectors.moodle.odd_accounts import UNREADABLE, is_odd
from rollbook.connectors.moodle.options import MoodleOptions
from rollbook.connectors.moodle.outcomes import NOT_ONE, done, refused, said, with_warnings
from rollbook.connectors.moodle.reading import Reader
from rollbook.connectors.moodle.sending import Sizes, send_all
from rollbook.connectors.moodle.translate import Refusal
from rollbook.roster.changes import Change, Outcome
from rollbook.roster.lms import CREATE, DEACTIVATE, REKEY, REVIVE, SET_PASSWORD, UPDATE

__all__ = ["ACTIONS", "CREATE_FIELDS", "UPDATE_FIELDS", "Users"]

#: Form fields of an account that changes: its id, and at most six fields.
UPDATE_FIELDS: Final = 7
#: Of whose password nothing else is known than that Moodle's answer about it was no answer.
_WEAK: Final = (
    "Moodle did not take the password, most likely because of the site's password policy; choose a longer one with "
    "capitals, small letters, digits and other signs"
)
_KINDS: Final = (string.ascii_lowercase, string.ascii_uppercase, string.digits, "-.,:!#*+=")
_OF_EACH_KIND: Final = 8
ACTIONS: Final = frozenset({CREATE, UPDATE, REKEY, DEACTIVATE, REVIVE, SET_PASSWORD})


class Users:
    """Accounts of one site. Several threads may use it."""

    def __init__(self, client: MoodleClient, reader: Reader, options: MoodleOptions, sizes: Sizes) -> None:
        self._client, self._reader, self._options, self._sizes = client, reader, options, sizes
        self._new = NewUsers(client, reader, options, sizes, self._update)
        self._cohorts = Cohorts(client, reader, sizes) if options.cohorts else None

    def apply(self, batch: Batch) -> list[Outcome]:
        settled: dict[int, Outcome] = {}
        said_: list[tuple[int, Said]] = []
        known = {} if batch.action == CREATE else self._ids(batch)
        for place, change in enumerate(batch.changes):
            item = self._item(change, batch.secrets, known)
            if isinstance(item, Outcome):
                settled[place] = item
            else:
                said_.append((place, (change, item)))
        sent = [pair for _, pair in said_]
        send = self._new.create if batch.action == CREATE else self._update
        outcomes = send(sent, batch.secrets)
        settled.update(zip((place for place, _ in said_), outcomes, strict=True))
        found = [settled[place] for place in range(len(batch.changes))]
        return found if self._cohorts is None else self._cohorts.put(batch.changes, found)

    # --- what is sent -------------------------------------------------------------------------------------------------

    def _item(self, change: Change, passwords: Mapping[str, str], known: Mapping[str, str]) -> Json | Outcome:
        """What to send of a change; an outcome where nothing is to be sent."""
        if change.action == CREATE:
            # Moodle takes no account without a password; where the organization gives none, nobody knows this one.
            password = passwords.get(change.key)
            item = translate.new_user(change, self._options, password or _nobody_knows(), known=bool(password))
            return refused(item.message) if isinstance(item, Refusal) else item
        lms_id = ident(change.lms_id) or known.get(change.key)
        if lms_id is None:
            return refused(NOT_ONE if change.key in self._reader.doubled else "its LMS id is not known")
        fields = self._changed(change, passwords)
        if isinstance(fields, Refusal):
            return refused(fields.message)
        return {"id": lms_id, **fields} if fields else done(lms_id)

    def _changed(self, change: Change, passwords: Mapping[str, str]) -> Json | Refusal:
        if change.action == UPDATE:
            moved = {"idnumber": change.new_key} if change.new_key else {}
            fields = translate.user_fields(change, self._options, every=False)
            return fields if isinstance(fields, Refusal) else fields | moved
        if change.action == REKEY:
            return {"idnumber": change.new_key} if change.new_key else Refusal("its new unique id is not known")
        if change.action == SET_PASSWORD:
            password = passwords.get(change.key)
            return {"password": password} if password else Refusal("its password is not known")
        return {"suspended": int(change.action == DEACTIVATE)}

    def _ids(self, batch: Batch) -> dict[str, str]:
        """LMS ids of changes that bring none."""
        missing = [change.key for change in batch.changes if ident(change.lms_id) is None]
        return self._reader.proven_ids(missing) if missing else {}

    # --- updates ------------------------------------------------------------------------------------------------------

    def _update(self, sent: Sequence[Said], passwords: Mapping[str, str]) -> list[Outcome]:
        def call(part: Sequence[Said]) -> list[Outcome]:
            try:
                answer = self._client.write("core_user_update_users", "writing users", users=[item for _, item in part])
            except AnswerRefused:  # the words about one weak password spoil what is said of all
                if not all("password" in item for _, item in part):
                    raise
                return again_by_halves(part)
            return with_warnings(answer, [(change, text(item["id"])) for change, item in part], passwords)

        def again_by_halves(part: Sequence[Said]) -> list[Outcome]:
            if len(part) == 1:
                return [refused(_WEAK)]
            halves = part[: len(part) // 2], part[len(part) // 2 :]
            return [
                each for half in halves for each in send_all(half, self._sizes, UPDATE_FIELDS, call, alone, begun=True)
            ]

        def alone(pair: Said, error: MoodleError) -> Outcome:
            return said(error, pair[0], passwords.get(pair[0].key))

        checked = self._checked(sent)
        free = [pair for place, pair in enumerate(sent) if place not in checked]
        rest = iter(send_all(free, self._sizes, UPDATE_FIELDS, call, alone))
        return [checked[place] if place in checked else next(rest) for place in range(len(sent))]

    def _checked(self, sent: Sequence[Said]) -> dict[int, Outcome]:
        """Outcomes (by place) of accounts that are not to be deactivated or revived: the token's own, protected ones,
        those that are another's by now, and those that are as wanted already."""
        leaving = {at: pair for at, pair in enumerate(sent) if pair[0].action in (DEACTIVATE, REVIVE)}
        if not leaving:
            return {}
        ids = [text(item["id"]) for _, item in leaving.values()]
        there = {text(raw.get("id")): raw for raw in self._reader.users_by_id(ids)}
        found = {at: self._leaver(change, there.get(text(item["id"]))) for at, (change, item) in leaving.items()}
        return {at: outcome for at, outcome in found.items() if outcome is not None}

    def _leaver(self, change: Change, raw: Json | None) -> Outcome | None:
        """None where the account is to be written."""
        if raw is None:
            return refused("the LMS has no such account")
        if is_odd(raw):
            return refused(UNREADABLE)
        own = text(raw.get("id"))
        # Whose account it was it is still, as long as it has the ID number, which people may change, or the username,
        # which they may not.
        name = text(change.after.get("username")).lower()
        if optional(raw.get("idnumber")) != change.key and text(raw.get("username")) != name:
            return refused("the account has another ID number and another username by now")
        if own == self._reader.own_id() or text(raw.get("username")) in self._options.protected_users:
            return refused("the account is protected")
        as_wanted = "suspended" in raw and flag(raw["suspended"]) == (change.action == DEACTIVATE)
        return done(own) if as_wanted else None


def _nobody_knows() -> str:
    """A password that is kept nowhere and meets Moodle's default policy, and one that is a good deal stricter: several
    letters of each kind, and none twice in a row."""
    while True:
        letters = [secrets.choice(kind) for kind in _KINDS for _ in range(_OF_EACH_KIND)]
        secrets.SystemRandom().shuffle(letters)
        if all(one != other for one, other in pairwise(letters)):
            return "".join(letters)
