"""`rollbook demo`: a practice SIS and LMS, a first full sync between them, then the pages, on throw-away data."""

from __future__ import annotations

import contextlib
import os
import secrets
import shlex
import shutil
import sys
import tempfile
import threading
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rollbook.cli.command import command
from rollbook.cli.shell import Shell

if TYPE_CHECKING:
    from rollbook.cli.demo_systems import Systems
    from rollbook.store.models import Run

SLUG = "demo"
_HOST = "127.0.0.1"
_EMAIL = "demo@rollbook.example"


def add_to(app: typer.Typer) -> None:
    @command(app, "demo")
    def demo(
        shell: Shell,
        students: Annotated[int, typer.Option("--students", min=1, help="How many students.")] = 1000,
        seed: Annotated[int, typer.Option("--seed", help="Same seed, same district.")] = 1,
        port: Annotated[int, typer.Option("--port", help="Of the pages; SIS and LMS take the next two.")] = 8000,
        once: Annotated[bool, typer.Option("--once", help="End after the sync.")] = False,
    ) -> None:
        """Show Rollbook at work: a practice SIS and LMS, a first full sync between them, and the pages."""
        from rollbook.cli.demo_systems import Systems
        from rollbook.cli.waiting import interrupts

        os.environ["ROLLBOOK_ALLOW_PRIVATE_HOSTS"] = "1"
        if not once:
            _prepare_pages(port)
        folder = Path(tempfile.mkdtemp(prefix="rollbook-demo-"))
        try:
            ports = 0 if once else port
            with interrupts() as end, Systems(folder, students=students, seed=seed, port=ports) as systems:
                if end.is_set():
                    raise KeyboardInterrupt
                code = _sync(shell, folder, systems)
                if not once and not code:
                    _stay(shell, systems, folder, port, end)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if code:
            raise typer.Exit(code)


def _sync(shell: Shell, folder: Path, systems: Systems) -> int:
    from rollbook.cli.exits import code_of
    from rollbook.cli.waiting import show_ended

    run = _first_run(shell, folder, systems)
    code = code_of(run)
    with contextlib.suppress(typer.Exit):  # the systems end before the process does
        show_ended(shell, run, kept=False, addresses=systems.addresses())
    return code


def _first_run(shell: Shell, folder: Path, systems: Systems) -> Run:
    from rollbook.cli.waiting import wait_for
    from rollbook.store.setup import setup

    opened = setup(folder / "data")
    from rollbook.actions.actors import OPERATOR
    from rollbook.actions.runs import Wanted, request_run
    from rollbook.actions.secret_texts import Surroundings
    from rollbook.actions.settings import import_settings

    text = systems.settings(SLUG)
    import_settings(text, name="the demo's settings", around=Surroundings({}, folder), by=OPERATOR)
    shell.note(f"Syncing {systems.students:,} students …")
    return wait_for(shell, opened, request_run(org=SLUG, wanted=Wanted(), by=OPERATOR))


def _prepare_pages(port: int) -> None:
    """The pages' settings come before the data folder. Raises ConfigError at once when the port is taken."""
    import_module("rollbook.web")
    from rollbook.web.serve import listen

    listen(_HOST, port).close()


def _stay(shell: Shell, systems: Systems, folder: Path, port: int, end: threading.Event) -> None:
    from rollbook.cli.work import worker_beside
    from rollbook.store.setup import opened
    from rollbook.web.serve import serve_web

    password = _make_administrator()
    addresses = systems.addresses()

    def tell(address: str) -> None:
        shell.note("")
        shell.note(f"Open {address} and sign in as {_EMAIL} with the password {password}")
        shell.note(f"Practice SIS: {addresses['sis']}   Practice LMS: {addresses['lms']}")
        shell.note("Or try this in another terminal:")
        shell.note(f"  ROLLBOOK_ALLOW_PRIVATE_HOSTS=1 {_called()} sync {SLUG} --data {folder / 'data'}")
        shell.note("Ctrl-C ends everything and deletes the data.")

    with worker_beside(opened(), end):
        serve_web(opened(), _HOST, port, tell, end)


def _make_administrator() -> str:
    """The acting user of the demo, with a password that nobody knows yet."""
    from rollbook.actions.accounts import accept, invite
    from rollbook.actions.actors import OPERATOR

    password = "-".join(secrets.token_hex(2) for _ in range(4))
    _, token = invite(by=OPERATOR, org=SLUG, email=_EMAIL, name="Demo Administrator", acting=True, operator=True)
    accept(token=token, name="Demo Administrator", password=password)
    return password


def _called() -> str:
    """How somebody in this folder calls the program that runs now."""
    program, found = Path(sys.argv[0]), shutil.which("rollbook")
    if found is not None and Path(found).resolve() == program.resolve():
        return "rollbook"
    own, rest = (program, []) if program.name == "rollbook" else (Path(sys.executable), ["-m", "rollbook.cli"])
    own, here = own.absolute(), Path.cwd()
    return shlex.join([str(own.relative_to(here) if own.is_relative_to(here) else own), *rest])
