"""The memory LMS. Sends bulk calls and says what became of each change; never deletes but what a batch removes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rollbook.connectors.base import Batch, Report, TargetTraits
from rollbook.connectors.memory import server, translate
from rollbook.connectors.memory.asking import Asking
from rollbook.connectors.memory.space import AnswerLost, Stored
from rollbook.errors import Bug, Unavailable
from rollbook.roster.changes import DONE, REFUSED, UNKNOWN, Change, LiveRecord, Outcome
from rollbook.roster.lms import CREATE, DEACTIVATE, KINDS, REKEY, REMOVE, REVIVE, SET_PASSWORD, UPDATE

BULK = 7  # odd on purpose: nobody may rely on 50
REMOVABLE = frozenset(kind.name for kind in KINDS.values() if kind.removable)
_VERBS = {CREATE: "upsert", UPDATE: "change", REKEY: "change", REMOVE: "remove", DEACTIVATE: "deactivate",
          REVIVE: "reactivate", SET_PASSWORD: "password"}  # fmt: skip


class MemoryTarget(Asking):
    """An LMS whose objects are those of a space. Several threads may call it."""

    @property
    def traits(self) -> TargetTraits:
        """What this LMS can do. After a lost answer, buildings and grading periods are looked up instead of being sent
        again, as is right for an LMS that would make them twice."""
        return TargetTraits(
            title="the memory space",
            kinds=frozenset(KINDS),
            bulk=dict.fromkeys(KINDS, BULK),
            replay_safe=frozenset(KINDS) - {"building", "grading_period"},
            removable=REMOVABLE,
            deactivates=True,
            sets_passwords=True,
            parallel=3,
            slice_size=self._options.slice_size,
        )

    def test(self) -> Report:
        """One cheap call that shows that address and key are right. AuthFailed passes through."""
        self._ask()
        counts = {kind: str(len(self._space.all(kind))) for kind in KINDS}
        return Report(ok=True, summary="Connected to the memory space.", facts=counts)

    def roles(self) -> Mapping[str, bool]:
        self._ask()
        return dict(self._space.roles)

    def read(self, kind: str, *, within: Sequence[str] = ()) -> Iterator[LiveRecord]:
        """Yields page by page. When a page fails it raises: a part never passes for the whole."""
        wanted = [each for each in self._space.all(kind) if not within or _within(kind, each) in within]
        size = self._options.page_size
        for number, start in enumerate(range(0, max(len(wanted), 1), size)):
            self._ask()
            if number == self._space.faults.break_read_at.get(kind):
                raise Unavailable(f"the memory space broke off while it listed {kind} objects")
            yield from (self._live(kind, stored) for stored in wanted[start : start + size])

    def look_up(self, changes: Sequence[Change]) -> Sequence[LiveRecord | None]:
        self._ask()
        return [self._find(change) for change in changes]

    def apply(self, batch: Batch) -> Sequence[Outcome]:
        """One bulk call. When its answer is lost nobody knows what was carried out, so each change is unknown."""
        _check(batch)
        said = [translate.item(change, batch.secrets) for change in batch.changes]
        outcomes = {place: _refused(each) for place, each in enumerate(said) if isinstance(each, str)}
        items = {place: each for place, each in enumerate(said) if not isinstance(each, str)}
        if items:
            outcomes.update(zip(items, self._send(batch, list(items.values())), strict=True))
        return [outcomes[place] for place in range(len(said))]

    def _send(self, batch: Batch, items: Sequence[server.Item]) -> list[Outcome]:
        if batch.action == REKEY and batch.kind in server.LINKS:  # their external ids follow those of their ends
            return [Outcome(status=DONE, lms_id=item.lms_id) for item in items]
        self._context.cancel.check()
        self._context.count()
        try:
            answers = server.bulk(self._space, self._options.key, batch.kind, _VERBS[batch.action], items)
        except AnswerLost:
            return [Outcome(status=UNKNOWN, message="the answer was lost") for _ in items]
        return [translate.outcome(answer) for answer in answers]

    def _find(self, change: Change) -> LiveRecord | None:
        item = translate.item(change, {})
        code = change.key if isinstance(item, str) else item.code
        for stored in self._space.all(change.kind):
            if stored.lms_id == change.lms_id or server.code_of(self._space, change.kind, stored) == code:
                return self._live(change.kind, stored)
        return None

    def _live(self, kind: str, stored: Stored) -> LiveRecord:
        return LiveRecord(
            kind=kind,
            lms_id=stored.lms_id,
            code=server.code_of(self._space, kind, stored),
            fields=dict(stored.fields),
            active=stored.active,
            protected=stored.protected,
        )


def _check(batch: Batch) -> None:
    """Raises Bug for a batch that must not exist: nothing of it is sent."""
    if batch.kind not in KINDS or batch.action not in _VERBS:
        raise Bug(f"the memory connector cannot {batch.action} objects of kind {batch.kind!r}")
    if batch.action == REMOVE and batch.kind not in REMOVABLE:
        raise Bug(f"objects of kind {batch.kind!r} are never removed")
    if batch.action in (DEACTIVATE, REVIVE, SET_PASSWORD) and batch.kind != "user":
        raise Bug(f"objects of kind {batch.kind!r} are never deactivated or revived, and have no password")
    if len(batch.changes) > BULK:
        raise Bug(f"a batch of {len(batch.changes)} changes, where at most {BULK} fit in one call")


def _within(kind: str, stored: Stored) -> str | None:
    """By what a read may be narrowed."""
    return stored.fields.get("section") if kind == "enrollment" else stored.code


def _refused(words: str) -> Outcome:
    return Outcome(status=REFUSED, message=words)
