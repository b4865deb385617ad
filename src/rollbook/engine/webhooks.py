"""Posts one signed notice to a webhook. Follows no redirect; no error names more of the URL than its host."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from rollbook.connectors.base import Context
from rollbook.connectors.kit.hosts import check_url
from rollbook.connectors.kit.transport import Failure, Wire
from rollbook.engine.not_sent import NotSent
from rollbook.errors import RollbookError, Unavailable

_TIMEOUT: Final = 10.0
_LONGEST: Final = 20.0
_GONE: Final = 410


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Hex HMAC-SHA256 over the timestamp, a full stop and the body."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def post(url: str, secret: str, body: Mapping[str, Any], *, allow_private_hosts: bool) -> None:
    """Returns once the other side answered 2xx. `body["id"]` stays the same when a notice is sent again. Raises
    NotSent."""
    host = urlsplit(url).hostname or ""
    payload = msgspec.json.encode(dict(body))
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Rollbook",
        "Rollbook-Notice": str(body["id"]),
        "Rollbook-Timestamp": timestamp,
        "Rollbook-Signature": f"v1={signature(secret, timestamp, payload)}",
    }
    try:
        check_url(url, allow_private_hosts=allow_private_hosts)
        status = _send(url, host, headers, payload, allow_private_hosts)
    except Failure as failure:
        raise NotSent(str(failure), route_down=True) from None
    except RollbookError as error:
        raise NotSent(str(error), route_down=True) from None
    _judge(status, host)


def _send(url: str, host: str, headers: Mapping[str, str], payload: bytes, private: bool) -> int:
    context = Context(work=Path(), cancel=_Deadline(host), count=lambda attempts=1: None, allow_private_hosts=private)
    name = f"the webhook at {host}"
    wire = Wire(url, context, name=name, timeout=_TIMEOUT, connections=1, transport=None)
    try:
        return wire.send("POST", url, headers, payload)[0]
    finally:
        wire.close()


def _judge(status: int, host: str) -> None:
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise NotSent(f"{host} redirects, which is not followed: put its final address into the settings")
    words = "wants no more notices (410)" if status == _GONE else f"answered {status}"
    raise NotSent(f"{host} {words}", for_good=status == _GONE)


class _Deadline:
    """Implements `connectors.base.Cancel`: a receiver that answers in drops is left."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._until = time.monotonic() + _LONGEST

    def check(self) -> None:
        if time.monotonic() > self._until:
            raise Unavailable(f"{self._host} did not answer in time")

    def wait(self, seconds: float) -> None:
        self.check()
        time.sleep(seconds)
