"""What an admin sets. One declaration makes the form, the prompts, the docs and the redaction of secrets."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from rollbook.connectors.kit import Options, option

PageSize = Annotated[int, Meta(ge=1, le=10_000)]
SliceSize = Annotated[int, Meta(ge=7, le=100_000)]


class MemoryOptions(Options, frozen=True, kw_only=True):
    """Options of a memory connection. A real connector would ask for an address and credentials here; this one asks
    for a key too, to show how a secret is declared and to be able to refuse it."""

    space: Annotated[str, option("Space", "Name of the state; connections of one name share it.")] = "default"
    key: Annotated[str, option("Key", "Must be the key of the space.", secret=True)] = "memory"
    page_size: Annotated[PageSize, option("Page size", "Records of one page of the source.")] = 100
    slice_size: Annotated[SliceSize, option("Slice size", "Most changes of one slice of a plan.")] = 140
