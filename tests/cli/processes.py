"""The command as real processes, between practice systems. They are forked: see `tests.cli.zygote`."""

from __future__ import annotations

import atexit
import functools
import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from tests.cli.kit import check_schema, place_tables
from tests.cli.zygote import Process, Zygote

CONFIG = """
organization: {{slug: maple, name: Maple Valley, timezone: America/New_York}}
sis: {{connector: oneroster_rest, options: {{base_url: "{sis}/ims/oneroster/v1p1", token_url: "{sis}/token",
       key: practice, secret: practice}}}}
lms: {{connector: schoology, options: {{base_url: "{lms}/v1", key: practice, secret: practice, credits: 1000,
      timeout: 3}}}}
active_year: 2027
schools: {{"*": create}}
terms: {{"*": {{"*": create}}}}
roles: {{"*": {{student: Student, teacher: Teacher, "*": skip}}}}
"""


@functools.cache
def zygote() -> Zygote:
    """That of this test process."""
    found = Zygote()
    atexit.register(found.close)
    return found


class World:
    """Practice systems, a data folder, and the command as processes."""

    def __init__(self, folder: Path, lms: str) -> None:
        self.folder, self.lms = folder, lms
        self.processes: list[Process | subprocess.Popen[str]] = []
        place_tables(folder / "data")
        self.environment = {
            **os.environ,
            "ROLLBOOK_DATA": str(folder / "data"),
            "ROLLBOOK_ALLOW_PRIVATE_HOSTS": "1",
        }

    def start(self, *arguments: str) -> Process:
        process = Process(zygote(), [*arguments, "--json"], self.environment)
        self.processes.append(process)
        return process

    def start_anew(self, *arguments: str) -> subprocess.Popen[str]:
        """A process that is not forked: that of the pages is another kind of process from the start."""
        process = subprocess.Popen(
            [sys.executable, "-m", "rollbook.cli", *arguments, "--json"],
            env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.processes.append(process)
        return process

    def stop(self) -> None:
        """Nothing outlives a test, a failed one included."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.communicate()
            for file in (process.stdout, process.stderr):
                assert file is not None
                file.close()

    def run(self, *arguments: str, code: int = 0, schema: str = "run") -> Any:
        out, _ = self.end(self.start(*arguments), code)
        check_schema(schema, out)
        return out

    def end(self, process: Process, code: int) -> tuple[Any, str]:
        out, err = process.communicate(timeout=120)
        assert process.returncode == code, (out, err)
        return json.loads(out), err

    def ask(self, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.lms + path, data)) as answer:
            return json.loads(answer.read() or b"null")

    def slow(self, seconds: float) -> None:
        self.ask("/_practice/faults", {"on": [{"name": "slow", "seconds": seconds, "method": "POST"}]})

    def wait_for_writes(self, least: int) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            attempts = self.ask("/_practice/requests")["attempts"]
            if sum(n for name, n in attempts.items() if name.startswith(("POST", "PUT"))) >= least:
                return
            time.sleep(0.02)
        raise AssertionError("the run sent nothing")
