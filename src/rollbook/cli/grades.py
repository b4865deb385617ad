"""`rollbook grades …`: grades back into the SIS, by section."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from rollbook.cli.command import command
from rollbook.cli.shell import Shell

if TYPE_CHECKING:
    from rollbook.store.models import GradeSection

Org = Annotated[str, typer.Argument(metavar="ORG", help="The organization's slug.")]
Sections = Annotated[
    list[str] | None,
    typer.Option("--section", metavar="CODE", help="Only these sections (class sourcedIds). Default: all."),
]
Section = Annotated[str, typer.Option("--section", metavar="CODE", help="The section (class sourcedId).")]
Despite = Annotated[bool, typer.Option("--despite-blackout", help="Send on a blackout day too.")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="LMS_CATEGORY=SIS_CATEGORY",
        help="Where items of a category go: ids or titles; `=skip` does not send them, `=create` makes a category of "
        "this title where the settings and the SIS allow it, `=undecided` asks again.",
    ),
]
CopyFrom = Annotated[
    str | None, typer.Option("--copy-from", metavar="CODE", help="Fill gaps from this section's map, by titles.")
]
Carry = Annotated[bool, typer.Option("--carry-over", help="Fill gaps from the maps of all other sections, by titles.")]
_SKIP, _CREATE, _UNDECIDED = "skip", "create", "undecided"


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Grades back: from the LMS's gradebooks into the SIS.")
    app.add_typer(group, name="grades")
    _add_sections(group)
    _add_runs(group)
    _add_map(group)
    _add_items(group)


def _add_sections(group: typer.Typer) -> None:
    @command(group, "sections")
    def sections(shell: Shell, org: Org, section: Sections = None) -> None:
        """List the sections whose grades can go back, with how they stand."""
        shell.open()
        from rollbook.actions.grades import sections_of
        from rollbook.actions.organizations import find_organization
        from rollbook.store.grade_words import section_summaries

        organization = find_organization(org)
        found = section_summaries(organization.pk, sections_of(organization, section or ()))

        def people() -> None:
            from rollbook.cli import show

            columns = ("section", "title", "status", "items", "errors", "updates", "held", "last sync")
            lines = [
                (s["section"], s["title"], s["status"], s["items"], s["errors"], s["updates"],
                 s["held"] + s["choices"], _when(s["synced_at"]))
                for s in found
            ]  # fmt: skip
            show.table("", columns, lines, right=columns[3:7])

        shell.answer({"org": org, "sections": found}, people)


def _add_runs(group: typer.Typer) -> None:
    @command(group, "plan")
    def plan(shell: Shell, org: Org, section: Sections = None) -> None:
        """Dry run: read both gradebooks, and show what would be sent. Sends nothing."""
        _run(shell, org, section, dry_run=True)

    @command(group, "sync")
    def sync(shell: Shell, org: Org, section: Sections = None, despite_blackout: Despite = False) -> None:
        """Read both gradebooks, and bring the SIS's up to date. Ctrl-C cancels cleanly."""
        _run(shell, org, section, dry_run=False, despite_blackout=despite_blackout)


def _run(shell: Shell, org: str, sections: list[str] | None, *, dry_run: bool, despite_blackout: bool = False) -> None:
    from rollbook.cli.waiting import show_ended, wait_for

    folder = shell.open()
    from rollbook.actions.actors import OPERATOR
    from rollbook.actions.grades import GradesWanted, request_grades

    wanted = GradesWanted(dry_run=dry_run, despite_blackout=despite_blackout)
    run = request_grades(org=org, sections=sections or (), by=OPERATOR, wanted=wanted)
    if run.blackout:
        shell.note(f"Today is a blackout day ({run.blackout}): nothing is sent, this run only plans.")
    show_ended(shell, wait_for(shell, folder, run))


def _add_map(group: typer.Typer) -> None:
    @command(group, "map")
    def show_map(
        shell: Shell,
        org: Org,
        *,
        section: Section,
        set_: Settings = None,
        copy_from: CopyFrom = None,
        carry: Carry = False,
    ) -> None:
        """Show a section's category map, and decide about its categories. `grades plan` reads them first."""
        shell.open()
        from rollbook.actions.actors import OPERATOR
        from rollbook.actions.grades import carry_categories, decide_categories, sections_of
        from rollbook.actions.organizations import find_organization
        from rollbook.store.grades import section_row

        organization = find_organization(org)
        sections_of(organization, [section])
        if set_:
            decide_categories(org=org, section=section, chosen=_chosen(set_), by=OPERATOR)
        if copy_from or carry:
            carry_categories(org=org, section=section, source=copy_from, by=OPERATOR)
        _show_map(shell, org, section_row(organization.pk, section))


def _show_map(shell: Shell, org: str, row: GradeSection) -> None:
    from rollbook.store.grade_words import map_summary

    summary = map_summary(org, row)

    def people() -> None:
        from rollbook.cli import show

        lines = [(c["id"], c["title"], c["decision"], _sis(c)) for c in summary["categories"]]
        show.table(f"Section {row.code}", ("category", "in the LMS", "decision", "in the SIS"), lines)
        there = [(c["id"], c["title"]) for c in summary["sis_categories"]]
        show.table("Categories of the SIS", ("category", "title"), there)

    shell.answer(summary, people)


def _sis(category: dict[str, Any]) -> str:
    sis = category["sis"]
    return f"{sis['title'] or 'gone'} ({sis['id']})" if sis else ""


def _chosen(given: list[str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for text in given:
        name, sign, target = text.rpartition("=")
        if not sign or not name or not target:
            raise typer.BadParameter(f"--set wants LMS_CATEGORY=SIS_CATEGORY, not {text!r}")
        found[name] = {_SKIP: "", _CREATE: "*", _UNDECIDED: None}.get(target, target)
    return found


Items = Annotated[list[str] | None, typer.Option("--opt-out", metavar="ITEM", help="Send nothing more of this item.")]
OptIn = Annotated[
    list[str] | None, typer.Option("--opt-in", metavar="ITEM", help="Send it, also when it is from an older course.")
]
Keep = Annotated[list[str] | None, typer.Option("--keep", metavar="ITEM", help="Deleted in the LMS: the SIS keeps it.")]
Remove = Annotated[
    list[str] | None,
    typer.Option("--remove", metavar="ITEM", help="Deleted in the LMS: the next sync takes it from the SIS too."),
]


def _add_items(group: typer.Typer) -> None:
    @command(group, "items")
    def items(
        shell: Shell, org: Org, *, section: Section, opt_out: Items = None, opt_in: OptIn = None, keep: Keep = None,
        remove: Remove = None,
    ) -> None:  # fmt: skip
        """List the graded items of a section with how they stand, and choose about them."""
        shell.open()
        from rollbook.actions.actors import OPERATOR
        from rollbook.actions.grades import decide_items, sections_of
        from rollbook.actions.organizations import find_organization
        from rollbook.passback.grade_types import KEEP, OPT_IN, OPT_OUT, REMOVE
        from rollbook.store.grade_words import item_summary, queued_sections
        from rollbook.store.models import GradeItem

        organization = find_organization(org)
        sections_of(organization, [section])
        asked = ((OPT_OUT, opt_out), (OPT_IN, opt_in), (KEEP, keep), (REMOVE, remove))
        chosen = {item: choice for choice, names in asked for item in names or ()}
        if chosen:
            decide_items(org=org, section=section, chosen=chosen, by=OPERATOR)
        queued = queued_sections(organization.pk)
        busy = queued is None or section in queued
        rows = GradeItem.objects.filter(section__organization=organization, section__code=section)
        found = [item_summary(row, queued=busy) for row in rows]
        shell.answer({"org": org, "section": section, "items": found}, lambda: _show_items(found))


def _show_items(found: list[dict[str, Any]]) -> None:
    from rollbook.cli import show

    columns = ("item", "title", "due", "points", "category", "period", "status", "last sync", "why")
    lines = [
        (i["item"], i["title"], i["due"], i["points"], i["category"], i["period"], i["status"], _when(i["synced_at"]),
         i["why"])
        for i in found
    ]  # fmt: skip
    show.table("", columns, lines, right=("points",))


def _when(at: str | None) -> str:
    return at[:16].replace("T", " ") if at else ""
