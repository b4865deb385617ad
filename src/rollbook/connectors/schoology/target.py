"""Schoology as a target: provisions, reads back, looks up. Never deletes a user, course, section, grading
period or building, never merges accounts, never has the LMS send e-mail. Deactivated accounts keep everything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from rollbook.connectors.base import Batch, Context, Report, TargetTraits
from rollbook.connectors.kit import LostAnswer
from rollbook.connectors.kit.looking_up import found_by_code
from rollbook.connectors.schoology import accounts
from rollbook.connectors.schoology.batches import BULK_MOST, REMOVABLE, Call, check, compose
from rollbook.connectors.schoology.client import SchoologyClient
from rollbook.connectors.schoology.lenient import mapping, number, text
from rollbook.connectors.schoology.options import EMAIL_QUERIES, SchoologyOptions
from rollbook.connectors.schoology.outcomes import scrubbed, unknown
from rollbook.connectors.schoology.passwords import set_passwords, without_passwords
from rollbook.connectors.schoology.reading import Reader
from rollbook.connectors.schoology.singles import SINGLES, Singles, refusal_words
from rollbook.connectors.schoology.translate import Wording
from rollbook.errors import BadResponse, BatchRefused, Bug
from rollbook.roster.changes import Change, LiveRecord, Outcome
from rollbook.roster.lms import KINDS, SET_PASSWORD

_BULK = {kind: 1 if kind in SINGLES else BULK_MOST for kind in KINDS}


class SchoologyTarget:
    """One Schoology organization. Several threads may call it; they share one rate limiter."""

    def __init__(self, options: SchoologyOptions, context: Context) -> None:
        """Raises ConfigError for an address that must not be called; calls nothing yet."""
        self._options = options
        self._client = SchoologyClient(options, context)
        self._reader = Reader(self._client, options)
        self._singles = Singles(self._client, self._reader)
        self._accounts = accounts.Accounts(self._client, self._reader)

    def __repr__(self) -> str:
        return "SchoologyTarget()"

    @property
    def traits(self) -> TargetTraits:
        return TargetTraits(
            title="Schoology",
            kinds=frozenset(KINDS),
            bulk=_BULK,
            replay_safe=frozenset(KINDS) - frozenset(SINGLES),
            removable=REMOVABLE,
            deactivates=True,
            sets_passwords=True,
            parallel=self._options.parallel,
        )

    def close(self) -> None:
        self._client.close()

    def test(self) -> Report:
        """Reads the school, its buildings, the roles and one user: a key that may do that belongs to an
        administrator."""
        school = text(self._reader.school().get("title")) or "the organization"
        answer = self._client.ask("users", "users", query={"limit": "1"})
        total = number(mapping(answer.json()).get("total"))
        buildings = sum(1 for _ in self._reader.read("building", ()))
        facts = {
            "school": school,
            "buildings": str(buildings),
            "roles": ", ".join(sorted(self._reader.roles())),
            "users": "not told" if total is None else str(total),
            "own account": self._reader.own_id(),
        }
        if answer.date is not None:
            facts["clock skew"] = f"{round((answer.date - datetime.now(UTC)).total_seconds())} s"
        return Report(ok=True, summary=f"Connected to {school}: {buildings} buildings.", facts=facts)

    def roles(self) -> Mapping[str, bool]:
        return {title: staff for title, (_, staff) in self._reader.roles().items()}

    def read(self, kind: str, *, within: Sequence[str] = ()) -> Iterator[LiveRecord]:
        """Beyond the promise, `within` may name external ids of users or sections: 50 a call instead of
        all."""
        return self._reader.read(kind, within)

    def look_up(self, changes: Sequence[Change]) -> Sequence[LiveRecord | None]:
        """Buildings, grading periods, users and sections; the other kinds are safe to repeat. Raises
        Bug for those."""
        kinds = {change.kind for change in changes}
        if kinds <= set(SINGLES):
            return self._singles.look_up(changes)
        if not kinds <= {"user", "section"}:
            raise Bug("only buildings, grading periods, users and sections can be looked up in Schoology")
        return found_by_code(self._reader.read, changes)

    def apply(self, batch: Batch) -> Sequence[Outcome]:
        """The LMS's words may quote what it was sent; no password of theirs gets further."""
        outcomes = self._apply(batch)
        if not batch.secrets:
            return outcomes
        return [msgspec.structs.replace(one, message=without_passwords(one.message, batch)) for one in outcomes]

    def _apply(self, batch: Batch) -> Sequence[Outcome]:
        if not batch.changes:
            return []
        if batch.action in accounts.ACTIONS:
            return self._accounts.apply(batch)
        if batch.action == SET_PASSWORD:
            return set_passwords(self._client, batch)
        if batch.kind in SINGLES:
            return self._singles.apply(batch)
        check(batch)
        roles: dict[str, str] = {}
        if batch.kind == "user":
            roles = {title: own for title, (own, _) in self._reader.roles().items()}
        wording = Wording(roles=roles, passwords=batch.secrets)
        composed = compose(batch, wording, EMAIL_QUERIES[self._options.email_conflicts])
        outcomes = dict(composed.settled)
        for call in composed.calls:
            outcomes.update(zip(call.positions, self._send(call, batch), strict=True))
        return [outcomes[position] for position in range(len(batch.changes))]

    def _send(self, call: Call, batch: Batch) -> Sequence[Outcome]:
        what = f"writing {batch.kind.replace('_', ' ')}s"
        try:
            answer = self._client.write(call.method, call.path, call.body, what, query=call.query)
        except LostAnswer as lost:
            return [unknown(str(lost), lost.status)] * len(call.positions)
        if not answer.ok:
            said = refusal_words(answer)
            for position in call.positions:
                said = scrubbed(said, batch.changes[position])
            said = without_passwords(said, batch)
            words = f": {said}" if said else ""
            raise BatchRefused(f"{answer.who} refused a whole call with {answer.status}{words}", answer.status)
        try:
            return call.read(answer.json())
        except BadResponse as error:
            return [unknown(str(error), answer.status)] * len(call.positions)
