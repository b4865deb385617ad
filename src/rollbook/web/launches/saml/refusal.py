"""Why a signed launch is not accepted. Says nothing of the person; what the page says is in `saml.words`."""

from __future__ import annotations

from enum import StrEnum


class Why(StrEnum):
    """The codes of the page, as in `launches.refusals`."""

    MISSING = "SAML_MISSING"
    NO_ADDRESS = "SAML_NO_ADDRESS"
    UNREADABLE = "SAML_UNREADABLE"
    FORGED = "SAML_SIGNATURE"
    EXPIRED = "SAML_TOO_OLD"
    EARLY = "SAML_TOO_EARLY"
    ELSEWHERE = "SAML_ELSEWHERE"
    USED = "SAML_USED"
    STRANGE_SCHOOL = "SAML_OTHER_SCHOOL"
    NO_SECTION = "SAML_NO_SECTION"


#: Whoever sent these has shown nothing, or can send the same again and again: they are worth a line in the log, and
#: none in the audit. The others come once for each launch, as it is used up before.
UNPROVEN = frozenset(Why) - {Why.STRANGE_SCHOOL, Why.NO_SECTION}


class NotAccepted(Exception):
    """`detail` is for whoever runs Rollbook: which check failed, in fixed words, never what somebody sent."""

    def __init__(self, why: Why, detail: str) -> None:
        super().__init__(f"{why}: {detail}")
        self.why, self.detail = why, detail
