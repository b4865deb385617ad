"""A sign-in that expires in the middle of a form loses nothing: what was typed waits, encrypted, until the same person
has signed in again in the same browser, and stands in the form once more. So it does when they signed in again in
another tab meanwhile, which makes the form too old. Secrets are never kept; nothing is saved.

The database holds only what nobody can read: the key is a cookie of the browser. A second cookie says, signed, who was
signed in there last. Both are for our own server alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from rollbook.connectors.kit.options import describe
from rollbook.connectors.registry import CONNECTORS, connector
from rollbook.store.kept_forms import KEPT, forget_old_forms
from rollbook.store.models import Account, KeptForm
from rollbook.web.launched import launched_of

TYPED: Final = "rollbook_typed"
WHO: Final = "rollbook_who"
#: So long a browser remembers who was signed in.
_REMEMBERED: Final = 7 * 24 * 3600
_MOST_BYTES: Final = 256 * 1024
_MOST_EACH: Final = 5
#: Parts of names by which fields are told apart that hold a secret, or what we sealed ourselves.
_SECRET: Final = ("password", "secret", "passphrase", "token", "code", "credential", "confirmed", "webhook", "csrf")
_SALT: Final = "who was signed in"


def is_secret(name: str) -> bool:
    """May this field of a form hold a secret? Then it is typed again."""
    lowered = name.lower()
    return any(part in lowered for part in _SECRET) or lowered.rsplit("-", 1)[-1] in _secret_options()


@cache
def _secret_options() -> frozenset[str]:
    """Of connectors to real systems."""
    real = [one for name in CONNECTORS if not (one := connector(name)).practice]
    return frozenset(one.name for each in real for one in describe(each.options) if one.secret)


def page_of_form(there: str) -> str:
    """Where the person goes after signing in: the form's page, if one can go there."""
    try:
        match = resolve(there.partition("?")[0])
    except Resolver404:
        return "/"
    rule = getattr(match.func, "rule", None)
    if rule is None or rule.read is not None:
        return there
    slug = match.kwargs.get("slug")
    return reverse("home", args=[slug]) if slug else "/"


def keep_typed(request: HttpRequest, page: str, answer: HttpResponse, account: Account | None) -> None:
    """Keep what this person sent when their sign-in had expired, and tell them on the page where they sign in."""
    fields = _fields(request)
    if account is None or not fields:
        return
    if not _keep(request, page, answer, account, fields):
        messages.warning(request, _("Your sign-in had expired, so nothing was saved. It was too much to keep."))
        return
    messages.info(
        request,
        _("Your sign-in had expired, so nothing was saved yet. Sign in, and what you typed is in the form again."),
    )


def keep_old(request: HttpRequest, page: str, answer: HttpResponse, account: Account) -> bool:
    """Keep what this person, who is signed in, sent by a form from before; says whether that was possible."""
    fields = _fields(request)
    return bool(fields) and _keep(request, page, answer, account, fields)


def _fields(request: HttpRequest) -> list[tuple[str, str]]:
    return [(name, text) for name, texts in request.POST.lists() if not is_secret(name) for text in texts]


def _keep(
    request: HttpRequest, page: str, answer: HttpResponse, account: Account, fields: list[tuple[str, str]]
) -> bool:
    """False when it is too much."""
    plain = json.dumps({"action": request.path, "fields": fields}).encode()
    if len(plain) > _MOST_BYTES:
        return False
    token = secrets.token_urlsafe(32)
    forget_old_forms()
    mine = KeptForm.objects.filter(account=account).order_by("-pk").values_list("pk", flat=True)
    KeptForm.objects.filter(pk__in=list(mine[_MOST_EACH - 1 :])).delete()
    KeptForm.objects.create(
        account=account, token=_digest(token), page=page, fields=_fernet(token).encrypt(plain).decode()
    )
    _set_cookie(answer, TYPED, token, int(KEPT.total_seconds()))
    return True


class KeptFormsMiddleware:
    """Remembers who is signed in, and brings back what the same person had typed: once, on the page of the form."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        row = _row(request) if TYPED in request.COOKIES and request.method == "GET" else None
        if row is not None:
            vars(request)["kept_form"] = _opened(row, request.COOKIES[TYPED])
        answer = self._get_response(request)
        if row is not None and answer.status_code == 200:
            row.delete()
            answer.delete_cookie(TYPED)
        self._remember(request, answer)
        return answer

    def _remember(self, request: HttpRequest, answer: HttpResponse) -> None:
        if request.method == "POST" and request.path == reverse("account_logout"):
            for name in (TYPED, WHO):
                answer.delete_cookie(name)
            return
        shown = answer.status_code == 200 and answer.get("Content-Type", "").startswith("text/html")
        if not shown or not hasattr(request, "_cached_user") or not isinstance(request.user, Account):
            return  # no page, or nobody asked who it is
        if launched_of(request) is not None:
            return  # they did not sign in, and what others type is not kept for them
        if _said(request) != request.user.pk:
            _set_cookie(answer, WHO, signing.dumps(request.user.pk, salt=_SALT), _REMEMBERED)


def _row(request: HttpRequest) -> KeptForm | None:
    """What this person typed on this very page, if it has not waited for too long. Somebody else's is never shown."""
    if not isinstance(request.user, Account) or request.headers.get("HX-Request"):
        return None
    fresh = KeptForm.objects.filter(created_at__gte=timezone.now() - KEPT, account=request.user)
    return fresh.filter(token=_digest(request.COOKIES[TYPED]), page=request.get_full_path()).first()


def _opened(row: KeptForm, token: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(_fernet(token).decrypt(row.fields.encode()))
    except (InvalidToken, ValueError):
        return None
    return found


def signed_in_last(request: HttpRequest) -> Account | None:
    """Who was signed in in this browser last."""
    said = _said(request)
    return Account.objects.filter(pk=said, is_active=True).first() if said is not None else None


def _said(request: HttpRequest) -> int | None:
    """Who was signed in in this browser last, as it was told; None when it says nothing that we signed."""
    try:
        return int(signing.loads(request.COOKIES.get(WHO, ""), salt=_SALT, max_age=_REMEMBERED))
    except (signing.BadSignature, ValueError, TypeError):
        return None


def _set_cookie(answer: HttpResponse, name: str, text: str, seconds: int) -> None:
    secure = bool(settings.SESSION_COOKIE_SECURE)
    answer.set_cookie(name, text, max_age=seconds, httponly=True, samesite="Lax", secure=secure)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _fernet(token: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"what was typed " + token.encode()).digest()))
