"""An invitation that is accepted by single sign-on: the new account has no password of its own."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from rollbook.actions.accounts import accept
from rollbook.errors import ConfigError
from rollbook.store.models import Account, Invitation


def join_by_sign_on(digest: str, sociallogin: Any) -> Account:
    """The account that the invitation makes, with the provider's name and, where the invitation fixes none, its e-mail
    address. Raises ConfigError."""
    claims = sociallogin.account.extra_data.get("id_token", {})
    email = str(claims.get("email") or "")
    name = "".join(letter for letter in str(claims.get("name") or "") if letter.isprintable())[:150]
    if not Invitation.objects.filter(digest=digest).exclude(email="").exists():
        _check_email(email)
    return accept(digest=digest, email=email, name=name)


def _check_email(email: str) -> None:
    try:
        validate_email(email)
    except ValidationError:
        raise ConfigError(
            "your single sign-on gave no e-mail address; open the invitation again and type one with a password"
        ) from None
