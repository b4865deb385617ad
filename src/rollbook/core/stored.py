"""What a run leaves behind, as plain data that the store keeps: the stored plan and the run's result."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from rollbook.core.protocols import Hold

#: What is counted of each kind, in the order in which people read it.
COUNTS: Final = (
    "read",
    "blocked",
    "create",
    "update",
    "remove",
    "adopt",
    "rekey",
    "deactivate",
    "revive",
    "unchanged",
    "held",
    "waiting",
    "done",
    "refused",
    "unknown",
)


class Group(msgspec.Struct, frozen=True):
    """Sendable changes of one kind and action, contiguous in the plan: `count` rows from `first_seq` on, sent in slices
    of `slice_size`."""

    kind: str
    action: str
    first_seq: int
    count: int
    slice_size: int


class StoredPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A plan that was written down before anything is sent (principle 2).

    `files` maps kind to the blob key of its Parquet file. The plan may only
    be carried out while the ledger is at `ledger_version` with these settings, else StalePlan. A plan of grades has
    instead the versions of the ledgers of its `sections`.
    """

    digest: str
    ledger_version: int
    settings_digest: str
    files: dict[str, str]
    groups: list[Group]
    year: str | None = None
    undo_of: str | None = None
    sections: dict[str, int] = {}


class RunFigures(msgspec.Struct, kw_only=True):
    """The part of a RunResult that is short, however large the district is: what lists of runs tell."""

    kinds: dict[str, dict[str, int]] = {}
    findings: dict[str, int] = {}
    requests: dict[str, int] = {}
    seconds: dict[str, float] = {}
    peak_rss_mib: float | None = None
    conflicts: dict[str, int] = {}
    refused: dict[str, Any] = {}
    verdicts: dict[str, str] = {}
    doubts: dict[str, str] = {}
    ledger_version: int | None = None


class RunResult(RunFigures, kw_only=True):
    """Everything a run reports; `summary()` in design.md §7's shape is made from it by the caller.

    `state`: planned | done | held. `kinds` maps kind to its COUNTS. `findings` maps code to count;
    `findings_blob` is the Parquet of all, `left_out` by kind that of what the SIS lists and the LMS shall not have.
    `refused` is filled by the store: how many records the LMS refuses now, and
    since when. `conflicts` is only filled by an undo: what cannot be undone, in words, by count. `verdicts` says by
    collection why it was not read whole, `doubts` by subject what somebody should look at; either makes the state held.
    A dry run that compared with the live LMS has the list of who is in which system in `people_blob`, how many there
    are of each state in `people`, and the counts of `sanity`.
    """

    state: str = "planned"
    findings_blob: str | None = None
    plan: StoredPlan | None = None
    holds: list[Hold] = []
    hold_blobs: dict[str, str] = {}
    left_out: dict[str, str] = {}
    facts: dict[str, Any] = {}
    people_blob: str | None = None
    people: dict[str, int] = {}
    sanity: dict[str, int] = {}
