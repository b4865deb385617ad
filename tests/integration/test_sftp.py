"""CSV files over SFTP: only from the host whose key was confirmed, whole or not at all, and never for ever."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from rollbook.connectors.base import Context
from rollbook.connectors.oneroster_csv.fetch import HostKeyChanged, ask_host_key, fetch
from rollbook.connectors.oneroster_csv.options import OneRosterCsvOptions
from rollbook.connectors.oneroster_csv.source import OneRosterCsvSource
from rollbook.errors import AuthFailed, BadResponse, ConfigError, RunCancelled, Unavailable
from rollbook.roster.oneroster import COLLECTIONS
from tests.integration.sftp_host import PASSWORD, USER, Host
from tests.patience import LONG, until

HEADER = "sourcedId,status,dateLastModified,username\n"


class Cancel:
    """Stops the work from a given moment on."""

    def __init__(self, after: float = 3600) -> None:
        self._until = time.monotonic() + after

    def check(self) -> None:
        if time.monotonic() > self._until:
            raise RunCancelled("stopped")

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)
        self.check()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    folder = tmp_path / "host"
    folder.mkdir()
    _pack(folder / "oneroster.zip", "first")
    with Host(folder).serving() as found:
        yield found


def _pack(path: Path, name: str, moment: float | None = None) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("users.csv", f"{HEADER}u1,active,,{name}\n")
    if moment is not None:
        os.utime(path, (moment, moment))


def _options(there: Host, **more: Any) -> OneRosterCsvOptions:
    given = {
        "path": "/oneroster.zip",
        "host": "127.0.0.1",
        "port": there.port,
        "user": USER,
        "password": PASSWORD,
        "host_key": there.line,
        "timeout": 10.0,
    }
    return OneRosterCsvOptions(**(given | more))


def _context(tmp_path: Path, *, private: bool = True, cancel: Cancel | None = None) -> Context:
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    return Context(
        work=work, cancel=cancel or Cancel(), count=lambda attempts=1, /: None, allow_private_hosts=private
    )  # fmt: skip


def _username(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        return archive.read("users.csv").decode().rstrip().rpartition(",")[2]


def test_a_file_is_fetched_and_read(host: Host, tmp_path: Path) -> None:
    source = OneRosterCsvSource(_options(host), _context(tmp_path))
    assert source.collections() == tuple(COLLECTIONS)
    assert host.connections == 1
    assert "users.csv" in source.test().facts
    assert host.connections == 1, "one source fetches once"


def test_the_newest_file_that_matches_is_taken(host: Host, tmp_path: Path) -> None:
    _pack(host.folder / "out-a.zip", "newest", 3000)
    _pack(host.folder / "out-b.zip", "older", 2000)
    _pack(host.folder / "other.zip", "none of these", 4000)
    (host.folder / "out-z.zip").mkdir()
    assert _username(fetch(_options(host, path="/out-*.zip"), _context(tmp_path))) == "newest"


def test_a_folder_of_csv_files_is_fetched(host: Host, tmp_path: Path) -> None:
    folder = host.folder / "export"
    (folder / "old.csv").mkdir(parents=True)
    for name in ("users.csv", "ORGS.CSV", "notes.txt", ".users.csv.swp"):
        (folder / name).write_text(HEADER)
    found = fetch(_options(host, path="/export"), _context(tmp_path))
    assert sorted(file.name for file in found.iterdir()) == ["ORGS.CSV", "users.csv"]


def test_a_key_opens_too_even_without_line_ends(host: Host, tmp_path: Path) -> None:
    """A form of one line makes spaces of line ends."""
    mine = asyncssh.generate_private_key("ssh-ed25519")
    host.client_key = mine.convert_to_public()
    text = mine.export_private_key().decode()
    for shown in (text, " ".join(text.split("\n"))):
        assert fetch(_options(host, password=None, private_key=shown), _context(tmp_path)).exists()


def test_a_large_file_arrives_whole(host: Host, tmp_path: Path) -> None:
    content = os.urandom(20_000_000)
    (host.folder / "big.zip").write_bytes(content)
    assert fetch(_options(host, path="/big.zip"), _context(tmp_path)).read_bytes() == content


# --- whom to trust ----------------------------------------------------------------------------------------------------


def test_a_first_connection_shows_the_fingerprint_and_trusts_nobody(host: Host, tmp_path: Path) -> None:
    fingerprint = host.key.get_fingerprint("sha256")
    with pytest.raises(ConfigError) as caught:
        fetch(_options(host, host_key=None), _context(tmp_path))
    assert fingerprint in str(caught.value)
    assert host.line in str(caught.value)
    asked = ask_host_key(_options(host, user="", password=None, host_key=None), _context(tmp_path))
    assert (asked.line, asked.fingerprint, asked.kind) == (host.line, fingerprint, "ssh-ed25519")


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp256"])
def test_another_host_key_is_an_error_for_the_admin(kind: str, host: Host, tmp_path: Path) -> None:
    line = asyncssh.generate_private_key(kind).export_public_key("openssh").decode()
    with pytest.raises(HostKeyChanged) as caught:
        fetch(_options(host, host_key=line), _context(tmp_path))
    assert "does not have the host key that was confirmed" in str(caught.value)
    assert "asks the owner of the SFTP host" in caught.value.who
    assert PASSWORD not in repr(caught.value)


def test_a_line_of_ssh_keyscan_is_understood(host: Host, tmp_path: Path) -> None:
    assert fetch(_options(host, host_key=f"127.0.0.1 {host.line} somebody@host"), _context(tmp_path)).exists()
    with pytest.raises(ConfigError, match="host_key must look like"):
        fetch(_options(host, host_key="SHA256:abc"), _context(tmp_path))


@pytest.mark.parametrize(
    ("more", "error", "words"),
    [
        ({"password": "wrong"}, AuthFailed, "refused the SFTP user"),
        ({"user": "nobody"}, AuthFailed, "refused the SFTP user"),
        ({"password": None}, ConfigError, "needs a user, and a password or a private key"),
        ({"password": None, "private_key": "no key"}, ConfigError, "private_key is no private key"),
        ({"path": "/nothing.zip"}, ConfigError, "no file at the path"),
        ({"path": "/nothing-*.zip"}, ConfigError, "no file at the path"),
        ({"path": "/../../etc/passwd"}, ConfigError, "no file at the path"),
    ],
)
def test_what_is_wrong_is_said_and_names_who_must_act(
    more: dict[str, Any], error: type[Exception], words: str, host: Host, tmp_path: Path
) -> None:
    with pytest.raises(error, match=words) as caught:
        fetch(_options(host, **more), _context(tmp_path))
    assert PASSWORD not in str(caught.value)


def test_another_ones_key_opens_nothing(host: Host, tmp_path: Path) -> None:
    host.client_key = asyncssh.generate_private_key("ssh-ed25519").convert_to_public()
    text = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    with pytest.raises(AuthFailed):
        fetch(_options(host, password=None, private_key=text), _context(tmp_path))


def test_private_hosts_need_permission(host: Host, tmp_path: Path) -> None:
    for ask in (fetch, ask_host_key):
        with pytest.raises(ConfigError, match="ROLLBOOK_ALLOW_PRIVATE_HOSTS"):
            ask(_options(host), _context(tmp_path, private=False))
    with pytest.raises(ConfigError, match="never called"):
        fetch(_options(host, host="169.254.169.254"), _context(tmp_path))
    assert host.connections == 0


# --- trouble on the way -----------------------------------------------------------------------------------------------


def test_a_file_that_changes_while_it_is_read_is_not_kept(host: Host, tmp_path: Path) -> None:
    host.fault = "changes"
    with pytest.raises(Unavailable, match="changed while it was read"):
        fetch(_options(host), _context(tmp_path))
    assert not list((tmp_path / "work").rglob("*.zip"))


def test_a_huge_file_is_not_fetched(host: Host, tmp_path: Path) -> None:
    with (host.folder / "huge.zip").open("wb") as file:
        file.truncate(3_000_000_000)
    with pytest.raises(BadResponse, match="more than 2 GB"):
        fetch(_options(host, path="/huge.zip", max_gigabytes=2.0), _context(tmp_path))
    assert not list((tmp_path / "work").rglob("*.zip"))


def test_a_hanging_host_is_given_up(host: Host, tmp_path: Path) -> None:
    host.fault = "hangs"
    began = time.monotonic()
    with pytest.raises(Unavailable, match="has not answered for 1 seconds"):
        fetch(_options(host, timeout=1.0), _context(tmp_path))
    assert time.monotonic() - began < 20


def test_a_silent_host_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        options = OneRosterCsvOptions(
            path="/x", host="127.0.0.1", port=listener.getsockname()[1], user=USER, password="x", timeout=1.0,
            host_key=Host(tmp_path).line,
        )  # fmt: skip
        for ask in (fetch, ask_host_key):
            with pytest.raises(Unavailable, match="has not answered"):
                ask(options, _context(tmp_path))


@pytest.mark.parametrize(("ask", "call"), [(fetch, "connect"), (ask_host_key, "get_server_host_key")])
def test_given_up_before_the_greeting_nothing_stays_open(
    ask: Callable[..., object], call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library takes the connection over only after it has prepared itself."""

    async def prepares_for_ever(**_: object) -> None:
        await asyncio.sleep(10 * LONG)

    monkeypatch.setattr(asyncssh, call, prepares_for_ever)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        options = OneRosterCsvOptions(
            path="/x", host="127.0.0.1", port=listener.getsockname()[1], user=USER, password="x", timeout=0.5,
            host_key=Host(tmp_path).line,
        )  # fmt: skip
        with pytest.raises(Unavailable, match="has not answered"):
            ask(options, _context(tmp_path))
        with listener.accept()[0] as accepted:
            accepted.settimeout(LONG)
            assert accepted.recv(1) == b""


def test_nobody_there_is_said(host: Host, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unavailable, match="cannot be reached over SFTP"):
        fetch(_options(host, port=port), _context(tmp_path))


def test_a_person_can_cancel_it(host: Host, tmp_path: Path) -> None:
    host.fault = "hangs"
    began = time.monotonic()
    with pytest.raises(RunCancelled):
        fetch(_options(host, timeout=10 * LONG), _context(tmp_path, cancel=Cancel(0.5)))
    assert time.monotonic() - began < LONG
    until(lambda: not [thread for thread in threading.enumerate() if thread.name == "sftp"])


def test_secrets_are_not_shown(host: Host) -> None:
    options = _options(host, private_key="-----BEGIN OPENSSH PRIVATE KEY-----")
    assert PASSWORD not in repr(options)
    assert "BEGIN" not in repr(options)
