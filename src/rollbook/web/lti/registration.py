"""What Rollbook and an LMS tell each other when they are registered: the values to enter there, and LTI Dynamic
Registration 1.0, where the LMS offers that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from django.urls import reverse
from django.utils.translation import gettext as _

from rollbook.actions.lti import PlatformValues
from rollbook.connectors.kit.hosts import check_url
from rollbook.engine.lti_platforms import fetch_document, register_at
from rollbook.engine.world import private_hosts_allowed
from rollbook.errors import BadResponse, ConfigError
from rollbook.web.launches.frames import origin_of
from rollbook.web.lti.profiles import profile_for, profile_of

_PLATFORM: Final = "https://purl.imsglobal.org/spec/lti-platform-configuration"
_TOOL: Final = "https://purl.imsglobal.org/spec/lti-tool-configuration"
_MOST_LETTERS: Final = 2000


@dataclass(frozen=True)
class Ours:
    """The addresses of one organization that an LMS has to know."""

    login: str
    launch: str
    keys: str
    host: str


@dataclass(frozen=True)
class Described:
    """What a platform says of itself (Dynamic Registration 1.0, 3.5.1)."""

    issuer: str
    login_url: str
    token_url: str
    keys_url: str
    registration_url: str
    profile: str

    @property
    def host(self) -> str:
        return urlsplit(self.issuer).hostname or ""


def ours(address: str, org: str) -> Ours:
    """`address`: where people reach the pages."""
    login, launch = (address + reverse(name, args=[org]) for name in ("lti_login", "lti_launch"))
    return Ours(login, launch, address + reverse("lti_keys"), urlsplit(address).netloc)


def describe(url: str) -> Described:
    """Ask a platform for its description. Raises RollbookError; BadResponse where it lacks something, or speaks for an
    issuer of another host."""
    found = fetch_document(url)
    names = ("issuer", "authorization_endpoint", "jwks_uri", "registration_endpoint")
    values = [found.get(name) for name in names]
    if not all(_is_text(one) for one in values):
        raise BadResponse("the LMS's description of itself is incomplete")
    issuer, login_url, keys_url, registration_url = (str(one) for one in values)
    if urlsplit(issuer).hostname != urlsplit(url).hostname:
        raise BadResponse("the LMS's description of itself speaks for another host")
    token_url = found.get("token_endpoint")
    for address in (login_url, keys_url, registration_url):
        check_url(address, allow_private_hosts=private_hosts_allowed())
    about = found.get(_PLATFORM)
    family = about.get("product_family_code") if isinstance(about, Mapping) else ""
    profile = profile_for(family if isinstance(family, str) else "")
    kept = str(token_url) if _is_text(token_url) else ""
    return Described(issuer, login_url, kept, keys_url, registration_url, profile)


def register(described: Described, token: str, mine: Ours, *, organization: str) -> PlatformValues:
    """Register Rollbook at a platform; what is to be kept of it. Raises RollbookError."""
    answer = register_at(described.registration_url, token, _wanted(described, mine, organization))
    client, tool = answer.get("client_id"), answer.get(_TOOL)
    deployment = tool.get("deployment_id") if isinstance(tool, Mapping) else None
    if not _is_text(client):
        raise BadResponse("the LMS gave no client id")
    return PlatformValues(
        name=described.host[:150],
        issuer=described.issuer,
        client_id=str(client),
        deployments=[str(deployment)] if _is_text(deployment) else [],
        login_url=described.login_url,
        token_url=described.token_url,
        keys_url=described.keys_url,
        profile=described.profile,
        origins=origins(described.issuer, described.login_url, profile=described.profile),
    )


def origins(*addresses: str, profile: str, more: str = "") -> list[str]:
    """The sites that may show us in frames: those of these addresses, as far as they are some, those that the LMS is
    known for, and `more`, one a line. Raises ConfigError for one of `more` that is none."""
    found = set(profile_of(profile).origins)
    for address in addresses:
        try:
            found.add(origin_of(address))
        except ConfigError:
            continue
    return sorted(found | {origin_of(line) for line in more.split() if line})


def _is_text(value: Any) -> bool:
    """One line that can be seen."""
    return isinstance(value, str) and 0 < len(value) <= _MOST_LETTERS and value.isprintable()


def _wanted(described: Described, mine: Ours, organization: str) -> dict[str, Any]:
    """Dynamic Registration 1.0, 3.5.2; no services are asked for."""
    return {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["implicit", "client_credentials"],
        "initiate_login_uri": mine.login,
        "redirect_uris": [mine.launch],
        "client_name": f"Rollbook: {organization}",
        "jwks_uri": mine.keys,
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": "",
        _TOOL: {
            "domain": mine.host,
            "target_link_uri": mine.launch,
            "description": _("Sends grades of this course to the SIS."),
            "custom_parameters": dict(profile_of(described.profile).custom),
            "claims": ["iss", "sub"],
            "messages": [{"type": "LtiResourceLinkRequest", "target_link_uri": mine.launch, "label": "Rollbook"}],
        },
    }
