"""The practice systems of the demo, each in a process of its own that ends with this one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rollbook.errors import Unavailable

#: The generated district's current school year (the year in which it ends).
_YEAR = "2027"


class Systems:
    """A practice SIS that serves a generated district, and an empty practice LMS."""

    def __init__(self, folder: Path, *, students: int, seed: int, port: int) -> None:
        """`port` 0 takes free ports, else the two after it."""
        self.students, self._seed, self._folder = students, seed, folder
        self._ports = (0, 0) if port == 0 else (port + 1, port + 2)
        self._processes: list[subprocess.Popen[str]] = []
        self._sis: dict[str, Any] = {}
        self._lms: dict[str, Any] = {}

    def __enter__(self) -> Self:
        from rollbook.practice import district

        try:
            lms = self._start("lms", "--port", str(self._ports[1]))
            [day] = district.generate(self._folder / "sis", students=self.students, seed=self._seed)
            sis = self._start("sis", str(day), "--port", str(self._ports[0]))
            self._sis, self._lms = _answer(sis), _answer(lms)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def addresses(self) -> dict[str, str]:
        return {"sis": self._sis["url"], "lms": self._lms["url"]}

    def settings(self, slug: str) -> str:
        """The demo organization as YAML: everything mapped."""
        from rollbook.actions.yaml_text import dump_yaml

        key = {"key": "practice", "secret": "practice"}
        sis = {"base_url": self._sis["base_url"], "token_url": self._sis["token_url"], "auth": "oauth2", **key}
        return dump_yaml(
            {
                "organization": {"slug": slug, "name": "Demo District", "timezone": "America/New_York"},
                "sis": {"connector": "oneroster_rest", "partner": "generic-1.1", "options": sis},
                "lms": {
                    "connector": "schoology",
                    "options": {"base_url": self._lms["base_url"], "credits": 1000, **key},
                },
                "active_year": _YEAR,
                "schools": {"*": "create"},
                "terms": {"*": {"*": "create"}},
                "roles": {"*": {"student": "Student", "teacher": "Teacher", "guardian": "Parent", "*": "skip"}},
            }
        )

    def stop(self) -> None:
        for process in self._processes:
            if process.stdin:
                process.stdin.close()
        for process in self._processes:
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _start(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "rollbook.cli", "practice", *arguments, "--json", "--with-parent"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is ours to handle; the systems end after the run
        )
        self._processes.append(process)
        return process


def first_document(process: subprocess.Popen[str]) -> str:
    """The JSON document that a server of ours prints, with `--json`, as soon as it serves; cut off where it ended."""
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if line == "}\n":
            break
    return text


def _answer(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What a practice system says of itself."""
    try:
        found: dict[str, Any] = json.loads(first_document(process))
        found["url"]
    except (ValueError, KeyError):
        raise Unavailable("a practice system did not start; are its ports free? Try another --port") from None
    return found
