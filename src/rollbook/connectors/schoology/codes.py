"""Finds objects by their external ids, fifty a call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import quote

from rollbook.connectors.schoology.batches import BULK_MOST
from rollbook.connectors.schoology.client import SchoologyClient
from rollbook.connectors.schoology.lenient import Json


def by_codes(client: SchoologyClient, path: str, key: str, name: str, codes: Sequence[str]) -> Iterator[Json]:
    """Objects of a list that takes external ids in the parameter `name`; concluded sections too. A code with a comma
    cannot stand in the LMS's lists: it is asked for alone."""
    more = {"include_past": "1"} if path == "sections" else {}
    wanted = dict.fromkeys(code for code in codes if code.strip())
    listable = [code for code in wanted if "," not in code]
    for start in range(0, len(listable), BULK_MOST):
        query = {name: ",".join(listable[start : start + BULK_MOST]), **more}
        yield from client.whole(path, key, f"{path} by their external ids", query=query)
    for code in wanted:
        if "," in code:
            raw = client.find(f"{path}/ext/{quote(code, safe='')}", f"one of the {path}")
            if raw is not None:
                yield raw
