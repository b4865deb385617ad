"""A practice LMS as an LTI 1.3 platform: its tools, launches on their way, and the message of a launch, true or
tampered with. Answers no request by itself; keeps everything in memory."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import HTMLResponse

from rollbook.practice.lti_keys import Json, Key, confused, unsigned

CLAIM: Final = "https://purl.imsglobal.org/spec/lti/claim/"
LASTS_S: Final = 300


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One tool, as it was registered; it is deployed once. `claims` are those about people that it asked for."""

    name: str
    login_url: str
    redirect_urls: tuple[str, ...]
    target: str
    custom: dict[str, str] = field(default_factory=dict)
    claims: tuple[str, ...] = ()
    client_id: str = field(default_factory=lambda: str(6_000_000_000 + secrets.randbelow(10**9)))
    deployment_id: str = field(default_factory=lambda: f"{secrets.randbelow(10**9)}-{secrets.token_hex(8)}")


@dataclass(frozen=True, kw_only=True)
class Launch:
    """Who opens which tool from where: ids of this LMS, or what a test says instead. `tamper` is one of TAMPERING."""

    tool: Tool
    user: str
    section: str
    tamper: str = ""


@dataclass(frozen=True, kw_only=True)
class Paths:
    """Addresses below that of the LMS; `section` is the beginning of that of a section's page of tools."""

    configuration: str
    keys: str
    authorize: str
    token: str
    register: str
    section: str


class Platform:
    """Everything of LTI that belongs to one practice LMS; `url` is its own address. What is peculiar to an LMS is in a
    class of its own."""

    family: str
    version: str
    variables: tuple[str, ...]
    paths: Paths
    #: What an LMS wants back as it was: letters, or whatever it likes.
    message_hint = "link"

    def __init__(self) -> None:
        self.tools: dict[str, Tool] = {}
        self.tokens: set[str] = set()  # with which a tool may register itself
        self.sent: list[tuple[str, str, str]] = []  # where each message went, its state and token
        self._launches: dict[str, Launch] = {}

    @cached_property
    def key(self) -> Key:
        return Key()

    @cached_property
    def strange_key(self) -> Key:
        """Under the same name as the published one."""
        return Key(self.key.kid)

    def add(self, tool: Tool) -> Tool:
        self.tools[tool.client_id] = tool
        return tool

    def begin(self, url: str, launch: Launch) -> str:
        """Where the browser goes first: the tool's login address (Security Framework 1.0, 5.1.1.1)."""
        hint = secrets.token_urlsafe(12)
        self._launches[hint] = launch
        asked = {
            "iss": url, "login_hint": hint, "target_link_uri": launch.tool.target,
            "lti_message_hint": self.message_hint, "client_id": launch.tool.client_id,
            "lti_deployment_id": launch.tool.deployment_id,
        }  # fmt: skip
        return f"{launch.tool.login_url}?{urlencode(asked)}"

    def answer(self, url: str, asked: dict[str, str]) -> tuple[str, dict[str, str]]:
        """Where the browser takes which form (OpenID Connect Core 3.2.2). Raises ValueError with words for what is
        wrong with the request."""
        tool = self.tools.get(asked.get("client_id", ""))
        launch = self._launches.get(asked.get("login_hint", ""))
        wanted = {"scope": "openid", "response_type": "id_token", "response_mode": "form_post", "prompt": "none"}
        wrong = [name for name, value in wanted.items() if asked.get(name) != value]
        if tool is None or asked.get("redirect_uri") not in tool.redirect_urls:
            raise ValueError("unknown client_id, or a redirect_uri that was not registered")
        if wrong or not asked.get("nonce") or asked.get("lti_message_hint") != self.message_hint:
            raise ValueError(f"wrong or missing: {', '.join(wrong) or 'nonce or lti_message_hint'}")
        if launch is None or launch.tool != tool:
            raise ValueError("unknown login_hint")
        there, state = asked["redirect_uri"], asked.get("state", "")
        return there, self._form(url, launch, there, state, asked["nonce"])

    def _form(self, url: str, launch: Launch, there: str, state: str, nonce: str) -> dict[str, str]:
        if launch.tamper == "error":
            return {"error": "login_required", "state": state}
        if launch.tamper == "replay" and self.sent:
            return dict(zip(("state", "id_token"), self.sent[-1][1:], strict=True))
        if launch.tamper == "old token" and self.sent:
            return {"state": state, "id_token": self.sent[-1][2]}
        token = self._token(url, launch, nonce)
        self.sent.append((there, state, token))
        return {"state": "not this one" if launch.tamper == "state" else state, "id_token": token}

    def _token(self, url: str, launch: Launch, nonce: str) -> str:
        claims = self.claims(url, launch, nonce)
        change = TAMPERING.get(launch.tamper)
        if change is not None:
            change(claims)
        if launch.tamper == "forged":
            return self.strange_key.token(claims)
        if launch.tamper == "unknown key":
            return Key().token(claims)
        if launch.tamper == "unsigned":
            return unsigned(claims, self.key.kid)
        if launch.tamper == "confused":
            return confused(claims, self.key)
        token = self.key.token(claims)
        if launch.tamper == "altered":  # another's claims under a good signature
            head, _, signature = token.split(".")
            other = self.key.token({**claims, "sub": "1"}).split(".")[1]
            return f"{head}.{other}.{signature}"
        return token

    def claims(self, url: str, launch: Launch, nonce: str) -> Json:
        """The message of a launch (LTI Core 1.3, 5.3 and 5.4)."""
        raise NotImplementedError

    def people(self, section: int) -> list[tuple[str, str, str]]:
        """Who may open a tool from a section: id, name, how they are enrolled."""
        raise NotImplementedError

    def page(self, title: str, *content: object, status: int = 200) -> HTMLResponse:
        raise NotImplementedError

    def note(self, method: str, path: str) -> None:
        """Count a request that a test may ask for."""
        raise NotImplementedError


def _set(**changes: Any) -> Callable[[Json], None]:
    def change(claims: Json) -> None:
        for name, value in changes.items():
            claims[name if name in claims or name == "azp" else CLAIM + name] = value

    return change


def _times(seconds: int) -> Callable[[Json], None]:
    def change(claims: Json) -> None:
        claims["iat"] += seconds
        claims["exp"] += seconds

    return change


def _without(name: str) -> Callable[[Json], None]:
    def change(claims: Json) -> None:
        claims.pop(name, None)

    return change


def _several(claims: Json) -> None:
    claims["aud"] = [claims["aud"], "another tool"]
    claims.pop("azp", None)


#: What is done to the claims; other names change the signature or the form, see `Platform`.
TAMPERING: Final[dict[str, Callable[[Json], None]]] = {
    "expired": _times(-7200), "from the future": _times(7200), "no expiry": _without("exp"),
    "audience": _set(aud="another tool", azp="another tool"), "several audiences": _several,
    "party": _set(azp="another tool"), "issuer": _set(iss="https://another.example"),
    "deployment": _set(deployment_id="another place"), "nonce": _set(nonce="not this one"),
    "no nonce": _without("nonce"), "target": _set(target_link_uri="https://another.example/"),
    "message": _set(message_type="LtiDeepLinkingRequest"), "version": _set(version="1.1"),
    "nobody": _without("sub"),
}  # fmt: skip
