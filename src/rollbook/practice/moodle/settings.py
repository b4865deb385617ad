"""How one practice Moodle is set up: what administrators choose, and what the server below it allows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import unquote_to_bytes

from rollbook.practice.moodle.account import ACCOUNTS

#: Releases that are known, with the build of the version number (version.php).
RELEASES: Final = {
    "4.1": ("4.1.19 (Build: 20250609)", "2022112819"),
    "4.4": ("4.4.9 (Build: 20250609)", "2024042209"),
    "4.5": ("4.5.5 (Build: 20250609)", "2024100705"),
    "5.0": ("5.0.2 (Build: 20250811)", "2025041402"),
    "5.1": ("5.1 (Build: 20251006)", "2025100600"),
}
ROLES: Final = {"manager": 1, "coursecreator": 2, "editingteacher": 3, "teacher": 4, "student": 5}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """`moodle` is one of RELEASES. `account` is what is amiss with the token's user, by its errorcode.
    `functions` of the token's service; None: all that the release has.

    `denied` are capabilities that the token's user does not have. `dbtype` "mysqli" compares without case and
    accents. `identity_fields` of people are seen by whoever has moodle/site:viewuseridentity. `max_input_vars` and
    `post_max_size` (bytes) are PHP's, `body_limit` (bytes, 0: none) a web server's in front of it; `firewall` is a
    text that a firewall there lets through in no call. `call_seconds`, `user_seconds` and `enrolment_seconds` are how
    long a call, each user it writes and each enrolment it writes take. `workers` is how many calls are worked at at
    once (0: all), as on a machine with so many cores; others wait. `welcome_messages`: whoever is enrolled is mailed,
    from 4.4 on. Passwords need `password_length` letters and `password_kinds` of each kind. `report_hides` are
    columns that the user report does not show: grade, range, weight, percentage, feedback; `graded_roles` are names
    of the roles whose people are in it. `lang` "es" answers with Spanish messages. `path` is what the site's address
    ends with, such as "/moodle"; `wwwroot` None: the server's own address.
    """

    token: str = "practice"
    moodle: str = "5.0"
    enabled: bool = True
    account: str = ""
    functions: frozenset[str] | None = None
    denied: frozenset[str] = frozenset()
    assignable_roles: frozenset[int] = frozenset({1, 3, 4, 5})
    roles: dict[str, int] = field(default_factory=lambda: dict(ROLES))
    debug: Literal["none", "normal", "developer"] = "none"
    lang: Literal["en", "es"] = "en"
    dbtype: Literal["pgsql", "mysqli"] = "pgsql"
    auths: frozenset[str] = frozenset(
        {"manual", "nologin", "email", "ldap", "oauth2", "lti", "cas", "db", "shibboleth"}
    )
    langs: frozenset[str] = frozenset({"en", "es"})
    allow_same_email: bool = False
    identity_fields: frozenset[str] = frozenset({"email"})
    extended_username_chars: bool = False
    password_policy: bool = True
    password_length: int = 8
    password_kinds: int = 1
    manual_enrolment: bool = True
    recover_grades: bool = False
    welcome_messages: bool = False
    letter_grades: bool = False
    report_hides: frozenset[str] = frozenset()
    graded_roles: frozenset[str] = frozenset({"student"})
    course_end_dates: bool = True
    max_input_vars: int = 5000
    post_max_size: int = 8 * 1024 * 1024
    body_limit: int = 0
    firewall: str = ""
    call_seconds: float = 0.0
    user_seconds: float = 0.0
    enrolment_seconds: float = 0.0
    workers: int = 0
    path: str = ""
    wwwroot: str | None = None

    def __post_init__(self) -> None:
        if self.moodle not in RELEASES:
            raise ValueError(f"unknown release {self.moodle!r}; known: {', '.join(RELEASES)}")
        if self.account not in ACCOUNTS:
            raise ValueError(f"unknown account trouble {self.account!r}; known: {', '.join(sorted(ACCOUNTS - {''}))}")

    def blocks(self, body: bytes) -> bool:
        """Whether the firewall does not let a call with this body through."""
        return bool(self.firewall) and self.firewall.encode() in unquote_to_bytes(body.replace(b"+", b" "))

    def release(self) -> tuple[int, int]:
        """Major and minor number."""
        major, minor = self.moodle.split(".")
        return int(major), int(minor)
