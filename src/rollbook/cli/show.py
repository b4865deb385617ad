"""How runs, holds and findings look to people: tables on stdout. Reads plain summaries, never the store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from rollbook.roster.lms import ADOPT, CREATE, DEACTIVATE, REKEY, REMOVE, REVIVE, UPDATE

_SHOWN = ("read", CREATE, UPDATE, REMOVE, ADOPT, REKEY, DEACTIVATE, REVIVE, "unchanged", "blocked", "held", "waiting")
_AFTER = ("done", "refused", "unknown")


def console() -> Console:
    """Prints on stdout, without wrapping words when it is not a terminal."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=160)


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, right: Sequence[str] = ()) -> None:
    """Print a table; columns named in `right` hold numbers."""
    made = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(Text("" if value is None else str(value)) for value in row))  # data has brackets, too
    console().print(made)


def run(summary: Mapping[str, Any], *, kept: bool = True) -> None:
    """One run: counts by kind, findings, holds, error, and what to do next. Not `kept`: nothing of it can be asked for
    by the plain command afterwards."""
    out = console()
    out.print(f"[bold]Run {summary['run']}[/bold] of {summary['org']}: {summary['state']}{_times(summary)}")
    for words in _where(summary):
        out.print(words, markup=False)
    _counts(summary["kinds"])
    if summary["findings"]:
        total = sum(summary["findings"].values())
        see = f"; see: rollbook run findings {summary['run']}" if kept else ""
        out.print(f"{total:,} finding{'s' * (total != 1)}{see}")
    if undecided := summary["findings"].get("ACCOUNT_CONFLICT"):
        out.print(f"Whose account is it, for {undecided:,} people? See: rollbook prep export --help", markup=False)
    for name, reason in summary["verdicts"].items():
        out.print(f"{name} could not be read completely ({reason}), so nothing is taken for gone.", markup=False)
    for reason in summary["doubts"].values():
        out.print(f"Look whether this is right: {reason}.", markup=False)
    waiting = [hold for hold in summary["holds"] if hold["state"] == "waiting"]
    if summary["state"] == "held" and not summary["holds"]:
        out.print("There is nothing to approve: the next run that finds everything goes on by itself.")
    holds(waiting)
    for words, number in summary["conflicts"].items():
        out.print(f"Cannot be undone: {words}: {number:,}", markup=False)
    _refused(summary["refused"])
    error = summary["error"]
    if error:
        out.print(f"{error['error']}: {error['message']}\nWho must act: {error['who']}.", markup=False)
    if summary["state"] == "planned":
        if summary["blackout"]:
            out.print(f"Today is a blackout day ({summary['blackout']}): this run only planned.", markup=False)
        flag = " --despite-blackout" if summary["blackout"] else ""
        out.print(f"Nothing was sent. To send this plan: rollbook run apply {summary['run']}{flag}")


def _where(summary: Mapping[str, Any]) -> Iterator[str]:
    """Where a run that has not ended is."""
    if summary["place"]:
        yield f"Place {summary['place']} in the queue."
    if summary["progress"]:
        now = summary["progress"]
        count = f": {now['done']:,}" + (f" of {now['total']:,}" if now["total"] else "") if now["done"] else ""
        note = f" {now['note']}" if now["note"] else ""
        yield f"Now: {now['stage']}{note}{count}."


def holds(rows: Sequence[Mapping[str, Any]]) -> None:
    """Holds, and how to decide about them."""
    if not rows:
        return
    columns = ("hold", "run", "why", "what", "school", "changes", "of", "state")
    lines = [
        (h["hold"], h["run"], h["reason"], f"{h['action']} {h['kind']}", _school(h), h["count"], h["of"], h["state"])
        for h in rows
    ]
    table("Held for a person", columns, lines, right=("changes", "of"))
    out = console()
    for reason, sentence in dict.fromkeys((h["reason"], h["sentence"]) for h in rows):
        out.print(f"{reason}: {sentence}", markup=False)
    out.print("Look: rollbook run changes RUN --hold HOLD")
    out.print("Decide: rollbook hold approve HOLD --by NAME --reason TEXT (or: hold reject)")


def _school(hold: Mapping[str, Any]) -> str:
    if hold["school"] is None:
        return "all"
    return f"{hold['school_name']} ({hold['school']})" if hold["school_name"] else str(hold["school"])


def pins(rows: Sequence[Mapping[str, Any]]) -> None:
    """What undos keep so."""
    if not rows:
        console().print("Nothing is pinned.")
        return
    lines = [
        (p["pin"], p["kind"], p["key"], p["field"] or "all of it", _worth(p["value"]), _worth(p["sis"]),
         (p["until"] or "")[:10], p["run"], p["why"] or "holds")
        for p in rows
    ]  # fmt: skip
    columns = ("pin", "kind", "key", "what", "kept as", "the SIS said", "until", "undo", "state")
    table("", columns, lines, right=("pin",))
    console().print("Let the SIS's value through: rollbook pin lift ORG PIN --by NAME --reason TEXT")


def _worth(value: Any) -> str:
    """A pinned value in words."""
    if isinstance(value, dict):
        return "there"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "nothing" if value is None else str(value)


def _refused(refused: Mapping[str, Any]) -> None:
    """Records that the LMS keeps refusing, those first that have been for longest."""
    if not refused["records"]:
        return
    lines = [
        (one["kind"], one["key"], one["since"][:10], one["runs"], (one["retry_from"] or "next run")[:10],
         one["message"])
        for one in refused["longest"]
    ]  # fmt: skip
    more = f"{len(lines)} of {refused['records']:,}" if refused["records"] > len(lines) else f"{len(lines)}"
    columns = ("kind", "key", "since", "runs", "tried again", "the LMS said")
    table(f"Refused by the LMS ({more})", columns, lines, right=("runs",))


def findings(rows: Sequence[Mapping[str, Any]]) -> None:
    """Findings grouped by cause, with the fix and a few places."""
    out = console()
    if not rows:
        out.print("No findings.")
    for row in rows:
        colour = "red" if row["severity"] == "blocks" else "yellow"
        out.print(f"[{colour}]{row['severity']}[/{colour}] [bold]{row['code']}[/bold] × {row['count']:,}")
        out.print(f"    {row['sentence']} {row['fix']}", markup=False)
        for example in row["examples"]:
            out.print(f"    · {_place(example)}", markup=False)


def _place(example: Mapping[str, Any]) -> str:
    line = f" line {example['line']}" if example.get("line") else ""
    where = f"{example.get('file') or example.get('collection') or ''}{line}"
    what = f"id {example['id']}" if example.get("id") else ""
    others = f"same as {example['other']}" if example.get("other") else ""
    held = f"{example['dependants']:,} depend on it" if example.get("dependants") else ""
    return ", ".join(part for part in (where, what, example.get("detail"), others, held) if part)


def _counts(kinds: Mapping[str, Mapping[str, int]]) -> None:
    shown = [name for name in (*_SHOWN, *_AFTER) if any(counts.get(name) for counts in kinds.values())]
    if shown:
        rows = [(kind, *(f"{counts.get(name, 0):,}" for name in shown)) for kind, counts in kinds.items()]
        table("", ("", *shown), rows, right=shown)


def _times(summary: Mapping[str, Any]) -> str:
    seconds = sum(summary["seconds"].values())
    requests = summary["requests"]
    return f", {seconds:.1f} s, {requests['sis']:,} SIS and {requests['lms']:,} LMS requests" if seconds else ""
