"""Passwords: the site's policy and what is stored of one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from rollbook.practice.moodle.settings import Settings
from rollbook.practice.moodle.thrown import Thrown

#: What stands for the password of an account that another system checks.
NOT_CACHED: Final = "not cached"
_INTERNAL = {"manual", "email", "none"}
_NEEDED: tuple[tuple[Callable[[str], bool], str], ...] = (
    (str.isdigit, "digit(s)"),
    (str.islower, "lower case letter(s)"),
    (str.isupper, "upper case letter(s)"),
    (lambda each: not each.isalnum(), "special character(s) such as *, -, or #"),
)


def is_internal(auth: str) -> bool:
    """Whether Moodle itself keeps the passwords of an auth plugin."""
    return auth in _INTERNAL


def check_policy(settings: Settings, password: str) -> None:
    """Raises Thrown with every rule that the password breaks: the text is the error code, too."""
    if not settings.password_policy:
        return
    least, each_kind = settings.password_length, settings.password_kinds
    broken = [] if len(password) >= least else [f"The password must have at least {least} characters."]
    for fits, what in _NEEDED:
        if sum(fits(each) for each in password) < each_kind:
            broken.append(f"The password must have at least {each_kind} {what}.")
    if broken:
        text = "".join(f"<div>{each}</div>" for each in broken)
        raise Thrown(text, f"error/{text}")


def hashed(text: str) -> str:
    """Enough to compare in tests."""
    return hashlib.sha256(text.encode()).hexdigest()
