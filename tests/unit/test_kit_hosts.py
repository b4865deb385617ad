"""Which addresses Rollbook may call."""

from __future__ import annotations

import pytest

from rollbook.connectors.kit import check_address, check_url, same_origin
from rollbook.errors import ConfigError


@pytest.mark.parametrize(
    "url",
    ["https://sis.example/ims", "https://8.8.8.8/", "https://[2606:4700::1111]:8443/x", "https://[64:ff9b::8.8.8.8]/"],
)
def test_public_https_is_fine(url: str) -> None:
    check_url(url, allow_private_hosts=False)


@pytest.mark.parametrize(
    "url",
    ["http://sis.example/", "https://127.0.0.1/", "https://localhost/", "https://10.1.2.3/", "https://192.168.0.1/",
     "https://[::1]/", "https://[fd12::1]/", "https://[::ffff:10.0.0.1]/", "https://100.64.0.1/",
     "https://[64:ff9b::10.0.0.1]/", "https://[2002:a00:1::1]/"],
)  # fmt: skip
def test_private_and_plain_need_permission(url: str) -> None:
    with pytest.raises(ConfigError):
        check_url(url, allow_private_hosts=False)
    check_url(url, allow_private_hosts=True)


@pytest.mark.parametrize(
    "url",
    ["https://169.254.169.254/latest", "https://[fe80::1]/", "https://0.0.0.0/", "https://224.0.0.1/",
     "https://[fd00:ec2::254]/", "https://[::ffff:169.254.169.254]/", "https://100.100.100.200/",
     "https://[64:ff9b::169.254.169.254]/", "https://[2002:a9fe:a9fe::1]/",
     "ftp://sis.example/", "sis.example/ims", "https://", "https://user:hush@sis.example/", "https://sis.example:x/"],
)  # fmt: skip
def test_never(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_url(url, allow_private_hosts=True)
    assert "hush" not in str(caught.value)


def test_resolved_addresses() -> None:
    check_address("8.8.8.8", allow_private_hosts=False, host="sis.example")
    with pytest.raises(ConfigError, match=r"sis\.example"):
        check_address("10.0.0.1", allow_private_hosts=False, host="sis.example")
    with pytest.raises(ConfigError):
        check_address("169.254.1.1", allow_private_hosts=True)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.example/x", "https://A.example:443/y", True),
        ("http://a.example/x", "https://a.example/y", True),
        ("https://a.example/x", "http://a.example/y", False),
        ("https://a.example/x", "https://b.example/y", False),
        ("https://a.example/x", "https://a.example:444/y", False),
    ],
)
def test_same_origin(one: str, other: str, same: bool) -> None:
    assert same_origin(one, other) is same
