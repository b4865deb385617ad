"""Log lines: whole JSON objects with ids, and nothing of what an exception or a library might say about people."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from rollbook.engine.log import logged, set_up_logging
from rollbook.errors import ConfigError


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = (
        root.handlers[:],
        root.level,
        {name: logging.getLogger(name).level for name in ("rollbook", "uvicorn.error")},
    )
    yield io.StringIO()
    root.handlers[:], root.level = before[0], before[1]
    for name, level in before[2].items():
        logging.getLogger(name).setLevel(level)


def _lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_an_object_with_the_ids_of_its_run(stream: io.StringIO) -> None:
    set_up_logging("json", stream=stream)
    log = logging.getLogger("rollbook.engine.test")
    with logged(run="r1", organization="maple"):
        log.info("read %s pages\nof two", 7)
        with logged(step="apply"):
            log.warning("slow")
    log.info("after")
    first, second, third = _lines(stream)
    assert set(first) == {"time", "level", "logger", "message", "run", "organization"}
    assert (first["level"], first["message"], first["run"]) == ("info", "read 7 pages\nof two", "r1")
    assert (second["organization"], second["step"]) == ("maple", "apply")
    assert "run" not in third


def test_threads_do_not_mix_their_runs(stream: io.StringIO) -> None:
    set_up_logging("json", stream=stream)
    log, meet = logging.getLogger("rollbook.engine.test"), threading.Barrier(2)

    def work(run: str) -> None:
        with logged(run=run):
            for _ in range(20):
                meet.wait()
                log.info("%s", run)

    threads = [threading.Thread(target=work, args=(run,)) for run in ("r1", "r2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = _lines(stream)
    assert len(lines) == 40
    assert all(line["run"] == line["message"] for line in lines)


@pytest.mark.parametrize("wanted", ["json", "text"])
def test_exceptions_tell_type_and_place_but_never_what_they_say(stream: io.StringIO, wanted: str) -> None:
    set_up_logging(wanted, stream=stream)
    try:
        try:
            int("Jane Doe")
        except ValueError as error:
            raise KeyError("jane.doe@maple.example") from error
    except KeyError:
        logging.getLogger("rollbook.store.test").exception("it broke")
    text = stream.getvalue()
    assert "KeyError" in text
    assert "test_exceptions_tell_type_and_place" in text
    assert "jane" not in text.lower()
    assert len(text.splitlines()) == 1


def test_of_libraries_only_the_fixed_text_is_told(stream: io.StringIO) -> None:
    set_up_logging("json", stream=stream)
    logging.getLogger("somelib").warning("cannot read %s", "jane.doe")
    logging.getLogger("somelib").info("request for jane.doe")
    logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: ValueError('jane.doe')")
    assert [line["message"] for line in _lines(stream)] == ["cannot read %s", "Task exception was never retrieved"]


def test_the_environment_chooses_and_nonsense_is_named(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLBOOK_LOG_FORMAT", "json")
    set_up_logging(stream=stream)
    logging.getLogger("rollbook").info("hello")
    assert _lines(stream)[0]["message"] == "hello"
    with pytest.raises(ConfigError, match="text or json"):
        set_up_logging("xml", stream=stream)
