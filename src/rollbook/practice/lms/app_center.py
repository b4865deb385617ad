"""The App Center: apps of others, opened in a frame on a course's page with a signed launch. A real one knows who is
signed in; these pages ask in the address: `as` is the id of the person who opens the app."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from rollbook.practice.control import json_response
from rollbook.practice.lms.html import Safe, frame, join, link, safe, table
from rollbook.practice.lms.lms import Lms
from rollbook.practice.lms.saml import FLAWS, SigningKey, Wanted, signed_response
from rollbook.practice.lms.store import Row
from rollbook.practice.lms.wire import ARCHIVED

#: As the address has it, and as the app is told (Context Hints).
_REALMS: Final = {"course": "section", "section": "section", "group": "group", "user": "user"}
_SEND: Final = "document.forms[0].submit()"
_SEND_DIGEST: Final = base64.b64encode(hashlib.sha256(_SEND.encode()).digest()).decode()


def app_routes(lms: Lms) -> list[Route]:
    """Pages below /apps, and GET and POST `/_practice/apps` for tests."""

    async def apps(request: Request) -> Response:
        if request.method == "POST":
            sent = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
            add_app(lms, url=sent.get("url", ""), title=sent.get("title", ""))
            return RedirectResponse("/apps", 303)
        return _list(lms, request)

    async def run(request: Request) -> Response:
        return _run(lms, request)

    async def launch(request: Request) -> Response:
        return _launch(lms, request)

    async def control(request: Request) -> Response:
        if request.method == "POST":
            sent: dict[str, Any] = msgspec.json.decode(await request.body())
            own = sent.pop("id", None)
            if sent.get("flaw", "") not in FLAWS:
                return json_response({"error": "no such flaw", "known": FLAWS}, 400)
            if own is None:
                own = add_app(lms, **sent)
            else:
                lms.store.update("apps", own, **sent)
            return json_response({"id": own, **facts(lms, request)})
        return json_response(facts(lms, request))

    return [
        Route("/apps", apps, methods=["GET", "POST"]),
        Route("/apps/{id:int}/run/{realm}/{realm_id:int}", run),
        Route("/apps/{id:int}/launch/{realm}/{realm_id:int}", launch),
        Route("/_practice/apps", control, methods=["GET", "POST"]),
    ]


def add_app(lms: Lms, *, url: str, title: str = "", **more: Any) -> int:
    """An app that opens at `url`; its id. `more`: `login_url` where the login goes, else `url`; `audience`, `flaw`."""
    more.setdefault("login_url", url)
    more.setdefault("audience", token_hex(20))
    return lms.store.insert("apps", url=url, title=title or "An app", **more)


def facts(lms: Lms, request: Request) -> dict[str, Any]:
    """What an app must know of this LMS."""
    return {
        "certificate": _key(lms).public_pem(),
        "domain": _domain(request),
        "school_nid": str(lms.organization()),
        "apps": [
            {name: row[name] for name in ("id", "title", "url", "login_url", "audience", "flaw")}
            for row in lms.store.all("SELECT * FROM apps ORDER BY id")
        ],
    }


def course_apps(lms: Lms, section: int) -> list[tuple[str, str]]:
    """Address and title of every app on a section's page."""
    return [
        (f"/apps/{row['id']}/run/course/{section}", row["title"])
        for row in lms.store.all("SELECT * FROM apps ORDER BY id")
    ]


def _key(lms: Lms) -> SigningKey:
    """Made when it is first needed, and kept with the rest."""
    row = lms.store.one("SELECT pem FROM app_key")
    if row is not None:
        return SigningKey(row["pem"].encode())
    made = SigningKey()
    lms.store.insert("app_key", pem=made.pem().decode())
    return made


def _domain(request: Request) -> str:
    return request.headers.get("host", "")


def _list(lms: Lms, request: Request) -> Response:
    known = facts(lms, request)
    rows = [(one["title"], one["url"], one["audience"]) for one in known["apps"]]
    form = Safe(
        '<h2>Add an app</h2><form method="post"><input name="title" aria-label="Name" placeholder="Name" required>'
        '<input type="url" name="url" aria-label="Launch address" placeholder="Launch address" size="50" required>'
        "<button>Add</button></form>"
    )
    told = Safe(
        f"<h2>What apps must know</h2><p>Domain: {safe(known['domain'])}<br>school_nid: {safe(known['school_nid'])}"
        f"</p><pre>{safe(known['certificate'])}</pre>"
    )
    return frame("App Center", table(("App", "Address", "Consumer key"), rows), form, told, tab="/apps")


def _app(lms: Lms, request: Request) -> Row | None:
    row = lms.store.one("SELECT * FROM apps WHERE id = ?", request.path_params["id"])
    return row if request.path_params["realm"] in _REALMS else None


def _run(lms: Lms, request: Request) -> Response:
    """The page around the app (Linking Into Your Application); without `as`, who may open it."""
    app, section = _app(lms, request), request.path_params["realm_id"]
    if app is None:
        return frame("Not found", Safe("<p>There is no such app.</p>"), status=404)
    person = request.query_params.get("as", "")
    if not person:
        people = lms.store.all(
            "SELECT u.*, e.admin FROM enrollments e JOIN users u ON u.id = e.user_id WHERE e.section_id = ? "
            f"AND u.inactive_at IS NULL AND e.status != {ARCHIVED} ORDER BY e.admin DESC, u.name_last, u.id",
            section,
        )
        rows = [
            (link(f"?as={one['id']}", _name(one)), "course admin" if one["admin"] else "member") for one in people
        ]  # fmt: skip
        return frame(f"Open {app['title']} as", table(("Person", "Enrolled as"), rows))
    address = request.url.path.replace("/run/", "/launch/") + "?" + str(request.query_params)
    inside = Safe(f'<iframe title="{safe(app["title"])}" src="{safe(address)}" width="100%" height="720"></iframe>')
    answer = frame(app["title"], join([link(f"/sections/{section}", "Section")]), inside)
    return _policy(answer, app, "frame-src 'self' {there}")


def _launch(lms: Lms, request: Request) -> Response:
    """A form that sends itself to the app: SAMLResponse, and in RelayState the app's address with the context."""
    app, person = _app(lms, request), request.query_params.get("as", "")
    row = lms.store.one("SELECT * FROM users WHERE id = ?", int(person)) if person.isdecimal() else None
    if app is None or row is None:
        return frame("Not found", Safe("<p>There is no such app or person.</p>"), status=404)
    realm = _REALMS[request.path_params["realm"]]
    hints = {"realm": realm, "realm_id": request.path_params["realm_id"]}
    parts = urlsplit(request.query_params.get("destination") or app["url"])
    there = urlunsplit(parts._replace(query=urlencode([*parse_qsl(parts.query), *hints.items()])))
    sent = {"SAMLResponse": _response(lms, request, app, row), "RelayState": there}
    fields = "".join(f'<input type="hidden" name="{safe(name)}" value="{safe(value)}">' for name, value in sent.items())
    form = Safe(
        f'<form method="post" action="{safe(app["login_url"])}">{fields}<button>Go on</button></form>'
        f"<script>{_SEND}</script>"
    )
    return _policy(frame("Loading", form), app, f"script-src 'sha256-{_SEND_DIGEST}'; form-action {{there}}")


def _response(lms: Lms, request: Request, app: Row, person: Row) -> str:
    if app["flaw"] == "same_again" and app["kept"]:
        return str(app["kept"])
    role = lms.store.one("SELECT * FROM roles WHERE id = ?", person["role_id"])
    assert role is not None
    organization = lms.store.one("SELECT * FROM schools WHERE id = ?", lms.organization())
    assert organization is not None
    attributes = {
        "uid": str(person["id"]), "name_display": _name(person), "school_nid": str(organization["id"]),
        "school_title": organization["title"], "role_id": str(role["id"]), "is_admin": str(role["admin"]),
        "timezone_name": "America/New_York", "domain": _domain(request),
    }  # fmt: skip
    wanted = Wanted(
        recipient=app["login_url"], audience=app["audience"], attributes=attributes, signed=app["signed"],
        flaw=app["flaw"],
    )  # fmt: skip
    found = signed_response(wanted, _key(lms), datetime.now(UTC))
    lms.store.update("apps", app["id"], kept=found)
    return found


def _name(person: Row) -> str:
    return f"{person['name_first']} {person['name_last']}"


def _policy(answer: Response, app: Row, more: str) -> Response:
    """The page's policy, and what it needs besides; `{there}` is where the app is."""
    parts = urlsplit(app["login_url"])
    there = f"{parts.scheme}://{parts.netloc}"
    kept = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'"
    answer.headers["content-security-policy"] = f"{kept}; {more.format(there=there)}"
    return answer
