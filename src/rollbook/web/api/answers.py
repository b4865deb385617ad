"""Answers of the API: one JSON shape for every refusal, the same as the command line's. Nothing is kept by caches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from django.http import HttpResponse

from rollbook.actions.settings_edit import ChangedMeanwhile
from rollbook.errors import AuthFailed, BadResponse, ConfigError, RollbookError, StalePlan, Unavailable, known_name

#: Who must act where whoever asked has to.
ASKER: Final = "whoever asked"
ADMIN: Final = "the admin"


class Refused(Exception):
    """The request is answered with an error: status, name, words, who must act."""

    def __init__(
        self, status: int, name: str, message: str, who: str = ASKER, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.name, self.message, self.who = status, name, message, who
        self.headers = dict(headers or {})


def json_answer(document: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    answer = HttpResponse(msgspec.json.encode(document), status=status, content_type="application/json")
    answer["Cache-Control"] = "no-store"
    for name, value in (headers or {}).items():
        answer[name] = value
    return answer


def error_answer(refused: Refused) -> HttpResponse:
    words = {"error": refused.name, "message": refused.message, "who": refused.who}
    return json_answer({"error": words}, status=refused.status, headers=refused.headers)


def refusal_of(error: RollbookError, *, conflict: bool) -> Refused:
    """What an error of ours means over HTTP. `conflict`: a ConfigError is about the state of what was asked for (the
    run has ended, the hold is decided), not about what was given."""
    if isinstance(error, ChangedMeanwhile):
        return Refused(409, "ChangedMeanwhile", str(error), error.who)
    return Refused(_status(error, conflict), known_name(error), str(error), error.who)


def _status(error: RollbookError, conflict: bool) -> int:
    if isinstance(error, StalePlan):
        return 409
    if isinstance(error, ConfigError):
        return 409 if conflict else 422
    if isinstance(error, Unavailable):
        return 503
    return 502 if isinstance(error, AuthFailed | BadResponse) else 500
