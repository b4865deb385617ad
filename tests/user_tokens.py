"""What a person does on the practice LMS's pages so that an app gets a token, for tests of what uses one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx2

from rollbook.connectors.gradebook import Consent, UserToken
from rollbook.connectors.schoology import SchoologyOptions
from rollbook.connectors.schoology.consent import SchoologyConsent
from rollbook.testing import make_context

BACK = "https://rollbook.example/back"


@dataclass
class Tokens:
    """`UserTokens` of a test."""

    given: list[UserToken] = field(default_factory=list)
    no_more: list[UserToken] = field(default_factory=list)
    asked: list[list[str]] = field(default_factory=list)

    def of(self, accounts: Collection[str]) -> Sequence[UserToken]:
        self.asked.append(sorted(accounts))
        return [each for each in self.given if each.account in accounts and each not in self.no_more]

    def refused(self, token: UserToken) -> None:
        self.no_more.append(token)


def press(page: str, person: str, do: str = "approve") -> str:
    """Approve or Deny, by the person with this LMS id; where the browser is sent then."""
    parts = urlsplit(page)
    form = {**dict(parse_qsl(parts.query)), "as": person, "do": do}
    answer = httpx2.post(f"{parts.scheme}://{parts.netloc}{parts.path}", data=form)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def allowed_by(options: SchoologyOptions, person: str, work: Path) -> Consent:
    """The permission of the person with this LMS id."""
    consent = SchoologyConsent(options, make_context(work))
    try:
        request, page = consent.begin(BACK)
        assert press(page, person) == f"{BACK}?oauth_token={request.token}"
        return consent.finish(request)
    finally:
        consent.close()
