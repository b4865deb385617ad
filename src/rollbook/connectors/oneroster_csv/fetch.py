"""Fetches the export over SFTP into the run's scratch folder. Trusts only the host key in the options; keeps nothing
that was not read whole."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, cast

import asyncssh

from rollbook.connectors.base import Context
from rollbook.connectors.kit.hosts import check_address
from rollbook.connectors.oneroster_csv.apart import Pulse, run_apart
from rollbook.connectors.oneroster_csv.keys import HostKey, described, private_key, public_key
from rollbook.connectors.oneroster_csv.options import OneRosterCsvOptions
from rollbook.connectors.oneroster_csv.package import MOST_FILES
from rollbook.errors import AuthFailed, BadResponse, ConfigError, RollbookError, Unavailable

_CSV: Final = re.compile(r"[\w.-]+\.csv", re.IGNORECASE | re.ASCII)
_REGULAR, _DIRECTORY = asyncssh.FILEXFER_TYPE_REGULAR, asyncssh.FILEXFER_TYPE_DIRECTORY
_ROOM: Final = 64 << 20
_PIECE: Final = 1 << 20
#: A host that lists more has no end.
_MOST_NAMES: Final = 100_000

asyncssh.set_log_level("WARNING")  # it would write down users and file names


class HostKeyChanged(ConfigError):
    """The host has another key than the one that was confirmed: perhaps it is another host."""

    who = "the admin, who asks the owner of the SFTP host whether its key was changed, and then confirms the new one"


@dataclass(frozen=True)
class _Remote:
    """A file on the host, and what told it from a later one when it was looked at."""

    path: str
    size: int
    modified: int


def fetch(options: OneRosterCsvOptions, context: Context) -> Path:
    """A local copy of the export: a zip file, or a folder with its CSV files.

    Raises ConfigError (no such file, host key not confirmed or changed), AuthFailed, BadResponse (too large),
    Unavailable (silent, or changed while it was read), and what `cancel` raises.
    """
    host = options.host or ""
    if not options.host_key:
        found = ask_host_key(options, context)
        raise ConfigError(
            f"the host key of {host} is not confirmed yet. It shows {found.fingerprint}: compare that with what the "
            f"owner of the host tells you, then confirm it on the page Files, or set host_key: {found.line}"
        )
    if not options.user or not (options.password or options.private_key):
        raise ConfigError(f"SFTP from {host} needs a user, and a password or a private key")
    goal = context.work / "sftp"
    shutil.rmtree(goal, ignore_errors=True)
    goal.mkdir(mode=0o700, parents=True)
    pinned = public_key(options.host_key)
    key = private_key(options.private_key) if options.private_key else None

    async def work(pulse: Pulse) -> Path:
        context.count()
        with _in_words(host):
            async with _connected(options, context, pinned, key) as connection:
                pulse.abort = connection.abort
                pulse.beat()
                client = await connection.start_sftp_client()
                return await _Fetch(client, options, goal, pulse).everything()

    return run_apart(work, cancel=context.cancel, timeout=options.timeout, host=host)


def ask_host_key(options: OneRosterCsvOptions, context: Context) -> HostKey:
    """The key that the host shows now, for a person to compare; nothing is sent to it. Raises ConfigError,
    Unavailable."""
    host = options.host or ""

    async def work(pulse: Pulse) -> HostKey:
        context.count()
        with _in_words(host, pinned=False):
            async with _socket(options, context) as sock:
                pulse.beat()
                found = await asyncssh.get_server_host_key(sock=sock, config=None)
            if found is None:
                raise BadResponse(f"{host} shows no host key")
            return described(found)

    return run_apart(work, cancel=context.cancel, timeout=options.timeout, host=host)


class _Fetch:
    """Reads what the path names, bounded in number and bytes."""

    def __init__(self, client: asyncssh.SFTPClient, options: OneRosterCsvOptions, goal: Path, pulse: Pulse) -> None:
        self._client, self._options, self._goal, self._pulse = client, options, goal, pulse
        self._most = int(options.max_gigabytes * 1e9)

    async def everything(self) -> Path:
        path = self._options.path
        found = await self._newest(path) if re.search(r"[*?\[]", path) else path
        attributes = await self._client.stat(found)
        self._pulse.beat()
        if attributes.type == _DIRECTORY:
            return await self._folder(found)
        if attributes.type != _REGULAR:
            raise ConfigError(f"the path on {self._options.host} is neither a file nor a folder")
        remote = _Remote(found, attributes.size or 0, attributes.mtime or 0)
        self._check_room([remote])
        await self._one(remote, self._goal / "package.zip")
        return self._goal / "package.zip"

    async def _newest(self, pattern: str) -> str:
        names = await self._client.glob_sftpname(pattern)
        self._pulse.beat()
        files = [one for one in names if one.attrs.type == _REGULAR]
        if not files:
            raise _nothing(self._options.host or "")
        newest = max(files, key=lambda one: (one.attrs.mtime or 0, str(one.filename)))
        return str(newest.filename)

    async def _folder(self, folder: str) -> Path:
        remotes = []
        seen = 0
        async for one in self._client.scandir(folder):
            self._pulse.beat()
            seen += 1
            name = str(one.filename)
            if one.attrs.type == _REGULAR and _CSV.fullmatch(name):
                path = str(PurePosixPath(folder) / name)
                remotes.append(_Remote(path, one.attrs.size or 0, one.attrs.mtime or 0))
            if len(remotes) > MOST_FILES:
                raise BadResponse(f"the folder on {self._options.host} holds more than {MOST_FILES} CSV files")
            if seen > _MOST_NAMES:
                raise BadResponse(f"the folder on {self._options.host} holds more than {_MOST_NAMES} names")
        self._check_room(remotes)
        goal = self._goal / "package"
        goal.mkdir()
        for remote in remotes:
            await self._one(remote, goal / PurePosixPath(remote.path).name)
        return goal

    def _check_room(self, remotes: Sequence[_Remote]) -> None:
        size = sum(remote.size for remote in remotes)
        if size > self._most:
            raise BadResponse(
                f"the export on {self._options.host} has more than {self._most / 1e9:g} GB; ask whoever makes it, "
                "or raise `max_gigabytes`"
            )
        if shutil.disk_usage(self._goal).free < size + _ROOM:
            raise ConfigError("there is too little free space to fetch the export")

    async def _one(self, remote: _Remote, goal: Path) -> None:
        done = 0
        with goal.open("wb") as local:
            async with self._client.open(remote.path, "rb") as file:
                while piece := cast(bytes, await file.read(_PIECE, done)):
                    self._pulse.beat()
                    local.write(piece)
                    done += len(piece)
                    if done > remote.size:
                        break  # it grows: it is told below
        now = await self._client.stat(remote.path)
        self._pulse.beat()
        if (now.size, now.mtime) != (remote.size, remote.modified) or done != remote.size:
            goal.unlink(missing_ok=True)
            raise Unavailable(f"a file on {self._options.host} changed while it was read")


@asynccontextmanager
async def _connected(
    options: OneRosterCsvOptions, context: Context, pinned: asyncssh.SSHKey, key: asyncssh.SSHKey | None
) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """Signed in. Nothing of this machine's own SSH set-up is used: no agent, no keys, no files."""
    async with _socket(options, context) as sock:
        try:
            connection = await asyncssh.connect(
                sock=sock,
                config=None,
                known_hosts=([pinned], [], []),
                x509_trusted_certs=None,
                username=options.user,
                password=options.password,
                client_keys=[key] if key is not None else None,
                agent_path=None,
                gss_host=None,
                gss_kex=False,
                gss_auth=False,
                host_based_auth=False,
                login_timeout=options.timeout,
                keepalive_interval=0,
            )
        except asyncssh.ConnectionLost:
            await _check_kind(options, context, pinned)
            raise
        try:
            yield connection
        finally:
            connection.abort()
            with suppress(asyncssh.Error, OSError):
                await connection.wait_closed()


async def _check_kind(options: OneRosterCsvOptions, context: Context, pinned: asyncssh.SSHKey) -> None:
    """A host that has no key of the confirmed one's kind may hang up before it is told why. Raises HostKeyNotVerifiable
    then, and what keeps us from asking."""
    shown = []
    for kinds in ([one.decode() for one in pinned.sig_algorithms], ()):
        async with _socket(options, context) as sock:
            with suppress(asyncssh.Error, OSError):
                shown.append(await asyncssh.get_server_host_key(sock=sock, config=None, server_host_key_algs=kinds))
                break
    if shown and shown[0] != pinned:
        raise asyncssh.HostKeyNotVerifiable("another key")


@asynccontextmanager
async def _socket(options: OneRosterCsvOptions, context: Context) -> AsyncIterator[socket.socket]:
    """A connection to the host. It is closed by us: whoever is cancelled before asyncssh has taken it over leaves it
    open. Raises ConfigError, OSError."""
    sock = await _connect(options.host or "", options.port, allow_private_hosts=context.allow_private_hosts)
    try:
        yield sock
    finally:
        sock.close()


async def _connect(host: str, port: int, *, allow_private_hosts: bool) -> socket.socket:
    """A connection to an address that was judged after the name was looked up. Raises ConfigError, OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    trouble: OSError = OSError("no address")
    for family, kind, protocol, _, address in found:
        check_address(str(address[0]), allow_private_hosts=allow_private_hosts, host=host)
        sock = socket.socket(family, kind, protocol)
        sock.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(sock, address)
        except OSError as error:
            sock.close()
            trouble = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise trouble


@contextmanager
def _in_words(host: str, *, pinned: bool = True) -> Iterator[None]:
    """What went wrong, named by who must act; never with the host's own words, which may name people."""
    try:
        yield
    except RollbookError:
        raise
    except (asyncssh.HostKeyNotVerifiable, asyncssh.KeyExchangeFailed):
        if not pinned:
            raise BadResponse(f"{host} shows no host key of a kind that is safe today") from None
        raise HostKeyChanged(f"{host} does not have the host key that was confirmed. Nothing was sent to it") from None
    except asyncssh.PermissionDenied:
        raise AuthFailed(f"{host} refused the SFTP user, password or key") from None
    except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
        raise _nothing(host) from None
    except asyncssh.SFTPPermissionDenied:
        raise ConfigError(f"the SFTP user may not read the path on {host}") from None
    except asyncssh.ChannelOpenError:
        raise ConfigError(f"{host} offers no SFTP to this user") from None
    except (asyncssh.Error, OSError, TimeoutError):
        raise Unavailable(f"{host} cannot be reached over SFTP, or the connection broke") from None


def _nothing(host: str) -> ConfigError:
    return ConfigError(f"there is no file at the path on {host}")
