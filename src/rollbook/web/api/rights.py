"""Who asks the API: a token, never a cookie. It has at most the rights that its account has at this moment."""

from __future__ import annotations

import os
from typing import Final

from django.http import HttpRequest

from rollbook.actions.tokens import PREFIX, find_token
from rollbook.store.models import ApiToken, Membership, Role
from rollbook.store.turns import Turns
from rollbook.web.access import Place, Who, may
from rollbook.web.api.answers import ADMIN, Refused

#: So many requests a minute may one token make.
PER_MINUTE: Final = int(os.environ.get("ROLLBOOK_API_PER_MINUTE", "300"))
_SCHEME: Final = "bearer "
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="rollbook"'}


def token_of(request: HttpRequest) -> ApiToken:
    """The request's token. Raises Refused 401."""
    given = request.headers.get("Authorization", "")
    text = given[len(_SCHEME) :].strip() if given.lower().startswith(_SCHEME) else ""
    if not text:
        words = f"say who asks: send the header Authorization: Bearer {PREFIX}…"
        raise Refused(401, "Unauthorized", words, headers=_CHALLENGE)
    found = find_token(text) if text.startswith(PREFIX) else None
    if found is None:
        raise _unknown()
    return found


def place_of(token: ApiToken, slug: str) -> Place:
    """Where a token is asked for. Raises Refused: 404 for an organization that is not the token's, and 401 when its
    account is no member any more."""
    if token.organization.slug != slug:
        raise Refused(404, "NotFound", "there is nothing here for this token")
    membership = Membership.objects.filter(account=token.account_id, organization=token.organization_id).first()
    if membership is None:
        raise _unknown()
    role = Role(membership.role)
    acting = role == Role.ADMINISTRATOR and token.organization.acting_id == token.account_id
    return Place(organization=token.organization, account=token.account, role=role, is_acting=acting)


def check_right(token: ApiToken, place: Place, who: Who, *, writes: bool) -> None:
    """Raises Refused 403 with words that say what to do."""
    if writes and not token.may_write:
        raise Refused(403, "Forbidden", "this token may only read; make one that may change", ADMIN)
    if may(place, who):
        return
    if who is Who.ACTING:
        acting = place.organization.acting
        name = (acting.name or acting.email) if acting is not None else "nobody yet"
        words = f"only the Acting User ({name}) can do this, and this token belongs to somebody else"
        raise Refused(403, "Forbidden", words, "the Acting User, who makes a token of their own")
    raise Refused(403, "Forbidden", f"this is for {who}, and the token's account is none of them", ADMIN)


def _unknown() -> Refused:
    words = "this token opens nothing: it is wrong, expired or revoked, or its account has left the organization"
    return Refused(401, "Unauthorized", words, ADMIN, headers=_CHALLENGE)


class Pace:
    """How fast tokens may ask: each has `per_minute` requests, which come back evenly, of all processes together."""

    def __init__(self, per_minute: int) -> None:
        self._turns = Turns("api", per_minute)

    def take(self, token: int) -> None:
        """Raises Refused 429 with the seconds to wait."""
        wait = self._turns.take(token)
        if wait:
            seconds = str(int(wait) + 1)
            raise Refused(429, "TooManyRequests", f"ask again in {seconds} seconds", headers={"Retry-After": seconds})


PACE: Final = Pace(PER_MINUTE)
