"""What watches a connector while it is tested: calls are counted, sleeping fails, leaks of private words fail."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rollbook.connectors.base import Context
from rollbook.errors import RollbookError

#: Words that are in the people and passwords the suites send, and may never be in a log line, an error or a repr.
PRIVATE = ("Zebulon", "Quimbleton", "zquimbleton", "zq@private", "Correct-Horse-1")

_sleep = time.sleep


@dataclass
class Patient:
    """A Cancel that never cancels, and lets the kit's long waits pass quickly. `waited` are the seconds asked for."""

    waited: list[float] = field(default_factory=list)

    def check(self) -> None: ...

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        _sleep(min(seconds, 0.02))


@dataclass(frozen=True, kw_only=True)
class CountingContext(Context):
    """A context whose `calls` holds one entry per counted request."""

    calls: list[int] = field(default_factory=list)

    @property
    def requests(self) -> int:
        return sum(self.calls)


def make_context(work: Path) -> CountingContext:
    """A context for a connector under test: a scratch folder, nothing cancelled, private hosts allowed."""
    calls: list[int] = []

    def count(attempts: int = 1, /) -> None:
        calls.append(attempts)

    return CountingContext(work=work, cancel=Patient(), count=count, allow_private_hosts=True, calls=calls)


class Watched:
    """Base of the suites. `secrets` are the author's own words that may never leak (keys, names in the data)."""

    secrets: Sequence[str] = ()
    #: Packages of an outside connector that may not sleep in threads of their own.
    packages: Sequence[str] = ()

    @pytest.fixture
    def context(self, tmp_path: Path) -> CountingContext:
        """What the connector under test gets."""
        folder = tmp_path / "work"
        folder.mkdir()
        return make_context(folder)

    @pytest.fixture(autouse=True)
    def _watch(self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
        """No connector code sleeps, and no log line of any level holds a private word."""
        caplog.set_level("DEBUG")
        monkeypatch.setattr(time, "sleep", self._no_sleep)
        yield
        for record in [*caplog.get_records("setup"), *caplog.get_records("call")]:
            self.assert_quiet(record.getMessage(), "a log line")

    @contextmanager
    def raises(self, *errors: type[RollbookError]) -> Iterator[list[RollbookError]]:
        """The block raises one of these errors, and it tells nothing private. The error is put into the list."""
        found: list[RollbookError] = []
        with pytest.raises(errors) as caught:
            yield found
        found.append(caught.value)
        self.assert_error_is_quiet(caught.value)

    def assert_error_is_quiet(self, error: BaseException) -> None:
        """The error, and those it came from where Python would show them, tell nothing private."""
        shown: BaseException | None = error
        while shown is not None:
            self.assert_quiet(f"{shown} {shown!r} {shown.args}", type(shown).__name__)
            shown = shown.__cause__ or (None if shown.__suppress_context__ else shown.__context__)

    def assert_quiet(self, text: str, where: str) -> None:
        leaked = [place for place, word in enumerate([*PRIVATE, *self.secrets]) if word and word in text]
        assert not leaked, f"{where} tells something private (word {leaked[0]} of PRIVATE + secrets)"

    def _no_sleep(self, seconds: float) -> None:
        """The test's own thread never sleeps, nor does connector code in others; a server beside the test may."""
        frame: Any = sys._getframe(1)
        main = threading.current_thread() is threading.main_thread()
        while frame is not None:
            module = frame.f_globals.get("__name__", "")
            guilty = main or module.startswith(("rollbook.connectors", *self.packages))
            assert not guilty, f"{module} sleeps; waiting is done by context.cancel"
            frame = frame.f_back
        _sleep(seconds)
