"""The audit of how people sign in: new passwords and second factors, in every organization of the person. Of a factor
it tells its kind, never a secret."""

from __future__ import annotations

from typing import Any, Final

from allauth.account import signals as account_signals
from allauth.mfa import signals as factor_signals
from django.db import transaction
from django.dispatch import Signal

from rollbook.actions.accounts import account_by
from rollbook.store.audit import audit
from rollbook.store.models import Account

#: What the sign-in library tells, as the audit calls it.
_TOLD: Final[tuple[tuple[Signal, str], ...]] = (
    (account_signals.password_set, "choose password"),
    (account_signals.password_changed, "change password"),
    (account_signals.password_reset, "reset password"),
    (factor_signals.authenticator_added, "add second factor"),
    (factor_signals.authenticator_removed, "remove second factor"),
    (factor_signals.authenticator_reset, "renew second factor"),
)
_KINDS: Final = {"totp": "authenticator app", "webauthn": "passkey", "recovery_codes": "recovery codes"}


def listen() -> None:
    """From now on, each of these acts leaves its rows."""
    for signal, action in _TOLD:
        signal.connect(_receiver(action), weak=False, dispatch_uid=f"audit {action}")


def _receiver(action: str) -> Any:
    def told(*, user: Account, authenticator: Any = None, **_more: Any) -> None:
        details = _KINDS.get(str(authenticator.type), "") if authenticator is not None else ""
        note(user, action, details)

    return told


def note(account: Account, action: str, details: str = "") -> None:
    """A row in each organization of the person; without any, one of the installation."""
    slugs = list(account.memberships.values_list("organization__slug", flat=True).order_by("pk"))
    with transaction.atomic():
        for slug in slugs or [""]:
            name = account_by(account)
            audit(by=name, action=action, organization=slug, subject=name, details=details)
