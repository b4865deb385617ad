"""Judges an id_token of a launch (Security Framework 1.0, 5.1.3; LTI Core 1.3, 5.3). Lets nobody in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import jwt

from rollbook.actions.lti import answers
from rollbook.store.models import LtiLogin, LtiPlatform
from rollbook.web.launches.refusals import LaunchRefused
from rollbook.web.lti.keys import platform_key

_CLAIM: Final = "https://purl.imsglobal.org/spec/lti/claim/"
_ALGORITHM: Final = "RS256"  # every platform has it; a choice of algorithms is a choice for a forger
_LEEWAY_S: Final = 60  # by which clocks may differ
_MOST_LETTERS: Final = 64 * 1024


def judge(token: str, login: LtiLogin, *, ours: str) -> dict[str, Any]:
    """The claims of a launch that answers this login; `ours` is how the addresses of this organization's launches
    begin. Raises LaunchRefused: as proven only what answers our nonce, as old messages can be sent again and again."""
    claims = _signed(token, login.platform)
    _check_audience(claims, login.platform.client_id)
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not answers(login, nonce):
        raise LaunchRefused("LTI_NONCE", proven=False)
    _check_deployment(claims, login)
    _check_message(claims, ours)
    return claims


def _signed(token: str, platform: LtiPlatform) -> dict[str, Any]:
    """Claims with a good signature and times, of this issuer."""
    if len(token) > _MOST_LETTERS:
        raise LaunchRefused("LTI_TOKEN", proven=False)
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise LaunchRefused("LTI_TOKEN", proven=False) from None
    kid = header.get("kid")
    if header.get("alg") != _ALGORITHM or not isinstance(kid, str):
        raise LaunchRefused("LTI_SIGNATURE", proven=False)
    key = platform_key(platform.keys_url, kid)
    try:
        return dict(
            jwt.decode(
                token,
                key,
                algorithms=[_ALGORITHM],
                issuer=platform.issuer,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "iat", "iss", "aud", "nonce"], "verify_aud": False},
            )
        )
    except (jwt.ExpiredSignatureError, jwt.ImmatureSignatureError, jwt.InvalidIssuedAtError):
        raise LaunchRefused("LTI_EXPIRED", proven=False) from None
    except jwt.InvalidIssuerError:
        raise LaunchRefused("LTI_ISSUER", proven=False) from None
    except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
        raise LaunchRefused("LTI_SIGNATURE", proven=False) from None
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise LaunchRefused("LTI_TOKEN", proven=False) from None


def _check_audience(claims: Mapping[str, Any], client: str) -> None:
    """Among several audiences the authorized party says who is meant."""
    audience, party = claims["aud"], claims.get("azp")
    named = [audience] if isinstance(audience, str) else audience if isinstance(audience, list) else []
    if client not in named or (len(named) > 1 and party is None) or party not in (None, client):
        raise LaunchRefused("LTI_AUDIENCE", proven=False)


def _check_deployment(claims: Mapping[str, Any], login: LtiLogin) -> None:
    """A deployment that the login named already is the one (LTI Core 1.3, 4.1.2)."""
    deployment = claims.get(_CLAIM + "deployment_id")
    if not isinstance(deployment, str) or deployment not in login.platform.deployments:
        raise LaunchRefused("LTI_DEPLOYMENT")
    if login.deployment not in ("", deployment):
        raise LaunchRefused("LTI_DEPLOYMENT")


def _check_message(claims: Mapping[str, Any], ours: str) -> None:
    link, target = claims.get(_CLAIM + "resource_link"), claims.get(_CLAIM + "target_link_uri")
    message = claims.get(_CLAIM + "message_type"), claims.get(_CLAIM + "version")
    if message != ("LtiResourceLinkRequest", "1.3.0") or not isinstance(link, Mapping) or not link.get("id"):
        raise LaunchRefused("LTI_MESSAGE")
    if not isinstance(target, str) or not target.startswith(ours):
        raise LaunchRefused("LTI_TARGET")
