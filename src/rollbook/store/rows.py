"""Reads the rows of stored plans and findings for showing. Changes nothing."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from rollbook.core.duck import parquet_reader, quote
from rollbook.core.guard import reason_of
from rollbook.core.protocols import Attempt, Blobs
from rollbook.core.stored import StoredPlan
from rollbook.roster.changes import UNKNOWN, Outcome
from rollbook.roster.findings import FINDINGS
from rollbook.roster.grades import ALL_KINDS

_PLACE = ("collection", "id", "school", "file", "line", "other", "detail", "dependants")
_AT_ONCE = 2000
#: What `stored_row` takes, in its order.
COLUMNS: Final = "seq, action, key, new_key, school, lms_id, state, reason, before, after"


def change_rows(
    plan: StoredPlan,
    blobs: Blobs,
    *,
    kind: str | None,
    action: str | None,
    school: str | None,
    hold: str | None,
    only: Collection[int] | None = None,
) -> Iterator[dict[str, Any]]:
    """The plan's rows in apply order, save that deactivations are sent last; all, or those that match what is given;
    `hold` is the id of one. Of what is there already, `before` and `after` hold only the fields that differ.
    `only` names rows by their seq."""
    if only is not None and not only:
        return
    where = [f"seq BETWEEN {min(only)} AND {max(only)} AND seq IN ({', '.join(map(str, only))})"] if only else []
    where += [f"action = {quote(action)}"] if action else []
    where += [f"school = {quote(school)}"] if school else []
    where += [f"reason = {quote(reason_of(hold))}"] if hold else []
    with parquet_reader() as db:
        for name in ALL_KINDS:
            if name not in plan.files or kind not in (None, name):
                continue
            cursor = db.execute(
                f"""SELECT {COLUMNS}
                    FROM read_parquet({quote(blobs.get(plan.files[name], f"the plan of {name}"))})
                    WHERE {" AND ".join(where) or "true"} ORDER BY seq"""
            )
            while rows := cursor.fetchmany(_AT_ONCE):
                for row in rows:
                    yield _change(name, row)


def _change(kind: str, row: tuple[Any, ...]) -> dict[str, Any]:
    found = stored_row(kind, row)
    had, wanted = found["before"], found["after"]
    if found["action"] in ("update", "rekey", "deactivate", "revive"):
        names = [name for name in wanted if had.get(name) != wanted.get(name)]
        found["before"] = {name: had.get(name) for name in names}
        found["after"] = {name: wanted[name] for name in names}
    return found


def stored_row(kind: str, row: tuple[Any, ...]) -> dict[str, Any]:
    """A plan's row, read as `COLUMNS`."""
    seq, action, key, new_key, school, lms_id, state, reason, before, after = row
    return {
        "seq": seq,
        "kind": kind,
        "action": action,
        "key": key,
        "new_key": new_key,
        "school": school,
        "lms_id": lms_id,
        "state": state,
        "reason": reason,
        "before": json.loads(before) if before else {},
        "after": json.loads(after) if after else {},
    }


def with_outcomes(
    rows: Iterable[dict[str, Any]], attempts: Iterable[Attempt], only: str | None = None
) -> Iterator[dict[str, Any]]:
    """The rows with what became of them: `outcome` (None where nothing was sent) and the LMS's words in `message`.
    Both sides come in the order of seq; `only` keeps one outcome."""
    answers = _answers(attempts)
    seq, outcome = next(answers, (None, None))
    for row in rows:
        while seq is not None and seq < row["seq"]:
            seq, outcome = next(answers, (None, None))
        mine = outcome if seq == row["seq"] else None
        row |= {"outcome": mine.status if mine else None, "message": mine.message if mine else ""}
        if only in (None, row["outcome"]):
            yield row


def with_answers(rows: Iterable[dict[str, Any]], told: Mapping[int, Outcome]) -> Iterator[dict[str, Any]]:
    """As `with_outcomes`, of a few rows whose answers are known by seq."""
    for row in rows:
        mine = told.get(row["seq"])
        yield row | {"outcome": mine.status if mine else None, "message": mine.message if mine else ""}


def with_refusals(
    rows: Iterable[dict[str, Any]], since: Mapping[tuple[str, str], dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """The rows, `refused` telling since when and in how many runs the LMS has refused the record (else None)."""
    for row in rows:
        failing = row["outcome"] == "refused" or row["reason"] == "refused_before"
        yield row | {"refused": since.get((row["kind"], row["key"])) if failing else None}


def _answers(attempts: Iterable[Attempt]) -> Iterator[tuple[int | None, Outcome | None]]:
    lost = Outcome(status=UNKNOWN, message="the answer was lost")
    for attempt in attempts:
        for place, seq in enumerate(range(attempt.first_seq, attempt.last_seq + 1)):
            yield seq, attempt.outcomes[place] if attempt.outcomes is not None else lost


def read_findings(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a findings file, one dictionary each."""
    with parquet_reader() as db:
        cursor = db.execute(f"SELECT * FROM read_parquet({quote(path)})")
        names = [column[0] for column in cursor.description or ()]
        while rows := cursor.fetchmany(_AT_ONCE):
            for row in rows:
                yield dict(zip(names, row, strict=True))


def group_findings(rows: Iterable[Mapping[str, Any]], examples: int, code: str | None = None) -> list[dict[str, Any]]:
    """Findings by cause, blocking and frequent ones first, each with its fix and the first few places."""
    groups: dict[str, dict[str, Any]] = {}
    for row in rows:
        if code is not None and row["code"] != code:
            continue
        group = groups.get(row["code"])
        if group is None:
            known = FINDINGS.get(row["code"])
            group = groups[row["code"]] = {
                "code": row["code"],
                "severity": row["severity"],
                "sentence": known.sentence if known else "",
                "fix": known.fix if known else "",
                "count": 0,
                "examples": [],
            }
        group["count"] += 1
        if len(group["examples"]) < examples:
            group["examples"].append({name: row.get(name) for name in _PLACE})
    return sorted(groups.values(), key=lambda one: (one["severity"] != "blocks", -one["count"], one["code"]))
