"""OAuth 1.0a signatures and OAuth 2 client credentials."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote, unquote, urlsplit

import httpx2
import pytest

from rollbook.connectors.kit import Client, ClientCredentials, OAuth1, Outgoing
from rollbook.errors import AuthFailed, BadResponse, ConfigError, RollbookError, Unavailable
from tests.unit.fake_provider import context

URL = "https://sis.example/ims/users?filter=givenName%3D%27Colin%20Robert%27&limit=10"


def header(text: str) -> dict[str, str]:
    return {unquote(name): unquote(value) for name, value in re.findall(r'([\w%.~-]+)="([^"]*)"', text)}


def expected(params: dict[str, str], url: str, secret: str, digest: Callable[..., Any]) -> str:
    """RFC 5849 3.4, written out again."""

    def escape(text: str) -> str:
        return quote(text, safe="-._~")

    pairs = [*parse_qsl(urlsplit(url).query), *((k, v) for k, v in params.items() if k != "oauth_signature")]
    normal = "&".join(f"{k}={v}" for k, v in sorted((escape(k), escape(v)) for k, v in pairs))
    base = "&".join(["GET", escape(url.partition("?")[0]), escape(normal)])
    return base64.b64encode(hmac.new(f"{escape(secret)}&".encode(), base.encode(), digest).digest()).decode()


@pytest.mark.parametrize(("method", "digest"), [("HMAC-SHA1", hashlib.sha1), ("HMAC-SHA256", hashlib.sha256)])
def test_signatures(method: Any, digest: Callable[..., Any]) -> None:
    signed = OAuth1("key", "se cret&", method=method).authorize(Outgoing(method="GET", url=URL))
    found = header(signed["authorization"])
    assert found["oauth_signature"] == expected(found, URL, "se cret&", digest)
    assert (found["oauth_signature_method"], found["oauth_consumer_key"]) == (method, "key")
    assert found["oauth_version"] == "1.0"


def test_plaintext_signature() -> None:
    signed = OAuth1("key", "se cret", method="PLAINTEXT", realm="Schoology API").authorize(
        Outgoing(method="GET", url=URL)
    )
    assert header(signed["authorization"])["oauth_signature"] == "se%20cret&"
    assert 'realm="Schoology API"' in signed["authorization"]


def test_nonces_are_unique_and_time_never_goes_back() -> None:
    moments = iter([1000.0, 1001.0, 999.0, *[1000.5] * 400])
    oauth = OAuth1("key", "secret", clock=lambda: next(moments))
    with ThreadPoolExecutor(8) as pool:
        signed = list(pool.map(lambda _: oauth.authorize(Outgoing(method="GET", url=URL)), range(400)))
    found = [header(one["authorization"]) for one in signed]
    assert len({one["oauth_nonce"] for one in found}) == 400
    assert {one["oauth_timestamp"] for one in found} <= {"1000", "1001"}
    assert found[-1]["oauth_timestamp"] == "1001"


def test_nothing_shows_the_secret(tmp_path: Path) -> None:
    assert "hush" not in repr(OAuth1("key", "hush"))
    assert "hush" not in repr(credentials(tmp_path, lambda request: httpx2.Response(500)))


def credentials(tmp_path: Path, handle: Callable[[httpx2.Request], httpx2.Response], **more: Any) -> ClientCredentials:
    client = Client(
        "https://sis.example/token", context(tmp_path), name="the token address", transport=httpx2.MockTransport(handle)
    )
    return ClientCredentials("key", "hush:&", client=client, scope="a b", **more)


def bearer(found: ClientCredentials) -> str:
    return found.authorize(Outgoing(method="GET", url=URL))["authorization"]


def token(**more: Any) -> httpx2.Response:
    return httpx2.Response(200, json={"access_token": "t1", "token_type": "bearer", "expires_in": 3600, **more})


@pytest.mark.parametrize("style", ["basic", "body", "query"])
def test_styles_of_token_requests(tmp_path: Path, style: Any) -> None:
    asked: list[httpx2.Request] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return token()

    assert bearer(credentials(tmp_path, handle, style=style)) == "Bearer t1"
    request = asked[0]
    form, query = parse_qs(request.content.decode()), parse_qs(request.url.query.decode())
    sent = query if style == "query" else form
    assert sent["grant_type"] == ["client_credentials"]
    assert sent["scope"] == ["a b"]
    if style == "basic":
        pair = base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
        assert pair == "key:hush%3A%26"
        assert "client_secret" not in form
    else:
        assert sent["client_secret"] == ["hush:&"]
        assert "authorization" not in request.headers


def test_a_token_is_kept_and_renewed_before_it_ends(tmp_path: Path) -> None:
    now, given = [0.0], []

    def handle(request: httpx2.Request) -> httpx2.Response:
        given.append(1)
        return token(access_token=f"t{len(given)}", expires_in="600", scope="a")

    found = credentials(tmp_path, handle, clock=lambda: now[0])
    assert [bearer(found), bearer(found)] == ["Bearer t1"] * 2
    assert found.granted == ("a",)
    now[0] = 545.0
    assert bearer(found) == "Bearer t2"


def test_many_threads_fetch_one_token(tmp_path: Path) -> None:
    given: list[int] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        given.append(1)
        return token(access_token=f"t{len(given)}")

    found = credentials(tmp_path, handle)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: bearer(found), range(20))) == {"Bearer t1"}
        # All were refused together: the first renewal is enough for the others.
        list(pool.map(lambda _: found.renew({"authorization": "Bearer t1"}) and bearer(found), range(20)))
    assert bearer(found) == "Bearer t2"
    assert len(given) == 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx2.Response(401, json={"error": "invalid_client", "error_description": "Ada hush"}), AuthFailed),
        (httpx2.Response(400, json={"error": "unauthorized_client"}), AuthFailed),
        (httpx2.Response(400, json={"error": "invalid_scope"}), ConfigError),
        (httpx2.Response(403, html="<h1>Ada</h1>"), AuthFailed),
        (httpx2.Response(404), BadResponse),
        (httpx2.Response(500), Unavailable),
        (httpx2.Response(200, html="<h1>Ada</h1>"), BadResponse),
        (httpx2.Response(200, json=["Ada"]), BadResponse),
        (httpx2.Response(200, json={"token_type": "bearer"}), BadResponse),
        (httpx2.Response(200, json={"access_token": "a\nb"}), BadResponse),
        (httpx2.Response(200, json={"access_token": 7}), BadResponse),
        (httpx2.Response(200, json={"access_token": "a", "token_type": "mac"}), BadResponse),
    ],
)
def test_token_answers_are_checked(tmp_path: Path, answer: httpx2.Response, error: type[RollbookError]) -> None:
    found = credentials(tmp_path, lambda request: answer)
    with pytest.raises(error) as caught:
        bearer(found)
    assert "Ada" not in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "more", [{"token_type": "Bearer"}, {"expires_in": None}, {"expires_in": "soon"}, {"scope": ["a"]}]
)
def test_tolerated_token_answers(tmp_path: Path, more: dict[str, Any]) -> None:
    assert bearer(credentials(tmp_path, lambda request: token(**more))) == "Bearer t1"
