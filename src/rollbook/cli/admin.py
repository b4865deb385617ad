"""`rollbook admin …`: who may sign in to the pages. Acts as operator (rule 30)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rollbook.cli.command import command
from rollbook.cli.shell import Shell

if TYPE_CHECKING:
    from rollbook.store.models import Account

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The account's e-mail address.")]
Slug = Annotated[str, typer.Argument(metavar="ORG", help="The organization's short name.")]


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="Who may sign in to the pages, and as what.")
    app.add_typer(group, name="admin")
    _add_invite(group)
    _add_acting(group)
    _add_remove(group)
    _add_password(group)
    _add_list(group)


def _add_invite(group: typer.Typer) -> None:
    @command(group, "invite")
    def invite(
        shell: Shell,
        *,
        org: Annotated[str | None, typer.Option("--org", metavar="SLUG", help="Into this organization.")] = None,
        role: Annotated[
            str, typer.Option("--role", metavar="ROLE", help="administrator, viewer or teacher.")
        ] = "administrator",
        acting: Annotated[
            bool, typer.Option("--acting", help="Becomes the acting user, if there is none then.")
        ] = False,
        operator: Annotated[bool, typer.Option("--operator", help="May make organizations and see all.")] = False,
        email: Annotated[str, typer.Option("--email", metavar="EMAIL", help="For this address only.")] = "",
        name: Annotated[str, typer.Option("--name", metavar="NAME", help="How the form is filled in.")] = "",
    ) -> None:
        """Make an invitation and print its link, which works once, for seven days. Without --org: for an operator."""
        make_invitation(shell, org=org, email=email, name=name, role=role, acting=acting, operator=operator)


def make_invitation(shell: Shell, *, org: str | None, role: str, acting: bool, **wanted: Any) -> None:
    """Make an invitation as `actions.accounts.invite` takes it, and answer with its link. Raises ConfigError."""
    if acting and (org is None or role != "administrator"):
        raise typer.BadParameter("--acting needs --org, and the role administrator")
    _open(shell)
    from rollbook.actions.accounts import invite
    from rollbook.actions.actors import OPERATOR

    made, token = invite(by=OPERATOR, org=org, role=role, acting=acting, **wanted)
    link = _address(f"/invitation/{token}/")
    document = {"link": link, "until": made.expires_at.isoformat(timespec="seconds")}
    shell.answer(document, lambda: shell.say(f"Give this link to whom you invite; it works for seven days:\n{link}"))


def _add_acting(group: typer.Typer) -> None:
    @command(group, "acting")
    def acting(shell: Shell, org: Slug, email: Email) -> None:
        """Make a system administrator of an organization its acting user."""
        _open(shell)
        from rollbook.actions.actors import OPERATOR
        from rollbook.actions.members import find_account, hand_over

        account = find_account(email)
        hand_over(org=org, to=account.pk, by=OPERATOR)
        words = f"{account.email} is the acting user of {org}."
        shell.answer({"org": org, "acting": account.email}, lambda: shell.say(words))


def _add_remove(group: typer.Typer) -> None:
    @command(group, "remove")
    def remove(
        shell: Shell,
        email: Email,
        *,
        org: Annotated[
            str | None, typer.Option("--org", metavar="SLUG", help="Only from this organization; else everywhere.")
        ] = None,
    ) -> None:
        """End a membership, or without --org close the account: it can sign in no more. Schedules go on."""
        _open(shell)
        from rollbook.actions.actors import OPERATOR
        from rollbook.actions.members import deactivate_account, find_account, remove_member

        account = find_account(email)
        if org is None:
            deactivate_account(account=account, by=OPERATOR)
        else:
            remove_member(org=org, account=account.pk, by=OPERATOR)
        words = f"{account.email} is no member of {org} any more." if org else f"{account.email} is closed."
        shell.answer({"email": account.email, "org": org}, lambda: shell.say(words))


def _add_password(group: typer.Typer) -> None:
    @command(group, "password")
    def password(
        shell: Shell,
        email: Email,
        *,
        without_factors: Annotated[
            bool, typer.Option("--without-factors", help="Phone, keys and recovery codes are lost: remove them.")
        ] = False,
    ) -> None:
        """Print a link with which this person chooses a new password. It works once, for three days."""
        folder = _open(shell)
        from rollbook.actions.actors import OPERATOR
        from rollbook.actions.members import find_account, note_password_link
        from rollbook.web.opening import open_pages
        from rollbook.web.password_reset import remove_factors, reset_path

        account = find_account(email)
        open_pages(folder)
        if without_factors:
            remove_factors(account)
        note_password_link(account=account, by=OPERATOR, factors=without_factors)
        link = _address(reset_path(account))
        shell.answer({"email": account.email, "link": link}, lambda: shell.say(f"Give this link to them:\n{link}"))


def _add_list(group: typer.Typer) -> None:
    @command(group, "list")
    def show(shell: Shell) -> None:
        """List the accounts, their organizations and roles."""
        _open(shell)
        from rollbook.store.models import Account

        accounts = [
            _shown(one) for one in Account.objects.prefetch_related("memberships__organization").order_by("email")
        ]

        def people() -> None:
            for one in accounts:
                parts = [
                    f"{member['org']}: {'acting user' if member['acting'] else member['role']}"
                    for member in one["memberships"]
                ]
                parts += ["operator"] if one["operator"] else []
                parts += [] if one["active"] else ["closed"]
                shell.say(f"{one['email']}  {one['name']}  {', '.join(parts) or 'in no organization'}")
            if not accounts:
                shell.say("There is no account yet. Make the first invitation: rollbook admin invite --operator")

        shell.answer({"accounts": accounts}, people)


def _shown(account: Account) -> dict[str, Any]:
    memberships = [
        {
            "org": one.organization.slug,
            "role": one.role,
            "acting": one.role == "administrator" and one.organization.acting_id == account.pk,
        }
        for one in account.memberships.all()
    ]
    last = account.last_login
    return {
        "email": account.email,
        "name": account.name,
        "operator": account.is_operator,
        "active": account.is_active,
        "last_sign_in": last.isoformat(timespec="seconds") if last else None,
        "memberships": memberships,
    }


def _open(shell: Shell) -> Any:
    import_module("rollbook.web")  # before the folder: accounts have tables of the web side's libraries
    return shell.open()


def _address(path: str) -> str:
    """Where people reach the pages; without ROLLBOOK_URL, where they are served by default."""
    from rollbook.web.opening import public_address

    return f"{public_address('http://127.0.0.1:8000')}{path}"
