"""Sends one request over httpx2 and tells what a failure means; never retries, never names more than the
host."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2

from rollbook.connectors.base import Context
from rollbook.connectors.kit.allowance import ENDLESS, Allowance, Allowances
from rollbook.connectors.kit.hosts import check_address
from rollbook.connectors.kit.plain import Plain, PlainAnswer
from rollbook.connectors.kit.plain_connection import Wait
from rollbook.errors import BadResponse, ConfigError, RollbookError, Unavailable

#: A body larger than this is an attack or a mistake, not a page.
_MOST_BYTES: Final = 512 * 1024 * 1024
_LONGEST_BODY: Final = 900.0
_LONGEST_CONNECT: Final = 15.0


class Failure(Exception):
    """One attempt that brought nothing. `error` is what to raise in the end; `repeatable`: another try may
    help; `lost`: the other side may have acted on the request; `status` and `asked` (seconds of silence that
    the other side wants) where an answer came."""

    def __init__(
        self,
        error: RollbookError,
        *,
        repeatable: bool,
        lost: bool,
        status: int | None = None,
        asked: float | None = None,
    ) -> None:
        super().__init__(str(error))
        self.error, self.repeatable, self.lost = error, repeatable, lost
        self.status, self.asked = status, asked


class Wire:
    """A connection pool to one host."""

    def __init__(
        self,
        base_url: str,
        context: Context,
        *,
        name: str,
        timeout: float,
        connections: int,
        transport: httpx2.BaseTransport | None,
        plain: bool = False,
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        """`plain`: over connections of our own, which are faster at large bodies and at many small calls. A body of
        more than `most_bytes` is not read to its end."""
        self._context, self._name, self._most_bytes = context, name, most_bytes
        self._host = urlsplit(base_url).hostname or ""
        self._proxied = _proxied(base_url)
        self._patience = min(timeout, _LONGEST_CONNECT), timeout
        self._allowances = Allowances(self._late)
        self._http = httpx2.Client(
            limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=connections),
            follow_redirects=False,
            trust_env=self._proxied,
            verify=_tls() if self._proxied or _may_come_to_tls(base_url) else _no_tls(),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # it keeps none: several people share it
            transport=transport,
        )
        self._plain: Plain | None = None
        if plain and transport is None and not self._proxied:
            self._plain = Plain(connections=connections, tls=_tls, check_peer=self._check_address)

    def close(self) -> None:
        self._http.close()
        if self._plain is not None:
            self._plain.close()

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        allowance: Allowance = ENDLESS,
        stops: bool = True,
    ) -> tuple[int, httpx2.Headers, bytes]:
        """Status, headers and the whole body, in the time that is left of `allowance`. `stops`: it may be cancelled
        midway, which for a write would leave nobody knowing whether it was done. Raises Failure, or ConfigError for an
        address that must not be called."""
        check = self._context.cancel.check if stops else object
        try:
            with (
                self._allowances.given(allowance),
                self._answer(method, url, headers, body, Wait(*self._patience, allowance, check)) as response,
            ):
                return response.status_code, response.headers, self._read(response, check)
        except httpx2.HTTPError as error:
            raise self._failure(error) from None
        except httpx2.InvalidURL:
            raise ConfigError(f"the address of {self._host} in the settings is not a valid URL") from None

    @contextmanager
    def _answer(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, wait: Wait
    ) -> Iterator[httpx2.Response | PlainAnswer]:
        """An answer whose body is still to be read."""
        self._allowances.check()
        if self._plain is not None:
            with self._plain.ask(method, url, headers, body, wait=wait) as answer:
                yield answer
            return
        request = self._http.build_request(
            method,
            url,
            headers=dict(headers),
            content=body or None,
            timeout=httpx2.Timeout(wait.allowance.at_most(wait.silence), connect=wait.allowance.at_most(wait.connect)),
            extensions={"trace": self._watch},
        )
        response = self._http.send(request, stream=True)
        try:
            yield response
        finally:
            response.close()

    def _read(self, response: httpx2.Response | PlainAnswer, check: Callable[[], object]) -> bytes:
        if "," in response.headers.get("content-encoding", ""):  # packed twice, a few bytes fill the memory at once
            raise Failure(BadResponse(f"{self._host} packed a body more than once"), repeatable=False, lost=True)
        chunks: list[bytes] = []
        size, checked = 0, time.monotonic()
        deadline = checked + _LONGEST_BODY
        for chunk in response.iter_bytes():
            chunks.append(chunk)
            size += len(chunk)
            if size > self._most_bytes:
                raise Failure(BadResponse(f"{self._host} sent an endless body"), repeatable=False, lost=True)
            now = time.monotonic()
            if now - checked > 0.5:
                check()
                checked = now
            if now > deadline:
                raise Failure(Unavailable(f"{self._host} is too slow"), repeatable=False, lost=True)
            self._allowances.check()
        return b"".join(chunks)

    def _watch(self, event: str, info: Mapping[str, Any]) -> None:
        """Called by httpcore2 as a connection comes to be, before anything is sent over it: the address that a name
        resolved to is judged here, so that a name cannot be pointed elsewhere after a check; and each connection is
        bound to the time that calls have."""
        if event.endswith(("connect_tcp.started", "start_tls.started")):
            self._allowances.check()
        elif event.endswith("connect_tcp.complete"):
            self._check_peer(info["return_value"])
            self._allowances.bind(info["return_value"])
        elif event.endswith("start_tls.complete"):
            self._allowances.bind(info["return_value"])

    def _check_peer(self, stream: Any) -> None:
        try:
            self._check_address(str(stream.get_extra_info("server_addr")[0]))
        except ConfigError:
            stream.close()
            raise

    def _check_address(self, peer: str) -> None:
        if not (self._context.allow_private_hosts or self._proxied):
            check_address(peer, allow_private_hosts=False, host=self._host)

    def _late(self) -> Failure:
        return Failure(Unavailable(f"{self._name} did not answer in time"), repeatable=True, lost=True)

    def _failure(self, error: httpx2.HTTPError) -> Failure:
        host = self._name
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout | httpx2.ProxyError):
            if _certificate(error):
                words = f"the TLS certificate of {host} cannot be verified"
                return Failure(Unavailable(words), repeatable=False, lost=False)
            if _plain(error):
                words = f"{host} does not answer in https; check http or https in its address"
                return Failure(ConfigError(words), repeatable=False, lost=False)
            words = f"{host} cannot be reached; check its address if that stays so"
            return Failure(Unavailable(words), repeatable=True, lost=False)
        if isinstance(error, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError):
            words = f"a request to {host} could not be made; check address, key and headers"
            return Failure(ConfigError(words), repeatable=False, lost=False)
        if isinstance(error, httpx2.TimeoutException):
            return self._late()
        if isinstance(error, httpx2.DecodingError):
            return Failure(BadResponse(f"{host} sent a body that cannot be unpacked"), repeatable=True, lost=True)
        return Failure(Unavailable(f"the connection to {host} broke"), repeatable=True, lost=True)


@cache
def _tls() -> ssl.SSLContext:
    """One for all connections: loading the certificates of the authorities takes a while."""
    return httpx2.create_ssl_context()


@cache
def _no_tls() -> ssl.SSLContext:
    """Trusts no authority, and so loads none."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _may_come_to_tls(url: str) -> bool:
    """Is it https, or can a redirect step up to it? That goes from one standard port to the other (`kit.hosts`)."""
    parts = urlsplit(url)
    return parts.scheme != "http" or (parts.port or 80) == 80


def _certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _plain(error: BaseException | None) -> bool:
    """Did the other side speak something else than TLS?"""
    while error is not None:
        if isinstance(error, ssl.SSLError) and error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
            return True
        error = error.__cause__ or error.__context__
    return False


def _proxied(url: str) -> bool:
    """Does the environment send calls to this URL through a proxy? Never for this machine itself."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in ("localhost", "127.0.0.1", "::1"):
        return False
    proxies = getproxies()
    return bool(proxies.get(parts.scheme) or proxies.get("all")) and not proxy_bypass(host)
