"""Talks OneRoster REST: signs in, asks for one page at a time, reads paging headers. Judges no
completeness."""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx2

from rollbook.connectors.base import Context
from rollbook.connectors.kit import (
    Answer,
    Auth,
    BadStatus,
    Client,
    ClientCredentials,
    CreditLimiter,
    OAuth1,
    Outgoing,
    SignatureMethod,
    same_origin,
)
from rollbook.connectors.oneroster_rest.ids import Id, MissingEnvelope, NotJson, loose_json, page_ids
from rollbook.connectors.oneroster_rest.options import Setup, path
from rollbook.connectors.oneroster_rest.tables import fields

#: Longer numbers count nothing.
_DIGITS: Final = 15
_LINK: Final = re.compile(r"<([^<>]*)>([^<]*?)(?:,\s*(?=<)|$)")


@dataclass(frozen=True, kw_only=True)
class Next:
    """Where the provider says the next page is; `offset` None when the link is not by offset."""

    url: str
    offset: int | None


@dataclass(frozen=True, kw_only=True)
class Place:
    """A list of the SIS: its `path` below the base address (or a whole address of the same host), the `key` that holds
    its records, `fields` to ask for (none: all). `name` is the words for it, under which it is also remembered what the
    SIS refuses. Statuses in `missing` mean that it has no such list; they raise BadStatus."""

    path: str
    key: str
    name: str
    fields: tuple[str, ...] = ()
    missing: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """One page as it came. `offset` is what was asked for, `total` what the provider says there is in all.

    `linked`: it sends Link headers at all; `more`: one of them says that there is a next page, though `next` is None
    when it leads to another host. `live` is False for a page that an earlier attempt had fetched.
    """

    body: bytes
    ids: list[Id]
    offset: int
    total: int | None = None
    next: Next | None = None
    linked: bool = False
    more: bool = False
    date: datetime | None = None
    live: bool = True


class AnySignature:
    """OAuth 1 with the first signature method that the provider takes: it is not told which one that is."""

    def __init__(self, key: str, secret: str, methods: tuple[SignatureMethod, ...]) -> None:
        self._signers = [OAuth1(key, secret, method=method) for method in methods]
        self._lock = threading.Lock()

    def authorize(self, outgoing: Outgoing) -> Mapping[str, str]:
        return self._signers[0].authorize(outgoing)

    def renew(self, used: Mapping[str, str]) -> bool:
        """Refused: forget the method that was used, unless another thread did so already."""
        method = re.search(r'oauth_signature_method="([^"]*)"', used.get("authorization", ""))
        with self._lock:
            if len(self._signers) > 1 and method and method[1] in repr(self._signers[0]):
                self._signers.pop(0)
                return True
            return method is not None and method[1] not in repr(self._signers[0])


class Api:
    """A OneRoster provider, for several threads. Raises what the kit raises."""

    def __init__(self, setup: Setup, context: Context, *, transport: httpx2.BaseTransport | None = None) -> None:
        self.setup = setup
        options = setup.options
        self.credentials: ClientCredentials | None = None
        auth: Auth
        if options.auth == "oauth2":
            token = Client(
                setup.token_url, context, name="the token address of the SIS", timeout=options.timeout,
                transport=transport,
            )  # fmt: skip
            auth = self.credentials = ClientCredentials(
                options.key, options.secret, client=token, style=setup.token_style, scope=setup.scope
            )
        else:
            auth = AnySignature(options.key, options.secret, setup.signature_methods)
        a_minute = options.requests_per_minute
        self._client = Client(
            setup.base_url, context, name="the SIS", auth=auth, headers=setup.headers,
            timeout=options.timeout, connections=max(setup.parallel, 1) + 1, transport=transport,
            limiter=CreditLimiter(a_minute, 60.0) if a_minute else None, plain=True,
        )  # fmt: skip
        self._fewer: dict[str, int] = {}

    def close(self) -> None:
        self._client.close()
        if self.credentials is not None:
            self.credentials.close()

    def page(
        self, collection: str, offset: int, *, limit: int = 0, since: datetime | None = None, link: Next | None = None
    ) -> Fetched:
        """One page of a collection of rosters. See `page_of`."""
        asked = fields(self.setup.version, collection) if self.setup.fields else ()
        place = Place(path=path(self.setup, collection), key=collection, name=collection, fields=asked)
        return self.page_of(place, offset, limit=limit, since=since, link=link)

    def page_of(
        self, place: Place, offset: int, *, limit: int = 0, since: datetime | None = None, link: Next | None = None
    ) -> Fetched:
        """One page, by offset or by the provider's own link, to which our parameters are added again. A
        provider that refuses `fields` or `sort` (400) is asked without them, now and later. Raises
        BadResponse above all."""
        limit = limit or self.setup.page_size
        while True:
            level = self._fewer.get(place.name, 0)
            query = self._query(place, level, since)
            target, more = place.path, [("limit", str(limit)), ("offset", str(offset))]
            if link is not None:
                given = {name for name, _ in parse_qsl(urlsplit(link.url).query, keep_blank_values=True)}
                target, more = link.url, [("limit", str(limit))]
                query, more = ([one for one in pairs if one[0] not in given] for pairs in (query, more))
            answer = self._client.get(target, query=[*more, *query], what=place.name, returns=(400, *place.missing))
            if answer.ok:
                return self._fetched(place.key, answer, offset)
            if answer.status in place.missing:
                raise BadStatus(f"{answer.who} has no {place.name}", answer.status)
            if level >= len(self._optional(place)):
                raise answer.error()
            self._fewer[place.name] = level + 1

    def find(self, target: str, key: str, what: str) -> dict[str, Any] | None:
        """One object (`key` is its wrapper), None where the SIS says 404."""
        answer = self._client.get(target, what=what, returns=(404,))
        if answer.status == 404:
            return None
        try:
            body = loose_json(answer.body)
        except NotJson:
            raise answer.not_json() from None
        found = body.get(key) if isinstance(body, dict) else None
        if not isinstance(found, dict):
            raise answer.bad(f"JSON without {key!r}, which should hold the record")
        return found

    def write(self, method: str, target: str, body: Any, what: str, *, returns: Collection[int]) -> Answer:
        """A write, sent once: refusals in `returns` come back, a lost answer raises LostAnswer."""
        return self._client.request(method, target, json=body, what=what, returns=returns)

    def _optional(self, place: Place) -> list[tuple[str, str]]:
        """Parameters that a provider may refuse, the most dispensable first."""
        found = []
        if place.fields:
            found.append(("fields", ",".join(place.fields)))
        if self.setup.partner.sort:
            found.append(("sort", "sourcedId"))
        return found

    def _query(self, place: Place, level: int, since: datetime | None) -> list[tuple[str, str]]:
        query = self._optional(place)[level:]
        if ("sort", "sourcedId") in query:
            query.append(("orderBy", "asc"))
        if since is not None:
            moment = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
            query.append(("filter", f"dateLastModified>='{moment}'"))
        return query

    def _fetched(self, collection: str, answer: Answer, offset: int) -> Fetched:
        try:
            ids = page_ids(collection, answer.body)
        except NotJson:
            raise answer.not_json() from None
        except MissingEnvelope:
            raise answer.bad(f"JSON without {collection!r}, which should hold the records") from None
        url = _next(answer)
        link = url if url is not None and same_origin(self._client.base_url, url) else None
        return Fetched(
            body=answer.body, ids=ids, offset=offset, total=_total(answer, len(ids)), date=answer.date,
            next=None if link is None else Next(url=link, offset=_offset(link)),
            linked="link" in answer.headers, more=url is not None,
        )  # fmt: skip


def _next(answer: Answer) -> str | None:
    """The `next` link of RFC 8288, wherever it leads."""
    for url, attributes in _LINK.findall(answer.headers.get("link", "")):
        if re.search(r';\s*rel\s*=\s*"?next"?(\s|;|,|$)', attributes, re.IGNORECASE):
            return str(urljoin(answer.url, url.strip()))
    return None


def _offset(url: str) -> int | None:
    text = dict(parse_qsl(urlsplit(url).query)).get("offset", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else None


def _total(answer: Answer, received: int) -> int | None:
    """X-Total-Count; some providers send only x-count, which is a total when it is more than the page holds
    (of others it is the size of the page)."""
    for name in ("x-total-count", "x-count"):
        text = (answer.headers.get(name) or "").strip()
        if (
            text.isascii()
            and text.isdigit()
            and len(text) <= _DIGITS
            and (name == "x-total-count" or int(text) > received)
        ):
            return int(text)
    return None
