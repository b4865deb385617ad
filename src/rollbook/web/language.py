"""The language of the pages: an account's own choice, else what the browser asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import translation

from rollbook.store.models import Account
from rollbook.web.access import Who


class AccountLanguageMiddleware:
    """After sign-in has told who asks. Pages that anybody may see ask no database for it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        rule = getattr(view, "rule", None)
        if rule is not None and Who.ANYONE in (rule.read, rule.write):
            return
        speak_to(request)


def speak_to(request: HttpRequest) -> None:
    """Say the rest of this answer in the language that the account chose, if it did."""
    user = getattr(request, "user", None)
    if isinstance(user, Account) and user.language:
        translation.activate(user.language)
        request.LANGUAGE_CODE = translation.get_language()
