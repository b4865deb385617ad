"""Log lines for people or as JSON, each with the run and organization it belongs to. Of an exception they tell type and
place, never what it says: that may hold a person's data."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import msgspec

from rollbook.errors import ConfigError

FORMATS: Final = ("text", "json")
_MOST_FRAMES: Final = 20
_about: ContextVar[dict[str, str] | None] = ContextVar("rollbook_log", default=None)


@contextmanager
def logged(**about: str | None) -> Iterator[None]:
    """Log lines inside carry these ids, e.g. `run` and `organization`. Threads that are started inside do not inherit
    them: they open their own."""
    token = _about.set({**(_about.get() or {}), **{key: value for key, value in about.items() if value}})
    try:
        yield
    finally:
        _about.reset(token)


def set_up_logging(wanted: str | None = None, *, stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Log to stderr as `text` or `json`; without `wanted`, as ROLLBOOK_LOG_FORMAT says. For processes that stay: web,
    worker, up. Raises ConfigError."""
    name = wanted or os.environ.get("ROLLBOOK_LOG_FORMAT") or "text"
    if name not in FORMATS:
        raise ConfigError("the log format (--log-format, ROLLBOOK_LOG_FORMAT) is text or json")
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if name == "json" else TextLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)  # what libraries tell below that is theirs, and may name records
    for own in ("rollbook", "uvicorn.error"):
        logging.getLogger(own).setLevel(level)


def set_up_last_resort() -> None:
    """For commands that end soon, which log nowhere: their warnings go to stderr, and of an exception no more than a
    log tells."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(BareLines())


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, the ids, and for an exception its type and place."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message(record),
            **(_about.get() or {}),
            **_exception(record),
        }
        return msgspec.json.encode(line).decode()


class TextLines(logging.Formatter):
    """The same for people."""

    def format(self, record: logging.LogRecord) -> str:
        about = "".join(f" {key}={value}" for key, value in (_about.get() or {}).items())
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="seconds")
        return f"{time} {record.levelname} {record.name}{about}: {_line(record)}"


class BareLines(logging.Formatter):
    """Only what is told, without time and ids."""

    def format(self, record: logging.LogRecord) -> str:
        return _line(record)


def message(record: logging.LogRecord) -> str:
    """Our own messages are made without personal data. Of a library's, only the first line of the fixed text is told:
    the rest, and what it fills in, may be anybody's."""
    text = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
    if record.name.partition(".")[0] not in ("rollbook", "uvicorn"):
        return text.partition("\n")[0][:200]
    try:
        return record.getMessage()
    except (TypeError, ValueError):
        return text


def _line(record: logging.LogRecord) -> str:
    trouble = _exception(record)
    places = f" [{trouble['exception']} at {' < '.join(trouble['places'][:3])}]" if trouble else ""
    return " ".join(message(record).splitlines()) + places


def _exception(record: logging.LogRecord) -> dict[str, Any]:
    if not record.exc_info or record.exc_info[0] is None:
        return {}
    kind, _, trace = record.exc_info
    frames = traceback.extract_tb(trace)[-_MOST_FRAMES:]
    places = [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in reversed(frames)]
    return {"exception": f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins."), "places": places}


def _short(file: str) -> str:
    """The end of a path: where a program lies says more about a machine than anybody needs."""
    return "/".join(file.replace("\\", "/").rsplit("/", 3)[1:]) or file
