"""Small stand-ins for tests of the law: a scripted target, plans without files, changes by the dozen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rollbook.connectors.base import Batch, TargetTraits
from rollbook.core.apply import Applier
from rollbook.core.duck import Connection
from rollbook.core.ledger_files import load
from rollbook.core.plan import Slice
from rollbook.core.protocols import LedgerVersion, Progress
from rollbook.core.references import References
from rollbook.core.stored import Group, StoredPlan
from rollbook.roster.changes import DONE, Change, LiveRecord, Outcome
from rollbook.roster.lms import CREATE, KINDS
from rollbook.testing.builders import change
from rollbook.testing.world import FolderBlobs, MemoryJournal, MemoryPasswords, NeverCancelled
from tests.scratch import in_memory

Answer = Callable[[Batch], Sequence[Outcome]]


def done(batch: Batch) -> list[Outcome]:
    """Everything is done, under an id made of the key."""
    return [Outcome(status=DONE, lms_id=f"lms-{each.key}") for each in batch.changes]


class ScriptedTarget:
    """Answers each bulk call with the next of `script`, then with `rest`."""

    def __init__(self, *script: Answer, rest: Answer = done, bulk: int = 4, slice_size: int = 8, parallel: int = 1,
                 unsafe: Sequence[str] = ("building",),
                 apart: Callable[[Change], str | None] | None = None) -> None:  # fmt: skip
        self.traits = TargetTraits(
            kinds=frozenset(KINDS),
            bulk=dict.fromkeys(KINDS, bulk),
            replay_safe=frozenset(KINDS) - frozenset(unsafe),
            removable=frozenset(kind for kind, traits in KINDS.items() if traits.removable),
            parallel=parallel,
            slice_size=slice_size,
            apart=apart,
        )
        self.script, self.rest = list(script), rest
        self.batches: list[Batch] = []
        self.looked_up: list[str] = []
        self.there: dict[str, LiveRecord] = {}

    def apply(self, batch: Batch) -> Sequence[Outcome]:
        self.batches.append(batch)
        return (self.script.pop(0) if self.script else self.rest)(batch)

    def look_up(self, changes: Sequence[Change]) -> Sequence[LiveRecord | None]:
        self.looked_up += [each.key for each in changes]
        return [self.there.get(each.key) for each in changes]

    @property
    def sent(self) -> list[list[str]]:
        """Keys of each bulk call."""
        return [[each.key for each in batch.changes] for batch in self.batches]


class Rows:
    """A plan's changes without a file."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self._changes = changes

    def changes(self, part: Slice) -> list[Change]:
        return list(self._changes[part.first_seq : part.last_seq + 1])


def users(number: int, action: str = CREATE) -> list[Change]:
    return [change("user", f"u{place:03}", {"username": f"u{place}"}, action) for place in range(number)]


def empty_ledger(folder: Path, files: Mapping[str, str] | None = None) -> Connection:
    db = in_memory()
    load(db, LedgerVersion(0, files or {}), FolderBlobs(folder / "blobs"))
    return db


class Sending:
    """One plan on its way: changes in apply order, the target, the journal."""

    def __init__(self, folder: Path, target: Any, *changes: Sequence[Change]) -> None:
        self.target, self.journal, self.passwords = target, MemoryJournal(), MemoryPasswords()
        self.rows = [each for group in changes for each in group]
        self.groups: list[Group] = []
        first = 0
        for group in changes:
            self.groups.append(Group(group[0].kind, group[0].action, first, len(group), target.traits.slice_size))
            first += len(group)
        self.folder = folder

    def run(self, **more: Any) -> list[Outcome]:
        """Apply; all outcomes in plan order."""
        plan = StoredPlan(digest="d", ledger_version=0, settings_digest="s", files={}, groups=self.groups)
        parts: dict[str, Any] = {
            "target": self.target,
            "reader": Rows(self.rows),
            "journal": self.journal,
            "references": References(empty_ledger(self.folder)),
            "cancel": NeverCancelled(),
            "progress": Progress(),
            "passwords": self.passwords,
        }
        Applier(**parts | more).run(plan)
        return self.outcomes

    @property
    def outcomes(self) -> list[Outcome]:
        return [outcome for _, outcomes in sorted(self.journal.outcomes.items()) for outcome in outcomes]

    @property
    def statuses(self) -> list[str]:
        return [outcome.status for outcome in self.outcomes]
