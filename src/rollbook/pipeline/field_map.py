"""The SQL of what the field map chooses (rule 8). Shared by check and resolve, so that both speak of one username."""

from __future__ import annotations

from rollbook.roster.settings import FieldMap

_USERNAMES = {
    "username": "username",
    "email": "email",
    "email_local_part": "nullif(split_part(email, '@', 1), '')",
    "identifier": "identifier",
}


def username_of(users: FieldMap) -> str:
    """The SQL of the username that the field map chooses (rule 8)."""
    return _USERNAMES[users.username]
