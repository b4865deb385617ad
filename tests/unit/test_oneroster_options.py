"""Options and partner rows, worked out to addresses, credentials and paging."""

from __future__ import annotations

from typing import Any

import pytest

from rollbook.connectors.kit import describe, parse
from rollbook.connectors.oneroster_rest import CONNECTOR
from rollbook.connectors.oneroster_rest.options import OneRosterOptions, Setup, work_out
from rollbook.connectors.oneroster_rest.partners import PARTNERS
from rollbook.errors import ConfigError


def setup(**values: Any) -> Setup:
    return work_out(
        parse(OneRosterOptions, {"base_url": "https://sis.example", "key": "k", "secret": "hush", **values})
    )


def test_the_settings_of_the_design() -> None:
    found = setup(
        partner="generic-1.1", base_url="https://sis.example/ims/oneroster/v1p1/", token_url="https://sis.example/token",
        auth="oauth2",
    )  # fmt: skip
    assert found.base_url == "https://sis.example/ims/oneroster/v1p1"
    assert found.token_url == "https://sis.example/token"
    assert found.version.name == "1.1"
    assert found.scope == "https://purl.imsglobal.org/spec/or/v1p1/scope/roster-core.readonly"


@pytest.mark.parametrize(
    ("partner", "base_url", "token_url"),
    [
        ("aeries", "/aeries/ims/oneroster/v1p1", "/aeries/ims/oneroster/v1p1/token"),
        ("genesis", "/genesis/ims/oneroster/v1p1", "/genesis/token"),
        ("schooltool", "/STAPIService/ims/oneroster/v1p1", "/STAPIService/ims/oneroster/v1p1/token"),
    ],
)
def test_a_host_alone_gets_the_partners_paths(partner: str, base_url: str, token_url: str) -> None:
    found = setup(partner=partner)
    assert found.base_url == f"https://sis.example{base_url}"
    assert found.token_url == f"https://sis.example{token_url}"


def test_the_version_is_that_of_the_address() -> None:
    address = "https://sis.example/ims/oneroster/rostering/v1p2"
    assert setup(base_url=address, token_url="https://sis.example/t").version.name == "1.2"
    assert setup(partner="generic-1.2", token_url="https://x.example/t").base_url == address
    assert setup(version="1.2", token_url="https://x.example/t").base_url == address


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "token_url"),
        ({"partner": "infinite-campus"}, "token_url"),
        ({"partner": "generic-1.2", "auth": "oauth1"}, "OAuth 1"),
        ({"partner": "nobody"}, "partner"),
        ({"auth": "oauth1", "endpoints": {"demographics": "x"}}, "demographics"),
        ({"auth": "oauth1", "secret": ""}, "secret"),
    ],
)
def test_what_does_not_fit_is_named(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        setup(**values)
    assert "hush" not in str(caught.value)


def test_page_size_keeps_to_the_partners_cap() -> None:
    assert setup(partner="powerschool", auth="oauth1", page_size=5000).page_size == 1000
    assert setup(auth="oauth1", page_size=5000).page_size == 5000


def test_headers_are_filled_in() -> None:
    found = setup(auth="oauth1", headers={"x-vendor-authorization": "{key}:{secret}"})
    assert found.headers == {"x-vendor-authorization": "k:hush"}
    assert "hush" not in repr(found.options)


def test_scopes() -> None:
    assert setup(auth="oauth1", scopes="-").scope == ""
    assert setup(auth="oauth1", scopes="a b").scope == "a b"


def test_partners_and_options_are_described() -> None:
    options = {one.name: one for one in describe(CONNECTOR.options)}
    assert set(options["partner"].choices) == set(PARTNERS)
    assert all(one.label and one.help for one in options.values())
    assert {name for name, one in options.items() if one.secret} == {"secret", "headers"}
    assert {"infinite-campus", "powerschool", "skyward", "aeries", "synergy", "eschoolplus", "focus", "genesis",
            "blackbaud", "classlink", "schooltool", "generic-1.1", "generic-1.2"} == set(PARTNERS)  # fmt: skip
