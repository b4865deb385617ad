"""Renewing the key with which Rollbook signs towards LTI platforms; the one before it stays shown for a week."""

from __future__ import annotations

from django.db import transaction

from rollbook.store.audit import audit
from rollbook.store.models import ToolKey
from rollbook.store.secrets import KeyRing
from rollbook.store.setup import opened
from rollbook.store.tool_keys import public_keys, renew_tool_key


def renew_lti_key(*, by: str) -> ToolKey:
    """The new key, which signs from now on. Where nothing was ever shown, the first is made."""
    ring = KeyRing(opened().keys)
    with transaction.atomic():
        made = renew_tool_key(ring)
        audit(by=by, action="renew LTI key", details=made.kid)
    return made


def ready_keys() -> None:
    """There is a key, made if need be."""
    public_keys(KeyRing(opened().keys))
