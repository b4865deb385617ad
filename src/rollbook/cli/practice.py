"""`rollbook practice sis|lms|moodle`: a practice SIS and practice LMSs on this machine, alone."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from rollbook.cli.command import command
from rollbook.cli.shell import Shell
from rollbook.errors import ConfigError

SIS_PORT, LMS_PORT, MOODLE_PORT = 8001, 8002, 8003
_NAMES = {"sis": "SIS", "lms": "LMS", "moodle": "Moodle"}

Key = Annotated[str, typer.Option("--key", help="Consumer key.")]
Secret = Annotated[str, typer.Option("--secret", help="Consumer secret.")]
Fault = Annotated[
    list[str] | None, typer.Option("--fault", metavar="NAME", help="E.g. throttle:times=3; see the docs.")
]
Database = Annotated[Path | None, typer.Option("--database", metavar="FILE", help="Keep its state; default: memory.")]
WithParent = Annotated[bool, typer.Option("--with-parent", hidden=True, help="End when stdin closes.")]


def add_to(app: typer.Typer) -> None:
    group = typer.Typer(no_args_is_help=True, help="A SIS and LMSs to practise with; 127.0.0.1 only.")
    app.add_typer(group, name="practice")
    _add_sis(group)
    _add_lms(group)
    _add_moodle(group)


def _add_sis(group: typer.Typer) -> None:
    @command(group, "sis")
    def sis(
        shell: Shell,
        *,
        directory: Annotated[Path, typer.Argument(metavar="DIR", help="A OneRoster CSV folder.")],
        version: Annotated[str, typer.Option("--version", metavar="1.1|1.2", help="What is served.")] = "1.1",
        port: Annotated[int, typer.Option("--port", help="0 takes a free one.")] = SIS_PORT,
        key: Key = "practice",
        secret: Secret = "practice",
        fault: Fault = None,
        with_parent: WithParent = False,
    ) -> None:
        """Serve a folder of OneRoster CSV as a OneRoster REST provider, until Ctrl-C."""
        from rollbook.practice.sis import create_sis

        base = "/ims/oneroster/v1p1" if version == "1.1" else "/ims/oneroster"

        def make() -> Any:
            return create_sis(directory, version=version, key=key, secret=secret, faults=fault or ())

        _serve(shell, make, port, with_parent, kind="sis", base=base)


def _add_lms(group: typer.Typer) -> None:
    @command(group, "lms")
    def lms(
        shell: Shell,
        *,
        port: Annotated[int, typer.Option("--port", help="0 takes a free one.")] = LMS_PORT,
        key: Key = "practice",
        secret: Secret = "practice",
        database: Database = None,
        limiter: Annotated[bool, typer.Option("--limiter", help="Limit calls as the real one does.")] = False,
        fault: Fault = None,
        with_parent: WithParent = False,
    ) -> None:
        """Serve a Schoology-compatible LMS with pages to look at, until Ctrl-C."""
        from rollbook.practice.lms import create_lms

        def make() -> Any:
            return create_lms(database, key=key, secret=secret, limiter=limiter, faults=fault or ())

        _serve(shell, make, port, with_parent, kind="lms", base="/v1")


def _add_moodle(group: typer.Typer) -> None:
    @command(group, "moodle")
    def moodle(
        shell: Shell,
        *,
        port: Annotated[int, typer.Option("--port", help="0 takes a free one.")] = MOODLE_PORT,
        token: Annotated[str, typer.Option("--token", help="Token of its web service.")] = "practice",
        release: Annotated[str, typer.Option("--release", help="4.1, 4.4, 4.5, 5.0 or 5.1.")] = "5.0",
        database: Database = None,
        latency: Annotated[
            str, typer.Option("--latency", metavar="MS", help="Of a call, each user, each enrollment.")
        ] = "0,0,0",
        fault: Fault = None,
        with_parent: WithParent = False,
    ) -> None:
        """Serve a site that answers as Moodle's web services do, until Ctrl-C."""
        from rollbook.practice.moodle import create_moodle

        def make() -> Any:
            return create_moodle(database, token=token, moodle=release, faults=fault or (), **_seconds(latency))

        _serve(shell, make, port, with_parent, kind="moodle", base="")


def _seconds(latency: str) -> dict[str, Any]:
    """Settings from three numbers of milliseconds. Raises ConfigError."""
    names = ("call_seconds", "user_seconds", "enrolment_seconds")
    try:
        return dict(zip(names, (float(each) / 1000 for each in latency.split(",")), strict=True))
    except ValueError:
        raise ConfigError("--latency takes three numbers of milliseconds, such as 5,6,3") from None


def _serve(shell: Shell, make: Callable[[], Any], port: int, with_parent: bool, *, kind: str, base: str) -> None:
    from rollbook.cli.waiting import interrupts
    from rollbook.practice.faults import UnknownFault
    from rollbook.practice.server import serve

    try:
        app = make()
    except (UnknownFault, ValueError, OSError) as error:
        raise ConfigError(str(error)) from None
    try:
        running = serve(app, port)
    except OSError:
        raise ConfigError(f"port {port} is in use; choose another with --port") from None
    with running, interrupts() as end:
        found = {"practice": kind, "url": running.url, "base_url": running.url + base, "port": running.port}
        if kind == "sis":
            found["token_url"] = f"{running.url}/token"
        shell.answer(found, lambda: shell.say(f"Practice {_NAMES[kind]}: {running.url} (API: {running.url}{base})"))
        sys.stdout.flush()
        if with_parent:
            threading.Thread(target=_read_to_end, args=(end,), daemon=True).start()
        while not end.wait(0.5):
            pass


def _read_to_end(end: threading.Event) -> None:
    sys.stdin.read()
    end.set()
