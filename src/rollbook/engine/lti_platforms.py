"""Asks LTI platforms: for their keys, their description of themselves, and to register Rollbook. Small answers, no
redirects, public hosts unless private ones are allowed. No error names more of an address than its host, or a token."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from rollbook.connectors.base import Context
from rollbook.connectors.kit.allowance import Allowance
from rollbook.connectors.kit.hosts import check_url
from rollbook.connectors.kit.transport import Failure, Wire
from rollbook.engine.directory import Deadline
from rollbook.engine.world import private_hosts_allowed
from rollbook.errors import BadResponse

_TIMEOUT_S: Final = 5.0
#: Somebody waits in front of a page.
_LONGEST_S: Final = 10.0
_MOST_BYTES: Final = 256 * 1024


def fetch_document(url: str) -> dict[str, Any]:
    """A JSON object from a platform. Raises RollbookError (ConfigError for an address that must not be called)."""
    return _ask("GET", url, {}, b"")


def register_at(url: str, token: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Register at a platform (LTI Dynamic Registration 1.0, 3.5.2 and 3.6); what it answers. Raises RollbookError."""
    headers = {"content-type": "application/json"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    return _ask("POST", url, headers, msgspec.json.encode(dict(wanted)))


def _ask(method: str, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    private = private_hosts_allowed()
    check_url(url, allow_private_hosts=private)
    host = urlsplit(url).hostname or ""
    context = Context(
        work=Path(), cancel=Deadline(_LONGEST_S), count=lambda attempts=1: None, allow_private_hosts=private
    )
    wire = Wire(
        url,
        context,
        name=f"the LMS ({host})",
        timeout=_TIMEOUT_S,
        connections=1,
        transport=None,
        most_bytes=_MOST_BYTES,
    )
    with closing(wire):
        try:
            status, _, answer = wire.send(
                method,
                url,
                {"accept": "application/json", "user-agent": "rollbook", **headers},
                body,
                allowance=Allowance(_LONGEST_S),
            )
        except Failure as failure:
            raise failure.error from None
    if not 200 <= status < 300:
        raise BadResponse(f"{host} answered {status}")
    try:
        found = msgspec.json.decode(answer)
    except (msgspec.DecodeError, RecursionError):
        raise BadResponse(f"{host} did not answer with JSON") from None
    if not isinstance(found, dict):
        raise BadResponse(f"{host} answered with something else than was asked for")
    return found
