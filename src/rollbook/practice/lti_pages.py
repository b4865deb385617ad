"""Addresses of a practice LMS as an LTI platform: its description, keys, sign-in and registration; pages on which a
person adds a tool and opens it from a section; and what tests ask."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from rollbook.practice.control import json_response
from rollbook.practice.html import Safe, join, link, table
from rollbook.practice.lti import Launch, Platform, Tool

_TOOL = "https://purl.imsglobal.org/spec/lti-tool-configuration"
_PLATFORM = "https://purl.imsglobal.org/spec/lti-platform-configuration"
_SCRIPT = """document.querySelector("form[data-goes-on]")?.requestSubmit();
addEventListener("message", (event) => {
  const said = document.querySelector("[data-closed]");
  if (said && event.data?.subject === "org.imsglobal.lti.close") said.textContent = "The tool says that it is done.";
});
"""
_Handler = Callable[[Platform, Request], Awaitable[Response]]


def lti_routes(platform: Platform) -> list[Route]:
    """All of them."""
    paths = platform.paths
    found: list[tuple[str, _Handler, str]] = [
        (paths.configuration, configuration, "GET"), (paths.keys, keys, "GET"), (paths.authorize, authorize, "GET"),
        (paths.authorize, authorize, "POST"), (paths.register, register, "POST"), ("/lti/lti.js", script, "GET"),
        ("/tools", tools, "GET"), (paths.section + "/{id:int}/tools", section_tools, "GET"),
        (paths.section + "/{id:int}/tools/{client}", opened, "GET"),
        ("/_practice/tools", add_tool, "POST"), ("/_practice/launch", launch, "POST"),
    ]  # fmt: skip
    return [Route(path, _served(platform, handler), methods=[method]) for path, handler, method in found]


def _served(platform: Platform, handler: _Handler) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        return await handler(platform, request)

    return serve


def _url(request: Request) -> str:
    return str(request.base_url).rstrip("/")


async def configuration(platform: Platform, request: Request) -> Response:
    """LTI Dynamic Registration 1.0, 3.5.1."""
    url, paths = _url(request), platform.paths
    return json_response({
        "issuer": url, "authorization_endpoint": url + paths.authorize, "token_endpoint": url + paths.token,
        "jwks_uri": url + paths.keys, "registration_endpoint": url + paths.register,
        "response_types_supported": ["id_token"], "id_token_signing_alg_values_supported": ["RS256"],
        "subject_types_supported": ["public"], "scopes_supported": ["openid"], "claims_supported": ["iss", "sub"],
        _PLATFORM: {
            "product_family_code": platform.family, "version": platform.version,
            "messages_supported": [{"type": "LtiResourceLinkRequest"}], "variables": list(platform.variables),
        },
    })  # fmt: skip


async def keys(platform: Platform, request: Request) -> Response:
    platform.note("GET", platform.paths.keys)
    return json_response({"keys": [platform.key.public()]})


async def script(platform: Platform, request: Request) -> Response:
    return Response(_SCRIPT, media_type="text/javascript")


async def authorize(platform: Platform, request: Request) -> Response:
    """Signs nobody in: the hint says who came. Answers with a form that goes on to the tool."""
    asked = dict(request.query_params if request.method == "GET" else await _form(request))
    try:
        there, form = platform.answer(_url(request), asked)
    except ValueError as error:
        return platform.page("This cannot be opened", Safe(f"<p>{escape(str(error))}</p>"), status=400)
    fields = "".join(f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in form.items())
    body = f'<form method="post" action="{escape(there)}" data-goes-on>{fields}<button>Continue</button></form>'
    return _with(platform.page("Opening the tool", Safe(body)), f"form-action {_origin(there)}")


async def register(platform: Platform, request: Request) -> Response:
    """LTI Dynamic Registration 1.0, 3.5.2 and 3.6; a token is good once."""
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    if token not in platform.tokens:
        return json_response({"error": "invalid_token"}, 401)
    try:
        given = msgspec.json.decode(await request.body())
        about = given[_TOOL]
        tool = Tool(
            name=given["client_name"],
            login_url=given["initiate_login_uri"],
            redirect_urls=tuple(given["redirect_uris"]),
            target=about["target_link_uri"],
            custom=about.get("custom_parameters", {}),
            claims=tuple(about.get("claims", ())),
        )
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError):
        return json_response({"error": "invalid_client_metadata"}, 400)
    platform.tokens.discard(token)
    platform.add(tool)
    about = {**about, "deployment_id": tool.deployment_id}
    return json_response({**given, "client_id": tool.client_id, _TOOL: about})


async def tools(platform: Platform, request: Request) -> Response:
    """The tools; `?register=` opens a tool's registration address in a frame."""
    shown = [(one.name, one.client_id, one.deployment_id, one.login_url) for one in platform.tools.values()]
    heads = ("Tool", "Client ID", "Deployment ID", "Login address")
    field = '<input name="register" aria-label="Registration address" required>'
    asks = Safe(f"<form>{field}<button>Register</button></form>")
    wanted = request.query_params.get("register", "")
    if not wanted:
        return platform.page("Tools", table(heads, shown), asks)
    token = secrets.token_urlsafe(16)
    platform.tokens.add(token)
    query = urlencode({"openid_configuration": f"{_url(request)}{platform.paths.configuration}",
                       "registration_token": token})  # fmt: skip
    said = Safe('<p role="status" data-closed></p>')
    page = platform.page("Register a tool", said, _framed(f"{wanted}?{query}", "Registration"))
    return _with(page, f"frame-src {_origin(wanted)}")


async def section_tools(platform: Platform, request: Request) -> Response:
    """Who opens a tool from this section: there is no signing in to the practice LMS."""
    section = request.path_params["id"]
    start = f"{platform.paths.section}/{section}/tools"
    rows = [
        (name, role, join([link(f"{start}/{tool.client_id}?as={user}", tool.name) for tool in platform.tools.values()]))
        for user, name, role in platform.people(section)
    ]
    return platform.page("Open a tool as", table(("Person", "Enrolled as", "Tools"), rows))


async def opened(platform: Platform, request: Request) -> Response:
    """A page of the section with the tool in a frame."""
    tool = platform.tools.get(request.path_params["client"])
    if tool is None:
        return platform.page("Not found", Safe("<p>There is no such tool.</p>"), status=404)
    section, user = str(request.path_params["id"]), request.query_params.get("as", "")
    begun = platform.begin(_url(request), Launch(tool=tool, user=user, section=section))
    page = platform.page(tool.name, _framed(begun, tool.name))
    return _with(page, f"frame-src 'self' {_origin(begun)}")


async def add_tool(platform: Platform, request: Request) -> Response:
    """For tests: {"name", "login_url", "redirect_url", "custom", "claims"}; answers with the ids."""
    given = msgspec.json.decode(await request.body())
    tool = platform.add(Tool(
        name=given.get("name", "Tool"), login_url=given["login_url"], redirect_urls=(given["redirect_url"],),
        target=given["redirect_url"], custom=given.get("custom", {}), claims=tuple(given.get("claims", ())),
    ))  # fmt: skip
    url = _url(request)
    return json_response({
        "issuer": url, "client_id": tool.client_id, "deployment_id": tool.deployment_id,
        "login_url": url + platform.paths.authorize, "keys_url": url + platform.paths.keys,
    })  # fmt: skip


async def launch(platform: Platform, request: Request) -> Response:
    """For tests: {"client_id", "user", "section", "tamper"}; answers with where the browser goes first."""
    given = msgspec.json.decode(await request.body())
    tool = platform.tools[given.pop("client_id")]
    return json_response({"url": platform.begin(_url(request), Launch(tool=tool, **given))})


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode()))


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else "'none'"


def _framed(address: str, title: str) -> Safe:
    return Safe(f'<iframe src="{escape(address)}" title="{escape(title)}" width="100%" height="900"></iframe>')


def _with(page: HTMLResponse, allows: str) -> Response:
    """The page with our script, allowed one thing more."""
    policy = page.headers["content-security-policy"]
    name = allows.split()[0]
    kept = [one for one in policy.split("; ") if not one.startswith(name)]
    body = bytes(page.body).replace(b"</main>", b'</main><script src="/lti/lti.js" defer></script>')
    headers = {"content-security-policy": "; ".join([*kept, "script-src 'self'", allows])}
    return HTMLResponse(body, page.status_code, headers=headers)
