"""What a call and an answer look like, paging and bulk answers; knows no kind of record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from rollbook.practice.lms.lms import Lms

BULK_MOST = 50
ARCHIVED = 5
Json = dict[str, Any]


class Refused(Exception):
    """A call, or one item of a bulk call, that is not carried out; `status` is an HTTP status."""

    def __init__(self, status: int, message: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass
class Reply:
    """`data` becomes JSON; without it, `text` is the body."""

    status: int = 200
    data: Any = None
    text: str = ""
    kind: str = "text/plain; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Call:
    """One request after its signature was checked, by which `key` and for which `token` ("" for none). `ids` are the
    path's numbers in order, `code` its text."""

    lms: Lms
    method: str
    path: str
    template: str
    ids: list[int]
    code: str
    query: dict[str, str]
    body: Any
    actor: int
    base: str
    crash_after: bool = False
    key: str = ""
    token: str = ""

    def flag(self, name: str) -> bool:
        return is_on(self.query.get(name))

    def words(self, name: str, *, most: int = BULK_MOST) -> list[str]:
        """A comma list in the query. Raises Refused with 400 if it is longer than `most`."""
        found = [word.strip() for word in self.query.get(name, "").split(",") if word.strip()]
        if len(found) > most:
            raise Refused(400, f"{name}: a maximum of {most} values is allowed")
        return found

    def id_list(self, name: str) -> list[int]:
        return [as_id(word, name) for word in self.words(name)]

    def fault(self, name: str) -> Json | None:
        return self.lms.faults.hit(name, self.method, "/v1/" + self.path)


Handler = Callable[[Call], Reply]
Routes = Mapping[tuple[str, str], Handler]


def is_on(value: Any) -> bool:
    return value is True or str(value) == "1" or str(value).lower() == "true"


def blank(value: Any) -> bool:
    """Both "" and null mean "not set"."""
    return value is None or value == ""


def text_of(value: Any) -> str:
    return "" if value is None else str(value).strip()


def as_id(value: Any, name: str) -> int:
    """A number or a text of digits. Raises Refused with 400."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().isdecimal():
        return int(value)
    raise Refused(400, f"{name} is not a valid id")


def as_ids(value: Any, name: str) -> list[int]:
    """A list, a comma list or one id, without repeats, in order."""
    if blank(value):
        return []
    parts = value if isinstance(value, list) else str(value).split(",")
    return list(dict.fromkeys(as_id(part, name) for part in parts if not blank(part)))


def as_number(value: Any, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise Refused(400, f"{name} is not a number") from None


def an_object(body: Any) -> Json:
    if not isinstance(body, dict):
        raise Refused(400, "The request body is not a valid object")
    return body


def page(call: Call, key: str, total: int, fetch: Callable[[int, int], Sequence[Json]]) -> Reply:
    """One page of a collection; `fetch` takes limit and offset."""
    settings = call.lms.settings
    start = _number(call.query.get("start"), 0)
    limit = min(_number(call.query.get("limit"), settings.default_limit) or 1, settings.max_limit)
    items = list(fetch(limit, _faulty_start(call, start)))
    if call.fault("empty"):
        total, items = 0, []
    if call.fault("half_page"):
        items = items[: len(items) // 2]
    links = {"self": _link(call, start, limit)}
    if start + limit < total:
        links["next"] = _link(call, start + limit, limit)
    elif settings.last_next != "omit":
        links["next"] = None if settings.last_next == "null" else ""  # type: ignore[assignment] # as seen
    if call.fault("missing_key"):
        key = "items"
    wrong = call.fault("wrong_total")
    total += int(wrong["by"]) if wrong else 0
    return Reply(data={key: items, "total": str(total), "links": links})


def _faulty_start(call: Call, start: int) -> int:
    if start and call.fault("repeat_page"):
        return 0
    drift = call.fault("drift") if start else None
    return start + int(drift["rows"]) if drift else start


def _number(value: str | None, default: int) -> int:
    return int(value) if value and value.isdecimal() else default


def _link(call: Call, start: int, limit: int) -> str:
    rest = {name: value for name, value in call.query.items() if name not in {"start", "limit"}}
    return f"{call.base}/{call.path}?{urlencode({**rest, 'start': start, 'limit': limit})}"


def bulk_items(body: Any, plural: str, singular: str) -> list[Any] | None:
    """The items of a bulk call, None for a single one. Raises Refused with 400 above 50 items.

    The wrapper is plural → singular; an object in place of a one-item list is accepted.
    """
    if not isinstance(body, dict):
        raise Refused(400, "The request body is not a valid object")
    inner = body.get(plural, body)
    if not isinstance(inner, dict) or singular not in inner:
        if plural in body:
            raise Refused(400, f"{plural}.{singular} is missing")
        return None
    items = inner[singular]
    items = items if isinstance(items, list) else [items]
    if len(items) > BULK_MOST:
        raise Refused(400, f"A maximum of {BULK_MOST} items is allowed")
    return items


def bulk(call: Call, key: str, items: list[Any], do: Callable[[Call, Json], Json], *, echo: Sequence[str]) -> Reply:
    """Do each item by itself and answer 207 with one result per item, in request order."""
    if call.fault("half_done"):
        call.crash_after = True
        items = items[: len(items) // 2]
    refuse = call.fault("refuse_items")
    results: list[Json] = []
    for number, item in enumerate(items, 1):
        if refuse and number % int(refuse["each"]) == 0:
            results.append(_failed(item, Refused(int(refuse["code"]), str(refuse["message"])), echo))
        else:
            results.append(one_result(call, item, do, echo=echo))
    if call.fault("short_answer"):
        results = results[:-1]
    return Reply(call.lms.settings.bulk_put_status if call.method == "PUT" else 207, {key: results})


def one_result(call: Call, item: Any, do: Callable[[Call, Json], Json], *, echo: Sequence[str]) -> Json:
    """The result of one item, whether it was carried out or not."""
    try:
        with call.lms.store.part():
            return {"response_code": 200, **do(call, an_object(item))}
    except Refused as refused:
        return _failed(item, refused, echo)


def _failed(item: Any, refused: Refused, echo: Sequence[str]) -> Json:
    own = {name: item[name] for name in echo if name in item} if isinstance(item, dict) else {}
    return {"response_code": refused.status, "message": refused.message or "Record not found", **own}
