"""The page on which a person lets an app work with their rights, and the one on which they take that back. A real one
knows who is signed in; these ask in the address: `as` is the id of the person. They stand in no frame."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from rollbook.practice.control import json_response
from rollbook.practice.lms.html import Safe, frame, link, safe, search_form, table
from rollbook.practice.lms.lms import Lms
from rollbook.practice.lms.store import Row
from rollbook.practice.lms.user_tokens import OPEN, answer_request, given_tokens, request_of, revoke

_MOST = 50


def user_token_routes(lms: Lms) -> list[Route]:
    """`/oauth/authorize`, `/oauth/apps`, and `/_practice/user-tokens` for tests: POST {"revoke": unique id}."""

    async def authorize(request: Request) -> Response:
        sent = await _sent(request)
        return _alone(_answered(lms, sent) if request.method == "POST" else _asked(lms, sent), sent)

    async def apps(request: Request) -> Response:
        sent = await _sent(request)
        person = _person(lms, sent)
        if person is None:
            return _who(lms, sent, "Your apps")
        if request.method == "POST":
            revoke(lms, person["id"])
        return _alone(_apps(lms, person), sent)

    async def control(request: Request) -> Response:
        if request.method == "POST":
            code = msgspec.json.decode(await request.body())["revoke"]
            row = lms.store.one("SELECT id FROM users WHERE school_uid = ?", code)
            return json_response({"revoked": revoke(lms, row["id"]) if row is not None else 0})
        return json_response({"tokens": given_tokens(lms)})

    return [
        Route("/oauth/authorize", authorize, methods=["GET", "POST"]),
        Route("/oauth/apps", apps, methods=["GET", "POST"]),
        Route("/_practice/user-tokens", control, methods=["GET", "POST"]),
    ]


async def _sent(request: Request) -> dict[str, str]:
    """What the address says, and the form."""
    form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
    return {**dict(request.query_params), **form}


def _asked(lms: Lms, sent: dict[str, str]) -> Response:
    asked = request_of(lms, sent.get("oauth_token", ""))
    if asked is None or asked["state"] != OPEN:
        return frame("This cannot be allowed", Safe("<p>This request is too old, or was answered.</p>"), status=400)
    person = _person(lms, sent)
    if person is None:
        return _who(lms, sent, "Sign in")
    kept = "".join(
        f'<input type="hidden" name="{name}" value="{safe(sent.get(name, ""))}">'
        for name in ("oauth_token", "oauth_callback", "return_url", "as")
    )
    return frame(
        "Allow access?",
        Safe(f"<p>You are <b>{safe(_name(person))}</b>. An app wants to use this LMS with your rights.</p>"),
        Safe(
            f'<form method="post" action="/oauth/authorize">{kept}<button name="do" value="approve">Approve</button>'
            '<button name="do" value="deny">Deny</button></form>'
        ),
    )


def _answered(lms: Lms, sent: dict[str, str]) -> Response:
    """Back to the app: with the token where the person agreed, without where not (which no source tells)."""
    person, token = _person(lms, sent), sent.get("oauth_token", "")
    asked = request_of(lms, token)
    if person is None or asked is None or asked["state"] != OPEN:
        return _asked(lms, sent)
    agreed = sent.get("do") == "approve"
    answer_request(lms, token, person["id"], agreed=agreed)
    there = _back(sent)
    if not there:
        return frame("Thank you", Safe("<p>You may close this page.</p>"))
    parts = urlsplit(there)
    pairs = [*parse_qsl(parts.query, keep_blank_values=True), *([("oauth_token", token)] if agreed else [])]
    return RedirectResponse(urlunsplit(parts._replace(query=urlencode(pairs))), 303)


def _back(sent: dict[str, str]) -> str:
    """The documents call it `oauth_callback`, the vendor's own client `return_url`."""
    there = sent.get("oauth_callback") or sent.get("return_url") or ""
    return there if urlsplit(there).scheme in ("http", "https") else ""


def _apps(lms: Lms, person: Row) -> Response:
    works = sum(one["works"] for one in given_tokens(lms) if one["id"] == person["id"])
    form = (
        f'<form method="post"><input type="hidden" name="as" value="{person["id"]}"><button>Remove all</button></form>'
    )
    return frame("Your apps", Safe(f"<p>{safe(_name(person))}: {works} with access.</p>"), Safe(form))


def _person(lms: Lms, sent: dict[str, str]) -> Row | None:
    own = sent.get("as", "")
    if not own.isdecimal():
        return None
    return lms.store.one("SELECT * FROM users WHERE id = ? AND inactive_at IS NULL", int(own))


def _who(lms: Lms, sent: dict[str, str], title: str) -> Response:
    wanted = sent.get("q", "")
    people = lms.store.all(
        "SELECT * FROM users WHERE inactive_at IS NULL AND (school_uid = ? OR name_first || ' ' || name_last LIKE ?) "
        "ORDER BY name_last, id LIMIT ?",
        wanted, f"%{wanted}%", _MOST,
    )  # fmt: skip
    rows = [(link("?" + urlencode({**sent, "as": one["id"]}), _name(one)), one["school_uid"]) for one in people]
    kept = "".join(
        f'<input type="hidden" name="{safe(name)}" value="{safe(value)}">'
        for name, value in sent.items()
        if name != "q"
    )  # fmt: skip
    form = Safe(search_form(wanted).replace("<button>", f"{kept}<button>"))
    return _alone(frame(title, form, table(("Person", "Unique ID"), rows)), {})


def _name(person: Row) -> str:
    return f"{person['name_first']} {person['name_last']}"


def _alone(answer: Response, sent: dict[str, str]) -> Response:
    """In no frame; a browser lets a form lead on only to where the page's policy says."""
    there = urlsplit(_back(sent))
    onward = f" {there.scheme}://{there.netloc}" if there.netloc else ""
    policy = answer.headers.get("content-security-policy", "")
    answer.headers["content-security-policy"] = (
        policy.replace("form-action 'self'", f"form-action 'self'{onward}") + "; frame-ancestors 'none'"
    )
    answer.headers["x-frame-options"] = "DENY"
    return answer
