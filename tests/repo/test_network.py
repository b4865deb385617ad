"""Tests cannot reach the network; the machine itself they can."""

from __future__ import annotations

import socket
import threading

import httpx2
import pytest
from pytest_socket import SocketConnectBlockedError

OUTSIDE = "192.0.2.1"  # TEST-NET-1 (RFC 5737): belongs to nobody


def test_other_addresses_are_blocked() -> None:
    with socket.socket() as client, pytest.raises(SocketConnectBlockedError):
        client.connect((OUTSIDE, 80))


def test_names_are_not_looked_up() -> None:
    with pytest.raises(socket.gaierror, match="tests look no names up"):
        socket.getaddrinfo("sis.example", 443)


def test_the_http_client_is_blocked_too() -> None:
    with httpx2.Client(trust_env=False) as client, pytest.raises((SocketConnectBlockedError, httpx2.ConnectError)):
        client.get(f"http://{OUTSIDE}/")


def test_this_machine_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=lambda: server.accept()[0].close())
        thread.start()
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=5).close()
        thread.join()


def test_unix_sockets_work() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(b"hello")
        assert theirs.recv(5) == b"hello"
