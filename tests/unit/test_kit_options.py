"""Options of a connection: described, parsed, and never shown with their secrets."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from msgspec import Meta

from rollbook.connectors.kit import Options, describe, option, parse, redact
from rollbook.errors import ConfigError


class Sample(Options, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: Annotated[str, option("Address", "Where it is.")]
    secret: Annotated[str, Meta(min_length=4), option("Secret", "What only you know.", secret=True)] = ""
    mode: Annotated[Literal["a", "b"], option("Mode", "How.")] = "a"
    size: Annotated[int, Meta(ge=1), option("Size", "How much.")] = 5
    limiter: bool = True


def test_described() -> None:
    found = {one.name: one for one in describe(Sample)}
    assert list(found) == ["url", "secret", "mode", "size", "limiter"]
    assert (found["url"].label, found["url"].required, found["url"].kind) == ("Address", True, "text")
    assert (found["secret"].secret, found["secret"].default) == (True, "")
    assert (found["mode"].kind, found["mode"].choices) == ("choice", ("a", "b"))
    assert (found["size"].kind, found["size"].default) == ("number", 5)
    assert found["limiter"].kind == "flag"


def test_secrets_are_not_shown() -> None:
    sample = Sample(url="https://x", secret="hush")
    assert redact(sample)["secret"] == "********"
    assert redact(Sample(url="https://x"))["secret"] == ""
    assert "hush" not in repr(sample)
    assert "hush" not in str(list(sample.__rich_repr__()))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "url"),
        ({"url": 5}, "url"),
        ({"url": "u", "mode": "c"}, "mode"),
        ({"url": "u", "size": 0}, "size"),
        ({"url": "u", "extra": 1}, "extra"),
        ({"url": "u", "secret": "abc"}, "secret"),
    ],
)
def test_bad_options_are_named(values: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parse(Sample, values)


def test_a_secret_is_never_quoted() -> None:
    with pytest.raises(ConfigError) as caught:
        parse(Sample, {"url": "u", "mode": "hush", "secret": "hush"})
    assert "hush" not in str(caught.value)
