"""The command `rollbook`: joins the groups, and turns errors into one friendly sentence and an exit code."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer

from rollbook.cli import lifetime
from rollbook.cli.groups import application, module_of
from rollbook.errors import RollbookError, known_name


@functools.cache
def _command(only: str | None) -> Callable[..., Any]:
    """What Typer makes of all commands, or of those of one module: once in a process."""
    if only is None:
        return typer.main.get_command(application())
    return typer.main.get_group(application(only))


_INTERRUPTED = 130  # what Typer makes of a Ctrl-C
_Usage: type[Exception] = typer.BadParameter.__mro__[1]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and end the process: 0 done, 1 failed, 2 wrong usage or settings, 3 something is held."""
    if arguments is None:
        lifetime.starting()
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _run(given)
    except BrokenPipeError:
        sys.stderr.close()  # whoever read us is gone
        code = 1
    if arguments is None:
        lifetime.ending(code)
    sys.exit(code)


def _run(given: list[str]) -> int:
    as_json, debug = "--json" in given, "--debug" in given
    try:
        command = _command(module_of(given[0]) if given else None)
        result = command(given, prog_name="rollbook", standalone_mode=False)
        if result == _INTERRUPTED:
            raise KeyboardInterrupt
        return result if isinstance(result, int) else 0
    except RollbookError as error:
        if debug:
            _traceback(error)
        _tell(as_json, known_name(error), str(error), error.who)
        return error.exit_code
    except _Usage as error:
        return _tell_usage(as_json, error)
    except (KeyboardInterrupt, typer.Abort):
        _tell(as_json, "RunCancelled", "stopped", "nobody")
        return 1
    except BrokenPipeError:
        raise
    except Exception as error:
        if debug:
            _traceback(error)
        trouble = _of_the_database(error)
        if trouble is not None:
            _tell(as_json, type(trouble).__name__, str(trouble), trouble.who)
            return trouble.exit_code
        words = f"{type(error).__name__}: this is a bug in Rollbook"
        hint = "" if debug else "; the same command with --debug shows where"
        _tell(as_json, "Bug", words + hint, "the developers; please report it")
        return 1


def _of_the_database(error: Exception) -> RollbookError | None:
    """The database went away in the middle: that is no bug of ours."""
    if "rollbook.store.database" not in sys.modules:
        return None
    from rollbook.store.database import DATABASE_TROUBLE, in_words

    return in_words(error) if isinstance(error, DATABASE_TROUBLE) else None


def _tell(as_json: bool, name: str, message: str, who: str) -> None:
    if as_json:
        from rollbook.cli.shell import write_json

        write_json({"error": {"error": name, "message": message, "who": who}})
    first = message.partition(" ")[0]
    text = message[:1].upper() + message[1:] if first.isalpha() else message  # not `lms.secret`
    action = "" if who.startswith("nobody") else f" Who must act: {who}."
    typer.echo(f"{text.rstrip('.')}.{action}", err=True)


def _tell_usage(as_json: bool, error: Exception) -> int:
    message = getattr(error, "format_message", lambda: str(error))()
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "rollbook"
    if not message and context is not None:  # a group without a command
        typer.echo(context.get_help(), err=True)
        message = "a command is missing"
    _tell(as_json, "UsageError", f"{message.rstrip('.')}; see: {path} --help", "nobody")
    return 2


def _traceback(error: Exception) -> None:
    """Where it happened. What an error says that nobody foresaw may be somebody's data, and stays untold."""
    import traceback

    known = isinstance(error, RollbookError)
    lines = ["Traceback (most recent call last):\n", *traceback.format_tb(error.__traceback__)]
    typer.echo("".join(lines) + type(error).__qualname__ + (f": {error}" if known else ""), err=True)
