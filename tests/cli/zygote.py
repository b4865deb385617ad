"""The command as processes that are forked: real ones, which can be killed, without the second of their imports.

`python -m tests.cli.zygote SOCKET` imports the command once; then it reads one JSON line a process, with the files that
are to be its stdout, its stderr and the place where its pid and its end are told. Processes that are started anew, as
people start them, are met by the tests of the demo, of installed copies and of containers.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any, Final

_ROOT: Final = Path(__file__).parents[2]


class Process:
    """A forked command, with what tests need of `subprocess.Popen`."""

    def __init__(self, zygote: Zygote, arguments: list[str], environment: dict[str, str]) -> None:
        pipes = [os.pipe() for _ in range(3)]
        asked = json.dumps({"arguments": arguments, "environment": environment}).encode()
        zygote.ask(asked, [write for _, write in pipes])
        for _, write in pipes:
            os.close(write)
        self.stdout: IO[str] = os.fdopen(pipes[0][0])
        self.stderr: IO[str] = os.fdopen(pipes[1][0])
        self._told: IO[str] = os.fdopen(pipes[2][0])
        self.pid = int(self._told.readline())
        self.returncode: int | None = None
        self._end = threading.Thread(target=self._wait, daemon=True)
        self._end.start()

    def _wait(self) -> None:
        self.returncode = int(self._told.readline())
        self._told.close()

    def poll(self) -> int | None:
        """The exit code of an ended process; minus the signal that killed it."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        self._end.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("rollbook", timeout or 0)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it says until its end."""
        said = ["", ""]

        def read(place: int, file: IO[str]) -> None:
            with file:
                said[place] = file.read()

        readers = [threading.Thread(target=read, args=each) for each in enumerate((self.stdout, self.stderr))]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join(timeout)
        return said[0], said[1]

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Zygote:
    """Whoever uses it must `close` it."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.cli.zygote", str(theirs.fileno())], cwd=_ROOT, pass_fds=[theirs.fileno()]
            )

    def ask(self, words: bytes, files: list[int]) -> None:
        socket.send_fds(self._socket, [len(words).to_bytes(4, "big") + words], files)

    def close(self) -> None:
        self._socket.close()
        self._process.wait(timeout=60)


def main(number: int) -> None:
    """Forks until the other side closes the socket. Who keeps a process waits for it, and for nothing else."""
    import rollbook.cli.groups
    import rollbook.cli.main
    import rollbook.cli.work
    import rollbook.engine.pool
    import rollbook.engine.service
    import rollbook.engine.waiting
    import rollbook.store.setup
    import rollbook.store.summary  # everything is imported before the first fork

    rollbook.cli.groups.application()  # and so is every command

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how keepers end
    with socket.socket(fileno=number) as asking:
        while True:
            words, files, _, _ = socket.recv_fds(asking, 4, 3)
            if not words:
                return
            asked = json.loads(asking.recv(int.from_bytes(words, "big"), socket.MSG_WAITALL))
            assert threading.active_count() == 1, "a process with threads must not fork"
            if os.fork() == 0:
                asking.close()
                _keep(asked, *files)
            for file in files:
                os.close(file)


def _keep(asked: dict[str, Any], out: int, err: int, told: int) -> None:
    """Start the process and tell how it ends; never returns."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        pid = os.fork()
        if pid == 0:
            os.close(told)
            _live(out, err, **asked)
        os.close(out)
        os.close(err)
        os.write(told, f"{pid}\n".encode())
        _, status = os.waitpid(pid, 0)
        os.write(told, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    finally:
        os._exit(0)


def _live(out: int, err: int, arguments: list[str], environment: dict[str, str]) -> None:
    """The command's own life; never returns."""
    code = 1
    try:
        for file, place in ((os.open(os.devnull, os.O_RDONLY), 0), (out, 1), (err, 2)):
            os.dup2(file, place)
            os.close(file)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = ["rollbook", *arguments]
        from rollbook.cli.main import main

        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main(int(sys.argv[1]))
