"""Data Prep as a table: everybody out with a proposal, decisions back in, each row checked. Saves nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from rollbook.core.protocols import ASK, LEAVE, LINK, Decision
from rollbook.errors import ConfigError
from rollbook.roster.words import Words, say
from rollbook.store.blobs import KeptBlobs
from rollbook.store.both_systems import Look, accounts_in_question, all_people
from rollbook.store.models import MatchDecision, Organization

#: What a person may be, as the list of both systems has it, and as the file says it.
STATES: Final = {"both": "both", "sis": "only SIS", "lms": "only LMS", "conflict": "to decide"}
COLUMNS: Final = (
    "where", "unique_id", "lms_id", "lms_unique_id", "first_name", "last_name", "username", "email", "school", "role",
    "lms_first_name", "lms_last_name", "lms_username", "lms_email", "lms_role", "matched_by", "proposal", "decision",
)  # fmt: skip
NEEDED: Final = ("unique_id", "lms_id", "decision")


class Row(Protocol):
    """A row that somebody brings back."""

    @property
    def number(self) -> int:
        """Of its line in the file."""

    def get(self, name: str, /) -> str:
        """The cell of a column, empty where there is none."""


@dataclass
class Decided:
    """What a file says: decisions by unique id with the lines they stand in, and what is wrong with which line."""

    decisions: dict[str, Decision] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    problems: list[tuple[int, Words]] = field(default_factory=list)
    _taken: dict[str, str] = field(default_factory=dict)

    def number_of(self, choice: str) -> int:
        return sum(1 for one in self.decisions.values() if one.choice == choice)


def people_rows(
    blobs: KeptBlobs, organization: Organization, look: Look, state: str | None = None
) -> Iterator[list[Any]]:
    """Everybody of a look, or everybody of one of STATES, as COLUMNS, with what was decided. Raises BlobLost."""
    return _rows(all_people(blobs, look, state), _decided(organization), _Proposals(blobs, look))


def _rows(
    people: Iterator[dict[str, Any]], decided: dict[str, tuple[str, frozenset[str]]], propose: _Proposals
) -> Iterator[list[Any]]:
    for row in people:
        choice, accounts = decided.get(row["key"], ("", frozenset()))
        open_ = row["state"] == "conflict"
        yield [
            STATES[row["state"]], row["key"], row["lms_id"], row["lms_code"], row["first_name"], row["last_name"],
            row["username"], row["email"], row["school"], row["role"], row["lms_first_name"], row["lms_last_name"],
            row["lms_username"], row["lms_email"], row["lms_role"], row["alike"], propose(row) if open_ else "",
            choice if open_ and row["lms_id"] in accounts else "",
        ]  # fmt: skip


class _Proposals:
    """LINK where a person and an account are in question for each other alone and have the same name; else nothing."""

    def __init__(self, blobs: KeptBlobs, look: Look) -> None:
        self._people, self._accounts = Counter[str](), Counter[str]()
        for row in all_people(blobs, look, "conflict"):
            self._people[row["key"]] += 1
            self._accounts[row["lms_id"]] += 1

    def __call__(self, row: dict[str, Any]) -> str:
        alone = self._people[row["key"]] == self._accounts[row["lms_id"]] == 1
        same = all(_plain(row[name]) == _plain(row[f"lms_{name}"]) != "" for name in ("first_name", "last_name"))
        return LINK if alone and same else ""


def _plain(name: str | None) -> str:
    return " ".join((name or "").casefold().split())


def _decided(organization: Organization) -> dict[str, tuple[str, frozenset[str]]]:
    rows = MatchDecision.objects.filter(organization=organization, kind="user").exclude(choice=ASK)
    return {key: (choice, frozenset(ids.split())) for key, choice, ids in rows.values_list("key", "choice", "lms_id")}


def read_decisions(blobs: KeptBlobs, organization: Organization, rows: Sequence[Row], look: Look | None) -> Decided:
    """Row by row; of a person with several accounts one row may say link, the others nothing or leave. What is decided
    so already is passed over: a later look may know nothing of it any more. Raises ConfigError when no row decides
    anything, and BlobLost."""
    wanted = [row for row in rows if row.get("decision")]
    if not wanted:
        raise ConfigError(say("No row of the file has a decision. Write link or leave into the column decision."))
    there = accounts_in_question(blobs, look, [row.get("unique_id") for row in wanted]) if look else {}
    found, saved = Decided(), _decided(organization)
    for row in wanted:
        key = row.get("unique_id")
        if key not in there and _is_saved(row, saved.get(key)):
            continue
        problem = _take(row, there, found)
        if problem is not None:
            found.problems.append((row.number, problem))
    return found


def _is_saved(row: Row, decided: tuple[str, frozenset[str]] | None) -> bool:
    return decided is not None and row.get("decision").lower() == decided[0] and row.get("lms_id") in decided[1]


def _take(row: Row, there: dict[str, list[str]], found: Decided) -> Words | None:
    """Add the decision of a row; what is wrong with it, in words."""
    key, lms_id, choice = row.get("unique_id"), row.get("lms_id"), row.get("decision").lower()
    if choice not in (LINK, LEAVE, ASK):
        return say("The decision must be link or leave.")
    if key not in there:
        return say("Nothing is to be decided about this person in the newest look.")
    if lms_id not in there[key]:
        return say("This account is not one of those in question.")
    before = found.decisions.get(key)
    if choice == LINK:
        if found._taken.setdefault(lms_id, key) != key:
            return say("Another row links this account to somebody else.")
        if before is not None and before.choice == LINK:
            return say("Another row links this person to another account.")
    elif before is not None:
        return None
    lms_ids = {LINK: (lms_id,), LEAVE: tuple(there[key]), ASK: ()}[choice]
    found.decisions[key], found.lines[key] = Decision(key, choice, lms_ids), row.number
    return None
