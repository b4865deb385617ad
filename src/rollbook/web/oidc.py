"""Single sign-on over OpenID Connect. Stricter than the sign-in library's own provider: the ID token's signature and
nonce are checked, PKCE is used, and an account is bound to issuer and subject, never to an e-mail address (rule 31)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any, Final

import jwt
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from requests import RequestException

from rollbook.actions.accounts import token_digest
from rollbook.web.access import Who, page
from rollbook.web.failed_sign_on import NotTrusted
from rollbook.web.opening import public_address

#: Asymmetric ones only: the client's secret signs nothing, and `none` is no signature.
_SIGNED: Final = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
_NEEDED: Final = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
#: What is kept of an ID token: enough to show a person which sign-in is connected.
_KEPT: Final = ("iss", "sub", "email", "name", "preferred_username")
_LEEWAY: Final = 60  # seconds by which clocks may differ
_PROCESSES: Final = ("login", "connect")


class Adapter(OpenIDConnectOAuth2Adapter):
    """Talks to the provider. `state` is what was stored before the person left for it."""

    state: dict[str, Any]

    def __init__(self, request: HttpRequest, provider_id: str) -> None:
        super().__init__(request, provider_id)
        self.state = {}

    @property
    def openid_config(self) -> dict[str, Any]:
        """The provider's description of itself. Raises NotTrusted when it lacks something."""
        found = super().openid_config
        missing = [name for name in _NEEDED if not isinstance(found, dict) or not isinstance(found.get(name), str)]
        if missing:
            raise NotTrusted(f"the provider's description lacks {', '.join(missing)}")
        return dict(found)

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:
        path = reverse("openid_connect_callback", args=[self.provider_id])
        return f"{public_address()}{path}" if public_address() else str(request.build_absolute_uri(path))

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **kwargs: Any) -> Any:
        """Raises NotTrusted when the ID token is not for us, not from the provider, or answers another sign-in."""
        claims = self._claims(app, kwargs["response"].get("id_token"))
        expected, found = self.state.get("nonce"), claims.get("nonce")
        if not expected or not isinstance(found, str) or not hmac.compare_digest(str(expected), found):
            raise NotTrusted("the ID token answers another sign-in")
        return self.get_provider().sociallogin_from_response(request, {"id_token": claims})

    def _claims(self, app: Any, token: Any) -> dict[str, Any]:
        if not isinstance(token, str):
            raise NotTrusted("the provider sent no ID token")
        config = self.openid_config
        with get_adapter().get_requests_session() as session:
            answer = session.get(config["jwks_uri"])
            answer.raise_for_status()
            keys = answer.json()
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                _key(keys, jwt.get_unverified_header(token).get("kid")),
                algorithms=_SIGNED,
                audience=app.client_id,
                issuer=config["issuer"],
                leeway=_LEEWAY,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except (jwt.PyJWTError, TypeError, ValueError) as error:
            raise NotTrusted(f"the ID token is not valid: {type(error).__name__}") from None
        if not isinstance(claims["sub"], str) or not claims["sub"]:
            raise NotTrusted("the ID token names nobody")
        return claims


class Provider(OpenIDConnectProvider):
    """Nothing of a sign-in is chosen by the address that a browser was sent to."""

    oauth2_adapter_class = Adapter
    pkce_enabled_default = True

    def get_auth_params_from_request(self, request: HttpRequest, action: Any) -> dict[str, Any]:
        return dict(self.get_auth_params())

    def get_scope_from_request(self, request: HttpRequest) -> list[str]:
        return list(self.get_scope())

    def redirect(
        self, request: HttpRequest, process: str, next_url: str | None = None, data: Any = None, **kwargs: Any
    ) -> HttpResponse:
        nonce = secrets.token_urlsafe(24)
        kwargs["auth_params"] = {**(kwargs.get("auth_params") or {}), "nonce": nonce}
        answer: HttpResponse = super().redirect(request, process, next_url, data, nonce=nonce, **kwargs)
        return answer

    def extract_uid(self, data: dict[str, Any]) -> str:
        """Issuer and subject together: another provider's person of the same number is somebody else."""
        claims = data["id_token"]
        return hashlib.sha256(f"{claims['iss']}\n{claims['sub']}".encode()).hexdigest()

    def extract_extra_data(self, data: dict[str, Any]) -> dict[str, Any]:
        return {"id_token": {name: data["id_token"][name] for name in _KEPT if name in data["id_token"]}}


class _Callback(OAuth2CallbackView):
    def _get_state(self, request: HttpRequest, provider: Any) -> Any:
        state, answer = super()._get_state(request, provider)
        self.adapter.state = state or {}
        return state, answer


@page(write=Who.ANYONE)
@never_cache
def login(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Leave for the provider, by a page that goes on by itself: a form's answer may lead to no other host (CSP)."""
    provider = _provider(request, provider_id)
    if request.POST.get("process", "login") not in _PROCESSES:
        raise Http404
    wanted = provider.get_redirect_from_request_kwargs(request)
    if request.POST.get("invitation"):  # kept with this sign-in alone, and not as it could be used
        wanted["data"] = {"invitation": token_digest(request.POST["invitation"])}
    try:
        answer: HttpResponse = provider.redirect(request, **wanted)
    except (OAuth2Error, RequestException) as error:
        answer = render_authentication_error(request, provider, exception=error)
    if answer.status_code != 302:
        return answer
    return render(request, "socialaccount/leave.html", {"to": answer["Location"], "provider": provider})


@page(read=Who.ANYONE)
@never_cache
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Back from the provider."""
    provider = _provider(request, provider_id)
    try:
        answer: HttpResponse = _Callback.adapter_view(Adapter(request, provider_id))(request)
    except (OAuth2Error, RequestException) as error:  # the library lets some through
        answer = render_authentication_error(request, provider, exception=error)
    return answer


def _provider(request: HttpRequest, provider_id: str) -> Any:
    try:
        return get_adapter(request).get_provider(request, provider=provider_id)
    except SocialApp.DoesNotExist:
        raise Http404 from None


def _key(keys: Any, name: Any) -> Any:
    """The provider's key of this name, or its only one. Raises ValueError."""
    found = [one for one in jwt.PyJWKSet.from_dict(keys).keys if name is None or one.key_id == name]
    if len(found) != 1:
        raise ValueError("no such key")
    return found[0]
