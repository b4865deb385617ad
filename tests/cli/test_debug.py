"""No log line tells of a person, however much is logged: templates, libraries, and --debug."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from rollbook.engine.log import set_up_logging
from tests.cli.kit import Command

NAME = "Zebulon Quartz"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root, own = logging.getLogger(), logging.getLogger("rollbook")
    before = root.handlers[:], root.level, own.level
    yield
    root.handlers[:], root.level, own.level = before
    logging.getLogger("django.template").setLevel(logging.NOTSET)


def _stream_of(how: str, tmp_path: Path) -> io.StringIO:
    """Where a process that was started like this logs to."""
    if how == "--debug":
        Command(tmp_path / "data").text("runs", "--debug")
    else:
        set_up_logging(how, stream=io.StringIO(), level=logging.DEBUG)
    [handler] = logging.getLogger().handlers
    assert isinstance(handler, logging.StreamHandler)
    assert isinstance(handler.stream, io.StringIO)
    return handler.stream


@pytest.mark.parametrize("how", ["text", "json", "--debug"])
@pytest.mark.parametrize("wide_open", [False, True])
def test_a_template_that_fails_tells_nothing_of_its_page(how: str, wide_open: bool, tmp_path: Path) -> None:
    from django.template import Context, Engine

    stream = _stream_of(how, tmp_path)
    if wide_open:  # somebody turns everything on
        logging.getLogger().setLevel(logging.DEBUG)
        logging.getLogger("django.template").setLevel(logging.DEBUG)
    page = Engine().from_string("{{ row.nothing.here }}{% include name %}")
    with pytest.raises(Exception, match="nowhere"):
        page.render(Context({"row": {"given": NAME}, "name": "nowhere.html"}))
    logging.getLogger("rollbook.test").debug("a line of ours")
    text = stream.getvalue()
    assert "a line of ours" in text
    assert ("Exception while resolving variable" in text) is wide_open
    assert NAME not in text


@pytest.mark.parametrize("how", ["text", "json", "--debug"])
def test_what_libraries_fill_in_is_not_told(how: str, tmp_path: Path) -> None:
    stream = _stream_of(how, tmp_path)
    try:
        raise ValueError(NAME)
    except ValueError:
        logging.getLogger("django.request").error("Internal Server Error: %s", f"/people/{NAME}", exc_info=True)
    text = stream.getvalue()
    assert "Internal Server Error: %s" in text
    assert "ValueError" in text
    assert NAME not in text


def test_a_traceback_does_not_tell_what_an_unforeseen_error_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError(f"cannot read {NAME}")

    monkeypatch.setattr("rollbook.store.setup.setup", fail)
    answer = Command(tmp_path / "data").text("runs", "--debug")
    assert answer.code == 1
    assert "Traceback" in answer.err
    assert "ValueError" in answer.err
    assert NAME not in answer.err
