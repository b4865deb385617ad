"""What the pages say can be followed: links lead somewhere, examples load, commands exist."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from rollbook.cli.groups import application
from rollbook.connectors.kit.options import parse as parse_options
from rollbook.connectors.registry import connector
from rollbook.roster.settings import Connection, parse
from tests.browser.pictures import FOLDER, PICTURES
from tests.docs.pages import anchors, blocks, commands, links, pages, prose, text
from tests.repo.tree import ROOT, name

PAGES = pages()
SHELL = {"export", "cd", "cp"}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        target, _, anchor = link.partition("#")
        path = (page.parent / target).resolve() if target else page
        assert path.exists(), link
        assert not anchor or anchor in anchors(path), link


def test_every_page_is_linked() -> None:
    linked = {
        (page.parent / link.partition("#")[0]).resolve() for page in PAGES for link in links(page) if link[0] != "#"
    }
    assert not [name(page) for page in PAGES if page not in linked and page.parent != ROOT]


def test_every_picture_of_the_pages_is_taken_by_the_script_and_shown() -> None:
    shown = {(page.parent / link).resolve() for page in PAGES for link in links(page) if link.endswith(".png")}
    taken = {FOLDER / f"{picture}.png" for picture in PICTURES}
    assert set(FOLDER.iterdir()) == taken
    assert shown == taken
    assert sum(path.stat().st_size for path in taken) < 3_000_000


def _settings_blocks() -> list[Any]:
    return [
        pytest.param(block, id=f"{name(page)}-{number}")
        for page in PAGES
        for number, block in enumerate(blocks(page, "yaml"))
    ]


@pytest.mark.parametrize("block", _settings_blocks())
def test_settings_examples_load(block: str) -> None:
    settings = parse(yaml.safe_load(block))
    for connection in (settings.sis, settings.lms):
        parse_options(connector(connection.connector).options, _options(connection))


def _options(connection: Connection) -> dict[str, Any]:
    return connection.options | ({"partner": connection.partner} if connection.partner else {})


def test_there_are_settings_examples() -> None:
    assert len(_settings_blocks()) >= 5
    assert "maple-valley" in blocks(ROOT / "docs/reference/settings.md", "yaml")[0]


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "sh")], ids=name)
def test_commands_exist(page: Path) -> None:
    for words in commands(page):
        if words[0] == "rollbook":
            _check_command(words[1:])
        elif words[0].startswith("script/"):
            assert (ROOT / words[0]).exists(), words
        else:
            assert words[0] in SHELL, words


def test_commands_within_sentences_exist() -> None:
    """`rollbook keys rotate` and its like, also without the arguments."""
    wrong = []
    for page in PAGES:
        for code in re.findall(r"`rollbook ((?!COMMAND)[^`\n]+)`", prose(page)):
            command, words = _found(code.replace("…", "").split())
            options = {word.partition("=")[0] for word in words if word.startswith("--")}
            known = {option for one in command.params for option in one.opts} | {"--help"}
            if (hasattr(command, "commands") and words and not options) or options - known:
                wrong.append((name(page), code))
    assert not wrong


def _found(words: list[str]) -> tuple[Any, list[str]]:
    """The command or group that the first words lead to, and what is left of them."""
    command: Any = typer.main.get_command(application())
    while words and words[0] in getattr(command, "commands", ()):
        command, words = command.commands[words[0]], words[1:]
    return command, words


def _check_command(words: list[str]) -> None:
    command: Any = typer.main.get_command(application())
    while words and hasattr(command, "commands"):
        if words[0] in ("--help", "-h"):
            return
        assert words[0] in command.commands, words
        command = command.commands[words.pop(0)]
    assert not hasattr(command, "commands"), f"{command.name}: a command is missing"
    known = {option for one in command.params for option in one.opts} | {"--help"}
    used = {word.partition("=")[0] for word in words if word.startswith("--")}
    assert used <= known, f"{command.name}: {used - known}"
    needed = [one for one in command.params if one.required and not one.opts[0].startswith("-")]
    assert len([word for word in words if not word.startswith("--")]) >= len(needed), words


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "ini")], ids=name)
def test_services_start_what_there_is(page: Path) -> None:
    """Units of systemd call a command that exists, with options that it has."""
    lines = [line for block in blocks(page, "ini") for line in block.splitlines()]
    starts = [shlex.split(line.removeprefix("ExecStart=")) for line in lines if line.startswith("ExecStart=")]
    assert starts
    for program, *words in starts:
        assert program.endswith("/.venv/bin/rollbook")
        _check_command(words)


def test_variables_that_pages_set_are_explained() -> None:
    explained = text(ROOT / "docs/reference/settings.md")
    pattern = r"\b((?:ROLLBOOK_|DATABASE_)[A-Z_]+)="
    set_here = {(name(page), found) for page in PAGES for found in re.findall(pattern, text(page))}
    assert len(set_here) > 10
    assert not [one for one in set_here if f"| `{one[1]}` |" not in explained]


def test_the_first_screen_says_what_it_is() -> None:
    first = text(ROOT / "README.md").splitlines()[:22]
    assert first[0] == "# Rollbook"
    assert any(line.startswith("![") and "river.svg" in line for line in first)
    assert {"script/demo", "script/test"} <= set(first)


def test_no_page_promises_more_than_it_may() -> None:
    """Plain words: nothing is simply, easily or seamlessly done."""
    loud = ("seamless", "blazing", "powerful", "just works", "effortless", "world-class")
    assert not [(name(page), word) for page in PAGES for word in loud if word in prose(page).lower()]


def test_pages_speak_to_every_python() -> None:
    assert sys.version_info >= (3, 11)
    assert "3.11" in text(ROOT / "README.md")
