"""Forks worker processes, one at a time: each is a real process that can be killed, without the second of its imports.

`python -m tests.reliability.nursery` reads one JSON line a worker and answers two: its pid, and later how it ended.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psutil

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Worker:
    """A forked worker."""

    pid: int
    note: Path
    _answers: Any
    _code: int | None = None

    def wait(self, seconds: float = 120.0) -> int:
        """Its exit code; minus the signal that killed it. After so many seconds it is killed."""
        if self._code is None:
            watch = threading.Timer(seconds, self.kill)
            watch.start()
            try:
                self._code = int(json.loads(self._answers.readline())["code"])
            finally:
                watch.cancel()
        return self._code

    def death(self) -> str:
        """Where it killed itself; empty when it did not."""
        return str(json.loads(self.note.read_text())) if self.note.exists() else ""

    def stopped(self) -> bool:
        """Is it frozen?"""
        return psutil.Process(self.pid).status() == psutil.STATUS_STOPPED

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.pid, number)

    def clear(self) -> None:
        """After a test that failed in the middle it may still live."""
        if self._code is None:
            with suppress(ProcessLookupError):
                self.kill()
            self.wait()


class Nursery:
    """Workers of this nursery live one after the other; two at the same time need two nurseries."""

    def __init__(self, **environment: str) -> None:
        given = {**os.environ, "ROLLBOOK_ALLOW_PRIVATE_HOSTS": "1", **environment}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.reliability.nursery"],
            cwd=ROOT, env=given, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._last: Worker | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()

    def start(self, data: Path, runs: list[str], **more: Any) -> Worker:
        """A worker that ends when these runs have ended (none: when it is told to), or dies by `kill`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        note = Path(more.pop("note", data.parent / f"{data.name}-death.json"))
        note.unlink(missing_ok=True)
        asked = {"data": str(data), "runs": runs, "note": str(note), **more}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        self._last = Worker(json.loads(self._process.stdout.readline())["pid"], note, self._process.stdout)
        return self._last

    def clear(self) -> None:
        """No worker is left."""
        if self._last is not None:
            self._last.clear()


def main() -> None:
    import rollbook.cli.work
    import rollbook.engine.pool
    import rollbook.engine.service
    import rollbook.store.setup  # noqa: F401 # everything is imported before the first fork

    for line in sys.stdin:
        assert threading.active_count() == 1, "a process with threads must not fork"
        pid = os.fork()
        if pid == 0:
            _live(json.loads(line))
        _say(pid=pid)
        _, status = os.waitpid(pid, 0)
        _say(code=os.waitstatus_to_exitcode(status))


def _say(**words: int) -> None:
    print(json.dumps(words), flush=True)


def _live(asked: dict[str, Any]) -> None:
    """The life of a worker; never returns."""
    code = 1
    try:
        from tests.reliability.life import live

        code = live(**asked)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
