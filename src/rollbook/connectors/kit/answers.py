"""An answer of the other side, and what its status means. Errors name status and content type, never the
body."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar, overload

import httpx2
import msgspec

from rollbook.connectors.kit.retry import http_date, retry_after
from rollbook.errors import AuthFailed, BadResponse, RollbookError, Throttled, Unavailable
from rollbook.roster.shapes import learned

T = TypeVar("T")


class BadStatus(BadResponse):
    """An HTTP status that the caller did not expect; `status` holds it."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class ServerError(Unavailable):
    """The other side answered 5xx; `status` holds it."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Denied(AuthFailed):
    """The other side answered 401 (it does not accept who we are) or 403 (we may not do this); `status` holds it."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A whole answer. `who` and `what` are the words for messages; `url` is where it came from after
    redirects."""

    status: int
    headers: httpx2.Headers
    body: bytes = field(repr=False)
    url: str = field(repr=False)
    who: str
    what: str

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def content_type(self) -> str:
        """The media type without its parameters, "" when none is given."""
        return (self.headers.get("content-type") or "").partition(";")[0].strip().lower()[:60]

    @property
    def date(self) -> datetime | None:
        """The server's clock, when it says."""
        return http_date(self.headers.get("date"))

    @overload
    def json(self) -> Any: ...
    @overload
    def json(self, shape: type[T]) -> T: ...
    def json(self, shape: Any = Any) -> Any:
        """The body decoded into `shape`. Raises BadResponse for a web page, broken JSON or another shape."""
        try:
            return msgspec.json.decode(self.body, type=learned(shape))
        except msgspec.ValidationError:
            raise self.bad("JSON of another shape than agreed") from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise self.not_json() from None

    def not_json(self) -> BadResponse:
        """The error for a body that is no JSON; says so when it looks like a web page."""
        if self.content_type == "text/html" or self.body[:64].lstrip().startswith(b"<"):
            return self.bad("a web page (HTML or XML) instead of JSON; check the address in the settings")
        if not self.body:
            return self.bad("an empty body instead of JSON")
        return self.bad("something that is not JSON")

    def bad(self, found: str) -> BadResponse:
        """A BadResponse saying what was found instead of what was asked for."""
        kind = self.content_type or "no content type"
        return BadResponse(f"{self.who} answered with {found} ({self._asked}status {self.status}, {kind})")

    def error(self) -> RollbookError:
        """The error that this status means."""
        said = f"{self.who} answered {self.status}"
        if self.status == 401:
            return Denied(f"{said}: it does not accept our credentials{self._for}; renew key and secret", 401)
        if self.status == 403:
            return Denied(f"{said}: our credentials are not allowed to do this{self._for}; grant them access", 403)
        if self.status == 429:
            seconds = retry_after(self.headers)
            wait = "" if seconds is None else f"; it asks us to wait {seconds:.0f} seconds"
            return Throttled(f"{said}: too many calls{self._for}{wait}", 60.0 if seconds is None else seconds)
        if self.status >= 500 or self.status == 408:
            return ServerError(f"{said}: it has trouble of its own{self._for}; try again later", self.status)
        hint = "; check the address in the settings" if self.status == 404 else ""
        return BadStatus(f"{said}{self._for} ({self.content_type or 'no content type'}){hint}", self.status)

    @property
    def _for(self) -> str:
        return f" (asked for: {self.what})" if self.what else ""

    @property
    def _asked(self) -> str:
        return f"asked for: {self.what}, " if self.what else ""
