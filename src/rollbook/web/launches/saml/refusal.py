"""Why a signed launch is refused. Says nothing of the person; what the page says is in `saml.words`."""

from __future__ import annotations

from enum import StrEnum


class Why(StrEnum):
    """What stands in the log and in the audit."""

    UNREADABLE = "unreadable"
    FORGED = "forged"
    EXPIRED = "expired"
    EARLY = "early"
    ELSEWHERE = "meant for somebody else"
    USED = "used before"
    STRANGE_SCHOOL = "another school"
    NO_SECTION = "no section"
    UNKNOWN_SECTION = "unknown section"
    NO_ADMIN = "no course admin"
    SILENT_LMS = "the LMS did not say"


class LaunchRefused(Exception):
    """`detail` is for whoever runs Rollbook: which check failed, in fixed words, never what somebody sent."""

    def __init__(self, why: Why, detail: str = "") -> None:
        super().__init__(f"{why}: {detail}" if detail else str(why))
        self.why, self.detail = why, detail
