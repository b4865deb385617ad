"""The one HTTP client of all connectors: signs, counts, waits, retries and never shows a body, a query or a
secret."""

from __future__ import annotations

import copy
import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import TracebackType
from typing import Any, Final, Protocol, Self
from urllib.parse import parse_qsl, quote, urljoin, urlsplit, urlunsplit

import httpx2
import msgspec

from rollbook.connectors.base import Context
from rollbook.connectors.kit.allowance import Allowance
from rollbook.connectors.kit.answers import Answer
from rollbook.connectors.kit.hosts import check_url, same_origin
from rollbook.connectors.kit.limiter import Gate
from rollbook.connectors.kit.retry import CAREFUL, SAFE, LostAnswer, Retry, retry_after
from rollbook.connectors.kit.transport import Failure, Wire
from rollbook.errors import BadResponse, Throttled

for _name in ("httpx2", "httpcore2"):  # they log whole URLs, and a token call may carry secrets in its query
    logging.getLogger(_name).setLevel(logging.WARNING)

Pairs = Iterable[tuple[str, str]]

_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_MOST_HOPS: Final = 5
#: A read whose answer is not here after so many seconds, with the whole of its body, never comes.
_LONGEST_READ: Final = 1200.0
#: A fresh token may be dead again before this call's turn, where many calls share it.
_RENEWALS: Final = 6


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """One request as it will leave, for the hook that signs it. `form` says that the body is form-encoded."""

    method: str
    url: str
    body: bytes = b""
    form: bool = False


class Auth(Protocol):
    """Authorizes calls; used by several threads."""

    def authorize(self, outgoing: Outgoing) -> Mapping[str, str]:
        """Headers for exactly this attempt; called afresh for each attempt and each redirect hop."""

    def renew(self, used: Mapping[str, str]) -> bool:
        """The headers `used` were refused with 401: True when fresh ones are worth one more try."""


@dataclass(frozen=True, kw_only=True)
class _Call:
    outgoing: Outgoing
    headers: Mapping[str, str]
    retry: Retry
    what: str
    returns: frozenset[int]


class Client:
    """HTTP to one system, for several threads at once.

    `base_url` is where relative targets begin. `name` is the words for the other side in messages ("the
    SIS"). Raises ConfigError for an address that must not be called.
    """

    def __init__(
        self,
        base_url: str,
        context: Context,
        *,
        name: str,
        auth: Auth | None = None,
        limiter: Gate | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 60.0,
        connections: int = 16,
        transport: httpx2.BaseTransport | None = None,
        plain: bool = False,
    ) -> None:
        """`timeout` (seconds) holds for connecting and for each silence; an attempt to write takes no longer than
        that in all, with its redirects. `transport` replaces the network in tests. `plain`: many calls, or large
        bodies, for which the kit's own connections are faster."""
        check_url(base_url, allow_private_hosts=context.allow_private_hosts)
        self.base_url = base_url.rstrip("/")
        self.name = f"{name} ({urlsplit(base_url).hostname})"
        self._context, self._auth, self._timeout = context, auth, timeout
        self._renewals = _RENEWALS
        self._limiter = limiter or Gate()
        self._headers = {"accept": "application/json", "user-agent": "rollbook", **(headers or {})}
        self._wire = Wire(
            self.base_url, context, name=self.name, timeout=timeout, connections=connections, transport=transport,
            plain=plain,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._wire.close()

    def signed_by(self, auth: Auth, *, renewals: int = _RENEWALS) -> Self:
        """The same connections and the same rate limit, for calls that another `auth` signs and may renew so often.
        Closing either closes both."""
        twin = copy.copy(self)
        twin._auth, twin._renewals = auth, renewals
        return twin

    def get(self, target: str, *, query: Pairs = (), what: str = "", returns: Collection[int] = ()) -> Answer:
        """A GET that is repeated as long as it makes sense."""
        return self.request("GET", target, query=query, what=what, returns=returns)

    def request(
        self,
        method: str,
        target: str,
        *,
        query: Pairs = (),
        json: Any = None,
        form: Pairs | None = None,
        headers: Mapping[str, str] | None = None,
        what: str = "",
        retry: Retry | None = None,
        returns: Collection[int] = (),
    ) -> Answer:
        """One call with its redirects, renewal of credentials and retries.

        `target` is a path below the base URL, or a URL of the same origin. `what` names the thing asked for
        in error messages: no ids, no personal data. Statuses in `returns` (from 300 up, 429 excepted) are
        handed back, and redirects among them not followed; all others raise: AuthFailed, Throttled,
        Unavailable, BadStatus, BadResponse, LostAnswer
        (a write whose fate is unknown).
        """
        body, kind = _body(json, form)
        more = {**({"content-type": kind} if kind else {}), **(headers or {})}
        outgoing = Outgoing(method=method, url=self.url(target, query), body=body, form=form is not None)
        policy = retry or (SAFE if method in _READS else CAREFUL)
        call = _Call(outgoing=outgoing, headers=more, retry=policy, what=what, returns=frozenset(returns))
        return self._persist(call)

    def url(self, target: str, query: Pairs = ()) -> str:
        """The full address of a target, its query encoded by RFC 3986 as OAuth 1 signatures need it. Raises
        BadResponse for a link to another origin."""
        full = self.base_url
        if target.startswith(("http://", "https://")):
            full = target
        elif target:
            full = f"{self.base_url}/{target.lstrip('/')}"
        if not same_origin(self.base_url, full):
            raise BadResponse(f"{self.name} gave a link to another host; it is not followed")
        parts = urlsplit(full)
        pairs = [*parse_qsl(parts.query, keep_blank_values=True), *query]
        return urlunsplit((parts.scheme, parts.netloc, parts.path, encode(pairs), ""))

    def _persist(self, call: _Call) -> Answer:
        """Attempts until one counts."""
        failed, waited, renewed = 0, 0.0, 0
        while True:
            used: dict[str, str] = {}
            try:
                answer = self._follow(call, used)
            except Failure as caught:
                failure = caught
            else:
                if (
                    answer.status == 401
                    and renewed < self._renewals
                    and self._auth is not None
                    and self._auth.renew(used)
                ):
                    renewed += 1
                    continue
                if answer.ok or (answer.status in call.returns and answer.status != 429):
                    return answer
                failure = _judge(answer)
            if failure.lost and not call.retry.lost_answers:
                raise LostAnswer(f"{failure.error}; whether it was done is not known", failure.status)
            failed += 1
            waited += self._wait(call.retry, failure, failed=failed, waited=waited)

    def _wait(self, policy: Retry, failure: Failure, *, failed: int, waited: float) -> float:
        """Seconds waited before the next attempt; raises the error when no further one makes sense."""
        error, asked = failure.error, failure.asked
        throttled = isinstance(error, Throttled)
        if not failure.repeatable:
            raise error
        if asked is not None and (asked > policy.longest_wait or waited + asked > policy.total_wait):
            raise error if throttled else Throttled(str(error), asked)
        # A server that says how long to wait is asked again until `total_wait` is used up.
        if failed >= policy.attempts and not (throttled and asked is not None and policy.attempts > 1):
            raise error
        backoff = policy.backoff(failed)
        seconds = backoff if asked is None else asked + min(backoff, 0.1 * asked + 0.1)
        if throttled:
            self._limiter.refused(seconds)
        else:
            self._context.cancel.wait(seconds)
        return seconds

    def _follow(self, call: _Call, used: dict[str, str]) -> Answer:
        """One attempt with its redirects on the same host, each hop signed afresh. After the time-out no write is under
        way any more: whoever takes a run over relies on that."""
        outgoing = call.outgoing
        allowance = Allowance(_LONGEST_READ if outgoing.method in _READS else self._timeout)
        for _ in range(_MOST_HOPS + 1):
            answer = self._send(outgoing, call, used, allowance)
            location = answer.headers.get("location")
            if answer.status not in _REDIRECTS or answer.status in call.returns:
                return answer
            if not location:
                raise answer.bad("a redirect without a location")
            target = urljoin(outgoing.url, location)
            if not same_origin(outgoing.url, target):
                raise BadResponse(f"{self.name} redirects to another host; that is not followed, set its address")
            if answer.status == 303 and outgoing.method not in ("GET", "HEAD"):
                outgoing = Outgoing(method="GET", url=self.url(target))
            elif answer.status in (301, 302) and outgoing.method not in _READS:
                raise answer.bad("a redirect that does not say how to repeat a write")
            else:
                outgoing = replace(outgoing, url=self.url(target))
        raise BadResponse(f"{self.name} redirects more than {_MOST_HOPS} times")

    def _send(self, outgoing: Outgoing, call: _Call, used: dict[str, str], allowance: Allowance) -> Answer:
        cancel = self._context.cancel
        cancel.check()
        ticket = self._limiter.acquire(outgoing.method, cancel)
        try:
            used.clear()
            used.update(self._auth.authorize(outgoing) if self._auth is not None else {})
            self._limiter.leave(ticket)
            self._context.count()
            headers = {**self._headers, **call.headers, **used}
            status, received, body = self._wire.send(
                outgoing.method,
                outgoing.url,
                headers,
                outgoing.body,
                allowance=allowance,
                stops=call.retry.lost_answers,
            )
        finally:
            self._limiter.release(ticket)
        return Answer(status=status, headers=received, body=body, url=outgoing.url, who=self.name, what=call.what)


def encode(pairs: Pairs) -> str:
    """A query or form body with RFC 3986 percent-encoding (spaces as %20)."""
    return "&".join(f"{_quoted(key)}={_value(value)}" for key, value in pairs)


@lru_cache(maxsize=16_384)
def _quoted(key: str) -> str:
    """Large forms have the same names call after call; values are kept nowhere."""
    return quote(key, safe="")


def _value(text: str) -> str:
    return text if text.isascii() and text.isalnum() else quote(text, safe="")


def _judge(answer: Answer) -> Failure:
    """What an unwanted status means for a further attempt."""
    status = answer.status
    lost = status >= 500 or status == 408
    asked = retry_after(answer.headers) if status in (429, 503) else None
    return Failure(answer.error(), repeatable=lost or status == 429, lost=lost, status=status, asked=asked)


def _body(json: Any, form: Pairs | None) -> tuple[bytes, str]:
    if form is not None:
        return encode(form).encode(), "application/x-www-form-urlencoded"
    return (b"", "") if json is None else (msgspec.json.encode(json), "application/json")
