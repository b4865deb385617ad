"""The certificates of authorities are loaded where a call may go over TLS, and nowhere else."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from rollbook.connectors.kit import Client, transport
from tests.unit.fake_provider import context


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []

    def load() -> ssl.SSLContext:
        found.append("authorities")
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    monkeypatch.setattr(transport, "_tls", load)
    return found


@pytest.mark.parametrize(
    ("url", "loads"),
    [
        ("https://sis.example/ims", True),
        ("https://sis.example:8443/ims", True),
        ("http://sis.example/ims", True),  # a redirect may step up to https
        ("http://sis.example:80/ims", True),
        ("http://127.0.0.1:8000/ims", False),
    ],
)
def test_authorities_are_loaded_where_tls_is_spoken(url: str, loads: bool, loaded: list[str], tmp_path: Path) -> None:
    with Client(url, context(tmp_path), name="the SIS"):
        assert loaded == (["authorities"] if loads else [])


def test_where_none_are_loaded_nobody_is_trusted() -> None:
    nobody = transport._no_tls()
    assert nobody.verify_mode is ssl.CERT_REQUIRED
    assert nobody.check_hostname
    assert not nobody.get_ca_certs()
