"""Keys of SSH as text: the host's, which people compare and confirm, and ours. Never shows a private key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import asyncssh

from rollbook.errors import ConfigError

_KINDS: Final = ("ssh-", "ecdsa-", "sk-")
_PEM: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]+)-----END \1-----")
_WIDTH: Final = 70


@dataclass(frozen=True, kw_only=True)
class HostKey:
    """`line` is what the option `host_key` holds; `fingerprint` (SHA256:…) is what people compare."""

    line: str
    fingerprint: str
    kind: str


def described(key: asyncssh.SSHKey) -> HostKey:
    line = " ".join(key.export_public_key("openssh").decode("ascii").split()[:2])
    return HostKey(line=line, fingerprint=key.get_fingerprint("sha256"), kind=line.partition(" ")[0])


def public_key(text: str) -> asyncssh.SSHKey:
    """From `ssh-ed25519 AAAA…`, also with a host before it, as ssh-keyscan writes it. Raises ConfigError."""
    words = text.split()
    while words and not words[0].startswith(_KINDS):
        words.pop(0)
    try:
        return asyncssh.import_public_key(" ".join(words[:2]))
    except (asyncssh.KeyImportError, ValueError):
        raise ConfigError("host_key must look like: ssh-ed25519 AAAA…") from None


def private_key(text: str) -> asyncssh.SSHKey:
    """Also where line ends became spaces, as some forms make of them. Raises ConfigError."""
    found = _PEM.search(text)
    if found:
        body = "".join(found[2].split())
        lines = [body[at : at + _WIDTH] for at in range(0, len(body), _WIDTH)]
        text = "\n".join([f"-----BEGIN {found[1]}-----", *lines, f"-----END {found[1]}-----", ""])
    try:
        return asyncssh.import_private_key(text)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError):
        raise ConfigError("private_key is no private key that can be read, or it has a passphrase") from None
