"""The session of somebody who came from a course: a cookie of its own beside that of people who signed in, so that
neither ever becomes the other. Only views for teachers see it, in the one organization that it names.

Inside a frame of another site a browser takes only cookies that say `SameSite=None; Secure; Partitioned`: the browser
keeps those apart for each site that shows us. Without TLS, where the frame can only be of this machine, they are as
everywhere (`SameSite=Lax`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from http.cookies import Morsel
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.db import SessionStore
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, ResolverMatch, resolve
from django.utils.crypto import get_random_string

from rollbook.store.models import LaunchPlatform, Membership, Organization
from rollbook.web.access import Who
from rollbook.web.launched import Launched, launched_of
from rollbook.web.launches.frames import allow_frames, origins_of

COOKIE: Final = "rollbook_launched"
#: A launch lasts this long; the course is a click away.
LASTS_S: Final = 4 * 3600
#: A launched session serves only what these may see, and what it needs itself.
FOR_TEACHERS: Final = frozenset({Who.MEMBER, Who.SECTION_READER, Who.SECTION_ACTOR})
OWN: Final = frozenset({"launched_arrive", "launched_leave"})
_SALT: Final = "a launched session"
_DATA: Final = "launched"
_CSRF_LETTERS: Final = 32
_NOT_SIGNED_IN: Final = 401


class _Partitioned(Morsel[str]):
    """A cookie for each site that shows us in a frame; the standard library knows the word from Python 3.14 on."""

    def output(self, attrs: Any = None, header: str = "Set-Cookie:") -> str:
        return super().output(attrs, header) + "; Partitioned"


def set_framed_cookie(answer: HttpResponse, name: str, value: str, *, max_age: int | None = None) -> None:
    """A cookie that also comes back from inside a frame, wherever the browser allows any."""
    secure = bool(settings.SESSION_COOKIE_SECURE)
    answer.set_cookie(name, value, max_age=max_age, secure=secure, httponly=True, samesite="None" if secure else "Lax")
    if secure:
        plain, framed = answer.cookies[name], _Partitioned()
        framed.set(plain.key, plain.value, plain.coded_value)
        framed.update(plain)
        dict.__setitem__(answer.cookies, name, framed)


def begin(answer: HttpResponse, launched: Launched) -> None:
    """Put a new launched session into the answer; it replaces one that the browser had."""
    session = SessionStore()
    session[_DATA] = {
        "account": launched.account.pk,
        "organization": launched.organization.slug,
        "platform": launched.platform.pk,
        "until": time.time() + LASTS_S,
        "csrf": get_random_string(_CSRF_LETTERS),
    }
    session.set_expiry(LASTS_S)
    session.create()
    value = signing.dumps([session.session_key, launched.organization.slug], salt=_SALT)
    set_framed_cookie(answer, COOKIE, value)


def launched_into(request: HttpRequest) -> str:
    """The slug of the organization that this browser was last launched into, also when that is over."""
    return _cookie(request)[1]


def end(request: HttpRequest) -> None:
    """Nobody uses this browser's launched session any more."""
    key, _slug = _cookie(request)
    if key:
        SessionStore(key).delete()


class LaunchMiddleware:
    """Gives a view for teachers the launched session instead of the other one. After Django's sessions, and before
    whatever reads a session or the secret of forms."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        match = _view_of(request) if COOKIE in request.COOKIES else None
        found = _find(request, match) if match is not None else None
        if found is None:
            over = _over(request, match) if match is not None else None
            if over is not None:
                vars(request)["launch_over"] = True
            answer = self._get_response(request)
            return _framed(answer, over) if answer.status_code == _NOT_SIGNED_IN else answer
        launched, session = found
        other = request.session
        vars(request)["launched"] = launched
        request.session = session
        request.COOKIES[settings.CSRF_COOKIE_NAME] = session[_DATA]["csrf"]
        answer = self._get_response(request)
        answer.cookies.pop(settings.CSRF_COOKIE_NAME, None)  # its secret stays in the session
        if session.modified and session.session_key and session.exists(session.session_key):
            session.save()
        request.session = other
        return _framed(answer, launched.organization)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        """After sign-in has looked for somebody in the session, where there is none."""
        launched = launched_of(request)
        if launched is not None:
            request.user = launched.account


def listen() -> None:
    """Whoever signs in on a shared computer does not find the last one's launch."""

    def signed_in(*, request: HttpRequest | None = None, **_more: Any) -> None:
        if request is not None:
            end(request)

    user_logged_in.connect(signed_in, weak=False, dispatch_uid="launches")


def _framed(answer: HttpResponse, organization: Organization | None) -> HttpResponse:
    if organization is not None:
        allow_frames(answer, origins_of(organization))
    return answer


def _over(request: HttpRequest, match: ResolverMatch) -> Organization | None:
    """The organization of a launched session that has ended, asked for a page of it: a frame shows that it is over."""
    slug = launched_into(request)
    if not slug or match.kwargs.get("slug") != slug:
        return None
    return Organization.objects.filter(slug=slug).first()


def _view_of(request: HttpRequest) -> ResolverMatch | None:
    try:
        match = resolve(request.path_info)
    except Resolver404:
        return None
    if match.url_name in OWN:
        return match
    rule = getattr(match.func, "rule", None)
    who = None if rule is None else rule.write if request.method == "POST" else rule.read
    return match if who in FOR_TEACHERS else None


def _find(request: HttpRequest, match: ResolverMatch) -> tuple[Launched, SessionStore] | None:
    """The session of the cookie, if it is for the organization of this address and nothing has ended it."""
    key, slug = _cookie(request)
    if not key or match.kwargs.get("slug", slug) != slug:
        return None
    session = SessionStore(key)
    data = session.get(_DATA)
    if not isinstance(data, dict) or data["organization"] != slug or data["until"] < time.time():
        return None
    members = Membership.objects.select_related("account", "organization__acting")
    member = members.filter(account=data["account"], organization__slug=slug, account__is_active=True).first()
    platform = LaunchPlatform.objects.filter(pk=data["platform"], organization__slug=slug).first()
    if member is None or platform is None or not member.unique_id:
        return None
    return (
        Launched(
            account=member.account,
            organization=member.organization,
            platform=platform,
            unique_id=member.unique_id,
        ),
        session,
    )


def _cookie(request: HttpRequest) -> tuple[str, str]:
    try:
        key, slug = signing.loads(request.COOKIES.get(COOKIE, ""), salt=_SALT)
    except (signing.BadSignature, TypeError, ValueError):
        return "", ""
    return str(key), str(slug)
