"""Access tokens of people (REST API: Authentication, Three-Legged OAuth Flow): an app asks, a person agrees on a page,
and with the token the app's calls are made with that person's rights, until they take it back."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlencode

from rollbook.practice.lms.lms import Lms
from rollbook.practice.lms.store import Row
from rollbook.practice.lms.wire import Call, Refused, Reply, Routes

OPEN, APPROVED, DENIED, USED = "open", "approved", "denied", "used"
#: Paths that hand out tokens: for an app, whoever it may be.
HANDED_OUT = ("oauth/request_token", "oauth/access_token")
NOT_APPROVED = "The request token was not approved. Request rejected."


def secret_of(lms: Lms, key: str, token: str) -> str | None:
    """The secret of a token that this consumer key got and that still works; None for another."""
    row = request_of(lms, token) or access_of(lms, token)
    return str(row["secret"]) if row is not None and row["consumer"] == key else None


def request_of(lms: Lms, token: str) -> Row | None:
    """A request that was not exchanged yet and is not too old."""
    row = lms.store.one("SELECT * FROM request_tokens WHERE token = ? AND state != ?", token, USED)
    return row if row is not None and lms.now() - row["made_at"] < lms.settings.request_token_seconds else None


def access_of(lms: Lms, token: str) -> Row | None:
    """A token that its person has not taken back, while they have an account."""
    return lms.store.one(
        "SELECT a.* FROM access_tokens a JOIN users u ON u.id = a.user_id "
        "WHERE a.token = ? AND a.revoked_at IS NULL AND u.inactive_at IS NULL",
        token,
    )


def answer_request(lms: Lms, token: str, person: int, *, agreed: bool) -> None:
    """What a person pressed on the page."""
    lms.store.run(
        "UPDATE request_tokens SET state = ?, user_id = ? WHERE token = ? AND state = ?",
        APPROVED if agreed else DENIED, person, token, OPEN,
    )  # fmt: skip


def revoke(lms: Lms, person: int) -> int:
    """A person takes back all that they gave; how many those were."""
    given = lms.store.number("SELECT COUNT(*) FROM access_tokens WHERE user_id = ? AND revoked_at IS NULL", person)
    lms.store.run("UPDATE access_tokens SET revoked_at = ? WHERE user_id = ? AND revoked_at IS NULL", lms.now(), person)
    return given


def given_tokens(lms: Lms) -> list[dict[str, Any]]:
    """Who gave tokens, and whether they work; never a token."""
    rows = lms.store.all(
        "SELECT u.school_uid, a.user_id, a.revoked_at FROM access_tokens a JOIN users u ON u.id = a.user_id "
        "ORDER BY a.rowid"
    )
    return [
        {"school_uid": row["school_uid"], "id": row["user_id"], "works": row["revoked_at"] is None} for row in rows
    ]  # fmt: skip


def _new() -> tuple[str, str]:
    return secrets.token_hex(20), secrets.token_hex(16)


def _told(token: str, secret: str) -> Reply:
    return Reply(text=urlencode({"oauth_token": token, "oauth_token_secret": secret}))


def give_request_token(call: Call) -> Reply:
    token, secret = _new()
    call.lms.store.insert(
        "request_tokens", token=token, secret=secret, consumer=call.key, state=OPEN, made_at=call.lms.now()
    )
    return _told(token, secret)


def give_access_token(call: Call) -> Reply:
    asked = request_of(call.lms, call.token)
    if asked is None or asked["state"] != APPROVED:
        raise Refused(401, NOT_APPROVED)
    call.lms.store.run("UPDATE request_tokens SET state = ? WHERE token = ?", USED, call.token)
    token, secret = _new()
    call.lms.store.insert(
        "access_tokens", token=token, secret=secret, consumer=call.key, user_id=asked["user_id"],
        made_at=call.lms.now(),
    )  # fmt: skip
    return _told(token, secret)


ROUTES: Routes = {
    ("GET", "oauth/request_token"): give_request_token,
    ("GET", "oauth/access_token"): give_access_token,
}
