"""`rollbook runs` and `rollbook run …`: look at runs and steer them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rollbook.cli.command import command
from rollbook.cli.shell import Shell
from rollbook.cli.undo import add_undo
from rollbook.roster.lms import ACTIONS

if TYPE_CHECKING:
    from rollbook.store.models import Run

RunId = Annotated[str, typer.Argument(metavar="ID", help="The run's id, as `rollbook runs` shows it.")]
Despite = Annotated[bool, typer.Option("--despite-blackout", help="Send on a blackout day too.")]
_SHORT = 50
OutcomeOption = Annotated[
    str | None, typer.Option("--outcome", help="Only what became of it: done, refused, unknown or waiting.")
]
LimitOption = Annotated[
    int | None, typer.Option("--limit", min=0, help=f"How many; default {_SHORT}, with --json all.")
]


def add_to(app: typer.Typer) -> None:
    _add_runs(app)
    group = typer.Typer(no_args_is_help=True, help="One run: look at it, apply, cancel or undo it.")
    app.add_typer(group, name="run")
    _add_show(group)
    _add_changes(group)
    _add_findings(group)
    _add_steering(group)


def _add_runs(app: typer.Typer) -> None:
    @command(app, "runs")
    def runs(
        shell: Shell,
        org: Annotated[str | None, typer.Argument(metavar="[ORG]", help="Only this organization.")] = None,
        limit: Annotated[int, typer.Option("--limit", min=1, help="The most recent ones.")] = 20,
    ) -> None:
        """List runs, the newest first."""
        shell.open()
        from rollbook.actions.organizations import find_organization
        from rollbook.store.models import Run
        from rollbook.store.summary import run_summary

        found = Run.objects.select_related("organization").order_by("-created_at", "-id")
        if org is not None:
            found = found.filter(organization=find_organization(org))
        summaries = [run_summary(run) for run in found[:limit]]

        def people() -> None:
            from rollbook.cli import show

            columns = ("run", "org", "state", "what", "asked", "changes", "findings")
            show.table("", columns, (_line(one) for one in summaries), right=("changes", "findings"))

        shell.answer({"runs": summaries}, people)


def _line(one: dict[str, Any]) -> tuple[Any, ...]:
    changes = sum(counts.get(name, 0) for counts in one["kinds"].values() for name in ACTIONS)
    what = "apply" if one["applies"] else "undo" if one["undo_of"] else "plan" if one["dry_run"] else "sync"
    what = f"grades {what}" if one["river"] == "grades" else what
    asked = one["created_at"][:16].replace("T", " ")
    return one["run"], one["org"], one["state"], what, asked, changes, sum(one["findings"].values())


def _add_show(group: typer.Typer) -> None:
    @command(group, "show")
    def show_run(shell: Shell, run_id: RunId) -> None:
        """Show one run."""
        shell.open()
        from rollbook.actions.runs import find_run
        from rollbook.store.summary import run_summary

        summary = run_summary(find_run(run_id))

        def people() -> None:
            from rollbook.cli import show

            show.run(summary)

        shell.answer(summary, people)


def _add_changes(group: typer.Typer) -> None:
    @command(group, "changes")
    def changes(
        shell: Shell,
        run_id: RunId,
        *,
        kind: Annotated[str | None, typer.Option("--kind", help="Only this LMS kind, e.g. user.")] = None,
        action: Annotated[str | None, typer.Option("--action", help="Only this action, e.g. create.")] = None,
        school: Annotated[str | None, typer.Option("--school", metavar="ID", help="Only this org.")] = None,
        hold: Annotated[str | None, typer.Option("--hold", help="Only what this hold of the run holds.")] = None,
        outcome: OutcomeOption = None,
        limit: LimitOption = None,
    ) -> None:
        """Show the rows of a run's plan, with the fields before and after and what became of them."""
        folder = shell.open()
        from rollbook.actions.runs import find_run
        from rollbook.errors import ConfigError
        from rollbook.store.blobs import open_blobs
        from rollbook.store.journal import attempts
        from rollbook.store.refusals import refused_since
        from rollbook.store.rows import change_rows, with_outcomes, with_refusals
        from rollbook.store.runs import stored_plan

        run = find_run(run_id)
        plan = stored_plan(run)
        if plan is None:
            raise ConfigError(f"run {run_id} has no plan")
        if hold is not None:
            _check_held(run, hold)
        most = limit if limit is not None or shell.json else _SHORT
        planned = change_rows(plan, open_blobs(folder), kind=kind, action=action, school=school, hold=hold)
        tried = attempts(run_id, plan.digest, order="first_seq")
        rows = with_refusals(with_outcomes(planned, tried, outcome), refused_since(run))
        if shell.json:
            _stream(run_id, islice(rows, most))
        else:
            _print_changes(rows, most)


def _check_held(run: Run, hold: str) -> None:
    """Raises ConfigError when the run's plan has no such hold."""
    from rollbook.errors import ConfigError

    planned = run.applies or run
    if not planned.holds.filter(hold=hold).exists():
        raise ConfigError(f"run {run.pk} has no hold {hold!r}; see: rollbook run show {planned.pk}")


def _stream(run_id: str, rows: Iterable[dict[str, Any]]) -> None:
    """One JSON document, written row by row: a plan may have millions."""
    import msgspec

    out, encode = sys.stdout, msgspec.json.Encoder().encode
    out.write(f'{{"run": {encode(run_id).decode()}, "changes": [')
    for number, row in enumerate(rows):
        out.write((",\n  " if number else "\n  ") + encode(row).decode())
    out.write("\n]}\n")
    out.flush()


def _print_changes(rows: Iterator[dict[str, Any]], most: int | None) -> None:
    from rollbook.cli import show

    shown = list(islice(rows, most))
    lines = ((r["seq"], r["action"], r["kind"], r["key"], r["school"], _state(r), _fields(r)) for r in shown)
    show.table("", ("seq", "action", "kind", "key", "school", "state", "fields"), lines, right=("seq",))
    if next(rows, None) is not None:
        show.console().print(f"… and more: these are the first {most}; --limit says how many, and --json shows all")


def _state(row: dict[str, Any]) -> str:
    """What became of it, in the LMS's words where it said no; else how it stands in the plan."""
    state, why = (row["outcome"], row["message"]) if row["outcome"] else (row["state"], row["reason"])
    refused = row["refused"]
    if refused:
        since = f"since {refused['since'][:10]}, in {refused['runs']:,} runs"
        why = f"{why}; {since}" if why else since
    return f"{state} ({why})" if why else str(state)


def _fields(row: dict[str, Any]) -> str:
    if row["action"] in ("update", "deactivate", "revive"):
        return "; ".join(f"{name}: {row['before'].get(name)} → {new}" for name, new in row["after"].items())
    side = row["after"] or row["before"]
    return "; ".join(f"{name}: {value}" for name, value in side.items() if value not in (None, "", []))


def _add_findings(group: typer.Typer) -> None:
    @command(group, "findings")
    def findings(
        shell: Shell,
        run_id: RunId,
        code: Annotated[str | None, typer.Option("--code", help="Only this code.")] = None,
        examples: Annotated[int, typer.Option("--examples", min=0, help="Places to show per code.")] = 5,
    ) -> None:
        """Show what was wrong with the input, by cause, each with its fix."""
        folder = shell.open()
        from rollbook.actions.runs import find_run
        from rollbook.store.blobs import open_blobs
        from rollbook.store.rows import group_findings, read_findings
        from rollbook.store.runs import stored_result

        blob = stored_result(find_run(run_id)).findings_blob
        rows = read_findings(open_blobs(folder).get(blob, "the findings of this run")) if blob else iter(())
        groups = group_findings(rows, examples, code)

        def people() -> None:
            from rollbook.cli import show

            show.findings(groups)

        shell.answer({"run": run_id, "findings": groups}, people)


def _add_steering(group: typer.Typer) -> None:
    @command(group, "apply")
    def apply(shell: Shell, run_id: RunId, despite_blackout: Despite = False) -> None:
        """Send the stored plan of a dry run; fails when the plan is stale, and on a blackout day."""
        from rollbook.cli.waiting import show_ended, wait_for

        folder = shell.open()
        from rollbook.actions.actors import OPERATOR
        from rollbook.actions.runs import request_apply

        run = request_apply(run_id=run_id, by=OPERATOR, despite_blackout=despite_blackout)
        show_ended(shell, wait_for(shell, folder, run))

    add_undo(group)

    @command(group, "cancel")
    def cancel(shell: Shell, run_id: RunId) -> None:
        """Stop a run; what it sent stays, and is written down."""
        shell.open()
        from rollbook.actions.actors import OPERATOR
        from rollbook.actions.runs import cancel_run
        from rollbook.store.summary import run_summary

        run = cancel_run(run_id=run_id, by=OPERATOR)
        words = "is cancelled" if run.ended else "stops as soon as its worker hears of it"
        shell.answer(run_summary(run), lambda: shell.say(f"Run {run_id} {words}."))
