"""No body is endless: counted by what is said and by what comes, before anybody is asked who they are."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import pytest

from rollbook.web.bounds import MIB, Bounded
from tests.patience import LONG
from tests.web.people import Person


async def _reads_all(scope: Any, receive: Any, send: Any) -> None:
    got = 0
    while True:
        message = await receive()
        got += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(got).encode()})


async def _somebody(scope: Any) -> bool:
    return True


async def _nobody(scope: Any) -> bool:
    return False


def _ask(path: str, pieces: Sequence[bytes], said: int | None = None, knows: Any = _somebody) -> tuple[int, bytes]:
    sent: list[Any] = []
    left = list(pieces)

    async def receive() -> Any:
        body = left.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(left)}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [] if said is None else [(b"content-length", str(said).encode())]
    scope = {"type": "http", "path": path, "headers": headers}
    asyncio.run(Bounded(_reads_all, upload_mib=40, knows=knows)(scope, receive, send))
    return sent[0]["status"], sent[-1]["body"]


@pytest.mark.parametrize(
    ("path", "most"), [("/o/maple/files/upload", 41), ("/o/maple/schools/", 16), ("/api/v1/x", 16)]
)
def test_more_than_may_come_is_refused(path: str, most: int) -> None:
    piece = b"x" * MIB
    assert _ask(path, [piece] * most) == (200, str(most * MIB).encode())
    status, words = _ask(path, [piece] * (most + 1))
    assert (status, b"too large" in words) == (413, True)
    assert _ask(path, [b""], said=most * MIB + 1)[0] == 413


def test_strangers_send_no_large_files() -> None:
    piece = b"x" * MIB
    assert _ask("/o/maple/files/upload", [piece] * 16, knows=_nobody)[0] == 200
    assert _ask("/o/maple/files/upload", [piece] * 17, knows=_nobody)[0] == 413
    assert _ask("/o/maple/files/upload", [b""], said=17 * MIB, knows=_nobody)[0] == 413


def _uploads(site: Any, cookie: str, patience: float = LONG) -> bytes:
    """The first bytes of the answer to a large file that is announced and does not come whole; none if there is no
    answer for so many seconds."""
    parts = urlsplit(site.address)
    head = f"POST /o/maple/files/upload HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\nContent-Length: {20 * MIB}\r\n\r\n"
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=patience) as link:
        link.sendall(head.encode())
        try:
            return link.recv(12)
        except TimeoutError:
            return b""


def test_a_session_tells_who_is_no_stranger(site: Any, ann: Person) -> None:
    session = ann.client.cookies["rollbook_session"].value
    odd = 'theirs={"a": [1]}; ;=; "'
    assert _uploads(site, f"{odd}; rollbook_session={session}", patience=1) == b"", "it waits for the rest"
    for cookie in (
        "rollbook_session=made-up",
        "rollbook_session=",
        "other=1",
        odd,
        f"rollbook_session={session}x",
    ):
        assert _uploads(site, cookie) == b"HTTP/1.1 413", cookie


def test_the_served_site_refuses_it(site: Any) -> None:
    """Through uvicorn: a body that is said to be endless is not waited for."""
    parts = urlsplit(site.address)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=LONG) as link:
        link.sendall(b"POST /o/maple/schools/ HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
        assert link.recv(64).startswith(b"HTTP/1.1 413")
