"""How the sign-in library behaves here: accounts come from invitations only; secrets are kept encrypted; nothing is
made from the name by which a browser called us."""

from __future__ import annotations

import base64
import logging
import time
from typing import Any
from urllib.parse import quote

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import get_reauthentication_flows
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.encoding import force_bytes

from rollbook.errors import ConfigError
from rollbook.web.accepting import join_by_sign_on
from rollbook.web.failed_sign_on import NotTrusted
from rollbook.web.mail import can_mail, send_beside
from rollbook.web.opening import public_address
from rollbook.web.wording import sentence

log = logging.getLogger(__name__)


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Only where mails can be sent; never while the person waits."""
        if can_mail():
            known = {"email": email, "address": public_address(), **context}
            send_beside(self.render_mail(template_prefix, email, known))

    def get_from_email(self) -> str:
        return ""  # the mail server's settings say it

    def get_reset_password_from_key_url(self, key: str) -> str:
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
        return public_address() + path.replace("UID-KEY", quote(key))

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("mfa_index")

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """People who have nothing but single sign-on confirm themselves by a fresh sign-in."""
        request = context.request
        if request is not None and request.user.is_authenticated and not get_reauthentication_flows(request.user):
            last = max((one["at"] for one in get_authentication_records(request, request.user)), default=0.0)
            return bool(time.time() - last > app_settings.REAUTHENTICATION_TIMEOUT)
        return bool(super().is_reauthentication_required(app=app, **kwargs))

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Attempts count for an account, by whatever name the browser calls this server."""
        return str(credentials.get("email", "")).strip().lower()


class SocialAdapter(DefaultSocialAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def get_connect_redirect_url(self, request: HttpRequest, socialaccount: Any) -> str:
        return reverse("mfa_index")

    def on_authentication_error(self, request: HttpRequest, provider: Any, **found: Any) -> None:
        """For whoever runs Rollbook. The library's own words may hold what the provider sent, so only their kind."""
        error = found.get("exception")
        words = str(error) if isinstance(error, NotTrusted) else type(error).__name__ if error else "no such sign-in"
        log.warning("single sign-on did not work: %s", words)

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Somebody unknown who came from an invitation gets the account it makes, bound to this sign-in."""
        invitation = (sociallogin.state.get("data") or {}).get("invitation", "")
        if sociallogin.is_existing or sociallogin.state.get("process") != "login" or not invitation:
            return
        try:
            account = join_by_sign_on(invitation, sociallogin)
        except ConfigError as error:
            messages.error(request, sentence(str(error)))
            raise ImmediateHttpResponse(redirect("account_login")) from None
        sociallogin.connect(request, account)


class MfaAdapter(DefaultMFAAdapter):
    """Second factors are encrypted with a key made of the sessions' one, which the key ring encrypts."""

    def encrypt(self, text: str) -> str:
        return self._fernet().encrypt(text.encode()).decode("ascii")

    def decrypt(self, encrypted_text: str) -> str:
        return self._fernet().decrypt(encrypted_text.encode("ascii")).decode()

    def _get_site_name(self) -> str:
        return "Rollbook"

    @staticmethod
    def _fernet() -> Fernet:
        derived = HKDF(SHA256(), 32, salt=None, info=b"rollbook second factors").derive(
            force_bytes(settings.SECRET_KEY)
        )
        return Fernet(base64.urlsafe_b64encode(derived))
