"""A platform's public keys: read from its address, kept for an hour for all processes, and read anew when a launch is
signed with a key that is not among them, once a minute at most. One request at a time reads."""

from __future__ import annotations

import hashlib
import time
from typing import Any, Final

import jwt
from django.core.cache import cache

from rollbook.engine.lti_platforms import fetch_document
from rollbook.errors import RollbookError
from rollbook.web.launches.refusals import LaunchRefused

_KEPT_S: Final = 3600
_ANEW_S: Final = 60
_FAILED_S: Final = 5
_WAIT_S: Final = 2.0
_LOOK_S: Final = 0.1
_READING: Final = "reading"
_READ: Final = "read"
_LEAST_BITS: Final = 2048
_MOST_KEYS: Final = 100


def platform_key(url: str, kid: str) -> Any:
    """The RSA key of this name (Security Framework 1.0, 6.3). Raises LaunchRefused."""
    mark = hashlib.sha256(url.encode()).hexdigest()
    kept = cache.get(f"lti-keys:{mark}")
    found = _among(kept, kid) if kept is not None else None
    if found is None and cache.add(f"lti-keys-read:{mark}", _READING, _ANEW_S):
        try:
            kept = _read(url)
        except LaunchRefused:
            cache.set(f"lti-keys-read:{mark}", _READ, _FAILED_S)
            raise
        cache.set(f"lti-keys:{mark}", kept, _KEPT_S)
        cache.set(f"lti-keys-read:{mark}", _READ, _ANEW_S)
        found = _among(kept, kid)
    elif kept is None:
        kept = _wait_for(mark)
        found = _among(kept, kid) if kept is not None else None
    if kept is None:
        raise LaunchRefused("LTI_KEYS_UNREADABLE", proven=False)
    if found is None:
        raise LaunchRefused("LTI_SIGNATURE", proven=False)
    return found


def _wait_for(mark: str) -> list[Any] | None:
    """What another request is reading, if it comes soon: teachers come in crowds, when a lesson begins."""
    until = time.monotonic() + _WAIT_S
    while cache.get(f"lti-keys-read:{mark}") == _READING and time.monotonic() < until:
        time.sleep(_LOOK_S)
    kept: list[Any] | None = cache.get(f"lti-keys:{mark}")
    return kept


def _read(url: str) -> list[Any]:
    try:
        keys = fetch_document(url).get("keys")
    except RollbookError:
        raise LaunchRefused("LTI_KEYS_UNREADABLE", proven=False) from None
    if not isinstance(keys, list):
        raise LaunchRefused("LTI_KEYS_UNREADABLE", proven=False)
    return [one for one in keys[:_MOST_KEYS] if isinstance(one, dict) and one.get("kty") == "RSA"]


def _among(keys: list[Any], kid: str) -> Any:
    for one in keys:
        if one.get("kid") == kid and one.get("use", "sig") == "sig" and one.get("alg", "RS256") == "RS256":
            try:
                key = jwt.PyJWK.from_dict(one, algorithm="RS256").key
            except (jwt.PyJWTError, ValueError, TypeError):
                continue
            if key.key_size >= _LEAST_BITS:
                return key
    return None
